//! Draws a run from a seed. Nothing else is random but the fate of single requests, which is drawn
//! from the same seed.

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use mackerel_ecs::demo::aws::fleet::behaviour::{Behaviour, Counts};
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::revised::Revised;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::options::Lateness;

use super::scenario::{CALM, End, Life, Scenario, Side, Spell, Weather};
use crate::support::world::{NOON, at};

/// The longest that CloudWatch takes to settle a minute, in seconds: within the poller's overlap,
/// also for a clock that is two minutes fast.
const LATEST: u64 = 420;

impl Scenario {
    /// The run of a seed, over so many hours.
    pub(super) fn of(seed: u64, hours: i64) -> Scenario {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5151);
        let seconds = hours * 3600;
        let once = rng.u32(..10) < 3;
        let fine = rng.u32(..10) == 0;
        Scenario {
            seed,
            seconds,
            profile: pick(&mut rng, &["compact", "standard", "standard", "full"]),
            rate_share: pick(&mut rng, &[0.5, 0.5, 0.1, 0.02]),
            assumes_role: rng.u32(..4) == 0,
            reader: pick(&mut rng, &["get_metric_data", "get_metric_statistics"]),
            every: pick(&mut rng, &[1, 1, 1, 5]),
            lateness: lateness(&mut rng),
            duplicate_hosts: rng.bool(),
            ignores_unknown_hosts: rng.u32(..4) == 0,
            retire_after: rng.bool().then(|| pick(&mut rng, &[10, 60])),
            latency: pick(&mut rng, &[10, 40, 200]),
            mishaps: if fine {
                0
            } else {
                pick(&mut rng, &[0, 20, 100])
            },
            fleet: fleet(&mut rng, seconds),
            far: Cluster::fargate("gamma").service(Service::steady("far", 2)),
            lives: match (fine, once) {
                (_, true) => scheduled_lives(&mut rng, seconds, fine),
                (true, false) => vec![forever(0)],
                (false, false) => loop_lives(&mut rng, seconds),
            },
            weather: if fine {
                Vec::new()
            } else {
                weather(&mut rng, seconds)
            },
            most_held: pick(&mut rng, &[200_000, 200_000, 1_500]),
        }
    }
}

fn forever(from: i64) -> Life {
    Life {
        from,
        once: false,
        end: End::Never,
    }
}

fn pick<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(..choices.len())]
}

/// Seconds from a few to many, short ones as often as long ones ten times as long.
fn span(rng: &mut Rng, least: f64, most: f64) -> i64 {
    (least * (most / least).powf(rng.f64())) as i64
}

fn lateness(rng: &mut Rng) -> Lateness {
    let visible_after = pick(rng, &[0, 60, 60, 90, 180]);
    let jitter = pick(rng, &[0, 20, 60]);
    let settled = span(rng, 60.0, (LATEST - 60) as f64) as u32;
    Lateness {
        visible_after,
        settled_after: settled.max(visible_after).max(60),
        jitter,
        listed_after: 0,
        revised: rng.bool().then(|| Revised {
            percent: pick(rng, &[1, 10, 50]),
            earliest: 120,
            latest: LATEST as u32,
        }),
    }
}

fn moment(rng: &mut Rng, seconds: i64) -> DateTime<Utc> {
    at(NOON + rng.i64(seconds / 8..seconds * 3 / 4))
}

fn fleet(rng: &mut Rng, seconds: i64) -> Vec<Cluster> {
    let capacity = |rng: &mut Rng, name: &str| match rng.u32(..4) {
        0 => Cluster::ec2(name, 1 + rng.u32(..3)),
        1 => Cluster::mixed(name, 1 + rng.u32(..2)),
        _ => Cluster::fargate(name),
    };
    let mut clusters = Vec::new();
    let mut steady = capacity(rng, "alpha").tag("mackerel-integration", "shop: web");
    for service in services(rng, seconds) {
        steady = steady.service(service);
    }
    clusters.push(steady);
    let mut other = capacity(rng, "beta");
    for service in services(rng, seconds) {
        other = other.service(service);
    }
    let turn = moment(rng, seconds);
    match rng.u32(..6) {
        0 => clusters.push(other.deleted_at(turn)),
        1 => clusters.push(other.created_at(turn)),
        2 => {
            let again = turn + TimeDelta::seconds(span(rng, 90.0, 7200.0));
            let mut second = capacity(rng, "beta");
            for service in services(rng, seconds) {
                second = second.service(service);
            }
            clusters.push(other.deleted_at(turn));
            clusters.push(second.created_at(again));
        }
        _ => clusters.push(other),
    }
    clusters
}

fn services(rng: &mut Rng, seconds: i64) -> Vec<Service> {
    let mut kinds: Vec<u32> = (0..9).collect();
    rng.shuffle(&mut kinds);
    let count = 3 + rng.usize(..3);
    let mut services = Vec::new();
    for kind in kinds.into_iter().take(count) {
        let tasks = 1 + rng.u32(..4);
        match kind {
            0 => {
                let mut steady = Service::steady("steady", tasks);
                // One without revisions.
                steady.old_arn = rng.u32(..4) == 0;
                services.push(steady);
            }
            1 => services.push(Service::steady("fine-grained", tasks).twenty_seconds()),
            2 => services.push(Service::scripted("to-zero", steps(rng, seconds))),
            3 => services.push(Service::crash_looping("crashing", tasks)),
            4 => services.push(Service::new(
                "wave",
                Behaviour::ScaleOut {
                    low: tasks,
                    high: tasks + 6,
                },
            )),
            5 => services.push(Service::deploying("deployed", tasks)),
            6 => {
                let gone = moment(rng, seconds);
                let back = gone + TimeDelta::seconds(span(rng, 70.0, 5400.0));
                let seed = rng.u64(..);
                services.push(Service::steady("remade", tasks).deleted_at(gone));
                let mut second = Service::steady("remade", 1 + rng.u32(..4)).created_at(back);
                second.seed = seed;
                services.push(second);
            }
            7 => services.push(Service::steady("going", tasks).deleted_at(moment(rng, seconds))),
            _ => services.push(Service::steady("coming", tasks).created_at(moment(rng, seconds))),
        }
    }
    services
}

/// Counts that change at any second, often to zero and back, with tasks that are pending first.
fn steps(rng: &mut Rng, seconds: i64) -> Vec<(DateTime<Utc>, Counts)> {
    let mut running = 1 + rng.u32(..3);
    let mut steps = vec![(at(NOON - 86_400), Counts::new(running, running, 0))];
    let mut time = span(rng, 600.0, 10_000.0);
    while time < seconds {
        let wanted = if running > 0 && rng.u32(..3) > 0 {
            0
        } else {
            1 + rng.u32(..4)
        };
        if wanted > running {
            steps.push((
                at(NOON + time),
                Counts::new(wanted, running, wanted - running),
            ));
            time += rng.i64(20..200);
        }
        steps.push((at(NOON + time), Counts::new(wanted, wanted, 0)));
        running = wanted;
        time += span(rng, 90.0, 15_000.0);
    }
    steps
}

/// Processes that poll until they end, one after the other, sometimes two at a time.
fn loop_lives(rng: &mut Rng, seconds: i64) -> Vec<Life> {
    let calm = seconds - CALM;
    let mut lives = Vec::new();
    let mut from = 0;
    loop {
        let until = from + span(rng, 120.0, 40_000.0);
        if until >= calm {
            lives.push(forever(from));
            break;
        }
        let end = match rng.u32(..4) {
            0 => End::Killed(until),
            1 => End::KilledAt {
                from: until,
                request: rng.u32(..30),
                before: rng.bool(),
            },
            2 => End::StoppedAt {
                from: until,
                request: rng.u32(..30),
            },
            _ => End::Stopped(until),
        };
        lives.push(Life {
            from,
            once: false,
            end,
        });
        let pause = match rng.u32(..6) {
            0 => span(rng, 600.0, 20_000.0),
            // The next one is there already, as in a rolling deployment.
            1 => -rng.i64(1..600),
            _ => rng.i64(1..120),
        };
        from = (until + pause).clamp(from + 1, calm - 1);
    }
    if rng.u32(..3) == 0 {
        let from = rng.i64(0..calm / 2);
        lives.push(Life {
            from,
            once: false,
            end: End::Killed((from + span(rng, 300.0, 20_000.0)).min(calm)),
        });
    }
    lives
}

/// Processes that poll once each, every so often, at jittered times and with some left out.
fn scheduled_lives(rng: &mut Rng, seconds: i64, fine: bool) -> Vec<Life> {
    let every = pick(rng, &[60, 60, 300]);
    let mut lives = Vec::new();
    let mut due = rng.i64(0..60);
    while due < seconds {
        let is_calm = fine || due >= seconds - CALM;
        if !is_calm && rng.u32(..200) == 0 {
            // However long it is, the end is calm.
            let missed = span(rng, 120.0, 20_000.0) / every * every;
            due = (due + missed).min(seconds - CALM);
            continue;
        }
        if is_calm || rng.u32(..20) > 0 {
            let from = due + rng.i64(0..if is_calm { 3 } else { 20 });
            let end = match rng.u32(..20) {
                0 if !is_calm => End::KilledAt {
                    from,
                    request: rng.u32(..30),
                    before: rng.bool(),
                },
                _ => End::Killed(from + 600),
            };
            let once = true;
            lives.push(Life { from, once, end });
        }
        due += every;
    }
    lives
}

fn weather(rng: &mut Rng, seconds: i64) -> Vec<Spell> {
    const SIDES: [Side; 6] = [
        Side::CloudWatch,
        Side::Ecs,
        Side::Aws,
        Side::Mackerel,
        Side::Points,
        Side::All,
    ];
    const ACTIONS: [&str; 6] = [
        "ecs:ListClusters",
        "ecs:DescribeClusters",
        "ecs:ListServices",
        "ecs:DescribeServices",
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
    ];
    let calm = seconds - CALM;
    let count = rng.usize(1..=(seconds / 7200).max(2) as usize);
    let mut spells: Vec<Spell> = (0..count)
        .map(|_| {
            let from = rng.i64(0..calm);
            let share = pick(rng, &[5, 30, 80]);
            let (what, longest) = match rng.u32(..14) {
                0..=2 => (Weather::Unreachable(pick(rng, &SIDES)), 14_400.0),
                3 => (Weather::Failing(pick(rng, &SIDES), share), 7200.0),
                4 => (Weather::Throttled(pick(rng, &SIDES), share), 3600.0),
                5 => (Weather::Flaky(pick(rng, &SIDES), share.min(30)), 7200.0),
                6 => (Weather::Spoiled(share), 3600.0),
                7 | 8 => {
                    let action = pick(rng, &ACTIONS);
                    let cluster = pick(rng, &[None, Some("alpha"), Some("beta")]);
                    (Weather::Denied { action, cluster }, 10_800.0)
                }
                9 => {
                    let parts = ["cpu_utilization.steady.", ".remade.", ".average"];
                    (Weather::Poison(pick(rng, &parts)), 3600.0)
                }
                10 => (Weather::Skewed(rng.i64(-120..=120)), 7200.0),
                11 => (Weather::Expired, 3600.0),
                12 => (Weather::Nonsense(pick(rng, &SIDES), share.min(30)), 3600.0),
                _ => (Weather::RetiredByHand(pick(rng, &["alpha", "beta"])), 60.0),
            };
            let to = (from + span(rng, 60.0, longest)).min(calm);
            Spell { from, to, what }
        })
        .collect();
    // Longer than what is read again by itself: what was not posted then must not count as read.
    if rng.bool() {
        let from = rng.i64(0..calm);
        let side = pick(rng, &[Side::Mackerel, Side::Points, Side::Points]);
        let what = match rng.bool() {
            true => Weather::Unreachable(side),
            false => Weather::Throttled(side, 100),
        };
        let to = (from + span(rng, 1200.0, 7200.0)).min(calm);
        spells.push(Spell { from, to, what });
    }
    // Nearly as long as Mackerel takes old points.
    if rng.u32(..8) == 0 {
        let from = rng.i64(0..calm);
        let what = Weather::Unreachable(pick(rng, &SIDES));
        let to = (from + span(rng, 20_000.0, 80_000.0)).min(calm);
        spells.push(Spell { from, to, what });
    }
    spells.sort_by_key(|spell| (spell.from, spell.to));
    spells
}
