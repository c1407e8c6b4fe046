//! Packs the series to read into requests: as few as may be, and all statistics of a CloudWatch
//! metric in the same one, since AWS charges up to five statistics of a metric in one request as
//! one metric.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::selection::Selection;
use crate::model::catalog::{MetricId, SAMPLED, Scope, Source, running_count};
use crate::model::inventory::{Cluster, Service};
use crate::model::sample::{Batch, SeriesId};
use crate::model::time::Window;
use crate::plan::cost::Load;
use crate::plan::history::History;

/// A cluster to read.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its services.
    pub services: &'a [Service],
    /// The minutes.
    pub window: Window,
    /// What earlier polls saw of it, this one included.
    pub history: &'a History,
    /// Whether the number of samples is read too, to restore running counts that were missed. It
    /// is asked under the metric of the running count.
    pub with_sample_count: bool,
}

/// Plans the requests for the readings, none with more than `limit` series.
pub fn batches(readings: &[Reading<'_>], selection: &Selection, limit: usize) -> Vec<Batch> {
    let mut open: BTreeMap<Window, Vec<Batch>> = BTreeMap::new();
    for (place, reading) in readings.iter().enumerate() {
        if reading.window.minutes() == 0 {
            continue;
        }
        let batches = open.entry(reading.window).or_default();
        for group in groups(reading, selection) {
            let fits = batches
                .last()
                .is_some_and(|batch| batch.series.len() + group.len() <= limit);
            if !fits {
                batches.push(Batch {
                    window: reading.window,
                    series: Vec::with_capacity(limit),
                });
            }
            if let Some(batch) = batches.last_mut() {
                batch
                    .series
                    .extend(group.into_iter().map(|series| (place, series)));
            }
        }
    }
    open.into_values().flatten().collect()
}

/// How much one reading asks for.
pub fn load(readings: &[Reading<'_>], selection: &Selection) -> Load {
    readings
        .iter()
        .flat_map(|reading| groups(reading, selection))
        .fold(Load::default(), |load, group| Load {
            metrics: load.metrics + 1,
            queries: load.queries + group.len(),
        })
}

/// The series of a cluster that are selected and can have data, those of one CloudWatch metric
/// together.
fn groups(reading: &Reading<'_>, selection: &Selection) -> Vec<Vec<SeriesId>> {
    let mut groups = Vec::new();
    if reading
        .history
        .cluster_may_have_data(reading.cluster, reading.window)
    {
        add_groups(
            &mut groups,
            reading.cluster,
            Scope::Cluster,
            None,
            selection,
        );
    }
    let (history, window) = (reading.history, reading.window);
    let present = reading.services.iter().map(|service| &service.name);
    let present = present.filter(|name| history.service_may_have_data(name, window));
    for service in present.chain(history.departed(window)) {
        let first = groups.len();
        add_groups(
            &mut groups,
            reading.cluster,
            Scope::Service,
            Some(service),
            selection,
        );
        if reading.with_sample_count {
            add_sample_count(&mut groups, first, service, selection);
        }
    }
    groups
}

/// The number of samples is one more statistic of the service's CPUUtilization, and stands in one
/// request with the others.
fn add_sample_count(
    groups: &mut Vec<Vec<SeriesId>>,
    first: usize,
    service: &Arc<str>,
    selection: &Selection,
) {
    let series = SeriesId {
        metric: running_count(),
        service: Some(service.clone()),
    };
    if !selection.selects(series.metric, || series.name()) {
        return;
    }
    let of_cpu = |group: &&mut Vec<SeriesId>| {
        group.first().is_some_and(|series| {
            matches!(
                series.metric.metric().source,
                Source::CloudWatch { metric, .. } if metric == SAMPLED
            )
        })
    };
    match groups
        .get_mut(first..)
        .unwrap_or_default()
        .iter_mut()
        .find(of_cpu)
    {
        Some(group) => group.push(series),
        None => groups.push(vec![series]),
    }
}

fn add_groups(
    groups: &mut Vec<Vec<SeriesId>>,
    cluster: &Cluster,
    wanted: Scope,
    service: Option<&Arc<str>>,
    selection: &Selection,
) {
    let mut last = None;
    for id in MetricId::all() {
        let source = id.metric().source;
        let Source::CloudWatch {
            origin,
            metric,
            scope,
            ..
        } = source
        else {
            continue;
        };
        if !origin.sends(cluster.container_insights.as_deref()) {
            continue;
        }
        let series = SeriesId {
            metric: id,
            service: service.cloned(),
        };
        if scope != wanted || !selection.selects(id, || series.name()) {
            continue;
        }
        match groups.last_mut() {
            Some(group) if last == Some(metric) => group.push(series),
            _ => groups.push(vec![series]),
        }
        last = Some(metric);
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
