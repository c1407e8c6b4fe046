//! GetMetricData: up to 500 queries at once, answered in pages of at most 100,800 datapoints.
//!
//! A page token holds the time of the first page, so that later pages continue the same answer.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta};

use crate::demo::aws::answer::Answer;
use crate::demo::aws::cloudwatch::query::{self, Window};
use crate::demo::aws::cloudwatch::series::Series;
use crate::demo::aws::error::AwsError;
use crate::demo::aws::fault::{Fault, FaultKind};
use crate::demo::aws::fleet::noise;
use crate::demo::aws::fleet::statistics::Statistic;
use crate::demo::aws::place::Place;
use crate::demo::aws::token;
use crate::demo::aws::value::Value;

const MOST_QUERIES: usize = 500;
const MOST_DATAPOINTS: i64 = 100_800;
const LONGEST_ID: usize = 255;
const RECENT: TimeDelta = TimeDelta::hours(3);

/// A query, read and checked.
struct Query<'a> {
    id: &'a str,
    label: &'a str,
    cluster: &'a str,
    /// None when there is no such metric, or never a point of the asked unit.
    series: Option<Series<'a>>,
    statistic: Statistic,
    period: i64,
    returned: bool,
}

/// GetMetricData. A fault may spoil results of one cluster, or cut the page. Errors: the input
/// breaks a rule, or the token is not one of this question.
pub fn get(place: &Place, input: &Value, fault: Option<&Fault>) -> Result<Answer, AwsError> {
    let listed = input.list("MetricDataQueries")?;
    if listed.is_empty() {
        return Err(AwsError::missing_parameter("MetricDataQueries"));
    }
    if listed.len() > MOST_QUERIES {
        return Err(AwsError::validation(format!(
            "The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}."
        )));
    }
    let descending = match input.text("ScanBy")? {
        None | Some("TimestampDescending") => true,
        Some("TimestampAscending") => false,
        Some(other) => {
            let message = format!("Unknown value {other} for parameter ScanBy.");
            return Err(AwsError::validation(message));
        }
    };
    let window = Window::read(input, place.now, AwsError::validation)?;
    let queries = read_all(place, listed)?;
    let (position, place) = first_position(place, input, listed, window)?;
    let page = Page {
        place,
        window,
        descending,
        spoiled: spoiled(fault),
        most: most_datapoints(input, fault)?,
    };
    let (results, next) = page.fill(&queries, position);
    let mut answer = vec![
        ("MetricDataResults".into(), Value::List(results)),
        ("Messages".into(), Value::List(Vec::new())),
    ];
    if let Some(position) = next {
        let (query, point) = position;
        let position = format!("{} {query} {point}", place.now.timestamp_millis());
        let token = token::issue(&scope(listed, window), &position);
        answer.push(("NextToken".into(), Value::text_of(token)));
    }
    Ok(Answer::Tree(Value::Map(answer)))
}

/// The datapoints that a request is counted as, and whether all are of the last three hours. Reads
/// leniently: what is wrong is refused later.
pub fn estimated_datapoints(input: &Value, place: &Place) -> (f64, bool) {
    let Ok(window) = Window::read(input, place.now, AwsError::validation) else {
        return (0.0, true);
    };
    let queries = input.list("MetricDataQueries").unwrap_or_default().iter();
    let points = queries.map(|query| {
        let stat = query.field("MetricStat");
        let period = stat.and_then(|stat| query::period(stat).ok());
        window.points(period.unwrap_or(60)) as f64
    });
    let is_recent = place.now - window.start <= RECENT;
    (points.sum(), is_recent)
}

fn read_all<'a>(place: &Place<'a>, listed: &'a [Value]) -> Result<Vec<Query<'a>>, AwsError> {
    let mut ids = HashSet::new();
    let mut queries = Vec::with_capacity(listed.len());
    for one in listed {
        let query = read(place, one)?;
        if !ids.insert(query.id) {
            return Err(AwsError::validation(format!(
                "The values for parameter id in MetricDataQueries are not unique: {}.",
                query.id
            )));
        }
        queries.push(query);
    }
    if !queries.iter().any(|query| query.returned) {
        let message = "At least one query must have ReturnData true.";
        return Err(AwsError::validation(message));
    }
    Ok(queries)
}

fn read<'a>(place: &Place<'a>, query: &'a Value) -> Result<Query<'a>, AwsError> {
    let id = query.text("Id")?;
    let id = id.ok_or_else(|| AwsError::missing_parameter("Id"))?;
    let mut bytes = id.bytes();
    let well_formed = bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !well_formed || id.len() > LONGEST_ID {
        return Err(AwsError::validation(format!(
            "The value {id} for parameter Id is not matching the expected pattern \
             ^[a-z][a-zA-Z0-9_]*$ of at most {LONGEST_ID} characters."
        )));
    }
    if query.field("Expression").is_some() {
        return Err(AwsError::validation(format!(
            "{id}: this simulation answers MetricStat queries only, it has no expressions."
        )));
    }
    if query
        .text("AccountId")?
        .is_some_and(|account| account != place.account)
    {
        return Err(AwsError::validation(format!(
            "{id}: this simulation has no cross-account observability."
        )));
    }
    let stat = query.field("MetricStat").ok_or_else(|| {
        AwsError::validation(format!(
            "{id}: either Expression or MetricStat is required."
        ))
    })?;
    let metric = stat.field("Metric");
    let metric = metric.ok_or_else(|| AwsError::missing_parameter("Metric"))?;
    let name = stat.text("Stat")?;
    let name = name.ok_or_else(|| AwsError::missing_parameter("Stat"))?;
    let mut statistics = Statistic::ALL.into_iter();
    let statistic = statistics.find(|one| one.name() == name).ok_or_else(|| {
        AwsError::validation(format!(
            "{id}: this simulation has Average, Minimum, Maximum, Sum and SampleCount, not {name}."
        ))
    })?;
    let series = query::series(place, metric)?;
    let of_unit = stat.text("Unit")?.is_none_or(|unit| unit == "Percent");
    let mut dimensions = metric.list("Dimensions")?.iter();
    let cluster = dimensions.find(|one| one.text("Name") == Ok(Some("ClusterName")));
    let label = query.text("Label")?.filter(|label| !label.is_empty());
    Ok(Query {
        id,
        label: label.unwrap_or(query::name_of(metric, "MetricName")?),
        cluster: cluster
            .map_or(Ok(None), |one| one.text("Value"))?
            .unwrap_or_default(),
        series: series.filter(|_| of_unit),
        statistic,
        period: query::period(stat)?,
        returned: query.flag("ReturnData")?.unwrap_or(true),
    })
}

fn most_datapoints(input: &Value, fault: Option<&Fault>) -> Result<Limit, AwsError> {
    let most = input.integer("MaxDatapoints")?.unwrap_or(MOST_DATAPOINTS);
    if most < 1 {
        let message = "The parameter MaxDatapoints must be greater than 0.";
        return Err(AwsError::validation(message));
    }
    Ok(match fault.map(|fault| fault.kind) {
        Some(FaultKind::PartialData) => Limit::MidSeries,
        _ => Limit::Datapoints(most.min(MOST_DATAPOINTS).unsigned_abs() as usize),
    })
}

fn spoiled(fault: Option<&Fault>) -> Spoiled<'_> {
    match fault.filter(|fault| fault.kind == FaultKind::InternalErrorResult) {
        None => Spoiled::None,
        Some(fault) => match &fault.cluster {
            None => Spoiled::All,
            Some(cluster) => Spoiled::OfCluster(cluster),
        },
    }
}

/// A query's index and how many of its points were given before.
type Position = (usize, usize);

/// Where the page begins, and the place at the time of the first page.
fn first_position<'a>(
    place: &Place<'a>,
    input: &Value,
    listed: &[Value],
    window: Window,
) -> Result<(Position, Place<'a>), AwsError> {
    let Some(text) = input.text("NextToken")?.filter(|text| !text.is_empty()) else {
        return Ok(((0, 0), *place));
    };
    let position = token::redeem(&scope(listed, window), text);
    let position = position.ok_or_else(AwsError::invalid_next_token)?;
    let mut numbers = position.split(' ').map(str::parse::<i64>);
    let mut number = || numbers.next()?.ok();
    let parsed = number().zip(number()).zip(number());
    parsed
        .and_then(|((millis, query), point)| {
            let now = DateTime::from_timestamp_millis(millis)?;
            let position = (usize::try_from(query).ok()?, usize::try_from(point).ok()?);
            Some((position, Place { now, ..*place }))
        })
        .ok_or_else(AwsError::invalid_next_token)
}

fn scope(listed: &[Value], window: Window) -> String {
    let queries = noise::seed_of(&format!("{listed:?}"));
    format!("GetMetricData {queries} {:?}", window.end)
}

/// Which results a fault spoils.
enum Spoiled<'a> {
    None,
    All,
    OfCluster(&'a str),
}

/// When a page is full.
#[derive(Clone, Copy)]
enum Limit {
    Datapoints(usize),
    /// In the middle of the first series that has a middle.
    MidSeries,
}

struct Page<'a> {
    place: Place<'a>,
    window: Window,
    descending: bool,
    spoiled: Spoiled<'a>,
    most: Limit,
}

impl Page<'_> {
    /// The results of the page, and where the next one begins.
    fn fill(&self, queries: &[Query], from: Position) -> (Vec<Value>, Option<Position>) {
        let mut results = Vec::new();
        let mut given = 0;
        for (index, query) in queries.iter().enumerate().skip(from.0) {
            if !query.returned {
                continue;
            }
            if self.is_spoiled(query) {
                results.push(result(query, "InternalError", Vec::new(), Vec::new()));
                continue;
            }
            let mut points = query.series.map_or(Vec::new(), |series| {
                series.points(self.window, query.period, &self.place)
            });
            if self.descending {
                points.reverse();
            }
            let skipped = if index == from.0 { from.1 } else { 0 };
            let points = points.get(skipped..).unwrap_or_default();
            let room = match self.most {
                Limit::Datapoints(most) => most - given,
                Limit::MidSeries if points.len() > 1 => points.len() / 2,
                Limit::MidSeries => usize::MAX,
            };
            if room == 0 && !points.is_empty() {
                return (results, Some((index, skipped)));
            }
            let taken = points.get(..room).unwrap_or(points);
            let times = taken.iter().map(|(time, _)| Value::time_of(*time));
            let values = taken
                .iter()
                .map(|(_, set)| Value::Float(set.get(query.statistic)));
            let is_whole = taken.len() == points.len();
            let status = if is_whole { "Complete" } else { "PartialData" };
            results.push(result(query, status, times.collect(), values.collect()));
            if !is_whole {
                return (results, Some((index, skipped + taken.len())));
            }
            given += taken.len();
        }
        (results, None)
    }

    fn is_spoiled(&self, query: &Query) -> bool {
        match self.spoiled {
            Spoiled::None => false,
            Spoiled::All => true,
            Spoiled::OfCluster(cluster) => query.cluster == cluster,
        }
    }
}

fn result(query: &Query, status: &'static str, times: Vec<Value>, values: Vec<Value>) -> Value {
    Value::map([
        ("Id", Value::text_of(query.id.to_owned())),
        ("Label", Value::text_of(query.label.to_owned())),
        ("Timestamps", Value::List(times)),
        ("Values", Value::List(values)),
        ("StatusCode", Value::text_of(status)),
    ])
}
