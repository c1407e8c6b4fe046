//! `plan`: what it tells beforehand is what is asked of AWS afterwards, call for call and unit for
//! unit, and what each host gets.

use mackerel_ecs::demo::aws::fault::{Fault, FaultKind};
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::fleet::{Account, Fleet, Role};
use mackerel_ecs::forecast::survey::survey;
use mackerel_ecs::forecast::{Forecast, forecast};
use mackerel_ecs::report::Report;

use crate::support::program::Program;
use crate::support::world::{ACCOUNT, NOON, REGION, World, at};

const MADE_UP: &str =
    "plan --offline services=20000,clusters=100,regions=2,ec2_share=0.3,running=0.9";

async fn plan(world: &World, yaml: &str) -> Forecast {
    let config = world.config(&format!("aws: {{rate_share: off}}\n{yaml}"));
    let (parts, troubles) = survey(&config, &world.access(&config)).await;
    assert_eq!(troubles, []);
    forecast(&parts, &config)
}

/// What was asked in a poll, by the groups that share a rate, and the units of CloudWatch.
fn asked(report: &Report) -> (Vec<u64>, u64) {
    let groups: [&[&str]; 3] = [
        &["ecs:ListClusters", "ecs:DescribeClusters"],
        &["ecs:ListServices", "ecs:DescribeServices"],
        &["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"],
    ];
    let calls = |group: &&[&str]| group.iter().filter_map(|api| report.calls.get(*api)).sum();
    let calls = groups.iter().map(calls).collect();
    (calls, report.cloudwatch_metrics_requested)
}

/// What the plan says of the same: calls of one pass and one reading, and the most that is charged
/// for it.
fn told(plan: &Forecast) -> (Vec<u64>, u64) {
    let region = &plan.regions[0];
    let units = match region.reader {
        "GetMetricData" => region.statistics,
        _ => region.metrics,
    };
    (
        region.calls.iter().map(|one| one.each as u64).collect(),
        units as u64,
    )
}

/// Polls until what went before the first poll is read no more, then asks for the plan and polls
/// once more. In the demo's fleet this is a minute in which the service that crashes runs: a plan knows
/// nothing of the minutes before, which a poll reads again.
async fn check(fleet: Fleet, yaml: &str) {
    let world = World::new(fleet).await;
    let mut poller = world.poller(yaml);
    for _ in 0..18 {
        world.poll(&mut poller).await;
        world.pass(60);
    }
    let plan = plan(&world, yaml).await;
    let polled = world.poll(&mut poller).await;
    assert_eq!(polled.troubles, []);
    assert_eq!(told(&plan), asked(&polled), "{yaml}");
    // What the month costs is this reading, as often as it is made.
    let readings = 43_800.0 / plan.cloudwatch_minutes as f64;
    assert_eq!(plan.cloudwatch.units.upper, told(&plan).1 as f64 * readings);
    // Each host has as many metrics as the last minute brought it.
    let posted: usize = polled
        .clusters
        .iter()
        .map(|cluster| metrics_of_late(&world, &cluster.cluster))
        .sum();
    assert_eq!(plan.hosts.metrics, posted, "{yaml}");
}

/// How many metrics of the host got points within the last ten minutes, in which each service that runs now and then ran.
fn metrics_of_late(world: &World, cluster: &str) -> usize {
    let since = world.now().timestamp() - 600;
    let names = world.mackerel.metric_names(&world.host(cluster));
    let is_of_late = |name: &&String| {
        let points = world.points(cluster, name);
        points.last().is_some_and(|(time, _)| *time >= since)
    };
    names.iter().filter(is_of_late).count()
}

#[tokio::test]
async fn the_demo_fleet_is_asked_what_the_plan_says() {
    for reader in ["get_metric_data", "get_metric_statistics"] {
        for profile in ["compact", "standard", "full"] {
            let yaml = format!(
                "metrics: {{profile: {profile}}}\ncloudwatch: {{reader: {reader}, interval: 1m}}"
            );
            check(Fleet::demo(at(NOON)), &yaml).await;
        }
    }
}

/// In the demo's fleet one cluster has Container Insights on.
#[tokio::test]
async fn container_insights_are_counted() {
    let on = "container_insights: on";
    for reader in ["get_metric_data", "get_metric_statistics"] {
        for profile in ["compact", "standard"] {
            let yaml = format!(
                "metrics: {{profile: {profile}, {on}}}\ncloudwatch: {{reader: {reader}, interval: 1m}}"
            );
            check(Fleet::demo(at(NOON)), &yaml).await;
        }
    }
    let figures = |config: &str, share: &str| {
        let made_up = format!("plan --offline services=100,clusters=10{share} --output json");
        Program::new(&made_up).config(config).run()
    };
    let metrics = async |config: &str, share: &str| {
        let ended = figures(config, share).await.expect_status(0);
        ended.json()["hosts"]["metrics"].as_u64().unwrap()
    };
    let asked_for = format!("metrics: {{{on}}}");
    let without = metrics("metrics: {}", "").await;
    assert_eq!(metrics(&asked_for, ",insights_share=0").await, without);
    // Twelve a service in the profile `standard`.
    assert_eq!(
        metrics(&asked_for, ",insights_share=0.5").await,
        without + 600
    );
    assert_eq!(metrics(&asked_for, "").await, without + 1200);
}

#[tokio::test]
async fn filters_count_as_they_do_in_a_poll() {
    let yaml = "clusters: {exclude: ['shop-*']}\nservices: {exclude: ['*-agent']}\n\
                metrics: {exclude: ['*.maximum'], include: ['ecs.deployment.*.count']}";
    check(Fleet::demo(at(NOON)), yaml).await;
}

/// More clusters than one DescribeClusters takes, and more services than one page lists.
#[tokio::test]
async fn pages_and_batches_are_counted() {
    let large = (0..123).fold(Cluster::ec2("large", 3), |cluster, number| {
        cluster.service(Service::steady(&format!("s{number}"), 1))
    });
    let small = (0..101).map(|number| Cluster::fargate(&format!("c{number}")));
    let fleet = [large]
        .into_iter()
        .chain(small)
        .fold(Fleet::new(ACCOUNT), |fleet, cluster| {
            fleet.cluster(REGION, cluster)
        });
    let world = World::new(fleet).await;
    let plan = plan(&world, "").await;
    world.aws.reset_calls();
    let polled = world.poll(&mut world.poller("")).await;
    // Two pages and two descriptions of clusters; two pages and 13 descriptions of the large one's
    // services, and a page each of the empty ones.
    assert_eq!(told(&plan).0, [4, 116, 2]);
    assert_eq!(told(&plan).0, asked(&polled).0);
    assert_eq!(world.aws.calls().count("ecs:DescribeServices"), 13);
}

/// The size is Mackerel's to tell.
#[tokio::test]
async fn hosts_are_told_with_the_size_that_mackerel_gives_them() {
    let fleet = ["old", "new"]
        .iter()
        .fold(Fleet::new(ACCOUNT), |fleet, name| {
            fleet.cluster(
                REGION,
                Cluster::fargate(name).service(Service::steady("s", 1)),
            )
        });
    let world = World::real(fleet).await;
    world
        .program("poll --once --cluster old")
        .run()
        .await
        .expect_status(0);
    let json = world
        .program("plan --output json")
        .run()
        .await
        .expect_status(0)
        .json();
    assert_eq!(json["hosts"]["sizes"], serde_json::json!({"standard": 1}));
    assert_eq!(json["hosts"]["count"], 2);
    let text = world.program("plan").run().await.expect_status(0).stdout;
    assert!(
        text.contains("Mackerel says: 1 standard, 1 not yet there"),
        "{text}"
    );
    // Without a key nothing is asked of Mackerel.
    let program = world
        .program("plan --output json")
        .without("MACKEREL_APIKEY");
    let json = program.run().await.expect_status(0).json();
    assert!(json["hosts"]["sizes"].is_null());
    assert_eq!(world.mackerel.hosts().len(), 1, "a plan makes no host");
}

#[tokio::test]
async fn a_target_that_cannot_be_read_leaves_the_others() {
    let account = Account::new("444455556666").role(Role::new("reader"));
    let fleet = Fleet::new(ACCOUNT)
        .cluster(
            REGION,
            Cluster::fargate("web").service(Service::steady("s", 1)),
        )
        .account(account);
    let world = World::real(fleet).await;
    let yaml =
        "targets: [{name: own}, {name: shut, role_arn: 'arn:aws:iam::444455556666:role/none'}]";
    let program = world.program("plan --output json").config(yaml);
    let ended = program
        .run()
        .await
        .expect_status(3)
        .expect_said("target shut:");
    assert_eq!(ended.json()["regions"].as_array().unwrap().len(), 1);
    world
        .aws
        .inject(Fault::of("ecs:ListClusters", FaultKind::Status(400)));
    world.program("plan").run().await.expect_status(1);
}

#[tokio::test]
async fn an_estate_is_made_up_without_an_account() {
    let ended = Program::new(&format!("{MADE_UP} --output json"))
        .run()
        .await
        .expect_status(0);
    let json = ended.json();
    let region = &json["regions"][0];
    assert_eq!(region["clusters"], 50);
    // 50 clusters of 200 services: a page of clusters and one description; two pages of services and 20
    // descriptions of each.
    assert_eq!(region["calls"][0]["each"], 2);
    assert_eq!(region["calls"][1]["each"], 50 * 22);
    assert_eq!(region["reader"], "GetMetricData");
    // Two metrics of each running service and four of each cluster with EC2 capacity, three
    // statistics of each.
    let metrics = 9000 * 2 + 15 * 4;
    assert_eq!(region["metrics"], metrics);
    assert_eq!(region["statistics"], metrics * 3);
    assert_eq!(
        region["calls"][2]["each"],
        (metrics * 3_usize).div_ceil(498)
    );
    // Half of 20 calls a second, after half of a burst of 100.
    assert_eq!(region["pass_seconds"], (1100.0 - 50.0) / 10.0);
    let usd = 2.0 * metrics as f64 * 8760.0 * 0.01 / 1000.0;
    let told = json["cloudwatch"]["usd"]["lower"].as_f64().unwrap();
    assert!((told - usd).abs() < 0.01, "{told} {usd}");
}

#[tokio::test]
async fn a_wrong_figure_is_refused() {
    let ended = Program::new("plan --offline service=3")
        .run()
        .await
        .expect_status(2);
    ended.expect_said("unknown key `service`; did you mean `services`?");
}

#[tokio::test]
async fn tables_fit_a_terminal() {
    for arguments in [
        MADE_UP,
        "plan --offline accounts=2,regions=2,clusters=400,services=40000",
    ] {
        let text = Program::new(arguments).run().await.expect_status(0).stdout;
        for line in text.lines() {
            assert!(line.chars().count() <= 120, "{line}\n{text}");
        }
    }
}
