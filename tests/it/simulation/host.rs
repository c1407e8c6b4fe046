//! The invariants of a cluster's hosts: always one, the same, and retired only when it must be.

use mackerel_ecs::demo::mackerel::store::host::StoredHost;

use super::case::Case;
use super::ledger::clock;
use super::scenario::CALM;
use super::verdict::{Invariant, Verdict};
use crate::support::world::{NOON, at};

/// How long a host may have a twin, in seconds.
const TWINS: i64 = 60;

/// How much too early a host seems to be retired by a clock that is stepped from two minutes slow to
/// two minutes fast, and whose poll takes a while, in seconds.
const CLOCKS: i64 = 300;

/// How old the newest point of a living cluster may be at the end, in seconds: two runs of the slowest
/// schedule.
const SILENT: i64 = 660;

impl Case<'_> {
    pub(super) fn check_hosts(&self, verdict: &mut Verdict) {
        let end = NOON + self.world.scenario.seconds;
        for (place, host) in self.hosts.iter().enumerate() {
            let until = host.retired_at.unwrap_or(end);
            let is_twin = self.hosts.iter().enumerate().any(|(other, twin)| {
                other != place
                    && twin.created_at <= host.created_at
                    && twin.retired_at.unwrap_or(end) >= until
            });
            if let Some(retired_at) = host.retired_at
                && self.retired_by_hand(&host.id).is_none()
                && !is_twin
            {
                self.check_retirement(retired_at, verdict);
            }
            // A while for the switch, for the next look, and for a schedule's next run.
            if let (Some(minutes), Some(last)) =
                (self.world.scenario.retire_after, self.truth.0.last())
                && let Some(gone) = last.deleted_at
                && gone.timestamp() + minutes * 60 + CALM < end
                && host.retired_at.is_none()
            {
                verdict.fail(Invariant::Retirement, || {
                    let gone = clock(gone.timestamp() - NOON);
                    format!("{}: deleted at {gone}, its host is there yet", self.name)
                });
            }
            for twin in self.hosts.iter().skip(place + 1) {
                let both = until.min(twin.retired_at.unwrap_or(end)) - twin.created_at;
                if both > TWINS || (both > 0 && until == end && twin.retired_at.is_none()) {
                    verdict.fail(Invariant::OneHost, || {
                        let when = clock(twin.created_at - NOON);
                        format!("{}: two living hosts from {when} for {both} s", self.name)
                    });
                }
            }
        }
    }

    /// A host that the poller retired: its cluster was gone, for as long as the settings say.
    fn check_retirement(&self, retired_at: i64, verdict: &mut Verdict) {
        let gone = self.truth.0.iter().rev();
        let mut gone = gone.filter_map(|cluster| cluster.deleted_at.map(|at| at.timestamp()));
        let gone = gone.find(|gone| *gone <= retired_at);
        let waited = self.world.scenario.retire_after.zip(gone);
        let is_due =
            waited.is_some_and(|(minutes, gone)| retired_at >= gone + minutes * 60 - CLOCKS);
        if self.truth.cluster(at(retired_at)).is_some() || !is_due {
            verdict.fail(Invariant::OneHost, || {
                let when = clock(retired_at - NOON);
                let gone = gone.map(|gone| clock(gone - NOON));
                format!(
                    "{}: the poller retired its host at {when}, it was deleted at {gone:?}",
                    self.name
                )
            });
        }
    }

    /// At the end of the run, a cluster that was there when the calm began has a host, and that has news
    /// of it.
    pub(super) fn check_is_posted_to(&self, verdict: &mut Verdict) {
        let end = NOON + self.world.scenario.seconds;
        let cluster = self.truth.cluster(at(end - 60));
        if cluster.is_none_or(|cluster| cluster.created_at.timestamp() > end - CALM) {
            return;
        }
        let newest = |host: &StoredHost| {
            let names = self.world.mackerel.metric_names(&host.id);
            let counts = names.iter().filter(|name| name.ends_with(".count"));
            let newest = counts.filter_map(|name| {
                let points = self.world.mackerel.points(&host.id, name);
                points.last().map(|(time, _)| *time)
            });
            newest.max().unwrap_or(i64::MIN)
        };
        let mut living = self.hosts.iter().filter(|host| host.retired_at.is_none());
        if !living.any(|host| newest(host) >= end - SILENT) {
            verdict.fail(Invariant::OneHost, || {
                format!("{}: no host with counts at the end of the run", self.name)
            });
        }
    }
}
