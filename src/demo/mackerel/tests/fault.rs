//! Faults: statuses, silence, and answers that break off.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Server;
use crate::demo::mackerel::fault::{Fault, FaultKind};

fn fault(method: Option<&str>, kind: FaultKind, times: Option<u32>) -> Fault {
    Fault {
        method: method.map(str::to_owned),
        path_prefix: "/api/v0/hosts".to_owned(),
        kind,
        times,
    }
}

fn status(code: u16) -> FaultKind {
    FaultKind::Status {
        code,
        retry_after: None,
        body: "not JSON".to_owned(),
    }
}

#[tokio::test]
async fn a_status_strikes_the_requests_it_fits_as_often_as_told() {
    let server = Server::start().await;
    let throttled = FaultKind::Status {
        code: 429,
        retry_after: Some(7),
        body: "slow down".to_owned(),
    };
    server
        .mackerel
        .inject(fault(Some("POST"), throttled, Some(2)));
    server
        .mackerel
        .inject(fault(Some("POST"), status(503), Some(1)));
    assert_eq!(server.get("/api/v0/hosts").await.status, 200);
    assert_eq!(server.get("/api/v0/org").await.status, 200);
    let host = json!({ "name": "a", "meta": {} });
    for _ in 0..2 {
        let reply = server.post("/api/v0/hosts", host.clone()).await;
        assert_eq!(
            (
                reply.status,
                reply.header("retry-after"),
                reply.body.as_str()
            ),
            (429, Some("7"), "slow down")
        );
    }
    let reply = server.post("/api/v0/hosts", host.clone()).await;
    assert_eq!(
        (
            reply.status,
            reply.header("retry-after"),
            reply.body.as_str()
        ),
        (503, None, "not JSON")
    );
    assert_eq!(server.mackerel.hosts(), []);
    assert_eq!(server.post("/api/v0/hosts", host).await.status, 200);
    let statuses: Vec<_> = server
        .mackerel
        .requests()
        .records
        .iter()
        .map(|record| record.status)
        .collect();
    assert_eq!(
        statuses,
        [
            Some(200),
            Some(200),
            Some(429),
            Some(429),
            Some(503),
            Some(200)
        ]
    );
}

#[tokio::test]
async fn a_fault_without_a_count_stays_until_it_is_cleared() {
    let server = Server::start().await;
    server.mackerel.inject(fault(None, status(500), None));
    for _ in 0..3 {
        assert_eq!(server.get("/api/v0/hosts").await.status, 500);
    }
    server.mackerel.clear_faults();
    assert_eq!(server.get("/api/v0/hosts").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_request_is_noted_and_never_answered() {
    let server = Server::start().await;
    server
        .mackerel
        .inject(fault(None, FaultKind::Hang, Some(1)));
    let post = server.post("/api/v0/hosts", json!({ "name": "a", "meta": {} }));
    assert!(timeout(Duration::from_secs(3600), post).await.is_err());
    assert_eq!(server.mackerel.requests().records[0].status, None);
    assert_eq!(server.mackerel.hosts(), []);
    assert_eq!(server.get("/api/v0/hosts").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_answer_comes_by_the_clock_of_the_runtime() {
    let server = Server::start().await;
    server
        .mackerel
        .inject(fault(None, FaultKind::Delay(Duration::from_secs(40)), None));
    assert!(
        timeout(Duration::from_secs(39), server.get("/api/v0/hosts"))
            .await
            .is_err()
    );
    assert_eq!(
        timeout(Duration::from_secs(41), server.get("/api/v0/hosts"))
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn a_cut_answer_breaks_off_after_the_request_was_carried_out() {
    let server = Server::start().await;
    server
        .mackerel
        .inject(fault(Some("POST"), FaultKind::Cut, Some(1)));
    let body = r#"{"name":"a","meta":{}}"#;
    let request = format!(
        "POST /api/v0/hosts HTTP/1.1\r\nHost: local\r\nX-Api-Key: both\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, half) = answer.split_once("\r\n\r\n").unwrap();
    let whole = json!({ "id": server.mackerel.hosts()[0].id }).to_string();
    assert!(
        head.starts_with("HTTP/1.1 200")
            && head.contains(&format!("content-length: {}", whole.len())),
        "{head}"
    );
    assert_eq!(half, &whole[..whole.len() / 2]);
}
