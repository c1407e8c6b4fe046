//! The task as a Mackerel host: its name, its facts as mackerel-container-agent gives them, its
//! roles and checks.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::check;
use super::metadata::{Container, Limits, Task, segment};
use super::setting::Setting;
use crate::mackerel::payload::{AGENT_NAME, CheckParam, HostParam, Interface};
use crate::model::role::RoleFullname;

/// One CPU by the names of its facts.
pub type Cpu = BTreeMap<&'static str, String>;

/// Labels that ECS itself gives a container. Others may hold anything, secrets included, and are
/// not sent.
const OWN_LABELS: &str = "com.amazonaws.ecs.";

/// The longest memo of a check, in characters.
const LONGEST_MEMO: usize = 250;

/// What is known of where we run.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// What the environment says of the platform, `AWS_EXECUTION_ENV`.
    pub execution: Option<String>,
    /// The machine's CPUs.
    pub cpus: Vec<Cpu>,
    /// Our network interfaces.
    pub interfaces: Vec<Interface>,
    /// The machine's name, for a task that has no id.
    pub machine_name: Option<String>,
}

/// How much of a host is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All that is set.
    All,
    /// Only facts: names and roles may have been changed by people since.
    Facts,
}

/// The host that a task is.
pub fn host_param(
    task: &Task,
    surroundings: &Surroundings,
    setting: &Setting,
    extent: Extent,
) -> HostParam {
    let all = extent == Extent::All;
    let machine_name = surroundings.machine_name.as_deref();
    HostParam {
        name: task.id().or(machine_name).unwrap_or("ecs-task").to_owned(),
        display_name: setting.display_name.clone().filter(|_| all),
        custom_identifier: identifier(task).map(str::to_owned),
        meta: meta(task, surroundings, setting),
        memo: setting.memo.clone().filter(|_| all),
        role_fullnames: match all {
            true => setting.roles.iter().map(RoleFullname::to_string).collect(),
            false => Vec::new(),
        },
        interfaces: surroundings.interfaces.clone(),
        checks: Some(checks(task, setting)),
    }
}

/// By what a task's host is found again: the task's ARN. mackerel-container-agent gives its hosts
/// none on ECS, so that there is nothing to agree with.
pub fn identifier(task: &Task) -> Option<&str> {
    task.arn.as_deref().filter(|arn| !arn.is_empty())
}

/// Whether a custom identifier is that of a task.
pub fn is_of_a_task(identifier: &str) -> bool {
    identifier.starts_with("arn:") && identifier.contains(":task/")
}

fn meta(task: &Task, surroundings: &Surroundings, setting: &Setting) -> Value {
    json!({
        "agent-name": AGENT_NAME,
        "agent-version": env!("CARGO_PKG_VERSION"),
        "cpu": surroundings.cpus,
        "cloud": {
            "provider": provider(task, surroundings.execution.as_deref()),
            "metadata": cloud(task, setting),
        },
    })
}

/// The platform by mackerel-container-agent's names. What the environment does not know by a known
/// name, the endpoint may.
fn provider(task: &Task, execution: Option<&str>) -> &'static str {
    match (execution, task.launch_type.as_deref()) {
        (Some("AWS_ECS_EC2"), _) => "ecs",
        (Some("AWS_ECS_FARGATE"), _) => "fargate",
        (Some("AWS_ECS_MANAGED_INSTANCES"), _) => "ecs-managed",
        (_, Some("FARGATE")) => "fargate",
        (_, Some("MANAGED_INSTANCES")) => "ecs-managed",
        (_, Some("EC2")) => "ecs",
        (_, Some("EXTERNAL")) | (None, _) => "ecs-anywhere",
        (Some(_), _) => "ecs",
    }
}

fn cloud(task: &Task, setting: &Setting) -> Value {
    let containers = task.watched(setting.ignore_container.as_ref());
    let mut facts = Facts::default();
    facts.add("cluster", &task.cluster);
    facts.add("task", task.id());
    facts.add("task_arn", &task.arn);
    facts.add("task_family", &task.family);
    facts.add("task_version", &task.revision);
    facts.add("desired_status", &task.desired_status);
    facts.add("known_status", &task.known_status);
    facts.add("pull_started_at", &task.pull_started_at);
    facts.add("pull_stopped_at", &task.pull_stopped_at);
    facts.add("execution_stopped_at", &task.execution_stopped_at);
    facts.keep("limits", limits(task.limits));
    facts.add("containers", containers.map(container).collect::<Vec<_>>());
    facts.json()
}

fn container(container: &Container) -> Value {
    let mut facts = Facts::default();
    facts.add("docker_id", &container.docker_id);
    facts.add("docker_name", &container.docker_name);
    facts.add("name", &container.name);
    facts.add("image", &container.image);
    facts.add("image_id", &container.image_id);
    let ports = container.ports.iter().flatten().map(|port| {
        let mut facts = Facts::default();
        facts.add("container_port", port.container_port);
        facts.add("protocol", &port.protocol);
        facts.add("host_port", port.host_port);
        facts.json()
    });
    facts.add("ports", ports.collect::<Vec<_>>());
    let labels = container.labels.iter().flatten();
    let labels: BTreeMap<_, _> = labels
        .filter(|(name, _)| name.starts_with(OWN_LABELS))
        .collect();
    facts.add("labels", labels);
    facts.add("desired_status", &container.desired_status);
    facts.add("known_status", &container.known_status);
    facts.add("exit_code", container.exit_code);
    facts.keep("limits", limits(container.limits));
    facts.add("created_at", &container.created_at);
    facts.add("started_at", &container.started_at);
    facts.add("finished_at", &container.finished_at);
    facts.add("type", &container.kind);
    let networks = container.networks.iter().flatten().map(|network| {
        let mut facts = Facts::default();
        facts.add("network_mode", &network.network_mode);
        facts.add("ipv4_addresses", &network.ipv4_addresses);
        facts.add("ipv6_addresses", &network.ipv6_addresses);
        facts.json()
    });
    facts.add("networks", networks.collect::<Vec<_>>());
    let health = container.health.as_ref().map(|health| {
        let mut facts = Facts::default();
        let status = match health.status.as_deref() {
            Some("HEALTHY") => Some(1),
            Some("UNHEALTHY") => Some(2),
            _ => None,
        };
        facts.add("status", status);
        facts.add("status_since", &health.status_since);
        facts.add("exit_code", health.exit_code);
        facts.add("output", &health.output);
        facts.json()
    });
    facts.add("health", health);
    facts.json()
}

fn limits(limits: Option<Limits>) -> Value {
    let limits = limits.unwrap_or_default();
    let mut facts = Facts::default();
    facts.add("cpu", limits.cpu);
    facts.add("memory", limits.memory);
    facts.json()
}

/// The checks that will be reported, each with its memo. One whose name Mackerel does not take
/// here would have the whole host refused; it is reported without being declared.
fn checks(task: &Task, setting: &Setting) -> Vec<CheckParam> {
    let plugins = setting.check_plugins.iter();
    let declared = plugins.filter(|plugin| segment(&plugin.name) == plugin.name);
    let short = |memo: &String| memo.chars().take(LONGEST_MEMO).collect();
    let declared = declared.map(|plugin| CheckParam {
        name: plugin.name.clone(),
        memo: plugin.memo.as_ref().map(short),
    });
    let mut checks: Vec<CheckParam> = declared.collect();
    if setting.container_checks {
        checks.extend(check::declared(task, setting.ignore_container.as_ref()));
    }
    checks
}

/// An object without what is absent or empty.
#[derive(Default)]
struct Facts(Map<String, Value>);

impl Facts {
    fn add(&mut self, name: &str, value: impl serde::Serialize) {
        let value = json!(value);
        let is_empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        if !is_empty {
            self.keep(name, value);
        }
    }

    fn keep(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    fn json(self) -> Value {
        Value::Object(self.0)
    }
}
