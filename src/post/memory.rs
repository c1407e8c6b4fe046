//! What was posted of a cluster's recent minutes, so that a point is posted once, and again only
//! if its value changed.

use std::collections::{BTreeMap, HashMap};

use crate::model::catalog::running_count;
use crate::model::hash::stable_hash;
use crate::model::sample::{Sample, SeriesId};
use crate::model::time::Minute;

/// Values that Mackerel accepted, per series, oldest minute first.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    series: HashMap<SeriesId, Vec<(Minute, f64)>>,
}

/// What CloudWatch had for each of some minutes, each minute boiled down to one number: enough to
/// tell that nothing changed, and small enough to be noted on Mackerel.
pub type Digests = BTreeMap<Minute, u64>;

impl Memory {
    /// Whether the sample is new or differs from what was posted.
    pub fn is_news(&self, sample: &Sample) -> bool {
        self.value(&sample.series, sample.minute) != Some(sample.value)
    }

    /// Remembers a sample that Mackerel accepted.
    pub fn remember(&mut self, sample: &Sample) {
        let points = match self.series.get_mut(&sample.series) {
            Some(points) => points,
            None => self.series.entry(sample.series.clone()).or_default(),
        };
        match points.binary_search_by_key(&sample.minute, |(minute, _)| *minute) {
            Ok(found) => points[found].1 = sample.value,
            Err(place) => points.insert(place, (sample.minute, sample.value)),
        }
    }

    /// The value that was accepted of a series for a minute.
    pub fn value(&self, series: &SeriesId, minute: Minute) -> Option<f64> {
        let points = self.series.get(series)?;
        let found = points.binary_search_by_key(&minute, |(minute, _)| *minute);
        Some(points[found.ok()?].1)
    }

    /// Boils down what was accepted of CloudWatch's values since a minute.
    pub fn digests(&self, since: Minute) -> Digests {
        let of_cloudwatch = self.series.iter().filter(|(series, _)| is_read(series));
        let mut text = String::new();
        digests(of_cloudwatch.flat_map(|(series, points)| {
            series.write_name(&mut text);
            let name = stable_hash(&text);
            points
                .iter()
                .filter(move |(minute, _)| *minute >= since)
                .map(move |(minute, value)| (name, *minute, *value))
        }))
    }

    /// Remembers those minutes of what was read that an earlier process posted just so.
    pub fn recall(&mut self, read: &[Sample], noted: &Digests) {
        if noted.is_empty() {
            return;
        }
        let mut names: HashMap<&SeriesId, u64> = HashMap::new();
        let mut text = String::new();
        let values: Vec<(u64, Minute, f64)> = read
            .iter()
            .map(|sample| {
                let series = &sample.series;
                let name = names.entry(series).or_insert_with(|| {
                    series.write_name(&mut text);
                    stable_hash(&text)
                });
                (*name, sample.minute, sample.value)
            })
            .collect();
        let found = digests(values.into_iter());
        for sample in read {
            if noted.contains_key(&sample.minute)
                && noted.get(&sample.minute) == found.get(&sample.minute)
            {
                self.remember(sample);
            }
        }
    }

    /// How many series are remembered.
    pub fn series(&self) -> usize {
        self.series.len()
    }

    /// Forgets minutes that will not be read again, and series without any left. Running counts are
    /// kept from another minute on, where they may be restored again.
    pub fn forget_before(&mut self, oldest: Minute, oldest_running: Minute) {
        let running = running_count();
        self.series.retain(|series, points| {
            let oldest = match series.metric == running {
                true => oldest.min(oldest_running),
                false => oldest,
            };
            let keep_from = points.partition_point(|(minute, _)| *minute < oldest);
            points.drain(..keep_from);
            !points.is_empty()
        });
    }
}

/// Whether a series is read from CloudWatch, minute by minute.
fn is_read(series: &SeriesId) -> bool {
    series.metric.metric().source.is_read()
}

/// One number for each minute, whatever the order of its values.
fn digests(values: impl Iterator<Item = (u64, Minute, f64)>) -> Digests {
    let mut digests = Digests::new();
    for (name, minute, value) in values {
        // The finalizer of SplitMix64, so that a sum of such numbers tells its parts apart.
        let mut mixed = name ^ value.to_bits().rotate_left(32);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let sum = digests.entry(minute).or_default();
        *sum = sum.wrapping_add(mixed ^ (mixed >> 31));
    }
    digests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{MetricId, Source};

    fn sample(minute: i64, value: f64) -> Sample {
        Sample {
            series: SeriesId {
                metric: MetricId::all().next().unwrap(),
                service: Some("api".into()),
            },
            minute: Minute::of_seconds(minute * 60),
            value,
        }
    }

    #[test]
    fn a_value_is_news_once_and_again_when_it_changed() {
        let mut memory = Memory::default();
        assert!(memory.is_news(&sample(10, 1.0)));
        memory.remember(&sample(10, 1.0));
        assert!(!memory.is_news(&sample(10, 1.0)));
        assert!(memory.is_news(&sample(11, 1.0)));
        assert!(memory.is_news(&sample(10, 2.0)));
        memory.remember(&sample(10, 2.0));
        assert!(!memory.is_news(&sample(10, 2.0)));
    }

    #[test]
    fn another_process_recalls_minutes_that_did_not_change() {
        let metric = MetricId::all()
            .find(|id| matches!(id.metric().source, Source::CloudWatch { .. }))
            .unwrap();
        let sample = |minute: i64, service: &str, value: f64| Sample {
            series: SeriesId {
                metric,
                service: Some(service.into()),
            },
            minute: Minute::of_seconds(minute * 60),
            value,
        };
        let posted = [
            sample(10, "a", 1.0),
            sample(10, "b", 2.0),
            sample(11, "a", 3.0),
            sample(12, "a", 4.0),
        ];
        let mut memory = Memory::default();
        for sample in posted.iter().rev() {
            memory.remember(sample);
        }
        let noted = memory.digests(Minute::of_seconds(0));
        assert_eq!(noted.len(), 3);
        // The same again, but one value of minute 11 was revised and minute 12 got a series more.
        let read = [
            sample(10, "b", 2.0),
            sample(10, "a", 1.0),
            sample(11, "a", 3.5),
            sample(12, "a", 4.0),
            sample(12, "b", 5.0),
            sample(13, "a", 6.0),
        ];
        let mut other = Memory::default();
        other.recall(&read, &noted);
        let news: Vec<bool> = read.iter().map(|sample| other.is_news(sample)).collect();
        assert_eq!(news, [false, false, true, true, true, true]);
        // Values that changed places are a change.
        let swapped = [sample(10, "a", 2.0), sample(10, "b", 1.0)];
        let mut other = Memory::default();
        other.recall(&swapped, &noted);
        assert!(other.is_news(&swapped[0]));
    }

    #[test]
    fn old_minutes_are_forgotten() {
        let mut memory = Memory::default();
        for minute in [12, 10, 11] {
            memory.remember(&sample(minute, 1.0));
        }
        memory.forget_before(Minute::of_seconds(11 * 60), Minute::of_seconds(11 * 60));
        assert!(memory.is_news(&sample(10, 1.0)));
        assert!(!memory.is_news(&sample(11, 1.0)));
        memory.forget_before(Minute::of_seconds(13 * 60), Minute::of_seconds(13 * 60));
        assert!(memory.series.is_empty());
    }
}
