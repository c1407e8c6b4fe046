//! The documented rate limits as token buckets, one for each account, region and group of calls.
//!
//! A request that alone needs more than a bucket holds is let through when the bucket is full (an
//! assumption: AWS does not say what it does).

use std::collections::HashMap;

use chrono::{DateTime, Utc};

/// A group of calls that share a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// ListClusters and DescribeClusters.
    ClusterRead,
    /// ListServices and DescribeServices. DescribeServiceRevisions too, which is an assumption: the
    /// documented groups do not name it.
    ServiceRead,
    /// GetMetricData, by requests.
    MetricData,
    /// GetMetricData of the last three hours, by estimated datapoints.
    RecentDatapoints,
    /// GetMetricData of longer ago, by estimated datapoints.
    OldDatapoints,
    /// GetMetricStatistics.
    MetricStatistics,
    /// ListMetrics.
    MetricList,
}

impl Group {
    /// The most tokens it holds, and how many it gains a second. For CloudWatch AWS documents
    /// rates only; holding one second's worth is an assumption.
    fn size(self) -> (f64, f64) {
        match self {
            Group::ClusterRead => (50.0, 20.0),
            Group::ServiceRead => (100.0, 20.0),
            Group::MetricData => (500.0, 500.0),
            Group::RecentDatapoints => (180_000.0, 180_000.0),
            Group::OldDatapoints => (396_000.0, 396_000.0),
            Group::MetricStatistics => (400.0, 400.0),
            Group::MetricList => (25.0, 25.0),
        }
    }
}

/// All buckets.
#[derive(Debug, Default)]
pub struct Limiter {
    buckets: HashMap<(String, String, Group), Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: DateTime<Utc>,
}

impl Limiter {
    /// Takes tokens for a request; false when there are too few, and then none is taken.
    pub fn take(
        &mut self,
        place: (&str, &str),
        group: Group,
        tokens: f64,
        now: DateTime<Utc>,
    ) -> bool {
        let (most, a_second) = group.size();
        let key = (place.0.to_owned(), place.1.to_owned(), group);
        let bucket = self.buckets.entry(key).or_insert(Bucket {
            tokens: most,
            filled_at: now,
        });
        let passed = (now - bucket.filled_at).num_milliseconds().max(0) as f64 / 1000.0;
        bucket.tokens = (bucket.tokens + passed * a_second).min(most);
        bucket.filled_at = now.max(bucket.filled_at);
        let tokens = tokens.min(most);
        let enough = bucket.tokens >= tokens;
        if enough {
            bucket.tokens -= tokens;
        }
        enough
    }
}
