//! What is true: which value each series of the catalogue has at each minute, computed from the
//! simulated fleet. The names are written out here, so that a mistake in the product's own table
//! is not repeated.

use chrono::{DateTime, TimeDelta, Utc};
use mackerel_ecs::demo::aws::fleet::behaviour::Counts;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::revised::Revised;
use mackerel_ecs::demo::aws::fleet::service::{Resolution, Service, ServiceStatus};
use mackerel_ecs::demo::aws::fleet::statistics::{Metric, Statistic};

/// A series as its name on Mackerel tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Series<'a> {
    /// From CloudWatch, of a service or of the cluster itself.
    Load {
        /// The service; none for the cluster.
        service: Option<&'a str>,
        /// The metric.
        metric: Metric,
        /// The statistic.
        statistic: Statistic,
    },
    /// From DescribeServices.
    Tasks {
        /// The service.
        service: &'a str,
        /// Which of its counts.
        figure: Figure,
    },
    /// From DescribeClusters, or counted over DescribeServices.
    Total(Total),
    /// The highest average of all services.
    Highest(Metric),
    /// From the deployments of DescribeServices; their values are not checked here.
    Unchecked,
}

/// A count of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Figure {
    /// Tasks that run.
    Running,
    /// Tasks that are wanted.
    Desired,
    /// Tasks that are being started.
    Pending,
}

/// A count of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Total {
    /// Tasks that run.
    Running,
    /// Tasks that are being started.
    Pending,
    /// Active services.
    Services,
    /// Container instances.
    Instances,
    /// Services that run fewer tasks than are wanted.
    BelowDesired,
    /// Services that run none although some are wanted.
    WithoutTasks,
}

/// The leaves of each CloudWatch metric, and whether the profile `compact` has them.
const STATISTICS: [(&str, Statistic, bool); 3] = [
    ("minimum", Statistic::Minimum, false),
    ("average", Statistic::Average, true),
    ("maximum", Statistic::Maximum, false),
];

const SERVICE_METRICS: [(&str, Metric); 2] = [
    ("service_cpu_utilization", Metric::CpuUtilization),
    ("service_memory_utilization", Metric::MemoryUtilization),
];

const CLUSTER_METRICS: [(&str, Metric); 4] = [
    ("cpu_utilization", Metric::CpuUtilization),
    ("memory_utilization", Metric::MemoryUtilization),
    ("cpu_reservation", Metric::CpuReservation),
    ("memory_reservation", Metric::MemoryReservation),
];

/// The names of a service's counts that a profile has, the running one first.
pub(super) fn service_counts(profile: &str, service: &str) -> Vec<String> {
    let leaves: &[&str] = match profile {
        "compact" => &["count", "desired"],
        _ => &["count", "desired", "pending"],
    };
    let name = |leaf| format!("custom.ecs.running_task.{service}.{leaf}");
    leaves.iter().map(name).collect()
}

/// The names of a cluster's own counts that a profile has.
pub(super) fn cluster_counts(profile: &str) -> &'static [&'static str] {
    match profile {
        "compact" => &[],
        _ => &[
            "custom.ecs.cluster_task.running",
            "custom.ecs.cluster_task.pending",
            "custom.ecs.cluster_service.active",
            "custom.ecs.container_instance.registered",
            "custom.ecs.cluster_service.below_desired",
            "custom.ecs.cluster_service.without_tasks",
        ],
    }
}

/// The names of all CloudWatch series that a profile has of a service.
pub(super) fn service_loads(profile: &str, service: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (graph, _) in SERVICE_METRICS {
        for (leaf, _, in_compact) in STATISTICS {
            if in_compact || profile != "compact" {
                names.push(format!("custom.ecs.{graph}.{service}.{leaf}"));
            }
        }
    }
    names
}

/// The names of all CloudWatch series that a profile has of a cluster with instances.
pub(super) fn cluster_loads(profile: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (graph, _) in CLUSTER_METRICS {
        for (leaf, _, _) in STATISTICS {
            if profile != "compact" {
                names.push(format!("custom.ecs.{graph}.{leaf}"));
            }
        }
    }
    names
}

impl<'a> Series<'a> {
    /// Reads a name; none for one that the catalogue does not have.
    pub(super) fn parse(name: &'a str) -> Option<Series<'a>> {
        let parts: Vec<&str> = name.strip_prefix("custom.ecs.")?.split('.').collect();
        let load = |table: &[(&str, Metric)], graph: &str, leaf: &str, service| {
            let (_, metric) = table.iter().find(|(own, _)| *own == graph)?;
            let (_, statistic, _) = STATISTICS.iter().find(|(own, _, _)| *own == leaf)?;
            Some(Series::Load {
                service,
                metric: *metric,
                statistic: *statistic,
            })
        };
        let figure = |leaf| match leaf {
            "count" => Some(Figure::Running),
            "desired" => Some(Figure::Desired),
            "pending" => Some(Figure::Pending),
            _ => None,
        };
        match parts.as_slice() {
            ["running_task", service, leaf] => Some(Series::Tasks {
                service,
                figure: figure(leaf)?,
            }),
            ["deployment", _, "count" | "failed_tasks"] => Some(Series::Unchecked),
            ["highest_service_utilization", "cpu"] => Some(Series::Highest(Metric::CpuUtilization)),
            ["highest_service_utilization", "memory"] => {
                Some(Series::Highest(Metric::MemoryUtilization))
            }
            ["cluster_task", "running"] => Some(Series::Total(Total::Running)),
            ["cluster_task", "pending"] => Some(Series::Total(Total::Pending)),
            ["cluster_service", "active"] => Some(Series::Total(Total::Services)),
            ["cluster_service", "below_desired"] => Some(Series::Total(Total::BelowDesired)),
            ["cluster_service", "without_tasks"] => Some(Series::Total(Total::WithoutTasks)),
            ["container_instance", "registered"] => Some(Series::Total(Total::Instances)),
            [graph, service, leaf] => load(&SERVICE_METRICS, graph, leaf, Some(*service)),
            [graph, leaf] => load(&CLUSTER_METRICS, graph, leaf, None),
            _ => None,
        }
    }
}

/// How many active services have counts of a kind.
fn services_with(cluster: &Cluster, time: DateTime<Utc>, is_so: impl Fn(Counts) -> bool) -> u32 {
    let active = cluster.services().iter();
    let active = active.filter(|service| service.status(time) == Some(ServiceStatus::Active));
    active.filter(|service| is_so(service.counts(time))).count() as u32
}

/// All clusters of one name, by creation.
#[derive(Clone, Copy)]
pub(super) struct Truth<'a>(pub &'a [Cluster]);

impl<'a> Truth<'a> {
    /// The cluster of a minute, as CloudWatch has it.
    pub(super) fn cluster(&self, minute: DateTime<Utc>) -> Option<&'a Cluster> {
        let mut newest_first = self.0.iter().rev();
        newest_first.find(|cluster| cluster.exists(minute))
    }

    /// The service of a minute, as CloudWatch has it.
    pub(super) fn service(&self, name: &str, minute: DateTime<Utc>) -> Option<&'a Service> {
        let end = minute + TimeDelta::seconds(59);
        self.cluster(minute)?.service_at(name, end)
    }

    /// What CloudWatch has of a series once so many of the minute's three moments have arrived.
    pub(super) fn load(
        &self,
        series: Series<'_>,
        minute: DateTime<Utc>,
        moments: u8,
    ) -> Option<f64> {
        let Series::Load {
            service,
            metric,
            statistic,
        } = series
        else {
            return None;
        };
        let set = match service {
            None => self
                .cluster(minute)?
                .statistics_so_far(metric, minute, moments),
            Some(name) => self
                .service(name, minute)?
                .statistics_so_far(metric, minute, moments),
        };
        set.map(|set| set.get(statistic))
    }

    /// What CloudWatch has of a settled minute until it is revised.
    pub(super) fn first_load(
        &self,
        series: Series<'_>,
        minute: DateTime<Utc>,
        revised: Option<Revised>,
    ) -> Option<f64> {
        let Series::Load {
            service,
            metric,
            statistic,
        } = series
        else {
            return None;
        };
        let set = match service {
            None => self
                .cluster(minute)?
                .first_statistics(metric, minute, revised),
            Some(name) => self
                .service(name, minute)?
                .first_statistics(metric, minute, revised),
        };
        set.map(|set| set.get(statistic))
    }

    /// A count at a moment; none when what is counted does not exist.
    pub(super) fn count(&self, series: Series<'_>, time: DateTime<Utc>) -> Option<f64> {
        let cluster = self.cluster(time)?;
        let count = match series {
            Series::Tasks { service, figure } => {
                let counts = cluster.service_at(service, time)?.counts(time);
                match figure {
                    Figure::Running => counts.running,
                    Figure::Desired => counts.desired,
                    Figure::Pending => counts.pending,
                }
            }
            Series::Total(total) => {
                let totals = cluster.totals(time);
                match total {
                    Total::Running => totals.running_ec2 + totals.running_fargate,
                    Total::Pending => totals.pending_ec2 + totals.pending_fargate,
                    Total::Services => totals.active_ec2 + totals.active_fargate,
                    Total::Instances => cluster.instances(),
                    Total::BelowDesired => {
                        services_with(cluster, time, |counts| counts.running < counts.desired)
                    }
                    Total::WithoutTasks => services_with(cluster, time, |counts| {
                        counts.running == 0 && counts.desired > 0
                    }),
                }
            }
            _ => return None,
        };
        Some(f64::from(count))
    }

    /// How many tasks CloudWatch's samples of a minute speak of; none where it has none.
    pub(super) fn sampled(&self, service: &str, minute: DateTime<Utc>) -> Option<f64> {
        let service = self.service(service, minute)?;
        let set = service.statistics(Metric::CpuUtilization, minute)?;
        let of_each = match service.resolution {
            Resolution::Minute => 1.0,
            Resolution::TwentySeconds => 3.0,
        };
        Some(f64::from(set.sample_count) / of_each)
    }
}
