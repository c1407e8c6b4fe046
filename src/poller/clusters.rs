//! What a Region remembers of its clusters between polls. Nothing here waits.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::cluster::{ClusterState, Work};
use crate::config::Poll;
use crate::config::selection::Selection;
use crate::map::count::counts;
use crate::model::id::ClusterArn;
use crate::model::inventory::Observed;
use crate::model::time::{Minute, Window};
use crate::plan::window::{minutes, oldest, settled_until};

/// How many accepted values of a cluster are remembered, however far back progress is stuck: half a
/// million take 8 MB. The newest hours are, whatever they take.
const MOST_REMEMBERED: usize = 500_000;
const LEAST_REMEMBERED_MINUTES: i64 = 3 * 60;

/// The clusters of one Region.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    here: HashMap<ClusterArn, ClusterState>,
    /// Those that were there within the last day and may come back under their names.
    gone: HashMap<ClusterArn, ClusterState>,
}

impl Clusters {
    /// Whether there was no cluster when they were last listed.
    pub(super) fn is_empty(&self) -> bool {
        self.here.is_empty()
    }

    /// Brings together what is there now and what is remembered.
    pub(super) fn begin(
        &mut self,
        observed: Vec<Observed>,
        metrics: &Selection,
        now: DateTime<Utc>,
        poll: &Poll,
    ) -> Vec<Work> {
        let observed = observed.into_iter();
        observed
            .map(|observed| {
                // A slow walk reads the cluster in one minute and services in a later one, or left
                // them for a later poll.
                let minute = observed.cluster.read_at;
                let read = observed.services.iter().map(|service| service.read_at);
                let last = read.max().map_or(minute, |last| last.max(minute));
                let arn = &observed.cluster.arn;
                let known = self.here.remove(arn).or_else(|| self.gone.remove(arn));
                let mut state = known.unwrap_or_default();
                let (cluster, services) = (&observed.cluster, &observed.services);
                state.history.observe(cluster, services);
                let counts = counts(&observed, metrics, Minute::of(now));
                state.count(counts, minute, poll);
                // What has no count in a minute before it was read is restored.
                state.gaps.add(Window {
                    from: minute,
                    to: last,
                });
                if !observed.whole || !observed.afresh {
                    state.gaps.add(Window {
                        from: minute,
                        to: minute.plus(1),
                    });
                }
                Work::new(observed, state)
            })
            .collect()
    }

    /// Remembers for the next poll.
    pub(super) fn end(
        &mut self,
        works: Vec<Work>,
        now: DateTime<Utc>,
        poll: &Poll,
        is_polled: impl Fn(&ClusterArn) -> bool,
    ) {
        let overlap = minutes(poll.overlap);
        for mut work in works {
            let state = &mut work.state;
            // The first minute that will be read again: where nothing was read whole yet, all of it.
            let again = state.read_until.map(|until| until.plus(-overlap));
            let again = again.or(work.window.map(|window| window.from));
            let fits = (MOST_REMEMBERED / state.memory.series().max(1)) as i64;
            let oldest = Minute::of(now).plus(-fits.max(LEAST_REMEMBERED_MINUTES));
            let since = |minute: Option<Minute>| minute.map_or(oldest, |from| from.max(oldest));
            let again = since(again);
            // Counts that were missed are restored again until all of them are.
            let restored = state.gaps.first().map_or(again, |first| since(Some(first)));
            state.memory.forget_before(again, restored);
            self.here.insert(work.observed.cluster.arn, work.state);
        }
        for (arn, mut state) in self.here.extract_if(|arn, _| !is_polled(arn)) {
            // Should it come back, its host may have been retired meanwhile.
            if let Some(enrolled) = &mut state.enrolled {
                enrolled.doubt();
            }
            self.gone.insert(arn, state);
        }
        self.gone
            .retain(|_, state| state.counted.is_some_and(|last| last >= oldest(now)));
    }

    /// Whether CloudWatch is to be read of any cluster, where it is read every so many minutes.
    pub(super) fn is_due(&self, now: DateTime<Utc>, poll: &Poll, every: i64) -> bool {
        let mut states = self.here.values();
        states.any(|state| state.is_due(now, poll, every))
    }

    /// How many seconds of settled minutes are not yet posted, at the cluster that is furthest
    /// behind, where CloudWatch is read every so many minutes.
    pub(super) fn behind(&self, now: DateTime<Utc>, poll: &Poll, every: i64) -> i64 {
        // What is not due yet is not behind.
        let settled = settled_until(now, poll.settle).floor(every);
        let states = self.here.values();
        let minutes = states.map(|state| match state.read_until {
            Some(until) => settled.since(until),
            None => minutes(poll.lookback),
        });
        minutes.max().unwrap_or(0).max(0) * 60
    }

    /// Has all hosts looked up again: another key may be another organization's.
    pub(super) fn doubt(&mut self) {
        let states = self.states_mut();
        for enrolled in states.filter_map(|state| state.enrolled.as_mut()) {
            enrolled.doubt();
        }
    }

    /// Those that were there when they were last listed.
    pub(super) fn here_mut(&mut self) -> impl Iterator<Item = &mut ClusterState> {
        self.here.values_mut()
    }

    fn states_mut(&mut self) -> impl Iterator<Item = &mut ClusterState> {
        self.here.values_mut().chain(self.gone.values_mut())
    }

    fn states(&self) -> impl Iterator<Item = &ClusterState> {
        self.here.values().chain(self.gone.values())
    }

    /// How many counts are pending.
    pub(super) fn pending(&self) -> usize {
        self.states().map(|state| state.pending.len()).sum()
    }

    /// Drops the oldest pending counts beyond a bound; their minutes count as missed. Gives how many
    /// were dropped.
    pub(super) fn bound_pending(&mut self, most: usize) -> usize {
        let total = self.pending();
        if total <= most {
            return 0;
        }
        let mut minutes: Vec<Minute> = self
            .states()
            .flat_map(|state| state.pending.iter().map(|count| count.minute))
            .collect();
        let (_, newest_dropped, _) = minutes.select_nth_unstable(total - most - 1);
        let keep_from = newest_dropped.plus(1);
        for state in self.states_mut() {
            if let Some(oldest) = state.first_pending() {
                state.pending.retain(|count| count.minute >= keep_from);
                state.gaps.add(Window {
                    from: oldest,
                    to: keep_from,
                });
            }
        }
        total - self.pending()
    }
}
