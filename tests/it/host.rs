//! The host of a cluster: one per cluster, adopted, updated when something changed, its roles both
//! ways but never those that a person gave.

use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use serde_json::{Value, json};

use crate::support::world::{ACCOUNT, NOON, REGION, World, api, at};

const ARN: &str = "arn:aws:ecs:ap-northeast-1:111122223333:cluster/web";

fn fleet(cluster: Cluster) -> Fleet {
    Fleet::new(ACCOUNT).cluster(REGION, cluster)
}

fn web() -> Cluster {
    Cluster::fargate("web").service(Service::steady("api", 1))
}

/// The calls that wrote hosts or roles since the last reset. How far posting came is noted in the
/// host's metadata, which is not the host.
fn writes(world: &World) -> Vec<String> {
    let requests = world.mackerel.requests();
    requests
        .records
        .iter()
        .filter(|record| record.method != "GET" && !record.path.ends_with("/tsdb"))
        .filter(|record| !record.path.contains("/metadata/"))
        .map(|record| format!("{} {}", record.method, record.template))
        .collect()
}

async fn roles(world: &World) -> Value {
    let host = api(
        world,
        "GET",
        &format!("hosts/{}", world.host("web")),
        Value::Null,
    )
    .await;
    host["host"]["roles"].clone()
}

#[tokio::test]
async fn a_cluster_becomes_a_host() {
    let world = World::new(fleet(web().tag("mackerel-integration", "shop: web"))).await;
    let mut poller = world.poller("host: {display_name: '{cluster} in {region}', memo: 'by us'}");
    let report = world.poll(&mut poller).await;
    let id = world.host("web");
    let host = api(&world, "GET", &format!("hosts/{id}"), Value::Null).await;
    let host = &host["host"];
    assert_eq!(host["customIdentifier"], ARN);
    assert_eq!(host["name"], "web");
    assert_eq!(host["displayName"], "web in ap-northeast-1");
    assert_eq!(host["memo"], "by us");
    assert_eq!(host["status"], "working");
    assert_eq!(host["roles"], json!({"shop": ["web"]}));
    let meta = &host["meta"];
    assert_eq!(meta["cloud"]["provider"], "ecs");
    assert_eq!(meta["cloud"]["metadata"]["cluster_arn"], ARN);
    assert_eq!(meta["cloud"]["metadata"]["running_tasks"], 1);
    assert!(
        meta["agent-name"]
            .as_str()
            .unwrap()
            .starts_with("mackerel-ecs/")
    );
    assert_eq!(report.clusters[0].host_id.as_deref(), Some(id.as_str()));
    assert_eq!(report.clusters[0].size.as_deref(), Some("standard"));
}

/// A second process, on a fresh machine, takes the host that is there and writes nothing to it.
#[tokio::test]
async fn another_process_adopts_the_host_and_leaves_it_alone() {
    let world = World::new(fleet(web().tag("mackerel-integration", "shop: web"))).await;
    world.poll(&mut world.poller("")).await;
    let id = world.host("web");
    for _ in 0..3 {
        world.pass(60);
        world.mackerel.reset_requests();
        let report = world.poll(&mut world.poller("")).await;
        assert_eq!(report.troubles, []);
        assert_eq!(writes(&world), [""; 0]);
    }
    assert_eq!(world.host("web"), id);
    assert_eq!(world.mackerel.hosts().len(), 1);
}

/// Where nothing but values changes, values are all that is posted: no host is looked up or updated, no
/// graph is defined again.
#[tokio::test]
async fn a_steady_poll_posts_points_and_nothing_else() {
    let world = World::new(fleet(web())).await;
    let mut poller = world.poller("");
    world.poll(&mut poller).await;
    for _ in 0..9 {
        world.pass(60);
        world.mackerel.reset_requests();
        let report = world.poll(&mut poller).await;
        assert_eq!(report.troubles, []);
        let requests = world.mackerel.requests().counts;
        assert_eq!(requests, [("POST /api/v0/tsdb".to_owned(), 1)].into());
    }
}

/// A host that was made by other means is adopted with what a person wrote on it.
#[tokio::test]
async fn a_host_that_is_there_keeps_what_a_person_gave_it() {
    let world = World::new(fleet(web().tag("mackerel-integration", "shop: web"))).await;
    let made = json!({
        "name": "old", "customIdentifier": ARN, "displayName": "Ours", "memo": "call Ann",
        "meta": {}, "roleFullnames": ["team:duty"],
    });
    let made = api(&world, "POST", "hosts", made).await;
    world.poll(&mut world.poller("")).await;
    assert_eq!(world.host("web"), made["id"].as_str().unwrap());
    let host = api(
        &world,
        "GET",
        &format!("hosts/{}", world.host("web")),
        Value::Null,
    )
    .await;
    assert_eq!(host["host"]["displayName"], "Ours");
    assert_eq!(host["host"]["memo"], "call Ann");
    assert_eq!(host["host"]["customIdentifier"], ARN);
    assert_eq!(
        host["host"]["roles"],
        json!({"shop": ["web"], "team": ["duty"]})
    );
}

/// Changed tags change the roles at the next poll, in a running process and in single runs alike.
#[tokio::test]
async fn roles_follow_the_tag_both_ways() {
    for one_process in [true, false] {
        let tag = |minutes: i64, value: &'static str| {
            (at(NOON + minutes * 60), [("mackerel-integration", value)])
        };
        let mut cluster = web().tag("mackerel-integration", "shop: web / shop: all");
        for (from, tags) in [
            tag(1, "shop: web / shop: new"),
            tag(2, "nonsense"),
            tag(3, "shop: new"),
        ] {
            cluster = cluster.tags_from(from, &tags);
        }
        let world = World::new(fleet(cluster.tags_from(at(NOON + 240), &[]))).await;
        let mut poller = world.poller("");
        let mut seen = Vec::new();
        for minute in 0..5 {
            world.poll(&mut poller).await;
            if minute == 0 {
                let path = format!("hosts/{}/role-fullnames", world.host("web"));
                let by_hand = json!({"roleFullnames": ["shop:web", "shop:all", "team:duty"]});
                api(&world, "PUT", &path, by_hand).await;
            }
            seen.push(roles(&world).await);
            world.pass(60);
            if !one_process {
                poller = world.poller("");
            }
        }
        assert_eq!(
            seen,
            [
                json!({"shop": ["all", "web"], "team": ["duty"]}),
                json!({"shop": ["new", "web"], "team": ["duty"]}),
                json!({"shop": ["new", "web"], "team": ["duty"]}),
                json!({"shop": ["new"], "team": ["duty"]}),
                json!({"team": ["duty"]}),
            ],
            "one process: {one_process}"
        );
    }
}

/// Two pollers that start together end with one host.
#[tokio::test]
async fn two_pollers_at_once_make_one_host() {
    for duplicates_refused in [true, false] {
        let world = World::with_duplicate_identifiers(fleet(web()), duplicates_refused).await;
        let (mut a, mut b) = (world.poller(""), world.poller(""));
        let (a, b) = tokio::join!(world.poll(&mut a), world.poll(&mut b));
        assert_eq!(a.troubles, []);
        assert_eq!(b.troubles, []);
        assert_eq!(a.clusters[0].host_id, b.clusters[0].host_id);
        assert_eq!(
            a.clusters[0].host_id.as_deref(),
            Some(world.host("web").as_str())
        );
    }
}

/// Figures among the host's facts change all the time; they are brought up to date by the hour.
#[tokio::test]
async fn changed_figures_are_told_once_an_hour() {
    let world = World::new(fleet(
        Cluster::fargate("web").service(Service::scale_out("api", 1, 60)),
    ))
    .await;
    let mut poller = world.poller("poll: {lookback: 1m, overlap: 1m}");
    world.poll(&mut poller).await;
    world.mackerel.reset_requests();
    let mut updates = 0;
    for _ in 0..121 {
        world.pass(60);
        world.poll(&mut poller).await;
    }
    updates += world.mackerel.requests().count("PUT /api/v0/hosts/{id}");
    assert_eq!(updates, 2);
}

/// A host that a person retires is not revived: the next poll makes a new one.
#[tokio::test]
async fn a_retired_host_is_made_anew() {
    let world = World::new(fleet(web())).await;
    let mut poller = world.poller("");
    world.poll(&mut poller).await;
    let first = world.host("web");
    api(&world, "POST", &format!("hosts/{first}/retire"), json!({})).await;
    for _ in 0..2 {
        world.pass(60);
        world.poll(&mut poller).await;
    }
    let second = world.host("web");
    assert_ne!(second, first);
    // What was not accepted was read again.
    let points = world.points("web", "custom.ecs.service_cpu_utilization.api.average");
    assert!(points.len() >= 10, "{points:?}");
}

/// Should Mackerel take points for a retired host without a word, the next note tells.
#[tokio::test]
async fn a_retired_host_is_noticed_where_nothing_is_refused() {
    let world = World::silent_on_retired_hosts(fleet(web())).await;
    let mut poller = world.poller("");
    world.poll(&mut poller).await;
    let first = world.host("web");
    api(&world, "POST", &format!("hosts/{first}/retire"), json!({})).await;
    for _ in 0..12 {
        world.pass(60);
        world.poll(&mut poller).await;
    }
    assert_ne!(world.host("web"), first);
    let points = world.points("web", "custom.ecs.service_cpu_utilization.api.average");
    assert!(points.len() >= 60, "{points:?}");
}

/// Graph definitions are posted at first, when they might have been dropped, and not in between;
/// by single runs as well.
#[tokio::test]
async fn graph_definitions_are_kept_alive() {
    for one_process in [true, false] {
        let world = World::new(fleet(web())).await;
        let mut poller = world.poller("poll: {lookback: 1m, overlap: 1m}");
        for _ in 0..(7 * 60 / 10) {
            world.poll(&mut poller).await;
            world.pass(600);
            if !one_process {
                poller = world.poller("poll: {lookback: 1m, overlap: 1m}");
            }
        }
        let posted = world
            .mackerel
            .requests()
            .count("POST /api/v0/graph-defs/create");
        assert_eq!(posted, 3, "one process: {one_process}");
        assert_eq!(world.mackerel.graph_defs().len(), 19);
    }
}

/// That the host is gone is found out once, not for each of its points.
#[tokio::test]
async fn a_host_that_is_gone_costs_few_requests() {
    let cluster = (0..100).fold(Cluster::fargate("web"), |cluster, n| {
        cluster.service(Service::steady(&format!("s{n}"), 1))
    });
    let world = World::new(fleet(cluster)).await;
    let mut poller = world.poller("");
    world.poll(&mut poller).await;
    let path = format!("hosts/{}/retire", world.host("web"));
    api(&world, "POST", &path, json!({})).await;
    world.pass(60);
    world.mackerel.reset_requests();
    world.poll(&mut poller).await;
    let posts = world.mackerel.requests().count("POST /api/v0/tsdb");
    assert!(posts < 25, "{posts}");
}

/// Hosts that are gone with all that waits for them do not hold up those that are there.
#[tokio::test]
async fn many_hosts_that_are_gone_hold_up_no_other() {
    let mut fleet = Fleet::new(ACCOUNT);
    let names = ["one", "three", "two", "zebra"];
    for name in names {
        let mut cluster = Cluster::fargate(name);
        for number in 0..8 {
            cluster = cluster.service(Service::steady(&format!("api-{number}"), 1));
        }
        fleet = fleet.cluster(REGION, cluster);
    }
    let world = World::new(fleet).await;
    let mut poller = world.poller("");
    world.poll(&mut poller).await;
    for name in &names[..3] {
        let path = format!("hosts/{}/retire", world.host(name));
        api(&world, "POST", &path, json!({})).await;
    }
    world.pass(60);
    world.poll(&mut poller).await;
    let counts = world.points("zebra", "custom.ecs.running_task.api-7.count");
    assert_eq!(counts.last().map(|point| point.0), Some(NOON + 60));
}
