//! The graphs that Mackerel knows without a definition: those of the metrics which its own agents
//! post. The names and units are documented; titles and which lines are stacked are our own.

use serde_json::{Value, json};

use crate::demo::mackerel::store::graph::StoredGraph;

/// A graph and its metrics as pattern, label and whether it is stacked.
type Known = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str, bool)],
);

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    ("container.cpu.#", "Container CPU", "percentage", &[
        ("container.cpu.#.usage", "%1 usage", false),
        ("container.cpu.#.limit", "%1 limit", false),
    ]),
    ("container.memory.#", "Container memory", "bytes", &[
        ("container.memory.#.usage", "%1 usage", false),
        ("container.memory.#.limit", "%1 limit", false),
    ]),
    ("interface.#", "Network", "bytes/sec", &[
        ("interface.#.rxBytes.delta", "%1 received", false),
        ("interface.#.txBytes.delta", "%1 sent", false),
    ]),
    ("cpu", "CPU", "percentage", &[("cpu.*.percentage", "%1", true)]),
    ("memory", "Memory", "bytes", &[("memory.*", "%1", false)]),
    ("loadavg", "Load average", "float", &[
        ("loadavg1", "1 minute", false),
        ("loadavg5", "5 minutes", false),
        ("loadavg15", "15 minutes", false),
    ]),
    ("disk.#", "Disk", "iops", &[
        ("disk.#.reads.delta", "%1 reads", false),
        ("disk.#.writes.delta", "%1 writes", false),
    ]),
    ("filesystem.#", "Filesystem", "bytes", &[
        ("filesystem.#.used", "%1 used", false),
        ("filesystem.#.size", "%1 size", false),
    ]),
];

/// They in the shape of posted definitions.
pub fn definitions() -> impl Iterator<Item = StoredGraph> {
    KNOWN.iter().map(|(name, title, unit, metrics)| {
        let metrics: Vec<Value> = metrics
            .iter()
            .map(|(name, label, stacked)| json!({ "name": name, "displayName": label, "isStacked": stacked }))
            .collect();
        StoredGraph {
            name: (*name).to_owned(),
            display_name: Some((*title).to_owned()),
            unit: (*unit).to_owned(),
            metrics: Value::Array(metrics),
        }
    })
}
