//! Which minutes of CloudWatch a poll reads: from where the last one ended, less an overlap for
//! revised minutes, to the newest minute that is taken as complete.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::config::Poll;
use crate::model::time::{Minute, Window};

/// Mackerel drops points that are older, in minutes.
const KEPT: i64 = 24 * 60;

/// What decides which minutes are read.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The end of the last window that was read and posted whole; none for a cluster that is seen
    /// for the first time.
    pub read_until: Option<Minute>,
    /// The first minute whose counts were missed and are yet to be restored.
    pub missed_from: Option<Minute>,
    /// The most minutes that are read at once: a long outage is read back in several polls.
    pub at_most: i64,
}

/// The window to read at `now`.
pub fn window(now: DateTime<Utc>, progress: Progress, poll: &Poll) -> Window {
    let to = settled_until(now, poll.settle);
    let oldest = oldest(now);
    let from = match progress.read_until {
        Some(until) => until.plus(-minutes(poll.overlap)),
        // Never less than the next poll will read again, or that one would find older news.
        None => to.plus(-minutes(poll.lookback.max(poll.overlap))),
    };
    let from = from
        .min(progress.missed_from.unwrap_or(from))
        .max(oldest)
        .min(to);
    Window {
        from,
        to: to.min(from.plus(progress.at_most)),
    }
}

/// The first minute that is not yet taken as complete.
pub fn settled_until(now: DateTime<Utc>, settle: Duration) -> Minute {
    Minute::of_seconds(now.timestamp() - settle.as_secs() as i64)
}

/// The oldest minute that Mackerel takes.
pub fn oldest(now: DateTime<Utc>) -> Minute {
    Minute::of(now).plus(1 - KEPT)
}

/// A duration in whole minutes.
pub fn minutes(duration: Duration) -> i64 {
    duration.as_secs() as i64 / 60
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Poll = Poll {
        interval: Duration::from_secs(60),
        settle: Duration::from_secs(60),
        overlap: Duration::from_secs(600),
        lookback: Duration::from_secs(3600),
        grace: Duration::from_secs(25),
    };

    fn check(now: i64, read_until: Option<i64>, expected: (i64, i64)) {
        let now = DateTime::from_timestamp(now, 0).unwrap();
        let progress = Progress {
            read_until: read_until.map(Minute::of_seconds),
            missed_from: None,
            at_most: KEPT,
        };
        let window = window(now, progress, &POLL);
        assert_eq!((window.from.start(), window.to.start()), expected);
    }

    #[test]
    fn first_sight_reads_the_lookback() {
        // At 100,030 s the minute 99,900 to 99,960 has ended a minute and ten seconds ago.
        check(100_030, None, (99_960 - 3600, 99_960));
    }

    #[test]
    fn a_minute_is_read_once_it_has_settled() {
        check(100_019, Some(99_900), (99_300, 99_900));
        check(100_020, Some(99_900), (99_300, 99_960));
    }

    #[test]
    fn an_outage_is_read_back_but_not_beyond_what_mackerel_keeps() {
        check(400_030, Some(360_000), (359_400, 399_960));
        check(400_030, Some(60), (400_020 - 86_400 + 60, 399_960));
    }

    #[test]
    fn missed_counts_are_read_from_their_first_minute_in_parts() {
        let progress = Progress {
            read_until: Some(Minute::of_seconds(99_900)),
            missed_from: Some(Minute::of_seconds(90_000)),
            at_most: 30,
        };
        let now = DateTime::from_timestamp(100_030, 0).unwrap();
        let window = window(now, progress, &POLL);
        let bounds = (window.from.start(), window.to.start());
        assert_eq!(bounds, (90_000, 90_000 + 30 * 60));
    }

    #[test]
    fn a_clock_that_went_back_reads_nothing() {
        check(100_030, Some(999_960), (99_960, 99_960));
    }
}
