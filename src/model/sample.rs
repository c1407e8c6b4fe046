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
        let mut name = String::new();
        self.write_name(&mut name);
        name
    }

    /// Writes that name over what the text held: a poll has a name for each point, and most of what it
    /// would allocate.
    pub fn write_name(&self, name: &mut String) {
        let metric = self.metric.metric();
        let graph = metric.graph.name;
        name.clear();
        match (&self.service, graph.strip_suffix('#')) {
            (Some(service), Some(prefix)) => {
                name.reserve(prefix.len() + service.len() + 1 + metric.leaf.len());
                name.push_str(prefix);
                name.extend(service.chars().map(fitting));
            }
            _ => name.push_str(graph),
        }
        name.push('.');
        name.push_str(metric.leaf);
    }
}

/// A character of a service's name in a metric's name. ECS allows letters, digits, `-` and `_`, which
/// fit as they are; anything else becomes `_`, as Mackerel's own container agent does.
fn fitting(c: char) -> char {
    match c {
        c if c.is_ascii_alphanumeric() || c == '-' || c == '_' => c,
        _ => '_',
    }
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
