//! What goes wrong in a run by its scenario, counted by kind: the faults that are not of a single
//! request.

use super::scenario::{End, Scenario, Side, Weather};
use crate::support::world::NOON;

/// From how many seconds on Mackerel counts as down for hours.
const HOURS: i64 = 3600;

impl Scenario {
    /// The kinds and how often each happens.
    pub(super) fn happenings(&self) -> Vec<(&'static str, u64)> {
        let mut kinds: Vec<&'static str> = Vec::new();
        for (number, life) in self.lives.iter().enumerate() {
            kinds.extend(match life.end {
                // That is only the longest that a single run may take.
                End::Killed(_) if life.once => None,
                End::Killed(_) => Some("process killed at a moment"),
                End::KilledAt { .. } => Some("process killed in the middle of a request"),
                End::Stopped(_) | End::StoppedAt { .. } => Some("process stopped by a signal"),
                End::Never => None,
            });
            let others = self.lives.iter().skip(number + 1);
            let two = others.filter(|other| !life.once && other.from < life.ends());
            kinds.extend(two.map(|_| "two processes at once"));
        }
        for spell in &self.weather {
            kinds.extend(match spell.what {
                Weather::Unreachable(Side::Mackerel | Side::Points | Side::All)
                    if spell.to - spell.from >= HOURS =>
                {
                    Some("Mackerel down for an hour or more")
                }
                Weather::Unreachable(_) => Some("outage"),
                Weather::Denied { .. } => Some("permission taken away and given back"),
                Weather::Poison(_) => Some("poison points for a time"),
                Weather::Skewed(_) => Some("clock step, and back"),
                _ => None,
            });
        }
        let past = |time: Option<chrono::DateTime<chrono::Utc>>| {
            time.is_some_and(|time| (NOON..NOON + self.seconds).contains(&time.timestamp()))
        };
        for (place, cluster) in self.fleet.iter().enumerate() {
            let mut later = self.fleet.iter().skip(place + 1);
            if past(cluster.deleted_at) {
                kinds.push(match later.any(|other| other.name == cluster.name) {
                    true => "cluster deleted and made again",
                    false => "cluster deleted",
                });
            }
            for (place, service) in cluster.services().iter().enumerate() {
                let mut later = cluster.services().iter().skip(place + 1);
                if past(service.deleted_at) {
                    kinds.push(match later.any(|other| other.name == service.name) {
                        true => "service deleted and made again",
                        false => "service deleted",
                    });
                }
            }
        }
        kinds.into_iter().map(|kind| (kind, 1)).collect()
    }
}
