//! Numbers on their way from AWS to Mackerel: which series, which minute, what value, and which of
//! them are asked for together.

use std::sync::Arc;

use super::catalog::MetricId;
use super::time::{Minute, Window};

/// One series of one cluster: a metric of the catalogue, for a service or the whole cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId {
    /// The metric.
    pub metric: MetricId,
    /// The service's name; none for a metric of the cluster.
    pub service: Option<Arc<str>>,
}

impl SeriesId {
    /// The metric's full name on Mackerel.
    pub fn name(&self) -> String {
        let metric = self.metric.metric();
        match (&self.service, metric.graph.name.strip_suffix('#')) {
            (Some(service), Some(prefix)) => {
                format!("{prefix}{}.{}", segment(service), metric.leaf)
            }
            _ => metric.pattern(),
        }
    }
}

/// A service's name as one segment of a metric's name. ECS allows letters, digits, `-` and `_`,
/// which fit as they are; anything else becomes `_`, as Mackerel's own container agent does.
pub fn segment(service: &str) -> String {
    service
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || c == '-' || c == '_' => c,
            _ => '_',
        })
        .collect()
}

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The series.
    pub series: SeriesId,
    /// The minute that the value is true of.
    pub minute: Minute,
    /// The value in the metric's unit, always finite.
    pub value: f64,
}

/// What one request asks of CloudWatch: series of one or more clusters over the same minutes.
#[derive(Debug, PartialEq)]
pub struct Batch {
    /// The minutes.
    pub window: Window,
    /// The series, each with the place of its cluster among those that are read together.
    pub series: Vec<(usize, SeriesId)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_service() {
        let of = |pattern: &str, service: Option<&str>| {
            let metric = MetricId::all()
                .find(|id| id.metric().pattern() == pattern)
                .unwrap();
            let service = service.map(Arc::from);
            SeriesId { metric, service }.name()
        };
        assert_eq!(
            of("custom.ecs.running_task.#.count", Some("web-1")),
            "custom.ecs.running_task.web-1.count"
        );
        assert_eq!(
            of("custom.ecs.running_task.#.count", Some("daemon:log.x")),
            "custom.ecs.running_task.daemon_log_x.count"
        );
        assert_eq!(
            of("custom.ecs.cluster_task.running", None),
            "custom.ecs.cluster_task.running"
        );
    }
}
