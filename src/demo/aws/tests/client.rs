//! The smallest client that can speak to the simulated AWS, and a clock that tests move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use crate::demo::aws::SimulatedAws;
use crate::demo::aws::fleet::Fleet;
use crate::demo::aws::options::{Clock, Options};

pub(super) const REGION: &str = "ap-northeast-1";
pub(super) const ACCOUNT: &str = "111122223333";

/// 2026-03-01 12:00:00 UTC and so many seconds.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_366_400 + seconds, 0).unwrap()
}

/// A clock that stands at [`at`]`(0)` until it is moved.
#[derive(Clone, Default)]
pub(super) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(super) fn clock(&self) -> Clock {
        let hands = self.clone();
        Arc::new(move || hands.now())
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        at(0) + TimeDelta::milliseconds(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn set(&self, seconds: i64) {
        self.0.store(seconds * 1000, Ordering::Relaxed);
    }
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub(super) fn aws(fleet: Fleet) -> SimulatedAws {
    SimulatedAws::new(fleet, Options::at(at(0)))
}

pub(super) fn request(
    service: &str,
    key: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Request<Body> {
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260301/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=00"
    );
    let mut request = Request::post("/").header("authorization", scope);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body)).unwrap()
}

pub(super) async fn send(aws: &SimulatedAws, request: Request<Body>) -> Reply {
    let (parts, body) = aws.router().oneshot(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: body.to_vec(),
    }
}

pub(super) fn ecs_request(operation: &str, input: &Json) -> Request<Body> {
    let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
    let headers = [("x-amz-target", &*target)];
    request("ecs", "AKIA1", &headers, input.to_string().into_bytes())
}

pub(super) async fn ecs(aws: &SimulatedAws, operation: &str, input: Json) -> Reply {
    send(aws, ecs_request(operation, &input)).await
}

pub(super) async fn cloudwatch(aws: &SimulatedAws, operation: &str, input: Json) -> Reply {
    let target = format!("GraniteServiceVersion20100801.{operation}");
    let headers = [("x-amz-target", &*target)];
    let body = input.to_string().into_bytes();
    send(aws, request("monitoring", "AKIA1", &headers, body)).await
}

pub(super) async fn sts(aws: &SimulatedAws, key: &str, form: &str) -> Reply {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    send(aws, request("sts", key, &headers, form.as_bytes().to_vec())).await
}

pub(super) fn metric(name: &str, cluster: &str, service: Option<&str>) -> Json {
    let mut dimensions = vec![json!({ "Name": "ClusterName", "Value": cluster })];
    dimensions.extend(service.map(|service| json!({ "Name": "ServiceName", "Value": service })));
    json!({ "Namespace": "AWS/ECS", "MetricName": name, "Dimensions": dimensions })
}

/// Whether two numbers are the same but for how JSON is parsed.
pub(super) fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

#[track_caller]
pub(super) fn assert_same(found: &[(i64, f64)], expected: &[(i64, f64)], what: &str) {
    let times = |points: &[(i64, f64)]| points.iter().map(|one| one.0).collect::<Vec<_>>();
    assert_eq!(times(found), times(expected), "{what}");
    for (one, other) in found.iter().zip(expected) {
        assert!(same(one.1, other.1), "{what}: {one:?} is not {other:?}");
    }
}

/// A query for the CPU of a service of the cluster `web`.
pub(super) fn cpu(id: &str, service: &str, statistic: &str) -> Json {
    query(
        id,
        metric("CPUUtilization", "web", Some(service)),
        statistic,
        60,
    )
}

pub(super) fn query(id: &str, metric: Json, statistic: &str, period: i64) -> Json {
    json!({ "Id": id, "MetricStat": { "Metric": metric, "Period": period, "Stat": statistic } })
}

pub(super) async fn data(aws: &SimulatedAws, queries: &[Json], from: i64, to: i64) -> Reply {
    let input = json!({
        "MetricDataQueries": queries,
        "StartTime": at(from).timestamp(),
        "EndTime": at(to).timestamp(),
        "ScanBy": "TimestampAscending",
    });
    cloudwatch(aws, "GetMetricData", input).await
}

/// The points of the only result: seconds after [`at`]`(0)` and values.
pub(super) async fn points(aws: &SimulatedAws, query: Json, from: i64, to: i64) -> Vec<(i64, f64)> {
    let answer = data(aws, &[query], from, to).await.json();
    let result = &answer["MetricDataResults"][0];
    assert_eq!(result["StatusCode"], "Complete", "{answer}");
    let times = result["Timestamps"].as_array().unwrap().iter();
    let values = result["Values"].as_array().unwrap().iter();
    times
        .zip(values)
        .map(|(time, value)| {
            let seconds = time.as_f64().unwrap() as i64 - at(0).timestamp();
            (seconds, value.as_f64().unwrap())
        })
        .collect()
}
