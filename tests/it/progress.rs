//! Posting goes on from where it really ended: after a stop, a crash, on another machine, after an
//! outage of any side; in a running process and in single runs alike.

use mackerel_ecs::demo::aws::fault::{Fault, FaultKind};
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::behaviour::Counts;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::options::Denial;
use mackerel_ecs::demo::mackerel::fault::{Fault as MackerelFault, FaultKind as MackerelFaultKind};
use mackerel_ecs::poller::Poller;

use crate::support::world::{ACCOUNT, NOON, REGION, World, at};

const CPU: &str = "custom.ecs.service_cpu_utilization.api.average";
const RUNNING: &str = "custom.ecs.running_task.api.count";
const DESIRED: &str = "custom.ecs.running_task.api.desired";

fn fleet(service: Service) -> Fleet {
    Fleet::new(ACCOUNT).cluster(REGION, Cluster::fargate("web").service(service))
}

async fn world() -> World {
    World::new(fleet(Service::steady("api", 2))).await
}

/// Polls each minute, so many times.
async fn poll_for(world: &World, poller: &mut Poller, minutes: usize) {
    for _ in 0..minutes {
        world.poll(poller).await;
        world.pass(60);
    }
}

/// The minutes between the first and the last point of a metric that have none.
fn holes(world: &World, metric: &str) -> Vec<i64> {
    let points = world.points("web", metric);
    let minutes: Vec<i64> = points.iter().map(|(minute, _)| *minute).collect();
    let (Some(first), Some(last)) = (minutes.first(), minutes.last()) else {
        panic!("no points of {metric}");
    };
    (*first..*last)
        .step_by(60)
        .filter(|minute| !minutes.contains(minute))
        .collect()
}

fn no_values_of(world: &World, metric: &str, expected: f64) {
    for (minute, value) in world.points("web", metric) {
        assert_eq!(value, expected, "{metric} at {minute}");
    }
}

/// After an outage of hours, a new process on a fresh machine fills what CloudWatch can tell: CPU
/// and memory, and the running counts, but no desired ones, which nobody observed.
#[tokio::test]
async fn a_fresh_machine_fills_the_outage() {
    for service in [
        Service::steady("api", 2),
        Service::steady("api", 2).twenty_seconds(),
    ] {
        let world = World::new(fleet(service)).await;
        poll_for(&world, &mut world.poller(""), 5).await;
        world.pass(6 * 3600);
        let gap = (NOON + 300, NOON + 300 + 6 * 3600);
        let mut poller = world.poller("");
        poll_for(&world, &mut poller, 15).await;
        assert_eq!(holes(&world, CPU), [0; 0]);
        assert_eq!(holes(&world, RUNNING), [0; 0]);
        no_values_of(&world, RUNNING, 2.0);
        let desired = world.points("web", DESIRED);
        assert!(
            desired
                .iter()
                .all(|(minute, _)| *minute < gap.0 || *minute >= gap.1)
        );
    }
}

/// A first process that could not read CloudWatch does not cost the next one what it would have read.
#[tokio::test]
async fn where_posting_begins_is_noted_at_once() {
    let world = world().await;
    world.aws.deny(Denial::of("cloudwatch:GetMetricData"));
    world.poll(&mut world.poller("")).await;
    world.aws.allow_all();
    world.pass(1800);
    poll_for(&world, &mut world.poller(""), 15).await;
    assert_eq!(world.points("web", CPU)[0].0, NOON - 60 - 3600);
    for metric in [CPU, RUNNING] {
        assert_eq!(holes(&world, metric), [0; 0], "{metric}");
    }
}

/// A fresh machine does not read back for nothing: what was posted is not posted again.
#[tokio::test]
async fn single_runs_post_each_minute_once() {
    let world = world().await;
    for _ in 0..30 {
        let mut poller = world.poller("");
        world.poll(&mut poller).await;
        poller.save(world.now()).await;
        world.pass(60);
    }
    assert_eq!(holes(&world, CPU), [0; 0]);
    let host = world.host("web");
    for name in world.mackerel.metric_names(&host) {
        for posting in world.mackerel.posts_of(&host, &name) {
            assert_eq!(posting.count, 1, "{name} at {}", posting.time);
        }
    }
    world.aws.reset_calls();
    world.poll(&mut world.poller("")).await;
    let calls = world.aws.calls();
    let asked: Vec<&String> = calls
        .of("cloudwatch:GetMetricData")
        .flat_map(|call| &call.items)
        .collect();
    assert!(
        !asked.iter().any(|query| query.contains("SampleCount")),
        "{asked:?}"
    );
}

/// Runs that are missed, as a schedule may miss them, leave no gap either.
#[tokio::test]
async fn missed_runs_leave_no_gap() {
    let world = world().await;
    for run in 0..40 {
        let mut poller = world.poller("");
        world.poll(&mut poller).await;
        poller.save(world.now()).await;
        world.pass(if run % 7 == 3 { 240 } else { 60 });
    }
    // What is not yet old enough to be restored comes with the next runs.
    assert_eq!(holes(&world, CPU), [0; 0]);
    let last = world.now().timestamp() - 12 * 60;
    let mut missing = holes(&world, RUNNING);
    missing.retain(|minute| *minute < last);
    assert_eq!(missing, [0; 0]);
    no_values_of(&world, RUNNING, 2.0);
}

/// While Mackerel is down, counts are kept, those that nobody could restore as well.
#[tokio::test(start_paused = true)]
async fn counts_are_kept_while_mackerel_is_down() {
    let world = world().await;
    let mut poller = world.poller("");
    poll_for(&world, &mut poller, 3).await;
    world.mackerel_is_down();
    poll_for(&world, &mut poller, 45).await;
    world.mackerel.clear_faults();
    poll_for(&world, &mut poller, 2).await;
    for metric in [CPU, RUNNING, DESIRED, "custom.ecs.cluster_task.running"] {
        assert_eq!(holes(&world, metric), [0; 0], "{metric}");
    }
    assert_eq!(world.points("web", DESIRED).len(), 50);
}

/// What is kept for Mackerel is bounded: the oldest counts go first, and running counts come back
/// from CloudWatch.
#[tokio::test(start_paused = true)]
async fn counts_beyond_the_bound_are_dropped_oldest_first() {
    let world = world().await;
    let mut poller = world.poller("");
    poll_for(&world, &mut poller, 3).await;
    // Three counts of the service and six of the cluster each minute.
    poller.held().keep_at_most(90);
    world.mackerel.inject(MackerelFault {
        method: None,
        path_prefix: "/api".into(),
        kind: MackerelFaultKind::Hang,
        times: None,
    });
    let mut said = Vec::new();
    for minute in 1..=30 {
        let report = world.poll(&mut poller).await;
        said.extend(report.troubles.iter().map(|trouble| trouble.line()));
        assert_eq!(poller.held().counts(), 9 * minute.min(10));
        world.pass(60);
    }
    assert_eq!(poller.held().dropped(), 20 * 9);
    let is_told = |line: &String| line.contains("the oldest counts are dropped");
    assert!(said.iter().any(is_told), "{said:?}");
    world.mackerel.clear_faults();
    poll_for(&world, &mut poller, 15).await;
    assert_eq!(poller.held().counts(), 0);
    for metric in [CPU, RUNNING] {
        assert_eq!(holes(&world, metric), [0; 0], "{metric}");
    }
    let dropped: Vec<i64> = (3..23).map(|minute| NOON + minute * 60).collect();
    assert_eq!(holes(&world, DESIRED), dropped);
}

/// While ECS is down nobody knows how many tasks are wanted, but CloudWatch tells how many ran.
#[tokio::test]
async fn counts_are_restored_after_an_outage_of_ecs() {
    let at_minute = |minute: i64| at(NOON + minute * 60);
    let service = Service::scripted(
        "api",
        [
            (at(NOON - 86_400), Counts::new(2, 2, 0)),
            (at_minute(20), Counts::new(5, 5, 0)),
            (at_minute(25), Counts::new(0, 0, 0)),
            (at_minute(28), Counts::new(3, 3, 0)),
        ],
    );
    let world = World::new(fleet(service)).await;
    let mut poller = world.poller("");
    poll_for(&world, &mut poller, 15).await;
    world
        .aws
        .inject(Fault::of("ecs:ListClusters", FaultKind::Status(400)));
    poll_for(&world, &mut poller, 20).await;
    world.aws.clear_faults();
    poll_for(&world, &mut poller, 25).await;
    let points = world.points("web", RUNNING);
    for minute in 15..35 {
        let expected = match minute {
            ..20 => Some(2.0),
            20..25 => Some(5.0),
            // No samples: nobody saw the zero, so there is none.
            25..28 => None,
            _ => Some(3.0),
        };
        let time = NOON + minute * 60;
        let found = points.iter().find(|(at, _)| *at == time).map(|(_, v)| *v);
        assert_eq!(found, expected, "minute {minute}");
    }
}

/// While the counts of one service can't be restored yet, those of the others are posted once.
#[tokio::test(start_paused = true)]
async fn what_is_restored_is_posted_once() {
    let cluster = Cluster::fargate("web")
        .service(Service::steady("api", 2))
        .service(Service::scripted(
            "young",
            [
                (at(NOON - 86_400), Counts::new(0, 0, 0)),
                (at(NOON + 120), Counts::new(2, 2, 0)),
            ],
        ));
    let world = World::new(Fleet::new(ACCOUNT).cluster(REGION, cluster)).await;
    let mut poller = world.poller("");
    poll_for(&world, &mut poller, 2).await;
    let down = |action: &str| world.aws.inject(Fault::of(action, FaultKind::Throttle));
    down("ecs:ListClusters");
    poll_for(&world, &mut poller, 3).await;
    world.aws.clear_faults();
    down("ecs:DescribeServiceRevisions");
    poll_for(&world, &mut poller, 30).await;
    world.aws.clear_faults();
    poll_for(&world, &mut poller, 3).await;
    let host = world.host("web");
    for service in ["api", "young"] {
        let name = format!("custom.ecs.running_task.{service}.count");
        let posts = world.mackerel.posts_of(&host, &name);
        let missed = posts
            .iter()
            .filter(|post| (NOON + 120..NOON + 300).contains(&post.time));
        let counts: Vec<u64> = missed.map(|post| post.count).collect();
        assert_eq!(counts, [1, 1, 1], "{service}");
    }
}

/// Where nothing tells how many samples a task sends, missed counts stay missing rather than wrong,
/// until minutes whose counts are known tell it.
#[tokio::test]
async fn nothing_is_restored_on_a_guess() {
    let fine = || Service::steady("api", 2).twenty_seconds();
    for (service, is_denied) in [(fine(), true), (fine().old_arn(), false)] {
        let world = World::new(fleet(service)).await;
        if is_denied {
            world.aws.deny(Denial::of("ecs:DescribeServiceRevisions"));
        }
        poll_for(&world, &mut world.poller(""), 3).await;
        world.pass(3600);
        let mut poller = world.poller("");
        let mut said = Vec::new();
        for _ in 0..12 {
            let report = world.poll(&mut poller).await;
            said.extend(report.troubles.iter().map(|trouble| trouble.line()));
            world.pass(60);
        }
        assert_eq!(holes(&world, CPU), [0; 0]);
        assert_eq!(holes(&world, RUNNING).len(), 60);
        let is_told = |line: &String| line.contains("allow it in the IAM policy");
        assert_eq!(said.iter().any(is_told), is_denied, "{said:?}");
        poll_for(&world, &mut poller, 4).await;
        assert_eq!(holes(&world, RUNNING), [0; 0]);
        no_values_of(&world, RUNNING, 2.0);
    }
}

/// As far back as Mackerel takes points, and no further.
#[tokio::test]
async fn an_outage_of_days_is_filled_as_far_as_mackerel_goes() {
    let world = world().await;
    let mut poller = world.poller("");
    world.poll(&mut poller).await;
    poller.save(world.now()).await;
    world.pass(50 * 3600);
    poll_for(&world, &mut world.poller(""), 15).await;
    let back = world.now().timestamp() - 15 * 60 - 24 * 3600;
    for metric in [CPU, RUNNING] {
        let points = world.points("web", metric);
        let filled: Vec<i64> = points.iter().map(|(minute, _)| *minute).collect();
        let first = filled.iter().find(|minute| **minute > NOON + 120);
        assert_eq!(first, Some(&(back + 60)), "{metric}");
        assert_eq!(
            filled.iter().filter(|minute| **minute > NOON + 120).count() as i64,
            (filled.last().unwrap() - back) / 60,
            "{metric}"
        );
    }
}

/// Services that could not be described for a while are not taken for services that are not there.
#[tokio::test]
async fn services_that_could_not_be_described_are_made_up_for() {
    for action in ["ecs:ListServices", "ecs:DescribeServices"] {
        let world = world().await;
        let mut poller = world.poller("");
        poll_for(&world, &mut poller, 5).await;
        world.aws.deny(Denial::of(action));
        poll_for(&world, &mut poller, 30).await;
        world.aws.allow_all();
        poll_for(&world, &mut poller, 15).await;
        for metric in [CPU, RUNNING] {
            assert_eq!(holes(&world, metric), [0; 0], "{action} {metric}");
        }
        no_values_of(&world, RUNNING, 2.0);
    }
}

/// An answer that says nothing is not taken for one that says that there is nothing.
#[tokio::test(start_paused = true)]
async fn an_empty_answer_loses_nothing() {
    for action in [
        "ecs:ListClusters",
        "ecs:DescribeClusters",
        "ecs:ListServices",
        "ecs:DescribeServices",
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
    ] {
        let world = world().await;
        let reader = match action {
            "cloudwatch:GetMetricStatistics" => "get_metric_statistics",
            _ => "get_metric_data",
        };
        let yaml = format!("cloudwatch: {{reader: {reader}, interval: 1m}}");
        let mut poller = world.poller(&yaml);
        poll_for(&world, &mut poller, 5).await;
        world.aws.inject(Fault::of(action, FaultKind::EmptyBody));
        let report = world.poll(&mut poller).await;
        assert!(!report.troubles.is_empty(), "{action}");
        world.pass(60);
        poll_for(&world, &mut poller, 5).await;
        world.aws.clear_faults();
        poll_for(&world, &mut poller, 15).await;
        for metric in [CPU, RUNNING] {
            assert_eq!(holes(&world, metric), [0; 0], "{action} {metric}");
        }
        no_values_of(&world, RUNNING, 2.0);
    }
}

/// An answer that is not about the points, as a proxy gives it, loses none.
#[tokio::test(start_paused = true)]
async fn a_proxy_that_refuses_everything_loses_nothing() {
    let only_points = (Some("POST"), "/api/v0/tsdb");
    // The notes of progress and the look at the host are refused too.
    let everything = (None, "");
    for (code, (method, path)) in [
        (200, only_points),
        (302, only_points),
        (400, only_points),
        (407, only_points),
        (413, only_points),
        (400, everything),
        (413, everything),
        (503, everything),
    ] {
        let world = world().await;
        let mut poller = world.poller("");
        poll_for(&world, &mut poller, 5).await;
        world.mackerel.inject(MackerelFault {
            method: method.map(Into::into),
            path_prefix: path.into(),
            kind: MackerelFaultKind::Status {
                code,
                retry_after: None,
                body: "no".into(),
            },
            times: None,
        });
        poll_for(&world, &mut poller, 20).await;
        world.mackerel.clear_faults();
        poll_for(&world, &mut poller, 2).await;
        for metric in [CPU, RUNNING, DESIRED] {
            assert_eq!(holes(&world, metric), [0; 0], "{code} {path} {metric}");
        }
    }
}
