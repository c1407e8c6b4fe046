//! One run: the stand-ins, the pollers that come and go as the scenario says, and at the end the
//! verdict. Everything happens in virtual time on one thread, so that a seed is always the same
//! run.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use mackerel_ecs::aws::{Access, Clock, Keys};
use mackerel_ecs::cli::Output;
use mackerel_ecs::config::Config;
use mackerel_ecs::config::load::{Sources, load};
use mackerel_ecs::demo::aws::SimulatedAws;
use mackerel_ecs::demo::aws::fleet::{Fleet, Role};
use mackerel_ecs::demo::aws::options::{Denial, Options as AwsOptions};
use mackerel_ecs::demo::mackerel::LocalMackerel;
use mackerel_ecs::demo::mackerel::option::{
    ApiKey, DuplicateIdentifiers, Options as MackerelOptions, UnknownHosts,
};
use mackerel_ecs::demo::mackerel::store::Storage;
use mackerel_ecs::mackerel::client::Client as MackerelClient;
use mackerel_ecs::model::calls::Calls;
use mackerel_ecs::poller::Poller;
use mackerel_ecs::pulse::Pulse;
use mackerel_ecs::run::{Plan, run};
use mackerel_ecs::terminal::look::Look;
use mackerel_ecs::transport::Transport;
use tokio::sync::watch;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::Instant;

use super::network::{AWS_URL, Crash, MACKEREL_URL, Network, World, clock};
use super::scenario::{End, Life, Scenario, Weather};
use super::verdict::{Verdict, judge};
use crate::support::world::{ACCOUNT, API_KEY};

thread_local! {
    /// When the run in hand began, for the log's timestamps.
    pub(super) static BEGAN: RefCell<Option<Instant>> = const { RefCell::new(None) };
}

/// Carries out a run and judges it. The name of the Region tells runs apart, since the SDK keeps
/// its budget of retries per Region for the whole process.
pub(super) fn simulate(scenario: Scenario, region: &str) -> Verdict {
    fastrand::seed(scenario.seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, drive(scenario, region))
}

async fn drive(scenario: Scenario, region: &str) -> Verdict {
    let began = Instant::now();
    BEGAN.with(|cell| *cell.borrow_mut() = Some(began));
    let world = Arc::new(world(scenario, region, began));
    let service = r#"{"name": "monitoring", "memo": ""}"#;
    assert!(world.by_hand("/services", service).await.is_success());
    let seconds = world.scenario.seconds;

    let mut events: Vec<(i64, Happening)> = Vec::new();
    for (number, life) in world.scenario.lives.iter().enumerate() {
        events.push((life.from, Happening::Birth(number)));
        match life.end {
            End::Killed(at) => events.push((at, Happening::Kill(number))),
            End::Stopped(at) => events.push((at, Happening::Stop(number))),
            // One that made fewer requests than that.
            End::KilledAt { from, .. } => events.push((from + 900, Happening::Kill(number))),
            End::Never => {}
        }
    }
    for spell in &world.scenario.weather {
        events.push((spell.from, Happening::Change));
        events.push((spell.to, Happening::Change));
        if let Weather::RetiredByHand(cluster) = spell.what {
            events.push((spell.from, Happening::Retire(cluster)));
        }
    }
    events.retain(|(at, _)| *at < seconds);
    events.sort_by_key(|(at, _)| *at);

    let mut running: Vec<Option<Running>> = Vec::new();
    running.resize_with(world.scenario.lives.len(), || None);
    let mut retired = Vec::new();
    for (at, happening) in events {
        tokio::time::sleep_until(world.instant(at)).await;
        match happening {
            Happening::Birth(number) => running[number] = Some(start(&world, number, region)),
            Happening::Kill(number) => {
                if let Some(life) = running[number].take() {
                    life.task.abort();
                    world.ledger().over(number);
                }
            }
            Happening::Stop(number) => {
                if let Some(life) = &running[number] {
                    life.stop.send_replace(1);
                }
            }
            Happening::Change => change(&world),
            Happening::Retire(cluster) => retired.extend(retire(&world, cluster).await),
        }
    }
    tokio::time::sleep_until(world.instant(seconds)).await;
    for life in running.iter().flatten() {
        life.task.abort();
    }
    judge(&world, region, &retired)
}

enum Happening {
    Birth(usize),
    Kill(usize),
    Stop(usize),
    Change,
    Retire(&'static str),
}

struct Running {
    task: JoinHandle<()>,
    stop: watch::Sender<u32>,
}

fn world(scenario: Scenario, region: &str, began: Instant) -> World {
    let mut fleet = Fleet::new(ACCOUNT).role(Role::new("reader"));
    for cluster in &scenario.fleet {
        fleet = fleet.cluster(region, cluster.clone());
    }
    fleet = fleet.cluster(&far(region), scenario.far.clone());
    let mut options = AwsOptions::new(Arc::new(clock(began))).lateness(scenario.lateness);
    // They are most of the work of a run, and the poller does not look at them.
    options.most_events = 0;
    let aws = SimulatedAws::new(fleet, options);
    let key = vec![ApiKey::read_write(API_KEY)];
    let mut options = MackerelOptions::new(Arc::new(clock(began)), key);
    if scenario.duplicate_hosts {
        options.duplicate_identifiers = DuplicateIdentifiers::Accept;
    }
    if scenario.ignores_unknown_hosts {
        options.unknown_hosts = UnknownHosts::Ignore;
    }
    let mackerel = LocalMackerel::open(&Storage::Memory, options).unwrap();
    World::new(scenario, aws, mackerel)
}

/// The second Region of a run.
pub(super) fn far(region: &str) -> String {
    format!("far-{region}")
}

fn start(world: &Arc<World>, number: usize, region: &str) -> Running {
    let life: &Life = &world.scenario.lives[number];
    let crash = match life.end {
        End::KilledAt {
            from,
            request,
            before,
        } => Some(Crash {
            from,
            requests: request,
            before,
            task: None,
        }),
        _ => None,
    };
    let crash = Arc::new(Mutex::new(crash));
    let network = Network {
        world: world.clone(),
        life: number,
        crash: crash.clone(),
    };
    let (stop, stopped) = watch::channel(0);
    let config = config(&world.scenario, region);
    let time = world.clone();
    let access = Access {
        transport: Transport::over(network),
        calls: Calls::default(),
        local: Some(Keys {
            endpoint: AWS_URL.to_owned(),
            region: region.to_owned(),
            access_key_id: "AKIATEST".to_owned(),
        }),
        rate_share: config.aws.rate_share,
        clock: Some(Clock(Arc::new(move || {
            SystemTime::from(time.poller_time())
        }))),
    };
    let mackerel = MackerelClient::new(
        access.transport.clone(),
        &config.mackerel.api_base,
        API_KEY,
        access.calls.clone(),
    )
    .unwrap();
    let plan = Plan {
        polls: life.once.then_some(1),
        output: Output::None,
        look: Look::PLAIN,
    };
    let poller = Poller::new(config.clone(), access, Some(mackerel));
    let time = world.clone();
    let task = tokio::task::spawn_local(async move {
        let wall_clock = || time.poller_time();
        let pulse = Pulse::new(config.poll.interval);
        run(&config, poller, plan, &pulse, stopped, wall_clock)
            .await
            .unwrap();
        time.ledger().over(number);
    });
    if let Some(plan) = crash.lock().unwrap().as_mut() {
        plan.task = Some(task.abort_handle());
    }
    Running { task, stop }
}

fn config(scenario: &Scenario, region: &str) -> Config {
    let role = match scenario.assumes_role {
        true => format!("role_arn: 'arn:aws:iam::{ACCOUNT}:role/reader', "),
        false => String::new(),
    };
    let retire_after = match scenario.retire_after {
        Some(minutes) => format!("{minutes}m"),
        None => "off".to_owned(),
    };
    let far = far(region);
    let yaml = format!(
        "targets: [{{{role}regions: [{region}, {far}]}}]\nmetrics: {{profile: {}}}\n\
         aws: {{rate_share: {}}}\nhost: {{retire_after: {retire_after}}}\n\
         heartbeat: {{service: monitoring}}\n\
         cloudwatch: {{reader: {}, interval: {}m}}\n",
        scenario.profile, scenario.rate_share, scenario.reader, scenario.every
    );
    let environment = [
        ("MACKEREL_ECS_CONFIG_YAML", yaml.as_str()),
        ("MACKEREL_APIKEY", API_KEY),
        ("MACKEREL_APIBASE", MACKEREL_URL),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let sources = Sources {
        file: None,
        environment: &environment,
        flags: Vec::new(),
    };
    load(&sources, true).unwrap()
}

/// Tells the stand-ins what is forbidden and refused now.
fn change(world: &World) {
    let second = world.millis() / 1000;
    world.aws.allow_all();
    world.mackerel.accept_points();
    for weather in world.scenario.weather_at(second) {
        match weather {
            Weather::Denied { action, cluster } => {
                world.ledger().mishap("permission taken away");
                world.aws.deny(match cluster {
                    Some(cluster) => Denial::on_cluster(action, cluster),
                    None => Denial::of(action),
                });
            }
            Weather::Poison(part) => {
                world.ledger().mishap("poison points");
                let part = *part;
                let poisoned = world.poisoned.clone();
                world.mackerel.refuse_points(move |point| {
                    let is_poison = point.name.contains(part);
                    if is_poison {
                        let key = (point.owner.to_owned(), point.name.to_owned(), point.time);
                        poisoned.lock().unwrap().insert(key);
                    }
                    is_poison
                });
            }
            Weather::Skewed(_) => world.ledger().mishap("clock step"),
            _ => {}
        }
    }
}

/// Retires a cluster's host as a person would. Gives its id and the second.
async fn retire(world: &World, cluster: &str) -> Option<(String, i64)> {
    let hosts = world.mackerel.hosts();
    let host = hosts
        .iter()
        .find(|host| host.name == cluster && host.retired_at.is_none())?;
    let path = format!("/hosts/{}/retire", host.id);
    assert!(world.by_hand(&path, "{}").await.is_success());
    world.ledger().mishap("host retired by hand");
    Some((host.id.clone(), world.millis() / 1000))
}
