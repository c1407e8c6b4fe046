//! Whether the loop is alive: each finished poll is a beat, and a loop whose last beat is too long
//! ago is stuck. `GET /healthz` tells it to whoever asks at the configured address.

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
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

/// How long one question may take, connection and all.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many may ask at the same time; the next ones wait.
const ASKERS: usize = 16;

/// The beats of a loop.
#[derive(Debug, Clone)]
pub struct Pulse {
    last: watch::Sender<Instant>,
    bound: Duration,
}

impl Pulse {
    /// A loop that polls at this interval and has just begun, which counts as a beat. It is stuck
    /// when two polls in a row have not been finished, and two minutes more have passed.
    pub fn new(interval: Duration) -> Self {
        let (last, _) = watch::channel(Instant::now());
        Pulse {
            last,
            bound: interval * 2 + Duration::from_secs(120),
        }
    }

    /// A poll was finished, however it went: what ails AWS or Mackerel is mended by no restart.
    pub fn beat(&self) {
        self.last.send_replace(Instant::now());
    }

    /// The time since the last beat, and whether it is too long.
    fn state(&self) -> (Duration, bool) {
        let since = self.last.borrow().elapsed();
        (since, since > self.bound)
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if request.uri().path() != "/healthz" {
            return response(StatusCode::NOT_FOUND, json!({ "error": "not found" }));
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return response(
                StatusCode::METHOD_NOT_ALLOWED,
                json!({ "error": "use GET" }),
            );
        }
        let (since, is_stuck) = self.state();
        let (status, word) = match is_stuck {
            true => (StatusCode::SERVICE_UNAVAILABLE, "stuck"),
            false => (StatusCode::OK, "ok"),
        };
        let body = json!({
            "status": word,
            "last_poll_seconds_ago": since.as_secs(),
            "bound_seconds": self.bound.as_secs(),
        });
        response(status, body)
    }
}

fn response(status: StatusCode, body: serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!("{body}\n")));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    response
}

/// Listens at an address, and answers from then on for as long as the runtime lives. Gives the
/// address, with the port that was found where 0 was asked for.
pub async fn listen(address: SocketAddr, pulse: Pulse) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
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
    Ok(address)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_without_beats_is_stuck_until_the_next_one() {
        let pulse = Pulse::new(Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(240)).await;
        assert!(!pulse.state().1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(pulse.state().1);
        pulse.beat();
        assert!(!pulse.state().1);
    }
}
