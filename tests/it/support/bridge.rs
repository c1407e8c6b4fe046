//! A bridge between the AWS SDK for Rust and a moto server.
//!
//! The SDK speaks Smithy RPC v2 CBOR to CloudWatch, which moto does not know; moto serves the
//! same calls as AWS JSON 1.0. The bridge listens on a free port of this machine, translates
//! CloudWatch's CBOR requests and their answers, forwards every other request (ECS, STS, the
//! query protocol) as it is, and remembers what it was asked. It runs in a thread of its own, so
//! that a test may block. Every request carries one account number, which keeps tests that
//! share a moto apart.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::cbor;

/// The path of an RPC v2 CBOR call to CloudWatch, up to the operation's name.
const CBOR_PATH: &str = "/service/GraniteServiceVersion20100801/operation/";
/// What the AWS JSON protocol writes before the operation's name in `X-Amz-Target`.
const JSON_TARGET: &str = "GraniteServiceVersion20100801.";
/// The error code of a request or answer that the bridge could not translate or deliver.
pub const BRIDGE_FAILURE: &str = "BridgeFailure";

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const ACCOUNT: HeaderName = HeaderName::from_static("x-moto-account-id");
const PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// One request that came to the bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The operation's name without its service, such as `GetMetricData` or `ListClusters`;
    /// empty when the request names none in its path or in `X-Amz-Target`.
    pub operation: String,
    /// The number of `MetricDataQueries` in a `GetMetricData`, zero in everything else.
    pub queries: usize,
    /// The request's input: the JSON body, or what the CBOR body became in JSON, with timestamps
    /// as seconds since 1970; null when the body is neither.
    pub input: Value,
}

/// A running bridge; it stops when it is dropped.
#[derive(Debug)]
pub struct Bridge {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _running: oneshot::Sender<()>,
}

/// What a request needs on its way to moto.
#[derive(Clone)]
struct Route {
    moto: String,
    account: HeaderValue,
    client: Client<HttpConnector, Body>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Bridge {
    /// Starts a bridge to the moto server at `moto` (`http://127.0.0.1:5000`, no final slash),
    /// whose requests all belong to the AWS account `account` (12 digits).
    pub fn start(moto: &str, account: &str) -> Result<Bridge> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .context("opening the bridge's port")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let route = Route {
            moto: moto.to_owned(),
            account: HeaderValue::from_str(account)?,
            // Moto's server closes connections as it likes, so none is kept for later.
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build(HttpConnector::new()),
            seen: Arc::clone(&seen),
        };
        let (running, dropped) = oneshot::channel::<()>();
        thread::spawn(move || {
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let router = Router::new().fallback(relay).with_state(route);
                tokio::select! {
                    served = axum::serve(listener, router) => served,
                    _ = dropped => Ok(()),
                }
            })
        });
        Ok(Bridge {
            url,
            seen,
            _running: running,
        })
    }

    /// The endpoint to give to the SDK for every service: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every request so far, in the order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The requests of one operation so far, in the order of arrival.
    pub fn seen_of(&self, operation: &str) -> Vec<Seen> {
        self.seen()
            .into_iter()
            .filter(|seen| seen.operation == operation)
            .collect()
    }
}

/// Answers one request; what goes wrong in the bridge itself is an answer with the error code
/// [`BRIDGE_FAILURE`] and a status that the SDK does not try again.
async fn relay(State(route): State<Route>, request: Request) -> Response {
    let operation = request
        .uri()
        .path()
        .strip_prefix(CBOR_PATH)
        .map(str::to_owned);
    let is_cbor = operation.is_some();
    match route.answer(operation, request).await {
        Ok(response) => response,
        Err(error) => {
            let code = HeaderValue::from_static("BridgeFailure;Sender");
            let body = json!({"__type": BRIDGE_FAILURE, "message": format!("{error:#}")});
            let mut headers = HeaderMap::from_iter([(QUERY_ERROR, code)]);
            let encoded = if is_cbor {
                cbor::from_json(&body).ok()
            } else {
                None
            };
            if encoded.is_some() {
                mark_as_cbor(&mut headers);
            }
            let body = encoded.unwrap_or_else(|| body.to_string().into_bytes());
            respond(StatusCode::BAD_REQUEST, headers, body.into())
        }
    }
}

impl Route {
    async fn answer(&self, operation: Option<String>, request: Request) -> Result<Response> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX)
            .await
            .context("reading the request")?;
        match operation {
            Some(operation) => self.translate(&operation, parts.headers, &body).await,
            None => {
                let target = parts
                    .headers
                    .get(TARGET)
                    .and_then(|target| target.to_str().ok());
                let operation = target.and_then(|target| target.rsplit('.').next());
                self.record(
                    operation.unwrap_or_default(),
                    serde_json::from_slice(&body).ok(),
                );
                let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                let (status, headers, body) = self
                    .forward(parts.method, path, parts.headers, body)
                    .await?;
                Ok(respond(status, headers, body))
            }
        }
    }

    /// Sends a CBOR call as AWS JSON 1.0 and turns the answer back.
    async fn translate(
        &self,
        operation: &str,
        mut headers: HeaderMap,
        body: &[u8],
    ) -> Result<Response> {
        let input = cbor::to_json(body).with_context(|| format!("reading a {operation}"))?;
        self.record(operation, Some(input.clone()));
        headers.remove(PROTOCOL);
        headers.remove(header::ACCEPT);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-amz-json-1.0"),
        );
        headers.insert(
            TARGET,
            HeaderValue::from_str(&format!("{JSON_TARGET}{operation}"))?,
        );
        let (status, mut headers, body) = self
            .forward(Method::POST, "/", headers, input.to_string().into())
            .await?;
        let mut output = json!({});
        if !body.is_empty() {
            output = serde_json::from_slice(&body).with_context(|| {
                format!(
                    "moto's answer to {operation}: {}",
                    String::from_utf8_lossy(&body)
                )
            })?;
        }
        if !status.is_success() && !headers.contains_key(&QUERY_ERROR) {
            let code = output["__type"].as_str().unwrap_or("Unknown");
            let code = code.rsplit('#').next().unwrap_or_default();
            let fault = if status.is_client_error() {
                "Sender"
            } else {
                "Receiver"
            };
            headers.insert(
                QUERY_ERROR,
                HeaderValue::from_str(&format!("{code};{fault}"))?,
            );
        }
        mark_as_cbor(&mut headers);
        let body = cbor::from_json(&output)
            .with_context(|| format!("moto's answer to {operation}: {output}"))?;
        Ok(respond(status, headers, body.into()))
    }

    /// Sends a request to moto; the headers that belong to one connection are left out.
    async fn forward(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap, Bytes)> {
        drop_connection_headers(&mut headers);
        headers.remove(header::HOST);
        headers.insert(ACCOUNT, self.account.clone());
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{path}", self.moto).parse()?;
        *request.headers_mut() = headers;
        let answer = self.client.request(request).await.context("asking moto")?;
        let (mut parts, body) = answer.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX)
            .await
            .context("reading from moto")?;
        drop_connection_headers(&mut parts.headers);
        Ok((parts.status, parts.headers, body))
    }

    fn record(&self, operation: &str, input: Option<Value>) {
        let input = input.unwrap_or_default();
        let queries = input["MetricDataQueries"].as_array().map_or(0, Vec::len);
        let seen = Seen {
            operation: operation.to_owned(),
            queries,
            input,
        };
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(seen);
    }
}

fn drop_connection_headers(headers: &mut HeaderMap) {
    for name in [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
    ] {
        headers.remove(name);
    }
}

fn mark_as_cbor(headers: &mut HeaderMap) {
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/cbor"),
    );
    headers.insert(PROTOCOL, HeaderValue::from_static("rpc-v2-cbor"));
}

fn respond(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
