//! What was posted of a cluster's recent minutes, so that a point is posted once, and again only
//! if its value changed.

use std::collections::HashMap;

use crate::model::sample::{Sample, SeriesId};
use crate::model::time::Minute;

/// Values that Mackerel accepted, per series, oldest minute first.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    series: HashMap<SeriesId, Vec<(Minute, f64)>>,
}

impl Memory {
    /// Whether the sample is new or differs from what was posted.
    pub fn is_news(&self, sample: &Sample) -> bool {
        let posted = self.series.get(&sample.series).and_then(|points| {
            let found = points.binary_search_by_key(&sample.minute, |(minute, _)| *minute);
            Some(points[found.ok()?].1)
        });
        posted != Some(sample.value)
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

    /// Forgets minutes that will not be read again, and series without any left.
    pub fn forget_before(&mut self, oldest: Minute) {
        self.series.retain(|_, points| {
            let keep_from = points.partition_point(|(minute, _)| *minute < oldest);
            points.drain(..keep_from);
            !points.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::MetricId;

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
    fn old_minutes_are_forgotten() {
        let mut memory = Memory::default();
        for minute in [12, 10, 11] {
            memory.remember(&sample(minute, 1.0));
        }
        memory.forget_before(Minute::of_seconds(11 * 60));
        assert!(memory.is_news(&sample(10, 1.0)));
        assert!(!memory.is_news(&sample(11, 1.0)));
        memory.forget_before(Minute::of_seconds(13 * 60));
        assert!(memory.series.is_empty());
    }
}
