//! The bridge to moto, as the AWS SDK sees it: nothing may be lost or changed on the way, or what
//! the other tests say of moto would be said of the bridge.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudwatch::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_cloudwatch::error::ProvideErrorMetadata;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use serde_json::{Value, json};

use crate::support::bridge::{BRIDGE_FAILURE, Bridge};
use crate::support::moto::Moto;
use crate::support::world::REGION;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;

fn sdk(bridge: &Bridge) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(bridge.url())
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "test",
        )))
        .build()
}

fn query(id: &str, stat: &str) -> MetricDataQuery {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let metric = Metric::builder()
        .namespace("AWS/ECS")
        .metric_name("CPUUtilization")
        .dimensions(dimension("ClusterName", "web"))
        .dimensions(dimension("ServiceName", "api"))
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(60)
        .stat(stat)
        .build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

#[tokio::test]
async fn errors_keep_their_code_and_message() {
    let moto = Moto::shared();
    let bridge = Bridge::start(moto.url(), &moto.account()).unwrap();
    let sdk = sdk(&bridge);
    let error = aws_sdk_cloudwatch::Client::new(&sdk)
        .get_metric_data()
        .start_time(DateTime::from_secs(START))
        .end_time(DateTime::from_secs(START))
        .metric_data_queries(query("a", "Average"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("ValidationError"));
    assert_eq!(
        error.message(),
        Some("The parameter StartTime must not equal parameter EndTime.")
    );
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    let seen = bridge.seen_of("GetMetricData");
    assert_eq!(seen.len(), 1, "it is not tried again");
    let error = aws_sdk_ecs::Client::new(&sdk)
        .list_services()
        .cluster("none")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("ClusterNotFoundException"));
}

#[tokio::test]
async fn timestamps_and_doubles_come_back_exactly() {
    let moto = Moto::shared();
    let account = moto.account();
    let fleet = json!({"metrics": [{
        "name": "CPUUtilization",
        "dimensions": {"ClusterName": "web", "ServiceName": "api"},
        "points": [
            {"at": START, "values": [1, 2], "counts": [3, 1]},
            {"at": START + 60, "statistics": {
                "Sum": 30.5, "SampleCount": 2, "Minimum": 10.25, "Maximum": 20.25}},
            {"at": START + 120, "value": 7},
        ],
    }]});
    moto.make(&account, REGION, &fleet).unwrap();
    let bridge = Bridge::start(moto.url(), &account).unwrap();
    let expected: [(&str, [f64; 3]); 4] = [
        ("Average", [1.25, 15.25, 7.0]),
        ("Minimum", [1.0, 10.25, 7.0]),
        ("Maximum", [2.0, 20.25, 7.0]),
        ("SampleCount", [4.0, 2.0, 1.0]),
    ];
    let queries = expected.map(|(stat, _)| query(&stat.to_lowercase(), stat));
    let answer = aws_sdk_cloudwatch::Client::new(&sdk(&bridge))
        .get_metric_data()
        .start_time(DateTime::from_secs(START))
        .end_time(DateTime::from_secs(START + 180))
        .scan_by(ScanBy::TimestampAscending)
        .set_metric_data_queries(Some(queries.to_vec()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.metric_data_results().len(), expected.len());
    for (result, (stat, values)) in answer.metric_data_results().iter().zip(expected) {
        assert_eq!(result.id(), Some(stat.to_lowercase().as_str()));
        let minutes = [START, START + 60, START + 120];
        assert_eq!(result.timestamps(), minutes.map(DateTime::from_secs));
        assert_eq!(result.values(), values);
    }
    let [seen] = &bridge.seen_of("GetMetricData")[..] else {
        panic!("one request");
    };
    assert_eq!(seen.queries, 4);
    assert_eq!(seen.input["StartTime"], json!(START as f64));
}

#[tokio::test]
async fn what_goes_wrong_in_between_is_told() {
    let moto = Moto::shared();
    let nobody = Bridge::start("http://127.0.0.1:1", &moto.account()).unwrap();
    let error = aws_sdk_ecs::Client::new(&sdk(&nobody))
        .list_clusters()
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(BRIDGE_FAILURE));
    let message = error.message().unwrap();
    assert!(message.contains("asking moto"), "{message}");
    assert_eq!(nobody.seen()[0].input, Value::Object(Default::default()));

    let nowhere = format!("{}/nowhere", moto.url());
    let nowhere = Bridge::start(&nowhere, &moto.account()).unwrap();
    let error = aws_sdk_cloudwatch::Client::new(&sdk(&nowhere))
        .list_metrics()
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(BRIDGE_FAILURE));
    let message = error.message().unwrap();
    assert!(
        message.contains("moto's answer to ListMetrics"),
        "{message}"
    );
}
