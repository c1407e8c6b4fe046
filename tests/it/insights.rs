//! Container Insights: posted where the config asks for it and the cluster has it on, and asked of
//! CloudWatch nowhere else.

use std::collections::BTreeSet;

use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::{Cluster, ContainerInsights};
use mackerel_ecs::demo::aws::fleet::insight::Insight;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::fleet::statistics::Statistic;
use mackerel_ecs::forecast::forecast;
use mackerel_ecs::forecast::survey::survey;

use crate::support::world::{ACCOUNT, NOON, REGION, World, at};

fn fleet() -> Fleet {
    let settings = [
        ("off", ContainerInsights::Disabled),
        ("on", ContainerInsights::Enabled),
        ("enhanced", ContainerInsights::Enhanced),
    ];
    settings
        .into_iter()
        .fold(Fleet::new(ACCOUNT), |fleet, (name, setting)| {
            let cluster = Cluster::fargate(name)
                .container_insights(setting)
                .service(Service::steady("api", 3))
                .service(Service::idle("idle"));
            fleet.cluster(REGION, cluster)
        })
}

/// The metrics of Container Insights that a cluster's host got, without what they have in common.
fn posted(world: &World, cluster: &str) -> BTreeSet<String> {
    let names = world.mackerel.metric_names(&world.host(cluster));
    let short = |name: &String| Some(name.strip_prefix("custom.ecs.insights.")?.to_owned());
    names.iter().filter_map(short).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

const STANDARD: [&str; 8] = [
    "cpu_units.api.average",
    "cpu_units.api.maximum",
    "cpu_units.api.reserved",
    "memory_megabytes.api.average",
    "memory_megabytes.api.maximum",
    "memory_megabytes.api.reserved",
    "network.api.received",
    "network.api.sent",
];

const ENHANCED: [&str; 4] = [
    "cpu_utilization.api.average",
    "cpu_utilization.api.maximum",
    "memory_utilization.api.average",
    "memory_utilization.api.maximum",
];

#[tokio::test]
async fn clusters_that_have_it_on_get_it_where_it_is_asked_for() {
    for reader in ["get_metric_data", "get_metric_statistics"] {
        let world = World::new(fleet()).await;
        let yaml = format!(
            "metrics: {{container_insights: on}}\ncloudwatch: {{reader: {reader}, interval: 1m}}"
        );
        let mut poller = world.poller(&yaml);
        let report = world.poll(&mut poller).await;
        assert_eq!(report.troubles, []);
        assert_eq!(posted(&world, "off"), set(&[]));
        assert_eq!(posted(&world, "on"), set(&STANDARD));
        let all = [STANDARD.as_slice(), &ENHANCED].concat();
        assert_eq!(posted(&world, "enhanced"), set(&all));
        // Each value is what the fleet has.
        let fleet = world.aws.fleet();
        let cluster = fleet.any_cluster("on").unwrap();
        let service = cluster.services().iter().find(|one| &*one.name == "api");
        for (name, insight, statistic) in [
            (
                "cpu_units.api.average",
                Insight::CpuUtilized,
                Statistic::Average,
            ),
            (
                "cpu_units.api.maximum",
                Insight::CpuUtilized,
                Statistic::Maximum,
            ),
            (
                "memory_megabytes.api.reserved",
                Insight::MemoryReserved,
                Statistic::Average,
            ),
            (
                "network.api.sent",
                Insight::NetworkTxBytes,
                Statistic::Average,
            ),
        ] {
            let points = world.points("on", &format!("custom.ecs.insights.{name}"));
            let (time, value) = *points.last().unwrap();
            assert_eq!(time, NOON - 120);
            let truth = cluster.insight(insight, service, at(time)).unwrap();
            let error = (value - truth.get(statistic)).abs();
            assert!(error < 1e-9, "{name}: {value}");
        }
        // Services without tasks, and clusters that have it off, are not asked about.
        for call in world
            .aws
            .calls()
            .log
            .iter()
            .filter(|call| call.action.starts_with("cloudwatch:"))
        {
            for item in &call.items {
                assert!(!item.contains("idle"), "{item}");
                let is_of_insights = item.contains("Utilized") || item.contains("Task");
                assert!(!(is_of_insights && item.contains(" off/")), "{item}");
            }
        }
    }
}

#[tokio::test]
async fn without_being_asked_for_nothing_is_requested() {
    let world = World::new(fleet()).await;
    let mut poller = world.poller("metrics: {profile: full, include: '*insights*'}");
    assert_eq!(world.poll(&mut poller).await.troubles, []);
    for cluster in ["off", "on", "enhanced"] {
        assert_eq!(posted(&world, cluster), set(&[]));
    }
    let calls = world.aws.calls();
    let items = calls.log.iter().flat_map(|call| &call.items);
    assert!(items.clone().all(|item| !item.contains("Utilized")));
}

/// Patterns work on top, and what is asked for is in the plan.
#[tokio::test]
async fn patterns_choose_and_the_plan_counts_it() {
    let world = World::new(fleet()).await;
    let yaml = "metrics: {container_insights: on, exclude: ['ecs.service_*', '*.maximum', \
                '*.reserved', '*network.*.sent']}";
    let config = world.config(yaml);
    let (parts, troubles) = survey(&config, &world.access(&config)).await;
    assert_eq!(troubles, []);
    let plan = forecast(&parts, &config);
    let mut poller = world.poller(yaml);
    for _ in 0..15 {
        world.poll(&mut poller).await;
        world.pass(60);
    }
    let report = world.poll(&mut poller).await;
    assert_eq!(
        posted(&world, "on"),
        set(&[
            "cpu_units.api.average",
            "memory_megabytes.api.average",
            "network.api.received"
        ])
    );
    assert_eq!(
        plan.regions[0].statistics as u64,
        report.cloudwatch_metrics_requested
    );
}
