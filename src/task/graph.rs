//! How the extra metrics are drawn. Mackerel knows those of mackerel-container-agent by itself.

use super::setting::ExtraMetrics;
use crate::mackerel::payload::{GraphDef, GraphDefMetric};

/// The graph definitions of what is measured besides.
pub fn graph_defs(extra: ExtraMetrics) -> Vec<GraphDef> {
    let block_io = graph(
        "custom.ecs.block_io.#",
        "Container block I/O",
        "bytes/sec",
        &[("read", "%1 read"), ("write", "%1 write")],
    );
    let throttling = graph(
        "custom.ecs.cpu_throttling.#",
        "Container CPU periods throttled",
        "percentage",
        &[("throttled", "%1")],
    );
    let storage = graph(
        "custom.ecs.ephemeral_storage",
        "Task ephemeral storage",
        "bytes",
        &[("utilized", "used"), ("reserved", "reserved")],
    );
    [
        (extra.block_io, block_io),
        (extra.cpu_throttling, throttling),
        (extra.ephemeral_storage, storage),
    ]
    .into_iter()
    .filter_map(|(is_wanted, graph)| is_wanted.then_some(graph))
    .collect()
}

fn graph(name: &str, title: &str, unit: &'static str, lines: &[(&str, &str)]) -> GraphDef {
    GraphDef {
        name: name.to_owned(),
        display_name: title.to_owned(),
        unit,
        metrics: lines
            .iter()
            .map(|(line, legend)| GraphDefMetric {
                name: format!("{name}.{line}"),
                display_name: (*legend).to_owned(),
                is_stacked: false,
            })
            .collect(),
    }
}
