//! The calls to AWS that the poller makes, as model types: nothing outside this folder names a
//! type of the AWS SDK.

mod attempts;
mod cloudwatch;
mod connect;
mod ecs;
mod error;
mod identity;
pub mod object;
mod regions;
mod sign;
mod statistics;

pub use cloudwatch::{MAX_QUERIES, MetricData, Query, SeriesData};
pub use connect::{Access, Clock, Keys, Role, connect};
pub use ecs::{DESCRIBE_CLUSTERS, DESCRIBE_SERVICES, Described, LIST_PAGE};
pub use error::{Error, Kind};

use std::time::Duration;

use crate::model::calls::Calls;
use crate::pace::bucket::{Bucket, Rate};

/// One Region of one account.
#[derive(Debug)]
pub struct Client {
    region: String,
    config: aws_types::SdkConfig,
    ecs: aws_sdk_ecs::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    calls: Calls,
    cluster_reads: Bucket,
    service_reads: Bucket,
    metric_reads: Bucket,
    statistics_reads: Bucket,
}

impl Client {
    /// The Region's name.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// How many requests of GetMetricStatistics may be made in a time; none for any number.
    pub fn statistics_within(&self, time: Duration) -> Option<usize> {
        self.statistics_reads.within(time)
    }
}

/// ListClusters and DescribeClusters (ECS, "Request throttling for the Amazon ECS API").
pub const CLUSTER_READS: Rate = Rate {
    burst: 50,
    per_second: 20.0,
};

/// ListServices and DescribeServices (the same page).
pub const SERVICE_READS: Rate = Rate {
    burst: 100,
    per_second: 20.0,
};

/// GetMetricData. The General Reference documents 500 requests a second, older pages 50; the
/// lower figure is taken, for it still allows 25,000 metrics a second.
pub const METRIC_READS: Rate = Rate {
    burst: 50,
    per_second: 50.0,
};

/// GetMetricStatistics (General Reference: 400 requests a second).
pub const STATISTICS_READS: Rate = Rate {
    burst: 400,
    per_second: 400.0,
};
