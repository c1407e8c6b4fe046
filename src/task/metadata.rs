//! What the task metadata endpoint says of the task: its JSON becomes a [`Task`]. Each field may be
//! missing, null or of another kind than documented; it is then absent, and the others are not.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::setting::NamePattern;

/// A task as versions 2, 3 and 4 of the endpoint tell it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Task {
    /// The cluster's name or ARN.
    #[serde(deserialize_with = "lenient")]
    pub cluster: Option<String>,
    /// The task's ARN.
    #[serde(rename = "TaskARN", deserialize_with = "lenient")]
    pub arn: Option<String>,
    /// The family of its task definition.
    #[serde(deserialize_with = "lenient")]
    pub family: Option<String>,
    /// The revision of its task definition.
    #[serde(deserialize_with = "lenient")]
    pub revision: Option<String>,
    /// What ECS wants it to be.
    #[serde(deserialize_with = "lenient")]
    pub desired_status: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "lenient")]
    pub known_status: Option<String>,
    /// The task's limits: `cpu` in vCPU, `memory` in MiB.
    #[serde(deserialize_with = "lenient")]
    pub limits: Option<Limits>,
    /// When the pull of its images began.
    #[serde(deserialize_with = "lenient")]
    pub pull_started_at: Option<String>,
    /// When it ended.
    #[serde(deserialize_with = "lenient")]
    pub pull_stopped_at: Option<String>,
    /// When the task ended.
    #[serde(deserialize_with = "lenient")]
    pub execution_stopped_at: Option<String>,
    /// `EC2`, `FARGATE`, `EXTERNAL` or `MANAGED_INSTANCES`; version 4 only.
    #[serde(deserialize_with = "lenient")]
    pub launch_type: Option<String>,
    /// Its storage; version 4 on Fargate only.
    #[serde(deserialize_with = "lenient")]
    pub ephemeral_storage_metrics: Option<EphemeralStorage>,
    /// Its containers.
    #[serde(deserialize_with = "containers")]
    pub containers: Vec<Container>,
}

/// Limits of a task (`cpu` in vCPU) or of a container (`cpu` in CPU units); memory in MiB, 0 where
/// none is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Limits {
    /// The CPU.
    #[serde(rename = "CPU", deserialize_with = "lenient")]
    pub cpu: Option<f64>,
    /// The memory.
    #[serde(deserialize_with = "lenient")]
    pub memory: Option<f64>,
}

/// The ephemeral storage in MiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct EphemeralStorage {
    /// What is used.
    #[serde(deserialize_with = "lenient")]
    pub utilized: Option<f64>,
    /// What there is.
    #[serde(deserialize_with = "lenient")]
    pub reserved: Option<f64>,
}

/// A container of the task.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Container {
    /// Its id, under which the statistics name it.
    pub docker_id: String,
    /// Its name in the task definition.
    #[serde(deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The name that the container runtime has for it.
    #[serde(deserialize_with = "lenient")]
    pub docker_name: Option<String>,
    /// Its image.
    #[serde(deserialize_with = "lenient")]
    pub image: Option<String>,
    /// The image's digest.
    #[serde(rename = "ImageID", deserialize_with = "lenient")]
    pub image_id: Option<String>,
    /// Its ports.
    #[serde(deserialize_with = "lenient")]
    pub ports: Option<Vec<Port>>,
    /// Its labels.
    #[serde(deserialize_with = "lenient")]
    pub labels: Option<BTreeMap<String, String>>,
    /// What ECS wants it to be.
    #[serde(deserialize_with = "lenient")]
    pub desired_status: Option<String>,
    /// What it is.
    #[serde(deserialize_with = "lenient")]
    pub known_status: Option<String>,
    /// How it ended.
    #[serde(deserialize_with = "lenient")]
    pub exit_code: Option<i64>,
    /// Its limits.
    #[serde(deserialize_with = "lenient")]
    pub limits: Option<Limits>,
    /// When it was made.
    #[serde(deserialize_with = "lenient")]
    pub created_at: Option<String>,
    /// When it was started last.
    #[serde(deserialize_with = "lenient")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(deserialize_with = "lenient")]
    pub finished_at: Option<String>,
    /// `NORMAL` for the containers of the task definition.
    #[serde(rename = "Type", deserialize_with = "lenient")]
    pub kind: Option<String>,
    /// Its networks.
    #[serde(deserialize_with = "lenient")]
    pub networks: Option<Vec<Network>>,
    /// Its health; only where the task definition has a health check.
    #[serde(deserialize_with = "lenient")]
    pub health: Option<Health>,
    /// How often ECS has restarted it; only with a restart policy, version 4.
    #[serde(deserialize_with = "lenient")]
    pub restart_count: Option<u64>,
}

/// A port of a container.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Port {
    /// Inside.
    #[serde(deserialize_with = "lenient")]
    pub container_port: Option<u16>,
    /// `tcp` or `udp`.
    #[serde(deserialize_with = "lenient")]
    pub protocol: Option<String>,
    /// Outside.
    #[serde(deserialize_with = "lenient")]
    pub host_port: Option<u16>,
}

/// A network of a container.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Network {
    /// `awsvpc`, `bridge` (also called `default`), `host`, `none`.
    #[serde(deserialize_with = "lenient")]
    pub network_mode: Option<String>,
    /// Its addresses.
    #[serde(rename = "IPv4Addresses", deserialize_with = "lenient")]
    pub ipv4_addresses: Option<Vec<String>>,
    /// Its addresses.
    #[serde(rename = "IPv6Addresses", deserialize_with = "lenient")]
    pub ipv6_addresses: Option<Vec<String>>,
}

/// The health of a container.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Health {
    /// `HEALTHY` or `UNHEALTHY`; absent while it is not known.
    #[serde(deserialize_with = "lenient")]
    pub status: Option<String>,
    /// Since when.
    #[serde(deserialize_with = "lenient")]
    pub status_since: Option<String>,
    /// How the health check ended.
    #[serde(deserialize_with = "lenient")]
    pub exit_code: Option<i64>,
    /// What it printed.
    #[serde(deserialize_with = "lenient")]
    pub output: Option<String>,
}

/// The statuses of a task that has not started yet, in ECS's words and in those of its agent.
const BEFORE_RUNNING: [&str; 8] = [
    "NONE",
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "MANIFEST_PULLED",
    "PULLED",
    "CREATED",
    "RESOURCES_PROVISIONED",
];

impl Task {
    /// Reads the endpoint's answer.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(body).map_err(|error| error.to_string())
    }

    /// The last part of its ARN.
    pub fn id(&self) -> Option<&str> {
        let id = self.arn.as_deref()?.rsplit(['/', ':']).next()?;
        (!id.is_empty()).then_some(id)
    }

    /// Whether all its containers have been started. An endpoint that does not say keeps nobody
    /// waiting.
    pub fn has_started(&self) -> bool {
        let status = self.known_status.as_deref().unwrap_or_default();
        !BEFORE_RUNNING.contains(&status)
    }

    /// Its network mode, where any container tells it.
    pub fn network_mode(&self) -> Option<&str> {
        self.containers
            .iter()
            .flat_map(|container| container.networks.iter().flatten())
            .find_map(|network| network.network_mode.as_deref())
    }

    /// The containers of the task definition that are not to be ignored.
    pub fn watched<'a>(
        &'a self,
        ignored: Option<&'a NamePattern>,
    ) -> impl Iterator<Item = &'a Container> {
        self.containers.iter().filter(move |container| {
            container.is_normal()
                && !ignored.is_some_and(|pattern| pattern.matches(container.name()))
        })
    }
}

impl Container {
    /// Its name in the task definition, or the next best.
    pub fn name(&self) -> &str {
        let names = [&self.name, &self.docker_name];
        let mut names = names.into_iter().flatten().map(String::as_str);
        names.next().unwrap_or(&self.docker_id)
    }

    /// Whether it is one of the task definition, not one that ECS adds, such as the pause container.
    fn is_normal(&self) -> bool {
        match self.kind.as_deref() {
            Some(kind) => kind == "NORMAL",
            None => !self.name().starts_with("~internal~"),
        }
    }
}

/// A time as the endpoint writes it. The year 1 stands for none.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (moment.timestamp() > 0).then_some(moment)
}

/// A name as a part of a metric's name, by mackerel-container-agent's rule.
pub fn segment(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.chars()
        .map(|c| if fits(c) { c } else { '_' })
        .collect()
}

/// A value of the kind that is wanted, or none.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).ok())
}

/// Those of the list that are containers with an id.
fn containers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Container>, D::Error> {
    let list: Option<Vec<Value>> = lenient(from)?;
    let containers = list.into_iter().flatten();
    Ok(containers
        .filter_map(|value| serde_json::from_value(value).ok())
        .filter(|container: &Container| !container.docker_id.is_empty())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_to_be_there() {
        for body in [
            "{}",
            r#"{"Containers":null,"Limits":null,"TaskARN":null}"#,
            r#"{"Containers":[null,{},{"Name":"no id"}],"Limits":"2","Revision":7,"TaskARN":{}}"#,
        ] {
            assert_eq!(Task::parse(body.as_bytes()), Ok(Task::default()), "{body}");
        }
        assert!(Task::default().has_started());
        assert!(Task::parse(b"<html>").is_err());
        assert!(Task::parse(b"null").is_err());
    }

    #[test]
    fn pause_containers_and_ignored_ones_are_not_watched() {
        let body = br#"{"Containers":[
            {"DockerId":"1","Name":"~internal~ecs~pause","Type":"CNI_PAUSE"},
            {"DockerId":"2","Name":"~internal~ecs~pause"},
            {"DockerId":"3","Name":"app","Type":"NORMAL"},
            {"DockerId":"4","Name":"mackerel-ecs"},
            {"DockerId":"5","DockerName":"ecs-web-1-log"}]}"#;
        let task = Task::parse(body).unwrap();
        let ignored = NamePattern::parse("^mackerel").unwrap();
        let watched: Vec<&str> = task.watched(Some(&ignored)).map(Container::name).collect();
        assert_eq!(watched, ["app", "ecs-web-1-log"]);
    }

    #[test]
    fn names_and_times() {
        assert_eq!(segment("~internal~ecs~pause"), "_internal_ecs_pause");
        assert_eq!(segment("wéb.1"), "w_b_1");
        assert_eq!(moment("0001-01-01T00:00:00Z"), None);
        let moment = moment("2026-11-22T12:00:00.5Z").unwrap();
        assert_eq!(moment.timestamp_millis(), 1_795_348_800_500);
        let task = |arn: &str| Task {
            arn: Some(arn.into()),
            ..Task::default()
        };
        let arn = "arn:aws:ecs:us-east-1:111122223333:task/prod/0a1b";
        assert_eq!(task(arn).id(), Some("0a1b"));
        assert_eq!(task("").id(), None);
    }
}
