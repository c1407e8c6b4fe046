//! When a host is retired, and above all when it is not.

use mackerel_ecs::demo::aws::fault::{Fault, FaultKind};
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::options::Denial;
use serde_json::json;

use crate::support::world::{ACCOUNT, NOON, REGION, World, api, at};

const RETIRE: &str = "host: {retire_after: 1h}";

/// Two clusters, of which `old` is deleted five minutes after noon.
fn fleet() -> Fleet {
    let cluster = |name: &str| Cluster::fargate(name).service(Service::steady("api", 1));
    Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("web"))
        .cluster(REGION, cluster("old").deleted_at(at(NOON + 300)))
}

/// Polls every ten minutes for some hours, as one process or as single runs.
async fn poll_for_hours(world: &World, yaml: &str, hours: usize, one_process: bool) {
    let mut poller = world.poller(yaml);
    for _ in 0..hours * 6 {
        world.poll(&mut poller).await;
        if !one_process {
            poller.save(world.now()).await;
            poller = world.poller(yaml);
        }
        world.pass(600);
    }
}

fn living(world: &World) -> Vec<String> {
    let hosts = world.mackerel.hosts().into_iter();
    let mut names: Vec<String> = hosts
        .filter(|host| host.retired_at.is_none())
        .map(|host| host.name)
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_deleted_clusters_host_is_retired_where_it_is_asked_for() {
    for one_process in [true, false] {
        let world = World::new(fleet()).await;
        poll_for_hours(&world, RETIRE, 1, one_process).await;
        assert_eq!(living(&world), ["old", "web"], "too early");
        poll_for_hours(&world, RETIRE, 1, one_process).await;
        assert_eq!(living(&world), ["web"]);

        let world = World::new(fleet()).await;
        poll_for_hours(&world, "", 4, one_process).await;
        assert_eq!(living(&world), ["old", "web"], "nobody asked for it");
    }
}

/// Neither a filter, nor another Region, nor a denied or failing call, nor an empty list makes a
/// cluster deleted.
#[tokio::test(start_paused = true)]
async fn a_living_clusters_host_is_never_retired() {
    let living_fleet = || {
        let cluster = |name: &str| Cluster::fargate(name).service(Service::steady("api", 1));
        Fleet::new(ACCOUNT)
            .cluster(REGION, cluster("web"))
            .cluster(REGION, cluster("db"))
            .cluster("us-east-1", cluster("other"))
    };
    let yaml = |more: &str| format!("{RETIRE}\n{more}");
    // Filters and Regions that leave the clusters out.
    for more in [
        "clusters: {include: [nothing]}",
        "clusters: {include: [web]}",
        "clusters: {tags: {a: b}}",
        "targets: [{regions: [us-east-1]}]",
        "targets: [{regions: [eu-west-1]}]",
    ] {
        let world = World::new(living_fleet()).await;
        poll_for_hours(&world, &yaml(""), 1, true).await;
        poll_for_hours(&world, &yaml(more), 4, false).await;
        assert!(living(&world).len() >= 2, "{more}: {:?}", living(&world));
        assert!(living(&world).contains(&"db".to_owned()), "{more}");
    }
    // Calls that are denied or fail.
    for action in [
        "ecs:ListClusters",
        "ecs:DescribeClusters",
        "ecs:ListServices",
    ] {
        let world = World::new(living_fleet()).await;
        poll_for_hours(&world, &yaml(""), 1, true).await;
        world.aws.deny(Denial::of(action));
        poll_for_hours(&world, &yaml(""), 4, true).await;
        world.aws.allow_all();
        for kind in [
            FaultKind::EmptyBody,
            FaultKind::Html,
            FaultKind::Status(400),
        ] {
            world.aws.inject(Fault::of(action, kind));
            poll_for_hours(&world, &yaml(""), 2, false).await;
            world.aws.clear_faults();
        }
        assert_eq!(living(&world), ["db", "web"], "{action}");
    }
}

/// A cluster that is made again in time keeps its host.
#[tokio::test]
async fn a_cluster_that_comes_back_keeps_its_host() {
    let again = Cluster::fargate("old")
        .service(Service::steady("api", 1))
        .created_at(at(NOON + 2400));
    let world = World::new(fleet().cluster(REGION, again)).await;
    poll_for_hours(&world, RETIRE, 1, true).await;
    let id = world.host("old");
    poll_for_hours(&world, RETIRE, 4, true).await;
    assert_eq!(world.host("old"), id);
    assert_eq!(living(&world), ["old", "web"]);
}

/// Hosts that are not the poller's own are none of its business.
#[tokio::test]
async fn others_hosts_are_left_alone() {
    let world = World::new(fleet()).await;
    let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/gone");
    let by_hand = json!({"name": "gone", "customIdentifier": arn, "meta": {}});
    api(&world, "POST", "hosts", by_hand).await;
    poll_for_hours(&world, RETIRE, 4, true).await;
    assert_eq!(living(&world), ["gone", "web"]);
}

/// That the poller is alive, and how far behind, goes to a service of the user's.
#[tokio::test]
async fn the_heartbeat() {
    let world = World::new(fleet()).await;
    let yaml = "heartbeat: {service: monitoring}";
    let mut poller = world.poller(yaml);
    let report = world.poll(&mut poller).await;
    let lines: Vec<String> = report.troubles.iter().map(|t| t.line()).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("there is no service `monitoring`"),
        "{lines:?}"
    );
    assert_eq!(report.outcome().exit_status(), 0);

    api(
        &world,
        "POST",
        "services",
        json!({"name": "monitoring", "memo": ""}),
    )
    .await;
    for minute in 0..20 {
        world.pass(60);
        match minute {
            3 => world
                .aws
                .inject(Fault::of("ecs:ListClusters", FaultKind::Status(400))),
            13 => world.aws.clear_faults(),
            _ => {}
        }
        world.poll(&mut poller).await;
    }
    let values = |name: &str| -> Vec<f64> {
        let points = world.mackerel.service_points("monitoring", name);
        points.into_iter().map(|(_, value)| value).collect()
    };
    assert_eq!(values("mackerel_ecs.alive"), [1.0; 20]);
    let behind = values("mackerel_ecs.behind_seconds");
    assert_eq!(behind[2..5], [0.0, 60.0, 120.0]);
    assert_eq!(behind[11..15], [540.0, 600.0, 0.0, 0.0]);
}
