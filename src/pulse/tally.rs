//! The polls of a process summed up, and the one table of what `/metrics` tells of them. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::exposition::{Figure, Head, Kind, render};
use crate::model::trouble::Severity;
use crate::reload;
use crate::report::{Outcome, Report};

/// The upper bounds of the classes of [`Tally::took`], in seconds.
const CLASSES: [f64; 9] = [0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0];

/// Outcomes as a label has them.
const OUTCOMES: [(&str, Outcome); 3] = [
    ("posted", Outcome::Posted),
    ("partly", Outcome::Partly),
    ("failed", Outcome::Failed),
];

/// Ends of looks at the configuration's source, likewise.
const LOOKS: [(&str, reload::Outcome); 3] = [
    ("changed", reload::Outcome::Changed),
    ("same", reload::Outcome::Same),
    ("refused", reload::Outcome::Refused),
];

/// All polls of a process.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    outcomes: [u64; OUTCOMES.len()],
    /// How many polls took no longer than each class.
    took: [u64; CLASSES.len()],
    took_in_all: Duration,
    calls: BTreeMap<String, u64>,
    throttled: BTreeMap<String, u64>,
    requested_least: u64,
    requested_most: u64,
    dropped: u64,
    targets: BTreeMap<String, Target>,
    looks: [u64; LOOKS.len()],
    /// The last poll.
    last: Option<Report>,
}

/// What the polls did for one target.
#[derive(Debug, Clone, Default)]
struct Target {
    posted: u64,
    refused: u64,
    clusters: usize,
    services: usize,
    behind_seconds: i64,
}

impl Tally {
    /// Adds a poll that took so long.
    pub fn add(&mut self, report: &Report, took: Duration) {
        let outcome = report.outcome();
        for (count, (_, own)) in self.outcomes.iter_mut().zip(OUTCOMES) {
            *count += u64::from(own == outcome);
        }
        for (count, class) in self.took.iter_mut().zip(CLASSES) {
            *count += u64::from(took.as_secs_f64() <= class);
        }
        self.took_in_all += took;
        for (own, new) in [
            (&mut self.calls, &report.calls),
            (&mut self.throttled, &report.throttled),
        ] {
            for (api, count) in new {
                *own.entry(api.clone()).or_default() += count;
            }
        }
        self.requested_least += report.cloudwatch_metrics_requested_least;
        self.requested_most += report.cloudwatch_metrics_requested;
        self.dropped += report.dropped;
        // What a target had that is configured no more stays in no gauge.
        self.targets.retain(|name, target| {
            (target.clusters, target.services) = (0, 0);
            report.behind_seconds_by_target.contains_key(name)
        });
        for (name, behind) in &report.behind_seconds_by_target {
            self.targets.entry(name.clone()).or_default().behind_seconds = *behind;
        }
        for cluster in &report.clusters {
            let target = self.targets.entry(cluster.target.clone()).or_default();
            target.posted += cluster.points as u64;
            target.refused += cluster.refused as u64;
            target.clusters += 1;
            target.services += cluster.services;
        }
        self.last = Some(Report {
            clusters: Vec::new(),
            ..report.clone()
        });
    }

    /// Adds a look at the configuration's source.
    pub fn looked(&mut self, outcome: reload::Outcome) {
        for (count, (_, own)) in self.looks.iter_mut().zip(LOOKS) {
            *count += u64::from(own == outcome);
        }
    }

    /// The page of `/metrics`. `memory` is what the process takes, in bytes, where it is known.
    pub fn page(&self, memory: Option<u64>) -> String {
        let families = FAMILIES.iter().map(|family| {
            let figures = (family.figures)(self, memory);
            (family.head, figures)
        });
        render(families)
    }

    fn by_target(&self, value: impl Fn(&Target) -> f64, suffix: &'static str) -> Vec<Figure> {
        let targets = self.targets.iter();
        targets
            .map(|(name, target)| Figure::new(suffix, value(target)).with("target", name))
            .collect()
    }
}

/// A row of [`FAMILIES`].
pub struct Family {
    /// Its head.
    pub head: Head,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    figures: fn(&Tally, Option<u64>) -> Vec<Figure>,
}

const fn family(
    name: &'static str,
    kind: Kind,
    unit: Option<&'static str>,
    labels: &'static [&'static str],
    help: &'static str,
    figures: fn(&Tally, Option<u64>) -> Vec<Figure>,
) -> Family {
    let head = Head {
        name,
        kind,
        unit,
        help,
    };
    Family {
        head,
        labels,
        figures,
    }
}

use Kind::{Counter, Gauge, Histogram, Info};

/// Everything that `/metrics` tells.
#[rustfmt::skip]
pub static FAMILIES: &[Family] = &[
    family("mackerel_ecs_build", Info, None, &["version"], "The program.",
        |_, _| vec![Figure::new("_info", 1.0).with("version", env!("CARGO_PKG_VERSION"))]),
    family("mackerel_ecs_polls", Counter, None, &["outcome"],
        "Polls by outcome: all was posted, some was not, nothing was.",
        |tally, _| tally.outcomes.iter().zip(OUTCOMES)
            .map(|(count, (name, _))| Figure::new("_total", *count as f64).with("outcome", name))
            .collect()),
    family("mackerel_ecs_poll_duration_seconds", Histogram, Some("seconds"), &["le"],
        "How long polls took.", durations),
    family("mackerel_ecs_last_poll_timestamp_seconds", Gauge, Some("seconds"), &[],
        "When the last finished poll began, in seconds since the Unix epoch.",
        |tally, _| of_last(tally, |last| last.started_at.timestamp() as f64)),
    family("mackerel_ecs_troubles", Gauge, None, &["severity"],
        "Things that went wrong in the last poll, as the log tells them.",
        |tally, _| [("failure", Severity::Failure), ("warning", Severity::Warning)].into_iter()
            .flat_map(|(name, severity)| of_last(tally, |last| {
                last.troubles.iter().filter(|one| one.severity == severity).count() as f64
            }).into_iter().map(move |figure| figure.with("severity", name)))
            .collect()),
    family("mackerel_ecs_clusters", Gauge, None, &["target"], "Clusters of the last poll.",
        |tally, _| tally.by_target(|target| target.clusters as f64, "")),
    family("mackerel_ecs_services", Gauge, None, &["target"], "Services of the last poll.",
        |tally, _| tally.by_target(|target| target.services as f64, "")),
    family("mackerel_ecs_behind_seconds", Gauge, Some("seconds"), &["target"],
        "How much of what CloudWatch has is not yet posted, at the cluster that is furthest behind.",
        |tally, _| tally.by_target(|target| target.behind_seconds as f64, "")),
    family("mackerel_ecs_points_posted", Counter, None, &["target"], "Points that Mackerel accepted.",
        |tally, _| tally.by_target(|target| target.posted as f64, "_total")),
    family("mackerel_ecs_points_refused", Counter, None, &["target"],
        "Points that Mackerel refused for good.",
        |tally, _| tally.by_target(|target| target.refused as f64, "_total")),
    family("mackerel_ecs_points_dropped", Counter, None, &[],
        "Counts that were given up because Mackerel took nothing for too long.",
        |tally, _| vec![Figure::new("_total", tally.dropped as f64)]),
    family("mackerel_ecs_calls", Counter, None, &["api"],
        "Requests to AWS and Mackerel, retries included.",
        |tally, _| by_api(&tally.calls)),
    family("mackerel_ecs_throttled_calls", Counter, None, &["api"],
        "Requests that were answered with \"too many\".",
        |tally, _| by_api(&tally.throttled)),
    family("mackerel_ecs_cloudwatch_metrics_requested", Counter, None, &["bound"],
        "Metrics requested of CloudWatch, if the statistics of one metric count as one and if each does.",
        |tally, _| bounds("_total", tally.requested_least as f64, tally.requested_most as f64)),
    family("mackerel_ecs_cloudwatch_monthly_cost_dollars", Gauge, Some("dollars"), &["bound"],
        "What a month of reading CloudWatch as now comes to in US dollars, free tier taken off.",
        |tally, _| tally.last.iter().flat_map(|last| {
            let (lower, upper) = last.cloudwatch_usd_a_month;
            bounds("", lower, upper)
        }).collect()),
    family("mackerel_ecs_config_looks", Counter, None, &["outcome"],
        "Looks at the configuration's source: it had changed, was the same, or could not be used.",
        |tally, _| tally.looks.iter().zip(LOOKS)
            .map(|(count, (name, _))| Figure::new("_total", *count as f64).with("outcome", name))
            .collect()),
    family("process_resident_memory_bytes", Gauge, Some("bytes"), &[], "Memory that the process takes.",
        |_, memory| memory.iter().map(|bytes| Figure::new("", *bytes as f64)).collect()),
];

fn durations(tally: &Tally, _: Option<u64>) -> Vec<Figure> {
    let polls: u64 = tally.outcomes.iter().sum();
    let classes = CLASSES.iter().map(|class| format!("{class:?}"));
    let counts = tally.took.iter().copied().chain([polls]);
    let mut figures: Vec<Figure> = classes
        .chain(["+Inf".to_owned()])
        .zip(counts)
        .map(|(class, count)| Figure::new("_bucket", count as f64).with("le", class))
        .collect();
    figures.push(Figure::new("_count", polls as f64));
    figures.push(Figure::new("_sum", tally.took_in_all.as_secs_f64()));
    figures
}

fn of_last(tally: &Tally, value: impl Fn(&Report) -> f64) -> Vec<Figure> {
    let last = tally.last.iter();
    last.map(|last| Figure::new("", value(last))).collect()
}

fn by_api(counts: &BTreeMap<String, u64>) -> Vec<Figure> {
    let counts = counts.iter();
    counts
        .map(|(api, count)| Figure::new("_total", *count as f64).with("api", api))
        .collect()
}

fn bounds(suffix: &'static str, lower: f64, upper: f64) -> Vec<Figure> {
    let figure = |name: &str, value| Figure::new(suffix, value).with("bound", name);
    vec![figure("lower", lower), figure("upper", upper)]
}
