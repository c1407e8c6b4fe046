//! The store in a file, and a post of the size that the poller sends.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{START, Server, succeeded};
use crate::demo::mackerel::store::Storage;

#[tokio::test]
async fn a_file_is_gone_on_with() {
    let directory = std::env::temp_dir().join(format!("local-mackerel-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path: PathBuf = directory.join("store.db");
    let storage = Storage::File(path);
    let server = Server::on(&storage, |_| {}).await;
    let id = server
        .host("a", json!({ "roleFullnames": ["shop:web"] }))
        .await;
    succeeded(
        &server
            .post(
                "/api/v0/tsdb",
                json!([{ "hostId": id, "name": "custom.a", "time": START, "value": 1 }]),
            )
            .await,
    );
    let host = server.host_json(&id).await;
    let again = Server::on(&storage, |_| {}).await;
    assert_eq!(again.host_json(&id).await, host);
    assert_eq!(again.mackerel.points(&id, "custom.a"), [(START, 1.0)]);
    assert_ne!(again.host("b", json!({})).await, id);
    drop((server, again));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn a_post_of_a_thousand_values_is_stored_whole() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(server.host(&format!("h{number}"), json!({})).await);
    }
    let values: Vec<Value> = (0..1000)
        .map(|number| json!({ "hostId": ids[number % 10], "name": format!("custom.m{}", number / 10), "time": START, "value": number }))
        .collect();
    succeeded(&server.post("/api/v0/tsdb", json!(values)).await);
    assert!(
        ids.iter()
            .all(|id| server.mackerel.metric_names(id).len() == 100)
    );
    assert_eq!(
        server.mackerel.points(&ids[9], "custom.m99"),
        [(START, 999.0)]
    );
}
