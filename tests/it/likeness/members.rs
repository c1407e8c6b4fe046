//! Which members of AWS's answers the product reads, and where moto and the simulation differ in
//! them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What the product reads of each answer; `[]` stands for the items of a list. Page tokens are
/// left out: moto gives everything at once.
pub(super) const READ: &[(&str, &[&str])] = &[
    ("ListClusters", &["clusterArns", "clusterArns[]"]),
    ("ListServices", &["serviceArns", "serviceArns[]"]),
    (
        "DescribeClusters",
        &[
            "clusters[].clusterArn",
            "clusters[].clusterName",
            "clusters[].status",
            "clusters[].runningTasksCount",
            "clusters[].pendingTasksCount",
            "clusters[].activeServicesCount",
            "clusters[].registeredContainerInstancesCount",
            "clusters[].capacityProviders",
            "clusters[].settings[].name",
            "clusters[].settings[].value",
            "clusters[].statistics[].name",
            "clusters[].statistics[].value",
            "clusters[].tags[].key",
            "clusters[].tags[].value",
            "failures[].arn",
            "failures[].reason",
        ],
    ),
    (
        "DescribeServices",
        &[
            "services[].serviceArn",
            "services[].serviceName",
            "services[].status",
            "services[].desiredCount",
            "services[].runningCount",
            "services[].pendingCount",
            "services[].deployments[]",
            "services[].deployments[].failedTasks",
            "services[].taskSets",
            "services[].tags[].key",
            "services[].tags[].value",
            "failures[].arn",
            "failures[].reason",
        ],
    ),
    (
        "GetMetricData",
        &[
            "MetricDataResults[].Id",
            "MetricDataResults[].StatusCode",
            "MetricDataResults[].Timestamps",
            "MetricDataResults[].Timestamps[]",
            "MetricDataResults[].Values",
            "MetricDataResults[].Values[]",
            "MetricDataResults[].Messages",
            "Messages",
        ],
    ),
];

/// Where the two differ, or moto has nothing to say, and why that may be.
pub(super) const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "DescribeClusters",
        "clusters[].capacityProviders",
        "moto leaves it out of a cluster that was made without any",
    ),
    (
        "DescribeClusters",
        "clusters[].statistics[].name",
        "moto gives no statistics, asked or not",
    ),
    (
        "DescribeClusters",
        "clusters[].statistics[].value",
        "moto gives no statistics, asked or not",
    ),
    (
        "DescribeServices",
        "services[].taskSets",
        "task sets belong to other deployment controllers than ECS, the only one simulated; moto \
         gives an empty list",
    ),
    (
        "GetMetricData",
        "MetricDataResults[].Messages",
        "there is nothing to say of a whole result, and either leaves it out then",
    ),
    ("GetMetricData", "Messages", "moto never has a message"),
];

/// The JSON type of every member, by its path.
pub(super) fn types(
    value: &Value,
    path: &str,
    found: &mut BTreeMap<String, BTreeSet<&'static str>>,
) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            let path = format!("{path}[]");
            items.iter().for_each(|item| types(item, &path, found));
            "list"
        }
        Value::Object(members) => {
            for (name, member) in members {
                let separator = if path.is_empty() { "" } else { "." };
                types(member, &format!("{path}{separator}{name}"), found);
            }
            "structure"
        }
    };
    found.entry(path.to_owned()).or_default().insert(kind);
}
