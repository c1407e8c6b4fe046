//! What hangs or goes away costs only what is its own.

use std::collections::BTreeSet;
use std::time::Duration;

use mackerel_ecs::demo::aws::fault::{Fault, FaultKind};
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::options::Denial;
use mackerel_ecs::demo::mackerel::fault::{Fault as MackerelFault, FaultKind as MackerelFaultKind};
use tokio::time::Instant;

use crate::support::world::{ACCOUNT, NOON, REGION, World, at};

const RUNNING: &str = "custom.ecs.running_task.api.count";
const CPU: &str = "custom.ecs.service_cpu_utilization.api.average";

fn cluster(name: &str) -> Cluster {
    Cluster::fargate(name).service(Service::steady("api", 1))
}

/// A Region whose poll takes longer than the interval is told of and goes on by itself; the others
/// miss no minute, and the slow one nothing that can be read later.
#[tokio::test(start_paused = true)]
async fn a_region_that_hangs_holds_no_other() {
    let fleet = Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("quick"))
        .cluster("eu-west-1", cluster("slow"));
    let world = World::new(fleet).await;
    let hang = Fault::of("ecs:DescribeServices", FaultKind::Hang).cluster("slow");
    world.aws.inject(hang);
    let mut poller = world.poller(&format!("targets: [{{regions: [{REGION}, eu-west-1]}}]"));
    let mut told = Vec::new();
    for _ in 0..3 {
        let until = Instant::now() + Duration::from_secs(8);
        let report = poller.tick(world.now(), Some(until)).await;
        told.push(report.troubles.len());
        let line = report.troubles[0].line();
        assert!(line.contains("eu-west-1: a poll takes longer"), "{line}");
        world.pass(60);
    }
    assert_eq!(told, [1, 1, 1]);
    let counts = world.points("quick", RUNNING);
    let minutes: Vec<i64> = counts.iter().map(|p| p.0).filter(|t| *t >= NOON).collect();
    assert_eq!(minutes, [NOON, NOON + 60, NOON + 120]);

    world.aws.clear_faults();
    let mut last = poller.tick(world.now(), None).await;
    while !last.troubles.is_empty() {
        world.pass(60);
        last = poller.tick(world.now(), None).await;
    }
    assert_eq!(last.clusters.len(), 2);
    assert!(last.behind_seconds < 120, "{}", last.behind_seconds);
    let read = world.points("slow", CPU);
    let first = read.first().unwrap().0;
    let minutes: Vec<i64> = read.iter().map(|point| point.0).collect();
    let whole: Vec<i64> = (first..=read.last().unwrap().0).step_by(60).collect();
    assert_eq!(minutes, whole);
}

/// What ECS said of a service goes before what CloudWatch tells of the minute, also where Mackerel
/// has taken neither yet, in a minute in which other services could not be described.
#[tokio::test(start_paused = true)]
async fn what_ecs_said_goes_before_what_is_restored() {
    let service = |number| Service::steady(&format!("api-{number}"), 2);
    let cluster = (0..20)
        .map(service)
        .fold(Cluster::fargate("web"), Cluster::service);
    let world = World::new(Fleet::new(ACCOUNT).cluster(REGION, cluster)).await;
    let mut poller = world.poller("");
    let mut poll_for = async |minutes| {
        for _ in 0..minutes {
            world.poll(&mut poller).await;
            world.pass(60);
        }
    };
    poll_for(5).await;
    world.mackerel_is_down();
    let fault = Fault::of("ecs:DescribeServices", FaultKind::EmptyBody);
    world.aws.inject(fault.times(1));
    poll_for(20).await;
    world.mackerel.clear_faults();
    poll_for(2).await;
    for number in 0..20 {
        let name = format!("custom.ecs.running_task.api-{number}.count");
        let posts = world.mackerel.posts_of(&world.host("web"), &name);
        let minutes: BTreeSet<i64> = posts.iter().map(|post| post.time).collect();
        assert!(
            posts.iter().all(|post| post.count == 1),
            "{name}: {posts:?}"
        );
        assert!((0..27).all(|minute| minutes.contains(&(NOON + minute * 60))));
    }
}

/// The last minutes of a service that was deleted are read like all others.
#[tokio::test]
async fn a_service_that_is_deleted_has_its_last_minutes() {
    let gone = NOON + 5 * 60;
    let going = Service::steady("api", 2).deleted_at(at(gone));
    let fleet = Fleet::new(ACCOUNT).cluster(
        REGION,
        Cluster::fargate("web")
            .service(going)
            .service(Service::steady("stays", 1)),
    );
    let world = World::new(fleet).await;
    let mut poller = world.poller("");
    for _ in 0..20 {
        world.poll(&mut poller).await;
        world.pass(60);
    }
    // Its tasks stop in the minute in which it is deleted.
    let last = world.points("web", CPU).last().unwrap().0;
    assert_eq!(last, gone);
    // Once it is read, nobody asks for it any more.
    let report = world.poll(&mut poller).await;
    assert_eq!(report.cloudwatch_metrics_requested, 6);
}

/// A cluster that comes back under its name goes on on its host, and nothing is posted again.
#[tokio::test]
async fn a_cluster_that_comes_back_goes_on() {
    let fleet = Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("web").deleted_at(at(NOON + 150)))
        .cluster(REGION, cluster("web").created_at(at(NOON + 1000)))
        .cluster(REGION, cluster("stays"));
    let world = World::new(fleet).await;
    let mut poller = world.poller("");
    for _ in 0..30 {
        world.poll(&mut poller).await;
        world.pass(60);
    }
    let host = world.host("web");
    let points = world.mackerel.points(&host, CPU);
    let posts = world.mackerel.posts_of(&host, CPU);
    assert!(posts.iter().all(|post| post.count == 1), "{posts:?}");
    assert!(points.last().unwrap().0 > NOON + 1600);
}

/// A cluster whose services can't be read from the first is read again and again, but what is known
/// to be posted is not posted again.
#[tokio::test]
async fn a_cluster_that_is_read_in_part_is_posted_once() {
    let fleet = Fleet::new(ACCOUNT)
        .cluster(
            REGION,
            Cluster::ec2("web", 2).service(Service::steady("api", 1)),
        )
        .cluster(REGION, cluster("other"));
    let world = World::new(fleet).await;
    world
        .aws
        .deny(Denial::on_cluster("ecs:DescribeServices", "web"));
    let mut poller = world.poller("");
    for _ in 0..15 {
        world.poll(&mut poller).await;
        world.pass(60);
    }
    let posts = world
        .mackerel
        .posts_of(&world.host("web"), "custom.ecs.cpu_utilization.average");
    assert!(posts.len() > 60, "{posts:?}");
    assert!(posts.iter().all(|post| post.count == 1), "{posts:?}");
}

/// A Mackerel that never answers, whatever is sent there, takes no time from the next poll: no minute of
/// the counts is missing afterwards.
#[tokio::test(start_paused = true)]
async fn mackerel_that_hangs_delays_no_poll() {
    let world = World::new(Fleet::new(ACCOUNT).cluster(REGION, cluster("web"))).await;
    let mut poller = world.poller("heartbeat: {service: monitoring}\nhost: {retire_after: 10m}");
    world.poll(&mut poller).await;
    world.mackerel.inject(MackerelFault {
        method: None,
        path_prefix: String::new(),
        kind: MackerelFaultKind::Hang,
        times: None,
    });
    // Beyond the hour after which the host is looked at again.
    for _ in 0..75 {
        world.pass(60);
        let until = Instant::now() + Duration::from_secs(59);
        let report = poller.tick(world.now(), Some(until)).await;
        assert!(Instant::now() <= until + Duration::from_millis(100));
        assert_eq!(report.clusters.len(), 1, "{:?}", report.troubles);
    }
    world.mackerel.clear_faults();
    world.pass(60);
    world.poll(&mut poller).await;
    let counts = world.points("web", "custom.ecs.running_task.api.desired");
    let minutes: Vec<i64> = counts.iter().map(|point| point.0).collect();
    let whole: Vec<i64> = (0..=76).map(|minute| NOON + minute * 60).collect();
    assert_eq!(minutes, whole);
}
