//! Graph annotations and dashboards: kept, given back, and refused by the field that is wrong.

use serde_json::{Value, json};

use super::{START, Server, refused};

const ANNOTATIONS: &str = "/api/v0/graph-annotations";
const DASHBOARDS: &str = "/api/v0/dashboards";

fn annotation(from: i64, to: i64) -> Value {
    json!({ "title": "deploy", "description": "d", "from": START + from, "to": START + to, "service": "shop", "roles": ["web"] })
}

fn dashboard(path: &str, widgets: Value) -> Value {
    json!({ "title": "t", "memo": "m", "urlPath": path, "widgets": widgets })
}

fn widget(kind: &str, own: Value, x: i64, y: i64) -> Value {
    let mut widget = json!({ "type": kind, "title": "t", "layout": { "x": x, "y": y, "width": 8, "height": 8 } });
    widget
        .as_object_mut()
        .unwrap()
        .extend(own.as_object().unwrap().clone());
    widget
}

fn graph(own: Value) -> Value {
    let graph = json!({ "graph": { "type": "host", "hostId": "h", "name": "custom.a.*" } });
    let mut graph = widget("graph", graph, 0, 0);
    graph
        .as_object_mut()
        .unwrap()
        .extend(own.as_object().unwrap().clone());
    graph
}

#[tokio::test]
async fn annotations_are_found_by_the_span_that_they_touch() {
    let server = Server::start().await;
    server
        .host("h", json!({ "roleFullnames": ["shop:web"] }))
        .await;
    let made = server.post(ANNOTATIONS, annotation(0, 60)).await.json();
    let mut whole = annotation(100, 100);
    for key in ["roles", "description"] {
        whole.as_object_mut().unwrap().remove(key);
    }
    let other = server.post(ANNOTATIONS, whole).await.json();
    let list = async |from: i64, to: i64| {
        let (from, to) = (START + from, START + to);
        let path = format!("{ANNOTATIONS}?service=shop&from={from}&to={to}");
        server.get(&path).await.json()["graphAnnotations"].clone()
    };
    assert_eq!(list(60, 99).await, json!([made]));
    assert_eq!(list(0, 100).await, json!([made, other]));
    assert_eq!(list(101, 200).await, json!([]));
    assert_eq!(other.get("roles"), None);

    let path = format!("{ANNOTATIONS}/{}", made["id"].as_str().unwrap());
    let changed = server.put(&path, annotation(5, 6)).await.json();
    assert_eq!(
        (&changed["id"], &changed["from"]),
        (&made["id"], &json!(START + 5))
    );
    assert_eq!(server.delete(&path, None).await.json(), changed);
    refused(&server.delete(&path, None).await, 404, "annotation");
    refused(
        &server.put(&path, annotation(0, 1)).await,
        404,
        "annotation",
    );
    server.delete("/api/v0/services/shop", None).await;
    server
        .post("/api/v0/services", json!({ "name": "shop" }))
        .await;
    assert_eq!(
        list(0, 100).await,
        json!([]),
        "they went with their service"
    );
}

#[tokio::test]
async fn an_annotation_must_be_whole() {
    let server = Server::start().await;
    server
        .host("h", json!({ "roleFullnames": ["shop:web"] }))
        .await;
    for (key, value, status, about) in [
        ("title", json!(null), 400, "`title`"),
        ("title", json!("é".repeat(251)), 400, "250"),
        ("description", json!("é".repeat(1025)), 400, "1024"),
        ("from", json!(null), 400, "`from`"),
        ("from", json!(START + 61), 400, "`from`"),
        ("to", json!("now"), 400, "`to`"),
        ("service", json!(null), 400, "`service`"),
        ("service", json!("none"), 404, "service"),
        ("roles", json!("web"), 400, "`roles`"),
        ("roles", json!(["none"]), 404, "role"),
    ] {
        let mut wrong = annotation(0, 60);
        wrong[key] = value;
        refused(&server.post(ANNOTATIONS, wrong).await, status, about);
    }
    for (query, status, about) in [
        ("from=0&to=1", 400, "`service`"),
        ("service=shop&to=1", 400, "`from`"),
        ("service=shop&from=1", 400, "`to`"),
        ("service=none&from=0&to=1", 404, "service"),
    ] {
        let reply = server.get(&format!("{ANNOTATIONS}?{query}")).await;
        refused(&reply, status, about);
    }
}

#[tokio::test]
async fn dashboards_come_back_as_they_were_sent() {
    let server = Server::start().await;
    let widgets = json!([
        graph(
            json!({ "range": { "type": "relative", "period": 3600, "offset": -60 }, "valueRange": { "min": 0 },
            "referenceLines": [{ "label": "full", "value": 100 }], "anything": 1 })
        ),
        widget(
            "value",
            json!({ "metric": { "type": "expression", "expression": "e" }, "fractionSize": 16, "suffix": "%",
            "formatRules": [{ "threshold": 1, "operator": ">" }] }),
            8,
            0
        ),
        widget("markdown", json!({ "markdown": "# a" }), 16, 0),
        widget("alertStatus", json!({ "roleFullname": "shop:web" }), 0, 8),
    ]);
    let made = server
        .post(DASHBOARDS, dashboard("team/ecs_1", widgets.clone()))
        .await
        .json();
    let expected = json!({ "id": made["id"], "title": "t", "memo": "m", "urlPath": "team/ecs_1", "widgets": widgets,
        "createdAt": START, "updatedAt": START });
    assert_eq!(made, expected);
    let path = format!("{DASHBOARDS}/{}", made["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.json(), made);
    let all = json!({ "dashboards": [made] });
    assert_eq!(server.get(DASHBOARDS).await.json(), all);
    server.advance(60);
    let changed = dashboard("team/ecs_1", json!([]));
    let changed = server.put(&path, changed).await.json();
    assert_eq!(
        (&changed["createdAt"], &changed["updatedAt"]),
        (&json!(START), &json!(START + 60))
    );
    let taken = server.post(DASHBOARDS, dashboard("team/ecs_1", json!([])));
    refused(&taken.await, 409, "`urlPath`");
    assert_eq!(server.delete(&path, None).await.json(), changed);
    for method in ["GET", "DELETE"] {
        let reply = server.send(method, &path, Some("both"), None).await;
        refused(&reply, 404, "dashboard");
    }
    for number in 0..100 {
        let path = number.to_string();
        server.post(DASHBOARDS, dashboard(&path, json!([]))).await;
    }
    let reply = server.post(DASHBOARDS, dashboard("more", json!([]))).await;
    refused(&reply, 403, "100");
}

#[tokio::test]
async fn a_dashboard_must_be_whole() {
    let server = Server::start().await;
    for path in ["", "/a", "a/", "a//b", "-a", "a/-b", "a b", "é"] {
        let reply = server.post(DASHBOARDS, dashboard(path, json!([]))).await;
        refused(&reply, 400, "`urlPath`");
    }
    for key in ["title", "urlPath", "widgets"] {
        let mut wrong = dashboard("a", json!([]));
        wrong[key] = Value::Null;
        refused(
            &server.post(DASHBOARDS, wrong).await,
            400,
            &format!("`{key}`"),
        );
    }
    let at = |x: i64, y: i64, width: i64, height: i64| json!({ "layout": { "x": x, "y": y, "width": width, "height": height } });
    for (own, about) in [
        (json!({ "type": "pie" }), "`widgets[0].type`"),
        (json!({ "title": null }), "`widgets[0].title`"),
        (json!({ "graph": null }), "`widgets[0].graph`"),
        (
            json!({ "graph": { "type": "host", "hostId": "h" } }),
            "`widgets[0].graph.name`",
        ),
        (
            json!({ "graph": { "type": "pie" } }),
            "`widgets[0].graph.type`",
        ),
        (
            json!({ "range": { "type": "relative", "period": 1 } }),
            "`widgets[0].range.offset`",
        ),
        (
            json!({ "range": { "type": "all" } }),
            "`widgets[0].range.type`",
        ),
        (
            json!({ "referenceLines": [{}, {}] }),
            "`widgets[0].referenceLines`",
        ),
        (
            json!({ "referenceLines": [{ "label": " ", "value": 1 }] }),
            "`widgets[0].referenceLines[0].label`",
        ),
        (
            json!({ "referenceLines": [{ "label": "a", "value": -1 }] }),
            "`widgets[0].referenceLines[0].value`",
        ),
        (json!({ "layout": null }), "`widgets[0].layout`"),
        (at(-1, 0, 6, 6), "`widgets[0].layout.x`"),
        (at(0, 0, 5, 6), "`widgets[0].layout.width`"),
        (at(18, 0, 7, 6), "`widgets[0].layout.width`"),
        (at(0, 0, 6, 5), "`widgets[0].layout.height`"),
        (at(0, 0, 6, 33), "`widgets[0].layout.height`"),
    ] {
        let reply = server
            .post(DASHBOARDS, dashboard("a", json!([graph(own)])))
            .await;
        refused(&reply, 400, about);
    }
    for (own, about) in [
        (json!({}), "`widgets[0].metric`"),
        (
            json!({ "metric": { "type": "role" } }),
            "`widgets[0].metric.type`",
        ),
        (
            json!({ "metric": { "type": "unknown" }, "fractionSize": 17 }),
            "`widgets[0].fractionSize`",
        ),
        (
            json!({ "metric": { "type": "unknown" }, "formatRules": [{ "threshold": 1, "operator": "=" }] }),
            "`widgets[0].formatRules[0].operator`",
        ),
    ] {
        let body = dashboard("a", json!([widget("value", own, 0, 0)]));
        refused(&server.post(DASHBOARDS, body).await, 400, about);
    }
    let over = json!([graph(json!({})), graph(at(7, 7, 6, 6))]);
    let reply = server.post(DASHBOARDS, dashboard("a", over)).await;
    refused(&reply, 400, "`widgets[1].layout`");
    let beside = json!([
        graph(json!({})),
        graph(at(8, 0, 6, 6)),
        graph(at(0, 8, 6, 6))
    ]);
    let reply = server.post(DASHBOARDS, dashboard("a", beside)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}
