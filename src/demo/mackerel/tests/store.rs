//! The store in a file, and a post of the size that the poller sends.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{START, Server, succeeded};
use crate::demo::mackerel::LocalMackerel;
use crate::demo::mackerel::option::Options;
use crate::demo::mackerel::store::Storage;

/// A folder of its own for a test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("local-mackerel-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn options() -> Options {
    Options::new(
        Arc::new(|| DateTime::from_timestamp(START, 0).unwrap()),
        Vec::new(),
    )
}

/// Why a file cannot be used.
fn unusable(path: PathBuf) -> String {
    match LocalMackerel::open(&Storage::File(path), options()) {
        Ok(_) => "it can be used".to_owned(),
        Err(reason) => reason.to_string(),
    }
}

#[tokio::test]
async fn a_file_is_gone_on_with_by_one_server_at_a_time() {
    let folder = Folder::new("on");
    let path = folder.file("store.db");
    let storage = Storage::File(path.clone());
    let server = Server::on(&storage, |_| {}).await;
    let id = server
        .host("a", json!({ "roleFullnames": ["shop:web"] }))
        .await;
    let point = json!([{ "hostId": id, "name": "custom.a", "time": START, "value": 1 }]);
    succeeded(&server.post("/api/v0/tsdb", point).await);
    let host = server.host_json(&id).await;
    assert_eq!(unusable(path.clone()), "another process is using it");
    server.stop().await;
    // The tasks of connections that were just closed end on their own.
    while unusable(path.clone()) != "it can be used" {
        tokio::task::yield_now().await;
    }
    let again = Server::on(&storage, |_| {}).await;
    assert_eq!(again.host_json(&id).await, host);
    assert_eq!(again.mackerel.points(&id, "custom.a"), [(START, 1.0)]);
    assert_ne!(again.host("b", json!({})).await, id);
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let folder = Folder::new("foreign");
    let text = folder.file("text");
    std::fs::write(&text, "x".repeat(5_000)).unwrap();
    assert_eq!(unusable(text), "it is not an SQLite database");
    let foreign = folder.file("foreign.db");
    let connection = Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE a (b)").unwrap();
    assert_eq!(
        unusable(foreign.clone()),
        "it is the database of another program"
    );
    let tables: i64 = connection
        .query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1, "nothing was added to it");
    let later = folder.file("later.db");
    drop(LocalMackerel::open(&Storage::File(later.clone()), options()).unwrap());
    let connection = Connection::open(&later).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(unusable(later).contains("version 99"));
    assert!(unusable(folder.file("none/store.db")).contains("cannot be opened"));
    assert!(unusable(folder.0.clone()).contains("cannot be opened"));
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

#[tokio::test]
async fn points_beyond_the_retention_are_forgotten_by_the_hour() {
    let retention = Duration::from_secs(7_200);
    let server = Server::with(|options| options.retention = Some(retention)).await;
    let id = server.host("a", json!({})).await;
    let hour = START - START % 3_600;
    let times = [hour - 7_260, hour - 7_200, hour - 60, START];
    let points =
        times.map(|time| json!({ "hostId": id, "name": "custom.a", "time": time, "value": 1 }));
    succeeded(&server.post("/api/v0/tsdb", json!(points)).await);
    let kept = || -> Vec<i64> {
        let points = server.mackerel.points(&id, "custom.a").into_iter();
        points.map(|(time, _)| time).collect()
    };
    server.mackerel.tend().unwrap();
    assert_eq!(kept(), times[1..]);
    server.advance(3_600);
    server.mackerel.tend().unwrap();
    assert_eq!(kept(), times[2..]);
    server.advance(86_400);
    server.mackerel.tend().unwrap();
    assert!(kept().is_empty());
    assert_eq!(server.mackerel.metric_names(&id), ["custom.a"]);
    let latest = format!("/api/v0/tsdb/latest?hostId={id}&name=custom.a");
    let none = json!({ "tsdbLatest": { id: { "custom.a": null } } });
    assert_eq!(server.get(&latest).await.json(), none);
}
