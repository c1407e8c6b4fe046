//! What the pollers noted of their progress, against what Mackerel had accepted at that moment.

use std::collections::HashMap;

use mackerel_ecs::demo::aws::fleet::statistics::MOMENTS;

use super::case::Case;
use super::ledger::{Note, Observation, clock};
use super::truth::{Series, cluster_loads, service_counts, service_loads};
use super::verdict::{Invariant, Verdict};
use crate::support::world::{NOON, at};

/// How long after its end a minute is read, in seconds: the poller's default.
const SETTLE: i64 = 60;

impl Case<'_> {
    /// Whatever CloudWatch showed of a minute when it is first noted as read, Mackerel has by then;
    /// and so for counts.
    pub(super) fn check_progress(&self, verdict: &mut Verdict) {
        let profile = self.world.scenario.profile;
        let services = self.services();
        let mut loads = cluster_loads(profile);
        loads.extend(
            services
                .iter()
                .flat_map(|name| service_loads(profile, name)),
        );
        let mut observed: HashMap<usize, Vec<&Observation>> = HashMap::new();
        for seen in &self.ledger.observed {
            if seen.cluster == self.name {
                observed.entry(seen.life).or_default().push(seen);
            }
        }
        for host in self.hosts {
            let notes = self.ledger.notes.iter().filter(|note| note.host == host.id);
            let (mut read, mut counted) = (None, HashMap::new());
            for note in notes {
                if let Some(until) = note.progress.read_until {
                    // The first note says where posting begins.
                    let from = read.unwrap_or(until);
                    for name in &loads {
                        self.check_read(note, name, from..until, verdict);
                    }
                    read = Some(until.max(from));
                }
                if let Some(until) = note.progress.counted_until {
                    let from: i64 = counted.get(&note.life).copied().unwrap_or(i64::MIN);
                    let own = observed.get(&note.life).map_or(&[][..], Vec::as_slice);
                    self.check_counted(note, own, from..until + 60, verdict);
                    counted.insert(note.life, until + 60);
                }
            }
        }
    }

    fn check_read(
        &self,
        note: &Note,
        name: &str,
        minutes: std::ops::Range<i64>,
        verdict: &mut Verdict,
    ) {
        let lateness = self.world.scenario.lateness;
        let shown = i64::from(lateness.visible_after + lateness.jitter);
        let series = Series::parse(name).unwrap();
        let until = minutes.end;
        for minute in minutes.step_by(60) {
            // It was read when the newest minute had settled, or later.
            let was_shown = minute + shown <= until + SETTLE
                && self.truth.load(series, at(minute), 1).is_some()
                && self.truth.load(series, at(minute), MOMENTS).is_some();
            if was_shown && !self.was_accepted(name, minute, note.at) {
                let points = self.points(name);
                let minute = minute - NOON;
                if self.is_tail(name, minute, false, &points)
                    || self.is_excused(name, minute, 0, &points)
                    || self.skews(minute).next().is_some()
                    || self.was_gone(series, minute, note.life)
                {
                    continue;
                }
                self.fail(note, name, minute, verdict);
            }
        }
    }

    /// Whether the service had been deleted when the life began, which could not find it any more.
    fn was_gone(&self, series: Series<'_>, minute: i64, life: usize) -> bool {
        let Series::Load {
            service: Some(name),
            ..
        } = series
        else {
            return false;
        };
        let service = self.truth.service(name, at(NOON + minute));
        let deleted_at = service.and_then(|service| service.deleted_at);
        let began = at(NOON + self.world.scenario.lives[life].from);
        deleted_at.is_some_and(|deleted_at| deleted_at < began)
    }

    /// The counts that the life itself has read. Of those that it dropped zeros can't be restored.
    fn check_counted(
        &self,
        note: &Note,
        observed: &[&Observation],
        minutes: std::ops::Range<i64>,
        verdict: &mut Verdict,
    ) {
        let is_missed = |minute: i64| {
            let mut missed = note.progress.missed.iter();
            missed.any(|(from, to)| (*from..*to).contains(&minute))
        };
        let own = observed.iter().filter(|seen| {
            let minute = NOON + seen.minute;
            minutes.contains(&minute) && !is_missed(minute) && !self.may_be_dropped(seen)
        });
        for seen in own {
            let name = &service_counts("compact", &seen.service)[0];
            let minute = NOON + seen.minute;
            if !self.was_accepted(name, minute, note.at) {
                let points = self.points(name);
                if self.is_tail(name, seen.minute, false, &points)
                    || self.is_excused(name, seen.minute, 0, &points)
                    || self.skews(seen.minute).next().is_some()
                    || self.is_new(&seen.service, seen.minute)
                {
                    continue;
                }
                self.fail(note, name, seen.minute, verdict);
            }
        }
    }

    /// Whether the service was made in the minute, which a process that ended before it was there may have
    /// noted as counted.
    fn is_new(&self, service: &str, minute: i64) -> bool {
        let moment = at(NOON + minute);
        let service = self.truth.service(service, moment);
        service.is_some_and(|service| service.created_at > moment)
    }

    /// Whether some host of the cluster had a value of that minute by then.
    pub(super) fn was_accepted(&self, name: &str, minute: i64, by: i64) -> bool {
        self.hosts.iter().any(|host| {
            let series = self.ledger.series(&host.id, name);
            let recorded = series.and_then(|series| self.ledger.recorded.get(&(series, minute)));
            recorded.is_some_and(|recorded| recorded.first <= by)
        })
    }

    fn fail(&self, note: &Note, name: &str, minute: i64, verdict: &mut Verdict) {
        verdict.fail(Invariant::Progress, || {
            let when = clock(note.at / 1000);
            let place = self.place(name, minute);
            format!("{place} is noted as done by life {} at {when}", note.life)
        });
    }
}
