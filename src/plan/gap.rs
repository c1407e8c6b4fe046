//! Minutes whose counts were missed, because no poll read them or they could not be posted: they
//! are kept until the running counts are restored from CloudWatch, or too old for Mackerel.

use crate::model::time::{Minute, Window};

/// Missed minutes, oldest first, none twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps(Vec<Window>);

impl Gaps {
    /// Takes windows as they were noted; what overlaps is joined.
    pub fn new(windows: impl IntoIterator<Item = Window>) -> Self {
        let mut gaps = Gaps::default();
        for window in windows {
            gaps.add(window);
        }
        gaps
    }

    /// Adds missed minutes.
    pub fn add(&mut self, missed: Window) {
        if missed.is_empty() {
            return;
        }
        self.remove(missed);
        self.0.push(missed);
        self.0.sort();
        self.0.dedup_by(|next, last| {
            let touches = last.to == next.from;
            if touches {
                last.to = next.to;
            }
            touches
        });
    }

    /// Removes minutes that are missed no longer, or given up.
    pub fn remove(&mut self, done: Window) {
        self.0 = self.0.iter().flat_map(|gap| gap.without(done)).collect();
    }

    /// The first missed minute.
    pub fn first(&self) -> Option<Minute> {
        self.0.first().map(|gap| gap.from)
    }

    /// Whether a minute is missed.
    pub fn contains(&self, minute: Minute) -> bool {
        self.0.iter().any(|gap| gap.contains(minute))
    }

    /// Whether some of these minutes are missed.
    pub fn touch(&self, window: Window) -> bool {
        self.0.iter().any(|gap| !gap.overlap(window).is_empty())
    }

    /// The missed minutes as windows, oldest first.
    pub fn windows(&self) -> &[Window] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: i64, to: i64) -> Window {
        Window {
            from: Minute::of_seconds(from * 60),
            to: Minute::of_seconds(to * 60),
        }
    }

    #[test]
    fn gaps_join_and_are_closed_in_parts() {
        let mut gaps = Gaps::new([window(20, 30), window(5, 10), window(9, 20)]);
        assert_eq!(gaps.windows(), [window(5, 30)]);
        gaps.remove(window(8, 12));
        assert_eq!(gaps.windows(), [window(5, 8), window(12, 30)]);
        assert_eq!(gaps.first(), Some(Minute::of_seconds(300)));
        assert!(!gaps.touch(window(8, 12)));
        assert!(gaps.touch(window(8, 13)));
        gaps.remove(window(0, 100));
        assert_eq!(gaps.first(), None);
        gaps.add(window(3, 3));
        assert_eq!(gaps.windows(), []);
    }
}
