//! The invariants, each checked on its own after a run. A rule that has an exception says so where
//! it is made.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mackerel_ecs::demo::mackerel::store::host::StoredHost;

use super::case::Case;
use super::drive::far;
use super::ledger::clock;
use super::rate::{check_polls, check_rates};
use super::scenario::Scenario;
use super::truth::Truth;
use super::world::World;
use crate::support::world::{ACCOUNT, NOON};

/// How long a process may take to leave, in milliseconds: the poller's default, and a moment.
const GRACE: i64 = 25_100;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invariant {
    /// Every settled datapoint of the last 24 hours is on Mackerel.
    NothingMissing,
    /// ... with its final value.
    NothingStale,
    /// No datapoint is there that AWS never had.
    NothingMadeUp,
    /// Every count was true at some moment of its minute.
    CountsAreTrue,
    /// Counts that were read are there.
    CountsArePosted,
    /// Running counts that CloudWatch still knew are there.
    CountsAreRestored,
    /// No host of a living cluster is retired, and none has a twin.
    OneHost,
    /// No request broke a documented limit.
    Limits,
    /// The documented rates were kept, and by all but retries the poller's share of them.
    Rates,
    /// Where it is asked for, the host of a cluster that is gone is retired.
    Retirement,
    /// In fine weather the heartbeat comes and the poller is not behind.
    Heartbeat,
    /// What is known to be accepted is not posted again unchanged by the same process, as long as
    /// it is the same host.
    NothingRepeated,
    /// What a process notes of its progress, Mackerel has accepted.
    Progress,
    /// No call is made before the time that Mackerel asked for.
    Patience,
    /// What is kept while Mackerel takes nothing stays under its bound.
    Memory,
    /// A process that is told to stop has left by the end of its grace time.
    Leaving,
    /// In fine weather a datapoint comes as soon as it is settled and read, and a count at once.
    Lateness,
    /// A loop asks ECS each minute, whatever is wrong with Mackerel.
    EachMinute,
}

impl Invariant {
    /// Each of them.
    pub(super) const ALL: [Invariant; 18] = [
        Invariant::NothingMissing,
        Invariant::NothingStale,
        Invariant::NothingMadeUp,
        Invariant::CountsAreTrue,
        Invariant::CountsArePosted,
        Invariant::CountsAreRestored,
        Invariant::OneHost,
        Invariant::Limits,
        Invariant::Rates,
        Invariant::NothingRepeated,
        Invariant::Retirement,
        Invariant::Heartbeat,
        Invariant::Progress,
        Invariant::Patience,
        Invariant::Memory,
        Invariant::Leaving,
        Invariant::Lateness,
        Invariant::EachMinute,
    ];

    /// What it says, in a few words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Invariant::NothingMissing => "1a no datapoint is missing",
            Invariant::NothingStale => "1b every datapoint has its final value",
            Invariant::NothingMadeUp => "2  no datapoint is made up",
            Invariant::CountsAreTrue => "3  every count was true at its minute",
            Invariant::CountsArePosted => "4a every count that was read is there",
            Invariant::CountsAreRestored => "4b every running count that can be restored is there",
            Invariant::OneHost => "5  one living host per living cluster",
            Invariant::Limits => "6  no request breaks a limit",
            Invariant::Rates => "7  the rates are kept",
            Invariant::NothingRepeated => "8  nothing is posted twice",
            Invariant::Retirement => {
                "9  hosts of clusters that are gone are retired where asked for"
            }
            Invariant::Heartbeat => "10 the heartbeat comes, and is not behind in fine weather",
            Invariant::Progress => "11 progress is never ahead of what Mackerel accepted",
            Invariant::Patience => "12 Retry-After is obeyed",
            Invariant::Memory => "13 unposted counts in memory stay under their bound",
            Invariant::Leaving => "14 a process that is told to stop leaves within its grace time",
            Invariant::Lateness => "15 in fine weather nothing is late",
            Invariant::EachMinute => "16 ECS is asked each minute, also while Mackerel is down",
        }
    }
}

/// What came of a run.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    /// The run.
    pub(super) scenario: Scenario,
    /// How often each invariant was broken, with the first few cases.
    pub(super) broken: BTreeMap<Invariant, (u64, Vec<String>)>,
    /// What went wrong on purpose, by kind.
    pub(super) mishaps: BTreeMap<&'static str, u64>,
    /// Figures of all kinds.
    pub(super) figures: Figures,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Figures {
    /// Datapoints that must be on Mackerel.
    pub(super) expected: u64,
    /// Points that Mackerel accepted, repeated ones included.
    pub(super) posted: u64,
    /// Datapoints that are not there.
    pub(super) missing: u64,
    /// Expected datapoints that were not settled when they were first due.
    pub(super) late: u64,
    /// Expected datapoints that changed once more after they had settled.
    pub(super) revised: u64,
    /// Datapoints that are there with another value than the final one, or were never true.
    pub(super) wrong: u64,
    /// Datapoints that are not promised: of services and clusters that were deleted before anyone
    /// could read them.
    pub(super) tails: u64,
    /// Datapoints that are not promised: one of two processes posted the final value, and the other
    /// one the value before it, later, for the last time.
    pub(super) overtaken: u64,
    /// Datapoints that are not promised: refused on purpose, or the host was retired by hand.
    pub(super) excused: u64,
    /// The longest time from a datapoint being settled to its being on Mackerel in fine weather,
    /// in seconds.
    pub(super) delay: i64,
    /// Running counts that must be there.
    pub(super) counts: u64,
    /// Those that are not, though they were read from ECS.
    pub(super) counts_unposted: u64,
    /// Those that are not, though CloudWatch had samples.
    pub(super) counts_unrestored: u64,
    /// Counts of any kind that were not true.
    pub(super) counts_wrong: u64,
    /// The most points in one post.
    pub(super) largest_post: u64,
    /// The most counts that a process kept from one poll to the next, and how many were dropped
    /// because they were more than the bound.
    pub(super) held: u64,
    pub(super) dropped: u64,
    /// How often progress was noted.
    pub(super) notes: u64,
}

impl Verdict {
    /// Notes a case.
    pub(super) fn fail(&mut self, invariant: Invariant, case: impl FnOnce() -> String) {
        let (count, cases) = self.broken.entry(invariant).or_default();
        *count += 1;
        if cases.len() < 12 {
            cases.push(case());
        }
    }
}

/// A host that a person retired: its id and the second of the run.
pub(super) type Retired = (String, i64);

/// Judges a run that has just ended.
pub(super) fn judge(world: &World, region: &str, retired: &[Retired]) -> Verdict {
    let ledger = world.ledger();
    let mut verdict = Verdict {
        scenario: world.scenario.clone(),
        broken: BTreeMap::new(),
        mishaps: ledger.mishaps.clone(),
        figures: Figures {
            posted: ledger.posted,
            largest_post: ledger.largest_post as u64,
            held: ledger.most_held as u64,
            dropped: ledger.dropped.values().map(|(count, _)| count).sum(),
            notes: ledger.notes.len() as u64,
            ..Figures::default()
        },
    };
    let hosts = world.mackerel.hosts();
    let fleet = world.aws.fleet().first_account().regions();
    let fine = fine_minutes(&world.scenario);
    let far = &far(region);
    let mut known = Vec::new();
    for (region, name) in [(region, "alpha"), (region, "beta"), (far, "gamma")] {
        let generations = fleet[region].clusters_named(name);
        let arn = format!("arn:aws:ecs:{region}:{ACCOUNT}:cluster/{name}");
        known.push(arn.clone());
        let own: Vec<&StoredHost> = hosts
            .iter()
            .filter(|host| host.custom_identifier.as_deref() == Some(&arn))
            .collect();
        let mut counted: HashMap<&str, BTreeSet<i64>> = HashMap::new();
        for seen in ledger.observed.iter().filter(|seen| seen.cluster == name) {
            let minutes = counted.entry(&seen.service).or_default();
            minutes.insert(seen.minute);
        }
        let case = Case {
            counted,
            world,
            ledger: &ledger,
            name,
            truth: Truth(generations),
            hosts: &own,
            retired,
            fine: &fine,
        };
        case.check_hosts(&mut verdict);
        case.check_is_posted_to(&mut verdict);
        case.check_points(&mut verdict);
        case.check_loads(&mut verdict);
        case.check_highest(&mut verdict);
        case.check_counts(&mut verdict);
        case.check_progress(&mut verdict);
    }
    let is_known = |host: &StoredHost| {
        let identifier = host.custom_identifier.as_deref().unwrap_or_default();
        known.iter().any(|arn| arn == identifier)
    };
    for host in hosts.iter().filter(|host| !is_known(host)) {
        let (name, identifier) = (&host.name, &host.custom_identifier);
        verdict.fail(Invariant::OneHost, || {
            format!("{name}: a host of no cluster, {identifier:?}")
        });
    }
    if ledger.most_held > world.scenario.most_held {
        let most = world.scenario.most_held;
        verdict.fail(Invariant::Memory, || {
            format!("{} counts were kept, and {most} may be", ledger.most_held)
        });
    }
    for (life, told) in &ledger.signalled {
        let by = told + GRACE;
        if ledger.left.get(life).is_none_or(|left| *left > by) && by < world.millis() {
            let (told, left) = (
                clock(told / 1000),
                ledger.left.get(life).map(|at| at / 1000),
            );
            verdict.fail(Invariant::Leaving, || {
                format!(
                    "life {life} was told at {told} and left at {:?}",
                    left.map(clock)
                )
            });
        }
    }
    for hasty in &ledger.hasty {
        verdict.fail(Invariant::Patience, || hasty.clone());
    }
    for refused in &ledger.refused {
        verdict.fail(Invariant::Limits, || refused.clone());
    }
    for repeated in &ledger.repeated {
        verdict.fail(Invariant::NothingRepeated, || repeated.clone());
    }
    check_rates(&ledger, &world.scenario, &mut verdict);
    check_polls(&ledger, &world.scenario, &mut verdict);
    check_heartbeat(world, &fine, &mut verdict);
    verdict
}

/// In fine weather the poller says that it is alive, not a minute and the next one left out, and is
/// not behind, but for a reading or two that met with a mishap.
fn check_heartbeat(world: &World, fine: &[bool], verdict: &mut Verdict) {
    let behind = 120 + world.scenario.waiting() + world.scenario.unlucky();
    for (name, good) in [
        ("alive", 1.0..=1.0),
        ("behind_seconds", 0.0..=behind as f64),
    ] {
        let name = format!("mackerel_ecs.{name}");
        let points = world.mackerel.service_points("monitoring", &name);
        let points: BTreeMap<i64, f64> = points.into_iter().collect();
        for (minute, _) in (0..).zip(fine).filter(|(_, is_fine)| **is_fine) {
            let times = [0, 60].map(|later| NOON + minute * 60 + later);
            let values: Vec<f64> = times
                .iter()
                .filter_map(|time| points.get(time).copied())
                .collect();
            if values.is_empty() || values.iter().any(|value| !good.contains(value)) {
                verdict.fail(Invariant::Heartbeat, || {
                    format!("{name} at {}: {values:?}", clock(minute * 60))
                });
            }
        }
    }
}

/// Of each minute, whether nothing was wrong from ten minutes before it to twenty after, no cluster was
/// made, which begins with what is to be read of it, or deleted, which ends with what can't be read,
/// and one looping poller lived all the time.
fn fine_minutes(scenario: &Scenario) -> Vec<bool> {
    let minutes = scenario.seconds / 60;
    let is_fine = |minute: i64| {
        let (from, to) = (minute * 60 - 600, minute * 60 + 1200);
        let clear = scenario
            .weather
            .iter()
            .all(|spell| spell.to <= from || to <= spell.from);
        let is_near = |time: Option<chrono::DateTime<chrono::Utc>>| {
            let second = time.map(|time| time.timestamp() - NOON);
            second.is_some_and(|second| from < second && second < to)
        };
        let mut clusters = scenario.fleet.iter();
        let changes = clusters
            .any(|cluster| is_near(Some(cluster.created_at)) || is_near(cluster.deleted_at));
        clear
            && !changes
            && scenario
                .lives
                .iter()
                .any(|life| !life.once && life.from <= from && to <= life.ends())
    };
    (0..minutes).map(is_fine).collect()
}
