//! What a poll did, as data: for the exit status, the table on a terminal, the JSON document and
//! the log. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::trouble::{Severity, Trouble};
use crate::table;
use crate::terminal::look::{Look, Paint};

/// What one poll did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Whether nothing was sent to Mackerel on purpose.
    pub dry_run: bool,
    /// The clusters, by target, Region and name.
    pub clusters: Vec<ClusterReport>,
    /// What went wrong, each thing once.
    pub troubles: Vec<TroubleReport>,
    /// Calls made by API, retries included.
    pub calls: BTreeMap<String, u64>,
    /// Metrics requested of CloudWatch, each statistic counted as one: the most that AWS may count.
    pub cloudwatch_metrics_requested: u64,
    /// How many seconds of minutes that CloudWatch has are not yet posted, at the cluster that is
    /// furthest behind.
    pub behind_seconds: i64,
}

/// What a poll did for one cluster.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ClusterReport {
    /// The target that it belongs to.
    pub target: String,
    /// The Region.
    pub region: String,
    /// The cluster's name.
    pub cluster: String,
    /// The cluster's ARN.
    pub arn: String,
    /// The host on Mackerel; none where it could not be made sure of, and in a dry run.
    pub host_id: Option<String>,
    /// `standard` or `micro`, as Mackerel decides.
    pub size: Option<String>,
    /// How many services were described.
    pub services: usize,
    /// Their tasks that run.
    pub running: i64,
    /// Their tasks that are wanted.
    pub desired: i64,
    /// Points that Mackerel accepted, or would be sent in a dry run.
    pub points: usize,
    /// Whether values are missing.
    pub failed: bool,
    /// The names of what went wrong with it.
    pub troubles: Vec<String>,
    /// In a dry run, what would be posted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

/// A point that would be posted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Value {
    /// The metric's full name.
    pub name: String,
    /// Seconds since the Unix epoch.
    pub time: i64,
    /// The value.
    pub value: f64,
}

/// One thing that went wrong, with all that it touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TroubleReport {
    /// The target.
    pub target: String,
    /// How much is lost by it.
    pub severity: Severity,
    /// What was tried, what happened, and what mends it.
    pub message: String,
    /// The clusters that it touched; empty where it touched the whole target.
    pub clusters: Vec<String>,
    /// What the other side said of one of these cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was posted.
    Posted,
    /// Some was posted, and some was not.
    Partly,
    /// Nothing was posted.
    Failed,
}

impl Outcome {
    /// The exit status.
    pub fn exit_status(self) -> u8 {
        match self {
            Outcome::Posted => 0,
            Outcome::Failed => 1,
            Outcome::Partly => 3,
        }
    }
}

impl Report {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        let any_failure = self
            .troubles
            .iter()
            .any(|trouble| trouble.severity == Severity::Failure);
        let any_posted = self
            .clusters
            .iter()
            .any(|cluster| cluster.points > 0 || !cluster.failed);
        match (any_failure, any_posted) {
            (false, _) => Outcome::Posted,
            (true, true) => Outcome::Partly,
            (true, false) => Outcome::Failed,
        }
    }

    /// How many points Mackerel accepted, or would be sent.
    pub fn points(&self) -> usize {
        self.clusters.iter().map(|cluster| cluster.points).sum()
    }

    /// The report as one JSON document.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Gathers troubles of one target: the same message about several clusters becomes one.
pub fn gather(target: &str, troubles: Vec<Trouble>) -> Vec<TroubleReport> {
    let mut gathered: BTreeMap<(Severity, String), TroubleReport> = BTreeMap::new();
    for trouble in troubles {
        let report = gathered
            .entry((trouble.severity, trouble.message.clone()))
            .or_insert_with(|| TroubleReport {
                target: target.to_owned(),
                severity: trouble.severity,
                message: trouble.message,
                clusters: Vec::new(),
                detail: None,
            });
        report.detail = report.detail.take().or(trouble.detail);
        if let Some(cluster) = trouble.cluster {
            report.clusters.push(cluster.name().to_owned());
        }
    }
    gathered
        .into_values()
        .map(|mut report| {
            report.clusters.sort();
            report.clusters.dedup();
            report
        })
        .collect()
}

impl TroubleReport {
    /// One line: what it touched, what happened, what mends it. The same trouble has the same line
    /// each time.
    pub fn line(&self) -> String {
        let who = match self.clusters.as_slice() {
            [] => String::new(),
            [one] => format!("cluster {one}: "),
            [one, two] => format!("clusters {one}, {two}: "),
            [one, two, rest @ ..] => format!("clusters {one}, {two} and {} more: ", rest.len()),
        };
        match self.target.as_str() {
            "default" => format!("{who}{}", self.message),
            target => format!("target {target}: {who}{}", self.message),
        }
    }

    /// The line with what the other side said.
    pub fn line_with_detail(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.line()),
            None => self.line(),
        }
    }
}

/// The clusters as a table, a line each, then the calls, and in a dry run the newest value of each
/// series.
pub fn table(report: &Report, look: Look) -> String {
    let mut text = cluster_table(&report.clusters, look);
    if !report.calls.is_empty() {
        let calls = report.calls.iter();
        text.push_str(&table::wrapped(
            "calls:",
            calls.map(|(api, count)| format!("{api} {count}")),
            look.width,
        ));
        let requested = report.cloudwatch_metrics_requested;
        text.push_str(&format!("metrics requested of CloudWatch: {requested}\n"));
    }
    for cluster in &report.clusters {
        let newest: BTreeMap<&str, &Value> = cluster
            .values
            .iter()
            .map(|value| (value.name.as_str(), value))
            .collect();
        for (name, value) in newest {
            let time = DateTime::from_timestamp(value.time, 0).unwrap_or_default();
            let time = time.format("%H:%M");
            text.push_str(&format!(
                "{}  {name}  {time}  {}\n",
                cluster.cluster, value.value
            ));
        }
    }
    text
}

fn cluster_table(clusters: &[ClusterReport], look: Look) -> String {
    const HEAD: [&str; 8] = [
        "CLUSTER", "REGION", "HOST", "SIZE", "SERVICES", "RUNNING", "DESIRED", "POINTS",
    ];
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let rows: Vec<Vec<String>> = clusters
        .iter()
        .map(|cluster| {
            vec![
                cluster.cluster.clone(),
                cluster.region.clone(),
                or_dash(&cluster.host_id),
                or_dash(&cluster.size),
                cluster.services.to_string(),
                cluster.running.to_string(),
                cluster.desired.to_string(),
                cluster.points.to_string(),
            ]
        })
        .collect();
    table::table(&HEAD, 4, &rows, look, |place| match &clusters[place] {
        cluster if cluster.failed => Some(Paint::Bad),
        cluster if cluster.running < cluster.desired => Some(Paint::Odd),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::ClusterArn;

    fn arn(name: &str) -> ClusterArn {
        ClusterArn::new(&format!("arn:aws:ecs:r:a:cluster/{name}"))
    }

    #[test]
    fn the_same_trouble_is_told_once() {
        let troubles = ["c", "a", "b", "a"]
            .iter()
            .map(|name| Trouble::of_cluster(&arn(name), "access denied"))
            .collect();
        let lines: Vec<String> = gather("prod", troubles).iter().map(|t| t.line()).collect();
        assert_eq!(
            lines,
            ["target prod: clusters a, b and 1 more: access denied"]
        );
    }

    #[test]
    fn an_outcome_is_an_exit_status() {
        let cluster = |points, failed| ClusterReport {
            points,
            failed,
            ..ClusterReport::default()
        };
        let status = |clusters: Vec<ClusterReport>, troubles: Vec<Trouble>| {
            Report {
                clusters,
                troubles: gather("default", troubles),
                ..Report::default()
            }
            .outcome()
            .exit_status()
        };
        let failure = || Trouble::of_cluster(&arn("a"), "no");
        assert_eq!(status(vec![], vec![]), 0);
        assert_eq!(status(vec![cluster(3, false)], vec![]), 0);
        assert_eq!(
            status(vec![cluster(3, false)], vec![failure().as_warning()]),
            0
        );
        assert_eq!(status(vec![cluster(0, true)], vec![failure()]), 1);
        assert_eq!(status(vec![], vec![failure()]), 1);
        assert_eq!(
            status(vec![cluster(0, true), cluster(3, false)], vec![failure()]),
            3
        );
    }

    #[test]
    fn a_table_fits_the_width_and_has_colours_where_they_are_wanted() {
        let cluster = |name: &str, failed, running| ClusterReport {
            cluster: name.to_owned(),
            region: "eu-west-1".into(),
            failed,
            running,
            desired: 2,
            ..ClusterReport::default()
        };
        let clusters = [
            cluster(&"long".repeat(20), false, 2),
            cluster("failed", true, 2),
            cluster("short-of-tasks", false, 1),
        ];
        let report = Report {
            clusters: clusters.to_vec(),
            calls: (0..9)
                .map(|n| (format!("ecs:ListServices{n}"), 1))
                .collect(),
            ..Report::default()
        };
        let look = |width, colour| Look { width, colour };
        for width in [80, 100, 200] {
            let text = table(&report, look(width, false));
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest.unwrap() <= width, "{text}");
            assert_eq!(text.contains('…'), width < 120, "{text}");
            assert!(
                text.contains("short-of-tasks") && !text.contains('\x1b'),
                "{text}"
            );
        }
        let text = table(&report, look(80, true));
        let begins = |line: usize| text.lines().nth(line).unwrap().split('m').next();
        assert_eq!(begins(0), Some("\x1b[1"));
        assert_eq!(begins(2), Some("\x1b[31"));
        assert_eq!(begins(3), Some("\x1b[33"));
    }
}
