//! Metadata of hosts, services and roles.

use serde_json::json;

use super::{Server, refused, succeeded};

#[tokio::test]
async fn metadata_is_any_json_with_the_time_of_its_change() {
    let server = Server::start().await;
    let id = server
        .host("a", json!({ "roleFullnames": ["shop:web"] }))
        .await;
    for owner in [
        format!("hosts/{id}"),
        "services/shop".to_owned(),
        "services/shop/roles/web".to_owned(),
    ] {
        let all = format!("/api/v0/{owner}/metadata");
        let one = format!("{all}/our-state_1");
        refused(&server.get(&one).await, 404, "metadata");
        for text in [r#"{"b":1, "a":[null,true]}"#, "null", "\"x\"", "12"] {
            succeeded(
                &server
                    .send("PUT", &one, Some("both"), Some(text.to_owned()))
                    .await,
            );
            let reply = server.get(&one).await;
            assert_eq!((reply.status, reply.body.as_str()), (200, text));
            assert_eq!(
                reply.header("last-modified"),
                Some("Tue, 14 Nov 2023 22:14:00 GMT")
            );
            assert_eq!(reply.header("content-type"), Some("application/json"));
        }
        assert_eq!(
            server.get(&all).await.json(),
            json!({ "metadata": [{ "namespace": "our-state_1" }] })
        );
        refused(
            &server
                .send("PUT", &one, Some("both"), Some("{".to_owned()))
                .await,
            400,
            "JSON",
        );
        succeeded(&server.delete(&one, None).await);
        refused(&server.delete(&one, None).await, 404, "metadata");
        assert_eq!(server.get(&all).await.json(), json!({ "metadata": [] }));
    }
}

#[tokio::test]
async fn metadata_has_limits() {
    let server = Server::start().await;
    let id = server
        .host("a", json!({ "roleFullnames": ["shop:web"] }))
        .await;
    let all = format!("/api/v0/hosts/{id}/metadata");
    for namespace in ["mackerel", "mackerel-agent", "a.b", "a%2Fb", "a%20b"] {
        refused(
            &server.put(&format!("{all}/{namespace}"), json!(1)).await,
            400,
            "namespace",
        );
    }
    let fits = format!("\"{}\"", "x".repeat(100 * 1024 - 2));
    succeeded(
        &server
            .send(
                "PUT",
                &format!("{all}/n0"),
                Some("both"),
                Some(fits.clone()),
            )
            .await,
    );
    refused(
        &server
            .send(
                "PUT",
                &format!("{all}/n0"),
                Some("both"),
                Some(format!("{fits} ")),
            )
            .await,
        413,
        "100 KB",
    );
    for (all, most) in [
        (all, 50),
        ("/api/v0/services/shop/roles/web/metadata".to_owned(), 10),
    ] {
        for number in 0..most {
            succeeded(&server.put(&format!("{all}/n{number}"), json!(number)).await);
        }
        refused(
            &server.put(&format!("{all}/more"), json!(1)).await,
            400,
            &most.to_string(),
        );
        succeeded(&server.put(&format!("{all}/n0"), json!("again")).await);
    }
}

#[tokio::test]
async fn metadata_needs_its_owner() {
    let server = Server::start().await;
    for (owner, about) in [
        ("hosts/none", "host"),
        ("services/none", "service"),
        ("services/none/roles/web", "service"),
    ] {
        let one = format!("/api/v0/{owner}/metadata/env");
        refused(
            &server.get(&format!("/api/v0/{owner}/metadata")).await,
            404,
            about,
        );
        refused(&server.get(&one).await, 404, about);
        refused(&server.put(&one, json!(1)).await, 404, about);
        refused(&server.delete(&one, None).await, 404, about);
    }
}

#[tokio::test]
async fn a_retired_host_shows_its_metadata_for_a_week() {
    let server = Server::start().await;
    let id = server.host("a", json!({})).await;
    let one = format!("/api/v0/hosts/{id}/metadata/env");
    succeeded(&server.put(&one, json!(1)).await);
    server
        .post(&format!("/api/v0/hosts/{id}/retire"), json!({}))
        .await;
    refused(&server.put(&one, json!(2)).await, 400, "retired");
    refused(&server.delete(&one, None).await, 400, "retired");
    server.advance(7 * 24 * 60 * 60);
    assert_eq!(server.get(&one).await.body, "1");
    assert_eq!(
        server.mackerel.host_metadata(&id, "env").as_deref(),
        Some("1")
    );
    server.advance(1);
    refused(&server.get(&one).await, 400, "week");
    refused(
        &server.get(&format!("/api/v0/hosts/{id}/metadata")).await,
        400,
        "week",
    );
}
