//! Tests of the local Mackerel over real HTTP: each sends bytes to a server on a port of its own
//! and looks at what a client receives. The clock is a number that the test moves.

mod alert;
mod annotation;
mod change;
mod check;
mod fault;
mod graph;
mod host;
mod key;
mod metadata;
mod metric;
mod monitor;
mod page;
mod refusal;
mod service;
mod store;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::DateTime;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::demo::mackerel::LocalMackerel;
use crate::demo::mackerel::option::{ApiKey, Journaling, Options};
use crate::demo::mackerel::store::Storage;

/// The start of a minute, when each test begins.
const START: i64 = 1_700_000_040;

struct Server {
    task: JoinHandle<()>,
    mackerel: LocalMackerel,
    address: SocketAddr,
    now: Arc<AtomicI64>,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Server {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::on(&Storage::Memory, change).await
    }

    async fn on(storage: &Storage, change: impl FnOnce(&mut Options)) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let clock = Arc::clone(&now);
        let mut options = Options::new(
            Arc::new(move || DateTime::from_timestamp(clock.load(Ordering::SeqCst), 0).unwrap()),
            vec![
                ApiKey::read_write("both"),
                ApiKey::read_only("reader"),
                ApiKey::write_only("writer"),
            ],
        );
        options.journal = Journaling::On;
        change(&mut options);
        let mackerel = LocalMackerel::open(storage, options).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = mackerel.router();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            task,
            mackerel,
            address,
            now,
        }
    }

    /// Ends it, so that another can have its file.
    async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    fn advance(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, Some("both"), None).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, Some("both"), Some(body.to_string()))
            .await
    }

    async fn put(&self, path: &str, body: Value) -> Reply {
        self.send("PUT", path, Some("both"), Some(body.to_string()))
            .await
    }

    async fn delete(&self, path: &str, body: Option<Value>) -> Reply {
        self.send(
            "DELETE",
            path,
            Some("both"),
            body.map(|body| body.to_string()),
        )
        .await
    }

    /// Sends one request and reads the answer to the end of the connection.
    async fn send(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<String>,
    ) -> Reply {
        let body = body.unwrap_or_default();
        let key = key
            .map(|key| format!("X-Api-Key: {key}\r\n"))
            .unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: local\r\nConnection: close\r\n{key}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Registers a host and returns its id.
    async fn host(&self, name: &str, extra: Value) -> String {
        let mut body = json!({ "name": name, "meta": {} });
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let reply = self.post("/api/v0/hosts", body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    async fn host_json(&self, id: &str) -> Value {
        self.get(&format!("/api/v0/hosts/{id}")).await.json()["host"].clone()
    }

    /// The names of the hosts that a listing returns.
    async fn listed(&self, query: &str) -> Vec<String> {
        let reply = self.get(&format!("/api/v0/hosts{query}")).await.json();
        reply["hosts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|host| host["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Asserts the status of a refusal and that its message speaks of something.
#[track_caller]
fn refused(reply: &Reply, status: u16, about: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    let message = reply.json()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message.contains(about),
        "{message:?} does not speak of {about:?}"
    );
}

#[track_caller]
fn succeeded(reply: &Reply) {
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "success": true }))
    );
}
