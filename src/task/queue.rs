//! What waits to be sent: points and check reports of the last six hours, in bounded memory.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::meter::Sample;
use super::plugin::round::Report;

/// How long anything is kept, in seconds: as long as mackerel-container-agent keeps it, and check
/// reports that are older are ignored by Mackerel.
const KEPT: i64 = 6 * 60 * 60;

/// The most points that are kept: six hours of some 270 series, in about 3 MB.
const MOST_POINTS: usize = 100_000;

/// The most check reports that are kept.
const MOST_REPORTS: usize = 2_000;

/// What waits. Each thing has a number, by which it is taken out when it has been sent: what comes
/// in while a request is under way is not touched.
#[derive(Debug, Default)]
pub struct Queue {
    points: Line<Sample>,
    reports: Line<Report>,
    /// The names of all points, each kept once.
    names: BTreeSet<Arc<str>>,
}

/// Some of what waits, to be sent in one request, each with its number.
pub type Batch<T> = Vec<(u64, T)>;

/// From which end of the queue a batch is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// What waits the longest.
    Oldest,
    /// What came last.
    Newest,
}

impl Queue {
    /// Adds points, without those that JSON has no number for, and forgets what is too old.
    pub fn add_points(&mut self, samples: Vec<Sample>, now: i64) {
        self.points
            .drop_old(MOST_POINTS, |sample| sample.time < now - KEPT);
        if self.points.things.is_empty() {
            // Nobody else has these names any more, or will soon get them back.
            self.names.clear();
        }
        for mut sample in samples {
            if !sample.value.is_finite() {
                continue;
            }
            match self.names.get(&sample.name) {
                Some(name) => sample.name = Arc::clone(name),
                None => _ = self.names.insert(Arc::clone(&sample.name)),
            }
            self.points.add(sample);
        }
    }

    /// Adds reports, and forgets what is too old.
    pub fn add_reports(&mut self, reports: Vec<Report>, now: i64) {
        self.reports
            .drop_old(MOST_REPORTS, |report| report.at < now - KEPT);
        for report in reports {
            self.reports.add(report);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.points.things.is_empty() && self.reports.things.is_empty()
    }

    /// How many points wait.
    pub fn points(&self) -> usize {
        self.points.things.len()
    }

    /// At most so many points from one end.
    pub fn points_from(&self, end: End, most: usize) -> Batch<Sample> {
        self.points.batch(end, most)
    }

    /// At most so many reports, the oldest ones.
    pub fn reports(&self, most: usize) -> Batch<Report> {
        self.reports.batch(End::Oldest, most)
    }

    /// Takes out points that have been sent or refused.
    pub fn points_done(&mut self, batch: &[(u64, Sample)]) {
        self.points.done(batch);
    }

    /// Takes out reports that have been sent or refused.
    pub fn reports_done(&mut self, batch: &[(u64, Report)]) {
        self.reports.done(batch);
    }
}

/// Things in the order in which they came, with their numbers.
#[derive(Debug)]
struct Line<T> {
    things: VecDeque<(u64, T)>,
    next: u64,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Line {
            things: VecDeque::new(),
            next: 0,
        }
    }
}

impl<T: Clone> Line<T> {
    fn add(&mut self, thing: T) {
        self.things.push_back((self.next, thing));
        self.next += 1;
    }

    fn drop_old(&mut self, most: usize, is_old: impl Fn(&T) -> bool) {
        while let Some((_, thing)) = self.things.front()
            && (self.things.len() >= most || is_old(thing))
        {
            self.things.pop_front();
        }
    }

    fn batch(&self, end: End, most: usize) -> Batch<T> {
        let skipped = match end {
            End::Oldest => 0,
            End::Newest => self.things.len().saturating_sub(most),
        };
        let things = self.things.iter().skip(skipped).take(most);
        things.cloned().collect()
    }

    fn done(&mut self, batch: &[(u64, T)]) {
        let is_done = |number: u64| batch.binary_search_by_key(&number, |(n, _)| *n).is_ok();
        self.things.retain(|(number, _)| !is_done(*number));
        if self.things.is_empty() {
            self.things.shrink_to(64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, time: i64, value: f64) -> Sample {
        Sample {
            name: name.into(),
            time,
            value,
        }
    }

    fn times(batch: &[(u64, Sample)]) -> Vec<i64> {
        batch.iter().map(|(_, sample)| sample.time).collect()
    }

    #[test]
    fn six_hours_are_kept_and_no_more() {
        let mut queue = Queue::default();
        for minute in 0..=400 {
            let time = minute * 60;
            queue.add_points(vec![sample("a", time, 1.0)], time);
        }
        let waiting = times(&queue.points_from(End::Oldest, 1_000));
        assert_eq!(waiting.first(), Some(&(40 * 60)));
        assert_eq!(waiting.last(), Some(&(400 * 60)));
        assert_eq!(queue.names.len(), 1);
    }

    #[test]
    fn the_number_of_points_is_bounded() {
        let mut queue = Queue::default();
        for _ in 0..MOST_POINTS / 1_000 + 1 {
            queue.add_points(vec![sample("a", 0, 1.0); 1_000], 0);
        }
        assert!(queue.points() < MOST_POINTS + 1_000);
    }

    #[test]
    fn what_is_no_number_is_not_kept() {
        let mut queue = Queue::default();
        let values = [f64::NAN, 1.0, f64::INFINITY, f64::NEG_INFINITY];
        queue.add_points(values.map(|value| sample("a", 0, value)).into(), 0);
        assert_eq!(queue.points(), 1);
    }

    #[test]
    fn batches_are_taken_from_both_ends_while_more_comes_in() {
        let mut queue = Queue::default();
        queue.add_points((0..6).map(|time| sample("a", time, 1.0)).collect(), 0);
        let newest = queue.points_from(End::Newest, 2);
        assert_eq!(times(&newest), [4, 5]);
        queue.add_points(vec![sample("b", 6, 1.0)], 0);
        queue.points_done(&newest);
        assert_eq!(times(&queue.points_from(End::Oldest, 5)), [0, 1, 2, 3, 6]);
        queue.points_done(&queue.points_from(End::Oldest, 9));
        assert!(queue.is_empty());
    }
}
