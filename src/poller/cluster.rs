//! What is remembered of a cluster between polls, and how it changes: progress, missed minutes, and
//! counts that Mackerel has not accepted yet. Nothing here waits.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::config::Poll;
use crate::model::inventory::Observed;
use crate::model::sample::{Sample, SeriesId};
use crate::model::time::{Minute, Window};
use crate::plan::batch::Reading;
use crate::plan::gap::Gaps;
use crate::plan::history::History;
use crate::plan::window::{self, minutes, oldest, settled_until};
use crate::post::host::{Enrolled, Progress};
use crate::post::memory::{Digests, Memory};

/// What is remembered of a cluster between polls.
#[derive(Debug, Default)]
pub(super) struct ClusterState {
    pub(super) enrolled: Option<Enrolled>,
    pub(super) history: History,
    pub(super) memory: Memory,
    /// What an earlier process posted of the minutes that are read again.
    pub(super) noted: Digests,
    /// The end of the last window that was read and posted whole.
    pub(super) read_until: Option<Minute>,
    /// Whether that is only where posting begins, and nothing was read yet.
    begins: bool,
    /// The last minute whose counts were read.
    pub(super) counted: Option<Minute>,
    /// Minutes whose counts were missed.
    pub(super) gaps: Gaps,
    /// How many samples a task of each service sends in a minute, as far as it was found out for
    /// the gaps that there are.
    pub(super) samples_per_task: HashMap<Arc<str>, Divisor>,
    /// Counts that Mackerel has not accepted yet.
    pub(super) pending: Vec<Sample>,
    /// When progress was last noted on Mackerel.
    pub(super) noted_at: Option<DateTime<Utc>>,
}

/// How many samples a task of a service sends in a minute, under some revisions of the service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Divisor {
    /// Which revisions, boiled down to one number.
    pub(super) revisions: u64,
    pub(super) samples: f64,
}

/// A cluster in one poll.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) observed: Observed,
    pub(super) state: ClusterState,
    /// The minutes that are read from CloudWatch; none without a host to post them to.
    pub(super) window: Option<Window>,
    /// What was read, and what was restored.
    pub(super) samples: Vec<Sample>,
    /// Numbers of samples, to restore running counts from.
    pub(super) sampled: Vec<Sample>,
    /// Whether everything that CloudWatch has in the window was read.
    pub(super) read_whole: bool,
    /// Whether the counts that were missed in it were restored, as far as they can be.
    pub(super) restored_whole: bool,
    /// Whether everything of it was posted, or is known to be refused for good.
    pub(super) posted_whole: bool,
    pub(super) accepted: usize,
    /// Points that Mackerel refuses for good.
    pub(super) refused: usize,
}

impl ClusterState {
    /// Takes the counts of this minute. Minutes that were passed over since the last time, by more
    /// than the interval, are missed.
    pub(super) fn count(&mut self, counts: Vec<Sample>, now: Minute, poll: &Poll) {
        // What lies in the future was read by a clock that ran ahead.
        self.counted = self.counted.filter(|last| *last <= now);
        self.read_until = self.read_until.filter(|until| *until <= now);
        if let Some(last) = self.counted
            && now.since(last) > minutes(poll.interval)
        {
            self.gaps.add(Window {
                from: last.plus(1),
                to: now,
            });
        }
        self.counted = Some(now);
        // Counts that were read twice in a minute: the later ones are as true, and one is enough.
        let again: HashSet<(&SeriesId, Minute)> = counts
            .iter()
            .map(|sample| (&sample.series, sample.minute))
            .collect();
        self.pending
            .retain(|old| !again.contains(&(&old.series, old.minute)));
        self.pending.extend(counts);
    }

    /// Takes a host that was made sure of. When it is another than before, nothing of the cluster
    /// is on it, and when it is the first that this process sees, it tells how far posting came.
    pub(super) fn enrolled(&mut self, enrolled: Enrolled, now: DateTime<Utc>, poll: &Poll) {
        let known = self.enrolled.as_ref().map(|known| known.id.clone());
        if known.as_ref() != Some(&enrolled.id) {
            self.start_anew();
            self.adopt(&enrolled.notes.progress, now, poll);
        }
        self.enrolled = Some(enrolled);
    }

    /// Forgets what was posted, for the host is gone that it was posted to.
    pub(super) fn start_anew(&mut self) {
        self.memory = Memory::default();
        self.noted = Digests::default();
        self.noted_at = None;
    }

    /// Where posting begins on a host that has no notes. It is noted at once, so that whoever comes
    /// after a process that was cut short does not begin later.
    pub(super) fn beginning(&self, now: DateTime<Utc>, poll: &Poll) -> Progress {
        let this = Minute::of(now);
        let overlap = minutes(poll.overlap);
        // Never less than the next poll will read again, or that one would find older news.
        let lookback = minutes(poll.lookback).max(overlap);
        let read_until = match self.read_until {
            // Another host in the place of one that is gone is filled from where that one ended,
            // but at least as far back as a new one.
            Some(until) => until.min(this.plus(-minutes(poll.lookback))),
            None => settled_until(now, poll.settle).plus(overlap - lookback),
        };
        let first = self.first_pending().or(self.counted).unwrap_or(this);
        Progress {
            read_until: Some(read_until.start()),
            counted_until: Some(first.plus(-lookback - 1).start()),
            ..Progress::default()
        }
    }

    /// Goes on from where posting really ended. What lies in the future was noted by a wrong clock, but
    /// for a minute that began since this poll did.
    fn adopt(&mut self, progress: &Progress, now: DateTime<Utc>, poll: &Poll) {
        let this = Minute::of(now);
        let past = |seconds: i64| Some(Minute::of_seconds(seconds)).filter(|m| *m <= this.plus(1));
        let beginning = self.beginning(now, poll);
        let from =
            |noted: Option<i64>, first: Option<i64>| noted.and_then(past).or(first.and_then(past));
        self.read_until = from(progress.read_until, beginning.read_until);
        self.begins = self.read_until.map(Minute::start) == beginning.read_until;
        self.noted = progress
            .posted
            .iter()
            .filter_map(|(minute, digest)| {
                let digest = u64::from_str_radix(digest, 16).ok()?;
                Some((Minute::of_seconds(*minute), digest))
            })
            .collect();
        for (from, to) in &progress.missed {
            self.gaps.add(Window {
                from: Minute::of_seconds(*from),
                // This minute may have been missed by a run before, in the same minute.
                to: Minute::of_seconds(*to).min(this.plus(1)),
            });
        }
        let first = self.first_pending().or(self.counted).unwrap_or(this);
        let missed_from = match from(progress.counted_until, beginning.counted_until) {
            Some(last) if first.since(last) > minutes(poll.interval) => last.plus(1),
            _ => first,
        };
        self.gaps.add(Window {
            from: missed_from,
            to: first,
        });
    }

    /// The oldest minute of the pending counts.
    pub(super) fn first_pending(&self) -> Option<Minute> {
        self.pending.iter().map(|count| count.minute).min()
    }

    /// Whether CloudWatch is to be read, where it is read every so many minutes. What is due is the
    /// same minute for all clusters, so that they share requests; what could not be read is due at
    /// once.
    pub(super) fn is_due(&self, now: DateTime<Utc>, poll: &Poll, every: i64) -> bool {
        let settled = settled_until(now, poll.settle);
        let is_older = |until: Minute| settled.floor(every) > until.floor(every);
        self.begins || self.read_until.is_none_or(is_older)
    }

    /// The minutes to read from CloudWatch.
    pub(super) fn window(&mut self, now: DateTime<Utc>, poll: &Poll, at_most: i64) -> Window {
        let forever = Minute::of_seconds(0);
        self.gaps.remove(Window {
            from: forever,
            to: oldest(now),
        });
        let progress = window::Progress {
            read_until: self.read_until,
            missed_from: self.gaps.first(),
            at_most,
        };
        window::window(now, progress, poll)
    }

    /// How far posting has come, for the next process.
    pub(super) fn progress(&self, poll: &Poll) -> Progress {
        let counted = match self.first_pending() {
            Some(first) => Some(first.plus(-1)),
            None => self.counted,
        };
        let again = self
            .read_until
            .map(|until| until.plus(-minutes(poll.overlap)));
        Progress {
            read_until: self.read_until.map(Minute::start),
            counted_until: counted.map(Minute::start),
            missed: self
                .gaps
                .windows()
                .iter()
                .map(|gap| (gap.from.start(), gap.to.start()))
                .collect(),
            posted: again
                .map(|since| self.memory.digests(since))
                .unwrap_or_default()
                .into_iter()
                .map(|(minute, digest)| (minute.start(), format!("{digest:016x}")))
                .collect(),
        }
    }
}

/// Up to where a number of samples can be trusted: a minute that is not read again any more does not
/// change any more, and each service was described since, so that a change of its monitoring
/// configuration is known.
pub(super) fn restorable_until(now: DateTime<Utc>, poll: &Poll, polls_a_pass: usize) -> Minute {
    let pass = minutes(poll.interval).saturating_mul(polls_a_pass as i64);
    settled_until(now, poll.settle).plus(-minutes(poll.overlap).max(pass))
}

impl Work {
    pub(super) fn new(observed: Observed, state: ClusterState) -> Self {
        Work {
            // Of services that could not be described nobody knows what CloudWatch has.
            read_whole: observed.whole,
            observed,
            state,
            window: None,
            samples: Vec::new(),
            sampled: Vec::new(),
            restored_whole: true,
            posted_whole: true,
            accepted: 0,
            refused: 0,
        }
    }

    /// What CloudWatch is asked of the cluster.
    pub(super) fn reading(&self, window: Window) -> Reading<'_> {
        Reading {
            cluster: &self.observed.cluster,
            services: &self.observed.services,
            window,
            history: &self.state.history,
            with_sample_count: false,
        }
    }

    /// Whether running counts of the window are missed that CloudWatch can restore.
    pub(super) fn restores(&self, until: Minute) -> bool {
        self.window.is_some_and(|window| {
            let to = window.to.min(until);
            self.state.gaps.touch(Window { to, ..window })
        })
    }

    /// The newest minutes, where a long outage is read back in parts and the window does not reach
    /// them.
    pub(super) fn newest(&self, now: DateTime<Utc>, poll: &Poll) -> Option<Window> {
        let settled = settled_until(now, poll.settle);
        let window = self.window.filter(|window| window.to < settled)?;
        Some(Window {
            from: settled.plus(-minutes(poll.overlap)).max(window.to),
            to: settled,
        })
    }

    /// Moves progress past what was read and posted whole.
    pub(super) fn advance(&mut self, restorable_until: Minute) {
        let (Some(window), true) = (self.window, self.read_whole && self.posted_whole) else {
            return;
        };
        let state = &mut self.state;
        state.read_until = state.read_until.max(Some(window.to));
        state.begins = false;
        if self.restored_whole {
            let to = window.to.min(restorable_until);
            state.gaps.remove(Window { to, ..window });
        }
        if state.gaps.first().is_none() {
            state.samples_per_task.clear();
        }
        state.noted = Digests::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Poll = Poll {
        interval: std::time::Duration::from_secs(60),
        settle: std::time::Duration::from_secs(60),
        overlap: std::time::Duration::from_secs(600),
        lookback: std::time::Duration::from_secs(3600),
        grace: std::time::Duration::from_secs(25),
    };

    /// The minutes, in minutes since the epoch, whose counts a process takes for missed that begins
    /// its poll in one minute and ends reading in another.
    #[track_caller]
    fn check(progress: Progress, began: i64, counted: i64, expected: &[(i64, i64)]) {
        let now = DateTime::from_timestamp(began * 60 + 59, 0).unwrap();
        let mut state = ClusterState::default();
        state.count(Vec::new(), Minute::of_seconds(counted * 60), &POLL);
        state.adopt(&progress, now, &POLL);
        let windows = state.gaps.windows().iter();
        let windows: Vec<(i64, i64)> = windows
            .map(|gap| (gap.from.start() / 60, gap.to.start() / 60))
            .collect();
        assert_eq!(windows, expected);
    }

    #[test]
    fn what_the_last_process_missed_is_taken_over() {
        let progress = |missed: &[(i64, i64)]| Progress {
            counted_until: Some(103 * 60),
            missed: missed
                .iter()
                .map(|(from, to)| (from * 60, to * 60))
                .collect(),
            ..Progress::default()
        };
        check(progress(&[]), 104, 104, &[]);
        check(progress(&[]), 106, 106, &[(104, 106)]);
        check(progress(&[(90, 95)]), 104, 104, &[(90, 95)]);
        // It began in the minute that the last one missed.
        check(progress(&[(103, 104)]), 103, 104, &[(103, 104)]);
        // It began in one minute and counted in the next.
        check(progress(&[]), 104, 105, &[(104, 105)]);
        // Another process noted the minute that began since this one's poll did.
        check(progress(&[]), 102, 102, &[]);
        // A clock that ran ahead noted what is yet to come.
        check(progress(&[(200, 300)]), 104, 104, &[]);
    }
}
