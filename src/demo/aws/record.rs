//! What the simulated AWS was asked: counts for as long as it runs, and a log of the latest calls.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};

const MOST_RECORDS: usize = 10_000;
const MOST_ITEMS: usize = 100_000;

/// Everything that was asked since the start or the last reset.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// For each IAM action, such as `ecs:DescribeServices`.
    pub counts: BTreeMap<String, CallCount>,
    /// The latest calls, oldest first: at most 10,000 of them, with 100,000 items in all.
    pub log: VecDeque<CallRecord>,
    items: usize,
}

/// How often an action was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallCount {
    /// Requests.
    pub calls: u64,
    /// Queries, clusters, services or revisions in all the requests; for CloudWatch, what is
    /// billed.
    pub items: u64,
    /// Requests that did not get status 200, or no whole answer.
    pub failed: u64,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRecord {
    /// The IAM action.
    pub action: String,
    /// The caller's account; empty when the caller is unknown.
    pub account: String,
    /// The region of the signature; empty when there is none.
    pub region: String,
    /// The HTTP status; 0 when there was no answer.
    pub status: u16,
    /// The error's name, or the fault's.
    pub error: Option<String>,
    /// The clusters, services or revisions that were named, the role to assume, or for CloudWatch
    /// each query as `CPUUtilization web/api Average 60` (metric, dimension values, statistics,
    /// period).
    pub items: Vec<String>,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

impl Calls {
    /// The number of requests for an action.
    pub fn count(&self, action: &str) -> u64 {
        self.counts.get(action).map_or(0, |count| count.calls)
    }

    /// The logged requests for an action.
    pub fn of<'a>(&'a self, action: &'a str) -> impl Iterator<Item = &'a CallRecord> {
        self.log
            .iter()
            .filter(move |record| record.action == action)
    }

    /// Adds a request, and forgets the oldest ones when there are too many.
    pub fn add(&mut self, record: CallRecord) {
        if !self.counts.contains_key(&record.action) {
            self.counts
                .insert(record.action.clone(), CallCount::default());
        }
        if let Some(count) = self.counts.get_mut(&record.action) {
            count.calls += 1;
            count.items += record.items.len() as u64;
            count.failed += u64::from(record.error.is_some());
        }
        self.items += record.items.len();
        self.log.push_back(record);
        while self.log.len() > MOST_RECORDS || (self.items > MOST_ITEMS && self.log.len() > 1) {
            let forgotten = self.log.pop_front();
            self.items -= forgotten.map_or(0, |record| record.items.len());
        }
    }
}
