//! `serve` as a process: what it says, what it keeps when it is killed, and clients that mean it no good.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::program::{Program, end};
use crate::support::served::{Served, head, request};

/// A folder of its own for a test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("mackerel-ecs-serve-{name}-{}", std::process::id());
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

#[expect(
    clippy::disallowed_methods,
    reason = "the server lives in the real time"
)]
fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop() {
    let mut served = Served::start("").await;
    let organization = json!({ "name": "local", "displayName": null });
    assert_eq!(served.get("/api/v0/org").await, organization);
    // A connection on which nothing comes must not hold the end up.
    let _idle = TcpStream::connect(served.address).await.unwrap();
    let id = served.child.id().unwrap().to_string();
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-s", "TERM", &id]).status().unwrap().success());
    let status = served.child.wait().await.unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn what_stands_in_its_way_is_said_in_a_sentence() {
    let folder = Folder::new("refused");
    let text = folder.file("text");
    std::fs::write(&text, "x".repeat(5_000)).unwrap();
    let foreign = folder.file("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE a (b)").unwrap();
    let used = folder.file("used.db");
    let database = |path: &Path| format!("--listen 127.0.0.1:0 --database {}", path.display());
    let _running = Served::start(&format!("--database {}", used.display())).await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().map(|address| (taken, address)).unwrap();
    for (arguments, said) in [
        (
            format!("--listen {}", taken.1),
            format!(
                "cannot listen on {}: another program listens there",
                taken.1
            ),
        ),
        (database(&text), "is not an SQLite database".to_owned()),
        (
            database(&foreign),
            "the database of another program".to_owned(),
        ),
        (database(&used), "another process is using it".to_owned()),
        (database(&folder.file("a/b")), "cannot be opened".to_owned()),
    ] {
        let child = Program::new(&format!("serve {arguments}")).start();
        let ended = end(child).await.expect_status(1).expect_said(&said);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
    Program::new("serve --api-key key:admin")
        .run()
        .await
        .expect_status(2);
}

#[tokio::test]
async fn keys_have_the_permissions_that_were_given() {
    let served = Served::start("--api-key local:read --api-key writer:write,both").await;
    served.get("/api/v0/org").await;
    let body = json!({ "name": "shop" }).to_string();
    let refused = request(served.address, "POST", "/api/v0/services", &body).await;
    assert_eq!(refused.unwrap().0, 403);
}

/// Posts one point after another until the server is gone, and gives those that were answered with 200.
async fn post_until_it_is_gone(
    address: SocketAddr,
    host: String,
    metric: String,
) -> Vec<(i64, f64)> {
    let mut kept = Vec::new();
    let newest = now() / 60;
    for number in 0..1_400 {
        let time = (newest - number) * 60;
        let value = number as f64 + 0.1;
        let body = json!([{ "hostId": host, "name": metric, "time": time, "value": value }]);
        match request(address, "POST", "/api/v0/tsdb", &body.to_string()).await {
            Ok((200, _)) => kept.push((time, value)),
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => break,
        }
    }
    kept
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_answered() {
    let folder = Folder::new("killed");
    let database = format!("--database {}", folder.file("store.db").display());
    let mut served = Served::start(&database).await;
    let host = served
        .post("/api/v0/hosts", json!({ "name": "h", "meta": {} }))
        .await;
    let host = host["id"].as_str().unwrap().to_owned();
    let mut posting = JoinSet::new();
    for number in 0..8 {
        let metric = format!("custom.m.{number}");
        let posted = post_until_it_is_gone(served.address, host.clone(), metric.clone());
        posting.spawn(async move { (metric, posted.await) });
    }
    let path = format!("/api/v0/tsdb/latest?hostId={host}&name=custom.m.0");
    // The kill comes in the middle: when points have arrived, and long before the last.
    while request(served.address, "GET", &path, "")
        .await
        .unwrap()
        .1
        .contains("null")
    {}
    while served
        .get(&format!("/api/v0/hosts/{host}/metric-names"))
        .await["names"]
        .as_array()
        .unwrap()
        .len()
        < 8
    {}
    served.child.kill().await.unwrap();
    let answered = posting.join_all().await;

    let served = Served::start(&database).await;
    let mut count = 0;
    for (metric, points) in answered {
        let from = now() - 86_400;
        let path = format!(
            "/api/v0/hosts/{host}/metrics?name={metric}&from={from}&to={}",
            now()
        );
        let stored = served.get(&path).await;
        let stored = stored["metrics"].as_array().unwrap();
        count += points.len();
        for (time, value) in points {
            assert!(
                stored.contains(&json!({ "time": time, "value": value })),
                "{metric} {time}"
            );
        }
    }
    assert!(
        (8..8 * 1_400).contains(&count),
        "{count} points were answered before the kill"
    );
}

#[tokio::test]
async fn a_thousand_connections_at_once_are_answered() {
    let served = Served::start("").await;
    let address = served.address;
    let mut open = Vec::new();
    for _ in 0..400 {
        open.push(TcpStream::connect(address).await.unwrap());
    }
    let mut asking = JoinSet::new();
    for _ in 0..600 {
        asking.spawn(async move { request(address, "GET", "/api/v0/org", "").await.unwrap().0 });
    }
    let statuses = asking.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200));
    for mut stream in open {
        stream
            .write_all(head("GET", "/api/v0/org", 0).as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// The status of an answer to somebody who calls the server by this name.
async fn called(address: SocketAddr, name: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text =
        format!("GET /page/data/hosts HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

/// A site on the web could let a name of its own lead here.
#[tokio::test]
async fn on_this_machine_it_goes_by_its_own_names_alone() {
    let served = Served::start("").await;
    for name in [
        "localhost:8080",
        "LocalHost",
        "app.localhost",
        "127.0.0.1:8080",
        "[::1]:8080",
    ] {
        assert_eq!(called(served.address, name).await, "200", "{name}");
    }
    for name in [
        "evil.example",
        "127.0.0.1.evil.example:8080",
        "localhost.evil.example",
        "a b",
    ] {
        assert_eq!(called(served.address, name).await, "403", "{name}");
    }
    let open = Served::at("0.0.0.0:0", "").await;
    assert_eq!(called(open.address, "mackerel.example").await, "200");
}

/// Clients that send most of a large body and stop must not fill the memory, nor keep others out who send little.
#[tokio::test]
async fn bodies_that_do_not_end_leave_room() {
    let served = Served::start("").await;
    let most = vec![b' '; 19 * 512 * 1024];
    let mut stuck = Vec::new();
    for _ in 0..13 {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let head = head("POST", "/api/v0/tsdb", 10 * 1024 * 1024);
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&most).await.unwrap();
        stuck.push(stream);
    }
    let large = " ".repeat(9 * 1024 * 1024) + "[]";
    let send = |body| request(served.address, "POST", "/api/v0/tsdb", body);
    let mut statuses = Vec::new();
    // What is on its way into the server is not held by it yet.
    while statuses.last() != Some(&503) {
        assert!(statuses.len() < 100, "{statuses:?}");
        statuses.push(send(&large).await.unwrap().0);
        assert_eq!(send("[]").await.unwrap().0, 200);
    }
    drop(stuck);
    while send(&large).await.unwrap().0 == 503 {}
    let long = format!("/{}", "a".repeat(100 * 1024));
    let answer = request(served.address, "GET", &long, "").await;
    assert!(!matches!(answer, Ok((200, _))), "{answer:?}");
    assert_eq!(send("[]").await.unwrap().0, 200);
}

#[tokio::test]
async fn nonsense_is_answered_and_does_no_harm() {
    let served = Served::start("").await;
    for text in [
        "\r\n\r\n",
        "GET",
        "\0\0\0\0\r\n\r\n",
        "GET / HTTP/9\r\n\r\n",
        "POST /api/v0/tsdb HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut Vec::new()))
            .await
            .unwrap();
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, status) in [
        ("{\"a\":", 400),
        ("", 400),
        (deep.as_str(), 400),
        ("[1e999]", 400),
        ("\u{feff}[]", 400),
        ("[]", 200),
    ] {
        let answer = request(served.address, "POST", "/api/v0/tsdb", body)
            .await
            .unwrap();
        assert_eq!(answer.0, status, "{answer:?}");
    }
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream
        .write_all(head("POST", "/api/v0/tsdb", 1_000).as_bytes())
        .await
        .unwrap();
    drop(stream);
    assert_eq!(served.get("/api/v0/org").await["name"], "local");
}
