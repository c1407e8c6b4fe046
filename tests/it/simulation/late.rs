//! How late what is there came.

use super::case::Case;
use super::ledger::clock;
use super::verdict::{Invariant, Verdict};
use crate::support::world::NOON;

/// How long a poll may take to bring what it read, in seconds: the next one may be the first that
/// finds a datapoint.
const PROMPT: i64 = 120;

impl Case<'_> {
    /// When the value first stood on any of the hosts.
    pub(super) fn check_delay(&self, name: &str, minute: i64, value: f64, verdict: &mut Verdict) {
        let scenario = &self.world.scenario;
        if !self.was_fine(minute) {
            return;
        }
        let recorded = self.hosts.iter().filter_map(|host| {
            let series = self.ledger.series(&host.id, name)?;
            let recorded = self.ledger.recorded.get(&(series, NOON + minute))?;
            (recorded.value == value).then_some(recorded.since)
        });
        if let Some(posted) = recorded.min() {
            let delay = posted / 1000 - (minute + scenario.settling());
            verdict.figures.delay = verdict.figures.delay.max(delay);
            if delay > PROMPT + scenario.waiting() + scenario.unlucky() {
                self.fail_late(name, minute, posted, verdict);
            }
        }
    }

    /// When a count that was read in its minute first stood on any of the hosts.
    pub(super) fn check_count_delay(&self, name: &str, minute: i64, verdict: &mut Verdict) {
        if !self.was_fine(minute) {
            return;
        }
        let recorded = self.hosts.iter().filter_map(|host| {
            let series = self.ledger.series(&host.id, name)?;
            let recorded = self.ledger.recorded.get(&(series, NOON + minute))?;
            Some(recorded.first)
        });
        if let Some(posted) = recorded.min()
            && posted / 1000 - minute > PROMPT + self.world.scenario.unlucky()
        {
            self.fail_late(name, minute, posted, verdict);
        }
    }

    fn was_fine(&self, minute: i64) -> bool {
        minute >= 0 && self.fine.get((minute / 60) as usize) == Some(&true)
    }

    fn fail_late(&self, name: &str, minute: i64, posted: i64, verdict: &mut Verdict) {
        verdict.fail(Invariant::Lateness, || {
            let when = clock(posted / 1000);
            format!("{} came at {when}", self.place(name, minute))
        });
    }
}
