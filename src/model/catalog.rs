//! Every metric that the poller can post, one row each: the source of what is requested from
//! CloudWatch, of the graph definitions, of the documentation and of the counts per host.
//!
//! The names are those of Mackerel's own ECS integration under `custom.`, so that graphs and
//! monitors carry over; `#` stands for the service.

use std::fmt;

use super::origin::Origin;

/// One metric.
#[derive(Debug)]
pub struct Metric {
    /// The graph that it is drawn in; all metrics of a name up to its last dot share one.
    pub graph: &'static Graph,
    /// The last segment of its name.
    pub leaf: &'static str,
    /// Its legend; `%1` is the service.
    pub label: &'static str,
    /// Where its values come from.
    pub source: Source,
    /// The smallest profile that has it.
    pub profile: Profile,
}

/// A graph that metrics share, and the unit of all of them.
#[derive(Debug, PartialEq)]
pub struct Graph {
    /// The metrics' name up to the last dot.
    pub name: &'static str,
    /// The title.
    pub label: &'static str,
    /// The unit.
    pub unit: Unit,
}

/// Mackerel's units, those of them that are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Whole numbers.
    Integer,
    /// 0 to 100, and more where a service may use more than it reserved.
    Percentage,
    /// Numbers of a unit that Mackerel has no word for.
    Float,
    /// Bytes a second.
    BytesPerSecond,
}

impl Unit {
    /// The word that Mackerel uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Integer => "integer",
            Unit::Percentage => "percentage",
            Unit::Float => "float",
            Unit::BytesPerSecond => "bytes/sec",
        }
    }
}

/// Where values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A figure of DescribeServices, true of the minute in which it is read.
    Service(ServiceFigure),
    /// A figure of DescribeClusters, true of the minute in which it is read.
    Cluster(ClusterFigure),
    /// A figure of all chosen services of a cluster, true of the minute in which the last of them is
    /// read; none where one of them could not be.
    Services(ServicesFigure),
    /// The highest of a CloudWatch metric of all services of a cluster in a minute, as far as it is
    /// read for them.
    Highest {
        /// The name of the metric of `AWS/ECS`, whose average it is.
        metric: &'static str,
    },
    /// A CloudWatch metric, one value a minute.
    CloudWatch {
        /// Who sends it.
        origin: Origin,
        /// Its name; no two origins have one in common.
        metric: &'static str,
        /// The statistic.
        statistic: Statistic,
        /// Which dimensions it has.
        scope: Scope,
    },
}

/// Which dimensions a CloudWatch metric has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `ClusterName` and `ServiceName`.
    Service,
    /// `ClusterName` alone; such metrics exist only with EC2 capacity.
    Cluster,
}

/// A figure of DescribeServices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as ECS names it")]
pub enum ServiceFigure {
    Running,
    Desired,
    Pending,
    Deployments,
    FailedTasks,
}

/// A figure of DescribeClusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as ECS names it")]
pub enum ClusterFigure {
    RunningTasks,
    PendingTasks,
    ActiveServices,
    ContainerInstances,
}

/// A figure of all chosen services of a cluster: how many of them are so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServicesFigure {
    /// They run fewer tasks than are desired.
    BelowDesired,
    /// They run no task although one is desired.
    WithoutTasks,
}

/// A CloudWatch statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is named as CloudWatch names it")]
pub enum Statistic {
    Minimum,
    Average,
    Maximum,
}

impl Statistic {
    /// The word that CloudWatch uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Statistic::Minimum => "Minimum",
            Statistic::Average => "Average",
            Statistic::Maximum => "Maximum",
        }
    }
}

/// A ready choice of metrics; each holds all of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// Four per service: CPU and memory average, running, desired.
    Compact,
    /// What Mackerel's own integration has, with desired, pending and the cluster's totals.
    Standard,
    /// All.
    Full,
}

impl Profile {
    /// All of them, smallest first, by the names that the config uses.
    pub const NAMES: [(&'static str, Profile); 3] = [
        ("compact", Profile::Compact),
        ("standard", Profile::Standard),
        ("full", Profile::Full),
    ];
}

/// A row of [`METRICS`] by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricId(u16);

impl MetricId {
    /// Every metric, in the order of the table.
    pub fn all() -> impl Iterator<Item = MetricId> {
        (0..METRICS.len() as u16).map(MetricId)
    }

    /// Its row.
    pub fn metric(self) -> &'static Metric {
        &METRICS[usize::from(self.0)]
    }
}

impl Source {
    /// Whether its values come from CloudWatch, minute by minute, and are read again while they settle.
    pub fn is_read(self) -> bool {
        matches!(self, Source::CloudWatch { .. } | Source::Highest { .. })
    }
}

impl Metric {
    /// The name with `#` for the service, such as `custom.ecs.running_task.#.count`.
    pub fn pattern(&self) -> String {
        format!("{}.{}", self.graph.name, self.leaf)
    }

    /// Whether it is of Container Insights, which costs extra and is posted only where it is asked
    /// for.
    pub fn is_of_insights(&self) -> bool {
        match self.source {
            Source::CloudWatch { origin, .. } => origin != Origin::Ecs,
            _ => false,
        }
    }

    /// Whether there is one series per service rather than one per cluster.
    pub fn is_per_service(&self) -> bool {
        self.graph.name.ends_with('#')
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern())
    }
}

macro_rules! graphs {
    ($($id:ident $name:literal $label:literal $unit:ident;)*) => {
        $(static $id: Graph = Graph { name: $name, label: $label, unit: Unit::$unit };)*
    };
}

graphs! {
    RUNNING_TASK "custom.ecs.running_task.#" "ECS Service Tasks" Integer;
    SERVICE_CPU "custom.ecs.service_cpu_utilization.#" "ECS Service CPU Utilization" Percentage;
    SERVICE_MEMORY "custom.ecs.service_memory_utilization.#" "ECS Service Memory Utilization" Percentage;
    CPU "custom.ecs.cpu_utilization" "ECS Cluster CPU Utilization" Percentage;
    MEMORY "custom.ecs.memory_utilization" "ECS Cluster Memory Utilization" Percentage;
    CPU_RESERVATION "custom.ecs.cpu_reservation" "ECS Cluster CPU Reservation" Percentage;
    MEMORY_RESERVATION "custom.ecs.memory_reservation" "ECS Cluster Memory Reservation" Percentage;
    CLUSTER_TASK "custom.ecs.cluster_task" "ECS Cluster Tasks" Integer;
    CLUSTER_SERVICE "custom.ecs.cluster_service" "ECS Cluster Services" Integer;
    HIGHEST "custom.ecs.highest_service_utilization" "ECS Fullest Service" Percentage;
    CONTAINER_INSTANCE "custom.ecs.container_instance" "ECS Container Instances" Integer;
    DEPLOYMENT "custom.ecs.deployment.#" "ECS Service Deployments" Integer;
    TASK_CPU "custom.ecs.insights.cpu_units.#" "ECS Task CPU (units)" Float;
    TASK_MEMORY "custom.ecs.insights.memory_megabytes.#" "ECS Task Memory (MB)" Float;
    TASK_NETWORK "custom.ecs.insights.network.#" "ECS Task Network" BytesPerSecond;
    TASK_EPHEMERAL "custom.ecs.insights.ephemeral_storage_gigabytes.#" "ECS Task Ephemeral Storage (GB)" Float;
    TASK_CPU_UTILIZATION "custom.ecs.insights.cpu_utilization.#" "ECS Task CPU Utilization" Percentage;
    TASK_MEMORY_UTILIZATION "custom.ecs.insights.memory_utilization.#" "ECS Task Memory Utilization" Percentage;
    TASK_EPHEMERAL_UTILIZATION "custom.ecs.insights.ephemeral_storage_utilization.#" "ECS Task Ephemeral Storage Utilization" Percentage;
}

const fn row(
    graph: &'static Graph,
    leaf: &'static str,
    label: &'static str,
    source: Source,
    profile: Profile,
) -> Metric {
    Metric {
        graph,
        leaf,
        label,
        source,
        profile,
    }
}

const fn insights(metric: &'static str, statistic: Statistic) -> Source {
    Source::CloudWatch {
        origin: Origin::Insights,
        metric,
        statistic,
        scope: Scope::Service,
    }
}

const fn enhanced(metric: &'static str, statistic: Statistic) -> Source {
    Source::CloudWatch {
        origin: Origin::EnhancedInsights,
        metric,
        statistic,
        scope: Scope::Service,
    }
}

const fn service_metric(metric: &'static str, statistic: Statistic) -> Source {
    Source::CloudWatch {
        origin: Origin::Ecs,
        metric,
        statistic,
        scope: Scope::Service,
    }
}

const fn cluster_metric(metric: &'static str, statistic: Statistic) -> Source {
    Source::CloudWatch {
        origin: Origin::Ecs,
        metric,
        statistic,
        scope: Scope::Cluster,
    }
}

use Profile::{Compact, Full, Standard};
use Statistic::{Average, Maximum, Minimum};

/// Every metric. Rows that share a CloudWatch metric stand together, so that one request asks for
/// all statistics of a metric.
#[rustfmt::skip]
pub static METRICS: &[Metric] = &[
    row(&RUNNING_TASK, "count", "%1 running", Source::Service(ServiceFigure::Running), Compact),
    row(&RUNNING_TASK, "desired", "%1 desired", Source::Service(ServiceFigure::Desired), Compact),
    row(&RUNNING_TASK, "pending", "%1 pending", Source::Service(ServiceFigure::Pending), Standard),
    row(&SERVICE_CPU, "minimum", "%1 minimum", service_metric("CPUUtilization", Minimum), Standard),
    row(&SERVICE_CPU, "average", "%1 average", service_metric("CPUUtilization", Average), Compact),
    row(&SERVICE_CPU, "maximum", "%1 maximum", service_metric("CPUUtilization", Maximum), Standard),
    row(&SERVICE_MEMORY, "minimum", "%1 minimum", service_metric("MemoryUtilization", Minimum), Standard),
    row(&SERVICE_MEMORY, "average", "%1 average", service_metric("MemoryUtilization", Average), Compact),
    row(&SERVICE_MEMORY, "maximum", "%1 maximum", service_metric("MemoryUtilization", Maximum), Standard),
    row(&CPU, "minimum", "minimum", cluster_metric("CPUUtilization", Minimum), Standard),
    row(&CPU, "average", "average", cluster_metric("CPUUtilization", Average), Standard),
    row(&CPU, "maximum", "maximum", cluster_metric("CPUUtilization", Maximum), Standard),
    row(&MEMORY, "minimum", "minimum", cluster_metric("MemoryUtilization", Minimum), Standard),
    row(&MEMORY, "average", "average", cluster_metric("MemoryUtilization", Average), Standard),
    row(&MEMORY, "maximum", "maximum", cluster_metric("MemoryUtilization", Maximum), Standard),
    row(&CPU_RESERVATION, "minimum", "minimum", cluster_metric("CPUReservation", Minimum), Standard),
    row(&CPU_RESERVATION, "average", "average", cluster_metric("CPUReservation", Average), Standard),
    row(&CPU_RESERVATION, "maximum", "maximum", cluster_metric("CPUReservation", Maximum), Standard),
    row(&MEMORY_RESERVATION, "minimum", "minimum", cluster_metric("MemoryReservation", Minimum), Standard),
    row(&MEMORY_RESERVATION, "average", "average", cluster_metric("MemoryReservation", Average), Standard),
    row(&MEMORY_RESERVATION, "maximum", "maximum", cluster_metric("MemoryReservation", Maximum), Standard),
    row(&CLUSTER_TASK, "running", "running", Source::Cluster(ClusterFigure::RunningTasks), Standard),
    row(&CLUSTER_TASK, "pending", "pending", Source::Cluster(ClusterFigure::PendingTasks), Standard),
    row(&CLUSTER_SERVICE, "active", "active", Source::Cluster(ClusterFigure::ActiveServices), Standard),
    row(&CLUSTER_SERVICE, "below_desired", "below desired", Source::Services(ServicesFigure::BelowDesired), Standard),
    row(&CLUSTER_SERVICE, "without_tasks", "without tasks", Source::Services(ServicesFigure::WithoutTasks), Standard),
    row(&HIGHEST, "cpu", "CPU", Source::Highest { metric: "CPUUtilization" }, Standard),
    row(&HIGHEST, "memory", "memory", Source::Highest { metric: "MemoryUtilization" }, Standard),
    row(&CONTAINER_INSTANCE, "registered", "registered", Source::Cluster(ClusterFigure::ContainerInstances), Standard),
    row(&DEPLOYMENT, "count", "%1 deployments", Source::Service(ServiceFigure::Deployments), Full),
    row(&DEPLOYMENT, "failed_tasks", "%1 failed tasks", Source::Service(ServiceFigure::FailedTasks), Full),
    // Container Insights: averages and maxima over the tasks of a service.
    row(&TASK_CPU, "average", "%1 average", insights("CpuUtilized", Average), Compact),
    row(&TASK_CPU, "maximum", "%1 maximum", insights("CpuUtilized", Maximum), Standard),
    row(&TASK_CPU, "reserved", "%1 reserved", insights("CpuReserved", Average), Standard),
    row(&TASK_MEMORY, "average", "%1 average", insights("MemoryUtilized", Average), Compact),
    row(&TASK_MEMORY, "maximum", "%1 maximum", insights("MemoryUtilized", Maximum), Standard),
    row(&TASK_MEMORY, "reserved", "%1 reserved", insights("MemoryReserved", Average), Standard),
    row(&TASK_NETWORK, "received", "%1 received", insights("NetworkRxBytes", Average), Standard),
    row(&TASK_NETWORK, "sent", "%1 sent", insights("NetworkTxBytes", Average), Standard),
    row(&TASK_EPHEMERAL, "utilized", "%1 utilized", insights("EphemeralStorageUtilized", Average), Full),
    row(&TASK_EPHEMERAL, "reserved", "%1 reserved", insights("EphemeralStorageReserved", Average), Full),
    row(&TASK_CPU_UTILIZATION, "average", "%1 average", enhanced("TaskCpuUtilization", Average), Standard),
    row(&TASK_CPU_UTILIZATION, "maximum", "%1 maximum", enhanced("TaskCpuUtilization", Maximum), Standard),
    row(&TASK_MEMORY_UTILIZATION, "average", "%1 average", enhanced("TaskMemoryUtilization", Average), Standard),
    row(&TASK_MEMORY_UTILIZATION, "maximum", "%1 maximum", enhanced("TaskMemoryUtilization", Maximum), Standard),
    row(&TASK_EPHEMERAL_UTILIZATION, "maximum", "%1 maximum", enhanced("TaskEphemeralStorageUtilization", Maximum), Full),
];

/// The metrics that tell of a whole cluster what a monitor can be set on.
pub const BELOW_DESIRED: &str = "custom.ecs.cluster_service.below_desired";
/// Likewise.
pub const WITHOUT_TASKS: &str = "custom.ecs.cluster_service.without_tasks";
/// Likewise.
pub const HIGHEST_CPU: &str = "custom.ecs.highest_service_utilization.cpu";
/// Likewise.
pub const HIGHEST_MEMORY: &str = "custom.ecs.highest_service_utilization.memory";

/// The CloudWatch metric whose number of samples tells how many tasks of a service ran.
pub const SAMPLED: &str = "CPUUtilization";

/// The running count of a service: the one count that can be restored when it was missed.
pub fn running_count() -> MetricId {
    let place = METRICS
        .iter()
        .position(|metric| metric.source == Source::Service(ServiceFigure::Running));
    MetricId(place.unwrap_or_default() as u16)
}

/// The graphs, each with its metrics in the order of the table.
pub fn graphs() -> Vec<(&'static Graph, Vec<&'static Metric>)> {
    let mut graphs: Vec<(&'static Graph, Vec<&'static Metric>)> = Vec::new();
    for metric in METRICS {
        match graphs.iter_mut().find(|(graph, _)| *graph == metric.graph) {
            Some((_, metrics)) => metrics.push(metric),
            None => graphs.push((metric.graph, vec![metric])),
        }
    }
    graphs
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let names: HashSet<String> = METRICS.iter().map(Metric::pattern).collect();
        assert_eq!(names.len(), METRICS.len());
    }

    #[test]
    fn what_monitors_watch_is_in_the_table() {
        for name in [BELOW_DESIRED, WITHOUT_TASKS, HIGHEST_CPU, HIGHEST_MEMORY] {
            assert!(
                METRICS.iter().any(|metric| metric.pattern() == name),
                "{name}"
            );
        }
    }

    #[test]
    fn only_metrics_of_a_service_are_named_by_service() {
        for metric in METRICS {
            let of_service = match metric.source {
                Source::Service(_) => true,
                Source::Cluster(_) | Source::Services(_) | Source::Highest { .. } => false,
                Source::CloudWatch { scope, .. } => scope == Scope::Service,
            };
            assert_eq!(metric.is_per_service(), of_service, "{metric}");
        }
    }

    #[test]
    fn compact_is_four_per_service() {
        let mut own = METRICS.iter().filter(|metric| !metric.is_of_insights());
        let compact = own.by_ref().filter(|m| m.profile == Compact).count();
        assert_eq!(compact, 4);
    }

    #[test]
    fn statistics_of_a_metric_stand_together() {
        let mut seen = HashSet::new();
        let mut last = None;
        for metric in METRICS {
            if let Source::CloudWatch { metric, scope, .. } = metric.source {
                let this = Some((metric, scope == Scope::Service));
                if this != last {
                    assert!(seen.insert(this), "{metric} is torn apart");
                }
                last = this;
            }
        }
    }
}
