//! Carries out the planned requests, a few at a time. A request that fails loses its own series
//! only.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use crate::aws::{Client, MetricData, Query};
use crate::model::catalog::{SAMPLED, Source};
use crate::model::inventory::Cluster;
use crate::model::sample::{Batch, Sample};

/// How many requests are under way at once.
const AT_ONCE: usize = 4;

/// What the requests brought.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Samples, by the place of their cluster.
    pub samples: BTreeMap<usize, Vec<Sample>>,
    /// What could not be read, by its message.
    pub troubles: BTreeMap<String, Unread>,
    /// Notes of CloudWatch.
    pub notes: Vec<String>,
}

/// Series that could not be read.
#[derive(Debug, Default)]
pub struct Unread {
    /// The places of their clusters.
    pub places: BTreeSet<usize>,
    /// What CloudWatch said of the first of them.
    pub detail: Option<String>,
}

/// Reads all batches until the deadline; `clusters` are those that the batches' places point at.
/// What has come by then is kept, and the rest told as unread.
pub async fn fetch(
    client: &Client,
    batches: &[Batch],
    clusters: &[&Cluster],
    deadline: Instant,
) -> Fetched {
    let mut fetched = Fetched::default();
    let mut waiting: BTreeSet<usize> = (0..batches.len()).collect();
    let mut answers = stream::iter(batches.iter().enumerate())
        .map(|(number, batch)| async move {
            let queries = queries(batch, clusters);
            (number, client.metric_data(&queries, batch.window).await)
        })
        .buffer_unordered(AT_ONCE);
    while let Ok(Some((number, answer))) = tokio::time::timeout_at(deadline, answers.next()).await {
        waiting.remove(&number);
        match answer {
            Ok(data) => fetched.take(&batches[number], data),
            Err(error) => fetched.unread(&batches[number], error.message, error.detail),
        }
    }
    for number in waiting {
        let message = "CloudWatch did not answer in time; the next poll reads these minutes again";
        fetched.unread(&batches[number], message.to_owned(), None);
    }
    fetched
}

impl Fetched {
    fn take(&mut self, batch: &Batch, data: MetricData) {
        self.notes.extend(data.notes);
        for ((place, series), read) in batch.series.iter().zip(data.series) {
            let points = read.points.into_iter().map(|(minute, value)| Sample {
                series: series.clone(),
                minute,
                value,
            });
            self.samples.entry(*place).or_default().extend(points);
            if let Some(trouble) = read.trouble {
                let message = format!("CloudWatch did not give all data: {trouble}");
                let unread = self.troubles.entry(message).or_default();
                unread.places.insert(*place);
            }
        }
    }

    fn unread(&mut self, batch: &Batch, message: String, detail: Option<String>) {
        let unread = self.troubles.entry(message).or_default();
        unread
            .places
            .extend(batch.series.iter().map(|(place, _)| *place));
        unread.detail = unread.detail.take().or(detail);
    }
}

fn queries<'a>(batch: &'a Batch, clusters: &[&'a Cluster]) -> Vec<Query<'a>> {
    batch
        .series
        .iter()
        .filter_map(|(place, series)| {
            let (metric, statistic) = match series.metric.metric().source {
                Source::CloudWatch {
                    metric, statistic, ..
                } => (metric, statistic.as_str()),
                // A count is no metric of CloudWatch: asked for there, it is the number of samples.
                Source::Service(_) | Source::Cluster(_) => (SAMPLED, "SampleCount"),
            };
            Some(Query {
                metric,
                statistic,
                cluster: &clusters.get(*place)?.name,
                service: series.service.as_deref(),
            })
        })
        .collect()
}
