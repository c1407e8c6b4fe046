//! The invariants of counts that were read, or can be restored.

use std::collections::HashMap;

use chrono::TimeDelta;
use mackerel_ecs::demo::aws::fleet::service::ServiceStatus;

use super::case::{Case, Points};
use super::ledger::Observation;
use super::scenario::Spell;
use super::truth::{cluster_counts, service_counts};
use super::verdict::{Invariant, Verdict};
use crate::support::world::{NOON, at};

/// How old a minute is before its counts are restored, in seconds: the poller's overlap, the time
/// to settle, and a while for the next poll of a schedule.
const RESTORED: i64 = 660 + 540;

/// After how long a process has learnt how many samples a task sends, in seconds.
const LEARNT: i64 = 30 * 60;

impl Case<'_> {
    pub(super) fn check_counts(&self, verdict: &mut Verdict) {
        let observed = self.observed();
        let services = self.services();
        let minutes = self.minutes();
        let profile = self.world.scenario.profile;
        for service in services {
            for (place, name) in service_counts(profile, service).iter().enumerate() {
                let points = self.points(name);
                for minute in &minutes {
                    let reader = observed.get(&(service, *minute)).copied();
                    let is_restorable = place == 0 && self.is_restorable(service, *minute);
                    self.check_presence(name, *minute, reader, is_restorable, &points, verdict);
                }
            }
        }
        // A poll that has read counts of services has read those of their cluster before.
        let of_cluster: HashMap<i64, usize> = observed
            .iter()
            .map(|((_, minute), life)| (*minute, *life))
            .collect();
        for name in cluster_counts(profile) {
            let points = self.points(name);
            for minute in &minutes {
                let reader = of_cluster.get(minute).copied();
                self.check_presence(name, *minute, reader, false, &points, verdict);
            }
        }
    }

    /// Whether a count is there that some life has read, or that can be restored.
    fn check_presence(
        &self,
        name: &str,
        minute: i64,
        reader: Option<usize>,
        is_restorable: bool,
        points: &Points,
        verdict: &mut Verdict,
    ) {
        if !(reader.is_some() || is_restorable) || self.skews(minute).next().is_some() {
            return;
        }
        // What was yet to be restored goes with the host that a person retires.
        let unsettled = match reader {
            Some(_) => RESTORED + self.world.scenario.waiting(),
            None => i64::MAX,
        };
        let is_there = points.contains_key(&minute);
        if !is_there
            && (self.is_excused(name, minute, unsettled, points)
                || self.is_tail(name, minute, false, points)
                || self.fell_into_nothing(minute))
        {
            return;
        }
        verdict.figures.counts += 1;
        if is_there {
            if reader.is_some() {
                self.check_count_delay(name, minute, verdict);
            }
            return;
        }
        match reader {
            Some(life) => {
                verdict.figures.counts_unposted += 1;
                verdict.fail(Invariant::CountsArePosted, || {
                    format!("{}, read by life {life}", self.place(name, minute))
                });
            }
            None => {
                verdict.figures.counts_unrestored += 1;
                verdict.fail(Invariant::CountsAreRestored, || self.place(name, minute));
            }
        }
    }

    /// A count that nobody read can be restored once its minute is not revised any more, where
    /// all tasks have sent all their samples, while the service can still be found. The minute in
    /// which a service is created may have been counted before it was there.
    fn is_restorable(&self, service: &str, minute: i64) -> bool {
        let moment = at(NOON + minute);
        let sampled = self.truth.sampled(service, moment);
        let truth = self.truth.service(service, moment);
        let is_new = truth.is_some_and(|one| one.created_at > moment);
        let deleted = truth.and_then(|one| one.deleted_at);
        let gone = deleted.is_some_and(|at| at.timestamp() - NOON < self.world.scenario.seconds);
        let latest = self.world.scenario.seconds - RESTORED - self.world.scenario.waiting();
        let is_old = truth.is_some_and(|one| one.old_arn);
        sampled.is_some_and(|tasks| tasks.fract() == 0.0)
            && minute < latest
            && !gone
            && !is_new
            && (!is_old || self.is_learnable(service, minute))
    }

    /// Where no revision tells how many samples a task sends, the process that comes next must have
    /// had the peace to learn it.
    fn is_learnable(&self, service: &str, minute: i64) -> bool {
        let Some(counted) = self.counted.get(service) else {
            return false;
        };
        let Some(next) = counted.range(minute..).next().copied() else {
            return false;
        };
        let scenario = &self.world.scenario;
        let (from, to) = (minute - 600, next + LEARNT);
        let alive = scenario.lives.iter();
        let mut alive = alive.filter(|life| life.from <= to && life.ends() >= next);
        let alone = alive.next().filter(|_| alive.next().is_none());
        let clear = |spell: &Spell| spell.to <= from || to <= spell.from;
        alone.is_some_and(|life| !life.once && life.from <= next && life.ends() > to)
            && to < scenario.seconds
            && scenario.mishaps == 0
            && scenario.weather.iter().all(clear)
    }

    /// Counts that were read by a poller which has posted to the cluster's host two minutes later
    /// or more, so that it had the time to post them too: service, minute and life. One that ended
    /// while Mackerel did not take everything took what was left with it, and one that had more than
    /// it may keep dropped the oldest. Where nothing was wrong when a life was told to stop, or all
    /// through a single run, it has posted all that it had read.
    fn observed(&self) -> HashMap<(&str, i64), usize> {
        let mut last: HashMap<usize, i64> = HashMap::new();
        for ((host, life), at) in &self.ledger.last_post {
            if self.hosts.iter().any(|own| own.id == *host) {
                let last = last.entry(*life).or_default();
                *last = (*last).max(*at);
            }
        }
        let scenario = &self.world.scenario;
        let ended_in_trouble: Vec<bool> = scenario
            .lives
            .iter()
            .map(|life| scenario.troubles_mackerel(life.ends()))
            .collect();
        let own = self.ledger.observed.iter();
        let lives = scenario.lives.iter().enumerate();
        let left_in_peace: Vec<bool> = lives
            .map(|(number, life)| {
                let left = self.ledger.left.get(&number);
                let did_its_work = |left: &i64| scenario.is_quiet(life.from, *left / 1000);
                scenario.is_peaceful(life) || (life.once && left.is_some_and(did_its_work))
            })
            .collect();
        own.filter(|seen| seen.cluster == self.name && !ended_in_trouble[seen.life])
            .filter(|seen| !self.may_be_dropped(seen))
            .filter(|seen| {
                let had_time = |last: &i64| *last > seen.at + 120_000;
                left_in_peace[seen.life] || last.get(&seen.life).is_some_and(had_time)
            })
            .filter(|seen| {
                let moment = at(NOON) + TimeDelta::milliseconds(seen.at);
                let service = self.truth.service(&seen.service, moment);
                service.is_some_and(|one| one.status(moment) == Some(ServiceStatus::Active))
            })
            .map(|seen| ((seen.service.as_str(), seen.minute), seen.life))
            .collect()
    }

    /// Whether it was read before its life dropped the oldest counts, having more than it may keep.
    pub(super) fn may_be_dropped(&self, seen: &Observation) -> bool {
        let dropped = self.ledger.dropped.get(&seen.life);
        dropped.is_some_and(|(count, last)| *count > 0 && seen.at <= *last)
    }

    /// Mackerel took points for a host that a person had retired without a word, and dropped them; also
    /// those that it had not taken before.
    fn fell_into_nothing(&self, minute: i64) -> bool {
        let mut hosts = self.hosts.iter().enumerate();
        self.world.scenario.ignores_unknown_hosts
            && hosts.any(|(place, host)| {
                let scenario = &self.world.scenario;
                let retired = self.retired_by_hand(&host.id);
                let retired = retired.map(|retired| scenario.taken_until(retired));
                let next = self.hosts.get(place + 1);
                let next = next.map_or(i64::MAX, |next| next.created_at - NOON);
                retired.is_some_and(|retired| (retired - 60..next).contains(&minute))
            })
    }
}
