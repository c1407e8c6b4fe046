//! Carries out the planned requests, a few at a time. A request that fails loses its own series
//! only.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};

use crate::aws::{Client, Query};
use crate::model::catalog::Source;
use crate::model::inventory::Cluster;
use crate::model::sample::Sample;
use crate::plan::batch::Batch;

/// How many requests are under way at once.
const AT_ONCE: usize = 4;

/// What the requests brought.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Samples, by the place of their cluster.
    pub samples: BTreeMap<usize, Vec<Sample>>,
    /// What could not be read: a sentence, and the places of the clusters that it touched.
    pub troubles: BTreeMap<String, Vec<usize>>,
    /// Notes of CloudWatch.
    pub notes: Vec<String>,
}

/// Reads all batches; `clusters` are those that the batches' places point at.
pub async fn fetch(client: &Client, batches: &[Batch], clusters: &[&Cluster]) -> Fetched {
    let mut fetched = Fetched::default();
    let mut answers = stream::iter(batches)
        .map(|batch| async move {
            let queries = queries(batch, clusters);
            (batch, client.metric_data(&queries, batch.window).await)
        })
        .buffered(AT_ONCE);
    while let Some((batch, answer)) = answers.next().await {
        match answer {
            Ok(data) => {
                fetched.notes.extend(data.notes);
                for ((place, series), read) in batch.series.iter().zip(data.series) {
                    let points = read.points.into_iter().map(|(minute, value)| Sample {
                        series: series.clone(),
                        minute,
                        value,
                    });
                    fetched.samples.entry(*place).or_default().extend(points);
                    if let Some(trouble) = read.trouble {
                        let message = format!("CloudWatch did not give all data: {trouble}");
                        add_trouble(&mut fetched.troubles, message, *place);
                    }
                }
            }
            Err(error) => {
                for (place, _) in &batch.series {
                    add_trouble(&mut fetched.troubles, error.to_string(), *place);
                }
            }
        }
    }
    fetched
}

fn queries<'a>(batch: &'a Batch, clusters: &[&'a Cluster]) -> Vec<Query<'a>> {
    batch
        .series
        .iter()
        .filter_map(|(place, series)| {
            let Source::CloudWatch {
                metric, statistic, ..
            } = series.metric.metric().source
            else {
                return None;
            };
            Some(Query {
                metric,
                statistic: statistic.as_str(),
                cluster: &clusters.get(*place)?.name,
                service: series.service.as_deref(),
            })
        })
        .collect()
}

fn add_trouble(troubles: &mut BTreeMap<String, Vec<usize>>, message: String, place: usize) {
    let places = troubles.entry(message).or_default();
    if places.last() != Some(&place) {
        places.push(place);
    }
}
