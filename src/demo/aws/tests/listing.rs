//! ListMetrics as a client reads it.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::demo::aws::fleet::Fleet;
use crate::demo::aws::options::Lateness;
use crate::demo::aws::tests::client::{aws, cloudwatch};
use crate::demo::aws::tests::cloudwatch::simulated;

#[tokio::test]
async fn metrics_are_listed_while_they_have_data() {
    let (aws, hands) = simulated(Lateness::SETTLED);
    let list = async |input: Json| {
        let answer = cloudwatch(&aws, "ListMetrics", input).await.json();
        let metrics = answer["Metrics"].as_array().unwrap().iter();
        let names = metrics.map(|one| {
            let dimensions = one["Dimensions"].as_array().unwrap().iter();
            let values: Vec<&str> = dimensions
                .map(|one| one["Value"].as_str().unwrap())
                .collect();
            format!(
                "{} {}",
                one["MetricName"].as_str().unwrap(),
                values.join("/")
            )
        });
        names.collect::<Vec<_>>()
    };
    let cpu = json!({ "MetricName": "CPUUtilization" });
    let all = [
        "batch",
        "batch/agent",
        "web/api",
        "web/crash",
        "web/fast",
        "web/gone",
    ];
    assert_eq!(
        list(cpu.clone()).await,
        all.map(|name| format!("CPUUtilization {name}"))
    );
    assert_eq!(list(json!({})).await.len(), 4 + 5 * 2);
    assert_eq!(list(json!({ "Namespace": "AWS/EC2" })).await.len(), 0);
    let dimensions = json!([{ "Name": "ClusterName", "Value": "web" }, { "Name": "ServiceName" }]);
    assert_eq!(list(json!({ "Dimensions": dimensions })).await.len(), 8);
    let recently = json!({ "RecentlyActive": "PT3H", "MetricName": "CPUUtilization" });
    assert_eq!(list(recently).await.len(), 6);
    hands.set(-3600 * 24);
    assert!(
        list(cpu)
            .await
            .contains(&"CPUUtilization web/gone".to_owned())
    );
}

#[tokio::test]
async fn metrics_are_listed_in_pages_of_five_hundred() {
    let aws = aws(Fleet::sized(3, 1200));
    let mut input = json!({ "Namespace": "AWS/ECS" });
    let mut seen = BTreeSet::new();
    let mut sizes = Vec::new();
    loop {
        let answer = cloudwatch(&aws, "ListMetrics", input.clone()).await.json();
        let metrics = answer["Metrics"].as_array().unwrap();
        sizes.push(metrics.len());
        seen.extend(metrics.iter().map(Json::to_string));
        match answer.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(seen.len(), sizes.iter().sum::<usize>());
    assert!(sizes.len() > 4 && sizes.iter().rev().skip(1).all(|size| *size == 500));
}
