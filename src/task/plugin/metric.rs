//! Metric plugins: what they print becomes values and graph definitions of custom metrics. A line
//! that Mackerel would refuse is left out here, because it would refuse the whole request.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::command::{Command, End, Output};
use crate::mackerel::payload::{GraphDef, GraphDefMetric};

/// What all names of custom metrics begin with.
const PREFIX: &str = "custom.";

/// Tells a plugin whether it is asked for its graph definitions.
const META_VARIABLE: &str = "MACKEREL_AGENT_PLUGIN_META";

/// What the answer to that begins with.
const META_HEADLINE: &str = "# mackerel-agent-plugin";

/// The units that Mackerel knows.
const UNITS: [&str; 9] = [
    "float",
    "integer",
    "percentage",
    "seconds",
    "milliseconds",
    "bytes",
    "bytes/sec",
    "bits/sec",
    "iops",
];

/// A program that prints metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPlugin {
    /// What it is called in the configuration.
    pub name: String,
    /// What is run.
    pub command: Command,
}

/// What a plugin had to give, and what of it was of no use.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading<T> {
    /// What is of use.
    pub taken: Vec<T>,
    /// What is wrong with the rest, for a person.
    pub trouble: Option<String>,
}

impl MetricPlugin {
    /// Runs it once for its values, by the metrics' full names. The exit status has no meaning.
    pub async fn run(&self) -> Result<Reading<(String, f64)>, String> {
        let output = self.output("").await?;
        let mut reading = values(&output.stdout);
        if reading.taken.is_empty() && reading.trouble.is_none() {
            reading.trouble = match output.end {
                End::Status(0) => None,
                End::Status(status) => Some(format!("no metrics, and the exit status {status}")),
                End::Signal(signal) => Some(format!("no metrics, and an end by signal {signal}")),
                End::TimedOut => None,
            };
        }
        Ok(reading)
    }

    /// Runs it once for its graph definitions; a plugin that knows none gives none.
    pub async fn graph_definitions(&self) -> Result<Reading<GraphDef>, String> {
        definitions(&self.output("1").await?.stdout)
    }

    async fn output(&self, meta: &str) -> Result<Output, String> {
        let output = self.command.run(Some((META_VARIABLE, meta))).await?;
        super::log_stderr("metrics", &self.name, &output.stderr);
        match output.end {
            End::TimedOut => Err(super::TIMED_OUT.into()),
            _ => Ok(output),
        }
    }
}

/// Lines of a name, a value and a time, of which the last is passed over. Of a name that is there
/// twice, the last value counts.
fn values(stdout: &str) -> Reading<(String, f64)> {
    let mut taken = BTreeMap::new();
    let mut refused = Refused::default();
    for line in stdout.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(value), Some(_)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        match value.parse::<f64>() {
            Ok(value) if value.is_finite() && is_metric_name(name) => {
                taken.insert(format!("{PREFIX}{name}"), value);
            }
            _ => refused.add(&format!("{name} {value}")),
        }
    }
    Reading {
        taken: taken.into_iter().collect(),
        trouble: refused.told("of its lines"),
    }
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    graphs: BTreeMap<String, Graph>,
}

#[derive(Deserialize)]
struct Graph {
    #[serde(default)]
    label: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
struct Metric {
    name: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    stacked: bool,
}

/// A headline and a JSON document.
fn definitions(stdout: &str) -> Result<Reading<GraphDef>, String> {
    let json = match stdout.split_once('\n') {
        Some((headline, json)) if headline.starts_with(META_HEADLINE) => json,
        _ => {
            return Ok(Reading {
                taken: Vec::new(),
                trouble: None,
            });
        }
    };
    let meta: Meta = serde_json::from_str(json)
        .map_err(|error| format!("the graph definitions are no JSON: {error}"))?;
    let mut refused = Refused::default();
    let mut taken = Vec::new();
    for (key, graph) in meta.graphs {
        let unit = match UNITS.into_iter().find(|unit| *unit == graph.unit) {
            Some(unit) => unit,
            None if graph.unit.is_empty() => "float",
            None => {
                refused.add(&format!("unit {} of {key}", graph.unit));
                "float"
            }
        };
        let metrics: Vec<GraphDefMetric> = graph
            .metrics
            .into_iter()
            .filter(|metric| {
                let is_fit = is_graph_name(&format!("{key}.{}", metric.name));
                if !is_fit {
                    refused.add(&format!("{key}.{}", metric.name));
                }
                is_fit
            })
            .map(|metric| GraphDefMetric {
                name: format!("{PREFIX}{key}.{}", metric.name),
                display_name: label(metric.label, &metric.name),
                is_stacked: metric.stacked,
            })
            .collect();
        match is_graph_name(&key) && !metrics.is_empty() {
            true => taken.push(GraphDef {
                name: format!("{PREFIX}{key}"),
                display_name: label(graph.label, &key),
                unit,
                metrics,
            }),
            false => refused.add(&key),
        }
    }
    Ok(Reading {
        taken,
        trouble: refused.told("of its graph definitions"),
    })
}

fn label(label: String, name: &str) -> String {
    match (label.as_str(), name) {
        ("", "*" | "#") => "%1".into(),
        ("", name) => name.into(),
        _ => label,
    }
}

/// Mackerel's rule: parts of letters, digits, `-` and `_` with one dot between them.
fn is_metric_name(name: &str) -> bool {
    name.split('.').all(is_part)
}

/// The same, but that a part may be a wildcard; only one may be `#`.
fn is_graph_name(name: &str) -> bool {
    name.split('.')
        .all(|part| part == "*" || part == "#" || is_part(part))
        && name.split('.').filter(|part| *part == "#").count() <= 1
}

fn is_part(part: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !part.is_empty() && part.chars().all(fits)
}

/// What is of no use: how much, and the first as an example.
#[derive(Default)]
struct Refused {
    count: usize,
    example: String,
}

impl Refused {
    fn add(&mut self, what: &str) {
        if self.count == 0 {
            self.example = what.chars().take(100).collect();
        }
        self.count += 1;
    }

    fn told(self, what: &str) -> Option<String> {
        let Refused { count, example } = self;
        (count > 0).then(|| format!("{count} {what} left out, such as `{example}`"))
    }
}

#[cfg(test)]
#[path = "metric_tests.rs"]
mod tests;
