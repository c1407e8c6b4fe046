//! CloudWatch is read with the cheaper of two calls, as often as the budget allows, and brings the
//! same points whichever way.

use std::collections::BTreeMap;

use mackerel_ecs::demo::aws::fault::{Fault, FaultKind};
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;

use crate::support::world::{ACCOUNT, NOON, REGION, World};

const STATISTICS: &str = "cloudwatch:GetMetricStatistics";
const DATA: &str = "cloudwatch:GetMetricData";

fn fleet(services: u32) -> Fleet {
    let service = |number| Service::steady(&format!("s{number}"), 1 + number % 3);
    let cluster = (0..services).fold(Cluster::fargate("web"), |cluster, number| {
        cluster.service(service(number))
    });
    Fleet::new(ACCOUNT).cluster(REGION, cluster)
}

/// Polls so many minutes with a configuration; gives how often each call was made in each of them.
async fn poll(world: &World, yaml: &str, minutes: usize) -> Vec<(u64, u64)> {
    let mut poller = world.poller(yaml);
    let mut calls = Vec::new();
    for _ in 0..minutes {
        world.aws.reset_calls();
        let report = world.poll(&mut poller).await;
        assert_eq!(report.troubles, []);
        let made = world.aws.calls();
        calls.push((made.count(STATISTICS), made.count(DATA)));
        world.pass(60);
    }
    calls
}

/// All points of the cluster's host by metric.
fn points(world: &World) -> BTreeMap<String, Vec<(i64, f64)>> {
    let host = world.host("web");
    let names = world.mackerel.metric_names(&host);
    let of = |name: String| (name.clone(), world.mackerel.points(&host, &name));
    names.into_iter().map(of).collect()
}

/// What the free tier carries is read each minute: two metrics of each service, all of their
/// statistics in one request.
#[tokio::test]
async fn a_small_estate_is_read_each_minute_for_nothing() {
    let world = World::new(fleet(5)).await;
    let calls = poll(&world, "cloudwatch: {}", 3).await;
    assert_eq!(calls, [(10, 0); 3]);
}

/// Past that it is read less often; the counts come each minute all the same.
#[tokio::test]
async fn a_larger_one_is_read_less_often() {
    let world = World::new(fleet(30)).await;
    let calls = poll(&world, "cloudwatch: {}", 7).await;
    // It begins at twelve, when the last minute but one has settled: 11:59.
    assert_eq!(
        calls,
        [(60, 0), (60, 0), (0, 0), (0, 0), (60, 0), (0, 0), (0, 0)]
    );
    let host = world.host("web");
    let minutes = |name: &str, from: i64| -> Vec<i64> {
        let points = world.mackerel.points(&host, name);
        let times = points.into_iter().map(|point| point.0);
        times.filter(|time| *time >= from).collect()
    };
    let each: Vec<i64> = (0..7).map(|minute| NOON + minute * 60).collect();
    assert_eq!(minutes("custom.ecs.running_task.s1.count", NOON), each);
    assert_eq!(
        minutes("custom.ecs.service_cpu_utilization.s1.average", NOON),
        each[..3]
    );
}

/// The budget decides, at the upper figure.
#[tokio::test]
async fn a_budget_buys_a_shorter_time() {
    let world = World::new(fleet(30)).await;
    let yaml = "cloudwatch: {monthly_budget_usd: 17}";
    assert_eq!(poll(&world, yaml, 3).await, [(60, 0); 3]);
    let world = World::new(fleet(30)).await;
    let yaml = "cloudwatch: {reader: get_metric_data}";
    let calls = poll(&world, yaml, 7).await;
    let read: u64 = calls.iter().map(|(_, data)| data).sum();
    assert_eq!((calls[0], read), ((0, 1), 3));
}

/// Whichever call reads them, the points are the same, also what is restored of missed counts.
#[tokio::test]
async fn both_calls_bring_the_same() {
    let mut brought = Vec::new();
    for reader in ["get_metric_statistics", "get_metric_data"] {
        let world = World::new(fleet(4)).await;
        let yaml = format!("cloudwatch: {{reader: {reader}, interval: 1m}}");
        let mut poller = world.poller(&yaml);
        world.poll(&mut poller).await;
        world.aws.inject(Fault::of("ecs:*", FaultKind::Status(500)));
        world.pass(60);
        world.poll(&mut poller).await;
        world.aws.clear_faults();
        for _ in 0..20 {
            world.pass(60);
            world.poll(&mut poller).await;
        }
        let points = points(&world);
        let counts = &points["custom.ecs.running_task.s2.count"];
        assert!(counts.contains(&(NOON + 60, 3.0)), "{counts:?}");
        brought.push(points);
    }
    assert_eq!(brought[0], brought[1]);
}

/// A reading that fails is made up for at the next poll, not at the next time that is due.
#[tokio::test]
async fn what_failed_is_read_again_at_once() {
    let world = World::new(fleet(2)).await;
    let mut poller = world.poller("cloudwatch: {interval: 5m}");
    world.poll(&mut poller).await;
    // Five minutes later it is due.
    world.pass(300);
    world
        .aws
        .inject(Fault::of(STATISTICS, FaultKind::Status(500)));
    assert!(!world.poll(&mut poller).await.troubles.is_empty());
    world.aws.clear_faults();
    world.pass(60);
    world.aws.reset_calls();
    assert_eq!(world.poll(&mut poller).await.troubles, []);
    assert_eq!(world.aws.calls().count(STATISTICS), 4);
}
