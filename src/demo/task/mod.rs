//! The simulated task metadata endpoint: what a container of an ECS task is told about its task, in
//! versions 2, 3 and 4, as AWS documents it. What it tells is a function of the tasks that it is
//! given and of the time; the caller binds the socket and gives the clock.

pub mod document;
pub mod fault;
pub mod model;
pub mod statistics;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use fault::{Fault, FaultKind};
use model::Task;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A version of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Fixed address, network mode `awsvpc` only.
    V2,
    /// Named by `ECS_CONTAINER_METADATA_URI`.
    V3,
    /// Named by `ECS_CONTAINER_METADATA_URI_V4`.
    V4,
}

/// A handle on the endpoint of some tasks; clones share them.
#[derive(Clone)]
pub struct SimulatedTasks(Arc<Shared>);

struct Shared {
    clock: Clock,
    tasks: Mutex<Vec<Task>>,
    faults: Mutex<Vec<Fault>>,
    calls: Mutex<BTreeMap<String, u64>>,
}

impl SimulatedTasks {
    /// The endpoint of these tasks.
    pub fn new(tasks: Vec<Task>, clock: Clock) -> Self {
        SimulatedTasks(Arc::new(Shared {
            clock,
            tasks: Mutex::new(tasks),
            faults: Mutex::default(),
            calls: Mutex::default(),
        }))
    }

    /// The router to serve on a socket of the caller's. A task's own part of the endpoint lies below
    /// `/v4/ID` and `/v3/ID`; version 2 tells `/v2` of the task that asks, here the first one.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// Adds a fault.
    pub fn inject(&self, fault: Fault) {
        lock(&self.0.faults).push(fault);
    }

    /// Forgets the faults that are left.
    pub fn clear_faults(&self) {
        lock(&self.0.faults).clear();
    }

    /// Changes a task.
    pub fn change(&self, id: &str, change: impl FnOnce(&mut Task)) {
        if let Some(task) = lock(&self.0.tasks).iter_mut().find(|task| task.id == id) {
            change(task);
        }
    }

    /// How often each document was asked for: `ID/task`, `ID/stats`.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        lock(&self.0.calls).clone()
    }

    fn document(&self, version: Version, id: Option<&str>, path: &str) -> Option<(String, Value)> {
        let tasks = lock(&self.0.tasks);
        let task = match id {
            Some(id) => tasks.iter().find(|task| task.id == id)?,
            None => tasks.first()?,
        };
        let now = (self.0.clock)();
        let (name, value) = match (version, path) {
            (Version::V2, "metadata") | (Version::V3 | Version::V4, "task") => {
                ("task", document::task(task, version, now))
            }
            (Version::V2, "stats") | (Version::V3 | Version::V4, "task/stats") => {
                ("stats", statistics::of_task(task, version, now))
            }
            _ => return None,
        };
        Some((format!("{}/{name}", task.id), value))
    }

    fn strike(&self, document: &str) -> Option<FaultKind> {
        fault::take(&mut lock(&self.0.faults), document)
    }
}

async fn answer(State(tasks): State<SimulatedTasks>, request: Request) -> Response {
    let path = request.uri().path().trim_matches('/').to_owned();
    let mut parts = path.splitn(3, '/');
    let (version, first, rest) = (parts.next(), parts.next(), parts.next());
    let found = match (version, first, rest) {
        (Some("v2"), Some(path), None) => tasks.document(Version::V2, None, path),
        (Some("v3"), Some(id), Some(path)) => tasks.document(Version::V3, Some(id), path),
        (Some("v4"), Some(id), Some(path)) => tasks.document(Version::V4, Some(id), path),
        _ => None,
    };
    let Some((name, mut value)) = found else {
        return (StatusCode::NOT_FOUND, "404 page not found").into_response();
    };
    *lock(&tasks.0.calls).entry(name.clone()).or_default() += 1;
    match tasks.strike(&name) {
        None => {}
        Some(FaultKind::Throttle) => {
            return (StatusCode::TOO_MANY_REQUESTS, "too many requests").into_response();
        }
        Some(FaultKind::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, "failed").into_response();
        }
        Some(FaultKind::Hang) => return std::future::pending().await,
        Some(FaultKind::Null) => blank(&mut value, &Value::Null),
        Some(FaultKind::Empty) => blank(&mut value, &json!({})),
        Some(FaultKind::Cut) => {
            let text = value.to_string();
            let half = text.get(..text.len() / 2).unwrap_or_default().to_owned();
            return half.into_response();
        }
    }
    (
        [(header::CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

/// Puts the same in the place of each value.
fn blank(document: &mut Value, with: &Value) {
    if let Value::Object(map) = document {
        for value in map.values_mut() {
            *value = with.clone();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
