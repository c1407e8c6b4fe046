//! What a request names: the clusters that denials and faults are matched by, and the items that
//! are recorded. Reads leniently, before the input is checked.

use crate::demo::aws::fleet::arn::{self, Reference};
use crate::demo::aws::request::Operation;
use crate::demo::aws::value::Value;

/// What a request names.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    /// Short names of clusters.
    pub clusters: Vec<&'a str>,
    /// Clusters, services or revisions as they were named, queries, or a role.
    pub items: Vec<String>,
}

impl<'a> Asked<'a> {
    /// Reads it from an input.
    pub fn read(operation: Operation, input: &'a Value) -> Asked<'a> {
        match operation {
            Operation::ListClusters | Operation::GetCallerIdentity | Operation::DescribeRegions => {
                Asked::default()
            }
            Operation::DescribeClusters => {
                let mut named = input.texts("clusters").unwrap_or_default();
                if named.is_empty() {
                    named.push("default");
                }
                Asked {
                    clusters: named.iter().map(|name| cluster_name(name)).collect(),
                    items: named.into_iter().map(str::to_owned).collect(),
                }
            }
            Operation::ListServices | Operation::DescribeServices => {
                let cluster = input.text("cluster").ok().flatten().unwrap_or("default");
                let services = input.texts("services").unwrap_or_default();
                Asked {
                    clusters: vec![cluster_name(cluster)],
                    items: services.into_iter().map(str::to_owned).collect(),
                }
            }
            Operation::DescribeServiceRevisions => {
                let arns = input.texts("serviceRevisionArns").unwrap_or_default();
                let revisions = arns.iter().filter_map(|arn| arn::Revision::parse(arn));
                Asked {
                    clusters: revisions.map(|revision| revision.cluster).collect(),
                    items: arns.into_iter().map(str::to_owned).collect(),
                }
            }
            Operation::GetMetricData => {
                let mut asked = Asked::default();
                for query in input.list("MetricDataQueries").unwrap_or_default() {
                    let stat = query.field("MetricStat").unwrap_or(&Value::Null);
                    let metric = stat.field("Metric").unwrap_or(&Value::Null);
                    let statistic = text(stat, "Stat").to_owned();
                    asked.add_query(metric, &statistic, stat);
                }
                asked
            }
            Operation::GetMetricStatistics => {
                let mut asked = Asked::default();
                let statistics = input.texts("Statistics").unwrap_or_default().join(",");
                asked.add_query(input, &statistics, input);
                asked
            }
            Operation::ListMetrics => Asked {
                clusters: dimensions(input).filter_map(cluster_of).collect(),
                items: Vec::new(),
            },
            Operation::AssumeRole => Asked {
                clusters: Vec::new(),
                items: vec![text(input, "RoleArn").to_owned()],
            },
        }
    }

    /// The ARN that a refusal of this request names, if its action knows resources.
    pub fn resource(&self, operation: Operation, account: &str, region: &str) -> Option<String> {
        let cluster = self.clusters.first().copied().unwrap_or_default();
        let item = self.items.first().map_or("", String::as_str);
        match operation {
            Operation::ListClusters | Operation::ListServices => Some("*".into()),
            Operation::DescribeClusters => Some(arn::cluster(account, region, cluster)),
            Operation::DescribeServices if item.starts_with("arn:") => Some(item.into()),
            Operation::DescribeServices => {
                let resource = format!("service/{cluster}/{item}");
                Some(arn::ecs(account, region, &resource))
            }
            Operation::AssumeRole | Operation::DescribeServiceRevisions => Some(item.into()),
            _ => None,
        }
    }

    fn add_query(&mut self, metric: &'a Value, statistics: &str, of_period: &Value) {
        let values: Vec<&str> = dimensions(metric).map(|(_, value)| value).collect();
        let period = of_period.integer("Period").ok().flatten().unwrap_or(0);
        self.items.push(format!(
            "{} {} {statistics} {period}",
            text(metric, "MetricName"),
            values.join("/"),
        ));
        for cluster in dimensions(metric).filter_map(cluster_of) {
            if !self.clusters.contains(&cluster) {
                self.clusters.push(cluster);
            }
        }
    }
}

fn cluster_name(named: &str) -> &str {
    Reference::parse(named, "cluster").map_or(named, |reference| reference.name)
}

fn dimensions(metric: &Value) -> impl Iterator<Item = (&str, &str)> {
    let dimensions = metric.list("Dimensions").unwrap_or_default().iter();
    dimensions.map(|one| (text(one, "Name"), text(one, "Value")))
}

fn cluster_of<'a>((name, value): (&'a str, &'a str)) -> Option<&'a str> {
    (name == "ClusterName").then_some(value)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.text(name).ok().flatten().unwrap_or_default()
}
