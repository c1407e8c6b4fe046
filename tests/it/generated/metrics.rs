//! `docs/metrics.md`: every metric, from the catalogue.

use mackerel_ecs::model::catalog::{
    ClusterFigure, Metric, Profile, Scope, ServiceFigure, ServicesFigure, Source, Unit, graphs,
};
use mackerel_ecs::model::origin::Origin;

const HEAD: &str = "\
# Metrics

<!-- Made by `make docs` of src/model/catalog.rs. -->

What the poller posts for each cluster's host. `#` stands for the service. The profile is the smallest
one that has the metric: `compact` is in `standard`, and `standard` in `full`. `metrics.include` and
`metrics.exclude` choose beyond a profile, by these names. What the sidecar posts is in
[task.md](task.md).

A CloudWatch value has the timestamp of its minute; a count that of the minute in which it was read. No
datapoint means no point: a service without tasks has no CPU, but a count of 0. What is not selected is
not asked of AWS.

Metrics of Container Insights (`custom.ecs.insights.*`) are posted where `metrics.container_insights` is
`on`, of clusters that have it on; a profile and the patterns choose among them as among all others. Some
AWS has only of some tasks: network figures where the network mode is `awsvpc` or `bridge`, ephemeral
storage on Fargate with Linux and platform version 1.4.0 or later. How many bytes tasks read from and wrote
to storage is not here, for AWS's own pages disagree on whether that is a rate or a sum since the task's
start; task counts are not either, for ECS tells them at no price.
";

/// The page.
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    for (graph, metrics) in graphs() {
        let unit = match graph.unit {
            Unit::Integer => "whole numbers",
            Unit::Percentage => "percent",
            Unit::Float => "numbers",
            Unit::BytesPerSecond => "bytes a second",
        };
        text.push_str(&format!(
            "\n## {}\n\n`{}.*`, {unit}.",
            graph.label, graph.name
        ));
        text.push_str("\n\n| metric | shown as | from | profile |\n| --- | --- | --- | --- |\n");
        for metric in metrics {
            text.push_str(&format!(
                "| `{}` | {} | {} | `{}` |\n",
                metric.pattern(),
                metric.label.replace("%1", "SERVICE"),
                from(metric),
                profile(metric.profile)
            ));
        }
    }
    text
}

fn from(metric: &Metric) -> String {
    match metric.source {
        Source::Service(figure) => {
            let figure = match figure {
                ServiceFigure::Running => "`runningCount`",
                ServiceFigure::Desired => "`desiredCount`",
                ServiceFigure::Pending => "`pendingCount`",
                ServiceFigure::Deployments => "the number of `deployments`",
                ServiceFigure::FailedTasks => "the sum of `failedTasks` of the `deployments`",
            };
            format!("ECS DescribeServices, {figure}")
        }
        Source::Cluster(figure) => {
            let figure = match figure {
                ClusterFigure::RunningTasks => "runningTasksCount",
                ClusterFigure::PendingTasks => "pendingTasksCount",
                ClusterFigure::ActiveServices => "activeServicesCount",
                ClusterFigure::ContainerInstances => "registeredContainerInstancesCount",
            };
            format!("ECS DescribeClusters, `{figure}`")
        }
        Source::Services(figure) => {
            let figure = match figure {
                ServicesFigure::BelowDesired => "run fewer tasks than are desired",
                ServicesFigure::WithoutTasks => "run no task although one is desired",
            };
            format!("ECS DescribeServices: how many of the chosen services {figure}")
        }
        Source::Highest { metric } => {
            format!("the highest average of CloudWatch `{metric}` of all services")
        }
        Source::CloudWatch {
            origin,
            metric,
            statistic,
            scope,
        } => {
            let of = match scope {
                Scope::Service => "by cluster and service",
                Scope::Cluster => "by cluster; only with EC2 capacity",
            };
            let only = match origin {
                Origin::Ecs => "",
                Origin::Insights => "; only with Container Insights",
                Origin::EnhancedInsights => "; only with enhanced Container Insights",
            };
            format!(
                "CloudWatch {} `{metric}`, {}, {of}{only}",
                origin.namespace(),
                statistic.as_str()
            )
        }
    }
}

fn profile(wanted: Profile) -> &'static str {
    let named = Profile::NAMES
        .iter()
        .find(|(_, profile)| *profile == wanted);
    named.unwrap().0
}
