//! ECS: clusters, services and their revisions as its API lists and describes them.

pub mod clusters;
pub mod event;
pub mod revisions;
pub mod services;

use chrono::{DateTime, Utc};

use crate::demo::aws::error::AwsError;
use crate::demo::aws::fleet::arn::Reference;
use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::place::Place;
use crate::demo::aws::token;
use crate::demo::aws::value::Value;

const MOST_PER_PAGE: i64 = 100;

/// A page of ARNs after the position in `nextToken`: items are (position, ARN) in the order of
/// positions. Gives the ARNs and the next token. Errors: `maxResults` is not 1 to 100, or the token
/// is not one of this question.
fn page<'a>(
    input: &Value,
    scope: &str,
    default_size: usize,
    items: impl Iterator<Item = (&'a str, String)>,
) -> Result<(Vec<String>, Option<String>), AwsError> {
    let size = match input.integer("maxResults")? {
        None => default_size,
        Some(size @ 1..=MOST_PER_PAGE) => size.unsigned_abs() as usize,
        Some(_) => {
            let message = "maxResults must be between 1 and 100.";
            return Err(AwsError::invalid_parameter(message));
        }
    };
    let after = match input.text("nextToken")?.filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => match token::redeem(scope, text) {
            Some(position) => Some(position),
            None => return Err(AwsError::invalid_parameter("Invalid token")),
        },
    };
    let mut rest = items
        .filter(|(position, _)| after.as_deref().is_none_or(|after| *position > after))
        .peekable();
    let mut last = "";
    let mut arns = Vec::with_capacity(size);
    while arns.len() < size
        && let Some((position, arn)) = rest.next()
    {
        last = position;
        arns.push(arn);
    }
    let next = rest.peek().map(|_| token::issue(scope, last));
    Ok((arns, next))
}

/// The cluster that a call on services names, which is `default` when it names none. Errors: there
/// is no such cluster now.
fn cluster_of<'a>(place: &Place<'a>, input: &Value) -> Result<&'a Cluster, AwsError> {
    let named = input.text("cluster")?.unwrap_or("default");
    let reference = Reference::parse(named, "cluster").ok_or_else(|| {
        AwsError::invalid_parameter(format!("Invalid identifier: unexpected ARN {named}"))
    })?;
    let region = place.content.ok_or_else(AwsError::cluster_not_found)?;
    region
        .cluster_at(reference.name, place.now)
        .filter(|cluster| reference.is_in(place.account, place.region) && cluster.exists(place.now))
        .ok_or_else(AwsError::cluster_not_found)
}

/// Seconds since 1970 with milliseconds, as ECS writes timestamps.
fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}

/// Tags as ECS writes them.
fn tags(tags: &[(Box<str>, Box<str>)]) -> serde_json::Value {
    tags.iter()
        .map(|(key, value)| serde_json::json!({ "key": key, "value": value }))
        .collect()
}
