//! What all pollers of a run share: the stand-ins, the time, and what was seen.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use mackerel_ecs::demo::aws::SimulatedAws;
use mackerel_ecs::demo::mackerel::LocalMackerel;
use tokio::time::Instant;
use tower::ServiceExt;

use super::ledger::Ledger;
use super::network::MACKEREL_URL;
use super::scenario::Scenario;
use crate::support::world::{NOON, at};

/// What all pollers of a run share.
pub(super) struct World {
    /// The run.
    pub(super) scenario: Scenario,
    /// The simulated AWS.
    pub(super) aws: SimulatedAws,
    /// The local Mackerel.
    pub(super) mackerel: LocalMackerel,
    pub(super) aws_router: Router,
    pub(super) mackerel_router: Router,
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
