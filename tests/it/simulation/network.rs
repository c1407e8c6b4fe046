//! The network between a poller and the stand-ins: requests are handed to their routers without a
//! socket, and go astray as the scenario and the seed say.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::{Body, Bytes};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream;
use http::StatusCode;
use http_body_util::StreamBody;
use mackerel_ecs::demo::aws::SimulatedAws;
use mackerel_ecs::demo::aws::fault::{Fault as AwsFault, FaultKind as AwsFaultKind};
use mackerel_ecs::demo::mackerel::LocalMackerel;
use mackerel_ecs::demo::mackerel::fault::{Fault, FaultKind};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tower::ServiceExt;

use super::fate::Event;
use super::ledger::{Ledger, Point, Series};
use super::scenario::Scenario;
use crate::support::world::{NOON, at};

/// Where the simulated AWS seems to be.
pub(super) const AWS_URL: &str = "http://aws.sim";
/// Where the local Mackerel seems to be.
pub(super) const MACKEREL_URL: &str = "http://mackerel.sim";

const TSDB: &str = "/api/v0/tsdb";

/// What all pollers of a run share.
pub(super) struct World {
    /// The run.
    pub(super) scenario: Scenario,
    /// The simulated AWS.
    pub(super) aws: SimulatedAws,
    /// The local Mackerel.
    pub(super) mackerel: LocalMackerel,
    aws_router: Router,
    mackerel_router: Router,
    began: Instant,
    pub(super) rng: Mutex<fastrand::Rng>,
    ledger: Mutex<Ledger>,
    /// Points that Mackerel refused because the scenario says so: host, metric, time.
    pub(super) poisoned: Arc<Mutex<HashSet<(String, String, i64)>>>,
}

/// Tells the time since a moment, which counts as [`NOON`].
pub(super) fn clock(began: Instant) -> impl Fn() -> DateTime<Utc> + Clone + Send + Sync + 'static {
    move || at(NOON) + TimeDelta::milliseconds(began.elapsed().as_millis() as i64)
}

impl World {
    /// A world that has just begun.
    pub(super) fn new(scenario: Scenario, aws: SimulatedAws, mackerel: LocalMackerel) -> World {
        World {
            aws_router: aws.router(),
            mackerel_router: mackerel.router(),
            began: Instant::now(),
            rng: Mutex::new(fastrand::Rng::with_seed(scenario.seed ^ 0xfa7e)),
            ledger: Mutex::default(),
            poisoned: Arc::default(),
            scenario,
            aws,
            mackerel,
        }
    }

    /// Milliseconds since the beginning.
    pub(super) fn millis(&self) -> i64 {
        self.began.elapsed().as_millis() as i64
    }

    /// When a moment of the run is.
    pub(super) fn instant(&self, second: i64) -> Instant {
        self.began + Duration::from_secs(second.unsigned_abs())
    }

    /// The time of day as the stand-ins have it.
    pub(super) fn now(&self) -> DateTime<Utc> {
        clock(self.began)()
    }

    /// The time of day as the poller has it.
    pub(super) fn poller_time(&self) -> DateTime<Utc> {
        let skew = self.scenario.skew_at(self.millis() / 1000);
        self.now() + TimeDelta::seconds(skew)
    }

    /// What was seen so far.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// A request that a person makes of Mackerel, past the weather.
    pub(super) async fn by_hand(&self, path: &str, body: &'static str) -> StatusCode {
        let request = http::Request::builder()
            .method("POST")
            .uri(format!("{MACKEREL_URL}/api/v0{path}"))
            .header("X-Api-Key", crate::support::world::API_KEY)
            .body(Body::from(body))
            .unwrap();
        let answer = self.mackerel_router.clone().oneshot(request).await;
        answer.unwrap().status()
    }
}

/// The network as one poller has it.
#[derive(Clone)]
pub(super) struct Network {
    /// The world.
    pub(super) world: Arc<World>,
    /// The number of the poller.
    pub(super) life: usize,
    /// Where the poller is to be killed, if at a request.
    pub(super) crash: Arc<Mutex<Option<Crash>>>,
}

/// Kills a poller at a request.
#[derive(Debug)]
pub(super) struct Crash {
    /// From when on requests are counted, in seconds.
    pub(super) from: i64,
    /// How many more are let through.
    pub(super) requests: u32,
    /// Whether it dies before the other side sees the request.
    pub(super) before: bool,
    /// The poller's task.
    pub(super) task: Option<AbortHandle>,
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
        let fate = world.fate(&asked.action, is_calm);
        {
            let mut ledger = world.ledger();
            if let Some(name) = fate.event.name() {
                ledger.mishap(name);
            }
            let now = world.millis();
            match asked.action == "mackerel" {
                true => ledger.send(self.life, &points, now),
                false => ledger.attempt((self.life, &asked.region), &asked.action, now),
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
        let region = asked.region.clone();
        let (status, headers, body) = self.serve(asked, fate.event).await;
        let stored = match is_tsdb && status == StatusCode::OK {
            true => world.ledger().record(&points, world.millis()),
            false => Vec::new(),
        };
        if crash == Some(false) {
            self.die().await;
        }
        tokio::time::sleep(fate.back).await;
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
        if fate.event != Event::Cut && status == StatusCode::OK {
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
        self.note_services(&asked.action, &asked.body, parts.status);
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
            "is refused",
            "custom",
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

    /// Whether the poller dies at this request, and whether before it is served.
    fn crash_now(&self) -> Option<bool> {
        let mut crash = self.crash.lock().unwrap();
        let plan = crash.as_mut()?;
        if self.world.millis() < plan.from * 1000 {
            return None;
        }
        if plan.requests > 0 {
            plan.requests -= 1;
            return None;
        }
        Some(plan.before)
    }

    async fn die(&self) -> ! {
        if let Some(task) = self.crash.lock().unwrap().take().and_then(|plan| plan.task) {
            task.abort();
        }
        std::future::pending().await
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
