//! Another configuration while the poller runs: what both have goes on without a gap, and what is
//! wrong changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::fleet::{Account, Fleet, Role};
use mackerel_ecs::demo::aws::options::Denial;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};

use crate::metrics::{get, parsed, value};
use crate::support::world::{ACCOUNT, NOON, REGION, World};

const COUNT: &str = "custom.ecs.running_task.api.count";
const CPU: &str = "custom.ecs.service_cpu_utilization.api.average";
const FAR: &str = "us-east-1";

fn cluster(name: &str) -> Cluster {
    Cluster::fargate(name).service(Service::steady("api", 2))
}

/// Every minute of the last so many has one point of a metric, which was posted once.
#[track_caller]
fn assert_whole(world: &World, host: &str, name: &str, minutes: i64, until: i64) {
    let host = world.host(host);
    let mut posted: BTreeMap<i64, usize> = BTreeMap::new();
    for posting in world.mackerel.posts_of(&host, name) {
        *posted.entry(posting.time.div_euclid(60)).or_default() += 1;
    }
    let last = world.now().timestamp().div_euclid(60) - until;
    for minute in last - minutes + 1..=last {
        assert_eq!(posted.get(&minute), Some(&1), "{name} {}", minute - last);
    }
}

/// In a time that the test lets pass: each change is of another kind, and none may cost a minute or
/// double one.
#[tokio::test]
async fn no_change_loses_or_doubles_a_minute() {
    let other = "444455556666";
    let account = Account::new(other)
        .role(Role::new("reader"))
        .role(Role::new("another"))
        .cluster(REGION, cluster("shop"));
    let fleet = Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("web"))
        .cluster(FAR, cluster("far"))
        .account(account);
    let world = World::new(fleet).await;
    let own = format!("{{name: own, regions: [{REGION}, {FAR}]}}");
    let shop = |role: &str| {
        format!("{{name: shop, role_arn: 'arn:aws:iam::{other}:role/{role}', regions: [{REGION}]}}")
    };
    let unlimited = "aws: {rate_share: off}";
    let configs = [
        format!("targets: [{own}, {}]\n{unlimited}", shop("reader")),
        // In another order, under another name, with other metrics.
        format!(
            "targets: [{}, {{name: ours, regions: [{REGION}, {FAR}]}}]\n{unlimited}\n\
             metrics: {{profile: compact}}",
            shop("reader")
        ),
        // With another role, and with clients that all are new.
        format!(
            "targets: [{own}, {}]\naws: {{rate_share: 1}}",
            shop("another")
        ),
        // Regions of one target as two.
        format!(
            "targets: [{{name: a, regions: [{REGION}]}}, {{name: b, regions: [{FAR}]}}, {}]\n{unlimited}",
            shop("another")
        ),
        format!("targets: [{own}, {}]\n{unlimited}", shop("reader")),
    ];
    let mut poller = world.poller(&configs[0]);
    let polls = 4;
    for config in &configs {
        poller.reload(&world.config(config)).unwrap();
        for _ in 0..polls {
            let report = world.poll(&mut poller).await;
            assert_eq!(report.troubles, [], "{config}");
            assert_eq!(report.clusters.len(), 3, "{config}");
            world.pass(60);
        }
    }
    let minutes = polls * configs.len() as i64;
    for host in ["web", "far", "shop"] {
        assert_whole(&world, host, COUNT, minutes, 1);
        assert_whole(&world, host, CPU, minutes + 30, 3);
    }
    assert_eq!(world.mackerel.hosts().len(), 3);
}

/// A change that AWS does not allow, and that is taken back, costs nothing of what waits for Mackerel.
#[tokio::test(start_paused = true)]
async fn a_change_that_is_taken_back_loses_nothing() {
    let world = World::new(Fleet::new(ACCOUNT).cluster(REGION, cluster("web"))).await;
    let config = |regions: &str| {
        world.config(&format!(
            "targets: [{{regions: {regions}}}]\naws: {{rate_share: off}}"
        ))
    };
    let named = config(&format!("[{REGION}]"));
    let mut poller = world.poller("");
    poller.reload(&named).unwrap();
    world.poll(&mut poller).await;
    world.pass(60);
    world.mackerel_is_down();
    world.poll(&mut poller).await;
    world.pass(60);
    world.aws.deny(Denial::of("ec2:DescribeRegions"));
    poller.reload(&config("all")).unwrap();
    world.poll(&mut poller).await;
    world.pass(60);
    world.mackerel.clear_faults();
    poller.reload(&named).unwrap();
    world.poll(&mut poller).await;
    let counts = world.points("web", "custom.ecs.running_task.api.desired");
    let minutes = counts.iter().map(|(time, _)| (time - NOON) / 60);
    // In the third minute ECS was not asked.
    assert_eq!(minutes.collect::<Vec<_>>(), [0, 1, 3]);
}

/// What is left out for a while is no more behind, and is filled when it comes back.
#[tokio::test]
async fn what_is_left_out_comes_back_without_a_gap() {
    let fleet = Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("web"))
        .cluster(REGION, cluster("batch"))
        .cluster(FAR, cluster("far"));
    let world = World::new(fleet).await;
    let all = format!("targets: [{{regions: [{REGION}, {FAR}]}}]\naws: {{rate_share: off}}");
    let few = format!(
        "targets: [{{regions: [{REGION}]}}]\naws: {{rate_share: off}}\nclusters: {{include: [web]}}"
    );
    let mut poller = world.poller(&all);
    let mut polled = async |config: &str, hosts: usize| {
        poller.reload(&world.config(config)).unwrap();
        for _ in 0..30 {
            let report = world.poll(&mut poller).await;
            assert_eq!(report.clusters.len(), hosts, "{config}");
            assert_eq!(report.behind_seconds, 0, "{config}");
            world.pass(60);
        }
    };
    polled(&all, 3).await;
    polled(&few, 1).await;
    polled(&all, 3).await;
    for host in ["web", "batch", "far"] {
        assert_whole(&world, host, CPU, 90, 3);
    }
    // Running counts of the time between are restored.
    assert_whole(&world, "batch", COUNT, 80, 1);
    assert_whole(&world, "far", COUNT, 80, 1);
    assert_whole(&world, "web", COUNT, 90, 1);
}

/// What a target has of its own changes for that target alone, and no minute is lost by it; also where
/// all Regions become some that are named.
#[tokio::test]
async fn a_target_takes_another_choice_of_its_own() {
    let other = "444455556666";
    let account = Account::new(other)
        .role(Role::new("reader"))
        .cluster(REGION, cluster("shop"))
        .cluster(REGION, cluster("test"))
        .cluster(FAR, cluster("far"));
    let fleet = Fleet::new(ACCOUNT)
        .cluster(REGION, cluster("web"))
        .account(account);
    let world = World::new(fleet).await;
    let config = |regions: &str, own: &str| {
        format!(
            "targets:\n  - {{name: own, regions: {REGION}}}\n  - {{role_arn: \
             'arn:aws:iam::{other}:role/reader', regions: {regions}{own}}}\naws: {{rate_share: off}}\n"
        )
    };
    let mut poller = world.poller(&config("all", ""));
    let mut polled = async |config: &str, expected: &[&str]| {
        poller.reload(&world.config(config)).unwrap();
        for _ in 0..4 {
            let report = world.poll(&mut poller).await;
            assert_eq!(report.troubles, [], "{config}");
            let mut names: Vec<_> = report.clusters.iter().map(|one| &one.cluster).collect();
            names.sort();
            assert_eq!(names, expected, "{config}");
            world.pass(60);
        }
    };
    polled(&config("all", ""), &["far", "shop", "test", "web"]).await;
    let maximum = "custom.ecs.service_cpu_utilization.api.maximum";
    let posts = |host: &str| world.mackerel.posts_of(&world.host(host), maximum).len();
    let before = ["web", "shop"].map(posts);
    let own =
        ", clusters: {exclude: test}, metrics: {exclude: '*.maximum'}, roles: ['shop:cluster']";
    polled(&config("all", own), &["far", "shop", "web"]).await;
    polled(
        &config(&format!("[{REGION}, {FAR}]"), own),
        &["far", "shop", "web"],
    )
    .await;
    let after = ["web", "shop"].map(posts);
    assert!(after[0] > before[0], "{before:?} {after:?}");
    assert_eq!(after[1], before[1]);
    let roles = |name: &str| {
        let hosts = world.mackerel.hosts();
        let host = hosts.into_iter().find(|host| host.name == name).unwrap();
        host.roles
    };
    assert_eq!(roles("web"), []);
    assert_eq!(roles("shop"), [("shop".to_owned(), "cluster".to_owned())]);
    polled(&config("all", ""), &["far", "shop", "test", "web"]).await;
    assert_eq!(roles("shop"), []);
    for host in ["web", "shop", "far", "test"] {
        assert_whole(&world, host, CPU, 16 + 30, 3);
    }
    for host in ["web", "shop", "far"] {
        assert_whole(&world, host, COUNT, 16, 1);
    }
}

/// A file of a test's own.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let file = File(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }
}

/// The program over a file, and what it logs.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(world: &World, file: &File) -> Self {
        let arguments = format!("poll --log-format json --config {}", file.0.display());
        let program = world
            .program(&arguments)
            .without("MACKEREL_ECS_CONFIG_YAML");
        let mut child = program.start();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Running { child, lines }
    }

    /// The next line that says this.
    async fn said(&mut self, part: &str) -> Value {
        let wait = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect(part);
                let json: Value = serde_json::from_str(&line).unwrap();
                if json["message"].as_str().unwrap().contains(part) {
                    return json;
                }
            }
        };
        let line = tokio::time::timeout(Duration::from_secs(90), wait).await;
        line.unwrap_or_else(|_| panic!("never said: {part}"))
    }

    fn hang_up(&self) {
        let id = self.child.id().unwrap().to_string();
        let kill = std::process::Command::new("kill")
            .args(["-s", "HUP", &id])
            .status();
        assert!(kill.unwrap().success());
    }
}

/// The program itself: a file that changes, one that is wrong, a SIGHUP, another address.
#[tokio::test]
async fn a_changed_file_is_followed_and_a_wrong_one_is_not() {
    let world = World::real(Fleet::new(ACCOUNT).cluster(REGION, cluster("web"))).await;
    let yaml = |listen: &str, more: &str| {
        format!(
            "http: {{listen: '{listen}'}}\n{more}cloudwatch: {{reader: get_metric_data, interval: 1m}}\n"
        )
    };
    let file = File::new("reload.yaml", &yaml("127.0.0.1:0", ""));
    let mut running = Running::start(&world, &file);
    let listening = running.said("listening").await;
    let address = listening["address"].as_str().unwrap().to_owned();
    running.said("polled").await;

    // A mistake is told once, with its place, and changes nothing.
    file.write(&yaml("127.0.0.1:0", "metrics: {profil: full}\n"));
    let told = running.said("the configuration stays as it was").await;
    let message = told["message"].as_str().unwrap();
    assert_eq!(told["level"], "WARN");
    assert!(
        message.contains("reload.yaml:2:") && message.contains("did you mean `profile`?"),
        "{message}"
    );
    let page = parsed(get(&address, "/metrics").await.body());
    let looks = |outcome| {
        let family = "mackerel_ecs_config_looks";
        value(&page, family, "_total", Some(("outcome", outcome))).unwrap()
    };
    assert!(looks("refused") >= 1.0);
    assert_eq!(looks("changed"), 0.0);

    file.write(&yaml("127.0.0.1:0", ""));
    running.said("the configuration can be loaded again").await;
    running.hang_up();
    running.said("SIGHUP").await;
    running.said("the configuration has not changed").await;

    // What is new holds from the next poll on, but for the address, which is new at once.
    file.write(&yaml("127.0.0.2:0", "metrics: {profile: full}\n"));
    running.hang_up();
    running.said("the configuration has changed").await;
    let listening = running.said("listening").await;
    let address = listening["address"].as_str().unwrap().to_owned();
    assert!(address.starts_with("127.0.0.2:"), "{address}");
    running.said("polling by the new configuration").await;
    let polled = running.said("polled").await;
    assert_eq!(polled["troubles"], 0);
    let names = world.mackerel.metric_names(&world.host("web"));
    assert!(
        names.contains(&"custom.ecs.deployment.api.count".to_owned()),
        "{names:?}"
    );
    let page = parsed(get(&address, "/metrics").await.body());
    let polls = value(
        &page,
        "mackerel_ecs_polls",
        "_total",
        Some(("outcome", "posted")),
    );
    assert!(polls.unwrap() >= 2.0);
    running.child.kill().await.unwrap();
}
