//! What Container Insights sends of a cluster that has it on: the part of "Amazon ECS Container
//! Insights metrics" and "with enhanced observability" (CloudWatch User Guide) that is of services.
//!
//! Each running task gives one sample a minute. How large a task is is made up: 256 CPU units, 512 MB
//! and the 20 GB of ephemeral storage that Fargate gives.

use chrono::{DateTime, Utc};

use crate::demo::aws::fleet::cluster::{Cluster, ContainerInsights};
use crate::demo::aws::fleet::service::Service;
use crate::demo::aws::fleet::statistics::{Load, Metric, StatisticSet};

const CPU_UNITS: f64 = 256.0;
const MEMORY_MB: f64 = 512.0;
const EPHEMERAL_GB: f64 = 20.0;

/// A metric of the namespace `ECS/ContainerInsights`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as CloudWatch names it")]
pub enum Insight {
    CpuUtilized,
    CpuReserved,
    MemoryUtilized,
    MemoryReserved,
    NetworkRxBytes,
    NetworkTxBytes,
    EphemeralStorageUtilized,
    EphemeralStorageReserved,
    TaskCpuUtilization,
    TaskMemoryUtilization,
    TaskEphemeralStorageUtilization,
}

/// Every one by its name, and whether only enhanced observability sends it.
const ALL: [(&str, Insight, bool); 11] = [
    ("CpuUtilized", Insight::CpuUtilized, false),
    ("CpuReserved", Insight::CpuReserved, false),
    ("MemoryUtilized", Insight::MemoryUtilized, false),
    ("MemoryReserved", Insight::MemoryReserved, false),
    ("NetworkRxBytes", Insight::NetworkRxBytes, false),
    ("NetworkTxBytes", Insight::NetworkTxBytes, false),
    (
        "EphemeralStorageUtilized",
        Insight::EphemeralStorageUtilized,
        false,
    ),
    (
        "EphemeralStorageReserved",
        Insight::EphemeralStorageReserved,
        false,
    ),
    ("TaskCpuUtilization", Insight::TaskCpuUtilization, true),
    (
        "TaskMemoryUtilization",
        Insight::TaskMemoryUtilization,
        true,
    ),
    (
        "TaskEphemeralStorageUtilization",
        Insight::TaskEphemeralStorageUtilization,
        true,
    ),
];

impl Insight {
    /// The metric of this name.
    pub fn find(name: &str) -> Option<Insight> {
        let found = ALL.iter().find(|(own, _, _)| *own == name);
        found.map(|(_, insight, _)| *insight)
    }

    fn is_enhanced(self) -> bool {
        ALL.iter()
            .any(|(_, one, enhanced)| *one == self && *enhanced)
    }

    /// Whether only tasks on Fargate have it.
    fn is_of_fargate(self) -> bool {
        use Insight::*;
        matches!(
            self,
            EphemeralStorageUtilized | EphemeralStorageReserved | TaskEphemeralStorageUtilization
        )
    }

    /// Its value of a task whose CPU, memory and storage are used by these percentages.
    fn value(self, cpu: f64, memory: f64) -> f64 {
        let storage = memory / 4.0;
        match self {
            Insight::CpuUtilized => CPU_UNITS * cpu / 100.0,
            Insight::CpuReserved => CPU_UNITS,
            Insight::MemoryUtilized => MEMORY_MB * memory / 100.0,
            Insight::MemoryReserved => MEMORY_MB,
            Insight::NetworkRxBytes => 2000.0 * cpu,
            Insight::NetworkTxBytes => 5000.0 * cpu,
            Insight::EphemeralStorageUtilized => EPHEMERAL_GB * storage / 100.0,
            Insight::EphemeralStorageReserved => EPHEMERAL_GB,
            Insight::TaskCpuUtilization => cpu,
            Insight::TaskMemoryUtilization => memory,
            Insight::TaskEphemeralStorageUtilization => storage,
        }
    }
}

impl Cluster {
    /// What Container Insights has of a service in a minute, or of all of them. None where the cluster
    /// has it off, or not enhanced for what needs that, or no task runs.
    pub fn insight(
        &self,
        insight: Insight,
        service: Option<&Service>,
        minute: DateTime<Utc>,
    ) -> Option<StatisticSet> {
        match (self.container_insights, insight.is_enhanced()) {
            (ContainerInsights::Disabled, _) | (ContainerInsights::Enabled, true) => return None,
            (ContainerInsights::Enabled, false) | (ContainerInsights::Enhanced, _) => {}
        }
        let mut set = StatisticSet::gathering();
        let all = self.services().iter();
        let chosen = all.filter(|one| service.is_none_or(|wanted| std::ptr::eq(*one, wanted)));
        for one in chosen {
            if insight.is_of_fargate() && self.compute_of(one).is_ec2() {
                continue;
            }
            let cpu = Load::new(one.seed, Metric::CpuUtilization, minute);
            let memory = Load::new(one.seed, Metric::MemoryUtilization, minute);
            for task in 0..one.running(minute) {
                let value = insight.value(cpu.value(task, 0), memory.value(task, 0));
                set.see(value);
                set.add(value);
            }
        }
        set.finished()
    }
}
