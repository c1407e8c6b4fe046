//! The network between a poller and the stand-ins: requests are handed to their routers without a
//! socket, and go astray as the scenario and the seed say.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use axum::body::{Body, Bytes};
use futures_util::stream;
use http::StatusCode;
use http_body_util::StreamBody;
use mackerel_ecs::demo::aws::fault::{Fault as AwsFault, FaultKind as AwsFaultKind};
use mackerel_ecs::demo::mackerel::fault::{Fault, FaultKind};
use mackerel_ecs::poller::Held;
use tower::ServiceExt;

use super::crash::Crash;
use super::fate::Event;
use super::ledger::{Point, Series};
use super::world::World;

/// Where the simulated AWS seems to be.
pub(super) const AWS_URL: &str = "http://aws.sim";
/// Where the local Mackerel seems to be.
pub(super) const MACKEREL_URL: &str = "http://mackerel.sim";

const TSDB: &str = "/api/v0/tsdb";

/// The network as one poller has it.
#[derive(Clone)]
pub(super) struct Network {
    /// The world.
    pub(super) world: Arc<World>,
    /// The number of the poller.
    pub(super) life: usize,
    /// Where the poller is to be killed, if at a request.
    pub(super) crash: Arc<Mutex<Option<Crash>>>,
    /// How many counts the poller keeps.
    pub(super) held: Arc<OnceLock<Held>>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({})", self.life)
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let network = self.clone();
        HttpConnectorFuture::new(async move { network.exchange(request).await })
    }
}

/// A request in plain values.
struct Asked {
    request: http::Request<Body>,
    action: String,
    /// The Region that it is signed for.
    region: String,
    path: String,
    body: Bytes,
}

impl Asked {
    /// The method and the path.
    fn call(&self) -> String {
        format!("{} {}", self.request.method(), self.path)
    }

    /// Whether it is no retry, as the AWS SDK says.
    fn is_first(&self) -> bool {
        let attempt = self.request.headers().get("amz-sdk-request");
        attempt.is_some_and(|value| value.as_bytes().starts_with(b"attempt=1"))
    }

    fn read(request: HttpRequest) -> Asked {
        let request = request.try_into_http1x().unwrap();
        let (parts, body) = request.into_parts();
        let body = Bytes::copy_from_slice(body.bytes().unwrap());
        let path = parts.uri.path().to_owned();
        let action = if parts.uri.host() == Some("mackerel.sim") {
            "mackerel".to_owned()
        } else if let Some((_, operation)) = path.split_once("/operation/") {
            format!("cloudwatch:{operation}")
        } else if let Some(target) = parts.headers.get("x-amz-target") {
            let target = target.to_str().unwrap();
            format!("ecs:{}", target.rsplit('.').next().unwrap())
        } else {
            "sts:AssumeRole".to_owned()
        };
        let signed = parts.headers.get("authorization");
        let scope = signed.and_then(|value| value.to_str().ok());
        Asked {
            region: scope
                .and_then(|scope| scope.split('/').nth(2))
                .unwrap_or_default()
                .to_owned(),
            request: http::Request::from_parts(parts, Body::from(body.clone())),
            action,
            path,
            body,
        }
    }
}

impl Network {
    async fn exchange(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let world = &*self.world;
        let asked = Asked::read(request);
        let is_tsdb = asked.path == TSDB;
        let points: Vec<Point> = match is_tsdb {
            true => serde_json::from_slice(&asked.body).unwrap(),
            false => Vec::new(),
        };
        let is_calm = world.millis() / 1000 >= world.scenario.calm_from();
        let fate = world.fate(&asked.action, is_tsdb, is_calm);
        {
            let mut ledger = world.ledger();
            if let Some(name) = fate.event.name() {
                ledger.mishap(name);
            }
            let now = world.millis();
            if let Some(held) = self.held.get() {
                ledger.hold(self.life, held.counts(), held.dropped(), now);
            }
            match asked.action == "mackerel" {
                true => {
                    ledger.check_patience(self.life, &asked.call(), now);
                    ledger.send(self.life, &points, now);
                    let born = world.scenario.lives[self.life].from;
                    if !world.scenario.is_ever_skewed() {
                        ledger.check_notes(self.life, born, &points, now);
                    }
                }
                false => {
                    let place = (self.life, asked.region.as_str());
                    ledger.attempt(place, &asked.action, asked.is_first(), now);
                }
            }
        }
        let crash = self.crash_now();
        tokio::time::sleep(fate.there).await;
        match fate.event {
            Event::Refused => return Err(broken("connection refused")),
            Event::Hang => std::future::pending().await,
            _ => {}
        }
        if crash == Some(true) {
            self.die().await;
        }
        let (action, input) = (asked.action.clone(), asked.body.clone());
        let (region, call) = (asked.region.clone(), asked.call());
        let (status, headers, body) = self.serve(asked, fate.event).await;
        let is_done = status == StatusCode::OK && fate.event != Event::Nonsense;
        let stored = match is_tsdb && is_done {
            true => world.ledger().record(self.life, &points, world.millis()),
            false => Vec::new(),
        };
        if is_done && action == "mackerel" {
            world
                .ledger()
                .note(self.life, &call, &input, world.millis());
        }
        if crash == Some(false) {
            self.die().await;
        }
        tokio::time::sleep(fate.back).await;
        if action == "mackerel" && fate.event != Event::Lost {
            let asked = headers.get("retry-after");
            let seconds = asked.and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
            let until = seconds.map(|seconds| world.millis() + seconds * 1000);
            world.ledger().put_off(self.life, &call, until);
        }
        let mut response = http::Response::builder().status(status);
        if let Some(all) = response.headers_mut() {
            *all = headers;
        }
        let body_out = match fate.event {
            Event::Lost => return Err(broken("connection reset")),
            Event::Cut => cut(body.clone()),
            Event::Slow(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                SdkBody::from(body.to_vec())
            }
            _ => SdkBody::from(body.to_vec()),
        };
        if fate.event != Event::Cut && is_done {
            self.delivered((&action, &region), &input, &points, &stored);
        }
        let response = response.body(body_out).unwrap();
        Ok(HttpResponse::try_from(response).unwrap())
    }

    /// Hands the request to its server. Nothing here waits for anything, so that a fault that is
    /// injected befalls this very request.
    async fn serve(&self, asked: Asked, event: Event) -> (StatusCode, http::HeaderMap, Bytes) {
        let world = &*self.world;
        let is_mackerel = asked.action == "mackerel";
        match is_mackerel {
            true => {
                let status = |code, retry_after| FaultKind::Status {
                    code,
                    retry_after,
                    body: "<html>not now</html>".to_owned(),
                };
                let kind = match event {
                    Event::Status(code) => Some(status(code, None)),
                    Event::Throttle(after) => Some(status(429, after)),
                    Event::Html => Some(status(502, None)),
                    Event::Nonsense => Some(status(200, None)),
                    _ => None,
                };
                if let Some(kind) = kind {
                    world.mackerel.inject(Fault {
                        method: None,
                        path_prefix: String::new(),
                        kind,
                        times: Some(1),
                    });
                }
            }
            false => {
                let kind = match event {
                    Event::Status(code) => Some(AwsFaultKind::Status(code)),
                    Event::Throttle(_) => Some(AwsFaultKind::Throttle),
                    Event::Html => Some(AwsFaultKind::Html),
                    Event::Nonsense => Some(AwsFaultKind::EmptyBody),
                    Event::Expired => Some(AwsFaultKind::ExpiredToken),
                    Event::Partial => Some(AwsFaultKind::PartialData),
                    Event::InternalResults => Some(AwsFaultKind::InternalErrorResult),
                    _ => None,
                };
                if let Some(kind) = kind {
                    world.aws.inject(AwsFault::everywhere(kind).times(1));
                }
            }
        }
        let router = match is_mackerel {
            true => world.mackerel_router.clone(),
            false => world.aws_router.clone(),
        };
        let method = asked.request.method().clone();
        let response = router.oneshot(asked.request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        if event.name().is_none() || matches!(event, Event::Cut | Event::Lost | Event::Slow(_)) {
            let what = format!("{} {method} {}", asked.action, asked.path);
            self.judge(&what, parts.status, &body);
        }
        if event != Event::Nonsense {
            self.note_services(&asked.action, &asked.body, parts.status);
        }
        if !is_mackerel {
            world.aws.clear_faults();
        }
        (parts.status, parts.headers, body)
    }

    /// Notes a refusal that no fault explains: the request broke a rule.
    fn judge(&self, what: &str, status: StatusCode, body: &[u8]) {
        const EXPECTED: [&str; 10] = [
            "AccessDenied",
            "Throttling",
            "ExpiredToken",
            "ClusterNotFound",
            "ServiceNotActive",
            "ServiceNotFound",
            "]` is refused",
            "is already used by host",
            "host not found",
            "has been retired",
        ];
        if !status.is_client_error() {
            return;
        }
        let text = String::from_utf8_lossy(body);
        let is_look_up = what.starts_with("mackerel GET") && status == StatusCode::NOT_FOUND;
        // A host that a person has retired refuses to be changed.
        let is_gone = what.starts_with("mackerel") && status == StatusCode::NOT_FOUND;
        if !is_look_up && !is_gone && !EXPECTED.iter().any(|word| text.contains(word)) {
            let at = super::ledger::clock(self.world.millis() / 1000);
            let refused = format!("{at}: {what}: {status} {text}");
            self.world.ledger().refused.push(refused);
        }
    }

    fn note_services(&self, action: &str, body: &[u8], status: StatusCode) {
        if action == "ecs:ListServices" && status == StatusCode::OK {
            let at = self.world.millis();
            let cluster = cluster_of(body);
            let mut ledger = self.world.ledger();
            ledger.listed.entry(cluster).or_default().push(at);
        }
    }

    /// Notes what the poller has got to know.
    fn delivered(
        &self,
        (action, region): (&str, &str),
        input: &[u8],
        points: &[Point],
        series: &[Series],
    ) {
        let at = self.world.millis();
        let mut ledger = self.world.ledger();
        if !points.is_empty() {
            ledger.accept(self.life, points, series, at);
        }
        if action == "ecs:DescribeServices" {
            let input: serde_json::Value = serde_json::from_slice(input).unwrap_or_default();
            let cluster = last_part(input["cluster"].as_str().unwrap_or_default());
            let services = input["services"].as_array().cloned().unwrap_or_default();
            let services: Vec<String> = services
                .iter()
                .filter_map(|service| Some(last_part(service.as_str()?).to_owned()))
                .collect();
            ledger.observe((self.life, region), cluster, &services, at);
        }
    }
}

fn cluster_of(body: &[u8]) -> String {
    let input: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    last_part(input["cluster"].as_str().unwrap_or_default()).to_owned()
}

fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

fn broken(why: &'static str) -> ConnectorError {
    ConnectorError::io(why.into())
}

fn cut(body: Bytes) -> SdkBody {
    let half = body.slice(..body.len() / 2);
    let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let frames = [Ok(http_body::Frame::data(half)), Err(reset)];
    SdkBody::from_body_1_x(StreamBody::new(stream::iter(frames)))
}
