//! What a poll brings to Mackerel, and what it asks for: values, minutes, hosts, calls.

use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::fleet::statistics::{Metric, Statistic};

use crate::support::world::{ACCOUNT, NOON, REGION, World, at};

fn fleet(cluster: Cluster) -> Fleet {
    Fleet::new(ACCOUNT).cluster(REGION, cluster)
}

/// Every value posted is the one that AWS has for that minute and statistic, at the minute's start.
#[tokio::test]
async fn values_and_minutes_are_those_of_the_source() {
    let world = World::new(fleet(
        Cluster::ec2("web", 2)
            .service(Service::steady("api", 3))
            .service(Service::scale_out("front", 2, 9)),
    ))
    .await;
    let mut poller = world.poller("poll: {lookback: 30m}");
    world.poll(&mut poller).await;

    let cluster = world.aws.fleet().any_cluster("web").unwrap();
    let statistics = [
        ("minimum", Statistic::Minimum),
        ("average", Statistic::Average),
        ("maximum", Statistic::Maximum),
    ];
    // A minute is taken as complete a minute after its end.
    let minutes = || (NOON - 31 * 60..NOON - 60).step_by(60);
    let mut compared = 0;
    for (leaf, statistic) in statistics {
        for service in cluster.services() {
            for (graph, metric) in [
                ("service_cpu_utilization", Metric::CpuUtilization),
                ("service_memory_utilization", Metric::MemoryUtilization),
            ] {
                let name = format!("custom.ecs.{graph}.{}.{leaf}", service.name);
                let truth: Vec<(i64, f64)> = minutes()
                    .map(|minute| {
                        let set = service.statistics(metric, at(minute)).unwrap();
                        (minute, set.get(statistic))
                    })
                    .collect();
                assert_eq!(world.points("web", &name), truth, "{name}");
                compared += truth.len();
            }
        }
        for (graph, metric) in [
            ("cpu_utilization", Metric::CpuUtilization),
            ("memory_utilization", Metric::MemoryUtilization),
            ("cpu_reservation", Metric::CpuReservation),
            ("memory_reservation", Metric::MemoryReservation),
        ] {
            let name = format!("custom.ecs.{graph}.{leaf}");
            let truth: Vec<(i64, f64)> = minutes()
                .map(|minute| {
                    let set = cluster.statistics(metric, at(minute)).unwrap();
                    (minute, set.get(statistic))
                })
                .collect();
            assert_eq!(world.points("web", &name), truth, "{name}");
            compared += truth.len();
        }
    }
    assert_eq!(compared, 3 * 30 * (2 * 2 + 4));
}

/// The names of a host's metrics that begin with a prefix.
fn names(world: &World, host: &str, prefix: &str) -> Vec<String> {
    let mut names = world.mackerel.metric_names(&world.host(host));
    names.retain(|name| name.starts_with(prefix));
    names.sort();
    names
}

/// A service that should run and does not is a zero each minute, and no CPU or memory at all: that
/// is what an alert is set on.
#[tokio::test]
async fn a_service_without_tasks_is_a_zero_each_minute() {
    let world = World::new(fleet(
        Cluster::fargate("web").service(Service::stopped("api", 2)),
    ))
    .await;
    let mut poller = world.poller("");
    for _ in 0..3 {
        let report = world.poll(&mut poller).await;
        assert_eq!(report.troubles, []);
        world.pass(60);
    }
    let minutes = [NOON, NOON + 60, NOON + 120];
    let expect = |leaf: &str, value: f64| {
        assert_eq!(
            world.points("web", &format!("custom.ecs.running_task.api.{leaf}")),
            minutes.map(|minute| (minute, value)),
            "{leaf}"
        );
    };
    expect("count", 0.0);
    expect("desired", 2.0);
    expect("pending", 0.0);
    assert_eq!(names(&world, "web", "custom.ecs.service_"), [""; 0]);
    // It is asked for only while the minutes before the first look are read.
    let calls = world.aws.calls();
    assert!(calls.count("cloudwatch:GetMetricData") >= 1);
    assert_eq!(calls.count("ecs:ListServices"), 3);
}

/// Nothing is asked of CloudWatch for what was without tasks all through the window, nor for the
/// cluster itself where there are no container instances.
#[tokio::test]
async fn what_can_have_no_data_is_not_asked() {
    let world = World::new(fleet(
        Cluster::fargate("web")
            .service(Service::stopped("down", 2))
            .service(Service::steady("up", 1)),
    ))
    .await;
    let mut poller = world.poller("poll: {lookback: 5m, overlap: 2m}");
    for _ in 0..8 {
        world.poll(&mut poller).await;
        world.pass(60);
    }
    world.aws.reset_calls();
    world.poll(&mut poller).await;
    let calls = world.aws.calls();
    let asked: Vec<&String> = calls
        .of("cloudwatch:GetMetricData")
        .flat_map(|call| &call.items)
        .collect();
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert!(
        asked.iter().all(|query| query.contains(" web/up ")),
        "{asked:?}"
    );
}

/// A service that has gone to zero still gets its last minutes.
#[tokio::test]
async fn the_last_minutes_of_a_stopped_service_arrive() {
    let stop = NOON + 150;
    let world = World::new(fleet(
        Cluster::fargate("web").service(Service::scale_to_zero("api", 2, at(stop))),
    ))
    .await;
    let mut poller = world.poller("poll: {lookback: 5m, overlap: 1m}");
    for _ in 0..8 {
        world.poll(&mut poller).await;
        world.pass(60);
    }
    let cluster = world.aws.fleet().any_cluster("web").unwrap();
    let service = &cluster.services()[0];
    let truth: Vec<i64> = (NOON - 360..NOON + 480)
        .step_by(60)
        .filter(|minute| {
            service
                .statistics(Metric::CpuUtilization, at(*minute))
                .is_some()
        })
        .collect();
    let points = world.points("web", "custom.ecs.service_cpu_utilization.api.average");
    let minutes: Vec<i64> = points.iter().map(|(minute, _)| *minute).collect();
    assert_eq!(minutes, truth);
    let counts = world.points("web", "custom.ecs.running_task.api.count");
    let mut counts: Vec<f64> = counts.iter().map(|(_, count)| *count).collect();
    // Those of the minutes before the first look are restored.
    let read = counts.split_off(counts.len() - 8);
    assert_eq!(read, [2.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert!(counts.iter().all(|count| *count == 2.0), "{counts:?}");
}

/// A point is posted once, and again only when CloudWatch revised it.
#[tokio::test]
async fn nothing_is_posted_twice_unless_it_changed() {
    let world = World::filling(fleet(
        Cluster::ec2("web", 1).service(Service::steady("api", 5)),
    ))
    .await;
    let mut poller = world.poller("poll: {settle: 0s, lookback: 10m}");
    for _ in 0..6 {
        world.poll(&mut poller).await;
        world.pass(60);
    }
    let host = world.host("web");
    let mut revised = 0;
    let mut postings = 0;
    for name in world.mackerel.metric_names(&host) {
        for posting in world.mackerel.posts_of(&host, &name) {
            assert_eq!(
                posting.count,
                posting.changes + 1,
                "{name} at {} was posted without a change",
                posting.time
            );
            revised += posting.changes;
            postings += posting.count;
        }
    }
    assert!(revised > 0, "the fleet should have revised something");
    assert!(postings > 200);
}

/// A poll in which nothing changed is one call to Mackerel, whatever the number of hosts.
#[tokio::test]
async fn many_hosts_travel_in_one_post() {
    let fleet = (0..20).fold(Fleet::new(ACCOUNT), |fleet, n| {
        let name = format!("cluster-{n}");
        let cluster = Cluster::fargate(&name).service(Service::steady("api", 1));
        fleet.cluster(REGION, cluster)
    });
    let world = World::new(fleet).await;
    let mut poller = world.poller("poll: {lookback: 2m, overlap: 2m}");
    world.poll(&mut poller).await;
    let first = world.mackerel.requests();
    assert_eq!(first.count("POST /api/v0/hosts"), 20);
    assert_eq!(first.count("POST /api/v0/graph-defs/create"), 1);
    for _ in 0..3 {
        world.pass(60);
        world.mackerel.reset_requests();
        world.poll(&mut poller).await;
        let requests = world.mackerel.requests();
        let calls: Vec<(&str, u64)> = requests
            .counts
            .iter()
            .map(|(call, count)| (call.as_str(), *count))
            .collect();
        assert_eq!(calls, [("POST /api/v0/tsdb", 1)]);
    }
}

/// Profiles and patterns decide what is posted, and what is asked for in the first place.
#[tokio::test]
async fn what_is_not_selected_is_neither_asked_nor_posted() {
    let cluster = || {
        Cluster::ec2("web", 1)
            .service(Service::steady("api", 1))
            .service(Service::steady("batch-1", 1))
    };
    let run = async |yaml: &str| {
        let world = World::new(fleet(cluster())).await;
        let mut poller = world.poller(yaml);
        world.poll(&mut poller).await;
        let queries: Vec<String> = world
            .aws
            .calls()
            .of("cloudwatch:GetMetricData")
            .flat_map(|call| call.items.clone())
            // The hour before the first look is read with the number of samples.
            .filter(|query| !query.contains(" SampleCount "))
            .collect();
        (names(&world, "web", ""), queries)
    };
    let (posted, asked) = run("metrics: {profile: compact}").await;
    assert_eq!(posted.len(), 8, "{posted:?}");
    assert_eq!(asked.len(), 4, "{asked:?}");
    let (posted, asked) = run("metrics: {profile: standard}").await;
    assert_eq!(
        (posted.len(), asked.len()),
        (2 * 9 + 4 + 4 + 12, 2 * 6 + 12)
    );
    let (posted, asked) = run("metrics: {profile: full}").await;
    assert_eq!(
        (posted.len(), asked.len()),
        (2 * 11 + 4 + 4 + 12, 2 * 6 + 12)
    );
    let (posted, asked) = run(
        "metrics: {profile: compact, include: [ecs.cluster_task.*], \
         exclude: ['custom.ecs.*.batch-*.*', '*.service_memory_*']}",
    )
    .await;
    assert_eq!(
        posted,
        [
            "custom.ecs.cluster_task.pending",
            "custom.ecs.cluster_task.running",
            "custom.ecs.running_task.api.count",
            "custom.ecs.running_task.api.desired",
            "custom.ecs.service_cpu_utilization.api.average",
        ]
    );
    assert_eq!(asked.len(), 1, "{asked:?}");
}

/// Filters by name and tag choose clusters and services, and what is left out is not described.
#[tokio::test]
async fn filters_choose_clusters_and_services() {
    let cluster = |name: &str, env: &str| {
        Cluster::fargate(name)
            .tag("Env", env)
            .service(Service::steady("api", 1))
            .service(Service::steady("canary", 1).tag("kind", "test"))
            .service(Service::steady("tmp-1", 1))
    };
    let fleet = Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("web-1", "production"))
        .cluster(REGION, cluster("web-2", "staging"))
        .cluster(REGION, cluster("db", "production"));
    let world = World::new(fleet).await;
    let mut poller = world.poller(
        "clusters: {include: ['web-*'], tags: {Env: prod*}}\n\
         services: {exclude: [tmp-*], exclude_tags: {kind: test}}",
    );
    let report = world.poll(&mut poller).await;
    let found: Vec<(&str, usize)> = report
        .clusters
        .iter()
        .map(|cluster| (cluster.cluster.as_str(), cluster.services))
        .collect();
    assert_eq!(found, [("web-1", 1)]);
    let calls = world.aws.calls();
    let described: Vec<&String> = calls
        .of("ecs:DescribeServices")
        .flat_map(|call| &call.items)
        .collect();
    assert_eq!(described.len(), 2, "{described:?}");
}
