//! The door of the server: each request is read, noted, perhaps struck by a fault, asked for its key,
//! and carried out in one transaction; the outcome becomes an HTTP answer.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{Query, RawPathParams, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Response, StatusCode, Uri, header};
use axum::routing::on;
use chrono::DateTime;
use futures_util::{StreamExt, stream};

use crate::demo::mackerel::Shared;
use crate::demo::mackerel::api::{ROUTES, Route};
use crate::demo::mackerel::body::{Arriving, Received};
use crate::demo::mackerel::call::{Answer, Call};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::fault::FaultKind;
use crate::demo::mackerel::option::{ApiKey, Names, Permission, Recording};
use crate::demo::mackerel::page;
use crate::demo::mackerel::request::{KEPT_BODY_BYTES, RequestRecord};

/// Keeps what is answered from other sites, which may not even show it.
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// The router over the table of calls.
pub fn router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new();
    for route in ROUTES.iter().chain(page::ROUTES) {
        let carry_out = move |State(shared): State<Arc<Shared>>,
                              params: PathParams,
                              request: Request| async move {
            serve(&shared, recognise(route, params), request).await
        };
        router = router.route(route.path, on(route.method, carry_out));
    }
    let unknown = |State(shared): State<Arc<Shared>>, request: Request| async move {
        serve(&shared, None, request).await
    };
    router
        .method_not_allowed_fallback(unknown)
        .fallback(unknown)
        .with_state(shared)
}

type PathParams = Result<RawPathParams, RawPathParamsRejection>;
type Recognised = (&'static Route, Vec<(String, String)>);

/// A path whose parameters are not UTF-8 names nothing that exists.
fn recognise(route: &'static Route, params: PathParams) -> Option<Recognised> {
    let params = params.ok()?;
    Some((
        route,
        params
            .iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    ))
}

async fn serve(
    shared: &Shared,
    recognised: Option<Recognised>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = match shared.options().patience {
        Some(patience) => tokio::time::timeout(patience, shared.arriving().read(body))
            .await
            .unwrap_or(Received::Slow),
        None => shared.arriving().read(body).await,
    };
    let fault = shared.strike(head.method.as_str(), head.uri.path());
    let answer = match &fault {
        Some(FaultKind::Status {
            code,
            retry_after,
            body,
        }) => Some(faulty(*code, *retry_after, body)),
        Some(FaultKind::Hang) => None,
        Some(FaultKind::Cut | FaultKind::Delay(_)) | None => {
            Some(response(match (&recognised, &body) {
                _ if !is_called_right(&head.headers, shared.options().names) => {
                    Err(Refusal::misnamed())
                }
                (None, _) => Err(Refusal::not_found("not found")),
                (_, Received::TooLarge(_)) => {
                    Err(Refusal::too_large("the body must be at most 10 MB"))
                }
                (_, Received::Crowded) => Err(Refusal::crowded()),
                (_, Received::Slow) => Err(Refusal::slow()),
                (_, Received::Broken) => Err(Refusal::bad_request("the body broke off")),
                (Some((route, params)), Received::Whole(body)) => carry_out(
                    shared,
                    route,
                    params.clone(),
                    &head.headers,
                    &head.uri,
                    body,
                ),
            }))
        }
    };
    let method = head.method.as_str();
    match shared.options().recording {
        // Paths that are no call are left out, or a client could fill the memory with them.
        Recording::Counts => {
            if let Some((route, _)) = &recognised {
                shared.count(method, route.path);
            }
        }
        Recording::Requests => shared.note(RequestRecord {
            method: method.to_owned(),
            template: recognised.map_or_else(
                || head.uri.path().to_owned(),
                |(route, _)| route.path.to_owned(),
            ),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            status: answer.as_ref().map(|answer| answer.status().as_u16()),
            body_bytes: body.size(),
            json: small_json(&body),
        }),
    }
    match (answer, fault) {
        (None, _) => std::future::pending().await,
        (Some(answer), Some(FaultKind::Cut)) => cut(answer).await,
        (Some(answer), Some(FaultKind::Delay(time))) => {
            tokio::time::sleep(time).await;
            answer
        }
        (Some(answer), _) => answer,
    }
}

fn carry_out(
    shared: &Shared,
    route: &Route,
    params: Vec<(String, String)>,
    headers: &HeaderMap,
    uri: &Uri,
    body: &Bytes,
) -> Result<Answer, Refusal> {
    if let Some(needed) = route.needs {
        check_key(headers, &shared.options().keys, needed)?;
    }
    let query = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Refusal::bad_request(format!("the query cannot be read: {error}")))?;
    shared.run(
        route.function,
        &Call {
            params,
            query: query.0,
            body: body.clone(),
        },
    )
}

fn check_key(headers: &HeaderMap, keys: &[ApiKey], needed: Permission) -> Result<(), Refusal> {
    let given = headers
        .get("x-api-key")
        .and_then(|value| value.to_str().ok())
        .ok_or_else(Refusal::unauthorized)?;
    let key = keys
        .iter()
        .find(|key| key.secret == given)
        .ok_or_else(Refusal::unauthorized)?;
    if key.permission.covers(needed) {
        Ok(())
    } else {
        Err(Refusal::forbidden())
    }
}

/// The body for the log, where it is JSON and small.
fn small_json(body: &Received) -> Option<serde_json::Value> {
    match body {
        Received::Whole(body) if body.len() <= KEPT_BODY_BYTES => serde_json::from_slice(body).ok(),
        _ => None,
    }
}

/// Whether the client calls the server by a name that it goes by. Browsers always send one.
fn is_called_right(headers: &HeaderMap, names: Names) -> bool {
    let name = headers
        .get(header::HOST)
        .and_then(|name| name.to_str().ok());
    match (names, name.map(str::parse::<Authority>)) {
        (Names::Any, _) | (Names::Local, None) => true,
        (Names::Local, Some(Ok(name))) => {
            let name = name.host().to_ascii_lowercase();
            let address = name.trim_start_matches('[').trim_end_matches(']');
            name == "localhost" || name.ends_with(".localhost") || address.parse::<IpAddr>().is_ok()
        }
        (Names::Local, Some(Err(_))) => false,
    }
}

fn response(outcome: Result<Answer, Refusal>) -> Response<Body> {
    let (status, answer) = match outcome {
        Ok(answer) => (StatusCode::OK, answer),
        Err(refusal) => (
            refusal.status,
            Answer::text("application/json", refusal.body()),
        ),
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(answer.content_type),
    );
    headers.extend(
        [
            (
                header::CONTENT_SECURITY_POLICY,
                page::asset::CONTENT_SECURITY_POLICY,
            ),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        ]
        .map(|(name, value)| (name, header::HeaderValue::from_static(value))),
    );
    let modified = answer
        .last_modified
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    if let Some(modified) = modified.and_then(|time| {
        time.format("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
            .parse()
            .ok()
    }) {
        headers.insert(header::LAST_MODIFIED, modified);
    }
    response
}

fn faulty(code: u16, retry_after: Option<u64>, body: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(seconds) = retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Promises the whole body, sends its first half, and breaks off. The pause between the two lets the half out.
async fn cut(response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let Received::Whole(whole) = Arriving::default().read(body).await else {
        return Response::from_parts(head, Body::empty());
    };
    head.headers
        .insert(header::CONTENT_LENGTH, whole.len().into());
    let half = Ok(whole.slice(..whole.len() / 2));
    let end = async {
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    };
    Response::from_parts(
        head,
        Body::from_stream(stream::iter([half]).chain(stream::once(end))),
    )
}
