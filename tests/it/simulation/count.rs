//! The invariants of counts that were read, or can be restored.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use mackerel_ecs::demo::aws::fleet::service::ServiceStatus;

use super::case::Case;
use super::truth::{Series, running_name};
use super::verdict::{Invariant, Verdict};
use crate::support::world::{NOON, at};

/// How old a minute is before its counts are restored, in seconds: the poller's overlap, the time
/// to settle, and a while for the next poll of a schedule.
const RESTORED: i64 = 660 + 540;

impl Case<'_> {
    pub(super) fn check_counts(&self, verdict: &mut Verdict) {
        let observed = self.observed();
        let generations = self.truth.0.iter();
        let services: BTreeSet<&str> = generations
            .flat_map(|cluster| cluster.services())
            .map(|service| &*service.name)
            .collect();
        let minutes = self.minutes();
        for service in services {
            let name = running_name(service);
            let series = Series::parse(&name).unwrap();
            let points = self.points(&name);
            for minute in &minutes {
                let was_read = observed.contains_key(&(service, *minute));
                let is_restorable = self.is_restorable(service, *minute);
                if !(was_read || is_restorable) || self.skews(*minute).next().is_some() {
                    continue;
                }
                // What was yet to be restored goes with the host that a person retires.
                let unsettled = match was_read {
                    true => RESTORED + self.world.scenario.waiting(),
                    false => i64::MAX,
                };
                if !points.contains_key(minute)
                    && (self.is_excused(&name, *minute, unsettled, &points)
                        || self.is_tail(series, *minute, false, &points)
                        || self.fell_into_nothing(*minute))
                {
                    continue;
                }
                verdict.figures.counts += 1;
                if points.contains_key(minute) {
                    continue;
                }
                if let Some(life) = observed.get(&(service, *minute)) {
                    verdict.figures.counts_unposted += 1;
                    verdict.fail(Invariant::CountsArePosted, || {
                        format!("{}, read by life {life}", self.place(&name, *minute))
                    });
                } else {
                    verdict.figures.counts_unrestored += 1;
                    verdict.fail(Invariant::CountsAreRestored, || self.place(&name, *minute));
                }
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
        sampled.is_some_and(|tasks| tasks.fract() == 0.0) && minute < latest && !gone && !is_new
    }

    /// Counts that were read by a poller which has posted to the cluster's host two minutes later
    /// or more, so that it had the time to post them too: service, minute and life. One that ended
    /// while Mackerel did not take everything took what was left with it.
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
        own.filter(|seen| seen.cluster == self.name && !ended_in_trouble[seen.life])
            .filter(|seen| {
                last.get(&seen.life)
                    .is_some_and(|last| *last > seen.at + 120_000)
            })
            .filter(|seen| {
                let moment = at(NOON) + TimeDelta::milliseconds(seen.at);
                let service = self.truth.service(&seen.service, moment);
                service.is_some_and(|one| one.status(moment) == Some(ServiceStatus::Active))
            })
            .map(|seen| ((seen.service.as_str(), seen.minute), seen.life))
            .collect()
    }

    /// Mackerel took points for a host that a person had retired without a word, and dropped them.
    fn fell_into_nothing(&self, minute: i64) -> bool {
        let mut hosts = self.hosts.iter().enumerate();
        self.world.scenario.ignores_unknown_hosts
            && hosts.any(|(place, host)| {
                let retired = self.retired_by_hand(&host.id);
                let next = self.hosts.get(place + 1);
                let next = next.map_or(i64::MAX, |next| next.created_at - NOON);
                retired.is_some_and(|retired| (retired - 60..next).contains(&minute))
            })
    }
}
