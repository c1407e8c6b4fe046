//! Services and roles.

use serde_json::json;

use super::{START, Server, refused, succeeded};

#[tokio::test]
async fn services_and_roles_are_made_and_listed() {
    let server = Server::start().await;
    let reply = server
        .post("/api/v0/services", json!({ "name": "shop", "memo": "m" }))
        .await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "name": "shop", "memo": "m", "roles": [] }))
    );
    let reply = server
        .post(
            "/api/v0/services/shop/roles",
            json!({ "name": "web", "memo": "r" }),
        )
        .await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "name": "web", "memo": "r" }))
    );
    server
        .host(
            "a",
            json!({ "roleFullnames": ["ops:all", "shop:app", "shop:web"] }),
        )
        .await;
    assert_eq!(
        server.get("/api/v0/services").await.json(),
        json!({ "services": [
            { "name": "ops", "memo": "", "roles": ["all"] },
            { "name": "shop", "memo": "m", "roles": ["app", "web"] },
        ] })
    );
    let roles = server.get("/api/v0/services/shop/roles").await.json();
    assert_eq!(
        roles,
        json!({ "roles": [{ "name": "app", "memo": "" }, { "name": "web", "memo": "r" }] })
    );
}

#[tokio::test]
async fn names_follow_the_rule_and_are_used_once() {
    let server = Server::start().await;
    server
        .post("/api/v0/services", json!({ "name": "shop" }))
        .await;
    for path in ["/api/v0/services", "/api/v0/services/shop/roles"] {
        for name in [
            json!("a"),
            json!("-ab"),
            json!("a b"),
            json!("a".repeat(64)),
            json!(12),
            json!(null),
        ] {
            refused(
                &server.post(path, json!({ "name": name })).await,
                400,
                "`name`",
            );
        }
        refused(
            &server.post(path, json!({ "name": "ab", "memo": 1 })).await,
            400,
            "`memo`",
        );
        assert_eq!(
            server
                .post(path, json!({ "name": "a".repeat(63) }))
                .await
                .status,
            200
        );
        refused(
            &server.post(path, json!({ "name": "a".repeat(63) })).await,
            400,
            "already",
        );
    }
    refused(
        &server
            .post("/api/v0/services/none/roles", json!({ "name": "web" }))
            .await,
        404,
        "service",
    );
    refused(
        &server.get("/api/v0/services/none/roles").await,
        404,
        "service",
    );
}

#[tokio::test]
async fn deleting_takes_along_what_hangs_on_it() {
    let server = Server::start().await;
    let id = server
        .host(
            "a",
            json!({ "roleFullnames": ["shop:app", "shop:web", "ops:all"] }),
        )
        .await;
    server
        .post(
            "/api/v0/services/shop/tsdb",
            json!([{ "name": "a", "time": START, "value": 1 }]),
        )
        .await;
    server
        .put("/api/v0/services/shop/metadata/env", json!(1))
        .await;
    let reply = server.delete("/api/v0/services/shop/roles/web", None).await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "name": "web", "memo": "" }))
    );
    assert_eq!(
        server.host_json(&id).await["roles"],
        json!({ "shop": ["app"], "ops": ["all"] })
    );
    refused(
        &server.delete("/api/v0/services/shop/roles/web", None).await,
        404,
        "role",
    );
    let reply = server.delete("/api/v0/services/shop", None).await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "name": "shop", "memo": "", "roles": ["app"] }))
    );
    assert_eq!(
        server.host_json(&id).await["roles"],
        json!({ "ops": ["all"] })
    );
    refused(
        &server.delete("/api/v0/services/shop", None).await,
        404,
        "service",
    );
    refused(
        &server.delete("/api/v0/services/shop/roles/app", None).await,
        404,
        "service",
    );
    server
        .post("/api/v0/services", json!({ "name": "shop" }))
        .await;
    assert_eq!(
        server
            .get("/api/v0/services/shop/metric-names")
            .await
            .json(),
        json!({ "names": [] })
    );
    assert_eq!(
        server.get("/api/v0/services/shop/metadata").await.json(),
        json!({ "metadata": [] })
    );
}

#[tokio::test]
async fn a_graph_of_a_service_is_deleted_with_its_metrics() {
    let server = Server::start().await;
    server
        .post("/api/v0/services", json!({ "name": "shop" }))
        .await;
    let post = async || {
        let names = ["a.b", "a.c", "a.b.c", "ab"];
        let points = names.map(|name| json!({ "name": name, "time": START, "value": 1 }));
        succeeded(
            &server
                .post("/api/v0/services/shop/tsdb", json!(points))
                .await,
        );
    };
    let names = "/api/v0/services/shop/metric-names";
    post().await;
    let graphs = "/api/v0/services/shop/graph-defs";
    succeeded(&server.delete(&format!("{graphs}/a.*"), None).await);
    let left = json!({ "names": ["a.b.c", "ab"] });
    assert_eq!(server.get(names).await.json(), left);
    refused(
        &server.delete(&format!("{graphs}/a.*"), None).await,
        404,
        "graph",
    );
    refused(&server.delete(&format!("{graphs}/a"), None).await, 400, "*");
    post().await;
    let all = json!({ "names": ["a.b", "a.b.c", "a.c", "ab"] });
    assert_eq!(server.get(names).await.json(), all);
    assert_eq!(
        server.mackerel.service_points("shop", "a.b"),
        [(START, 1.0)]
    );
}
