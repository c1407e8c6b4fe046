//! The calls that post and read values, of hosts and of services. A post is stored whole or not at all:
//! that one bad value refuses its whole post is an assumption, since the documentation is silent.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::demo::mackerel::api::{host, service};
use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::{Fields, elements};
use crate::demo::mackerel::option::UnknownHosts;
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::series::{self, Arrival, PostedPoint};
use crate::demo::mackerel::store::{Owner, graph, host as stored};
use crate::demo::mackerel::watch;

/// `POST /tsdb`: values of many hosts. Those more than 24 hours old or ahead are dropped with a success.
pub fn post_host_values(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let mut points = Vec::new();
    for (index, element) in elements(&body)?.iter().enumerate() {
        let fields = Fields::of_element("", index, element)?;
        let owner = fields.text("hostId")?;
        let point = point(owner, &fields)?;
        if !rule::is_host_metric_name(point.name) {
            return Err(fields.refuse(
                "name",
                &format!("{:?} is no name of a host metric", point.name),
            ));
        }
        points.push(point);
    }
    refuse_chosen(&points, context)?;
    let mut living: HashMap<&str, bool> = HashMap::new();
    for id in points.iter().map(|point| point.owner) {
        if !living.contains_key(id) {
            let lives =
                stored::by_id(context.sql, id)?.is_some_and(|host| host.retired_at.is_none());
            if !lives && context.options.unknown_hosts == UnknownHosts::Refuse {
                return Err(Refusal::not_found(format!("host not found: {id}")));
            }
            living.insert(id, lives);
        }
    }
    points.retain(|point| living.get(point.owner) == Some(&true));
    graph::expire(context.sql, context.now)?;
    let arrivals = record(points, Owner::Host, context)?;
    watch::host_values_arrived(context.sql, &arrivals, context.now)?;
    Ok(Answer::success())
}

/// `POST /services/<service>/tsdb`: values of one service, under the same rule of age.
pub fn post_service_values(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let name = call.param("service");
    service::find(name, context)?;
    let body = call.json()?;
    let mut points = Vec::new();
    for (index, element) in elements(&body)?.iter().enumerate() {
        let fields = Fields::of_element("", index, element)?;
        let point = point(name, &fields)?;
        if !rule::is_metric_name(point.name) {
            return Err(fields.refuse("name", &format!("{:?} is no name of a metric", point.name)));
        }
        points.push(point);
    }
    refuse_chosen(&points, context)?;
    let arrivals = record(points, Owner::Service, context)?;
    watch::service_values_arrived(context.sql, &arrivals, context.now)?;
    Ok(Answer::success())
}

/// `GET /hosts/<id>/metrics?name&from&to`: the points, oldest first; also those of a retired host.
pub fn host_values(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let host = host::find(call.param("id"), context)?;
    values(Owner::Host(&host.id), call, context)
}

/// `GET /services/<service>/metrics?name&from&to`: the points, oldest first.
pub fn service_values(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let service = service::find(call.param("service"), context)?;
    values(Owner::Service(&service.name), call, context)
}

/// `GET /hosts/<id>/metric-names`.
pub fn host_names(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let host = host::find(call.param("id"), context)?;
    Ok(Answer::json(
        &json!({ "names": series::names(context.sql, Owner::Host(&host.id))? }),
    ))
}

/// `GET /services/<service>/metric-names`.
pub fn service_names(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let service = service::find(call.param("service"), context)?;
    Ok(Answer::json(
        &json!({ "names": series::names(context.sql, Owner::Service(&service.name))? }),
    ))
}

/// `DELETE /services/<service>/graph-defs/<name>`, whose name ends in `*`: deletes the metrics of a graph with
/// their points; the next post makes them anew. That nothing to delete is a 404 is an assumption.
pub fn delete_service_graph(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let service = service::find(call.param("service"), context)?;
    let prefix = call
        .param("name")
        .strip_suffix('*')
        .ok_or_else(|| Refusal::bad_request("the graph's name must end in `*`"))?;
    let under = |name: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| !rest.contains('.'))
    };
    match series::delete(context.sql, Owner::Service(&service.name), under)? {
        0 => Err(Refusal::not_found("graph not found")),
        _ => Ok(Answer::success()),
    }
}

/// `GET /tsdb/latest?hostId&name`: the newest point of each metric of each host, `null` where there is none.
/// That an unknown host is left out is an assumption.
pub fn latest(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (ids, names) = (call.query_all("hostId"), call.query_all("name"));
    if ids.is_empty() || names.is_empty() {
        return Err(Refusal::bad_request("`hostId` and `name` are required"));
    }
    let mut hosts = Map::new();
    for id in ids {
        if stored::by_id(context.sql, id)?.is_none() {
            continue;
        }
        let mut values = Map::new();
        for name in &names {
            let newest = series::latest(context.sql, Owner::Host(id), name)?;
            values.insert((*name).to_owned(), newest.map_or(Value::Null, to_json));
        }
        hosts.insert(id.to_owned(), Value::Object(values));
    }
    Ok(Answer::json(&json!({ "tsdbLatest": hosts })))
}

fn point<'a>(owner: &'a str, fields: &Fields<'a>) -> Result<PostedPoint<'a>, Refusal> {
    Ok(PostedPoint {
        owner,
        name: fields.text("name")?,
        time: fields.time("time")?,
        value: fields.number("value")?,
    })
}

fn refuse_chosen(points: &[PostedPoint<'_>], context: &Context<'_>) -> Result<(), Refusal> {
    let Some(refused) = context.refused_points else {
        return Ok(());
    };
    match points.iter().position(refused) {
        Some(index) => Err(Refusal::bad_request(format!("`[{index}]` is refused"))),
        None => Ok(()),
    }
}

fn record<'a>(
    points: Vec<PostedPoint<'a>>,
    owner: fn(&'a str) -> Owner<'a>,
    context: &mut Context<'_>,
) -> Result<Vec<Arrival<'a>>, Refusal> {
    let now = context.now;
    let recorded = points
        .into_iter()
        .filter(|point| rule::is_recorded(point.time, now))
        .map(|point| (owner(point.owner), point));
    let journal = context.journal.as_deref_mut();
    Ok(series::record(context.sql, journal, recorded, now)?)
}

fn values(owner: Owner<'_>, call: &Call, context: &Context<'_>) -> Result<Answer, Refusal> {
    let name = call
        .query_first("name")
        .ok_or_else(|| Refusal::bad_request("`name` is required"))?;
    let (from, to) = (call.time("from")?, call.time("to")?);
    let number = series::number(context.sql, owner, name)?
        .ok_or_else(|| Refusal::not_found("metric not found"))?;
    let points = series::points(context.sql, number, from, to)?;
    let metrics = points
        .into_iter()
        .map(|(time, value)| Point { time, value });
    Answer::serialized(&Points {
        metrics: metrics.collect(),
    })
}

/// A point as it is read. Days of points are written without a detour through JSON values.
#[derive(Serialize)]
struct Point {
    time: i64,
    value: f64,
}

#[derive(Serialize)]
struct Points {
    metrics: Vec<Point>,
}

fn to_json((time, value): (i64, f64)) -> Value {
    json!({ "time": time, "value": value })
}
