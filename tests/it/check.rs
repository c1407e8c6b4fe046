//! `check`: what is missing is named, each thing alone, and nothing is changed.

use mackerel_ecs::demo::aws::fleet::cluster::{Cluster, ContainerInsights};
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::fleet::{Account, Fleet, Role};
use mackerel_ecs::demo::aws::options::{Denial, Key, Options as AwsOptions};
use mackerel_ecs::demo::mackerel::option::{ApiKey, Options as MackerelOptions};
use serde_json::{Value, json};

use crate::support::program::{Ended, Program};
use crate::support::world::{ACCOUNT, API_KEY, REGION, SECRET_KEY, World, api};

const CHECK: &str = "check --output json";

/// The least policy of a reader, as the README and the module have it.
const READING: [&str; 7] = [
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
    "ecs:DescribeClusters",
    "ecs:DescribeServiceRevisions",
    "ecs:DescribeServices",
    "ecs:ListClusters",
    "ecs:ListServices",
];

fn fleet() -> Fleet {
    let web = Cluster::fargate("web").service(Service::steady("api", 1));
    Fleet::new(ACCOUNT).cluster(REGION, web)
}

/// What failed, as place, subject and message.
fn failed(ended: &Ended) -> Vec<(String, String, String)> {
    for secret in [API_KEY, SECRET_KEY] {
        assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret));
    }
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    ended.json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["mark"] == "fail")
        .map(|one| {
            (
                text(one, "place"),
                text(one, "subject"),
                text(one, "message"),
            )
        })
        .collect()
}

#[tokio::test]
async fn all_is_well_and_nothing_is_changed() {
    let world = World::real(fleet()).await;
    let ended = world
        .program(CHECK)
        .config("cloudwatch: {}")
        .run()
        .await
        .expect_status(0);
    let json = ended.json();
    assert_eq!(json["ok"], true);
    let subjects: Vec<&str> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["mark"] == "ok" && one["mend"].is_null())
        .map(|one| one["subject"].as_str().unwrap())
        .collect();
    let expected = [
        "loaded",
        "proxy",
        "credentials",
        "clock",
        "identity",
        "ecs:ListClusters",
        "ecs:DescribeClusters",
        "ecs:ListServices",
        "ecs:DescribeServices",
        "ecs:DescribeServiceRevisions",
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "clock",
        "read",
        "write",
        "hosts",
    ];
    assert_eq!(subjects, expected, "{json:#}");
    assert!(world.mackerel.hosts().is_empty());
    assert!(world.mackerel.graph_defs().is_empty());
}

#[tokio::test]
async fn each_missing_permission_is_named_alone() {
    for denied in READING {
        let world = World::real(fleet()).await;
        world.aws.deny(Denial::of(denied));
        let ended = world
            .program(CHECK)
            .config("cloudwatch: {}")
            .run()
            .await
            .expect_status(1);
        let expected = (
            format!("default {REGION}"),
            denied.to_owned(),
            format!("access denied to {denied}"),
        );
        assert_eq!(failed(&ended), [expected], "{}", ended.stdout);
        assert!(
            ended
                .stdout
                .contains(&format!("allow {denied} in the IAM policy of arn:aws:"))
        );
        assert!(ended.stdout.contains("; request id "), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn an_account_without_clusters_is_tried_all_the_same() {
    for denied in READING {
        let world = World::real(Fleet::new(ACCOUNT)).await;
        world
            .program(CHECK)
            .config("cloudwatch: {}")
            .run()
            .await
            .expect_status(0);
        world.aws.deny(Denial::of(denied));
        let ended = world
            .program(CHECK)
            .config("cloudwatch: {}")
            .run()
            .await
            .expect_status(1);
        assert_eq!(failed(&ended).len(), 1, "{}", ended.stdout);
    }
}

#[tokio::test]
async fn what_is_not_posted_is_not_asked_for() {
    let world = World::real(fleet()).await;
    world.aws.deny(Denial::of("cloudwatch:GetMetricData"));
    world.aws.deny(Denial::of("ecs:DescribeServiceRevisions"));
    let yaml = "metrics: {exclude: ['*utilization*', '*reservation*', '*.running_task.*.count']}";
    let program = world.program(CHECK).config(yaml);
    program.run().await.expect_status(0);
}

#[tokio::test]
async fn each_target_is_tried_as_whom_it_is() {
    let other = "444455556666";
    let cluster = Cluster::fargate("shop").service(Service::steady("api", 1));
    let account = Account::new(other)
        .role(Role::new("reader").external_id("sesame"))
        .cluster(REGION, cluster);
    let world = World::real(fleet().account(account)).await;
    let config = |external_id: &str| {
        format!(
            "targets: [{{name: own}}, {{name: shop, role_arn: 'arn:aws:iam::{other}:role/reader', \
             external_id: {external_id}}}]"
        )
    };
    let program = world.program(CHECK).config(&config("sesame"));
    let ended = program.run().await.expect_status(0);
    assert!(
        ended
            .stdout
            .contains(&format!("arn:aws:sts::{other}:assumed-role/reader/"))
    );
    let program = world.program(CHECK).config(&config("open"));
    let ended = program.run().await.expect_status(1);
    let failed = failed(&ended);
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (failed[0].0.as_str(), failed[0].1.as_str()),
        ("shop ap-northeast-1", "credentials")
    );
    assert!(failed[0].2.contains("external id"), "{failed:?}");
    assert!(ended.stdout.contains("request id "), "{}", ended.stdout);
}

/// The Regions are listed only where all of them are wanted, and who may not is told what mends it; the
/// other targets are tried all the same.
#[tokio::test]
async fn regions_are_listed_only_where_all_are_wanted() {
    const LIST: &str = "ec2:DescribeRegions";
    let other = "444455556666";
    let account = Account::new(other)
        .role(Role::new("reader"))
        .cluster(REGION, Cluster::fargate("shop"))
        .enable("eu-west-1");
    let world = World::real(fleet().account(account)).await;
    let config = |regions: &str| {
        format!(
            "targets: [{{name: own}}, {{name: shop, role_arn: 'arn:aws:iam::{other}:role/reader', \
             regions: {regions}}}]"
        )
    };
    let program = world.program(CHECK).config(&config("all"));
    let ended = program.run().await.expect_status(0);
    let json = ended.json();
    let listed: Vec<&Value> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["subject"] == LIST)
        .collect();
    assert_eq!(listed.len(), 1, "{json:#}");
    assert_eq!(
        (&listed[0]["place"], &listed[0]["message"]),
        (&json!("shop"), &json!("2 Regions"))
    );
    assert!(ended.stdout.contains("shop eu-west-1"), "{}", ended.stdout);
    world.aws.deny(Denial::of(LIST));
    let program = world.program(CHECK).config(&config("all"));
    let ended = program.run().await.expect_status(1);
    let expected = (
        "shop".to_owned(),
        LIST.to_owned(),
        format!("access denied to {LIST}"),
    );
    assert_eq!(failed(&ended), [expected], "{}", ended.stdout);
    let mend = format!("allow {LIST} in the IAM policy of arn:aws:iam::{other}:role/reader");
    assert!(ended.stdout.contains(&mend), "{}", ended.stdout);
    assert!(ended.stdout.contains("own ap-northeast-1"));
    let program = world.program(CHECK).config(&config(REGION));
    program.run().await.expect_status(0);
}

#[tokio::test]
async fn container_insights_that_no_cluster_has_are_a_warning() {
    let plain = Cluster::fargate("plain");
    let on = Cluster::fargate("on").container_insights(ContainerInsights::Enabled);
    let enhanced = Cluster::fargate("enhanced").container_insights(ContainerInsights::Enhanced);
    let fleet = [plain, on, enhanced]
        .into_iter()
        .fold(Fleet::new(ACCOUNT), |fleet, cluster| {
            fleet.cluster(REGION, cluster)
        });
    let world = World::real(fleet).await;
    let told = async |yaml: &str| {
        let ended = world.program(CHECK).config(yaml).run().await;
        let json = ended.expect_status(0).json();
        let findings = json["findings"].as_array().unwrap().clone();
        let mut of_it = findings
            .into_iter()
            .filter(|one| one["subject"] == "Container Insights");
        of_it.next().map(|one| {
            let text = |name: &str| one[name].as_str().unwrap().to_owned();
            (text("mark"), text("message"))
        })
    };
    let finding = |mark: &str, message: &str| Some((mark.to_owned(), message.to_owned()));
    assert_eq!(told("metrics: {}").await, None);
    assert_eq!(
        told("metrics: {container_insights: on}").await,
        finding("ok", "2 of 3 clusters have it on, 1 of them enhanced")
    );
    assert_eq!(
        told("metrics: {container_insights: on}\nclusters: {include: plain}").await,
        finding("warn", "0 of 1 clusters have it on, 0 of them enhanced")
    );
}

/// Only AWS can tell that two roles are of one account.
#[tokio::test]
async fn a_cluster_that_two_targets_have_is_told() {
    let world = World::real(fleet().role(Role::new("reader"))).await;
    let yaml = format!(
        "targets: [{{name: own}}, {{name: again, role_arn: 'arn:aws:iam::{ACCOUNT}:role/reader'}}]"
    );
    let program = world.program(CHECK).config(&yaml);
    let ended = program.run().await.expect_status(1);
    let failed = failed(&ended);
    assert_eq!(failed.len(), 1, "{}", ended.stdout);
    let expected = "the targets own, again both have arn:aws:ecs:";
    assert!(failed[0].2.starts_with(expected), "{failed:?}");
}

#[tokio::test]
async fn credentials_that_aws_refuses_are_told_once() {
    let change = |options: AwsOptions| options.key("AKIATEST", Key::Invalid);
    let world = World::real_with(fleet(), change, |o| o).await;
    let ended = world
        .program(CHECK)
        .config("cloudwatch: {}")
        .run()
        .await
        .expect_status(1);
    let failed = failed(&ended);
    assert_eq!(failed.len(), 1, "{}", ended.stdout);
    assert_eq!(failed[0].1, "identity");
}

#[tokio::test]
async fn a_key_that_may_only_read_is_told_from_a_wrong_one() {
    let read_only = |mut options: MackerelOptions| {
        options.keys = vec![ApiKey::read_only(API_KEY)];
        options
    };
    let world = World::real_with(fleet(), |o| o, read_only).await;
    let ended = world
        .program(CHECK)
        .config("cloudwatch: {}")
        .run()
        .await
        .expect_status(1);
    let told = failed(&ended);
    assert_eq!(told.len(), 1, "{}", ended.stdout);
    assert_eq!(told[0].1, "write");
    assert!(told[0].2.contains("read and write permission"), "{told:?}");
    let program = world.program(CHECK).env("MACKEREL_APIKEY", "another");
    let told = failed(&program.run().await.expect_status(1));
    assert_eq!(told.len(), 1);
    assert!(
        told[0].2.contains("does not accept the API key"),
        "{told:?}"
    );
    let program = world.program(CHECK).without("MACKEREL_APIKEY");
    let told = failed(&program.run().await.expect_status(1));
    assert_eq!(told[0].2, "no API key");
}

#[tokio::test]
async fn a_heartbeat_that_goes_nowhere_is_a_warning() {
    let world = World::real(fleet()).await;
    let program = world
        .program("check")
        .config("heartbeat: {service: nowhere}");
    let ended = program.run().await.expect_status(0);
    assert!(ended.stdout.contains("WARN  Mackerel"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("there is no service nowhere"),
        "{}",
        ended.stdout
    );
}

/// A text on one line, with one blank between words.
fn joined(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// What polling would find and make, before it does.
#[tokio::test]
async fn hosts_and_roles_are_told_beforehand() {
    let cluster = |name: &str| Cluster::fargate(name).service(Service::steady("api", 1));
    let fleet = Fleet::new(ACCOUNT)
        .cluster(
            REGION,
            cluster("web").tag("mackerel-integration", "shop: web / shop: new"),
        )
        .cluster(
            REGION,
            cluster("batch").tag("mackerel-integration", "no role"),
        )
        .cluster(REGION, cluster("other"))
        .cluster(REGION, cluster("left-out"));
    let world = World::real(fleet).await;
    let arn = |name: &str| format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{name}");
    let own = json!({"agent-name": "mackerel-ecs/0.1.0"});
    let web = json!({"name": "web", "customIdentifier": arn("web"), "meta": own});
    api(&world, "POST", "hosts", web).await;
    let by_hand = json!({"name": "x", "customIdentifier": arn("batch"), "meta": {}, "roleFullnames": ["shop:web"]});
    let id = api(&world, "POST", "hosts", by_hand).await["id"].clone();
    world.mackerel.reset_requests();
    let yaml = "clusters: {exclude: [left-*]}\nhost: {roles: ['shop:default']}";
    let ended = world
        .program("check")
        .config(yaml)
        .run()
        .await
        .expect_status(0);
    let taken = format!(
        "hosts 1 that somebody else made would be taken over: batch ({})",
        id.as_str().unwrap()
    );
    let told = joined(&ended.stdout);
    for part in [
        "4 clusters, 3 of them chosen",
        "hosts 1 is there: web",
        taken.as_str(),
        "hosts 1 would be made: other",
        "roles there: shop:web",
        "roles would be made: shop:default, shop:new",
        "cluster batch: the tag mackerel-integration changes no role: `no role` is no role",
        "MACKEREL_ECS_CONFIG_YAML: valid, 1 target",
        "a long-lived access key",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{}", ended.stdout);
    }
    let requests = world.mackerel.requests();
    let writes = requests
        .records
        .iter()
        .filter(|record| record.method != "GET");
    // The one write has nothing in it.
    let writes: Vec<&str> = writes.map(|record| record.path.as_str()).collect();
    assert_eq!(writes, ["/api/v0/tsdb"]);
    let shared = "host: {custom_identifier: '{cluster}'}";
    let twin = Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("web"))
        .cluster("us-east-1", cluster("web"));
    let world = World::real(twin).await;
    let yaml = format!("{shared}\ntargets: [{{regions: [{REGION}, us-east-1]}}]");
    let ended = world
        .program("check")
        .config(&yaml)
        .run()
        .await
        .expect_status(1);
    assert!(
        joined(&ended.stdout).contains("have one custom identifier, `web`"),
        "{}",
        ended.stdout
    );
}

/// A proxy in the way is named, its password never.
#[tokio::test]
async fn the_proxy_in_force_is_named_where_it_fails() {
    let world = World::real(fleet()).await;
    let proxied = || {
        let program = world
            .program("check")
            .env("MACKEREL_APIBASE", "http://mackerel.invalid");
        program.env("HTTP_PROXY", "http://me:canary-proxy@127.0.0.1:9")
    };
    let ended = proxied().run().await.expect_status(1);
    let out = &ended.stdout;
    assert!(
        out.contains("none to AWS, http://127.0.0.1:9 to Mackerel"),
        "{out}"
    );
    assert!(
        out.contains("the way was through the proxy http://127.0.0.1:9"),
        "{out}"
    );
    assert!(
        !out.contains("canary") && !ended.stderr.contains("canary"),
        "{out}{}",
        ended.stderr
    );
    let ended = proxied()
        .env("NO_PROXY", "mackerel.invalid")
        .run()
        .await
        .expect_status(1);
    assert!(!ended.stdout.contains("the way was"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_wrong_configuration_is_told_as_a_finding_too() {
    let ended = Program::new(CHECK)
        .config("metrics: {profil: full}")
        .run()
        .await
        .expect_status(2);
    let json = ended.json();
    assert_eq!(json["ok"], false);
    let message = json["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("did you mean `profile`?"), "{message}");
}
