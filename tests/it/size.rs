//! Many clusters, many services, strange names: pages, full requests, and nothing left out.

use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;

use crate::support::world::{ACCOUNT, NOON, REGION, World};

/// No more minutes than needed.
const QUICK: &str = "poll: {lookback: 1m, overlap: 1m}\n";

#[tokio::test]
async fn two_hundred_and_fifty_clusters() {
    let fleet = (0..250).fold(Fleet::new(ACCOUNT), |fleet, n| {
        let cluster = Cluster::fargate(&format!("cluster-{n:03}"));
        fleet.cluster(REGION, cluster.service(Service::steady("api", 1)))
    });
    let world = World::new(fleet).await;
    let mut poller = world.poller(QUICK);
    let report = world.poll(&mut poller).await;
    assert_eq!(report.troubles, []);
    assert_eq!(world.mackerel.hosts().len(), 250);
    assert!(report.clusters.iter().all(|cluster| cluster.points == 17));
    let calls = world.aws.calls();
    // Pages of a hundred; a call for each cluster's services and one to describe them.
    assert_eq!(calls.count("ecs:ListClusters"), 3);
    assert_eq!(calls.count("ecs:DescribeClusters"), 3);
    assert_eq!(calls.count("ecs:ListServices"), 250);
    assert_eq!(calls.count("ecs:DescribeServices"), 250);
    // 1,500 series; a request holds 166 whole metrics of three statistics.
    assert_eq!(calls.count("cloudwatch:GetMetricData"), 4);
}

#[tokio::test]
async fn a_cluster_of_a_thousand_services() {
    let cluster = (0..1_000).fold(Cluster::fargate("big"), |cluster, n| {
        cluster.service(Service::steady(&format!("service-{n:04}"), 1))
    });
    let world = World::new(Fleet::new(ACCOUNT).cluster(REGION, cluster)).await;
    let mut poller = world.poller(&format!("{QUICK}metrics: {{profile: compact}}"));
    let report = world.poll(&mut poller).await;
    assert_eq!(report.troubles, []);
    assert_eq!(report.clusters[0].services, 1_000);
    assert_eq!(report.points(), 4_000);
    let calls = world.aws.calls();
    assert_eq!(calls.count("ecs:ListServices"), 10);
    assert_eq!(calls.count("ecs:DescribeServices"), 100);
    assert_eq!(calls.count("cloudwatch:GetMetricData"), 4);
    let names = world.mackerel.metric_names(&world.host("big"));
    assert_eq!(names.len(), 4_000);
}

#[tokio::test]
async fn requests_for_two_thousand_services_are_full_but_the_last() {
    let fleet = (0..4).fold(Fleet::new(ACCOUNT), |fleet, c| {
        let cluster = (0..500).fold(Cluster::fargate(&format!("c{c}")), |cluster, n| {
            cluster.service(Service::steady(&format!("s{n:03}"), 1))
        });
        fleet.cluster(REGION, cluster)
    });
    let world = World::new(fleet).await;
    let mut poller = world.poller(QUICK);
    world.poll(&mut poller).await;
    let calls = world.aws.calls();
    let mut sizes: Vec<usize> = calls
        .of("cloudwatch:GetMetricData")
        .map(|call| call.items.len())
        .collect();
    sizes.sort_unstable();
    // All statistics of a metric stay in one request, so that three more would not fit in 498.
    assert_eq!(sizes[0], 12_000 - 24 * 498);
    assert_eq!(sizes[1..], [498; 24]);
}

#[tokio::test]
async fn strange_names_and_tags_stop_nothing() {
    let long = "n".repeat(255);
    let fleet = Fleet::new(ACCOUNT)
        .cluster(
            REGION,
            Cluster::fargate(&long)
                .tag("mackerel-integration", "no role at all")
                .service(Service::steady(&long, 2))
                .service(Service::steady("-_-", 1).old_arn()),
        )
        .cluster(
            REGION,
            Cluster::fargate("_")
                .tag("mackerel-integration", "shop: web / お店: x")
                .service(Service::steady("api", 1)),
        );
    let world = World::new(fleet).await;
    let mut poller = world.poller(&format!("{QUICK}host: {{roles: ['ecs:default']}}"));
    let report = world.poll(&mut poller).await;
    let lines: Vec<String> = report.troubles.iter().map(|t| t.line()).collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("`no role at all` is no role"))
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("`お店: x` is no role"))
    );
    assert_eq!(report.outcome().exit_status(), 0);
    let name = format!("custom.ecs.service_cpu_utilization.{long}.average");
    assert_eq!(world.points(&long, &name).len(), 1);
    assert_eq!(
        world
            .points(&long, "custom.ecs.running_task.-_-.count")
            .len(),
        1
    );
    assert_eq!(
        world.points("_", "custom.ecs.running_task.api.count").len(),
        1
    );
    // A malformed tag gives no roles and takes none away; the default is not given in its place.
    assert!(world.mackerel.services().is_empty());
}

/// At the poller's own share of the documented rates, a walk of many clusters takes longer than a
/// stage may; CloudWatch is read all the same, and counts stand at the minute they were read in.
#[tokio::test(start_paused = true)]
async fn a_region_that_takes_minutes_to_walk() {
    let fleet = (0..400).fold(Fleet::new(ACCOUNT), |fleet, n| {
        let cluster = Cluster::fargate(&format!("cluster-{n:03}"));
        fleet.cluster(REGION, cluster.service(Service::steady("api", 1)))
    });
    let world = World::new(fleet).await;
    let mut poller = world.poller(
        "aws: {rate_share: 0.5}\npoll: {lookback: 1m, overlap: 1m}\nmetrics: {profile: compact}",
    );
    let began = tokio::time::Instant::now();
    let report = world.poll(&mut poller).await;
    let minutes = began.elapsed().as_secs() as i64 / 60;
    assert!((1..4).contains(&minutes), "{minutes}");
    assert_eq!(report.troubles, []);
    let cpu = "custom.ecs.service_cpu_utilization.api.average";
    let count = "custom.ecs.running_task.api.desired";
    for n in [0, 399] {
        let host = format!("cluster-{n:03}");
        assert_eq!(world.points(&host, cpu).len(), 1, "{host}");
        let expected = NOON + if n == 0 { 0 } else { minutes * 60 };
        assert_eq!(world.points(&host, count), [(expected, 1.0)], "{host}");
    }
}
