//! Monitors of every type: made, read, listed, changed and deleted, and refused by the field that is wrong.

use serde_json::{Value, json};

use super::{START, Server, refused};

const MONITORS: &str = "/api/v0/monitors";

fn example(kind: &str) -> Value {
    match kind {
        "host" => {
            json!({ "type": "host", "name": "n", "metric": "custom.a", "operator": ">", "warning": 1.5,
            "critical": 2, "duration": 3, "maxCheckAttempts": 2, "scopes": ["shop"], "excludeScopes": ["shop: web"],
            "memo": "m", "isMute": true, "notificationInterval": 10 })
        }
        "connectivity" => {
            json!({ "type": "connectivity", "name": "n", "alertStatusOnGone": "WARNING",
            "scopes": ["shop:web"], "excludeScopes": [] })
        }
        "service" => {
            json!({ "type": "service", "name": "n", "service": "shop", "metric": "a.b", "operator": "<",
            "warning": 1, "duration": 10, "maxCheckAttempts": 1, "missingDurationWarning": 10,
            "missingDurationCritical": 10080 })
        }
        "external" => {
            json!({ "type": "external", "name": "n", "url": "https://example.com", "method": "POST",
            "service": "shop", "maxCheckAttempts": 3, "responseTimeDuration": 3, "responseTimeWarning": 5000.0,
            "containsString": "x", "headers": [{ "name": "a", "value": "b" }], "followRedirect": true,
            "certificationExpirationCritical": 30, "skipCertificateVerification": false, "requestBody": "b",
            "expectedStatusCode": 200, "dualstack": "auto" })
        }
        "expression" => {
            json!({ "type": "expression", "name": "n", "expression": "avg(role(a:b, c))", "operator": ">",
            "critical": 1.0, "evaluateBackwardMinutes": 2 })
        }
        "query" => {
            json!({ "type": "query", "name": "n", "query": "a{}", "legend": "l", "operator": ">",
            "evaluateBackwardMinutes": 0 })
        }
        _ => {
            json!({ "type": "anomalyDetection", "name": "n", "scopes": ["shop: web"], "maxCheckAttempts": 5,
            "warningSensitivity": "normal", "trainingPeriodFrom": START })
        }
    }
}

const KINDS: [&str; 7] = [
    "anomalyDetection",
    "connectivity",
    "expression",
    "external",
    "host",
    "query",
    "service",
];

impl Server {
    async fn with_shop() -> Self {
        let server = Self::start().await;
        server
            .host("h", json!({ "roleFullnames": ["shop:web"] }))
            .await;
        server
    }
}

#[tokio::test]
async fn every_type_comes_back_as_it_was_made() {
    let server = Server::with_shop().await;
    let mut made = Vec::new();
    for kind in KINDS {
        let reply = server.post(MONITORS, example(kind)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let mut monitor = reply.json();
        made.push(monitor.clone());
        let path = format!("{MONITORS}/{}", monitor["id"].as_str().unwrap());
        assert_eq!(
            server.get(&path).await.json(),
            json!({ "monitor": monitor })
        );
        monitor.as_object_mut().unwrap().remove("id");
        for (key, value) in example(kind).as_object().unwrap() {
            let same = &monitor[key] == value
                || monitor[key].as_f64() == value.as_f64() && value.is_number();
            assert!(same, "{kind} {key}: {} is not {value}", monitor[key]);
        }
        assert_eq!(
            monitor.as_object().unwrap().len(),
            example(kind).as_object().unwrap().len()
        );
    }
    assert_eq!(
        server.get(MONITORS).await.json(),
        json!({ "monitors": made })
    );
    for monitor in made {
        let path = format!("{MONITORS}/{}", monitor["id"].as_str().unwrap());
        assert_eq!(server.delete(&path, None).await.json(), monitor);
        refused(&server.get(&path).await, 404, "monitor");
        refused(&server.delete(&path, None).await, 404, "monitor");
        refused(&server.put(&path, example("host")).await, 404, "monitor");
    }
}

#[tokio::test]
async fn an_update_replaces_all_but_what_is_documented_to_stay() {
    let server = Server::with_shop().await;
    for (kind, kept, cleared) in [
        ("host", "", "isMute"),
        ("connectivity", "alertStatusOnGone", ""),
        ("external", "headers", "containsString"),
    ] {
        let monitor = server.post(MONITORS, example(kind)).await.json();
        let path = format!("{MONITORS}/{}", monitor["id"].as_str().unwrap());
        let mut body = example(kind);
        for key in [kept, cleared, "scopes", "excludeScopes"] {
            body.as_object_mut().unwrap().remove(key);
        }
        let updated = server.put(&path, body.clone()).await.json();
        assert_eq!(updated["id"], monitor["id"]);
        assert_eq!(updated.get(kept), monitor.get(kept), "{kind}");
        assert_eq!(updated.get(cleared), None, "{kind}");
        if kind != "external" {
            assert_eq!(updated["scopes"], json!([]));
        }
        body["type"] = json!("expression");
        refused(&server.put(&path, body).await, 400, "`type`");
        refused(
            &server.put(&path, json!({ "type": kind, "name": "" })).await,
            400,
            "`name`",
        );
    }
}

#[tokio::test]
async fn defaults_stand_for_what_was_left_out() {
    let server = Server::with_shop().await;
    let gone = server
        .post(MONITORS, json!({ "type": "connectivity" }))
        .await
        .json();
    assert_eq!(
        (&gone["name"], &gone["alertStatusOnGone"], &gone["scopes"]),
        (&json!("connectivity"), &json!("CRITICAL"), &json!([]))
    );
    let host = json!({ "type": "host", "name": "n", "metric": "custom.a", "operator": ">", "duration": 1 });
    assert_eq!(
        server.post(MONITORS, host).await.json()["maxCheckAttempts"],
        1
    );
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_its_field() {
    let server = Server::with_shop().await;
    let long = "é".repeat(2049);
    for (kind, key, values) in [
        ("host", "type", json!([null, "check", 1, ""])),
        ("host", "name", json!([null, "", 1])),
        ("host", "memo", json!([long, 1])),
        ("host", "isMute", json!(["true", 1])),
        (
            "host",
            "notificationInterval",
            json!([9, 0, -1, 10.5, "10"]),
        ),
        ("host", "metric", json!([null, "", 1])),
        ("host", "operator", json!([null, ">=", "="])),
        ("host", "warning", json!(["1", []])),
        ("host", "duration", json!([null, 0, 11, 1.5])),
        ("host", "maxCheckAttempts", json!([0, 11, "3"])),
        (
            "host",
            "scopes",
            json!(["shop", ["none"], ["shop: none"], [1]]),
        ),
        ("host", "excludeScopes", json!([["none"], ["shop:none"]])),
        ("connectivity", "name", json!([""])),
        (
            "connectivity",
            "alertStatusOnGone",
            json!(["OK", "UNKNOWN", 1]),
        ),
        ("connectivity", "scopes", json!([["none"]])),
        ("service", "service", json!([null, "none", "shop:web"])),
        ("service", "metric", json!([null])),
        ("service", "duration", json!([0, 11])),
        ("service", "maxCheckAttempts", json!([0, 11])),
        (
            "service",
            "missingDurationWarning",
            json!([0, 5, 15, 10090]),
        ),
        ("service", "missingDurationCritical", json!([15, -10])),
        (
            "external",
            "url",
            json!([null, "ftp://example.com", "example.com"]),
        ),
        ("external", "method", json!(["HEAD"])),
        ("external", "maxCheckAttempts", json!([0])),
        ("external", "responseTimeDuration", json!([0, 11])),
        ("external", "headers", json!([{}, [{ "name": "a" }]])),
        ("expression", "expression", json!([null, ""])),
        ("expression", "evaluateBackwardMinutes", json!([1, 11])),
        ("query", "query", json!([null, ""])),
        ("query", "evaluateBackwardMinutes", json!([-1, 11])),
        (
            "anomalyDetection",
            "warningSensitivity",
            json!(["high", null]),
        ),
        ("anomalyDetection", "trainingPeriodFrom", json!([START + 1])),
        ("anomalyDetection", "scopes", json!([["shop: none"]])),
    ] {
        for value in values.as_array().unwrap() {
            let mut body = example(kind);
            body[key] = value.clone();
            let reply = server.post(MONITORS, body).await;
            let about = if key == "headers" {
                "headers".to_owned()
            } else {
                format!("`{key}`")
            };
            refused(&reply, 400, &about);
        }
    }
    for (metric, value) in [("cpu%", 101.0), ("container-memory%", -1.0)] {
        let mut body = example("host");
        body["metric"] = json!(metric);
        body["critical"] = json!(value);
        refused(&server.post(MONITORS, body).await, 400, "`critical`");
    }
    let mut body = example("external");
    body.as_object_mut().unwrap().remove("service");
    refused(&server.post(MONITORS, body).await, 400, "`service`");
    assert_eq!(server.get(MONITORS).await.json(), json!({ "monitors": [] }));
}
