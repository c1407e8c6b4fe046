//! Which graphs a host or a service has: graph definitions and the names of posted metrics become
//! graphs with their lines. A metric without a definition shares a graph with those that have the
//! same name up to the last dot. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::graph::StoredGraph;

/// A graph, with the lines that have been posted.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// The definition's name, or without a definition what the metrics' names share.
    pub name: String,
    /// What a person reads above it.
    pub title: String,
    /// One of the documented units.
    pub unit: String,
    /// The lines, by group and then in the order of the definition.
    pub lines: Vec<Line>,
}

/// A line of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The metric.
    pub metric: String,
    /// What a person reads beside it.
    pub label: String,
    /// The segment that `#` stands for, by which the legend is grouped.
    pub group: Option<String>,
    /// Whether it lies on the stacked lines before it.
    pub stacked: bool,
}

/// A definition with the lines that fit it, each with its place in the definition.
type Found<'a> = (&'a StoredGraph, Vec<(usize, Line)>);

/// The graphs of these metrics: those of the definitions by title, first those with a `#`, which tell
/// most, then those without a definition by name. Where several definitions fit a metric, the one with the fewest wildcards has it.
pub fn graphs(definitions: &[StoredGraph], metrics: &[String]) -> Vec<Graph> {
    let mut definitions: Vec<&StoredGraph> = definitions.iter().collect();
    definitions.sort_by_key(|definition| wildcards(&definition.name));
    let mut defined: BTreeMap<&str, Found<'_>> = BTreeMap::new();
    let mut others: BTreeMap<&str, Vec<Line>> = BTreeMap::new();
    for metric in metrics {
        let found = definitions
            .iter()
            .find_map(|definition| Some((*definition, line(definition, metric)?)));
        match found {
            Some((definition, line)) => {
                let graph = defined.entry(&definition.name);
                graph.or_insert((definition, Vec::new())).1.push(line);
            }
            None => others.entry(prefix(metric)).or_default().push(Line {
                metric: metric.clone(),
                label: last_segment(metric).to_owned(),
                group: None,
                stacked: false,
            }),
        }
    }
    let mut graphs: Vec<Graph> = defined
        .into_values()
        .map(|(definition, mut lines)| {
            lines.sort_by(|(a_place, a), (b_place, b)| {
                (&a.group, a_place, &a.metric).cmp(&(&b.group, b_place, &b.metric))
            });
            let title = definition.display_name.as_ref();
            Graph {
                name: definition.name.clone(),
                title: title.unwrap_or(&definition.name).clone(),
                unit: definition.unit.clone(),
                lines: lines.into_iter().map(|(_, line)| line).collect(),
            }
        })
        .collect();
    let order = |graph: &Graph| (!graph.name.contains('#'), graph.title.clone());
    graphs.sort_by_key(order);
    graphs.extend(others.into_iter().map(|(name, lines)| Graph {
        name: name.to_owned(),
        title: name.to_owned(),
        unit: "float".to_owned(),
        lines,
    }));
    graphs
}

/// The line of a metric in the graph of a definition, with the place of the metric that it is in the
/// definition. A metric right under the graph belongs to it without being named, after those that are.
fn line(definition: &StoredGraph, metric: &str) -> Option<(usize, Line)> {
    let named = definition.metrics.as_array().into_iter().flatten();
    for (place, named) in named.enumerate() {
        let pattern = named.get("name").and_then(Value::as_str).unwrap_or("");
        if rule::matches(pattern, metric) {
            let label = named.get("displayName").and_then(Value::as_str);
            let stacked = named.get("isStacked").and_then(Value::as_bool);
            let line = Line {
                metric: metric.to_owned(),
                label: match label {
                    Some(label) => fill(label, &wild(pattern, metric)),
                    None => default_label(pattern, metric),
                },
                group: group(pattern, metric).or_else(|| group(&definition.name, metric)),
                stacked: stacked.unwrap_or(false),
            };
            return Some((place, line));
        }
    }
    rule::matches(&definition.name, prefix(metric)).then(|| {
        let line = Line {
            metric: metric.to_owned(),
            label: default_label(&definition.name, metric),
            group: group(&definition.name, metric),
            stacked: false,
        };
        (usize::MAX, line)
    })
}

/// The last segment, which the documentation names, behind what each `*` stands for, without which
/// the lines of one graph could not be told apart.
fn default_label(pattern: &str, metric: &str) -> String {
    let last = last_segment(metric);
    let stars = pattern.split('.').zip(metric.split('.'));
    let mut parts: Vec<&str> = stars
        .filter(|(wildcard, _)| *wildcard == "*")
        .map(|(_, segment)| segment)
        .collect();
    if parts.last() != Some(&last) {
        parts.push(last);
    }
    parts.join(" ")
}

/// The segments that the wildcards of a pattern stand for.
fn wild<'a>(pattern: &str, metric: &'a str) -> Vec<&'a str> {
    let segments = pattern.split('.').zip(metric.split('.'));
    segments
        .filter(|(wildcard, _)| matches!(*wildcard, "*" | "#"))
        .map(|(_, segment)| segment)
        .collect()
}

fn group(pattern: &str, metric: &str) -> Option<String> {
    let mut segments = pattern.split('.').zip(metric.split('.'));
    segments
        .find(|(wildcard, _)| *wildcard == "#")
        .map(|(_, segment)| segment.to_owned())
}

/// `%1`, `%2` and so on become the segments; one that no segment stands for stays as it is.
fn fill(label: &str, segments: &[&str]) -> String {
    let mut parts = label.split('%');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = part.split_at(digits);
        let segment = number
            .parse::<usize>()
            .ok()
            .and_then(|number| segments.get(number.checked_sub(1)?));
        match segment {
            Some(segment) => filled.push_str(segment),
            None => filled.extend(["%", number]),
        }
        filled.push_str(rest);
    }
    filled
}

fn prefix(metric: &str) -> &str {
    metric.rsplit_once('.').map_or(metric, |(prefix, _)| prefix)
}

fn last_segment(metric: &str) -> &str {
    metric.rsplit('.').next().unwrap_or(metric)
}

fn wildcards(name: &str) -> usize {
    let segments = name.split('.');
    segments.filter(|part| matches!(*part, "*" | "#")).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn definition(name: &str, display_name: Option<&str>, metrics: Value) -> StoredGraph {
        StoredGraph {
            name: name.to_owned(),
            display_name: display_name.map(str::to_owned),
            unit: "integer".to_owned(),
            metrics,
        }
    }

    /// Each graph as a line `name "title" unit`, each of its lines as `  metric "label" group stacked`.
    #[track_caller]
    fn check(definitions: &[StoredGraph], metrics: &[&str], expected: &[&str]) {
        let metrics: Vec<String> = metrics.iter().map(|name| (*name).to_owned()).collect();
        let mut seen = Vec::new();
        for graph in graphs(definitions, &metrics) {
            seen.push(format!("{} {:?} {}", graph.name, graph.title, graph.unit));
            for line in graph.lines {
                let group = line.group.unwrap_or_default();
                let stacked = if line.stacked { " stacked" } else { "" };
                seen.push(format!(
                    "  {} {:?} {group}{stacked}",
                    line.metric, line.label
                ));
            }
        }
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_hash_groups_one_graph_and_labels_are_filled() {
        let tasks = definition(
            "custom.ecs.task.#",
            Some("Tasks"),
            json!([
                { "name": "custom.ecs.task.#.running", "displayName": "%1 runs at 100% of %2", "isStacked": true },
                { "name": "custom.ecs.task.#.desired", "isStacked": false },
            ]),
        );
        check(
            &[tasks],
            &[
                "custom.ecs.task.web.desired",
                "custom.ecs.task.web.running",
                "custom.ecs.task.api.other",
                "custom.ecs.task.api.running",
            ],
            &[
                "custom.ecs.task.# \"Tasks\" integer",
                "  custom.ecs.task.api.running \"api runs at 100% of %2\" api stacked",
                "  custom.ecs.task.api.other \"other\" api",
                "  custom.ecs.task.web.running \"web runs at 100% of %2\" web stacked",
                "  custom.ecs.task.web.desired \"desired\" web",
            ],
        );
    }

    #[test]
    fn a_star_is_told_in_the_label_and_may_end_a_metric() {
        let queue = definition(
            "custom.queue.*",
            None,
            json!([{ "name": "custom.queue.*.length" }]),
        );
        let interface = definition(
            "custom.interface",
            Some("Interface"),
            json!([{ "name": "custom.interface.*", "displayName": "<%1>" }]),
        );
        check(
            &[queue, interface],
            &["custom.interface.eth0", "custom.queue.a.length"],
            &[
                "custom.interface \"Interface\" integer",
                "  custom.interface.eth0 \"<eth0>\" ",
                "custom.queue.* \"custom.queue.*\" integer",
                "  custom.queue.a.length \"a length\" ",
            ],
        );
    }

    #[test]
    fn the_definition_with_the_fewest_wildcards_has_a_metric() {
        let any = definition(
            "custom.a.*",
            Some("Any"),
            json!([{ "name": "custom.a.*.n" }]),
        );
        let one = definition(
            "custom.a.b",
            Some("One"),
            json!([{ "name": "custom.a.b.n" }]),
        );
        check(
            &[any, one],
            &["custom.a.b.n", "custom.a.c.n"],
            &[
                "custom.a.* \"Any\" integer",
                "  custom.a.c.n \"c n\" ",
                "custom.a.b \"One\" integer",
                "  custom.a.b.n \"n\" ",
            ],
        );
    }

    #[test]
    fn without_a_definition_metrics_share_a_graph_up_to_the_last_dot() {
        check(
            &[],
            &["custom.a.x", "custom.a.y", "custom.b.c.x", "requests"],
            &[
                "custom.a \"custom.a\" float",
                "  custom.a.x \"x\" ",
                "  custom.a.y \"y\" ",
                "custom.b.c \"custom.b.c\" float",
                "  custom.b.c.x \"x\" ",
                "requests \"requests\" float",
                "  requests \"requests\" ",
            ],
        );
    }
}
