//! When the next poll is due: on whole intervals of the clock, moved by an offset that is always
//! the same for one configuration, so that pollers don't all ask at the same second.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Config;
use crate::model::hash::stable_hash;

/// The seconds of a minute that the offset is taken from: not too near its edges, where a small
/// error of the clock would change the minute that counts are booked on.
const SPREAD: std::ops::Range<u64> = 5..50;

/// The offset of a configuration within the minute.
pub fn offset(config: &Config) -> Duration {
    let key = config.mackerel.api_key.as_ref();
    let targets = config.targets.iter();
    let targets: Vec<_> = targets
        .map(|target| (&target.name, &target.role, &target.regions))
        .collect();
    let identity = format!(
        "{}\n{targets:?}\n{:?}",
        key.map(|key| key.reveal()).unwrap_or_default(),
        config.shard
    );
    let width = SPREAD.end - SPREAD.start;
    Duration::from_secs(SPREAD.start + stable_hash(&identity) % width)
}

/// The next moment after `now` that lies `offset` after a whole interval. Polls that were missed
/// are skipped, not made up for: the next one reads what they would have read.
pub fn next(now: DateTime<Utc>, interval: Duration, offset: Duration) -> DateTime<Utc> {
    let (interval, offset) = (millis(interval).max(1), millis(offset));
    let passed = (now.timestamp_millis() - offset).rem_euclid(interval);
    now + TimeDelta::milliseconds(interval - passed)
}

fn millis(duration: Duration) -> i64 {
    duration.as_millis() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(now: i64, interval: u64, offset: u64, expected: i64) {
        let next = next(
            DateTime::from_timestamp_millis(now).unwrap(),
            Duration::from_secs(interval),
            Duration::from_secs(offset),
        );
        assert_eq!(next.timestamp_millis(), expected);
    }

    #[test]
    fn polls_are_due_on_the_minute_and_its_offset() {
        check(0, 60, 7, 7_000);
        check(7_000, 60, 7, 67_000);
        check(66_999, 60, 7, 67_000);
        check(500_000, 60, 7, 547_000);
    }

    #[test]
    fn longer_intervals_align_to_the_hour() {
        check(3_600_000 + 30_000, 300, 20, 3_600_000 + 320_000);
    }
}
