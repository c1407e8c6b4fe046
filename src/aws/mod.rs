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
mod trim;

pub use cloudwatch::{MAX_QUERIES, MetricData, Query, SeriesData};
pub use connect::{Access, Clock, Keys, Role, connect};
pub use ecs::Described;
pub use error::{Error, Kind};

use std::time::Duration;

use crate::model::calls::Calls;
use crate::model::reader::Reader;
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
    point_reads: Bucket,
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

    /// How many calls that list and describe services may be made in a time; none for any number.
    pub fn service_reads_within(&self, time: Duration) -> Option<usize> {
        self.service_reads.within(time)
    }

    /// How many datapoints a reading may ask for in a time; none for any number.
    pub fn points_within(&self, reader: Reader, time: Duration) -> Option<usize> {
        match reader {
            Reader::Statistics => None,
            Reader::Data => self.point_reads.within(time),
        }
    }

    /// [`reading_time`] at this account's share of the rates.
    pub fn reading_time(
        &self,
        reader: Reader,
        metrics: usize,
        queries: usize,
        minutes: usize,
    ) -> Duration {
        reading_time(reader, self.metric_reads.share(), metrics, queries, minutes)
    }
}

/// How long a share of the rates makes a reading of CloudWatch take: so many metrics with so many
/// statistics, over so many minutes.
pub fn reading_time(
    reader: Reader,
    share: Option<f64>,
    metrics: usize,
    queries: usize,
    minutes: usize,
) -> Duration {
    match reader {
        Reader::Statistics => STATISTICS_READS.refill(metrics, share),
        Reader::Data => {
            let calls = METRIC_READS.refill(queries.div_ceil(MAX_QUERIES), share);
            calls.max(POINT_READS.refill(queries * minutes, share))
        }
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

/// The datapoints that GetMetricData is asked for, estimated as the minutes of each query (General
/// Reference: 180,000 a second of the last three hours, 396,000 of those before; the lower figure is
/// taken for both). That a second's worth may come at once is an assumption.
const POINT_READS: Rate = Rate {
    burst: 180_000,
    per_second: 180_000.0,
};

/// GetMetricStatistics (General Reference: 400 requests a second).
pub const STATISTICS_READS: Rate = Rate {
    burst: 400,
    per_second: 400.0,
};
