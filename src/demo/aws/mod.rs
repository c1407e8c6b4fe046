//! A simulated AWS: one local HTTP server that stands in for ECS, CloudWatch, STS and a little of EC2, for several
//! accounts and regions at once.
//!
//! A [`Fleet`] says what exists, as a function of time; [`Options`] say how the
//! services behave. The service, region and account of a request come from its signature's
//! credential scope, so that one address serves them all; signatures are not verified. It is
//! written from AWS's documentation, not from any client.

pub mod answer;
pub mod asked;
pub mod cbor;
pub mod cloudwatch;
pub mod ec2;
pub mod ecs;
pub mod error;
pub mod fault;
pub mod fleet;
pub mod limit;
pub mod options;
pub mod place;
pub mod record;
pub mod request;
pub mod server;
pub mod sts;
pub mod token;
pub mod value;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;

use crate::demo::aws::fault::Fault;
use crate::demo::aws::fleet::Fleet;
use crate::demo::aws::options::{Denial, Options};
use crate::demo::aws::record::Calls;
use crate::demo::aws::server::Server;

/// A simulated AWS. Copies share one state.
#[derive(Clone)]
pub struct SimulatedAws {
    server: Arc<Server>,
}

impl SimulatedAws {
    /// Makes one of a fleet.
    pub fn new(fleet: Fleet, options: Options) -> SimulatedAws {
        SimulatedAws {
            server: Arc::new(Server::new(fleet, options)),
        }
    }

    /// The HTTP service, for the caller to bind to a loopback address or to call directly.
    pub fn router(&self) -> Router {
        let server = self.server.clone();
        Router::new().fallback(move |request: Request<Body>| {
            let server = server.clone();
            async move { server.answer(request).await }
        })
    }

    /// What exists, for tests to compute the truth from.
    pub fn fleet(&self) -> &Fleet {
        &self.server.fleet
    }

    /// Lets something go wrong from now on. Of several faults that befall a request, the one that
    /// was injected first does.
    pub fn inject(&self, fault: Fault) {
        self.server.state().faults.push(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.server.state().faults.clear();
    }

    /// Forbids an action from now on.
    pub fn deny(&self, denial: Denial) {
        self.server.state().denied.push(denial);
    }

    /// Allows everything again, also what the options forbade.
    pub fn allow_all(&self) {
        self.server.state().denied.clear();
    }

    /// What was asked since the start or the last reset.
    pub fn calls(&self) -> Calls {
        self.server.state().calls.clone()
    }

    /// Forgets what was asked.
    pub fn reset_calls(&self) {
        self.server.state().calls = Calls::default();
    }
}

#[cfg(test)]
mod tests;
