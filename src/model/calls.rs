//! How many calls were made, by API: what AWS and Mackerel saw, retries included. And how much one
//! of them may ask for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many clusters one DescribeClusters may name.
pub const DESCRIBE_CLUSTERS: usize = 100;

/// How many services one DescribeServices may name.
pub const DESCRIBE_SERVICES: usize = 10;

/// How many ARNs a page of ListClusters and ListServices holds at most; ListServices gives 10 unless
/// asked.
pub const LIST_PAGE: usize = 100;

/// How many revisions one DescribeServiceRevisions may name.
pub const DESCRIBE_REVISIONS: usize = 20;

/// A shared count, cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<Counted>>);

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// Requests by API.
    pub made: BTreeMap<String, u64>,
    /// Those of them that were answered with "too many", by API.
    pub throttled: BTreeMap<String, u64>,
    /// Metrics requested of CloudWatch, which is what it charges for.
    pub requested: Requested,
}

/// Metrics requested of CloudWatch. It is disputed whether AWS counts up to five statistics of a
/// metric in one request of GetMetricData as one, as its price list says, or each, as users report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requested {
    /// If statistics of one metric count as one.
    pub least: u64,
    /// If each counts.
    pub most: u64,
}

impl Calls {
    /// Counts one call.
    pub fn add(&self, api: &str) {
        add(&mut self.counted().made, api);
    }

    /// Counts an answer that says "too many".
    pub fn add_throttled(&self, api: &str) {
        add(&mut self.counted().throttled, api);
    }

    /// Counts metrics requested of CloudWatch.
    pub fn add_requested(&self, least: u64, most: u64) {
        let requested = &mut self.counted().requested;
        requested.least += least;
        requested.most += most;
    }

    /// The counts since the last time they were taken.
    pub fn take(&self) -> Counted {
        std::mem::take(&mut self.counted())
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(counts: &mut BTreeMap<String, u64>, api: &str) {
    match counts.get_mut(api) {
        Some(count) => *count += 1,
        None => _ = counts.insert(api.to_owned(), 1),
    }
}
