//! Many accounts and Regions in one poller: each is what it is, and costs no other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use mackerel_ecs::aws::Clock;
use mackerel_ecs::demo::aws::fault::{Fault, FaultKind};
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::fleet::{Account, Fleet, Role};
use mackerel_ecs::demo::aws::options::Denial;
use mackerel_ecs::poller::Poller;
use tokio::time::Instant;

use crate::support::world::{ACCOUNT, NOON, REGION, World, at};

const OTHER: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::444455556666:role/reader";
const REGIONS: &str = "ec2:DescribeRegions";

fn cluster(name: &str) -> Cluster {
    Cluster::fargate(name)
        .service(Service::steady("api", 1))
        .service(Service::steady("db", 1))
}

fn fleet() -> Fleet {
    let other = Account::new(OTHER)
        .role(Role::new("reader").external_id("sesame"))
        .cluster("eu-west-1", cluster("shop"))
        .cluster("us-east-1", cluster("shop-test"))
        .enable("eu-north-1");
    Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("own"))
        .account(other)
}

fn names(world: &World) -> BTreeSet<String> {
    world
        .mackerel
        .hosts()
        .into_iter()
        .map(|host| host.name)
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The Regions are those that the account has, also those without a cluster, and nothing is said of
/// those.
#[tokio::test]
async fn all_enabled_regions_are_polled() {
    let world = World::new(fleet()).await;
    let yaml = format!(
        "targets: [{{name: own}}, {{role_arn: '{ROLE}', external_id: sesame, regions: all}}]"
    );
    let mut poller = world.poller(&yaml);
    let report = world.poll(&mut poller).await;
    assert_eq!(report.troubles, []);
    assert_eq!(names(&world), set(&["own", "shop", "shop-test"]));
    assert_eq!(report.calls["ecs:ListClusters"], 4);
    assert_eq!(report.calls[REGIONS], 1);
    world.pass(60);
    let report = world.poll(&mut poller).await;
    assert!(!report.calls.contains_key(REGIONS));
}

/// Without the permission the target is not polled, and told of with what mends it; the other goes on.
/// Once it is given the target is polled.
#[tokio::test]
async fn a_missing_permission_to_list_regions_is_told() {
    let world = World::new(fleet()).await;
    world.aws.deny(Denial::of(REGIONS));
    let yaml = format!(
        "targets: [{{name: own}}, {{role_arn: '{ROLE}', external_id: sesame, regions: all}}]"
    );
    let mut poller = world.poller(&yaml);
    let report = world.poll(&mut poller).await;
    assert_eq!(report.outcome().exit_status(), 3);
    let line = report.troubles[0].line_with_detail();
    assert!(
        line.contains("access denied to ec2:DescribeRegions"),
        "{line}"
    );
    assert!(line.contains("assumed-role/reader"), "{line}");
    assert_eq!(names(&world), set(&["own"]));
    world.aws.allow_all();
    world.pass(60);
    assert_eq!(world.poll(&mut poller).await.troubles, []);
    assert_eq!(names(&world).len(), 3);
}

/// A passing failure of the listing is tried again within the poll.
#[tokio::test(start_paused = true)]
async fn a_listing_of_regions_that_fails_is_tried_again() {
    let world = World::new(fleet()).await;
    world
        .aws
        .inject(Fault::of(REGIONS, FaultKind::Status(503)).times(2));
    let mut poller = world.poller("targets: [{regions: all}]");
    let report = world.poll(&mut poller).await;
    assert_eq!(report.troubles, []);
    assert_eq!(report.calls[REGIONS], 3);
}

/// Counts are of the minute in which ECS was asked, not of that in which a target that took long to
/// connect was begun with.
#[tokio::test(start_paused = true)]
async fn a_target_that_takes_long_to_connect_has_counts_of_the_minute_in_which_they_were_read() {
    let world = World::new(fleet()).await;
    world
        .aws
        .inject(Fault::of(REGIONS, FaultKind::Hang).times(1));
    let mut poller = world.poller("targets: [{regions: all}]");
    let report = poller.tick(at(NOON + 55), None).await;
    assert_eq!(report.troubles, []);
    let counts = world.points("own", "custom.ecs.running_task.api.count");
    assert_eq!(counts.last(), Some(&(NOON + 60, 1.0)));
}

/// A target that is not connected holds no other, and the others are polled once all the same.
#[tokio::test(start_paused = true)]
async fn a_target_that_does_not_connect_holds_no_other() {
    let world = World::new(fleet()).await;
    world
        .aws
        .inject(Fault::of(REGIONS, FaultKind::Hang).times(2));
    let mut poller = world.poller(&format!(
        "targets: [{{role_arn: '{ROLE}', external_id: sesame, regions: all}}, {{name: own}}]"
    ));
    let until = Instant::now() + Duration::from_secs(6);
    let report = poller.tick(world.now(), Some(until)).await;
    let [told] = report.troubles.as_slice() else {
        panic!("{:?}", report.troubles);
    };
    assert!(told.line().contains("longer than the interval to connect"));
    assert_eq!(names(&world), set(&["own"]));
    assert_eq!(report.calls["ecs:ListClusters"], 1);

    world.pass(60);
    let late = world.poll(&mut poller).await;
    assert_eq!(late.calls[REGIONS], 2);
    assert!(names(&world).len() > 1);
    world.pass(60);
    let report = world.poll(&mut poller).await;
    assert_eq!(
        late.calls["ecs:ListClusters"],
        report.calls["ecs:ListClusters"]
    );
}

/// A cluster that moves to another Region takes its custom identifier with it.
#[tokio::test]
async fn a_custom_identifier_is_free_when_its_cluster_is_gone() {
    let fleet = Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("web").deleted_at(at(NOON + 30)))
        .cluster("eu-west-1", cluster("web").created_at(at(NOON + 150)));
    let world = World::new(fleet).await;
    let mut poller = world.poller(&format!(
        "targets: [{{regions: [{REGION}, eu-west-1]}}]\nhost: {{custom_identifier: '{{cluster}}'}}"
    ));
    for _ in 0..5 {
        world.poll(&mut poller).await;
        world.pass(60);
    }
    let counts = world.points("web", "custom.ecs.running_task.api.desired");
    let minutes = counts.iter().map(|(time, _)| time - NOON);
    assert_eq!(minutes.collect::<Vec<_>>(), [180, 240]);
}

/// Two clusters never write to one host, also where another configuration gives it to the other one.
#[tokio::test]
async fn a_custom_identifier_is_one_clusters_after_a_reload_too() {
    let web = |tasks| Cluster::fargate("web").service(Service::steady("api", tasks));
    let fleet = Fleet::new(ACCOUNT)
        .cluster(REGION, web(1))
        .cluster("eu-west-1", web(3));
    let world = World::new(fleet).await;
    let config = |regions: &str| {
        world.config(&format!(
            "targets: [{{regions: [{regions}]}}]\nhost: {{custom_identifier: '{{cluster}}'}}\n\
             aws: {{rate_share: off}}"
        ))
    };
    let mut poller = world.poller("");
    let orders = [
        format!("{REGION}, eu-west-1"),
        format!("eu-west-1, {REGION}"),
    ];
    for regions in orders.iter().cycle().take(6) {
        poller.reload(&config(regions)).unwrap();
        let report = world.poll(&mut poller).await;
        let [told] = report.troubles.as_slice() else {
            panic!("{:?}", report.troubles);
        };
        assert!(told.line().contains("the same custom identifier"));
        world.pass(60);
    }
    let host = world.host("web");
    let name = "custom.ecs.running_task.api.desired";
    let posts = world.mackerel.posts_of(&host, name);
    assert_eq!(posts.len(), 6);
    assert!(posts.iter().all(|post| post.count == 1), "{posts:?}");
}

/// What a target says for itself counts for it, the rest as for all.
#[tokio::test]
async fn a_target_has_its_own_choice() {
    let world = World::new(fleet()).await;
    let yaml = format!(
        "targets:
  - {{name: own, roles: ['own:cluster']}}
  - role_arn: '{ROLE}'
    external_id: sesame
    regions: [eu-west-1, us-east-1]
    clusters: {{exclude: '*-test'}}
    services: {{include: api}}
    metrics: {{profile: compact}}
services: {{exclude: db}}
metrics: {{exclude: '*.maximum'}}
host: {{roles: ['all:clusters']}}
"
    );
    let mut poller = world.poller(&yaml);
    let troubles = world.poll(&mut poller).await.troubles;
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert_eq!(
        troubles[0].message,
        "us-east-1: the config's filters leave out all 1 clusters"
    );
    assert_eq!(names(&world), set(&["own", "shop"]));
    let metrics = |cluster: &str| -> BTreeSet<String> {
        let names = world.mackerel.metric_names(&world.host(cluster));
        let of_cpu = |name: &String| name.contains("service_cpu_utilization");
        names.into_iter().filter(of_cpu).collect()
    };
    let cpu = "custom.ecs.service_cpu_utilization.api";
    assert_eq!(
        metrics("own"),
        set(&[&format!("{cpu}.average"), &format!("{cpu}.minimum")])
    );
    assert_eq!(metrics("shop"), set(&[&format!("{cpu}.average")]));
    let asked = world.aws.calls();
    let mut queries = asked
        .of("cloudwatch:GetMetricData")
        .flat_map(|call| &call.items);
    assert!(queries.all(|query| !query.contains("/db ")));
    let roles = |name: &str| {
        let hosts = world.mackerel.hosts();
        let host = hosts.into_iter().find(|host| host.name == name).unwrap();
        let roles = host
            .roles
            .iter()
            .map(|(service, role)| format!("{service}:{role}"));
        roles.collect::<Vec<_>>()
    };
    assert_eq!(roles("own"), ["own:cluster"]);
    assert_eq!(roles("shop"), ["all:clusters"]);
}

/// The same account under two roles, which only AWS can tell: each cluster is posted once.
#[tokio::test]
async fn a_cluster_that_two_targets_have_is_told_and_posted_once() {
    let own = Role::new("reader");
    let fleet = Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("own"))
        .role(own);
    let world = World::new(fleet).await;
    let yaml = format!(
        "targets: [{{name: own}}, {{name: again, role_arn: 'arn:aws:iam::{ACCOUNT}:role/reader'}}]"
    );
    let mut poller = world.poller(&yaml);
    for _ in 0..3 {
        let report = world.poll(&mut poller).await;
        assert_eq!(report.troubles.len(), 1, "{:?}", report.troubles);
        let line = report.troubles[0].line();
        assert!(
            line.contains("another target polls this cluster already"),
            "{line}"
        );
        world.pass(60);
    }
    let posts = world
        .mackerel
        .posts_of(&world.host("own"), "custom.ecs.running_task.api.count");
    assert!(posts.iter().all(|post| post.count == 1), "{posts:?}");
}

/// A session of a role lasts an hour: the next one is there before it ends, and no call is refused.
#[tokio::test]
async fn credentials_are_renewed_before_they_expire() {
    let world = World::new(fleet()).await;
    let yaml =
        format!("targets: [{{role_arn: '{ROLE}', external_id: sesame, regions: eu-west-1}}]");
    let config = world.config(&yaml);
    let seconds = Arc::new(AtomicI64::new(NOON));
    let clock = seconds.clone();
    let mut access = world.access(&config);
    access.clock = Some(Clock(Arc::new(move || {
        at(clock.load(Ordering::SeqCst)).into()
    })));
    let mut poller = Poller::new(config, access, None);
    for minute in 0..180 {
        let report = world.poll(&mut poller).await;
        assert_eq!(report.troubles, [], "after {minute} minutes");
        world.pass(60);
        seconds.fetch_add(60, Ordering::SeqCst);
    }
    let calls = world.aws.calls();
    let sessions = calls.count("sts:AssumeRole");
    assert!((3..=5).contains(&sessions), "{sessions}");
    assert!(calls.log.iter().all(|call| call.error.is_none()));
}
