//! Whole minutes and windows of them. CloudWatch stamps a datapoint with the start of its minute
//! and Mackerel keeps one value a minute, so a minute is the poller's unit of time.

use chrono::{DateTime, Utc};

/// A whole minute, counted from the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(i64);

impl Minute {
    /// The minute that holds this moment.
    pub fn of(moment: DateTime<Utc>) -> Self {
        Self::of_seconds(moment.timestamp())
    }

    /// The minute that holds this moment, in seconds since the Unix epoch.
    pub fn of_seconds(seconds: i64) -> Self {
        Minute(seconds.div_euclid(60))
    }

    /// The minute's start, in seconds since the Unix epoch.
    pub fn start(self) -> i64 {
        self.0 * 60
    }

    /// The minute `count` minutes later, or earlier where it is negative.
    pub fn plus(self, count: i64) -> Self {
        Minute(self.0 + count)
    }

    /// How many minutes lie between `earlier` and this one.
    pub fn since(self, earlier: Minute) -> i64 {
        self.0 - earlier.0
    }
}

/// The minutes from `from` to just before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The first minute inside.
    pub from: Minute,
    /// The first minute after it.
    pub to: Minute,
}

impl Window {
    /// How many minutes the window holds; 0 where it is empty or inverted.
    pub fn minutes(&self) -> i64 {
        self.to.since(self.from).max(0)
    }

    /// Whether the minute lies inside.
    pub fn contains(&self, minute: Minute) -> bool {
        self.from <= minute && minute < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_round_down_on_both_sides_of_the_epoch() {
        assert_eq!(Minute::of_seconds(119).start(), 60);
        assert_eq!(Minute::of_seconds(-1).start(), -60);
    }

    #[test]
    fn a_window_ends_before_its_end() {
        let window = Window {
            from: Minute::of_seconds(600),
            to: Minute::of_seconds(720),
        };
        assert_eq!(window.minutes(), 2);
        assert!(window.contains(Minute::of_seconds(719)));
        assert!(!window.contains(Minute::of_seconds(720)));
    }
}
