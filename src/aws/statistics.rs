//! GetMetricStatistics: one metric with up to five statistics a request, of which the first million
//! a month are free.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Datapoint, Statistic};

use super::Client;
use super::cloudwatch::{MetricData, PERIOD, Query, SeriesData, dimensions};
use super::error::Error;
use crate::model::reader::Reader;
use crate::model::time::{Minute, Window};

impl Client {
    /// Reads the statistics of one metric over a window of at most 1,440 minutes: all queries must
    /// be of the same metric and differ in nothing but the statistic.
    pub async fn metric_statistics(
        &self,
        queries: &[Query<'_>],
        window: Window,
    ) -> Result<MetricData, Error> {
        let mut data = MetricData::default();
        let Some(first) = queries.first() else {
            return Ok(data);
        };
        let action = Reader::Statistics.action();
        self.calls.add_requested(1, 1);
        self.statistics_reads.take().await;
        let answer = self
            .cloudwatch
            .get_metric_statistics()
            .namespace(first.namespace)
            .metric_name(first.metric)
            .set_dimensions(Some(dimensions(first)))
            .set_statistics(Some(
                queries
                    .iter()
                    .map(|query| Statistic::from(query.statistic))
                    .collect(),
            ))
            .period(PERIOD)
            .start_time(DateTime::from_secs(window.from.start()))
            .end_time(DateTime::from_secs(window.to.start()))
            .send()
            .await
            .map_err(|error| Error::of_call(action, error, &self.statistics_reads))?;
        let points = answer.datapoints.unwrap_or_default();
        data.series = queries
            .iter()
            .map(|query| series(&points, query.statistic, window))
            .collect();
        Ok(data)
    }
}

/// The values of one statistic, oldest first: the answer is in no order.
fn series(points: &[Datapoint], statistic: &str, window: Window) -> SeriesData {
    let mut own: Vec<(Minute, f64)> = points
        .iter()
        .filter_map(|point| {
            let value = match statistic {
                "SampleCount" => point.sample_count,
                "Average" => point.average,
                "Minimum" => point.minimum,
                "Maximum" => point.maximum,
                "Sum" => point.sum,
                _ => None,
            };
            let minute = Minute::of_seconds(point.timestamp?.secs());
            Some((minute, value?))
        })
        .filter(|(minute, value)| value.is_finite() && window.contains(*minute))
        .collect();
    own.sort_by_key(|(minute, _)| *minute);
    SeriesData {
        points: own,
        trouble: None,
    }
}
