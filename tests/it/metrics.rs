//! `/metrics`: what the poller tells of itself, read by Prometheus' own parser, is what AWS was asked
//! and what Mackerel received.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use mackerel_ecs::demo::aws::fault::{Fault, FaultKind};
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::pulse::tally::FAMILIES;
use mackerel_ecs::transport::Transport;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::moto::interpreter;
use crate::support::world::{ACCOUNT, REGION, World};

fn fleet() -> Fleet {
    let cluster = Cluster::fargate("web")
        .service(Service::steady("api", 1))
        .service(Service::stopped("down", 2));
    Fleet::new(ACCOUNT).cluster(REGION, cluster)
}

/// Asks a poller that listens.
pub async fn get(address: &str, path: &str) -> http::Response<Vec<u8>> {
    let request = http::Request::get(format!("http://{address}{path}"));
    let request = request.body(Vec::new()).unwrap();
    let transport = Transport::local();
    let answer = transport.send(request, Duration::from_secs(10)).await;
    answer.unwrap()
}

/// A page as Prometheus' parser reads it, which refuses one that is not OpenMetrics.
#[track_caller]
pub fn parsed(page: &[u8]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/metrics/parse.py");
    let mut parser = std::process::Command::new(interpreter())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    parser.stdin.take().unwrap().write_all(page).unwrap();
    let output = parser.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let page = String::from_utf8_lossy(page);
    assert!(output.status.success(), "{said}\n{page}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The value of the one sample of this name and label; none where there is none.
#[track_caller]
pub fn value(page: &Value, family: &str, sample: &str, label: Option<(&str, &str)>) -> Option<f64> {
    let samples = page[family]["samples"].as_array()?;
    let mut found = samples.iter().filter(|one| {
        let labels = one[1].as_object().unwrap();
        let fits = label.is_none_or(|(name, value)| labels.get(name).is_some_and(|v| v == value));
        one[0] == format!("{family}{sample}") && fits
    });
    let first = found.next()?;
    assert!(found.next().is_none(), "several {family}{sample} {label:?}");
    first[2].as_f64()
}

#[tokio::test]
async fn the_page_tells_what_was_asked_and_what_arrived() {
    let world = World::real(fleet()).await;
    let throttled = Fault::of("ecs:ListServices", FaultKind::Throttle).times(1);
    world.aws.inject(throttled);
    world
        .mackerel
        .refuse_points(|point| point.name == "custom.ecs.running_task.down.pending");
    // One poll, and no other before the test is over.
    let program = world.program("poll --interval 1h --log-format json");
    let mut child = program.env("MACKEREL_ECS_LISTEN", "127.0.0.1:0").start();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut next = async |message: &str| loop {
        let line = lines.next_line().await.unwrap().unwrap();
        let json: Value = serde_json::from_str(&line).unwrap();
        if json["message"] == message {
            break json;
        }
    };
    let address = next("listening").await["address"]
        .as_str()
        .unwrap()
        .to_owned();
    next("polled").await;

    let answer = get(&address, "/metrics").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let page = parsed(answer.body());
    let one = |family: &str, sample: &str, label| value(&page, family, sample, label);
    let outcomes = ["posted", "partly", "failed"]
        .map(|outcome| one("mackerel_ecs_polls", "_total", Some(("outcome", outcome))));
    assert_eq!(outcomes, [Some(0.0), Some(1.0), Some(0.0)]);
    let asked = world.aws.calls();
    for (action, count) in &asked.counts {
        let counted = one("mackerel_ecs_calls", "_total", Some(("api", action)));
        assert_eq!(counted, Some(count.calls as f64), "{action}");
    }
    let throttled = ("api", "ecs:ListServices");
    let family = "mackerel_ecs_throttled_calls";
    assert_eq!(one(family, "_total", Some(throttled)), Some(1.0));
    assert_eq!(page[family]["samples"].as_array().unwrap().len(), 1);
    // Two metrics with three statistics each, of the one service that has tasks.
    let requested = ["lower", "upper"].map(|bound| {
        let family = "mackerel_ecs_cloudwatch_metrics_requested";
        one(family, "_total", Some(("bound", bound)))
    });
    let billed = asked.counts["cloudwatch:GetMetricData"].items as f64;
    assert_eq!(requested[1], Some(billed));
    assert!(requested[0] < requested[1], "{requested:?}");
    let cost = ["lower", "upper"].map(|bound| {
        let family = "mackerel_ecs_cloudwatch_monthly_cost_dollars";
        one(family, "", Some(("bound", bound))).unwrap()
    });
    assert!(0.0 < cost[0] && cost[0] < cost[1], "{cost:?}");

    let target = Some(("target", "default"));
    let host = world.host("web");
    let names = world.mackerel.metric_names(&host);
    let points = |name: &String| world.mackerel.points(&host, name).len();
    let arrived: usize = names.iter().map(points).sum();
    let posted = one("mackerel_ecs_points_posted", "_total", target);
    assert_eq!(posted, Some(arrived as f64));
    assert_eq!(
        one("mackerel_ecs_points_refused", "_total", target),
        Some(1.0)
    );
    assert_eq!(
        one("mackerel_ecs_points_dropped", "_total", None),
        Some(0.0)
    );
    assert_eq!(one("mackerel_ecs_clusters", "", target), Some(1.0));
    assert_eq!(one("mackerel_ecs_services", "", target), Some(2.0));
    assert_eq!(one("mackerel_ecs_behind_seconds", "", target), Some(0.0));
    let failures = one("mackerel_ecs_troubles", "", Some(("severity", "failure")));
    assert_eq!(failures, Some(1.0));
    let family = "mackerel_ecs_poll_duration_seconds";
    assert_eq!(one(family, "_count", None), Some(1.0));
    assert_eq!(page[family]["type"], "histogram");
    assert_eq!(page[family]["unit"], "seconds");
    let began = one("mackerel_ecs_last_poll_timestamp_seconds", "", None).unwrap();
    assert!((0..120).contains(&(world.now().timestamp() - began as i64)));
    let memory = one("process_resident_memory_bytes", "", None).unwrap();
    assert!((1e6..1e9).contains(&memory), "{memory}");
    let version = Some(("version", env!("CARGO_PKG_VERSION")));
    assert_eq!(one("mackerel_ecs_build", "_info", version), Some(1.0));

    // What the table has is what the page has.
    let told: Vec<&String> = page.as_object().unwrap().keys().collect();
    let mut known: Vec<&str> = FAMILIES.iter().map(|family| family.head.name).collect();
    assert_eq!(told.len(), known.len());
    known.retain(|name| !told.iter().any(|told| told == name));
    assert_eq!(known, [""; 0]);

    assert_eq!(get(&address, "/").await.status(), 404);
    assert_eq!(get(&address, "/healthz").await.status(), 200);
}

#[test]
fn the_documentation_has_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operating.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut table =
        String::from("| metric | kind | labels | what it tells |\n| --- | --- | --- | --- |\n");
    for family in FAMILIES {
        let (name, kind) = (family.head.name, family.head.kind.as_str());
        let labels: Vec<String> = family.labels.iter().map(|l| format!("`{l}`")).collect();
        let labels = labels.join(", ");
        table.push_str(&format!(
            "| `{name}` | {kind} | {labels} | {} |\n",
            family.head.help
        ));
    }
    assert!(
        text.contains(&table),
        "docs/operating.md should have:\n{table}"
    );
}
