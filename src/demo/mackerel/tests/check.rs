//! Check reports and the check monitors that they and the hosts make.

use serde_json::{Value, json};

use super::{START, Server, refused, succeeded};

const REPORT: &str = "/api/v0/monitoring/checks/report";

fn report(host: &str, name: &str, status: &str, seconds: i64) -> Value {
    json!({ "source": { "type": "host", "hostId": host }, "name": name, "status": status, "message": "m",
        "occurredAt": START + seconds })
}

impl Server {
    async fn check_names(&self) -> Vec<String> {
        let reply = self.get("/api/v0/monitoring/checks").await.json();
        let names = reply["checks"].as_array().unwrap().iter();
        names
            .map(|check| check["name"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn report(&self, host: &str, status: &str, extra: Value) {
        let time = self.now.load(std::sync::atomic::Ordering::SeqCst);
        let mut report = json!({ "source": { "type": "host", "hostId": host }, "name": "disk", "status": status,
            "message": format!("is {status}"), "occurredAt": time });
        let extra = extra.as_object().unwrap().clone();
        report.as_object_mut().unwrap().extend(extra);
        let body = json!({ "reports": [report] });
        succeeded(&self.post("/api/v0/monitoring/checks/report", body).await);
    }

    fn check_status(&self, host: &str, name: &str) -> &'static str {
        let checks = self.mackerel.checks(host);
        let check = checks.into_iter().find(|check| check.name == name);
        check.unwrap().status.as_str()
    }
}

#[tokio::test]
async fn a_report_changes_its_check_and_makes_one_that_nobody_declared() {
    let server = Server::start().await;
    let id = server
        .host(
            "a",
            json!({ "checks": [{ "name": "disk", "memo": "space" }] }),
        )
        .await;
    assert_eq!(server.check_status(&id, "disk"), "OK");
    let reports = json!({ "reports": [report(&id, "disk", "CRITICAL", 0), report(&id, "any name", "UNKNOWN", 0)] });
    succeeded(&server.post(REPORT, reports).await);
    assert_eq!(server.check_status(&id, "disk"), "CRITICAL");
    assert_eq!(server.check_status(&id, "any name"), "UNKNOWN");
    assert_eq!(server.check_names().await, ["disk", "any name"]);

    let check = &server.get("/api/v0/monitoring/checks?limit=1").await.json();
    let disk = check["checks"][0].clone();
    let path = format!("/api/v0/monitoring/checks/{}", disk["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await.json(), json!({ "check": disk }));
    let next = check["nextId"].as_str().unwrap();
    let rest = server
        .get(&format!("/api/v0/monitoring/checks?nextId={next}"))
        .await
        .json();
    assert_eq!(rest["checks"][0]["name"], "any name");
    assert_eq!(rest.get("nextId"), None);
    let first = server.get("/api/v0/monitoring/checks?nextId=").await.json();
    assert_eq!(first["checks"].as_array().unwrap().len(), 2);
    refused(
        &server.get("/api/v0/monitoring/checks/none").await,
        404,
        "check",
    );
    refused(
        &server.get("/api/v0/monitoring/checks?limit=101").await,
        400,
        "`limit`",
    );
}

#[tokio::test]
async fn reports_that_are_old_or_came_before_are_ignored() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    let post = |status: &'static str, seconds| {
        let body = json!({ "reports": [report(&id, "disk", status, seconds)] });
        let server = &server;
        async move { succeeded(&server.post(REPORT, body).await) }
    };
    post("OK", -21_600).await;
    assert!(server.mackerel.checks(&id).is_empty());
    post("WARNING", -60).await;
    post("OK", -60).await;
    assert_eq!(server.check_status(&id, "disk"), "WARNING");
    post("OK", -120).await;
    assert_eq!(server.check_status(&id, "disk"), "WARNING");
    post("OK", 0).await;
    assert_eq!(server.check_status(&id, "disk"), "OK");
}

#[tokio::test]
async fn an_update_of_the_host_deletes_checks_that_it_leaves_out() {
    let server = Server::start().await;
    let checks = json!({ "checks": [{ "name": "a" }, { "name": "b" }] });
    let id = server.host("h", checks).await;
    let path = format!("/api/v0/hosts/{id}");
    server.put(&path, json!({ "name": "h", "meta": {} })).await;
    assert_eq!(server.check_names().await, ["a", "b"]);
    let update = json!({ "name": "h", "meta": {}, "checks": [{ "name": "b", "memo": "m" }] });
    server.put(&path, update).await;
    assert_eq!(server.check_names().await, ["b"]);
    assert_eq!(server.mackerel.checks(&id)[0].memo, "m");
    succeeded(&server.post(&format!("{path}/retire"), json!({})).await);
    assert!(server.check_names().await.is_empty());
}

#[tokio::test]
async fn checks_that_an_update_does_not_tell_stay() {
    let server = Server::start().await;
    let id = server.host("h", json!({})).await;
    server
        .report(&id, "OK", json!({ "name": "reported" }))
        .await;
    let path = format!("/api/v0/hosts/{id}");
    let update = json!({ "name": "h", "meta": {}, "checks": null });
    server.put(&path, update).await;
    assert_eq!(server.check_names().await, ["reported"]);
}

#[tokio::test]
async fn a_time_that_no_calendar_holds_is_told_apart_from_now() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    for (name, time) in [("past", i64::MIN), ("future", i64::MAX)] {
        let mut odd = report(&id, name, "WARNING", 0);
        odd["occurredAt"] = json!(time);
        succeeded(&server.post(REPORT, json!({ "reports": [odd] })).await);
    }
    assert_eq!(server.check_names().await, ["future"]);
}

#[tokio::test]
async fn a_report_must_be_whole() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    let long = "é".repeat(1025);
    for (key, value, about) in [
        ("source", json!(null), "`reports[0].source`"),
        (
            "source",
            json!({ "type": "service", "hostId": "x" }),
            "`reports[0].source.type`",
        ),
        (
            "source",
            json!({ "type": "host" }),
            "`reports[0].source.hostId`",
        ),
        ("name", json!(1), "`reports[0].name`"),
        ("name", json!(""), "`reports[0].name`"),
        ("status", json!("FINE"), "`reports[0].status`"),
        ("message", json!(null), "`reports[0].message`"),
        ("message", json!(long), "1024"),
        ("occurredAt", json!("now"), "`reports[0].occurredAt`"),
        (
            "maxCheckAttempts",
            json!(0),
            "`reports[0].maxCheckAttempts`",
        ),
        (
            "maxCheckAttempts",
            json!(11),
            "`reports[0].maxCheckAttempts`",
        ),
        (
            "maxCheckAttempts",
            json!(1.5),
            "`reports[0].maxCheckAttempts`",
        ),
        (
            "notificationInterval",
            json!(-1),
            "`reports[0].notificationInterval`",
        ),
    ] {
        let mut wrong = report(&id, "disk", "OK", 0);
        wrong[key] = value;
        let reply = server.post(REPORT, json!({ "reports": [wrong] })).await;
        refused(&reply, 400, about);
    }
    let many = vec![report(&id, "disk", "OK", 0); 101];
    refused(
        &server.post(REPORT, json!({ "reports": many })).await,
        400,
        "100",
    );
    refused(&server.post(REPORT, json!({})).await, 400, "`reports`");
    let unknown = json!({ "reports": [report("none", "disk", "OK", 0)] });
    refused(&server.post(REPORT, unknown).await, 404, "host");
    assert!(server.check_names().await.is_empty());
    let kind = json!({ "reports": [{ "source": { "type": "host", "hostId": id }, "name": "d", "status": "OK",
        "message": "", "occurredAt": START as f64 + 0.5, "notificationInterval": 0, "maxCheckAttempts": 10 }] });
    succeeded(&server.post(REPORT, kind).await);
}

#[tokio::test]
async fn checks_alert_by_their_reports() {
    let server = Server::start().await;
    let id = server
        .host(
            "a",
            json!({ "checks": [{ "name": "disk", "memo": "space" }] }),
        )
        .await;
    let twice = json!({ "maxCheckAttempts": 2 });
    server.report(&id, "WARNING", twice.clone()).await;
    server.advance(21_601);
    server.report(&id, "UNKNOWN", twice.clone()).await;
    assert_eq!(
        server.open().await,
        [],
        "too far apart to count as in a row"
    );
    server.advance(60);
    server.report(&id, "CRITICAL", twice.clone()).await;
    let alert = server.alerts("").await[0].clone();
    let check = server.mackerel.checks(&id)[0].id.clone();
    let expected = json!({ "id": alert["id"], "status": "CRITICAL", "monitorId": check, "type": "check", "hostId": id,
        "message": "is CRITICAL", "openedAt": START + 21_661 });
    assert_eq!(alert, expected);
    let statuses = server
        .get(&format!("/api/v0/hosts/{id}/monitored-statuses"))
        .await
        .json();
    let detail = json!({ "type": "check", "message": "is CRITICAL", "memo": "space" });
    let expected = json!({ "monitorId": check, "status": "CRITICAL", "detail": detail });
    assert_eq!(statuses["monitoredStatuses"][0], expected);
    let path = format!("/api/v0/alerts/{}", alert["id"].as_str().unwrap());
    let logs = server.get(&format!("{path}/logs")).await.json();
    let detail =
        json!({ "type": "check", "detail": { "message": "is CRITICAL", "memo": "space" } });
    assert_eq!(logs["logs"][0]["statusDetail"], detail);

    let update = json!({ "name": "a", "meta": {}, "checks": [] });
    server.put(&format!("/api/v0/hosts/{id}"), update).await;
    assert_eq!(
        server.mackerel.checks(&id).len(),
        1,
        "an open alert keeps its check"
    );
    server.advance(60);
    server.report(&id, "OK", twice.clone()).await;
    assert_eq!(server.open().await, []);
    server
        .post(
            &format!("/api/v0/hosts/{id}/status"),
            json!({ "status": "maintenance" }),
        )
        .await;
    server.advance(60);
    server.report(&id, "CRITICAL", json!({})).await;
    assert_eq!(server.open().await, [], "maintenance is not monitored");
}
