//! Answers `GET /healthz`, whether the loop is alive, and `GET /metrics`, what it did.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::Pulse;
use super::exposition::CONTENT_TYPE;

/// How long one question may take, connection and all.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many may ask at the same time; the next ones wait.
const ASKERS: usize = 16;

impl Pulse {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let answer: fn(&Self) -> Response<Full<Bytes>> = match request.uri().path() {
            "/healthz" => Self::health,
            "/metrics" => Self::metrics,
            _ => {
                let paths = "not found; there are /healthz and /metrics";
                return json_response(StatusCode::NOT_FOUND, json!({ "error": paths }));
            }
        };
        match *request.method() {
            Method::GET | Method::HEAD => answer(self),
            _ => {
                let error = json!({ "error": "use GET" });
                json_response(StatusCode::METHOD_NOT_ALLOWED, error)
            }
        }
    }

    fn health(&self) -> Response<Full<Bytes>> {
        let (silent, bound) = self.silence();
        let (status, word) = match silent > bound {
            true => (StatusCode::SERVICE_UNAVAILABLE, "stuck"),
            false => (StatusCode::OK, "ok"),
        };
        let body = json!({
            "status": word,
            "last_poll_seconds_ago": silent.as_secs(),
            "bound_seconds": bound.as_secs(),
        });
        json_response(status, body)
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        let page = self.tally().page(resident_memory());
        response(StatusCode::OK, CONTENT_TYPE, page)
    }
}

/// The memory that this process takes, in bytes, as Linux tells it.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn json_response(status: StatusCode, body: serde_json::Value) -> Response<Full<Bytes>> {
    response(status, "application/json", format!("{body}\n"))
}

fn response(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static(kind);
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, kind);
    response
}

/// Listens at an address, and answers from then on until that is aborted. Gives the address, with the
/// port that was found where 0 was asked for.
pub async fn listen(
    address: SocketAddr,
    pulse: Pulse,
) -> std::io::Result<(SocketAddr, AbortHandle)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let listening = tokio::spawn(async move {
        let places = Arc::new(Semaphore::new(ASKERS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let pulse = pulse.clone();
                    tokio::spawn(async move {
                        _ = tokio::time::timeout(PATIENCE, serve(stream, pulse)).await;
                        drop(place);
                    });
                }
                // Out of file descriptors, or the like: it may be better soon.
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    });
    Ok((address, listening.abort_handle()))
}

async fn serve(stream: TcpStream, pulse: Pulse) -> hyper::Result<()> {
    let service = service_fn(|request| {
        let answer = pulse.answer(&request);
        async move { Ok::<_, Infallible>(answer) }
    });
    hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await
}
