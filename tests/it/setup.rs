//! `setup`: monitors that open and close alerts, a dashboard, and nothing of what others made.

use chrono::{DateTime, TimeDelta, Utc};
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::behaviour::Counts;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::mackerel::fault::{Fault, FaultKind};
use mackerel_ecs::demo::mackerel::judge::Level;
use mackerel_ecs::demo::mackerel::option::{ApiKey, Options};
use mackerel_ecs::demo::mackerel::store::alert::Which;
use serde_json::{Value, json};

use crate::support::program::Ended;
use crate::support::world::{ACCOUNT, NOON, REGION, World, api, at};

const CONFIG: &str = "heartbeat: {service: monitoring}";

fn minutes(count: i64) -> DateTime<Utc> {
    at(NOON) + TimeDelta::minutes(count)
}

/// A service that runs two of three tasks for a while, and then none for a while.
fn fleet() -> Fleet {
    let steps = vec![
        (at(0), Counts::new(3, 3, 0)),
        (minutes(5), Counts::new(3, 2, 1)),
        (minutes(15), Counts::new(3, 0, 3)),
        (minutes(25), Counts::new(3, 3, 0)),
    ];
    let cluster = Cluster::fargate("web")
        .service(Service::steady("api", 2))
        .service(Service::scripted("worker", steps));
    Fleet::new(ACCOUNT).cluster(REGION, cluster)
}

async fn world() -> World {
    let world = World::new(fleet()).await;
    api(
        &world,
        "POST",
        "services",
        json!({"name": "monitoring", "memo": ""}),
    )
    .await;
    world
}

/// Runs `setup` and gives what became of each thing, as `fate name`.
async fn set_up(world: &World, arguments: &str) -> Vec<String> {
    let program = world.program(&format!("setup --output json {arguments}"));
    let ended = program.config(CONFIG).run().await.expect_status(0);
    told(&ended)
}

fn told(ended: &Ended) -> Vec<String> {
    let document = ended.json();
    let things = document["things"].as_array().unwrap().iter();
    things
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap();
            format!("{} {}", text("fate"), text("name"))
        })
        .collect()
}

/// The calls that wrote anything since the last reset.
fn writes(world: &World) -> Vec<String> {
    let requests = world.mackerel.requests();
    let records = requests
        .records
        .iter()
        .filter(|record| record.method != "GET");
    records
        .map(|record| format!("{} {}", record.method, record.template))
        .collect()
}

/// The names of the monitors whose alerts are open, with how bad they are.
fn open(world: &World) -> Vec<(String, Level)> {
    let monitors = world.mackerel.monitors();
    let alerts = world.mackerel.alerts(Which::Open);
    let mut open: Vec<(String, Level)> = alerts
        .into_iter()
        .map(|alert| {
            let mut monitors = monitors.iter();
            let monitor = monitors
                .find(|monitor| monitor.id == alert.monitor)
                .unwrap();
            (monitor.text("name").to_owned(), alert.status)
        })
        .collect();
    open.sort();
    open
}

const BELOW: &str = "ECS: services below desired";
const WITHOUT: &str = "ECS: services without tasks";
const SILENT: &str = "mackerel-ecs is silent";

#[tokio::test]
async fn alerts_open_and_close_by_what_services_do() {
    let world = world().await;
    let mut poller = world.poller(CONFIG);
    world.poll(&mut poller).await;
    let made = set_up(&world, "--cpu 500/600 --memory 500/600").await;
    let expected = [
        "made ECS: services below desired",
        "made ECS: services without tasks",
        "made ECS: CPU of a service high",
        "made ECS: memory of a service high",
        "made mackerel-ecs is silent",
        "made mackerel-ecs is behind",
        "made ECS (mackerel-ecs)",
    ];
    assert_eq!(made, expected);
    let mut seen: Vec<(i64, Vec<(String, Level)>)> = Vec::new();
    for minute in 1..35 {
        world.pass(60);
        world.poll(&mut poller).await;
        let now = open(&world);
        if seen.last().is_none_or(|(_, before)| *before != now) {
            seen.push((minute, now));
        }
    }
    let of = |alerts: &[(&str, Level)]| -> Vec<(String, Level)> {
        alerts
            .iter()
            .map(|(name, level)| ((*name).to_owned(), *level))
            .collect()
    };
    // At the third minute in a row, and closed at the first that is good.
    let expected = [
        (1, of(&[])),
        (7, of(&[(BELOW, Level::Warning)])),
        (
            17,
            of(&[(BELOW, Level::Warning), (WITHOUT, Level::Critical)]),
        ),
        (25, of(&[])),
    ];
    assert_eq!(seen, expected);
    // A poller that is dead is told.
    world.pass(11 * 60);
    api(&world, "GET", "alerts", Value::Null).await;
    assert_eq!(open(&world), of(&[(SILENT, Level::Critical)]));
    world.poll(&mut poller).await;
    assert_eq!(open(&world), []);
}

#[tokio::test]
async fn a_high_service_is_told_whichever_it_is() {
    let world = world().await;
    let mut poller = world.poller(CONFIG);
    world.poll(&mut poller).await;
    let highest = world.points("web", "custom.ecs.highest_service_utilization.cpu");
    let of = |service: &str| {
        let name = format!("custom.ecs.service_cpu_utilization.{service}.average");
        world.points("web", &name)
    };
    let (api, worker) = (of("api"), of("worker"));
    assert_eq!(highest.len(), api.len());
    for ((minute, value), (one, two)) in highest.iter().zip(api.iter().zip(&worker)) {
        assert_eq!((*minute, *value), (one.0, one.1.max(two.1)));
    }
    // Below what it is now, so that it opens at the next point.
    let last = highest.last().unwrap().1;
    set_up(&world, &format!("--cpu {}/{}", last / 2.0, last * 4.0)).await;
    world.pass(60);
    world.poll(&mut poller).await;
    let name = "ECS: CPU of a service high".to_owned();
    assert_eq!(open(&world), [(name, Level::Warning)]);
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_another_choice_only_that() {
    let world = world().await;
    let mut poller = world.poller(CONFIG);
    world.poll(&mut poller).await;
    world.mackerel.reset_requests();
    let dry = set_up(&world, "--dry-run").await;
    assert_eq!(dry.len(), 7);
    assert!(writes(&world).is_empty() && world.mackerel.monitors().is_empty());
    set_up(&world, "").await;
    world.mackerel.reset_requests();
    let again = set_up(&world, "").await;
    assert!(
        again.iter().all(|one| one.starts_with("unchanged ")),
        "{again:?}"
    );
    assert_eq!(writes(&world), [""; 0]);
    // Another threshold is one update, a monitor less one deletion.
    set_up(&world, "--cpu 50/60 --memory off").await;
    assert_eq!(
        writes(&world),
        ["PUT /api/v0/monitors/{id}", "DELETE /api/v0/monitors/{id}"]
    );
    let monitors = world.mackerel.monitors();
    let cpu = monitors
        .iter()
        .find(|one| one.text("name").contains("CPU"))
        .unwrap();
    assert_eq!(cpu.body["warning"], 50.0);
    assert_eq!(monitors.len(), 5);
    // A cluster more is a row more.
    let before = dashboard(&world).await["widgets"].as_array().unwrap().len();
    let param = json!({
        "name": "batch", "customIdentifier": "x",
        "meta": {"agent-name": "mackerel-ecs/0", "cloud": {"provider": "ecs", "metadata": {"cluster_arn": "x"}}},
    });
    api(&world, "POST", "hosts", param).await;
    let done = set_up(&world, "--cpu 50/60 --memory off").await;
    assert_eq!(done.last().unwrap(), "updated ECS (mackerel-ecs)");
    assert_eq!(
        dashboard(&world).await["widgets"].as_array().unwrap().len(),
        before + 4
    );
}

async fn dashboard(world: &World) -> Value {
    let all = api(world, "GET", "dashboards", Value::Null).await;
    all["dashboards"][0].clone()
}

#[tokio::test]
async fn what_a_person_made_or_changed_is_left_alone() {
    let world = world().await;
    let mut poller = world.poller(CONFIG);
    world.poll(&mut poller).await;
    let own = json!({
        "type": "host", "name": "by hand", "metric": "custom.ecs.cluster_service.below_desired",
        "operator": ">", "warning": 0, "duration": 1, "memo": "Made by me",
    });
    api(&world, "POST", "monitors", own).await;
    let widgets = json!([]);
    let page = json!({"title": "mine", "urlPath": "mine", "memo": "", "widgets": widgets});
    api(&world, "POST", "dashboards", page).await;
    set_up(&world, "").await;
    // A person raises one threshold, as the page of Mackerel does: all fields are sent.
    let monitors = world.mackerel.monitors();
    let cpu = monitors
        .iter()
        .find(|one| one.text("name").contains("CPU"))
        .unwrap();
    let mut changed = cpu.body.clone();
    changed.insert("warning".into(), json!(90));
    api(
        &world,
        "PUT",
        &format!("monitors/{}", cpu.id),
        Value::Object(changed),
    )
    .await;
    world.mackerel.reset_requests();
    let done = set_up(&world, "--cpu 10/20").await;
    assert_eq!(
        done.iter().filter(|one| one.starts_with("kept ")).count(),
        1,
        "{done:?}"
    );
    assert_eq!(writes(&world), [""; 0]);
    let done = set_up(&world, "--remove").await;
    assert_eq!(
        done.iter()
            .filter(|one| one.starts_with("removed "))
            .count(),
        6,
        "{done:?}"
    );
    assert!(
        done.contains(&"kept ECS: CPU of a service high".to_owned()),
        "{done:?}"
    );
    let done = set_up(&world, "--remove --force").await;
    assert_eq!(done, ["removed ECS: CPU of a service high"]);
    let left = world.mackerel.monitors();
    let left: Vec<&str> = left.iter().map(|one| one.text("name")).collect();
    assert_eq!(left, ["by hand"]);
    assert_eq!(dashboard(&world).await["title"], "mine");
    assert_eq!(set_up(&world, "--remove").await, [""; 0]);
}

#[tokio::test]
async fn what_can_t_be_made_is_said_with_what_mends_it() {
    let world = world().await;
    let mut poller = world.poller("");
    world.poll(&mut poller).await;
    // No heartbeat, and a profile without what the monitors watch.
    let program = world.program("setup").config("metrics: {profile: compact}");
    let ended = program.run().await.expect_status(0);
    for part in [
        "skipped    monitor    ECS: services below desired",
        "is not posted; add ecs.cluster_service.below_desired to metrics.include",
        "set heartbeat.service",
        "made       dashboard  ECS (mackerel-ecs)",
    ] {
        assert!(
            ended.stdout.contains(part),
            "{part} is not in:\n{}",
            ended.stdout
        );
    }
    let program = world
        .program("setup")
        .config("heartbeat: {service: nowhere}");
    let ended = program.run().await.expect_status(0);
    assert!(
        ended
            .stdout
            .contains("there is no service nowhere; make it on Mackerel"),
        "{}",
        ended.stdout
    );
    // The plan allows no dashboard; the monitors are made all the same.
    let world = self::world().await;
    world.poll(&mut world.poller("")).await;
    world.mackerel.inject(Fault {
        method: Some("POST".into()),
        path_prefix: "/api/v0/dashboards".into(),
        kind: FaultKind::Status {
            code: 403,
            retry_after: None,
            body: json!({"error": {"message": "the plan has none"}}).to_string(),
        },
        times: None,
    });
    let ended = world
        .program("setup")
        .config(CONFIG)
        .run()
        .await
        .expect_status(1);
    let failed: Vec<&str> = ended
        .stdout
        .lines()
        .filter(|line| line.starts_with("FAILED"))
        .collect();
    assert_eq!(failed, ["FAILED     dashboard  ECS (mackerel-ecs)"]);
    assert!(ended.stdout.contains("within the plan"), "{}", ended.stdout);
    assert_eq!(world.mackerel.monitors().len(), 6);
    // A key that may only read makes nothing, and says so of each.
    let read_only = |mut options: Options| {
        options.keys = vec![ApiKey::read_only(crate::support::world::API_KEY)];
        options
    };
    let world = World::real_with(fleet(), |o| o, read_only).await;
    let ended = world
        .program("setup")
        .config("")
        .run()
        .await
        .expect_status(1);
    assert!(
        ended.stdout.contains("the API key needs read and write"),
        "{}",
        ended.stdout
    );
    world
        .program("setup --cpu 95/80")
        .run()
        .await
        .expect_status(2)
        .expect_said("write it as WARNING/CRITICAL such as 80/95");
}
