//! The program over time: the loop, signals, a dry run, the demo.

use std::sync::Arc;
use std::time::Duration;

use mackerel_ecs::cli::Output;
use mackerel_ecs::demo::aws::fault::{Fault, FaultKind};
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::pulse::Pulse;
use mackerel_ecs::report::Outcome;
use mackerel_ecs::run::{Plan, run};
use mackerel_ecs::terminal::look::Look;
use serde_json::Value;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::support::program::{Program, end};
use crate::support::world::{ACCOUNT, API_KEY, REGION, World};

fn fleet() -> Fleet {
    let cluster = Cluster::fargate("web")
        .service(Service::steady("api", 1))
        .service(Service::stopped("down", 2));
    Fleet::new(ACCOUNT).cluster(REGION, cluster)
}

fn signal(child: &Child, signal: &str) {
    let id = child.id().unwrap().to_string();
    let status = std::process::Command::new("kill")
        .args(["-s", signal, &id])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Waits until something is true of the world.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .is_err()
    {
        panic!("{what} did not come");
    }
}

#[tokio::test]
async fn the_loop_ends_at_a_signal() {
    for name in ["TERM", "INT"] {
        let world = World::real(fleet()).await;
        let child = world.program("poll --output json").start();
        until("a poll", || {
            world.mackerel.requests().count("POST /api/v0/tsdb") > 0
        })
        .await;
        signal(&child, name);
        let ended = end(child).await.expect_status(0).expect_said("stopped");
        // One line of JSON for the one poll.
        assert_eq!(ended.json()["clusters"][0]["cluster"], "web");
    }
}

/// A signal in the middle of a poll lets the poll finish; a second one does not.
#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let world = World::real(fleet()).await;
    world
        .aws
        .inject(Fault::of("cloudwatch:GetMetricData", FaultKind::Hang));
    let child = world.program("poll").start();
    until("the request that hangs", || {
        world.aws.calls().count("cloudwatch:GetMetricData") > 0
    })
    .await;
    signal(&child, "TERM");
    tokio::time::sleep(Duration::from_millis(50)).await;
    signal(&child, "TERM");
    let ended = end(child).await.expect_status(1);
    ended
        .expect_said("stopping after what is in hand")
        .expect_said("left in the middle of a poll");
}

/// The grace time bounds what a first signal waits for.
#[tokio::test]
async fn the_grace_time_ends_it() {
    let world = World::real(fleet()).await;
    world.aws.inject(Fault::everywhere(FaultKind::Hang));
    let child = world.program("poll").config("poll: {grace: 1s}").start();
    until("the request that hangs", || {
        world.aws.calls().count("ecs:ListClusters") > 0
    })
    .await;
    signal(&child, "TERM");
    end(child)
        .await
        .expect_status(1)
        .expect_said("left in the middle of a poll");
}

/// What the grace time leaves after a poll that it cuts short is enough to note how far the Regions
/// came that were done.
#[tokio::test(start_paused = true)]
async fn the_grace_time_leaves_enough_to_note_progress() {
    let slow = Cluster::fargate("slow").service(Service::steady("api", 1));
    let world = World::new(fleet().cluster("eu-west-1", slow)).await;
    let yaml = format!("poll: {{grace: 10s}}\ntargets: [{{regions: [{REGION}, eu-west-1]}}]");
    let config = world.config(&yaml);
    let pulse = Pulse::new(config.poll.interval);
    let (_, configs) = watch::channel(Arc::new(config));
    let (stop, stopped) = watch::channel(0);
    let plan = Plan {
        polls: None,
        output: Output::None,
        look: Look::PLAIN,
    };
    let started = Instant::now();
    let now = || world.now() + started.elapsed();
    let running = run(configs, world.poller(&yaml), plan, &pulse, stopped, now);
    let counted = || world.points("web", "custom.ecs.running_task.api.count");
    let life = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let hang = Fault::of("ecs:DescribeServices", FaultKind::Hang).cluster("slow");
        world.aws.inject(hang);
        let first = counted().len();
        while counted().len() == first {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        stop.send(1).unwrap();
        std::future::pending().await
    };
    let outcome = tokio::select! {
        outcome = running => outcome.unwrap(),
        () = life => unreachable!(),
    };
    assert_eq!(outcome, Outcome::Failed);
    let notes = world
        .mackerel
        .host_metadata(&world.host("web"), "ecs-poller");
    let notes: Value = serde_json::from_str(&notes.unwrap()).unwrap();
    let last = counted().last().unwrap().0;
    assert_eq!(notes["progress"]["counted_until"], last);
}

#[tokio::test]
async fn a_dry_run_prints_and_sends_nothing() {
    let world = World::real(fleet()).await;
    let program = world
        .program("poll --dry-run --output json")
        .without("MACKEREL_APIKEY");
    let ended = program.run().await.expect_status(0);
    let json = ended.json();
    assert_eq!(json["dry_run"], true);
    let values = json["clusters"][0]["values"].as_array().unwrap();
    let names = |name: &str| {
        let of = values.iter().filter(|value| value["name"] == name);
        of.count()
    };
    assert_eq!(names("custom.ecs.running_task.down.count"), 1);
    assert_eq!(names("custom.ecs.service_cpu_utilization.api.average"), 60);
    assert_eq!(json["clusters"][0]["points"], values.len());
    assert!(world.mackerel.requests().counts.is_empty());

    let ended = world.program("poll --dry-run").run().await.expect_status(0);
    for part in ["CLUSTER", "web", "custom.ecs.running_task.down.count", "0"] {
        assert!(ended.stdout.contains(part), "{}", ended.stdout);
    }
    assert!(world.mackerel.requests().counts.is_empty());
}

/// Everything on one machine with no account and no key.
#[tokio::test]
async fn the_demo_shows_itself() {
    let ended = Program::new("demo --cycles 1").run().await.expect_status(0);
    for part in [
        "The local Mackerel: http://127.0.0.1:",
        "The simulated AWS:  http://127.0.0.1:",
        "shop-web",
        "shop-batch",
        "platform",
        "staging",
    ] {
        assert!(ended.stdout.contains(part), "{}", ended.stdout);
    }
    assert_eq!(ended.complaints(), [""; 0]);
}

/// The demo's servers alone, polled by the real command with what they say to set.
#[tokio::test]
async fn the_demos_servers_can_be_polled() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut servers = Program::new("demo --servers-only --no-limits --services 30").start();
    let mut lines = BufReader::new(servers.stdout.as_mut().unwrap()).lines();
    let mut program = Program::new("poll --once --output json");
    let mut set = 0;
    while set < 6 {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(settings) = line.trim().strip_prefix("export ") {
            for (name, value) in settings.split(' ').map(|s| s.split_once('=').unwrap()) {
                program = program.env(name, value);
                set += 1;
            }
        }
    }
    let ended = program.run().await.expect_status(0);
    let json = ended.json();
    let services: u64 = json["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cluster| cluster["services"].as_u64().unwrap())
        .sum();
    assert_eq!(services, 30);
    assert!(!ended.stdout.contains(API_KEY));
    signal(&servers, "TERM");
}
