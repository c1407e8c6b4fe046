//! GetMetricStatistics: one metric, up to five statistics, at most 1,440 points, in no order.

use crate::demo::aws::answer::Answer;
use crate::demo::aws::cloudwatch::query::{self, Window};
use crate::demo::aws::error::AwsError;
use crate::demo::aws::fleet::noise;
use crate::demo::aws::fleet::statistics::Statistic;
use crate::demo::aws::place::Place;
use crate::demo::aws::value::Value;

const MOST_POINTS: i64 = 1440;

/// GetMetricStatistics. Errors: the input breaks a rule, or asks for too many points.
pub fn get(place: &Place, input: &Value) -> Result<Answer, AwsError> {
    let metric = query::name_of(input, "MetricName")?;
    let series = query::series(place, input)?;
    let statistics = statistics(input)?;
    let period = query::period(input)?;
    let window = Window::read(input, place.now, AwsError::invalid_value)?;
    let asked = window.points(period);
    if asked > MOST_POINTS {
        return Err(AwsError::invalid_combination(format!(
            "You have requested up to {asked} datapoints, which exceeds the limit of \
             {MOST_POINTS}. You may reduce the datapoints requested by increasing Period, or \
             decreasing the time range."
        )));
    }
    let of_unit = input.text("Unit")?.is_none_or(|unit| unit == "Percent");
    let series = series.filter(|_| of_unit);
    let mut points = series.map_or(Vec::new(), |series| series.points(window, period, place));
    points.sort_by_key(|(time, _)| noise::mix(0, time.timestamp().unsigned_abs()));
    let points = points.into_iter().map(|(time, set)| {
        let mut point = vec![("Timestamp".into(), Value::time_of(time))];
        for statistic in &statistics {
            point.push((statistic.name().into(), Value::Float(set.get(*statistic))));
        }
        point.push(("Unit".into(), Value::text_of("Percent")));
        Value::Map(point)
    });
    Ok(Answer::Tree(Value::map([
        ("Label", Value::text_of(metric.to_owned())),
        ("Datapoints", Value::List(points.collect())),
    ])))
}

fn statistics(input: &Value) -> Result<Vec<Statistic>, AwsError> {
    let names = input.texts("Statistics")?;
    let extended = input.texts("ExtendedStatistics")?;
    if names.is_empty() == extended.is_empty() {
        let message = "Either Statistics or ExtendedStatistics must be given, and not both.";
        return Err(AwsError::invalid_combination(message));
    }
    if let Some(name) = extended.first() {
        return Err(AwsError::invalid_value(format!(
            "This simulation has no extended statistics, such as {name}."
        )));
    }
    if names.len() > Statistic::ALL.len() {
        let message = "The collection Statistics must not have a size greater than 5.";
        return Err(AwsError::validation(message));
    }
    let find = |name: &str| Statistic::ALL.into_iter().find(|one| one.name() == name);
    let statistics = names.into_iter().map(|name| {
        find(name).ok_or_else(|| {
            AwsError::invalid_value(format!("The value {name} for Statistics is not valid."))
        })
    });
    statistics.collect()
}
