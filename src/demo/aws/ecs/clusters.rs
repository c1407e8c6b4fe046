//! ListClusters and DescribeClusters.

use serde_json::json;

use crate::demo::aws::answer::Answer;
use crate::demo::aws::ecs::{page, tags};
use crate::demo::aws::error::AwsError;
use crate::demo::aws::fleet::arn::{self, Reference};
use crate::demo::aws::fleet::cluster::{Capacity, Cluster, ContainerInsights, Totals};
use crate::demo::aws::place::Place;
use crate::demo::aws::value::Value;

const DEFAULT_PAGE: usize = 100;
const MOST_DESCRIBED: usize = 100;
const INCLUDES: [&str; 5] = [
    "ATTACHMENTS",
    "CONFIGURATIONS",
    "SETTINGS",
    "STATISTICS",
    "TAGS",
];

/// ListClusters: the ARNs of the clusters that exist, by name.
pub fn list(place: &Place, input: &Value) -> Result<Answer, AwsError> {
    let clusters = place.content.map_or(&[][..], |region| region.clusters());
    let existing = clusters.iter().filter(|one| one.exists(place.now));
    let named = existing.map(|one| {
        let arn = arn::cluster(place.account, place.region, &one.name);
        (&*one.name, arn)
    });
    let scope = format!("ListClusters {} {}", place.account, place.region);
    let (arns, next) = page(input, &scope, DEFAULT_PAGE, named)?;
    let mut answer = json!({ "clusterArns": arns });
    if let Some(next) = next {
        answer["nextToken"] = next.into();
    }
    Ok(Answer::Json(answer.to_string().into_bytes()))
}

/// DescribeClusters: clusters that exist and those that were deleted not long ago; the others are
/// failures.
pub fn describe(place: &Place, input: &Value) -> Result<Answer, AwsError> {
    let mut named = input.texts("clusters")?;
    if named.len() > MOST_DESCRIBED {
        let message = "Clusters cannot have more than 100 elements.";
        return Err(AwsError::invalid_parameter(message));
    }
    if named.is_empty() {
        named.push("default");
    }
    let include = input.texts("include")?;
    if let Some(unknown) = include.iter().find(|one| !INCLUDES.contains(one)) {
        let message = format!("Unknown include value: {unknown}");
        return Err(AwsError::invalid_parameter(message));
    }
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    let mut seen = Vec::new();
    for name in named {
        let reference = Reference::parse(name, "cluster");
        let found = reference
            .filter(|reference| reference.is_in(place.account, place.region))
            .and_then(|reference| place.content?.cluster_at(reference.name, place.now))
            .filter(|cluster| is_described(place, cluster));
        match found {
            Some(cluster) if seen.contains(&&cluster.name) => {}
            Some(cluster) => {
                seen.push(&cluster.name);
                clusters.push(described(place, cluster, &include));
            }
            None => {
                let arn = match reference {
                    Some(one) if one.place.is_none() => {
                        arn::cluster(place.account, place.region, name)
                    }
                    _ => name.to_owned(),
                };
                failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            }
        }
    }
    let answer = json!({ "clusters": clusters, "failures": failures });
    Ok(Answer::Json(answer.to_string().into_bytes()))
}

fn is_described(place: &Place, cluster: &Cluster) -> bool {
    let kept = place.described_after_deletion;
    let deleted = cluster.deleted_at;
    deleted.is_none_or(|deleted| place.now < deleted + kept)
}

fn described(place: &Place, cluster: &Cluster, include: &[&str]) -> serde_json::Value {
    let exists = cluster.exists(place.now);
    let totals = cluster.totals(place.now);
    let providers = match cluster.capacity {
        Capacity::Fargate => json!(["FARGATE", "FARGATE_SPOT"]),
        Capacity::Ec2 { .. } => json!([]),
        Capacity::Mixed { .. } => json!(["FARGATE", "FARGATE_SPOT", "on-demand-asg"]),
    };
    let mut answer = json!({
        "clusterArn": arn::cluster(place.account, place.region, &cluster.name),
        "clusterName": cluster.name,
        "status": if exists { "ACTIVE" } else { "INACTIVE" },
        "registeredContainerInstancesCount": if exists { cluster.instances() } else { 0 },
        "runningTasksCount": totals.running_ec2 + totals.running_fargate,
        "pendingTasksCount": totals.pending_ec2 + totals.pending_fargate,
        "activeServicesCount": totals.active_ec2 + totals.active_fargate,
        "statistics": [],
        "tags": [],
        "settings": [],
        "capacityProviders": providers,
        "defaultCapacityProviderStrategy": [],
    });
    for part in include {
        match *part {
            "STATISTICS" => answer["statistics"] = statistics(&totals),
            "TAGS" if exists => answer["tags"] = tags(cluster.tags(place.now)),
            "SETTINGS" => answer["settings"] = settings(cluster.container_insights),
            "ATTACHMENTS" => answer["attachments"] = json!([]),
            _ => {}
        }
    }
    answer
}

fn statistics(totals: &Totals) -> serde_json::Value {
    // The capital R is AWS's own.
    let rows = [
        ("runningEC2TasksCount", totals.running_ec2),
        ("RunningFargateTasksCount", totals.running_fargate),
        ("pendingEC2TasksCount", totals.pending_ec2),
        ("pendingFargateTasksCount", totals.pending_fargate),
        ("activeEC2ServiceCount", totals.active_ec2),
        ("activeFargateServiceCount", totals.active_fargate),
        ("drainingEC2ServiceCount", totals.draining_ec2),
        ("drainingFargateServiceCount", totals.draining_fargate),
    ];
    rows.iter()
        .map(|(name, value)| json!({ "name": name, "value": value.to_string() }))
        .collect()
}

fn settings(insights: ContainerInsights) -> serde_json::Value {
    let value = match insights {
        ContainerInsights::Disabled => "disabled",
        ContainerInsights::Enabled => "enabled",
        ContainerInsights::Enhanced => "enhanced",
    };
    json!([{ "name": "containerInsights", "value": value }])
}
