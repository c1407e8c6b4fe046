//! How many calls were made, by API: what AWS and Mackerel saw, retries included. And how much one
//! of them may ask for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many clusters one DescribeClusters may name.
pub const DESCRIBE_CLUSTERS: usize = 100;

/// How many services one DescribeServices may name.
pub const DESCRIBE_SERVICES: usize = 10;

/// How many services a page of ListServices holds at most.
pub const LIST_SERVICES: usize = 100;

/// How many revisions one DescribeServiceRevisions may name.
pub const DESCRIBE_REVISIONS: usize = 20;

/// Not a call but what CloudWatch charges for: the metrics requested, each statistic counted as one
/// (the upper bound of what AWS may count).
pub const METRICS_REQUESTED: &str = "cloudwatch metrics requested";

/// A shared count, cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<BTreeMap<String, u64>>>);

impl Calls {
    /// Counts one call, or `amount` units of what an API charges for.
    pub fn add(&self, api: &str, amount: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(api) {
            Some(count) => *count += amount,
            None => {
                counts.insert(api.to_owned(), amount);
            }
        }
    }

    /// The counts since the last time they were taken.
    pub fn take(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
