//! What GetMetricData and GetMetricStatistics have in common: a metric, a period, a window of time,
//! and the rules for each.

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::cloudwatch::series::{self, Series};
use crate::demo::aws::error::AwsError;
use crate::demo::aws::place::Place;
use crate::demo::aws::value::Value;

const MOST_DIMENSIONS: usize = 30;
const LONGEST_NAME: usize = 255;
const LONGEST_VALUE: usize = 1024;

/// The time that is asked for: whole minutes from `start` up to, but not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first minute, rounded down as AWS documents.
    pub start: DateTime<Utc>,
    /// The first moment after the window.
    pub end: DateTime<Utc>,
}

impl Window {
    /// Reads `StartTime` and `EndTime`. Errors: one is missing, or the start is not before the end;
    /// `refuse` makes the second error.
    pub fn read(
        input: &Value,
        now: DateTime<Utc>,
        refuse: fn(&'static str) -> AwsError,
    ) -> Result<Window, AwsError> {
        let missing = AwsError::missing_parameter;
        let start = input
            .time("StartTime")?
            .ok_or_else(|| missing("StartTime"))?;
        let end = input.time("EndTime")?.ok_or_else(|| missing("EndTime"))?;
        if start >= end {
            let message = "The parameter StartTime must be less than the parameter EndTime.";
            return Err(refuse(message));
        }
        let age = now - start;
        let unit = if age < TimeDelta::days(15) {
            60
        } else if age < TimeDelta::days(63) {
            300
        } else {
            3600
        };
        let whole = start.timestamp().div_euclid(unit) * unit;
        let start = DateTime::from_timestamp(whole, 0).unwrap_or(start);
        Ok(Window { start, end })
    }

    /// How many points of a period it could hold.
    pub fn points(&self, period: i64) -> i64 {
        let seconds = (self.end - self.start).num_seconds();
        let period = period.max(1);
        seconds.saturating_add(period - 1).div_euclid(period).max(1)
    }
}

/// Reads a metric of `Namespace`, `MetricName` and `Dimensions` and finds its series; none when
/// there is no metric of exactly these dimensions. Errors: a name or a value is too long or not
/// printable ASCII, or there are too many.
pub fn series<'a>(place: &Place<'a>, metric: &'a Value) -> Result<Option<Series<'a>>, AwsError> {
    let namespace = name_of(metric, "Namespace")?;
    let name = name_of(metric, "MetricName")?;
    let mut dimensions = Vec::new();
    for dimension in metric.list("Dimensions")? {
        let name = name_of(dimension, "Name")?;
        let value = text_of(dimension, "Value", LONGEST_VALUE)?;
        dimensions.push((name, value));
    }
    if dimensions.len() > MOST_DIMENSIONS {
        return Err(AwsError::validation(format!(
            "The collection Dimensions must not have a size greater than {MOST_DIMENSIONS}."
        )));
    }
    Ok(series::find(place, namespace, name, &dimensions))
}

/// Reads `Period`. Errors: it is missing, or not 1, 5, 10, 20, 30 or a multiple of 60.
pub fn period(input: &Value) -> Result<i64, AwsError> {
    match input.integer("Period")? {
        None => Err(AwsError::missing_parameter("Period")),
        Some(period @ (1 | 5 | 10 | 20 | 30)) => Ok(period),
        Some(period) if period > 0 && period % 60 == 0 => Ok(period),
        Some(period) => Err(AwsError::validation(format!(
            "The value {period} for parameter Period is not 1, 5, 10, 20, 30 or a multiple of 60."
        ))),
    }
}

/// A required name of 1 to 255 characters.
pub fn name_of<'a>(input: &'a Value, member: &str) -> Result<&'a str, AwsError> {
    text_of(input, member, LONGEST_NAME)
}

fn text_of<'a>(input: &'a Value, member: &str, longest: usize) -> Result<&'a str, AwsError> {
    let text = input.text(member)?;
    let text = text.ok_or_else(|| AwsError::missing_parameter(member))?;
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if text.is_empty() || text.len() > longest || !printable {
        return Err(AwsError::validation(format!(
            "The parameter {member} must be 1 to {longest} ASCII characters."
        )));
    }
    Ok(text)
}
