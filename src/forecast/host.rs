//! How many metrics each cluster's host gets, beside what a host of Mackerel's includes.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::{Part, SEEN, history, reading};
use crate::aws::MAX_QUERIES;
use crate::config::selection::Selection;
use crate::map::count::counts;
use crate::map::highest::highest;
use crate::model::inventory::Observed;
use crate::model::sample::Sample;
use crate::model::time::Minute;
use crate::plan::batch::batches;

/// How many metrics a host includes (Mackerel's price list); a host of a cluster counts as standard.
pub const STANDARD: usize = 200;
/// Likewise for a micro host.
pub const MICRO: usize = 30;

/// The hosts of an estate.
#[derive(Debug, Serialize)]
pub struct Hosts {
    /// How many there are, one a cluster.
    pub count: usize,
    /// Metrics of all of them together.
    pub metrics: usize,
    /// Of the host that has the fewest, of the one in the middle, and of the one that has the most.
    pub least: usize,
    /// See `least`.
    pub median: usize,
    /// See `least`.
    pub most: usize,
    /// How many metrics a standard host includes.
    pub standard_includes: usize,
    /// How many metrics a micro host includes.
    pub micro_includes: usize,
    /// How many further hosts Mackerel counts for metrics beyond what all of these include together.
    pub further: usize,
    /// Those that pass it, the largest first.
    pub beyond: Vec<Host>,
    /// How many hosts Mackerel has already, by the size that it gives them; none where it was not
    /// asked.
    pub sizes: Option<BTreeMap<String, usize>>,
}

/// A cluster's host.
#[derive(Debug, Serialize)]
pub struct Host {
    /// The target's name.
    pub target: String,
    /// The Region.
    pub region: String,
    /// The cluster's name.
    pub cluster: String,
    /// How many metrics it gets.
    pub metrics: usize,
}

/// How many metrics a cluster's host gets while what runs goes on to run.
pub fn metrics(observed: &Observed, selection: &Selection) -> usize {
    let history = history(observed);
    let read: Vec<Sample> = batches(&[reading(observed, &history)], selection, MAX_QUERIES)
        .into_iter()
        .flat_map(|batch| batch.series)
        .map(|(_, series)| Sample {
            series,
            minute: SEEN,
            value: 0.0,
        })
        .collect();
    let made_of_it = highest(&read, selection).len();
    counts(observed, selection, Minute::EPOCH).len() + read.len() + made_of_it
}

impl Hosts {
    pub(super) fn of(parts: &[Part]) -> Hosts {
        let mut hosts: Vec<Host> = parts
            .iter()
            .flat_map(|part| {
                part.clusters.iter().map(|observed| Host {
                    target: part.target.clone(),
                    region: part.region.clone(),
                    cluster: observed.cluster.name.clone(),
                    metrics: metrics(observed, &part.metrics),
                })
            })
            .collect();
        hosts.sort_by_key(|host| Reverse(host.metrics));
        let at = |place: usize| hosts.get(place).map_or(0, |host| host.metrics);
        let total: usize = hosts.iter().map(|host| host.metrics).sum();
        Hosts {
            count: hosts.len(),
            metrics: total,
            least: at(hosts.len().saturating_sub(1)),
            median: at(hosts.len() / 2),
            most: at(0),
            standard_includes: STANDARD,
            micro_includes: MICRO,
            further: total
                .saturating_sub(STANDARD * hosts.len())
                .div_ceil(STANDARD),
            sizes: None,
            beyond: {
                hosts.retain(|host| host.metrics > STANDARD);
                hosts
            },
        }
    }
}
