//! Alerts: what opens and closes them, and how they are read, closed by hand and logged.

use serde_json::{Value, json};

use super::{START, Server, refused, succeeded};

fn host_monitor(metric: &str) -> Value {
    json!({ "type": "host", "name": "m", "metric": metric, "operator": ">", "warning": 10, "critical": 20, "duration": 1 })
}

impl Server {
    async fn monitor(&self, body: Value) -> String {
        let reply = self.post("/api/v0/monitors", body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn alerts(&self, query: &str) -> Vec<Value> {
        let reply = self.get(&format!("/api/v0/alerts{query}")).await.json();
        reply["alerts"].as_array().unwrap().clone()
    }

    /// The status and the value of each open alert.
    pub(super) async fn open(&self) -> Vec<(String, Value)> {
        let alerts = self.alerts("").await.into_iter();
        alerts
            .map(|alert| {
                (
                    alert["status"].as_str().unwrap().to_owned(),
                    alert["value"].clone(),
                )
            })
            .collect()
    }

    /// Posts a value of a host at the present minute and so many seconds from it.
    async fn value(&self, host: &str, name: &str, offset: i64, value: f64) {
        let time = self.now.load(std::sync::atomic::Ordering::SeqCst) + offset;
        let body = json!([{ "hostId": host, "name": name, "time": time, "value": value }]);
        succeeded(&self.post("/api/v0/tsdb", body).await);
    }

    async fn service_value(&self, offset: i64, value: f64) {
        let time = self.now.load(std::sync::atomic::Ordering::SeqCst) + offset;
        let body = json!([{ "name": "beat", "time": time, "value": value }]);
        succeeded(&self.post("/api/v0/services/shop/tsdb", body).await);
    }
}

fn one(status: &str, value: impl Into<Value>) -> Vec<(String, Value)> {
    vec![(status.to_owned(), value.into())]
}

#[tokio::test]
async fn a_value_opens_moves_and_closes_the_alert_of_a_host_metric() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    let monitor = server.monitor(host_monitor("custom.a")).await;
    server.value(&id, "custom.a", 0, 10.0).await;
    server.value(&id, "custom.b", 0, 99.0).await;
    assert_eq!(server.open().await, []);
    server.advance(60);
    server.value(&id, "custom.a", 0, 11.0).await;
    assert_eq!(server.open().await, one("WARNING", 11.0));
    server.advance(60);
    server.value(&id, "custom.a", 0, 21.0).await;
    let alert = server.alerts("").await[0].clone();
    let expected = json!({ "id": alert["id"], "status": "CRITICAL", "monitorId": monitor, "type": "host", "hostId": id,
        "value": 21.0, "openedAt": START + 60 });
    assert_eq!(alert, expected);
    server.advance(60);
    server.value(&id, "custom.a", 0, 1.0).await;
    assert_eq!(server.open().await, []);
    let path = format!("/api/v0/alerts/{}", alert["id"].as_str().unwrap());
    let closed = server.get(&path).await.json();
    assert_eq!(
        (&closed["status"], &closed["closedAt"]),
        (&json!("OK"), &json!(START + 180))
    );
    assert_eq!(server.alerts("?withClosed=true").await, [closed]);

    let logs = server.get(&format!("{path}/logs")).await.json();
    let seen: Vec<_> = logs["logs"].as_array().unwrap().iter().collect();
    let levels: Vec<_> = seen
        .iter()
        .map(|log| log["status"].as_str().unwrap())
        .collect();
    assert_eq!(levels, ["OK", "CRITICAL", "WARNING"]);
    let log = json!({ "id": seen[1]["id"], "status": "CRITICAL", "trigger": "monitoring", "monitorId": monitor,
        "targetValue": 21.0, "statusDetail": null, "createdAt": START + 120 });
    assert_eq!(seen[1], &log);
    let page = server.get(&format!("{path}/logs?limit=2")).await.json();
    let next = page["nextId"].as_str().unwrap();
    let rest = server.get(&format!("{path}/logs?nextId={next}")).await;
    assert_eq!(rest.json(), json!({ "logs": [seen[2]] }));
    refused(
        &server.get(&format!("{path}/logs?limit=101")).await,
        400,
        "`limit`",
    );
    refused(&server.get("/api/v0/alerts/none/logs").await, 404, "alert");

    let mut changed = host_monitor("custom.a");
    changed["critical"] = json!(30);
    server
        .put(&format!("/api/v0/monitors/{monitor}"), changed)
        .await;
    let logs = server.get(&format!("{path}/logs")).await.json();
    assert_eq!(logs["logs"][0]["monitorId"], Value::Null);
}

#[tokio::test]
async fn only_the_newest_point_of_a_post_is_judged_and_only_while_it_is_fresh() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    server.monitor(host_monitor("custom.a")).await;
    let points: Vec<Value> = [(-120, 99.0), (-60, 99.0), (0, 1.0)]
        .iter()
        .map(|(offset, value)| json!({ "hostId": id, "name": "custom.a", "time": START + offset, "value": value }))
        .collect();
    succeeded(&server.post("/api/v0/tsdb", json!(points)).await);
    assert_eq!(server.open().await, [], "an earlier minute of the post");
    server.value(&id, "custom.a", -60, 99.0).await;
    assert_eq!(server.open().await, [], "older than one that came before");
    let mut twice = host_monitor("custom.b");
    twice["maxCheckAttempts"] = json!(2);
    server.monitor(twice).await;
    server.value(&id, "custom.b", 0, 99.0).await;
    server.value(&id, "custom.b", -60, 99.0).await;
    assert_eq!(server.open().await, [], "nor does it count as an attempt");
    server.advance(3600);
    server.value(&id, "custom.a", -1201, 99.0).await;
    assert_eq!(server.open().await, [], "more than 20 minutes old");
    server.value(&id, "custom.a", -1140, 99.0).await;
    assert_eq!(server.open().await.len(), 1);
}

#[tokio::test]
async fn an_average_is_over_points_and_attempts_must_come_in_a_row() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    let mut body = host_monitor("custom.a");
    body["duration"] = json!(3);
    body["maxCheckAttempts"] = json!(2);
    server.monitor(body).await;
    for (value, open) in [
        (30.0, None),
        (0.0, Some(15.0)),
        (3.0, Some(11.0)),
        (3.0, None),
        (99.0, None),
        (99.0, Some(67.0)),
    ] {
        server.advance(600);
        server.value(&id, "custom.a", 0, value).await;
        let now = server.alerts("").await;
        assert_eq!(now.first().and_then(|alert| alert["value"].as_f64()), open);
    }
}

#[tokio::test]
async fn scopes_statuses_and_retirement_decide_whose_alerts_there_are() {
    let server = Server::start().await;
    let inside = server
        .host("in", json!({ "roleFullnames": ["shop:web"] }))
        .await;
    let excluded = server
        .host("ex", json!({ "roleFullnames": ["shop:db"] }))
        .await;
    let outside = server
        .host("out", json!({ "roleFullnames": ["ops:all"] }))
        .await;
    let mut body = host_monitor("custom.a");
    body["scopes"] = json!(["shop"]);
    body["excludeScopes"] = json!(["shop: db"]);
    let monitor = server.monitor(body).await;
    for id in [&inside, &excluded, &outside] {
        server.value(id, "custom.a", 0, 99.0).await;
    }
    let alerts = server.alerts("").await;
    assert_eq!((alerts.len(), &alerts[0]["hostId"]), (1, &json!(inside)));

    let path = format!("/api/v0/hosts/{inside}");
    let status_path = format!("{path}/status");
    let set = |status: &'static str| server.post(&status_path, json!({ "status": status }));
    for status in ["maintenance", "poweroff"] {
        set(status).await;
        server.advance(60);
        server.value(&inside, "custom.a", 0, 1.0).await;
        assert_eq!(server.open().await.len(), 1, "{status} is not monitored");
    }
    set("standby").await;
    server.value(&inside, "custom.a", 0, 1.0).await;
    assert_eq!(server.open().await, []);
    server.value(&inside, "custom.a", 0, 99.0).await;
    let statuses = server
        .get(&format!("{path}/monitored-statuses"))
        .await
        .json();
    let expected = json!({ "monitoredStatuses": [{ "monitorId": monitor, "status": "CRITICAL" }] });
    assert_eq!(statuses, expected);
    let alert = server.alerts("").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    server.post(&format!("{path}/retire"), json!({})).await;
    assert_eq!(server.open().await, []);
    let logs = server
        .get(&format!("/api/v0/alerts/{alert}/logs"))
        .await
        .json();
    assert_eq!(logs["logs"][0]["trigger"], "hostRetire");

    server.delete("/api/v0/services/shop/roles/web", None).await;
    server.delete("/api/v0/services/shop", None).await;
    let left = server
        .get(&format!("/api/v0/monitors/{monitor}"))
        .await
        .json();
    assert_eq!(
        (
            &left["monitor"]["scopes"],
            &left["monitor"]["excludeScopes"]
        ),
        (&json!([]), &json!([]))
    );
    server.value(&outside, "custom.a", 0, 99.0).await;
    assert_eq!(
        server.open().await.len(),
        1,
        "without a scope it is all hosts"
    );
}

#[tokio::test]
async fn containers_are_judged_by_the_fullest_of_them() {
    let server = Server::start().await;
    let id = server.host("task", json!({})).await;
    let mut body = host_monitor("container-memory%");
    body["warning"] = json!(50);
    body["critical"] = json!(80);
    server.monitor(body).await;
    let points: Vec<Value> = [("a.usage", 10), ("a.limit", 100), ("b.usage", 60), ("b.limit", 100), ("c.usage", 9)]
        .iter()
        .map(|(name, value)| json!({ "hostId": id, "name": format!("container.memory.{name}"), "time": START, "value": value }))
        .collect();
    succeeded(&server.post("/api/v0/tsdb", json!(points)).await);
    assert_eq!(server.open().await, one("WARNING", 60.0));
}

#[tokio::test]
async fn a_service_metric_is_judged_by_value_and_by_silence() {
    let server = Server::start().await;
    server
        .post("/api/v0/services", json!({ "name": "shop" }))
        .await;
    let body = json!({ "type": "service", "name": "m", "service": "shop", "metric": "beat", "operator": "<", "warning": 1,
        "duration": 1, "missingDurationWarning": 10, "missingDurationCritical": 20 });
    let monitor = server.monitor(body).await;
    server.advance(3600);
    assert_eq!(server.open().await, [], "what never came is not missing");
    server.service_value(0, 1.0).await;
    server.advance(599);
    assert_eq!(server.open().await, []);
    server.advance(1);
    assert_eq!(server.open().await, one("WARNING", Value::Null));
    server.advance(600);
    assert_eq!(server.open().await, one("CRITICAL", Value::Null));
    server.service_value(0, 0.0).await;
    assert_eq!(
        server.open().await,
        one("WARNING", 0.0),
        "it is back, and low"
    );
    server.service_value(60, 1.0).await;
    assert_eq!(server.open().await, []);

    server.advance(1200);
    let alert = server.alerts("").await[0].clone();
    let path = format!("/api/v0/alerts/{}/close", alert["id"].as_str().unwrap());
    let closed = server
        .post(&path, json!({ "reason": "known" }))
        .await
        .json();
    assert_eq!(
        (&closed["status"], &closed["reason"]),
        (&json!("OK"), &json!("known"))
    );
    assert_eq!(
        server.open().await,
        [],
        "the same silence does not open another"
    );
    server.service_value(0, 1.0).await;
    server.advance(600);
    assert_eq!(server.open().await.len(), 1);

    server.delete("/api/v0/services/shop", None).await;
    assert_eq!(server.open().await, []);
    refused(
        &server.get(&format!("/api/v0/monitors/{monitor}")).await,
        404,
        "monitor",
    );
}

#[tokio::test]
async fn a_host_whose_system_metrics_stop_is_gone() {
    let server = Server::start().await;
    let agent = server.host("agent", json!({})).await;
    let custom = server.host("custom", json!({})).await;
    let monitor = server
        .monitor(json!({ "type": "connectivity", "alertStatusOnGone": "WARNING" }))
        .await;
    server.value(&agent, "loadavg5", 0, 1.0).await;
    server.value(&custom, "custom.a", 0, 1.0).await;
    server.advance(599);
    server.value(&agent, "custom.a", 0, 1.0).await;
    assert_eq!(server.open().await, []);
    server.advance(1);
    let alerts = server.alerts("").await;
    assert_eq!(
        alerts.len(),
        1,
        "custom metrics are not what connectivity follows"
    );
    let expected = json!({ "id": alerts[0]["id"], "status": "WARNING", "monitorId": monitor, "type": "connectivity",
        "hostId": agent, "openedAt": START + 600 });
    assert_eq!(alerts[0], expected);
    server.value(&agent, "loadavg5", -3600, 1.0).await;
    assert_eq!(server.open().await, []);
}

#[tokio::test]
async fn alerts_are_paged_noted_and_closed_by_hand() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    server.monitor(host_monitor("custom.a")).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        server.advance(60);
        server.value(&id, "custom.a", 0, 99.0).await;
        let alert = server.alerts("").await[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let close = format!("/api/v0/alerts/{alert}/close");
        refused(&server.post(&close, json!({})).await, 400, "`reason`");
        let closed = server.post(&close, json!({ "reason": "" })).await.json();
        assert_eq!(closed["status"], "OK");
        assert_eq!(
            server
                .post(&close, json!({ "reason": "again" }))
                .await
                .json(),
            closed
        );
        let logs = server
            .get(&format!("/api/v0/alerts/{alert}/logs"))
            .await
            .json();
        assert_eq!(logs["logs"][0]["trigger"], "manual");
        ids.insert(0, alert);
    }
    let page = server
        .get("/api/v0/alerts?withClosed=true&limit=2")
        .await
        .json();
    let of = |page: &Value| -> Vec<String> {
        let alerts = page["alerts"].as_array().unwrap().iter();
        alerts
            .map(|alert| alert["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(of(&page), ids[..2]);
    let next = page["nextId"].as_str().unwrap();
    let rest = server
        .get(&format!("/api/v0/alerts?withClosed=true&nextId={next}"))
        .await
        .json();
    assert_eq!((of(&rest), rest.get("nextId")), (ids[2..].to_vec(), None));
    refused(
        &server.get("/api/v0/alerts?limit=101").await,
        400,
        "`limit`",
    );

    let path = format!("/api/v0/alerts/{}", ids[0]);
    let noted = server.put(&path, json!({ "memo": "seen" })).await.json();
    assert_eq!(noted, json!({ "id": ids[0], "memo": "seen" }));
    assert_eq!(server.get(&path).await.json()["memo"], "seen");
    let long = "x".repeat(80 * 1024 + 1);
    refused(
        &server.put(&path, json!({ "memo": long })).await,
        413,
        "80 KB",
    );
    refused(&server.put(&path, json!({})).await, 400, "`memo`");
    refused(
        &server
            .put("/api/v0/alerts/none", json!({ "memo": "" }))
            .await,
        404,
        "alert",
    );
    refused(
        &server
            .post("/api/v0/alerts/none/close", json!({ "reason": "" }))
            .await,
        404,
        "alert",
    );
}
