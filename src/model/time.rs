//! Whole minutes and windows of them. CloudWatch stamps a datapoint with the start of its minute
//! and Mackerel keeps one value a minute, so a minute is the poller's unit of time.

use chrono::{DateTime, Utc};

/// A whole minute, counted from the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(i64);

impl Minute {
    /// The first minute of 1970.
    pub const EPOCH: Minute = Minute(0);

    /// The minute that holds this moment.
    pub fn of(moment: DateTime<Utc>) -> Self {
        Self::of_seconds(moment.timestamp())
    }

    /// The minute that holds this moment, in seconds since the Unix epoch.
    pub const fn of_seconds(seconds: i64) -> Self {
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

    /// The last minute up to this one at which a time of so many minutes begins.
    pub fn floor(self, every: i64) -> Self {
        Minute(self.0 - self.0.rem_euclid(every.max(1)))
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

    /// Whether it holds no minute.
    pub fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    /// Whether the minute lies inside.
    pub fn contains(&self, minute: Minute) -> bool {
        self.from <= minute && minute < self.to
    }

    /// The minutes that lie in both; empty where there are none.
    pub fn overlap(&self, other: Window) -> Window {
        Window {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        }
    }

    /// What is left without the minutes of another: nothing, one window or two.
    pub fn without(&self, other: Window) -> Vec<Window> {
        if self.overlap(other).is_empty() {
            return vec![*self];
        }
        let before = Window {
            to: other.from,
            ..*self
        };
        let after = Window {
            from: other.to,
            ..*self
        };
        [before, after]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect()
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

    #[test]
    fn windows_are_cut_by_windows() {
        let window = |from: i64, to: i64| Window {
            from: Minute::of_seconds(from * 60),
            to: Minute::of_seconds(to * 60),
        };
        let whole = window(10, 20);
        assert_eq!(whole.without(window(0, 10)), [whole]);
        assert_eq!(whole.without(window(0, 30)), []);
        assert_eq!(whole.without(window(10, 12)), [window(12, 20)]);
        assert_eq!(whole.without(window(18, 30)), [window(10, 18)]);
        assert_eq!(
            whole.without(window(12, 14)),
            [window(10, 12), window(14, 20)]
        );
        assert_eq!(whole.overlap(window(15, 30)), window(15, 20));
        assert!(whole.overlap(window(20, 30)).is_empty());
    }
}
