//! The pages for a person.

use serde_json::json;

use super::{START, Server, refused};

#[tokio::test]
async fn the_page_lists_hosts_without_a_key_and_escapes_them() {
    let server = Server::start().await;
    let empty = server.send("GET", "/", None, None).await;
    assert_eq!(
        (empty.status, empty.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(empty.body.contains("No host"), "{}", empty.body);
    let hostile = json!({ "displayName": "<script>'\"&", "memo": "<b>", "roleFullnames": ["shop:web"], "customIdentifier": "<i>" });
    let id = server.host("a", hostile).await;
    let post = json!([
        { "hostId": id, "name": "custom.a", "time": START - 60, "value": 1.5 },
        { "hostId": id, "name": "custom.a", "time": START, "value": 2.5 },
        { "hostId": id, "name": "custom.b", "time": START - 60, "value": 3 },
    ]);
    server.post("/api/v0/tsdb", post).await;
    let retired = server.host("old", json!({})).await;
    server
        .post(&format!("/api/v0/hosts/{retired}/retire"), json!({}))
        .await;

    let page = server.send("GET", "/", None, None).await.body;
    for part in [
        "&lt;script&gt;&#39;&quot;&amp;",
        "<td>working</td><td>standard</td><td>shop:web</td><td class=n>2</td><td>2023-11-14 22:14 UTC</td>",
        "<td>retired</td><td>standard</td><td>no role</td><td class=n>0</td><td>never</td>",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let page = server
        .send("GET", &format!("/hosts/{id}"), None, None)
        .await
        .body;
    for part in [
        "<td>custom.a</td><td class=n>2.5</td><td>2023-11-14 22:14 UTC</td>",
        "<td>custom.b</td><td class=n>3</td>",
        "&lt;b&gt;",
        "&lt;i&gt;",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<i>"));
    refused(
        &server.send("GET", "/hosts/none", None, None).await,
        404,
        "host",
    );
}
