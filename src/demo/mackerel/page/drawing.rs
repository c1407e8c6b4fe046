//! A graph with its points, as the page's scripts draw it: the values of each line on one grid of time,
//! for a host, for a service's own metrics, and for the hosts of a service or role, each or in sum.

use serde::Serialize;

use crate::demo::mackerel::api;
use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::page::graph::{Graph, Line, graphs};
use crate::demo::mackerel::page::host::{definitions, title};
use crate::demo::mackerel::page::service;
use crate::demo::mackerel::page::span::Span;
use crate::demo::mackerel::store::graph::StoredGraph;
use crate::demo::mackerel::store::{Owner, series};

/// More lines than this are not sent: nobody could tell them apart.
const LINES_MAX: usize = 400;

#[derive(Serialize)]
struct Drawing {
    name: String,
    title: String,
    unit: String,
    from: i64,
    step: i64,
    count: usize,
    now: i64,
    /// Lines that there are beyond those that are sent.
    omitted: usize,
    lines: Vec<DrawnLine>,
}

#[derive(Serialize)]
struct DrawnLine {
    metric: String,
    label: String,
    group: Option<String>,
    stacked: bool,
    values: Vec<Option<f64>>,
}

/// A graph of a host.
pub fn of_host(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let host = api::host::find(call.param("id"), context)?;
    let owner = Owner::Host(&host.id);
    let graph = wanted(
        call,
        &definitions(context)?,
        &series::names(context.sql, owner)?,
    )?;
    draw(call, context, graph, |line, span| {
        values(context, owner, &line.metric, span)
    })
}

/// A graph of a service: with `by=service` of its own metrics; with `by=host` of the metrics of its hosts,
/// or those of a `role`, each for itself; else the sums of these.
pub fn of_service(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let by = call.query_first("by").unwrap_or("sum");
    if by == "service" {
        let service = service::find(call, context)?;
        let owner = Owner::Service(&service.name);
        let graph = wanted(call, &[], &series::names(context.sql, owner)?)?;
        return draw(call, context, graph, |line, span| {
            values(context, owner, &line.metric, span)
        });
    }
    let hosts = service::members(call, context)?;
    let definitions = definitions(context)?;
    let mut posted: Vec<Vec<String>> = Vec::new();
    for host in &hosts {
        posted.push(series::names(context.sql, Owner::Host(&host.id))?);
    }
    let mut all = posted.concat();
    all.sort();
    all.dedup();
    let graph = wanted(call, &definitions, &all)?;
    if by != "host" {
        return draw(call, context, graph, |line, span| {
            let parts = hosts
                .iter()
                .map(|host| values(context, Owner::Host(&host.id), &line.metric, span));
            Ok(span.sum(&parts.collect::<Result<Vec<_>, Refusal>>()?))
        });
    }
    // A line for each host that has posted the metric, in the host's group.
    let mut owners = Vec::new();
    let mut lines = Vec::new();
    for (host, names) in hosts.iter().zip(&posted) {
        for line in &graph.lines {
            if names.contains(&line.metric) {
                owners.push(host.id.clone());
                lines.push(Line {
                    label: label_in_group(line),
                    group: Some(match &line.group {
                        Some(group) => format!("{} {group}", title(host)),
                        None => title(host).to_owned(),
                    }),
                    stacked: false,
                    ..line.clone()
                });
            }
        }
    }
    let mut owners = owners.iter();
    draw(call, context, Graph { lines, ..graph }, |line, span| {
        let owner = owners.next().map(String::as_str).unwrap_or_default();
        values(context, Owner::Host(owner), &line.metric, span)
    })
}

/// The graph that the query names among those of these metrics.
fn wanted(call: &Call, definitions: &[StoredGraph], metrics: &[String]) -> Result<Graph, Refusal> {
    let name = call.query_first("graph").unwrap_or_default();
    let mut graphs = graphs(definitions, metrics).into_iter();
    graphs
        .find(|graph| graph.name == name)
        .ok_or_else(|| Refusal::not_found("graph not found"))
}

fn draw(
    call: &Call,
    context: &Context<'_>,
    graph: Graph,
    mut values: impl FnMut(&Line, Span) -> Result<Vec<Option<f64>>, Refusal>,
) -> Result<Answer, Refusal> {
    let span = Span::of(call, context.now)?;
    let omitted = graph.lines.len().saturating_sub(LINES_MAX);
    let lines = graph.lines.into_iter().take(LINES_MAX);
    let lines = lines.map(|line| {
        Ok(DrawnLine {
            values: values(&line, span)?,
            metric: line.metric,
            label: line.label,
            group: line.group,
            stacked: line.stacked,
        })
    });
    let drawing = Drawing {
        name: graph.name,
        title: graph.title,
        unit: graph.unit,
        from: span.from,
        step: span.step,
        count: span.count,
        now: context.now,
        omitted,
        lines: lines.collect::<Result<Vec<_>, Refusal>>()?,
    };
    let text =
        serde_json::to_string(&drawing).map_err(|error| Refusal::bad_request(error.to_string()))?;
    Ok(Answer::text("application/json", text))
}

/// The values of one series on the grid, gaps where it has none.
fn values(
    context: &Context<'_>,
    owner: Owner<'_>,
    metric: &str,
    span: Span,
) -> Result<Vec<Option<f64>>, Refusal> {
    let points = match series::number(context.sql, owner, metric)? {
        Some(number) => series::points(context.sql, number, span.from, span.end() - 1)?,
        None => Vec::new(),
    };
    Ok(span.grid(&points))
}

/// The label without the name of the group, which the name of the group's host joins.
fn label_in_group(line: &Line) -> String {
    let group = line.group.as_deref().unwrap_or_default();
    let rest = line.label.strip_prefix(group);
    let rest = rest
        .or_else(|| line.label.strip_suffix(group))
        .map(str::trim);
    rest.filter(|rest| !rest.is_empty())
        .unwrap_or(&line.label)
        .to_owned()
}
