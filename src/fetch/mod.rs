//! Carries out the planned requests with one of the two calls that read CloudWatch, a few at a time.
//! A request that fails loses its own series only.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use crate::aws::{Client, MetricData, Query};
use crate::model::catalog::{SAMPLED, Source};
use crate::model::inventory::Cluster;
use crate::model::origin::Origin;
use crate::model::progress::{Progress, Stage};
use crate::model::reader::Reader;
use crate::model::sample::{Batch, Sample, SeriesId};
use crate::model::time::Window;

/// How many requests are under way at once.
fn at_once(reader: Reader) -> usize {
    match reader {
        Reader::Data => 4,
        Reader::Statistics => 16,
    }
}

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

/// What one request asks for.
#[derive(Debug, Clone, Copy)]
struct Request<'a> {
    window: Window,
    series: &'a [(usize, SeriesId)],
}

/// Reads all batches until the deadline; `clusters` are those that the batches' places point at.
/// What has come by then is kept, and the rest told as unread.
pub async fn fetch(
    client: &Client,
    reader: Reader,
    batches: &[Batch],
    clusters: &[&Cluster],
    deadline: Instant,
    progress: &Progress,
) -> Fetched {
    let mut fetched = Fetched::default();
    let requests: Vec<Request<'_>> = batches
        .iter()
        .flat_map(|batch| requests(batch, reader))
        .collect();
    progress.expect(Stage::Requests, requests.len());
    let mut waiting: BTreeSet<usize> = (0..requests.len()).collect();
    let mut answers = stream::iter(requests.iter().enumerate())
        .map(|(number, request)| async move {
            let queries = queries(request.series, clusters);
            let answer = match reader {
                Reader::Data => client.metric_data(&queries, request.window).await,
                Reader::Statistics => client.metric_statistics(&queries, request.window).await,
            };
            (number, answer)
        })
        .buffer_unordered(at_once(reader));
    while let Ok(Some((number, answer))) = tokio::time::timeout_at(deadline, answers.next()).await {
        waiting.remove(&number);
        progress.finish(Stage::Requests, 1);
        match answer {
            Ok(data) => fetched.take(requests[number].series, data),
            Err(error) => fetched.unread(requests[number].series, error.message, error.detail),
        }
    }
    for number in waiting {
        let message = "CloudWatch did not answer in time; the next poll reads these minutes again";
        fetched.unread(requests[number].series, message.to_owned(), None);
    }
    fetched
}

impl Fetched {
    fn take(&mut self, series: &[(usize, SeriesId)], data: MetricData) {
        self.notes.extend(data.notes);
        for ((place, series), read) in series.iter().zip(data.series) {
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

    fn unread(&mut self, series: &[(usize, SeriesId)], message: String, detail: Option<String>) {
        let unread = self.troubles.entry(message).or_default();
        unread.places.extend(series.iter().map(|(place, _)| *place));
        unread.detail = unread.detail.take().or(detail);
    }
}

/// A batch as requests: one of GetMetricData, or one of GetMetricStatistics for each of its metrics,
/// whose statistics stand together.
fn requests(batch: &Batch, reader: Reader) -> Vec<Request<'_>> {
    let window = batch.window;
    let whole = batch.series.as_slice();
    match reader {
        Reader::Data => vec![Request {
            window,
            series: whole,
        }],
        Reader::Statistics => whole
            .chunk_by(|(place, one), (next_place, next)| {
                place == next_place && one.service == next.service && metric(one) == metric(next)
            })
            .map(|series| Request { window, series })
            .collect(),
    }
}

/// The CloudWatch metric of a series, with its namespace.
fn metric(series: &SeriesId) -> (&'static str, &'static str) {
    let (namespace, metric, _) = asked(series);
    (namespace, metric)
}

/// The namespace, the CloudWatch metric and the statistic of a series.
fn asked(series: &SeriesId) -> (&'static str, &'static str, &'static str) {
    match series.metric.metric().source {
        Source::CloudWatch {
            origin,
            metric,
            statistic,
            ..
        } => (origin.namespace(), metric, statistic.as_str()),
        // A count is no metric of CloudWatch: asked for there, it is the number of samples.
        _ => (Origin::Ecs.namespace(), SAMPLED, "SampleCount"),
    }
}

fn queries<'a>(series: &'a [(usize, SeriesId)], clusters: &[&'a Cluster]) -> Vec<Query<'a>> {
    series
        .iter()
        .filter_map(|(place, series)| {
            let (namespace, metric, statistic) = asked(series);
            Some(Query {
                namespace,
                metric,
                statistic,
                cluster: &clusters.get(*place)?.name,
                service: series.service.as_deref(),
            })
        })
        .collect()
}
