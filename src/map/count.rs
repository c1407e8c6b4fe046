//! The figures of DescribeServices and DescribeClusters as samples of the minute in which each of
//! them was read. A service at zero tasks yields a zero: that is a figure, not a gap.

use crate::config::selection::Selection;
use crate::model::catalog::{ClusterFigure, MetricId, ServiceFigure, ServicesFigure, Source};
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
            Source::Services(figure) => {
                // Services of several polls make no figure of one minute.
                if observed.whole && observed.afresh {
                    let last = last_read(observed);
                    let value = of_services(&observed.services, figure);
                    let service = None;
                    add(SeriesId { metric, service }, last, value);
                }
            }
            Source::CloudWatch { .. } | Source::Highest { .. } => {}
        }
    }
    samples
}

/// The minute by which all of a cluster was read.
fn last_read(observed: &Observed) -> Minute {
    let services = observed.services.iter().map(|service| service.read_at);
    services.fold(observed.cluster.read_at, Minute::max)
}

fn of_services(services: &[Service], figure: ServicesFigure) -> i64 {
    let is_so = |service: &&Service| match figure {
        ServicesFigure::BelowDesired => service.running < service.desired,
        ServicesFigure::WithoutTasks => service.running == 0 && service.desired > 0,
    };
    services.iter().filter(is_so).count() as i64
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
