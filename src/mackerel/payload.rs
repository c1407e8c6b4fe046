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
    pub custom_identifier: String,
    /// Free facts about the host.
    pub meta: Value,
    /// A memo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
    /// Roles to add; an update never takes any away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub role_fullnames: Vec<String>,
}

/// A host as Mackerel tells it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
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
}

impl Host {
    /// The full names of its roles.
    pub fn role_fullnames(&self) -> impl Iterator<Item = String> {
        self.roles
            .iter()
            .flat_map(|(service, roles)| roles.iter().map(move |role| format!("{service}:{role}")))
    }
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
