//! Graph definitions: their rules, their replacement, their deletion, and how those with wildcards vanish.

use serde_json::{Value, json};

use super::{START, Server, refused, succeeded};
use crate::demo::mackerel::option::TrailingWildcards;

const CREATE: &str = "/api/v0/graph-defs/create";
const HOUR: i64 = 60 * 60;

fn graph(name: &str, metrics: &[&str]) -> Value {
    let metrics: Vec<Value> = metrics
        .iter()
        .map(|metric| json!({ "name": metric, "isStacked": false }))
        .collect();
    json!({ "name": name, "metrics": metrics })
}

fn names(server: &Server) -> Vec<String> {
    server
        .mackerel
        .graph_defs()
        .into_iter()
        .map(|graph| graph.name)
        .collect()
}

#[tokio::test]
async fn a_definition_is_stored_and_replaced_by_name() {
    let server = Server::start().await;
    let first = json!([{
        "name": "custom.ecs.cpu.#", "displayName": "CPU", "unit": "percentage",
        "metrics": [{ "name": "custom.ecs.cpu.#.average", "displayName": "%1 avg", "isStacked": true }],
    }]);
    succeeded(&server.post(CREATE, first).await);
    let stored = &server.mackerel.graph_defs()[0];
    assert_eq!(
        (stored.unit.as_str(), stored.display_name.as_deref()),
        ("percentage", Some("CPU"))
    );
    assert_eq!(
        stored.metrics,
        json!([{ "name": "custom.ecs.cpu.#.average", "displayName": "%1 avg", "isStacked": true }])
    );
    succeeded(&server.post(CREATE, json!([{ "name": "custom.ecs.cpu.#", "metrics": [{ "name": "custom.ecs.cpu.#.max" }] }])).await);
    let stored = &server.mackerel.graph_defs()[0];
    assert_eq!(
        (stored.unit.as_str(), stored.display_name.as_deref()),
        ("float", None)
    );
    assert_eq!(
        stored.metrics,
        json!([{ "name": "custom.ecs.cpu.#.max", "isStacked": false }])
    );
}

#[tokio::test]
async fn a_definition_that_breaks_a_rule_refuses_the_array() {
    let server = Server::start().await;
    let cases = [
        (json!(1), "`[1]`"),
        (json!({ "metrics": [] }), "`[1].name`"),
        (json!({ "name": "custom.a" }), "`[1].metrics`"),
        (graph("ecs.a", &[]), "`[1].name`"),
        (graph("custom", &[]), "`[1].name`"),
        (graph("custom.a*", &[]), "`[1].name`"),
        (graph("custom.#.#", &[]), "`[1].name`"),
        (graph("custom.a..b", &[]), "`[1].name`"),
        (graph("custom.a", &["custom.b.c"]), "`metrics[0].name`"),
        (graph("custom.a", &["custom.a"]), "`metrics[0].name`"),
        (
            graph("custom.a", &["custom.a.b", "custom.a.b.c"]),
            "`metrics[1].name`",
        ),
        (graph("custom.#", &["custom.#.#"]), "`metrics[0].name`"),
        (
            json!({ "name": "custom.a", "unit": "percent", "metrics": [] }),
            "`[1].unit`",
        ),
        (
            json!({ "name": "custom.a", "metrics": [{ "name": "custom.a.b", "isStacked": 1 }] }),
            "`metrics[0].isStacked`",
        ),
    ];
    for (bad, field) in cases {
        refused(
            &server
                .post(CREATE, json!([graph("custom.good", &[]), bad]))
                .await,
            400,
            field,
        );
    }
    refused(&server.post(CREATE, json!({})).await, 400, "array");
    assert_eq!(names(&server), [""; 0]);
    let units = [
        "float",
        "integer",
        "percentage",
        "seconds",
        "milliseconds",
        "bytes",
        "bytes/sec",
        "bits/sec",
        "iops",
    ];
    let good: Vec<Value> = units
        .iter()
        .map(|unit| json!({ "name": "custom.a", "unit": unit, "metrics": [] }))
        .collect();
    succeeded(&server.post(CREATE, json!(good)).await);
}

#[tokio::test]
async fn a_trailing_wildcard_is_a_matter_of_choice() {
    let server = Server::start().await;
    succeeded(
        &server
            .post(CREATE, json!([graph("custom.if", &["custom.if.*"])]))
            .await,
    );
    let strict =
        Server::with(|options| options.trailing_wildcards = TrailingWildcards::Refuse).await;
    refused(
        &strict
            .post(CREATE, json!([graph("custom.if", &["custom.if.*"])]))
            .await,
        400,
        "wildcard",
    );
}

#[tokio::test]
async fn a_definition_is_deleted_by_a_body() {
    let server = Server::start().await;
    succeeded(&server.post(CREATE, json!([graph("custom.a", &[])])).await);
    refused(
        &server.delete("/api/v0/graph-defs", None).await,
        400,
        "JSON",
    );
    refused(
        &server.delete("/api/v0/graph-defs", Some(json!({}))).await,
        400,
        "`name`",
    );
    refused(
        &server
            .delete("/api/v0/graph-defs", Some(json!({ "name": "custom.b" })))
            .await,
        400,
        "`name`",
    );
    succeeded(
        &server
            .delete("/api/v0/graph-defs", Some(json!({ "name": "custom.a" })))
            .await,
    );
    assert_eq!(names(&server), [""; 0]);
}

#[tokio::test]
async fn a_wildcard_vanishes_after_seven_hours_without_a_matching_point() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    let post = async |name: &str, time: i64| {
        let body = json!([{ "hostId": id, "name": name, "time": time, "value": 1 }]);
        succeeded(&server.post("/api/v0/tsdb", body).await);
    };
    let both = json!([
        graph("custom.a.#", &["custom.a.#.x"]),
        graph("custom.b", &["custom.b.x"])
    ]);
    succeeded(&server.post(CREATE, both.clone()).await);
    server.advance(7 * HOUR - 1);
    assert_eq!(names(&server), ["custom.a.#", "custom.b"]);
    post("custom.a.web.x", START + 7 * HOUR - 1).await;
    post("custom.a.web.y", START + 7 * HOUR - 1).await;
    server.advance(6 * HOUR);
    assert_eq!(names(&server), ["custom.a.#", "custom.b"]);
    post("custom.a.web.y", START + 13 * HOUR).await;
    server.advance(HOUR);
    post("custom.a.web.x", START + 14 * HOUR).await;
    assert_eq!(names(&server), ["custom.b"]);
    succeeded(&server.post(CREATE, both).await);
    assert_eq!(names(&server), ["custom.a.#", "custom.b"]);
}
