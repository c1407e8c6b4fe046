//! The invariants that are checked for each cluster: its hosts, and what stands on them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mackerel_ecs::demo::aws::fleet::statistics::MOMENTS;
use mackerel_ecs::demo::mackerel::store::host::StoredHost;

use super::ledger::{Ledger, clock};
use super::scenario::Weather;
use super::truth::{Figure, Series, Truth, cluster_loads, service_loads};
use super::verdict::{Invariant, Retired, Verdict};
use super::world::World;
use crate::support::world::{NOON, at};

/// How far back a cluster is read that is seen for the first time, in seconds: the poller's
/// default.
pub(super) const LOOKBACK: i64 = 3600;

/// Within how many seconds two processes post what they read side by side.
const SIDE_BY_SIDE: i64 = 60;

/// One cluster's name.
pub(super) struct Case<'a> {
    pub(super) world: &'a World,
    pub(super) ledger: &'a Ledger,
    pub(super) name: &'a str,
    pub(super) truth: Truth<'a>,
    /// By registration, retired ones included.
    pub(super) hosts: &'a [&'a StoredHost],
    pub(super) retired: &'a [Retired],
    /// Whether nothing was wrong around each minute.
    pub(super) fine: &'a [bool],
    /// The minutes in which a poller read the counts of each service.
    pub(super) counted: HashMap<&'a str, BTreeSet<i64>>,
}

/// The points of a series of all hosts: by time since the run's beginning, the value and the place
/// of the newest host that has it.
pub(super) type Points = BTreeMap<i64, (f64, usize)>;

/// The longest that an answer is on its way, in seconds: then the poller gives the attempt up.
const SLOWEST: i64 = 10;

impl Case<'_> {
    pub(super) fn points(&self, name: &str) -> Points {
        let mut points = Points::new();
        for (place, host) in self.hosts.iter().enumerate() {
            for (time, value) in self.world.mackerel.points(&host.id, name) {
                points.insert(time - NOON, (value, place));
            }
        }
        points
    }

    /// The names of all services that the clusters ever had.
    pub(super) fn services(&self) -> BTreeSet<&str> {
        let generations = self.truth.0.iter();
        let services = generations.flat_map(|cluster| cluster.services());
        services.map(|service| &*service.name).collect()
    }

    pub(super) fn place(&self, series: &str, second: i64) -> String {
        format!("{}/{series} at {}", self.name, clock(second))
    }

    /// When a host was retired, if a person did it.
    pub(super) fn retired_by_hand(&self, host: &str) -> Option<i64> {
        let mut retired = self.retired.iter();
        retired.find(|(id, _)| id == host).map(|(_, at)| *at)
    }

    /// Whether a point is one that some series could have at some time.
    pub(super) fn check_points(&self, verdict: &mut Verdict) {
        for host in self.hosts {
            for name in self.world.mackerel.metric_names(&host.id) {
                let Some(series) = Series::parse(&name) else {
                    verdict.fail(Invariant::NothingMadeUp, || {
                        format!("{}: a metric of an unknown name, {name}", self.name)
                    });
                    continue;
                };
                for (time, value) in self.world.mackerel.points(&host.id, &name) {
                    match series {
                        Series::Load { .. } => self.check_load(series, &name, time, value, verdict),
                        Series::Tasks { .. } | Series::Total(_) => {
                            self.check_count(series, &name, time, value, verdict);
                        }
                        // `check_highest` has them.
                        Series::Highest(_) | Series::Unchecked => {}
                    }
                }
            }
        }
    }

    fn check_load(
        &self,
        series: Series<'_>,
        name: &str,
        time: i64,
        value: f64,
        verdict: &mut Verdict,
    ) {
        let had = |moments| self.truth.load(series, at(time), moments) == Some(value);
        if !(1..=MOMENTS).rev().any(had) {
            verdict.figures.wrong += 1;
            verdict.fail(Invariant::NothingMadeUp, || {
                let final_value = self.truth.load(series, at(time), MOMENTS);
                let place = self.place(name, time - NOON);
                format!("{place}: {value}, AWS has {final_value:?}")
            });
        }
    }

    /// A count is true of any moment of its minute, or of the moments before it in which a slow
    /// answer was on its way; where the poller's clock was wrong, of the minute that it took it for.
    /// A running count may also be what CloudWatch's samples say.
    fn check_count(
        &self,
        series: Series<'_>,
        name: &str,
        time: i64,
        value: f64,
        verdict: &mut Verdict,
    ) {
        let was = |shift: i64| {
            let mut seconds = (-SLOWEST..60).map(|second| at(time - shift + second));
            seconds.any(|moment| self.truth.count(series, moment) == Some(value))
        };
        let is_sampled = || match series {
            Series::Tasks {
                service,
                figure: Figure::Running,
            } => self
                .truth
                .sampled(service, at(time))
                .is_some_and(|tasks| (tasks - value).abs() < 1.0),
            _ => false,
        };
        let mut skews = self.skews(time - NOON);
        if !(was(0) || is_sampled() || skews.any(was)) {
            verdict.figures.counts_wrong += 1;
            verdict.fail(Invariant::CountsAreTrue, || {
                let (from, to) = (at(time), at(time + 59));
                format!(
                    "{}: {value}, it was {:?} and then {:?}",
                    self.place(name, time - NOON),
                    self.truth.count(series, from),
                    self.truth.count(series, to)
                )
            });
        }
    }

    /// By how much the poller's clock may have been wrong when it read this minute's counts.
    pub(super) fn skews(&self, second: i64) -> impl Iterator<Item = i64> {
        let spells = self.world.scenario.weather.iter();
        spells.filter_map(move |spell| match spell.what {
            Weather::Skewed(skew) if spell.from - 300 < second && second < spell.to + 300 => {
                Some(skew)
            }
            _ => None,
        })
    }

    /// The minutes that are judged: of the last 24 hours, settled, and not before the cluster was
    /// first seen less the lookback.
    pub(super) fn minutes(&self) -> Vec<i64> {
        let scenario = &self.world.scenario;
        let wait = if scenario.lives.iter().any(|life| life.once) {
            300
        } else {
            0
        };
        let wait = wait + scenario.waiting();
        let to = (scenario.seconds - scenario.settling() - 240 - wait).div_euclid(60) * 60;
        let mut minutes = Vec::new();
        let created = self
            .hosts
            .first()
            .map_or(i64::MAX / 2, |host| host.created_at - NOON);
        for (number, generation) in self.truth.0.iter().enumerate() {
            let born = generation.created_at.timestamp() - NOON;
            let listed = self.ledger.listed.get(self.name).into_iter().flatten();
            let mut listed = listed.map(|at| at / 1000).filter(|at| *at >= born);
            let Some(seen) = listed.next() else {
                continue;
            };
            let seen = if number == 0 { seen.max(created) } else { seen };
            let gone = generation
                .deleted_at
                .map_or(i64::MAX, |at| at.timestamp() - NOON);
            let from = (seen - LOOKBACK)
                .max(born)
                .max(scenario.seconds - 86_400 + 60);
            let first = (from + 59).div_euclid(60) * 60;
            // One minute less, for the poller's window ends before the minute in progress.
            let first = if from > born { first + 120 } else { first };
            minutes.extend((first..to.min(gone)).step_by(60));
        }
        minutes
    }

    pub(super) fn check_loads(&self, verdict: &mut Verdict) {
        let profile = self.world.scenario.profile;
        let minutes = self.minutes();
        let services = self.services();
        let mut names = cluster_loads(profile);
        names.extend(
            services
                .iter()
                .flat_map(|name| service_loads(profile, name)),
        );
        for name in &names {
            let series = Series::parse(name).unwrap();
            let points = self.points(name);
            for minute in &minutes {
                let Some(value) = self.truth.load(series, at(NOON + minute), MOMENTS) else {
                    continue;
                };
                verdict.figures.expected += 1;
                let lateness = self.world.scenario.lateness;
                // The poller's settle, and the minute itself.
                verdict.figures.late += u64::from(lateness.settled_after > 120);
                let first = self
                    .truth
                    .first_load(series, at(NOON + minute), lateness.revised);
                verdict.figures.revised += u64::from(first != Some(value));
                self.check_one(name, *minute, value, &points, verdict);
            }
        }
    }

    /// Whether two processes read the minute at the time of its revision, and the one with the older
    /// value posted last, and ended before it would have read it again.
    pub(super) fn was_overtaken(&self, name: &str, minute: i64, value: f64) -> bool {
        let scenario = &self.world.scenario;
        let read_again = 120 + scenario.waiting() + scenario.unlucky();
        self.hosts.iter().any(|host| {
            let series = self.ledger.series(&host.id, name);
            let recorded = series.and_then(|own| self.ledger.recorded.get(&(own, NOON + minute)));
            recorded.is_some_and(|recorded| {
                let ended = scenario.lives[recorded.by].ends().saturating_mul(1000);
                let ended = ended.min(self.ledger.left.get(&recorded.by).copied().unwrap_or(ended));
                recorded.before.is_some_and(|(before, since)| {
                    before == value && recorded.since - since <= SIDE_BY_SIDE * 1000
                }) && ended - recorded.since <= read_again * 1000
            })
        })
    }

    fn check_one(
        &self,
        name: &str,
        minute: i64,
        value: f64,
        points: &Points,
        verdict: &mut Verdict,
    ) {
        match points.get(&minute) {
            Some((there, _)) if *there == value => {
                if !self.is_tail(name, minute, true, points) {
                    self.check_delay(name, minute, value, verdict);
                }
            }
            there => {
                let partly = there.is_some();
                if self.is_tail(name, minute, partly, points) {
                    verdict.figures.expected -= 1;
                    verdict.figures.tails += 1;
                } else if self.is_excused(
                    name,
                    minute,
                    if partly {
                        900 + self.world.scenario.waiting()
                    } else {
                        0
                    },
                    points,
                ) {
                    verdict.figures.expected -= 1;
                    verdict.figures.excused += 1;
                } else if partly && self.was_overtaken(name, minute, value) {
                    verdict.figures.expected -= 1;
                    verdict.figures.overtaken += 1;
                } else if let Some((there, _)) = there {
                    verdict.figures.wrong += 1;
                    verdict.fail(Invariant::NothingStale, || {
                        format!(
                            "{}: {there}, in the end it is {value}",
                            self.place(name, minute)
                        )
                    });
                } else {
                    verdict.figures.missing += 1;
                    verdict.fail(Invariant::NothingMissing, || self.place(name, minute));
                }
            }
        }
    }
}
