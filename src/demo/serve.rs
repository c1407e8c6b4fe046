//! Puts a stand-in on a port: accepts connections up to a bound, gives each request's head a time limit,
//! and lets what is under way finish when it is told to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::demo::stream::Impatient;

/// What a server allows its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many connections are served at a time; further ones wait.
    pub connections: usize,
    /// How long the head of a request may take, the wait for the next request on a connection included.
    pub head: Duration,
    /// How long a client may take no part of an answer.
    pub taking: Duration,
    /// How long requests under way may go on once the server is told to stop.
    pub grace: Duration,
}

/// Wide enough for a client that posts once a minute on one connection.
pub const LIMITS: Limits = Limits {
    connections: 4_096,
    head: Duration::from_secs(90),
    taking: Duration::from_secs(30),
    grace: Duration::from_secs(5),
};

/// How much of a request, and so how long a head, is held for each connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// How long to wait after a connection could not be accepted, which is when the process has too many files open.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves on the loopback address, on any free port where `port` is 0, for as long as the runtime
/// lives. Gives the address.
pub async fn serve(router: Router, port: u16) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve_until(
        listener,
        router,
        LIMITS,
        std::future::pending(),
    ));
    Ok(address)
}

/// Serves until `stop` is ready, and then until the requests under way are answered or their grace is over.
pub async fn serve_until(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let free = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(BUFFER_BYTES);
    tokio::pin!(stop);
    loop {
        let accepted = async {
            let permit = Arc::clone(&free).acquire_owned().await;
            (permit, accept(&listener).await)
        };
        let (permit, stream) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        let service = TowerToHyperService::new(router.clone());
        let stream = TokioIo::new(Impatient::new(stream, limits.taking));
        let connection = builder.serve_connection(stream, service).into_owned();
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // A client that goes away in the middle of a request is no concern of the server's.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(limits.grace, open.shutdown()).await;
}

/// The next connection. A failure to accept one is never the end of the server.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers come in one piece; waiting to fill packets would only add 40 ms here and there.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;

    const SHORT: Limits = Limits {
        connections: 1,
        head: Duration::from_millis(50),
        taking: Duration::from_millis(50),
        grace: Duration::from_millis(50),
    };

    async fn read_to_end(stream: &mut TcpStream) -> String {
        let mut answer = Vec::new();
        // A reset instead of an end is as good an end.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn a_client_that_is_slow_is_let_go_and_one_that_waits_gets_its_turn() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "here" }));
        let stop = std::future::pending();
        tokio::spawn(serve_until(listener, router, SHORT, stop));
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nHost: a").await.unwrap();
        let mut waiting = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        waiting.write_all(request).await.unwrap();
        assert_eq!(read_to_end(&mut silent).await, "");
        assert!(!read_to_end(&mut slow).await.contains("200"));
        assert!(read_to_end(&mut waiting).await.ends_with("here"));
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_of_its_answer_is_let_go() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let long = get(|| async { "x".repeat(64 * 1024 * 1024) });
        let router = Router::new()
            .route("/long", long)
            .route("/", get(|| async { "here" }));
        let stop = std::future::pending();
        tokio::spawn(serve_until(listener, router, SHORT, stop));
        let mut idle = TcpStream::connect(address).await.unwrap();
        let request = b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n";
        idle.write_all(request).await.unwrap();
        // There is room for one connection, which is free again though this client never reads.
        let mut waiting = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        waiting.write_all(request).await.unwrap();
        assert!(read_to_end(&mut waiting).await.ends_with("here"));
        assert!(read_to_end(&mut idle).await.len() < 64 * 1024 * 1024);
    }

    #[tokio::test]
    async fn a_stop_lets_a_request_finish_but_waits_for_none_for_ever() {
        for (held, answered) in [(Duration::from_millis(5), true), (Duration::MAX, false)] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let (begun, has_begun) = oneshot::channel();
            let begun = Arc::new(std::sync::Mutex::new(Some(begun)));
            let hold = move || async move {
                if let Some(begun) = begun.lock().unwrap().take() {
                    begun.send(()).unwrap();
                }
                tokio::time::sleep(held).await;
                "done"
            };
            let router = Router::new().route("/", get(hold));
            let stop = async move { has_begun.await.unwrap() };
            let server = tokio::spawn(serve_until(listener, router, SHORT, stop));
            let mut client = TcpStream::connect(address).await.unwrap();
            let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
            client.write_all(request).await.unwrap();
            server.await.unwrap();
            if answered {
                assert!(read_to_end(&mut client).await.ends_with("done"));
            }
            assert!(TcpStream::connect(address).await.is_err());
        }
    }
}
