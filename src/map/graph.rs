//! The catalogue as graph definitions.

use crate::mackerel::payload::{GraphDef, GraphDefMetric};
use crate::model::catalog::graphs;

/// One definition per graph of the catalogue. All are posted, whatever is selected: a definition
/// without points draws nothing, and a changed selection needs no new ones.
pub fn graph_defs() -> Vec<GraphDef> {
    graphs()
        .into_iter()
        .map(|(graph, metrics)| GraphDef {
            name: graph.name.to_owned(),
            display_name: graph.label.to_owned(),
            unit: graph.unit.as_str(),
            metrics: metrics
                .into_iter()
                .map(|metric| GraphDefMetric {
                    name: metric.pattern(),
                    display_name: metric.label.to_owned(),
                    is_stacked: false,
                })
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_as_mackerel_takes_it() {
        let graphs = graph_defs();
        let tasks = graphs
            .iter()
            .find(|graph| graph.name == "custom.ecs.running_task.#")
            .unwrap();
        let expected = serde_json::json!({
            "name": "custom.ecs.running_task.#",
            "displayName": "ECS Service Tasks",
            "unit": "integer",
            "metrics": [
                {"name": "custom.ecs.running_task.#.count", "displayName": "%1 running", "isStacked": false},
                {"name": "custom.ecs.running_task.#.desired", "displayName": "%1 desired", "isStacked": false},
                {"name": "custom.ecs.running_task.#.pending", "displayName": "%1 pending", "isStacked": false},
            ],
        });
        assert_eq!(serde_json::json!(tasks), expected);
    }
}
