//! Hosts: change, roles, status and retirement.

use serde_json::{Value, json};

use super::{START, Server, refused, succeeded};
use crate::demo::mackerel::option::HostStatus;

const ARN: &str = "arn:aws:ecs:us-east-1:111122223333:cluster/Prod";
const ARN_ENCODED: &str = "arn%3Aaws%3Aecs%3Aus-east-1%3A111122223333%3Acluster%2FProd";

#[tokio::test]
async fn an_update_keeps_what_it_omits_and_only_adds_roles() {
    let server = Server::start().await;
    let id = server
        .host("old", json!({ "displayName": "Old", "customIdentifier": ARN, "memo": "m", "roleFullnames": ["shop:web"],
            "interfaces": [{ "name": "eth0" }] }))
        .await;
    let path = format!("/api/v0/hosts/{id}");
    let update = json!({ "name": "new", "meta": { "a": 1 }, "roleFullnames": ["ops:all"] });
    assert_eq!(server.put(&path, update).await.json(), json!({ "id": id }));
    let host = server.host_json(&id).await;
    let roles = json!({ "shop": ["web"], "ops": ["all"] });
    assert_eq!(
        (&host["name"], &host["meta"], &host["roles"]),
        (&json!("new"), &json!({ "a": 1 }), &roles)
    );
    assert_eq!(
        (
            &host["displayName"],
            &host["memo"],
            &host["customIdentifier"]
        ),
        (&json!("Old"), &json!("m"), &json!(ARN))
    );
    assert_eq!(host["interfaces"], json!([{ "name": "eth0" }]));
    for erased in [json!(""), Value::Null] {
        server
            .put(
                &path,
                json!({ "name": "new", "meta": {}, "customIdentifier": ARN }),
            )
            .await;
        server.put(&path, json!({ "name": "new", "meta": {}, "roleFullnames": null, "customIdentifier": erased })).await;
        assert_eq!(server.host_json(&id).await.get("customIdentifier"), None);
    }
    assert_eq!(server.host_json(&id).await["roles"], roles);
    refused(
        &server.put(&path, json!({ "name": "new" })).await,
        400,
        "`meta`",
    );
    refused(
        &server
            .put("/api/v0/hosts/none", json!({ "name": "new", "meta": {} }))
            .await,
        404,
        "host",
    );
}

#[tokio::test]
async fn roles_are_replaced_as_a_whole() {
    let server = Server::start().await;
    let id = server
        .host(
            "web",
            json!({ "roleFullnames": ["shop:web", "shop:batch"] }),
        )
        .await;
    let path = format!("/api/v0/hosts/{id}/role-fullnames");
    succeeded(
        &server
            .put(&path, json!({ "roleFullnames": ["ops:all"] }))
            .await,
    );
    assert_eq!(
        server.host_json(&id).await["roles"],
        json!({ "ops": ["all"] })
    );
    refused(
        &server.put(&path, json!({ "roleFullnames": ["ops"] })).await,
        400,
        "`roleFullnames`",
    );
    refused(&server.put(&path, json!({})).await, 400, "`roleFullnames`");
    for none in [json!([]), Value::Null] {
        assert_eq!(
            server.host_json(&id).await["roles"],
            json!({ "ops": ["all"] })
        );
        succeeded(&server.put(&path, json!({ "roleFullnames": none })).await);
        assert_eq!(server.host_json(&id).await["roles"], json!({}));
        server
            .put(&path, json!({ "roleFullnames": ["ops:all"] }))
            .await;
    }
    refused(
        &server
            .put(
                "/api/v0/hosts/none/role-fullnames",
                json!({ "roleFullnames": [] }),
            )
            .await,
        404,
        "host",
    );
}

#[tokio::test]
async fn a_status_is_one_of_four() {
    let server = Server::with(|options| options.initial_status = HostStatus::Poweroff).await;
    let id = server.host("web", json!({})).await;
    assert_eq!(server.host_json(&id).await["status"], "poweroff");
    let path = format!("/api/v0/hosts/{id}/status");
    for status in ["working", "standby", "maintenance", "poweroff"] {
        succeeded(&server.post(&path, json!({ "status": status })).await);
        assert_eq!(server.host_json(&id).await["status"], status);
    }
    refused(
        &server.post(&path, json!({ "status": "asleep" })).await,
        400,
        "`status`",
    );
    refused(&server.post(&path, json!({})).await, 400, "`status`");
    refused(
        &server
            .post("/api/v0/hosts/none/status", json!({ "status": "working" }))
            .await,
        404,
        "host",
    );
}

#[tokio::test]
async fn a_retired_host_is_found_by_id_alone_and_cannot_be_changed() {
    let server = Server::start().await;
    let id = server
        .host("gone", json!({ "customIdentifier": ARN }))
        .await;
    let path = format!("/api/v0/hosts/{id}");
    let broken = Some("{".to_owned());
    refused(
        &server
            .send("POST", &format!("{path}/retire"), Some("both"), broken)
            .await,
        400,
        "JSON",
    );
    for body in [None, Some("null"), Some("\"{}\""), Some("[]")] {
        let other = server.host("other", json!({})).await;
        let retire = format!("/api/v0/hosts/{other}/retire");
        let body = body.map(str::to_owned);
        succeeded(&server.send("POST", &retire, Some("both"), body).await);
    }
    refused(
        &server.post("/api/v0/hosts/none/retire", json!({})).await,
        404,
        "host",
    );
    server.advance(60);
    succeeded(&server.post(&format!("{path}/retire"), json!({})).await);
    let host = server.host_json(&id).await;
    assert_eq!(
        (&host["isRetired"], &host["retiredAt"]),
        (&json!(true), &json!(START + 60))
    );
    assert_eq!(server.listed("").await, [""; 0]);
    refused(
        &server
            .get(&format!("/api/v0/hosts-by-custom-identifier/{ARN_ENCODED}"))
            .await,
        404,
        "host",
    );
    refused(
        &server.put(&path, json!({ "name": "a", "meta": {} })).await,
        400,
        "retired",
    );
    refused(
        &server
            .post(&format!("{path}/status"), json!({ "status": "working" }))
            .await,
        400,
        "retired",
    );
    refused(
        &server
            .put(
                &format!("{path}/role-fullnames"),
                json!({ "roleFullnames": [] }),
            )
            .await,
        400,
        "retired",
    );
    refused(
        &server.post(&format!("{path}/retire"), json!({})).await,
        400,
        "retired",
    );
    refused(&server.get("/api/v0/hosts/none").await, 404, "host");
}

#[tokio::test]
async fn bulk_calls_do_all_or_nothing() {
    let server = Server::start().await;
    let (a, b) = (
        server.host("a", json!({})).await,
        server.host("b", json!({})).await,
    );
    let status = "/api/v0/hosts/bulk-update-statuses";
    refused(
        &server
            .post(status, json!({ "status": "standby", "ids": [a, "none"] }))
            .await,
        404,
        "host",
    );
    refused(
        &server.post(status, json!({ "status": "standby" })).await,
        400,
        "`ids`",
    );
    assert_eq!(server.listed("?status=standby").await, [""; 0]);
    succeeded(
        &server
            .post(status, json!({ "status": "standby", "ids": [a, b] }))
            .await,
    );
    assert_eq!(server.listed("?status=standby").await, ["a", "b"]);
    let retire = "/api/v0/hosts/bulk-retire";
    refused(
        &server.post(retire, json!({ "ids": vec!["x"; 31] })).await,
        400,
        "`ids`",
    );
    refused(
        &server.post(retire, json!({ "ids": [a, "none"] })).await,
        404,
        "host",
    );
    succeeded(&server.post(retire, json!({ "ids": [a, b] })).await);
    assert!(
        server
            .mackerel
            .hosts()
            .iter()
            .all(|host| host.retired_at.is_some())
    );
}
