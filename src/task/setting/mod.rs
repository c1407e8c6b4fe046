//! What the user of the per-task mode wants, valid and typed: a [`Setting`] is built from a file
//! and environment variables, under the names that mackerel-container-agent has for them.

pub mod load;
mod merge;
mod program;
pub mod read;

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Mistake;
use crate::config::secret::Secret;
use crate::model::role::RoleFullname;
use crate::task::plugin::{CheckPlugin, MetricPlugin};
use crate::task::probe::Probe;

/// Everything that can be set. Two settings are equal if nothing that was set differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The API key, with read and write permission.
    pub api_key: Secret,
    /// The API's base without a final slash, `https://api.mackerelio.com` by default.
    pub api_base: String,
    /// The folder for the host's id.
    pub root: PathBuf,
    /// The host's roles.
    pub roles: Vec<RoleFullname>,
    /// The host's display name.
    pub display_name: Option<String>,
    /// The host's memo.
    pub memo: Option<String>,
    /// Containers that are left out.
    pub ignore_container: Option<NamePattern>,
    /// The status that the host gets at each start.
    pub status_on_start: Option<HostStatus>,
    /// Where the host's id is kept over a restart.
    pub id_store: IdStore,
    /// What the task runs on.
    pub platform: Platform,
    /// Whether the host is retired at the end.
    pub retire: bool,
    /// What counts as used memory.
    pub memory_formula: MemoryFormula,
    /// Metrics beyond those of mackerel-container-agent.
    pub extra_metrics: ExtraMetrics,
    /// Whether each container's restarts and health are reported as checks.
    pub container_checks: bool,
    /// What must be so before the host is registered.
    pub readiness_probe: Option<Probe>,
    /// Programs that print metrics, by name.
    pub metric_plugins: Vec<MetricPlugin>,
    /// Programs that check something, by name.
    pub check_plugins: Vec<CheckPlugin>,
    /// How long the end may take after a signal to stop.
    pub grace: Duration,
}

/// A setting with what is worth telling of it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What was set.
    pub setting: Setting,
    /// What was written and has no effect, each with its place.
    pub warnings: Vec<Mistake>,
}

/// A regular expression that is looked for anywhere in a name.
#[derive(Debug, Clone)]
pub struct NamePattern(regex_lite::Regex);

impl NamePattern {
    /// Compiles a pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        regex_lite::Regex::new(text)
            .map(NamePattern)
            .map_err(|error| format!("is `{text}`, which is no regular expression: {error}"))
    }

    /// Whether some part of the name fits.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

/// A status of a host on Mackerel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostStatus {
    /// It works and is monitored.
    Working,
    /// It is monitored without notifications.
    Standby,
    /// It is not monitored while it is worked on.
    Maintenance,
    /// It is off and not monitored.
    Poweroff,
}

impl HostStatus {
    /// The name that the API has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            HostStatus::Working => "working",
            HostStatus::Standby => "standby",
            HostStatus::Maintenance => "maintenance",
            HostStatus::Poweroff => "poweroff",
        }
    }
}

/// Where the host's id is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdStore {
    /// In the file `id` of the root folder.
    File,
    /// In this process only.
    Memory,
}

/// What the task runs on, as named by the user. All are one code path: what a task really runs on
/// is read from its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// ECS, also under its older names.
    Ecs,
    /// AWS Fargate.
    Fargate,
    /// ECS Anywhere.
    EcsAnywhere,
}

/// What counts as used memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryFormula {
    /// The usage less the inactive file cache, as `docker stats` shows it.
    WorkingSet,
    /// The usage less the cache, as mackerel-container-agent has it; on cgroup v2 it counts the
    /// whole page cache as used.
    Agent,
}

/// Metrics that are off unless they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtraMetrics {
    /// Bytes read from and written to block devices.
    pub block_io: bool,
    /// The task's ephemeral storage, used and reserved.
    pub ephemeral_storage: bool,
    /// How long containers were kept from the CPU.
    pub cpu_throttling: bool,
}

#[cfg(test)]
#[path = "mistake_tests.rs"]
mod mistake_tests;
