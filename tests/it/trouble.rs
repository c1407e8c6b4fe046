//! What goes wrong: one clear line that names the thing and the mend, the right exit status, and
//! the rest posted all the same.

use mackerel_ecs::demo::aws::fault::{Fault, FaultKind};
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::fleet::{Account, Fleet, Role};
use mackerel_ecs::demo::aws::options::{Denial, Key};
use mackerel_ecs::demo::mackerel::fault::{Fault as MackerelFault, FaultKind as MackerelFaultKind};
use mackerel_ecs::demo::mackerel::option::ApiKey;

use crate::support::program::Ended;
use crate::support::world::{ACCOUNT, API_KEY, REGION, SECRET_KEY, World};

fn fleet() -> Fleet {
    let cluster = |name: &str| Cluster::fargate(name).service(Service::steady("api", 1));
    Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("web"))
        .cluster(REGION, cluster("db"))
}

const ONCE: &str = "poll --once --output json --log-level trace";

/// One complaint that holds all of the parts, and no secret anywhere.
#[track_caller]
fn expect_one_complaint(ended: &Ended, parts: &[&str]) {
    let complaints: Vec<&str> = ended
        .complaints()
        .into_iter()
        .filter(|line| line.contains("ERROR") || line.contains("WARN"))
        .collect();
    assert_eq!(complaints.len(), 1, "{}", ended.stderr);
    for part in parts {
        assert!(
            complaints[0].contains(part),
            "`{part}` is not in {complaints:?}"
        );
    }
    expect_no_secret(ended);
}

#[track_caller]
fn expect_no_secret(ended: &Ended) {
    for secret in [API_KEY, SECRET_KEY] {
        for text in [&ended.stdout, &ended.stderr] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}

#[tokio::test]
async fn all_is_well() {
    let world = World::real(fleet()).await;
    let ended = world.program(ONCE).run().await.expect_status(0);
    expect_no_secret(&ended);
    let json = ended.json();
    assert_eq!(json["clusters"][0]["cluster"], "db");
    assert_eq!(json["clusters"][1]["host_id"], world.host("web"));
    assert_eq!(json["clusters"][1]["size"], "standard");
    assert_eq!(json["clusters"][1]["services"], 1);
    assert_eq!(json["calls"]["ecs:ListClusters"], 1);
    assert_eq!(json["calls"]["cloudwatch:GetMetricData"], 1);
    // Six a service, and the number of samples for the hour before the first look.
    assert_eq!(json["cloudwatch_metrics_requested"], 2 * 7);
    assert_eq!(json["troubles"], serde_json::json!([]));
}

#[tokio::test]
async fn a_wrong_api_key() {
    let world = World::real(fleet()).await;
    let program = world.program(ONCE).env("MACKEREL_APIKEY", "wrong-canary");
    let ended = program.run().await.expect_status(1);
    expect_one_complaint(&ended, &["does not accept the API key", "MACKEREL_APIKEY"]);
    assert!(!ended.stderr.contains("wrong-canary"));
    assert!(world.mackerel.hosts().is_empty());
}

#[tokio::test]
async fn a_key_without_write_permission() {
    let world = World::real_with(
        fleet(),
        |o| o,
        |mut o| {
            o.keys = vec![ApiKey::read_only(API_KEY)];
            o
        },
    )
    .await;
    let ended = world.program(ONCE).run().await.expect_status(1);
    expect_one_complaint(
        &ended,
        &["forbids POST /hosts", "read and write permission"],
    );
}

#[tokio::test]
async fn aws_credentials_that_expired_or_never_were() {
    for (key, part) in [
        (Key::Expired, "the AWS credentials have expired"),
        (Key::Invalid, "does not accept the credentials"),
    ] {
        let world = World::real_with(fleet(), |o| o.key("AKIATEST", key), |o| o).await;
        let ended = world.program(ONCE).run().await.expect_status(1);
        expect_one_complaint(&ended, &[part, "ecs:ListClusters"]);
    }
    let world = World::real(fleet()).await;
    let program = world
        .program(ONCE)
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    let ended = program.run().await.expect_status(1);
    expect_one_complaint(&ended, &["no AWS credentials", "task role"]);
}

#[tokio::test]
async fn no_region() {
    let world = World::real(fleet()).await;
    let ended = world.program(ONCE).without("AWS_REGION").run().await;
    expect_one_complaint(&ended.expect_status(1), &["no Region", "AWS_REGION"]);
}

#[tokio::test]
async fn endpoints_that_can_not_be_reached() {
    let world = World::real(fleet()).await;
    // Nobody listens on the discard port of the loopback address.
    let program = world
        .program(ONCE)
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_MAX_ATTEMPTS", "1");
    let ended = program.run().await.expect_status(1);
    expect_one_complaint(
        &ended,
        &["can't reach AWS", "ecs:ListClusters", "VPC endpoints"],
    );

    let program = world
        .program(ONCE)
        .env("MACKEREL_APIBASE", "http://127.0.0.1:9")
        .config("poll: {interval: 1m}");
    let ended = program.run().await.expect_status(1);
    expect_one_complaint(
        &ended,
        &[
            "can't reach Mackerel at http://127.0.0.1:9",
            "MACKEREL_APIBASE",
        ],
    );
}

#[tokio::test]
async fn an_endpoint_that_answers_a_web_page() {
    let world = World::real(fleet()).await;
    world
        .aws
        .inject(Fault::of("ecs:ListClusters", FaultKind::Html));
    let program = world.program(ONCE).env("AWS_MAX_ATTEMPTS", "1");
    let ended = program.run().await.expect_status(1);
    expect_one_complaint(&ended, &["ecs:ListClusters", "502"]);
}

#[tokio::test]
async fn an_action_that_is_denied_everywhere() {
    for (action, status) in [
        ("ecs:ListClusters", 1),
        ("ecs:DescribeClusters", 1),
        ("ecs:ListServices", 3),
        ("ecs:DescribeServices", 3),
        ("cloudwatch:GetMetricData", 3),
    ] {
        let world = World::real(fleet()).await;
        world.aws.deny(Denial::of(action));
        let ended = world.program(ONCE).run().await.expect_status(status);
        let part = format!("access denied to {action}; allow it in the IAM policy");
        expect_one_complaint(&ended, &[&part]);
    }
}

/// What is denied on one cluster leaves the other whole, and the rest of its own.
#[tokio::test]
async fn an_action_that_is_denied_on_one_cluster() {
    let world = World::real(fleet()).await;
    world
        .aws
        .deny(Denial::on_cluster("ecs:DescribeServices", "web"));
    let ended = world.program(ONCE).run().await.expect_status(3);
    expect_one_complaint(
        &ended,
        &["cluster web: access denied to ecs:DescribeServices"],
    );
    let json = ended.json();
    assert_eq!(json["clusters"][0]["failed"], false);
    assert_eq!(json["clusters"][1]["failed"], true);
    assert_eq!(
        world
            .points("db", "custom.ecs.running_task.api.desired")
            .len(),
        1
    );
    assert_eq!(
        world.points("web", "custom.ecs.cluster_task.running").len(),
        1
    );
    assert_eq!(
        world.points("web", "custom.ecs.running_task.api.desired"),
        []
    );
}

/// CloudWatch failing in part or as a whole never costs the counts.
#[tokio::test]
async fn cloudwatch_that_fails_leaves_the_counts() {
    for (kind, times, status, said) in [
        (
            FaultKind::Throttle,
            None,
            3,
            "throttled cloudwatch:GetMetricData",
        ),
        (FaultKind::Status(500), None, 3, "failed on AWS's side"),
        (
            FaultKind::InternalErrorResult,
            None,
            3,
            "internal error of CloudWatch",
        ),
        (FaultKind::InternalErrorResult, Some(1), 0, ""),
        (FaultKind::PartialData, Some(2), 0, ""),
        (FaultKind::Cut, Some(1), 0, ""),
        (FaultKind::Throttle, Some(1), 0, ""),
    ] {
        let world = World::real(fleet()).await;
        let fault = Fault::of("cloudwatch:GetMetricData", kind);
        world.aws.inject(match times {
            Some(times) => fault.times(times),
            None => fault,
        });
        let ended = world.program(ONCE).run().await.expect_status(status);
        let whole = world.points("web", "custom.ecs.service_cpu_utilization.api.average");
        if status == 0 {
            assert_eq!(ended.json()["troubles"], serde_json::json!([]), "{kind:?}");
            assert_eq!(whole.len(), 60, "{kind:?} {times:?}");
        } else {
            expect_one_complaint(&ended, &[said]);
        }
        for host in ["web", "db"] {
            let counts = world.points(host, "custom.ecs.running_task.api.desired");
            assert_eq!(counts.len(), 1, "{kind:?}");
        }
    }
}

/// Mackerel failing for a moment is tried again; for good, it is told once.
#[tokio::test]
async fn mackerel_that_fails() {
    let world = World::real(fleet()).await;
    let fault = |times| MackerelFault {
        method: Some("POST".into()),
        path_prefix: "/api/v0/tsdb".into(),
        kind: MackerelFaultKind::Status {
            code: 503,
            retry_after: None,
            body: "<html>busy</html>".into(),
        },
        times,
    };
    world.mackerel.inject(fault(Some(2)));
    let ended = world.program(ONCE).run().await.expect_status(0);
    assert_eq!(ended.json()["troubles"], serde_json::json!([]));
    assert_eq!(
        world
            .points("web", "custom.ecs.running_task.api.desired")
            .len(),
        1
    );
}

/// A point that Mackerel refuses is dropped and told; all others of its request go through.
#[tokio::test]
async fn a_poisoned_point_is_dropped_alone() {
    let world = World::real(fleet()).await;
    let poison = "custom.ecs.running_task.api.pending";
    world
        .mackerel
        .refuse_points(move |point| point.name == poison);
    let ended = world.program(ONCE).run().await.expect_status(3);
    assert!(
        ended.stderr.contains(&format!("dropped {poison}")),
        "{}",
        ended.stderr
    );
    for host in ["web", "db"] {
        let names = world.mackerel.metric_names(&world.host(host));
        assert_eq!(names.len(), 16, "{names:?}");
    }
}

/// Accounts are reached by role and external id; one that can't be does not touch the others.
#[tokio::test]
async fn targets_in_other_accounts() {
    let other = "444455556666";
    let cluster = Cluster::fargate("theirs").service(Service::steady("api", 1));
    let account = Account::new(other)
        .cluster("eu-west-1", cluster)
        .role(Role::new("reader").external_id("sesame"));
    let world = World::real(fleet().account(account)).await;
    let config = |external_id: &str| {
        format!(
            "targets:\n  - name: own\n  - name: other\n    regions: [eu-west-1, us-east-1]\n    \
             role_arn: arn:aws:iam::{other}:role/reader\n    external_id: {external_id}\n"
        )
    };
    let program = world.program(ONCE).config(&config("sesame"));
    let ended = program.run().await.expect_status(0);
    let json = ended.json();
    let found: Vec<(&str, &str, &str)> = json["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            let text = |key: &str| c[key].as_str().unwrap();
            (text("target"), text("region"), text("cluster"))
        })
        .collect();
    assert_eq!(
        found,
        [
            ("own", REGION, "db"),
            ("own", REGION, "web"),
            ("other", "eu-west-1", "theirs"),
        ]
    );
    expect_one_complaint(
        &ended,
        &["target other: us-east-1: there is no ECS cluster"],
    );

    let program = world.program(ONCE).config(&config("wrong"));
    let ended = program.run().await.expect_status(3);
    assert_eq!(ended.json()["clusters"].as_array().unwrap().len(), 2);
    let complaints = ended.complaints().join("\n");
    assert!(complaints.contains("target other:"), "{complaints}");
    assert!(complaints.contains("external id"), "{complaints}");
}

/// A CloudWatch that hangs keeps nothing back but its own values: the counts are posted, and what
/// other requests brought.
#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_holds_nobody() {
    let world = World::new(fleet()).await;
    let fault = Fault::of("cloudwatch:GetMetricData", FaultKind::Hang);
    world.aws.inject(fault);
    let mut poller = world.poller("");
    let began = tokio::time::Instant::now();
    let report = world.poll(&mut poller).await;
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert_eq!(report.outcome().exit_status(), 3);
    for host in ["web", "db"] {
        assert_eq!(
            world
                .points(host, "custom.ecs.running_task.api.count")
                .len(),
            1
        );
    }
    // The minutes that were not read are read at the next poll.
    world.aws.clear_faults();
    world.pass(60);
    let report = world.poll(&mut poller).await;
    assert_eq!(report.troubles, []);
    let read = world.points("web", "custom.ecs.service_cpu_utilization.api.average");
    assert_eq!(read.len(), 60);
}
