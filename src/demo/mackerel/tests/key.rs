//! Keys, unknown paths, the organization, and bodies that are no bodies.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Server, refused};
use crate::demo::mackerel::option::Recording;

#[tokio::test]
async fn a_key_is_needed_and_must_be_known() {
    let server = Server::start().await;
    refused(
        &server.send("GET", "/api/v0/org", None, None).await,
        401,
        "Authentication",
    );
    refused(
        &server.send("GET", "/api/v0/org", Some("wrong"), None).await,
        401,
        "Authentication",
    );
    let reply = server.get("/api/v0/org").await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "name": "local", "displayName": null }))
    );
}

#[tokio::test]
async fn a_key_needs_the_permissions_of_the_call() {
    let server = Server::start().await;
    let id = server.host("web", json!({})).await;
    let host = format!("/api/v0/hosts/{id}");
    let status = Some(json!({ "status": "standby" }).to_string());
    let roles = Some(json!({ "roleFullnames": ["shop:web"] }).to_string());
    refused(
        &server.send("GET", &host, Some("writer"), None).await,
        403,
        "permission",
    );
    for key in ["reader", "writer"] {
        refused(
            &server
                .send("POST", &format!("{host}/status"), Some(key), status.clone())
                .await,
            403,
            "permission",
        );
    }
    let path = format!("{host}/role-fullnames");
    refused(
        &server
            .send("PUT", &path, Some("reader"), roles.clone())
            .await,
        403,
        "permission",
    );
    assert_eq!(
        server
            .send("PUT", &path, Some("writer"), roles)
            .await
            .status,
        200
    );
    assert_eq!(
        server.send("GET", &host, Some("reader"), None).await.status,
        200
    );
    assert_eq!(server.host_json(&id).await["status"], "working");
}

#[tokio::test]
async fn what_is_not_in_the_table_does_not_exist() {
    let server = Server::start().await;
    refused(&server.get("/api/v0/nothing").await, 404, "not found");
    refused(&server.delete("/api/v0/org", None).await, 404, "not found");
    refused(&server.get("/api/v0/hosts/").await, 404, "not found");
    refused(&server.get("/api/v0/hosts/%FF").await, 404, "not found");
}

#[tokio::test]
async fn a_body_must_be_json_of_the_right_kind_and_size() {
    let server = Server::start().await;
    for body in [None, Some("{".to_owned()), Some("NaN".to_owned())] {
        refused(
            &server
                .send("POST", "/api/v0/hosts", Some("both"), body)
                .await,
            400,
            "not JSON",
        );
    }
    refused(
        &server.post("/api/v0/hosts", json!([])).await,
        400,
        "object",
    );
    refused(&server.post("/api/v0/tsdb", json!({})).await, 400, "array");
    let huge = Some(" ".repeat(10 * 1024 * 1024 + 1));
    refused(
        &server
            .send("POST", "/api/v0/tsdb", Some("both"), huge)
            .await,
        413,
        "10 MB",
    );
}

#[tokio::test]
async fn a_body_that_does_not_come_is_waited_for_only_so_long() {
    let patience = Duration::from_millis(20);
    let server = Server::with(|options| options.patience = Some(patience)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let part = "POST /api/v0/hosts HTTP/1.1\r\nHost: a\r\nX-Api-Key: both\r\nConnection: close\r\nContent-Length: 9\r\n\r\n{";
    stream.write_all(part.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn requests_are_counted_and_remembered() {
    let server = Server::start().await;
    let id = server.host("web", json!({})).await;
    server.get(&format!("/api/v0/hosts/{id}?a=1")).await;
    server.get("/api/v0/nothing").await;
    let requests = server.mackerel.requests();
    assert_eq!(requests.count("POST /api/v0/hosts"), 1);
    assert_eq!(requests.count("GET /api/v0/hosts/{id}"), 1);
    assert_eq!(requests.count("GET /api/v0/nothing"), 1);
    assert_eq!(
        requests.records[0].json,
        Some(json!({ "name": "web", "meta": {} }))
    );
    let second = &requests.records[1];
    assert_eq!(
        (second.path.as_str(), second.query.as_str()),
        (format!("/api/v0/hosts/{id}").as_str(), "a=1")
    );
    assert_eq!(
        (second.status, second.body_bytes, &second.json),
        (Some(200), 0, &None)
    );
    server.mackerel.reset_requests();
    assert_eq!(server.mackerel.requests().counts.len(), 0);
    let server = Server::with(|options| options.recording = Recording::Counts).await;
    server.get("/api/v0/org").await;
    let requests = server.mackerel.requests();
    assert_eq!(requests.count("GET /api/v0/org"), 1);
    assert!(requests.records.is_empty());
}
