//! Values of hosts and services: what a post may hold, what is stored of it, and how it is read.

use serde_json::{Value, json};

use super::{START, Server, refused, succeeded};
use crate::demo::mackerel::option::UnknownHosts;

fn value(host: &str, name: &str, time: i64, value: f64) -> Value {
    json!({ "hostId": host, "name": name, "time": time, "value": value })
}

#[tokio::test]
async fn one_post_holds_values_of_many_hosts() {
    let server = Server::start().await;
    let (a, b) = (
        server.host("a", json!({})).await,
        server.host("b", json!({})).await,
    );
    let post = json!([
        value(&a, "custom.ecs.cpu.average", START, 1.5),
        value(&a, "custom.ecs.cpu.average", START - 60, 1.0),
        value(&a, "container.cpu.app.usage", START, 3.0),
        value(&b, "interface.eth0.rxBytes.delta", START, 0.0),
    ]);
    succeeded(&server.post("/api/v0/tsdb", post).await);
    succeeded(&server.post("/api/v0/tsdb", json!([])).await);
    assert_eq!(
        server.mackerel.points(&a, "custom.ecs.cpu.average"),
        [(START - 60, 1.0), (START, 1.5)]
    );
    assert_eq!(server.mackerel.points(&b, "custom.ecs.cpu.average"), []);
    let names = server
        .get(&format!("/api/v0/hosts/{a}/metric-names"))
        .await
        .json();
    assert_eq!(
        names,
        json!({ "names": ["container.cpu.app.usage", "custom.ecs.cpu.average"] })
    );
    refused(
        &server.get("/api/v0/hosts/none/metric-names").await,
        404,
        "host",
    );
}

#[tokio::test]
async fn a_post_with_a_bad_value_is_refused_whole() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    let good = value(&id, "custom.a", START, 1.0);
    let cases = [
        (json!(1), "`[1]`"),
        (
            json!({ "name": "custom.a", "time": START, "value": 1 }),
            "`[1].hostId`",
        ),
        (
            json!({ "hostId": id, "time": START, "value": 1 }),
            "`[1].name`",
        ),
        (
            json!({ "hostId": id, "name": "custom.a", "value": 1 }),
            "`[1].time`",
        ),
        (
            json!({ "hostId": id, "name": "custom.a", "time": START }),
            "`[1].value`",
        ),
        (
            json!({ "hostId": id, "name": "custom.a", "time": START, "value": null }),
            "`[1].value`",
        ),
        (
            json!({ "hostId": id, "name": "custom.a", "time": START, "value": "1" }),
            "`[1].value`",
        ),
        (
            json!({ "hostId": id, "name": "custom.a", "time": "now", "value": 1 }),
            "`[1].time`",
        ),
        (
            json!({ "hostId": 7, "name": "custom.a", "time": START, "value": 1 }),
            "`[1].hostId`",
        ),
        (value(&id, "custom.a..b", START, 1.0), "`[1].name`"),
        (value(&id, "custom.a/b", START, 1.0), "`[1].name`"),
        (value(&id, "ecs.cpu", START, 1.0), "`[1].name`"),
    ];
    for (bad, field) in cases {
        refused(
            &server.post("/api/v0/tsdb", json!([good, bad])).await,
            400,
            field,
        );
    }
    for number in ["NaN", "Infinity", "1e999"] {
        let body =
            format!(r#"[{{"hostId":"{id}","name":"custom.a","time":{START},"value":{number}}}]"#);
        refused(
            &server
                .send("POST", "/api/v0/tsdb", Some("both"), Some(body))
                .await,
            400,
            "JSON",
        );
    }
    assert_eq!(server.mackerel.metric_names(&id), [""; 0]);
}

#[tokio::test]
async fn values_of_unknown_and_retired_hosts() {
    let server = Server::start().await;
    let (living, retired) = (
        server.host("a", json!({})).await,
        server.host("b", json!({})).await,
    );
    server
        .post(&format!("/api/v0/hosts/{retired}/retire"), json!({}))
        .await;
    for id in ["none", retired.as_str()] {
        let post = json!([
            value(&living, "custom.a", START, 1.0),
            value(id, "custom.a", START, 1.0)
        ]);
        refused(&server.post("/api/v0/tsdb", post).await, 404, id);
    }
    assert_eq!(server.mackerel.points(&living, "custom.a"), []);

    let lax = Server::with(|options| options.unknown_hosts = UnknownHosts::Ignore).await;
    let living = lax.host("a", json!({})).await;
    let post = json!([
        value("none", "custom.a", START, 1.0),
        value(&living, "custom.a", START, 1.0)
    ]);
    succeeded(&lax.post("/api/v0/tsdb", post).await);
    assert_eq!(lax.mackerel.points(&living, "custom.a"), [(START, 1.0)]);
}

#[tokio::test]
async fn values_beyond_a_day_are_dropped_with_a_success() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    let day = 24 * 60 * 60;
    let times = [START - day - 1, START - day, START + day, START + day + 1];
    let post: Vec<Value> = times
        .iter()
        .map(|time| value(&id, "custom.a", *time, 1.0))
        .collect();
    succeeded(&server.post("/api/v0/tsdb", json!(post)).await);
    assert_eq!(
        server.mackerel.points(&id, "custom.a"),
        [(START - day, 1.0), (START + day, 1.0)]
    );
    succeeded(
        &server
            .post(
                "/api/v0/tsdb",
                json!([value(&id, "custom.old", START - day - 1, 1.0)]),
            )
            .await,
    );
    assert_eq!(server.mackerel.metric_names(&id), ["custom.a"]);
}

#[tokio::test]
async fn a_minute_holds_its_last_value_and_the_journal_counts_the_posts() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    for (time, number) in [
        (START, 1.0),
        (START + 59, 2.0),
        (START + 59, 2.0),
        (START + 60, 3.0),
    ] {
        succeeded(
            &server
                .post(
                    "/api/v0/tsdb",
                    json!([value(&id, "custom.a", time, number)]),
                )
                .await,
        );
    }
    assert_eq!(
        server.mackerel.points(&id, "custom.a"),
        [(START, 2.0), (START + 60, 3.0)]
    );
    let posts: Vec<_> = server
        .mackerel
        .posts_of(&id, "custom.a")
        .iter()
        .map(|post| (post.time, post.value, post.count, post.changes))
        .collect();
    assert_eq!(posts, [(START, 2.0, 3, 1), (START + 60, 3.0, 1, 0)]);
}

#[tokio::test]
async fn values_are_read_oldest_first_within_the_range() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    let post: Vec<Value> = [180, 0, 120, 60]
        .iter()
        .map(|after| value(&id, "custom.a", START + after, *after as f64))
        .collect();
    succeeded(&server.post("/api/v0/tsdb", json!(post)).await);
    let path = format!("/api/v0/hosts/{id}/metrics");
    let range = format!("from={}&to={}", START + 60, START + 120);
    let reply = server.get(&format!("{path}?name=custom.a&{range}")).await;
    let expected = json!({ "metrics": [{ "time": START + 60, "value": 60.0 }, { "time": START + 120, "value": 120.0 }] });
    assert_eq!(reply.json(), expected);
    let outside = server
        .get(&format!("{path}?name=custom.a&from=1&to=59"))
        .await;
    assert_eq!(outside.json(), json!({ "metrics": [] }));
    refused(
        &server.get(&format!("{path}?name=custom.b&{range}")).await,
        404,
        "metric not found",
    );
    refused(
        &server
            .get(&format!("/api/v0/hosts/none/metrics?name=custom.a&{range}"))
            .await,
        404,
        "host not found",
    );
    refused(&server.get(&format!("{path}?{range}")).await, 400, "`name`");
    refused(
        &server.get(&format!("{path}?name=custom.a&to=1")).await,
        400,
        "`from`",
    );
    refused(
        &server
            .get(&format!("{path}?name=custom.a&from=1&to=x"))
            .await,
        400,
        "`to`",
    );
}

#[tokio::test]
async fn the_newest_values_are_read_together() {
    let server = Server::start().await;
    let (a, b) = (
        server.host("a", json!({})).await,
        server.host("b", json!({})).await,
    );
    let post = json!([
        value(&a, "custom.a", START, 1.0),
        value(&a, "custom.a", START + 60, 2.0),
        value(&a, "custom.b", START, 3.0)
    ]);
    succeeded(&server.post("/api/v0/tsdb", post).await);
    let reply = server
        .get(&format!(
            "/api/v0/tsdb/latest?hostId={a}&hostId={b}&hostId=none&name=custom.a&name=custom.b"
        ))
        .await;
    assert_eq!(
        reply.json(),
        json!({ "tsdbLatest": {
            a: { "custom.a": { "time": START + 60, "value": 2.0 }, "custom.b": { "time": START, "value": 3.0 } },
            b: { "custom.a": null, "custom.b": null },
        } })
    );
    refused(
        &server.get("/api/v0/tsdb/latest?name=custom.a").await,
        400,
        "`hostId`",
    );
}

#[tokio::test]
async fn a_service_has_values_of_its_own() {
    let server = Server::start().await;
    server
        .post("/api/v0/services", json!({ "name": "shop" }))
        .await;
    let path = "/api/v0/services/shop";
    let post = json!([
        { "name": "heartbeat", "time": START as f64 + 0.7, "value": 1 },
        { "name": "heartbeat", "time": START - 24 * 60 * 60 - 1, "value": 1 },
        { "name": "queue.length", "time": START, "value": 7.5 },
    ]);
    succeeded(&server.post(&format!("{path}/tsdb"), post).await);
    let names = server.get(&format!("{path}/metric-names")).await.json();
    assert_eq!(names, json!({ "names": ["heartbeat", "queue.length"] }));
    let range = format!("from={START}&to={START}");
    let reply = server
        .get(&format!("{path}/metrics?name=heartbeat&{range}"))
        .await;
    assert_eq!(
        reply.json(),
        json!({ "metrics": [{ "time": START, "value": 1.0 }] })
    );
    assert_eq!(
        server.mackerel.service_points("shop", "heartbeat"),
        [(START, 1.0)]
    );
    refused(
        &server
            .get(&format!("{path}/metrics?name=none&{range}"))
            .await,
        404,
        "metric not found",
    );
    refused(
        &server
            .get(&format!(
                "/api/v0/services/none/metrics?name=heartbeat&{range}"
            ))
            .await,
        404,
        "service",
    );
    refused(
        &server.post("/api/v0/services/none/tsdb", json!([])).await,
        404,
        "service",
    );
    refused(
        &server.get("/api/v0/services/none/metric-names").await,
        404,
        "service",
    );
    let bad = json!([{ "name": "a b", "time": START, "value": 1 }]);
    refused(
        &server.post(&format!("{path}/tsdb"), bad).await,
        400,
        "`[0].name`",
    );
}

#[tokio::test]
async fn a_chosen_point_poisons_its_post_until_points_are_accepted_again() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    server
        .mackerel
        .refuse_points(|point| point.name == "custom.poison");
    let poisoned = json!([
        value(&id, "custom.a", START, 1.0),
        value(&id, "custom.poison", START, 1.0)
    ]);
    refused(
        &server.post("/api/v0/tsdb", poisoned.clone()).await,
        400,
        "[1]",
    );
    assert_eq!(server.mackerel.metric_names(&id), [""; 0]);
    succeeded(
        &server
            .post("/api/v0/tsdb", json!([value(&id, "custom.a", START, 1.0)]))
            .await,
    );
    server.mackerel.accept_points();
    succeeded(&server.post("/api/v0/tsdb", poisoned).await);
}
