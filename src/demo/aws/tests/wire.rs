//! Protocols, credentials and errors, byte by byte.

use axum::body::Body;
use axum::http::Request;
use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};
use serde_json::json;

use crate::demo::aws::SimulatedAws;
use crate::demo::aws::cbor;
use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::fleet::service::Service;
use crate::demo::aws::fleet::{Account, Fleet, Role, noise};
use crate::demo::aws::options::{Identity, Key, Options};
use crate::demo::aws::tests::client::{
    ACCOUNT, Hands, REGION, Reply, at, aws, cloudwatch, cpu, ecs, metric, query, request, send, sts,
};
use crate::demo::aws::value::Value;

fn web() -> SimulatedAws {
    let cluster = Cluster::fargate("web").service(Service::steady("api", 2));
    aws(Fleet::new(ACCOUNT).cluster(REGION, cluster))
}

async fn cbor_call(aws: &SimulatedAws, operation: &str, body: Vec<u8>) -> Reply {
    let headers = [
        ("smithy-protocol", "rpc-v2-cbor"),
        ("content-type", "application/cbor"),
    ];
    let mut request = request("monitoring", "AKIA1", &headers, body);
    let path = format!("/service/GraniteServiceVersion20100801/operation/{operation}");
    *request.uri_mut() = path.parse().unwrap();
    send(aws, request).await
}

/// A GetMetricData input as a client may write it, with or without lengths.
fn cbor_input(with_lengths: bool) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let map = |encoder: &mut Encoder<Vec<u8>>, length: u64| {
        if with_lengths {
            encoder.map(length)
        } else {
            encoder.begin_map()
        }
        .unwrap();
    };
    let end = |encoder: &mut Encoder<Vec<u8>>| {
        if !with_lengths {
            encoder.end().unwrap();
        }
    };
    map(&mut encoder, 3);
    encoder.str("StartTime").unwrap().tag(Tag::new(1)).unwrap();
    encoder.f64(at(-120).timestamp() as f64).unwrap();
    encoder.str("EndTime").unwrap().tag(Tag::new(1)).unwrap();
    encoder.i64(at(0).timestamp()).unwrap();
    encoder.str("MetricDataQueries").unwrap();
    if with_lengths {
        encoder.array(1)
    } else {
        encoder.begin_array()
    }
    .unwrap();
    map(&mut encoder, 2);
    encoder.str("Id").unwrap();
    if with_lengths {
        encoder.str("cpu").unwrap();
    } else {
        encoder
            .begin_str()
            .unwrap()
            .str("c")
            .unwrap()
            .str("pu")
            .unwrap()
            .end()
            .unwrap();
    }
    encoder.str("MetricStat").unwrap();
    map(&mut encoder, 3);
    encoder.str("Period").unwrap().u8(60).unwrap();
    encoder.str("Stat").unwrap().str("SampleCount").unwrap();
    encoder.str("Metric").unwrap();
    map(&mut encoder, 3);
    encoder.str("Namespace").unwrap().str("AWS/ECS").unwrap();
    encoder
        .str("MetricName")
        .unwrap()
        .str("CPUUtilization")
        .unwrap();
    encoder.str("Dimensions").unwrap().array(2).unwrap();
    for (name, value) in [("ClusterName", "web"), ("ServiceName", "api")] {
        encoder
            .map(2)
            .unwrap()
            .str("Name")
            .unwrap()
            .str(name)
            .unwrap();
        encoder.str("Value").unwrap().str(value).unwrap();
    }
    end(&mut encoder);
    end(&mut encoder);
    end(&mut encoder);
    end(&mut encoder);
    end(&mut encoder);
    encoder.into_writer()
}

#[tokio::test]
async fn cbor_is_read_with_and_without_lengths() {
    for with_lengths in [true, false] {
        let reply = cbor_call(&web(), "GetMetricData", cbor_input(with_lengths)).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("smithy-protocol"), "rpc-v2-cbor");
        assert_eq!(reply.header("content-type"), "application/cbor");
        assert!(!reply.header("x-amzn-requestid").is_empty());
        let answer = cbor::decode(&reply.body).unwrap();
        let result = answer.list("MetricDataResults").unwrap().first().unwrap();
        let times = [at(-60), at(-120)].map(Value::time_of);
        assert_eq!(result.list("Timestamps").unwrap(), times);
        assert_eq!(
            result.list("Values").unwrap(),
            [Value::Float(2.0), Value::Float(2.0)]
        );
    }
}

#[tokio::test]
async fn cbor_timestamps_are_tagged_and_values_are_doubles() {
    let reply = cbor_call(&web(), "GetMetricData", cbor_input(true)).await;
    let mut decoder = Decoder::new(&reply.body);
    let mut kinds = Vec::new();
    while let Ok(kind) = decoder.datatype() {
        match kind {
            Type::Tag => assert_eq!(decoder.tag().unwrap(), Tag::new(1)),
            Type::MapIndef => assert_eq!(decoder.map().unwrap(), None),
            Type::Array => assert!(decoder.array().unwrap().is_some()),
            Type::Break => decoder.set_position(decoder.position() + 1),
            _ => decoder.skip().unwrap(),
        }
        kinds.push(kind);
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == Type::Tag).count(), 2);
    assert_eq!(kinds.iter().filter(|kind| **kind == Type::F64).count(), 4);
}

#[tokio::test]
async fn cloudwatch_errors_carry_both_names() {
    let reply = cbor_call(
        &web(),
        "GetMetricData",
        cbor::encode(&Value::map([])).unwrap(),
    )
    .await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.header("x-amzn-query-error"),
        "MissingParameter;Sender"
    );
    let error = cbor::decode(&reply.body).unwrap();
    let kind = error.text("__type").unwrap().unwrap();
    assert!(
        kind.ends_with("#MissingRequiredParameterException"),
        "{kind}"
    );
    let reply = cloudwatch(&web(), "GetMetricData", json!({})).await;
    assert_eq!(
        reply.header("x-amzn-query-error"),
        "MissingParameter;Sender"
    );
    assert_eq!(reply.header("content-type"), "application/x-amz-json-1.0");
}

#[tokio::test]
async fn unknown_operations_are_refused_as_each_protocol_does() {
    let reply = ecs(&web(), "CreateCluster", json!({})).await;
    assert_eq!(
        (reply.status, reply.json()["__type"].as_str()),
        (400, Some("UnknownOperationException"))
    );
    let reply = cbor_call(&web(), "PutMetricData", Vec::new()).await;
    assert_eq!(reply.status, 404);
    let reply = cloudwatch(&web(), "PutMetricData", json!({})).await;
    assert_eq!(reply.status, 400);
    let reply = sts(&web(), "AKIA1", "Action=GetSessionToken&Version=2011-06-15").await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("<Code>InvalidAction</Code>"));
}

#[tokio::test]
async fn credentials_are_asked_for_and_known_bad_ones_refused() {
    let options = Options::at(at(0))
        .key("EXPIRED", Key::Expired)
        .key("INVALID", Key::Invalid);
    let aws = SimulatedAws::new(Fleet::new(ACCOUNT), options);
    let list = [(
        "x-amz-target",
        "AmazonEC2ContainerServiceV20141113.ListClusters",
    )];
    let kind = async |request| {
        let reply = send(&aws, request).await;
        (
            reply.status,
            reply.json()["__type"].as_str().unwrap().to_owned(),
        )
    };
    let expected = |kind: &str| (400, kind.to_owned());
    let mut bare = request("ecs", "A", &list, b"{}".to_vec());
    bare.headers_mut().remove("authorization");
    assert_eq!(
        kind(bare).await,
        expected("MissingAuthenticationTokenException")
    );
    let of = |key: &str| request("ecs", key, &list, b"{}".to_vec());
    assert_eq!(kind(of("EXPIRED")).await, expected("ExpiredTokenException"));
    assert_eq!(
        kind(of("INVALID")).await,
        expected("UnrecognizedClientException")
    );
    let wrong = request("monitoring", "A", &list, b"{}".to_vec());
    assert_eq!(kind(wrong).await, expected("InvalidSignatureException"));
    let mut garbled = of("A");
    garbled.headers_mut().insert(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=A/b".parse().unwrap(),
    );
    assert_eq!(
        kind(garbled).await,
        expected("IncompleteSignatureException")
    );
    let reply = sts(
        &aws,
        "INVALID",
        "Action=GetCallerIdentity&Version=2011-06-15",
    )
    .await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().contains("<Code>InvalidClientTokenId</Code>"));
    let nobody = Request::post("/")
        .body(Body::from("Action=GetCallerIdentity"))
        .unwrap();
    let reply = send(&aws, nobody).await;
    assert!(
        reply
            .text()
            .contains("<Code>MissingAuthenticationToken</Code>")
    );
}

#[tokio::test]
async fn a_role_is_assumed_with_its_external_id_until_it_expires() {
    let other = Account::new("444455556666")
        .role(Role::new("reader").external_id("a & b"))
        .cluster(REGION, Cluster::fargate("theirs"));
    let hands = Hands::default();
    let fleet = Fleet::new(ACCOUNT).account(other);
    let aws = SimulatedAws::new(fleet, Options::new(hands.clock()));
    let assume = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=poll&RoleArn=arn%3Aaws%3Aiam%3A%3A444455556666%3Arole%2Freader";
    let reply = sts(&aws, "AKIA1", assume).await;
    assert_eq!(reply.status, 403);
    assert!(
        reply.text().contains("<Code>AccessDenied</Code>"),
        "{}",
        reply.text()
    );
    let reply = sts(&aws, "AKIA1", &format!("{assume}&ExternalId=a+%26+b")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let text = reply.text();
    let (_, rest) = text.split_once("<AccessKeyId>").unwrap();
    let (key, _) = rest.split_once("</AccessKeyId>").unwrap();
    let list = || {
        let headers = [(
            "x-amz-target",
            "AmazonEC2ContainerServiceV20141113.ListClusters",
        )];
        request("ecs", key, &headers, Vec::new())
    };
    let arns = json!([format!("arn:aws:ecs:{REGION}:444455556666:cluster/theirs")]);
    assert_eq!(send(&aws, list()).await.json()["clusterArns"], arns);
    let who = sts(&aws, key, "Action=GetCallerIdentity").await.text();
    assert!(who.contains("assumed-role/reader/poll"), "{who}");
    hands.set(3600);
    let reply = send(&aws, list()).await;
    assert_eq!(reply.json()["__type"], "ExpiredTokenException");
}

#[tokio::test]
async fn role_chaining_is_limited_to_an_hour() {
    let account = Fleet::new(ACCOUNT).role(Role {
        max_session: 43_200,
        ..Role::new("reader")
    });
    let user = Key::Valid(Identity::user(ACCOUNT, "someone"));
    let aws = SimulatedAws::new(account, Options::at(at(0)).key("USER", user));
    let form = format!(
        "Action=AssumeRole&RoleSessionName=poll&DurationSeconds=7200&RoleArn=arn:aws:iam::{ACCOUNT}:role/reader"
    );
    assert_eq!(sts(&aws, "USER", &form).await.status, 200);
    let reply = sts(&aws, "AKIA1", &form).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("role chaining"));
}

#[tokio::test]
async fn no_body_can_break_the_server() {
    let aws = web();
    let mut seed = 1;
    for round in 0..300 {
        let body: Vec<u8> = (0..round)
            .map(|_| {
                seed = noise::mix(seed, 1);
                seed as u8
            })
            .collect();
        cbor_call(&aws, "GetMetricData", body.clone()).await;
        let mut cut = cbor_input(round % 2 == 0);
        cut.truncate(round);
        assert_eq!(
            cbor_call(&aws, "GetMetricStatistics", cut).await.status,
            400
        );
        let target = [(
            "x-amz-target",
            "AmazonEC2ContainerServiceV20141113.DescribeServices",
        )];
        send(&aws, request("ecs", "A", &target, body.clone())).await;
        send(&aws, request("sts", "A", &[], body)).await;
    }
    let deep = vec![0x81; 100_000];
    assert_eq!(cbor_call(&aws, "GetMetricData", deep).await.status, 400);
    for input in [
        json!({ "StartTime": 1e300, "EndTime": 2e300 }),
        json!({ "StartTime": -8e12, "EndTime": 8e12, "MetricDataQueries": [cpu("a", "api", "Sum")] }),
        json!({ "StartTime": 0, "EndTime": 1, "MetricDataQueries": [query("a", metric("CPUUtilization", "web", Some("api")), "Sum", i64::MAX / 60 * 60)] }),
        json!({ "MetricDataQueries": [1, null, "a", [[]]], "StartTime": "x" }),
    ] {
        let reply = cloudwatch(&aws, "GetMetricData", input).await;
        assert!(reply.status == 200 || reply.status == 400);
    }
}
