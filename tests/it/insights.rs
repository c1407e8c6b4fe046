//! Container Insights: posted where the config asks for it and the cluster has it on, and asked of
//! CloudWatch nowhere else.

use std::collections::BTreeSet;

use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::{Cluster, ContainerInsights};
use mackerel_ecs::demo::aws::fleet::insight::Insight;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::fleet::statistics::Statistic;

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
        // Clusters that have it off are not asked about, nor is what only the enhanced one sends of a
        // cluster that has the other.
        let of_first = asked(&world);
        let asked_of =
            |cluster: &'static str| of_first.iter().filter(move |item| item.contains(cluster));
        assert_eq!(asked_of(" off/").count(), 0, "{of_first:?}");
        assert!(asked_of(" on/").count() > 0);
        assert!(
            asked_of(" on/").all(|item| !item.starts_with("Task")),
            "{of_first:?}"
        );
        assert!(asked_of(" enhanced/").any(|item| item.starts_with("Task")));
        // Nor are services that have long been without tasks.
        for _ in 0..20 {
            world.pass(60);
            world.poll(&mut poller).await;
        }
        let before = asked(&world).len();
        world.pass(60);
        world.poll(&mut poller).await;
        let of_last = &asked(&world)[before..];
        assert!(of_last.iter().any(|item| item.contains(" on/api")));
        assert!(
            of_last.iter().all(|item| !item.contains("idle")),
            "{of_last:?}"
        );
    }
}

/// What was asked of CloudWatch by names that only Container Insights has.
fn asked(world: &World) -> Vec<String> {
    let is_of_insights = |item: &&String| {
        let words = ["Utilized", "Reserved", "Network", "Task"];
        words.iter().any(|word| item.contains(word))
    };
    let calls = world.aws.calls();
    let of_cloudwatch = calls
        .log
        .iter()
        .filter(|call| call.action.starts_with("cloudwatch:"));
    of_cloudwatch
        .flat_map(|call| &call.items)
        .filter(is_of_insights)
        .cloned()
        .collect()
}

#[tokio::test]
async fn without_being_asked_for_nothing_is_requested() {
    let world = World::new(fleet()).await;
    let mut poller = world.poller("metrics: {profile: full, include: '*insights*'}");
    assert_eq!(world.poll(&mut poller).await.troubles, []);
    for cluster in ["off", "on", "enhanced"] {
        assert_eq!(posted(&world, cluster), set(&[]));
    }
    assert_eq!(asked(&world), Vec::<String>::new());
}

/// Patterns work on top, and a target may have its own word.
#[tokio::test]
async fn patterns_choose_among_them() {
    let world = World::new(fleet()).await;
    let yaml = "targets: [{metrics: {container_insights: on}}]\n\
                metrics: {exclude: ['ecs.service_*', '*.maximum', '*.reserved', '*network.*.sent']}";
    let mut poller = world.poller(yaml);
    assert_eq!(world.poll(&mut poller).await.troubles, []);
    assert_eq!(
        posted(&world, "on"),
        set(&[
            "cpu_units.api.average",
            "memory_megabytes.api.average",
            "network.api.received"
        ])
    );
}

/// Once it is switched on, on AWS or in the configuration, it comes with the next poll.
#[tokio::test]
async fn a_reload_switches_it_on_and_off() {
    let world = World::new(fleet()).await;
    let (off, on) = ("metrics: {}", "metrics: {container_insights: on}");
    let mut poller = world.poller(off);
    let mut polled = async |yaml: &str| {
        poller.reload(&world.config(yaml)).unwrap();
        for _ in 0..5 {
            assert_eq!(world.poll(&mut poller).await.troubles, []);
            world.pass(60);
        }
        let cpu = "custom.ecs.insights.cpu_units.api.average";
        world.points("on", cpu).len()
    };
    assert_eq!(polled(off).await, 0);
    let while_on = polled(on).await;
    assert!(while_on > 0);
    assert_eq!(polled(off).await, while_on);
}

/// Ephemeral storage is Fargate's alone.
#[tokio::test]
async fn the_full_profile_has_ephemeral_storage_of_fargate() {
    let pool = Cluster::ec2("pool", 1)
        .container_insights(ContainerInsights::Enhanced)
        .service(Service::steady("api", 1));
    let world = World::new(fleet().cluster(REGION, pool)).await;
    let mut poller = world.poller("metrics: {container_insights: on, profile: full}");
    assert_eq!(world.poll(&mut poller).await.troubles, []);
    let all = [STANDARD.as_slice(), &ENHANCED].concat();
    assert_eq!(posted(&world, "pool"), set(&all));
    let storage = [
        "ephemeral_storage_gigabytes.api.reserved",
        "ephemeral_storage_gigabytes.api.utilized",
        "ephemeral_storage_utilization.api.maximum",
    ];
    let all = [all.as_slice(), &storage].concat();
    assert_eq!(posted(&world, "enhanced"), set(&all));
}

/// The graphs have units that fit, so that bytes a second are shown as such.
#[tokio::test]
async fn graphs_have_their_units() {
    let world = World::new(fleet()).await;
    let mut poller = world.poller("metrics: {container_insights: on}");
    world.poll(&mut poller).await;
    let unit = |name: &str| {
        let graphs = world.mackerel.graph_defs();
        let name = format!("custom.ecs.insights.{name}.#");
        graphs
            .into_iter()
            .find(|graph| graph.name == name)
            .unwrap()
            .unit
    };
    assert_eq!(unit("network"), "bytes/sec");
    assert_eq!(unit("cpu_units"), "float");
    assert_eq!(unit("cpu_utilization"), "percentage");
}
