//! The page as its scripts are answered: its files, its policy, and the JSON that it draws from.

use serde_json::{Value, json};

use super::{START, Server, refused};

async fn data(server: &Server, path: &str) -> Value {
    let path = format!("/page/data/{path}");
    let reply = server.send("GET", &path, None, None).await;
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    reply.json()
}

#[tokio::test]
async fn every_address_has_the_one_document_and_its_files_are_there() {
    let server = Server::start().await;
    let document = server.send("GET", "/", None, None).await;
    for path in [
        "/hosts/any",
        "/services",
        "/services/a",
        "/services/a/b",
        "/alerts",
    ] {
        let reply = server.send("GET", path, None, None).await;
        assert_eq!(reply.body, document.body, "{path}");
    }
    assert_eq!(
        document.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    // Nothing is asked of another server, and each file that is asked for exists.
    let mut files = vec!["/page/main.js".to_owned()];
    files.extend(quoted(&document.body, "/page/"));
    let mut seen = 0;
    while let Some(file) = files.get(seen).cloned() {
        seen += 1;
        let reply = server.send("GET", &file, None, None).await;
        assert_eq!(reply.status, 200, "{file}");
        for name in quoted(&reply.body, "./") {
            let file = name.replacen("./", "/page/", 1);
            if name.ends_with(".js") && !files.contains(&file) {
                files.push(file);
            }
        }
    }
    assert!(seen > 15, "{files:?}");
    assert!(!document.body.contains("//"), "{}", document.body);
    refused(
        &server.send("GET", "/page/none.js", None, None).await,
        404,
        "not found",
    );
    refused(
        &server.send("POST", "/page/data/hosts", None, None).await,
        404,
        "not found",
    );
}

/// The texts in double quotes that start like this.
fn quoted(text: &str, start: &str) -> Vec<String> {
    let parts = text.split('"').skip(1).step_by(2);
    parts
        .filter(|part| part.starts_with(start))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn the_policy_lets_only_the_pages_own_scripts_run() {
    let server = Server::start().await;
    for path in ["/", "/page/main.js", "/page/data/hosts", "/none"] {
        let reply = server.send("GET", path, None, None).await;
        let policy = reply.header("content-security-policy").unwrap();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "trusted-types 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        let others = reply.header("cross-origin-resource-policy");
        assert_eq!(others, Some("same-origin"));
    }
}

#[tokio::test]
async fn a_host_is_told_with_its_graphs_and_their_values() {
    let server = Server::start().await;
    let id = server
        .host(
            "a",
            json!({ "displayName": "A", "roleFullnames": ["shop:web"], "meta": { "cloud": { "provider": "ecs" } } }),
        )
        .await;
    let graph = json!([{
        "name": "custom.task.#", "displayName": "Tasks", "unit": "integer",
        "metrics": [{ "name": "custom.task.#.running", "displayName": "%1 running", "isStacked": true }],
    }]);
    server.post("/api/v0/graph-defs/create", graph).await;
    let point = |name: &str, age: i64, value: f64| json!({ "hostId": id, "name": name, "time": START - age * 60, "value": value });
    let points = json!([
        point("custom.task.web.running", 3, 2.0),
        point("custom.task.web.running", 1, 3.0),
        point("custom.other.x", 0, 0.5),
    ]);
    server.post("/api/v0/tsdb", points).await;

    let list = data(&server, "hosts").await;
    let host = &list["hosts"][0];
    assert_eq!(
        (
            &host["title"],
            &host["provider"],
            &host["metrics"],
            &host["newest"]
        ),
        (&json!("A"), &json!("ecs"), &json!(2), &json!(START))
    );
    let host = data(&server, &format!("hosts/{id}")).await;
    assert_eq!(
        host["graphs"],
        json!([
            { "name": "custom.task.#", "title": "Tasks", "unit": "integer", "lines": 1 },
            { "name": "custom.other", "title": "custom.other", "unit": "float", "lines": 1 },
        ])
    );
    let path = format!("hosts/{id}/graph?graph=custom.task.%23&period=240");
    let drawing = data(&server, &path).await;
    assert_eq!(
        (&drawing["from"], &drawing["step"], &drawing["count"]),
        (&json!(START - 240), &json!(60), &json!(5))
    );
    assert_eq!(
        drawing["lines"],
        json!([{
            "metric": "custom.task.web.running", "label": "web running", "group": "web", "stacked": true,
            "values": [null, 2.0, null, 3.0, null],
        }])
    );
    for (path, about) in [
        ("hosts/none", "host"),
        ("hosts/none/graph?graph=custom.other", "host"),
        (&*format!("hosts/{id}/graph?graph=custom.none"), "graph"),
    ] {
        let path = format!("/page/data/{path}");
        refused(&server.send("GET", &path, None, None).await, 404, about);
    }
    let empty = format!("/page/data/hosts/{id}/graph?graph=custom.other&from=9&to=1");
    refused(&server.send("GET", &empty, None, None).await, 400, "time");
}

#[tokio::test]
async fn a_role_sums_its_living_hosts_or_tells_each() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for (name, role) in [
        ("a", "shop:web"),
        ("b", "shop:web"),
        ("c", "shop:db"),
        ("d", "shop:web"),
    ] {
        ids.push(server.host(name, json!({ "roleFullnames": [role] })).await);
    }
    for (id, value) in ids.iter().zip([1, 2, 4, 8]) {
        let point =
            json!([{ "hostId": id, "name": "custom.q.x.n", "time": START, "value": value }]);
        server.post("/api/v0/tsdb", point).await;
    }
    let retired = format!("/api/v0/hosts/{}/retire", ids[3]);
    server.post(&retired, json!({})).await;
    let own = json!([{ "name": "sales.eu", "time": START, "value": 5 }]);
    server.post("/api/v0/services/shop/tsdb", own).await;

    let services = data(&server, "services").await;
    assert_eq!(
        services["services"][0]["roles"],
        json!([{ "name": "db", "hosts": 1 }, { "name": "web", "hosts": 2 }])
    );
    let shop = data(&server, "services/shop").await;
    assert_eq!(shop["hosts"].as_array().unwrap().len(), 3);
    assert_eq!(shop["serviceGraphs"][0]["name"], "sales");
    let newest = async |query: &str| {
        let path = format!("services/shop/graph?period=60&graph={query}");
        let drawing = data(&server, &path).await;
        let lines = drawing["lines"].as_array().unwrap().iter();
        lines
            .map(|line| json!([line["group"], line["label"], line["values"][1]]))
            .collect::<Value>()
    };
    assert_eq!(newest("custom.q.x").await, json!([[null, "n", 7.0]]));
    assert_eq!(
        newest("custom.q.x&role=web").await,
        json!([[null, "n", 3.0]])
    );
    assert_eq!(
        newest("custom.q.x&role=web&by=host").await,
        json!([["a", "n", 1.0], ["b", "n", 2.0]])
    );
    assert_eq!(newest("sales&by=service").await, json!([[null, "eu", 5.0]]));
    let graph = json!([{ "name": "custom.q.#", "metrics": [{ "name": "custom.q.#.n", "displayName": "%1 n" }] }]);
    server.post("/api/v0/graph-defs/create", graph).await;
    assert_eq!(
        newest("custom.q.%23&role=web&by=host").await,
        json!([["a x", "n", 1.0], ["b x", "n", 2.0]])
    );
    for path in [
        "services/none",
        "services/shop?role=none",
        "services/none/graph?graph=sales&by=service",
    ] {
        let path = format!("/page/data/{path}");
        refused(
            &server.send("GET", &path, None, None).await,
            404,
            "not found",
        );
    }
}
