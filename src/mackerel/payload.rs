//! The JSON that goes to Mackerel and comes from it, as the API documents it; only what the
//! poller uses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who we say we are, to Mackerel as in hosts' metadata.
pub const AGENT_NAME: &str = concat!("mackerel-ecs/", env!("CARGO_PKG_VERSION"));

/// What creates or updates a host. What is absent is left out of the JSON: on an update Mackerel
/// then keeps what it has, except for `custom_identifier`, which must always be sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostParam {
    /// The host's name.
    pub name: String,
    /// The name that people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The identity, unique in the organization. An empty one would erase it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_identifier: Option<String>,
    /// Free facts about the host.
    pub meta: Value,
    /// A memo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
    /// Roles to add; an update never takes any away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub role_fullnames: Vec<String>,
    /// The network interfaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// All checks that are reported for the host; those that are not named are deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<CheckParam>>,
}

/// A network interface of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<String>,
    /// Its addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ipv4_addresses: Vec<String>,
    /// Its addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ipv6_addresses: Vec<String>,
    /// The first of its addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
}

/// A check that is reported for a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckParam {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// A memo of at most 250 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
}

/// A host as Mackerel tells it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// The name that people see.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The identity.
    #[serde(default)]
    pub custom_identifier: Option<String>,
    /// `working`, `standby`, `maintenance` or `poweroff`.
    #[serde(default)]
    pub status: String,
    /// `standard` or `micro`, as Mackerel decides.
    #[serde(default)]
    pub size: Option<String>,
    /// The memo.
    #[serde(default)]
    pub memo: Option<String>,
    /// Roles by service.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<String>>,
    /// Free facts about the host.
    #[serde(default)]
    pub meta: Value,
    /// Whether it is gone for good.
    #[serde(default)]
    pub is_retired: bool,
}

impl Host {
    /// The full names of its roles.
    pub fn role_fullnames(&self) -> impl Iterator<Item = String> {
        self.roles
            .iter()
            .flat_map(|(service, roles)| roles.iter().map(move |role| format!("{service}:{role}")))
    }
}

/// A service of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The names of its roles.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// One point of a host's metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricValue<'a> {
    /// The host.
    pub host_id: &'a str,
    /// The metric's full name.
    pub name: &'a str,
    /// Seconds since the Unix epoch.
    pub time: i64,
    /// The value; JSON has no NaN and no infinity, and neither has Mackerel.
    pub value: f64,
}

/// One point of a service's metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceMetricValue {
    /// The metric's full name.
    pub name: String,
    /// Seconds since the Unix epoch.
    pub time: i64,
    /// The value.
    pub value: f64,
}

/// How a graph of custom metrics is drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphDef {
    /// The metrics' name up to the last dot; `#` stands for one segment.
    pub name: String,
    /// The title.
    pub display_name: String,
    /// The unit.
    pub unit: &'static str,
    /// The lines.
    pub metrics: Vec<GraphDefMetric>,
}

/// A line of a graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphDefMetric {
    /// The metric's full name.
    pub name: String,
    /// The legend; `%1` stands for what `#` matched.
    pub display_name: String,
    /// Whether it is stacked on the line before.
    pub is_stacked: bool,
}

/// What a check of a host found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// The host.
    pub source: CheckSource,
    /// The check's name.
    pub name: String,
    /// `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`.
    pub status: &'static str,
    /// What it says, under 1024 characters.
    pub message: String,
    /// Seconds since the Unix epoch.
    pub occurred_at: i64,
    /// Minutes until a state that stays bad is notified again; none for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_interval: Option<u64>,
    /// How often in a row it must be bad until there is an alert; none for once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_check_attempts: Option<u64>,
}

/// Whom a check is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename = "host")]
pub struct CheckSource {
    /// The host.
    #[serde(rename = "hostId")]
    pub host_id: String,
}
