//! Which minutes of CloudWatch a poll reads: from where the last one ended, less an overlap for
//! revised minutes, to the newest minute that is taken as complete.

use chrono::{DateTime, Utc};

use crate::config::Poll;
use crate::model::time::{Minute, Window};

/// Mackerel drops points that are older, in minutes.
const KEPT: i64 = 24 * 60;

/// The window to read at `now`. `read_until` is the end of the last window that was read and
/// posted whole; none for a cluster that is seen for the first time.
pub fn window(now: DateTime<Utc>, read_until: Option<Minute>, poll: &Poll) -> Window {
    let seconds = |duration: std::time::Duration| duration.as_secs() as i64;
    let to = Minute::of_seconds(now.timestamp() - seconds(poll.settle));
    let oldest = Minute::of(now).plus(1 - KEPT);
    let from = match read_until {
        Some(until) => until.plus(-(seconds(poll.overlap) / 60)),
        // Never less than the next poll will read again, or that one would find older news.
        None => to.plus(-(seconds(poll.lookback.max(poll.overlap)) / 60)),
    };
    Window {
        from: from.max(oldest).min(to),
        to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const POLL: Poll = Poll {
        interval: Duration::from_secs(60),
        settle: Duration::from_secs(60),
        overlap: Duration::from_secs(600),
        lookback: Duration::from_secs(3600),
        grace: Duration::from_secs(25),
    };

    fn check(now: i64, read_until: Option<i64>, expected: (i64, i64)) {
        let now = DateTime::from_timestamp(now, 0).unwrap();
        let window = window(now, read_until.map(Minute::of_seconds), &POLL);
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
    fn a_clock_that_went_back_reads_nothing() {
        check(100_030, Some(999_960), (99_960, 99_960));
    }
}
