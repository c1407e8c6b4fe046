//! The highest of what was read of a cluster's services, minute by minute: a figure that one monitor
//! can watch for all of them. Where not all was read there is no figure, for it could be too low.

use std::collections::BTreeMap;

use crate::config::selection::Selection;
use crate::model::catalog::{MetricId, Scope, Source, Statistic};
use crate::model::origin::Origin;
use crate::model::sample::{Sample, SeriesId};
use crate::model::time::Minute;

/// The selected figures of what was read in whole.
pub fn highest(read: &[Sample], selection: &Selection) -> Vec<Sample> {
    let mut found: BTreeMap<(SeriesId, Minute), f64> = BTreeMap::new();
    for id in MetricId::all() {
        let Source::Highest { metric } = id.metric().source else {
            continue;
        };
        let series = SeriesId {
            metric: id,
            service: None,
        };
        if !selection.selects(id, || series.name()) {
            continue;
        }
        let averaged = Source::CloudWatch {
            origin: Origin::Ecs,
            metric,
            statistic: Statistic::Average,
            scope: Scope::Service,
        };
        let of_it = |sample: &&Sample| sample.series.metric.metric().source == averaged;
        for sample in read.iter().filter(of_it) {
            let highest = found
                .entry((series.clone(), sample.minute))
                .or_insert(sample.value);
            *highest = highest.max(sample.value);
        }
    }
    let samples = found.into_iter();
    samples
        .map(|((series, minute), value)| Sample {
            series,
            minute,
            value,
        })
        .collect()
}
