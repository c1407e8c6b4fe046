//! Limits, denials, faults and the record of calls.

use axum::body::Body;
use axum::http::Request;
use futures_util::FutureExt;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::demo::aws::SimulatedAws;
use crate::demo::aws::fault::{Fault, FaultKind};
use crate::demo::aws::fleet::Fleet;
use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::fleet::service::Service;
use crate::demo::aws::options::{Denial, Options};
use crate::demo::aws::record::{CallRecord, Calls};
use crate::demo::aws::tests::client::{
    ACCOUNT, Hands, REGION, at, aws, cpu, data, ecs, ecs_request, metric, query, send, sts,
};

fn fleet() -> Fleet {
    ["web", "other"]
        .into_iter()
        .fold(Fleet::new(ACCOUNT), |fleet, name| {
            fleet.cluster(
                REGION,
                Cluster::fargate(name).service(Service::steady("api", 2)),
            )
        })
}

async fn kind_of(aws: &SimulatedAws, operation: &str, input: Json) -> String {
    let reply = ecs(aws, operation, input).await;
    let kind = reply.json()["__type"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert_eq!(reply.status == 200, kind.is_empty());
    kind
}

#[tokio::test]
async fn documented_limits_are_buckets_that_refill() {
    let hands = Hands::default();
    let aws = SimulatedAws::new(fleet(), Options::new(hands.clock()).limited());
    let passed = async |operation: &str, input: Json| {
        let mut passed = 0;
        while kind_of(&aws, operation, input.clone()).await.is_empty() {
            passed += 1;
        }
        passed
    };
    let services = json!({ "cluster": "web" });
    assert_eq!(passed("ListServices", services.clone()).await, 100);
    let describe = json!({ "cluster": "web", "services": ["api"] });
    assert_eq!(
        passed("DescribeServices", describe).await,
        0,
        "the same bucket"
    );
    assert_eq!(passed("ListClusters", json!({})).await, 50);
    hands.set(2);
    assert_eq!(passed("ListServices", services.clone()).await, 40);
    hands.set(3600);
    assert_eq!(passed("ListServices", services.clone()).await, 100);
    assert_eq!(
        kind_of(&aws, "ListServices", services).await,
        "ThrottlingException"
    );
}

#[tokio::test]
async fn metric_data_is_limited_by_estimated_datapoints() {
    let aws = SimulatedAws::new(fleet(), Options::at(at(0)).limited());
    let queries: Vec<Json> = (0..500)
        .map(|one| cpu(&format!("q{one}"), "none", "Sum"))
        .collect();
    let mut passed = 0;
    let throttled = loop {
        let reply = data(&aws, &queries, -3600, 0).await;
        if reply.status != 200 {
            break reply;
        }
        passed += 1;
    };
    assert_eq!(
        passed, 6,
        "180,000 points are six times 500 queries of an hour"
    );
    assert_eq!(throttled.header("x-amzn-query-error"), "Throttling;Sender");
    assert_eq!(throttled.json()["message"], "Rate exceeded");
    assert_eq!(
        data(&aws, &queries, -86_400, 0).await.status,
        200,
        "older points have their own"
    );
}

#[tokio::test]
async fn a_denial_names_user_action_and_resource() {
    let denial = Denial::on_cluster("ecs:DescribeServices", "web");
    let aws = SimulatedAws::new(fleet(), Options::at(at(0)).deny(denial));
    let ask = |cluster: &str| json!({ "cluster": cluster, "services": ["api"] });
    let reply = ecs(&aws, "DescribeServices", ask("web")).await;
    assert_eq!(
        (reply.status, reply.json()["__type"].as_str()),
        (400, Some("AccessDeniedException"))
    );
    let message = reply.json()["Message"].as_str().unwrap().to_owned();
    let resource = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/web/api");
    for part in ["assumed-role/", "ecs:DescribeServices", &resource] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(kind_of(&aws, "DescribeServices", ask("other")).await, "");
    aws.deny(Denial::of("cloudwatch:GetMetricData"));
    let reply = data(&aws, &[cpu("a", "api", "Sum")], -60, 0).await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.header("x-amzn-query-error"), "AccessDenied;Sender");
    aws.allow_all();
    assert_eq!(kind_of(&aws, "DescribeServices", ask("web")).await, "");
}

#[tokio::test]
async fn faults_befall_their_requests_so_many_times() {
    let aws = aws(fleet());
    let ask = |cluster: &str| json!({ "cluster": cluster });
    aws.inject(
        Fault::of("ecs:ListServices", FaultKind::Throttle)
            .cluster("web")
            .times(2),
    );
    assert_eq!(kind_of(&aws, "ListServices", ask("other")).await, "");
    assert_eq!(
        kind_of(&aws, "ListServices", ask("web")).await,
        "ThrottlingException"
    );
    let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/web");
    assert_eq!(
        kind_of(&aws, "ListServices", ask(&arn)).await,
        "ThrottlingException"
    );
    assert_eq!(kind_of(&aws, "ListServices", ask("web")).await, "");
    aws.inject(Fault::everywhere(FaultKind::Status(503)));
    for _ in 0..3 {
        assert_eq!(ecs(&aws, "ListClusters", json!({})).await.status, 503);
    }
    assert_eq!(
        data(&aws, &[cpu("a", "api", "Sum")], -60, 0).await.status,
        503
    );
    aws.clear_faults();
    aws.inject(Fault::everywhere(FaultKind::Html).times(1));
    let reply = ecs(&aws, "ListClusters", json!({})).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (502, "text/html")
    );
    aws.inject(Fault::everywhere(FaultKind::EmptyBody).times(1));
    let reply = ecs(&aws, "ListClusters", json!({})).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    aws.inject(Fault::everywhere(FaultKind::Hang).times(1));
    let request = || {
        aws.router()
            .oneshot(ecs_request("ListClusters", &json!({})))
    };
    assert!(request().now_or_never().is_none(), "it hangs");
    assert!(request().now_or_never().is_some(), "it answers at once");
}

#[tokio::test]
async fn credentials_can_expire_for_one_service_or_all() {
    let aws = aws(fleet());
    let expired = async || {
        let reply = ecs(&aws, "ListClusters", json!({})).await;
        let kind = reply.json()["__type"].as_str().map(str::to_owned);
        let of_ecs = (reply.status, kind) == (400, Some("ExpiredTokenException".to_owned()));
        let reply = data(&aws, &[cpu("a", "api", "Sum")], -60, 0).await;
        let code = reply.header("x-amzn-query-error");
        let of_cloudwatch = (reply.status, code) == (403, "ExpiredToken;Sender");
        let reply = sts(&aws, "AKIA1", "Action=GetCallerIdentity").await;
        let of_sts = reply.status == 403 && reply.text().contains("<Code>ExpiredToken</Code>");
        (of_ecs, of_cloudwatch, of_sts)
    };
    assert_eq!(expired().await, (false, false, false));
    for (actions, befallen) in [
        ("ecs:*", (true, false, false)),
        ("cloudwatch:*", (false, true, false)),
        ("ecs:ListServices", (false, false, false)),
    ] {
        aws.inject(Fault::of(actions, FaultKind::ExpiredToken));
        assert_eq!(expired().await, befallen, "{actions}");
        aws.clear_faults();
    }
    aws.inject(Fault::everywhere(FaultKind::ExpiredToken));
    assert_eq!(expired().await, (true, true, true));
    let calls = aws.calls();
    let record = calls.of("ecs:ListClusters").last().unwrap();
    assert_eq!(record.error.as_deref(), Some("ExpiredTokenException"));
    aws.clear_faults();
    assert_eq!(expired().await, (false, false, false));
}

#[tokio::test]
async fn results_of_metric_data_can_be_spoiled() {
    let aws = aws(fleet());
    let other = query(
        "b",
        metric("CPUUtilization", "other", Some("api")),
        "Sum",
        60,
    );
    let queries = [cpu("a", "api", "Sum"), other];
    let fault = Fault::of("cloudwatch:GetMetricData", FaultKind::InternalErrorResult);
    aws.inject(fault.cluster("web").times(1));
    let answer = data(&aws, &queries, -600, 0).await.json();
    let results = answer["MetricDataResults"].as_array().unwrap();
    assert_eq!(results[0]["StatusCode"], "InternalError");
    assert_eq!(results[0]["Values"], json!([]));
    assert_eq!(results[1]["StatusCode"], "Complete");
    aws.inject(Fault::everywhere(FaultKind::PartialData).times(1));
    assert_eq!(
        ecs(&aws, "ListClusters", json!({})).await.status,
        200,
        "not for ECS"
    );
    let answer = data(&aws, &queries, -600, 0).await.json();
    let results = answer["MetricDataResults"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["StatusCode"], "PartialData");
    assert_eq!(results[0]["Values"].as_array().unwrap().len(), 5);
    assert!(answer["NextToken"].is_string());
}

#[tokio::test]
async fn a_cut_connection_ends_in_the_middle_of_the_body() {
    let aws = aws(fleet());
    aws.inject(Fault::of("ecs:ListClusters", FaultKind::Cut));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = aws.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = ecs_request("ListClusters", &json!({}));
    let mut text = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n".to_owned();
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    text.push_str("\r\n{}");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A reset is as good an end as a close.
    let _ = stream.read_to_end(&mut bytes).await;
    server.abort();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length: usize = length.lines().next().unwrap().parse().unwrap();
    assert!(body.len() < length, "{} of {length}", body.len());
}

#[tokio::test]
async fn calls_are_recorded_with_what_they_asked() {
    let aws = aws(fleet());
    ecs(
        &aws,
        "DescribeServices",
        json!({ "cluster": "web", "services": ["api", "b"] }),
    )
    .await;
    ecs(
        &aws,
        "DescribeServices",
        json!({ "cluster": "none", "services": ["c"] }),
    )
    .await;
    data(
        &aws,
        &[cpu("a", "api", "Sum"), cpu("b", "api", "Average")],
        -60,
        0,
    )
    .await;
    send(
        &aws,
        Request::post("/")
            .body(Body::from("Action=AssumeRole"))
            .unwrap(),
    )
    .await;
    let calls = aws.calls();
    let count = calls.counts["ecs:DescribeServices"];
    assert_eq!((count.calls, count.items, count.failed), (2, 3, 1));
    assert_eq!(calls.count("cloudwatch:GetMetricData"), 1);
    assert_eq!(calls.count("ecs:ListClusters"), 0);
    let record = calls.of("cloudwatch:GetMetricData").next().unwrap();
    let items = [
        "CPUUtilization web/api Sum 60",
        "CPUUtilization web/api Average 60",
    ];
    assert_eq!(record.items, items);
    assert_eq!(
        (record.account.as_str(), record.region.as_str()),
        (ACCOUNT, REGION)
    );
    assert_eq!(record.received_at, at(0));
    let failed = calls.of("ecs:DescribeServices").nth(1).unwrap();
    assert_eq!(
        (failed.status, failed.error.as_deref()),
        (400, Some("ClusterNotFoundException"))
    );
    let nobody = calls.of("sts:AssumeRole").next().unwrap();
    assert_eq!(nobody.error.as_deref(), Some("MissingAuthenticationToken"));
    aws.reset_calls();
    assert!(aws.calls().log.is_empty());
}

#[test]
fn the_record_is_bounded() {
    let mut calls = Calls::default();
    for number in 0..20_000 {
        calls.add(CallRecord {
            action: "cloudwatch:GetMetricData".into(),
            account: String::new(),
            region: String::new(),
            status: 200,
            error: None,
            items: vec![String::new(); if number < 10_000 { 0 } else { 500 }],
            received_at: at(number),
        });
    }
    assert_eq!(calls.log.len(), 200);
    assert_eq!(calls.log.back().unwrap().received_at, at(19_999));
    let count = calls.counts["cloudwatch:GetMetricData"];
    assert_eq!((count.calls, count.items), (20_000, 5_000_000));
}
