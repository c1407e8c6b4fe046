//! GetMetricData: many series in one request, page by page, each with its own fate.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StatusCode,
};

use super::Client;
use super::error::{Error, Kind};
use crate::model::reader::Reader;
use crate::model::time::{Minute, Window};

/// How many queries one request may hold.
pub const MAX_QUERIES: usize = 500;

/// More pages than any request of ours can have: a page holds 100,800 datapoints.
const MAX_PAGES: usize = 100;

/// How often a request is made again whose results are in part `InternalError`, and after how
/// long.
const RETRIES: usize = 2;
const RETRY_WAIT: Duration = Duration::from_millis(500);

const ACTION: &str = Reader::Data.action();
pub(super) const PERIOD: i32 = 60;

/// One series to read: a metric with one statistic, minute by minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// The namespace of the metric.
    pub namespace: &'a str,
    /// The CloudWatch metric.
    pub metric: &'a str,
    /// The statistic.
    pub statistic: &'a str,
    /// The dimension `ClusterName`.
    pub cluster: &'a str,
    /// The dimension `ServiceName`, for a metric of a service.
    pub service: Option<&'a str>,
}

/// What a request brought.
#[derive(Debug, Default)]
pub struct MetricData {
    /// One entry per query, in the order asked.
    pub series: Vec<SeriesData>,
    /// Notes of CloudWatch on the request as a whole.
    pub notes: Vec<String>,
}

/// What one query brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesData {
    /// Minutes and values, oldest first, finite values only.
    pub points: Vec<(Minute, f64)>,
    /// Why this series is not complete, if it is not.
    pub trouble: Option<String>,
}

impl Client {
    /// Reads up to [`MAX_QUERIES`] series over a window.
    ///
    /// Pages are followed to the end, and a query that CloudWatch could not answer for a reason of
    /// its own is asked again. An error loses the whole request.
    pub async fn metric_data(
        &self,
        queries: &[Query<'_>],
        window: Window,
    ) -> Result<MetricData, Error> {
        let mut series = vec![SeriesData::default(); queries.len()];
        let mut notes = Vec::new();
        let mut asked: Vec<usize> = (0..queries.len()).collect();
        for retry in 0..=RETRIES {
            let failed = self
                .read_pages(queries, &asked, window, &mut series, &mut notes)
                .await?;
            if failed.is_empty() || retry == RETRIES {
                break;
            }
            tokio::time::sleep(RETRY_WAIT).await;
            asked = failed;
        }
        for one in &mut series {
            one.points.sort_by_key(|(minute, _)| *minute);
        }
        Ok(MetricData { series, notes })
    }

    /// Reads some of the queries to their last page; gives those that are worth another try.
    async fn read_pages(
        &self,
        queries: &[Query<'_>],
        asked: &[usize],
        window: Window,
        series: &mut [SeriesData],
        notes: &mut Vec<String>,
    ) -> Result<Vec<usize>, Error> {
        let request: Vec<MetricDataQuery> = asked
            .iter()
            .filter_map(|index| Some(metric_query(*index, queries.get(*index)?)))
            .collect();
        let metrics: HashSet<_> = asked
            .iter()
            .filter_map(|index| queries.get(*index))
            .map(|query| (query.metric, query.cluster, query.service))
            .collect();
        self.calls
            .add_requested(metrics.len() as u64, request.len() as u64);
        let mut last: HashMap<usize, Option<StatusCode>> = HashMap::new();
        for index in asked {
            series[*index] = SeriesData::default();
        }
        let mut token: Option<String> = None;
        for page in 0.. {
            if page == MAX_PAGES {
                return Err(Error::new(
                    Kind::Rejected,
                    ACTION,
                    format!("{ACTION} gave more than {MAX_PAGES} pages; its answers were not used"),
                ));
            }
            self.metric_reads.take().await;
            let points = request.len() * window.minutes().unsigned_abs() as usize;
            self.point_reads.take_many(points).await;
            let answer = self
                .cloudwatch
                .get_metric_data()
                .set_metric_data_queries(Some(request.clone()))
                .start_time(DateTime::from_secs(window.from.start()))
                .end_time(DateTime::from_secs(window.to.start()))
                .scan_by(ScanBy::TimestampAscending)
                .set_next_token(token.take())
                .send()
                .await
                .map_err(|error| Error::of_call(ACTION, error, &self.metric_reads))?;
            notes.extend(answer.messages.unwrap_or_default().into_iter().map(text));
            for result in answer.metric_data_results.unwrap_or_default() {
                let Some(index) = result.id.as_deref().and_then(index_of) else {
                    continue;
                };
                let Some(one) = series.get_mut(index) else {
                    continue;
                };
                let times = result.timestamps.unwrap_or_default();
                let values = result.values.unwrap_or_default();
                one.points.extend(
                    times
                        .iter()
                        .zip(values)
                        .map(|(time, value)| (Minute::of_seconds(time.secs()), value))
                        .filter(|(minute, value)| value.is_finite() && window.contains(*minute)),
                );
                one.trouble = result
                    .messages
                    .filter(|messages| !messages.is_empty())
                    .map(|m| m.into_iter().map(text).collect::<Vec<_>>().join("; "))
                    .or(one.trouble.take());
                last.insert(index, result.status_code);
            }
            match answer.next_token.filter(|token| !token.is_empty()) {
                Some(next) => token = Some(next),
                None => break,
            }
        }
        let mut again = Vec::new();
        for (index, status) in last {
            let Some(one) = series.get_mut(index) else {
                continue;
            };
            let why = match status {
                None | Some(StatusCode::Complete) => continue,
                Some(StatusCode::PartialData) => "only a part of the data came",
                Some(StatusCode::InternalError) => "an internal error of CloudWatch",
                Some(StatusCode::Forbidden) => "forbidden",
                Some(_) => "not complete",
            };
            if why != "forbidden" {
                again.push(index);
            }
            let said = one.trouble.take().map(|said| format!(": {said}"));
            one.trouble = Some(format!("{why}{}", said.unwrap_or_default()));
        }
        again.sort_unstable();
        Ok(again)
    }
}

fn metric_query(index: usize, query: &Query<'_>) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace(query.namespace)
        .metric_name(query.metric)
        .set_dimensions(Some(dimensions(query)));
    MetricDataQuery::builder()
        .id(format!("q{index}"))
        .metric_stat(
            MetricStat::builder()
                .metric(metric.build())
                .period(PERIOD)
                .stat(query.statistic)
                .build(),
        )
        .return_data(true)
        .build()
}

/// The dimensions of a query's metric.
pub(super) fn dimensions(query: &Query<'_>) -> Vec<Dimension> {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let service = query.service.map(|name| dimension("ServiceName", name));
    std::iter::once(dimension("ClusterName", query.cluster))
        .chain(service)
        .collect()
}

/// The query that an id of ours belongs to.
fn index_of(id: &str) -> Option<usize> {
    id.strip_prefix('q')?.parse().ok()
}

fn text(message: aws_sdk_cloudwatch::types::MessageData) -> String {
    let code = message.code.unwrap_or_default();
    let value = message.value.unwrap_or_default();
    format!("{code} {value}").trim().to_owned()
}
