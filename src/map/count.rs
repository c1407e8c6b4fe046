//! The figures of DescribeServices and DescribeClusters as samples of the minute in which each of
//! them was read. A service at zero tasks yields a zero: that is a figure, not a gap.

use crate::config::selection::Selection;
use crate::model::catalog::{ClusterFigure, MetricId, ServiceFigure, Source};
use crate::model::inventory::{Cluster, Observed, Service};
use crate::model::sample::{Sample, SeriesId};
use crate::model::time::Minute;

/// The selected counts of a cluster and its services, as far as they were read since a minute.
pub fn counts(observed: &Observed, selection: &Selection, since: Minute) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut add = |series: SeriesId, minute: Minute, value: i64| {
        if minute >= since && selection.selects(series.metric, || series.name()) {
            samples.push(Sample {
                series,
                minute,
                value: value as f64,
            });
        }
    };
    for metric in MetricId::all() {
        match metric.metric().source {
            Source::Cluster(figure) => {
                let value = of_cluster(&observed.cluster, figure);
                let service = None;
                let read_at = observed.cluster.read_at;
                add(SeriesId { metric, service }, read_at, value);
            }
            Source::Service(figure) => {
                for service in &observed.services {
                    if let Some(value) = of_service(service, figure) {
                        let read_at = service.read_at;
                        let service = Some(service.name.clone());
                        add(SeriesId { metric, service }, read_at, value);
                    }
                }
            }
            Source::CloudWatch { .. } => {}
        }
    }
    samples
}

fn of_cluster(cluster: &Cluster, figure: ClusterFigure) -> i64 {
    match figure {
        ClusterFigure::RunningTasks => cluster.running_tasks,
        ClusterFigure::PendingTasks => cluster.pending_tasks,
        ClusterFigure::ActiveServices => cluster.active_services,
        ClusterFigure::ContainerInstances => cluster.container_instances,
    }
}

fn of_service(service: &Service, figure: ServiceFigure) -> Option<i64> {
    match figure {
        ServiceFigure::Running => Some(service.running),
        ServiceFigure::Desired => Some(service.desired),
        ServiceFigure::Pending => Some(service.pending),
        ServiceFigure::Deployments => Some(service.deployments),
        ServiceFigure::FailedTasks => service.failed_tasks,
    }
}
