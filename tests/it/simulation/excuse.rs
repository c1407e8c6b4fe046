//! What is not promised, as `docs/reliability.md` says: the last minutes of what was deleted, what
//! Mackerel was told to refuse, and what a host that a person retired had yet to get.

use std::ops::RangeInclusive;

use super::case::{Case, LOOKBACK, Points};
use super::truth::Series;
use crate::support::world::{NOON, at};

impl Case<'_> {
    /// The last minutes of a service or cluster that was deleted are promised only as far as a
    /// poll could still find it: what lies after the last minute that was posted, or was still
    /// being revised, is no loss.
    pub(super) fn is_tail(&self, name: &str, minute: i64, partly: bool, points: &Points) -> bool {
        let moment = at(NOON + minute);
        let (Some(series), Some(cluster)) = (Series::parse(name), self.truth.cluster(moment))
        else {
            return false;
        };
        let service = match series {
            Series::Load {
                service: Some(name),
                ..
            }
            | Series::Tasks { service: name, .. } => self.truth.service(name, moment),
            _ => None,
        };
        let of_service = service.and_then(|service| service.deleted_at);
        let born = service.map_or(cluster.created_at, |service| service.created_at);
        let Some(gone) = of_service.or(cluster.deleted_at) else {
            return false;
        };
        let second = |time: chrono::DateTime<chrono::Utc>| time.timestamp() - NOON;
        let (born, gone) = (second(born), second(gone));
        if gone >= self.world.scenario.seconds {
            return false;
        }
        if let Series::Load {
            service: Some(name),
            ..
        } = series
            && minute + 60 < gone
            && self.is_followed_to_its_end(name, gone)
        {
            return false;
        }
        // The last minute that the poller saw of it, and what it could not yet see settled then.
        // Under a name that comes back, more of it may be seen later, but not all.
        let again = service.and_then(|service| {
            let named = cluster.services_named(&service.name).iter();
            named
                .map(|one| second(one.created_at))
                .find(|born| *born >= gone)
        });
        let anew = self
            .truth
            .0
            .iter()
            .map(|cluster| second(cluster.created_at));
        let again = again
            .into_iter()
            .chain(anew.filter(|born| *born >= gone))
            .min();
        let before = again.map_or(i64::MAX, |born| born * 1000);
        let mut seen = points.range(born - 59..=gone + 59).rev();
        let last = seen.find(|(minute, _)| self.was_accepted(name, NOON + **minute, before));
        let seen = last.map_or(i64::MIN, |(last, _)| *last).min(gone);
        let counted = match series {
            Series::Load {
                service: Some(name),
                ..
            }
            | Series::Tasks { service: name, .. } => self.last_counted(name, born..=gone),
            _ => None,
        };
        let seen = seen.min(counted.map_or(seen, |last| last + 59));
        let scenario = &self.world.scenario;
        let unsettled = minute + scenario.settling() + scenario.waiting() + 240 > seen;
        unsettled || (!partly && minute > seen)
    }

    /// Whether a process that saw a service go lived on, with nothing wrong, until its last minutes had
    /// settled.
    fn is_followed_to_its_end(&self, service: &str, gone: i64) -> bool {
        let scenario = &self.world.scenario;
        let settled = gone + scenario.settling() + scenario.waiting() + 600;
        let saw = |life: usize| {
            let mut own = self.ledger.observed.iter();
            own.any(|seen| {
                seen.life == life
                    && seen.cluster == self.name
                    && seen.service == service
                    && (gone - 180..=gone).contains(&seen.minute)
            })
        };
        let mut lives = scenario.lives.iter().enumerate();
        scenario.is_quiet(gone - 1200, settled)
            && self.truth.cluster(at(NOON + settled)).is_some()
            && lives.any(|(number, life)| {
                !life.once && life.from < gone - 900 && settled < life.ends() && saw(number)
            })
    }

    /// The last minute of a time in which a poller read the service's counts.
    pub(super) fn last_counted(&self, service: &str, time: RangeInclusive<i64>) -> Option<i64> {
        let counted = self.counted.get(service)?.iter().rev();
        let mut counted = counted.skip_while(|minute| **minute > *time.end());
        counted
            .next()
            .filter(|minute| time.contains(minute))
            .copied()
    }

    /// Mackerel refused it because the scenario says so, or a person retired the host and the
    /// next one was made more than the lookback later. What was yet to come of the last `unsettled`
    /// seconds before the host's last point went with it.
    pub(super) fn is_excused(
        &self,
        name: &str,
        minute: i64,
        unsettled: i64,
        points: &Points,
    ) -> bool {
        let poisoned = self.world.poisoned.lock().unwrap();
        let was_refused = self
            .hosts
            .iter()
            .any(|host| poisoned.contains(&(host.id.clone(), name.to_owned(), NOON + minute)));
        if was_refused {
            return true;
        }
        self.hosts.iter().enumerate().any(|(place, host)| {
            let Some(retired) = self.retired_by_hand(&host.id) else {
                return false;
            };
            let next = self.hosts.get(place + 1);
            let soon = self.world.scenario.calm_from() + 900;
            let next = next.map_or(soon, |next| next.created_at - NOON);
            let before = points.iter().filter(|(_, (_, own))| *own <= place);
            let last = before.map(|(time, _)| *time).max().unwrap_or(i64::MIN);
            minute > last.min(retired).saturating_sub(unsettled)
                && minute <= next.saturating_sub(LOOKBACK - 180)
        })
    }
}
