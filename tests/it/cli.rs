//! The program as a process: what it says to wrong usage and configurations, where it says it, and
//! with which exit status.

use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;

use crate::support::program::Program;
use crate::support::world::{ACCOUNT, API_KEY, REGION, World};

/// Runs that are refused before anything is done: status 2, the parts on standard error, nothing
/// on standard output.
async fn check_refused(program: Program, parts: &[&str]) {
    let mut ended = program.run().await.expect_status(2);
    assert_eq!(ended.stdout, "");
    for part in parts {
        ended = ended.expect_said(part);
    }
}

#[tokio::test]
async fn help_is_printed_for_each_command() {
    for (arguments, parts) in [
        (
            "--help",
            &[
                "Usage: mackerel-ecs",
                "poll",
                "demo",
                "serve",
                "--log-level",
            ][..],
        ),
        (
            "poll --help",
            &[
                "--once",
                "--dry-run",
                "--config <FILE>",
                "--cluster <PATTERN>",
            ],
        ),
        (
            "demo --help",
            &["--cycles <N>", "--services <N>", "--servers-only"],
        ),
        (
            "serve --help",
            &[
                "--listen <ADDRESS:PORT>",
                "--database <FILE>",
                "--retention",
            ],
        ),
    ] {
        let ended = Program::new(arguments).run().await.expect_status(0);
        assert_eq!(ended.stderr, "");
        for part in parts {
            assert!(
                ended.stdout.contains(part),
                "no {part} in:\n{}",
                ended.stdout
            );
        }
    }
}

#[tokio::test]
async fn wrong_usage_is_refused() {
    check_refused(Program::new(""), &["Usage: mackerel-ecs"]).await;
    check_refused(Program::new("pol"), &["'pol'", "'poll'"]).await;
    check_refused(Program::new("poll --onse"), &["'--onse'", "'--once'"]).await;
    check_refused(Program::new("poll extra"), &["'extra'"]).await;
    check_refused(
        Program::new("poll --output xml"),
        &["'xml'", "table, json, none"],
    )
    .await;
    check_refused(
        Program::new("demo --services 0"),
        &["--services", "1..=100000"],
    )
    .await;
    check_refused(
        Program::new("demo --servers-only --cycles 1"),
        &["cannot be used with"],
    )
    .await;
    let loud = Program::new("poll --once").env("MACKEREL_ECS_LOG", "verbose");
    check_refused(loud, &["'verbose'", "error, warn, info, debug, trace"]).await;
}

#[tokio::test]
async fn every_mistake_of_a_configuration_is_printed() {
    let program = Program::new("poll --once --interval 1s")
        .env("MACKEREL_APIKEY", API_KEY)
        .env("MACKEREL_ECS_PROFILE", "fast")
        .config("poll: {grace: never}\nmetric: {}");
    let ended = program.run().await.expect_status(2);
    assert_eq!(ended.stdout, "");
    let said: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        said,
        [
            "mackerel-ecs: environment variable MACKEREL_ECS_PROFILE: metrics.profile is `fast`, \
             but must be compact, standard or full",
            "mackerel-ecs: flag --interval: poll.interval is `1s`, but must be from 1m to 1h",
            "mackerel-ecs: MACKEREL_ECS_CONFIG_YAML:1:8: poll.grace is `never`, which is no \
             duration; write it as `90s`, `5m` or `1h`",
            "mackerel-ecs: MACKEREL_ECS_CONFIG_YAML:2:1: unknown key `metric`; did you mean \
             `metrics`?",
        ]
    );
}

#[tokio::test]
async fn a_missing_key_is_named_with_its_mend() {
    let parts = ["MACKEREL_APIKEY", "read and write permission"];
    check_refused(Program::new("poll --once"), &parts).await;
}

#[tokio::test]
async fn a_malformed_key_is_refused_and_not_shown() {
    let program = Program::new("poll --once").env("MACKEREL_APIKEY", "canary canary");
    let ended = program.run().await.expect_status(2);
    let ended = ended.expect_said("MACKEREL_APIKEY");
    assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let program = Program::new("poll --once --config /nowhere/ecs.yaml");
    let parts = ["--config", "can't read /nowhere/ecs.yaml: No such file"];
    check_refused(program.env("MACKEREL_APIKEY", API_KEY), &parts).await;
}

async fn world() -> World {
    let cluster = Cluster::fargate("web").service(Service::steady("api", 3));
    let other = Cluster::fargate("db").service(Service::steady("pool", 1));
    World::real(
        Fleet::new(ACCOUNT)
            .cluster(REGION, cluster)
            .cluster(REGION, other),
    )
    .await
}

/// The inline configuration takes effect, and a flag wins over it.
#[tokio::test]
async fn an_inline_configuration_works() {
    let world = world().await;
    let clusters = async |arguments: &str| {
        let program = world.program(arguments).config("clusters: {include: web}");
        let json = program.run().await.expect_status(0).json();
        let clusters = json["clusters"].as_array().unwrap().iter();
        let names = clusters.map(|one| one["cluster"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(clusters("poll --dry-run --output json").await, ["web"]);
    assert_eq!(
        clusters("poll --dry-run --output json --cluster db").await,
        ["db"]
    );
}

/// A reader that leaves early, such as `head`, is no failure of the poll.
#[tokio::test]
async fn a_closed_standard_output_is_no_failure() {
    let world = world().await;
    for arguments in [
        "poll --dry-run",
        "poll --dry-run --output json",
        "demo --cycles 1",
    ] {
        let mut child = world.program(arguments).start();
        drop(child.stdout.take());
        let ended = child.wait_with_output().await.unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(0), "{arguments}: {said}");
        assert!(!said.contains("panicked"), "{arguments}: {said}");
    }
}
