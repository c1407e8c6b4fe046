//! One request from its bytes to its response: who asks, whether something is to go wrong, whether
//! it is too much, whether it is allowed, and only then the operation.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::http::Response;
use chrono::{DateTime, Utc};

use crate::demo::aws::answer::{self, Answer};
use crate::demo::aws::asked::Asked;
use crate::demo::aws::cloudwatch::{data, metrics, statistics};
use crate::demo::aws::ec2;
use crate::demo::aws::ecs::{clusters, revisions, services};
use crate::demo::aws::error::AwsError;
use crate::demo::aws::fault::{self, Fault, FaultKind};
use crate::demo::aws::fleet::{Fleet, noise};
use crate::demo::aws::limit::{Group, Limiter};
use crate::demo::aws::options::{Denial, Identity, Key, Options, RateLimits};
use crate::demo::aws::place::Place;
use crate::demo::aws::record::{CallRecord, Calls};
use crate::demo::aws::request::{Operation, Protocol, Request};
use crate::demo::aws::sts::{self, Session};
use crate::demo::aws::value::Value;

const MOST_BODY_BYTES: usize = 8 << 20;

/// The fleet, the options, and all that changes.
pub struct Server {
    /// What exists.
    pub fleet: Fleet,
    options: Options,
    state: Mutex<State>,
}

/// What changes while the server runs. Its lock is held for moments only, never across an await.
#[derive(Default)]
pub struct State {
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What is forbidden.
    pub denied: Vec<Denial>,
    /// What was asked.
    pub calls: Calls,
    limiter: Limiter,
    sessions: HashMap<String, Session>,
    requests: u64,
}

/// What became of a request, before it is written.
struct Outcome {
    result: Result<Answer, AwsError>,
    fault: Option<FaultKind>,
}

impl Server {
    /// A server that nothing has happened to yet.
    pub fn new(fleet: Fleet, options: Options) -> Server {
        let state = State {
            denied: options.denied.clone(),
            ..State::default()
        };
        Server {
            fleet,
            options,
            state: Mutex::new(state),
        }
    }

    /// What changes, for as long as the guard is held.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request. Never ends when a fault says so.
    pub async fn answer(&self, request: axum::http::Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, MOST_BODY_BYTES).await;
        let now = (self.options.clock)();
        let number = {
            let mut state = self.state();
            state.requests += 1;
            state.requests
        };
        let id = noise::uuid(noise::mix(number, 77));
        let Ok(body) = body else {
            let error = AwsError::malformed("the body is too large or broken off".into());
            return answer::failure(Protocol::EcsJson, &error, &id);
        };
        let request = Request::read(&parts, &body);
        let outcome = self.decide(&request, number, now);
        let response = match (&outcome.fault, outcome.result) {
            (Some(FaultKind::Html), _) => answer::web_page(),
            (Some(FaultKind::EmptyBody), _) => answer::nothing(request.protocol, &id),
            (_, Ok(answer)) => answer::success(request.protocol, answer, &id),
            (_, Err(error)) => answer::failure(request.protocol, &error, &id),
        };
        match outcome.fault {
            Some(FaultKind::Hang) => std::future::pending().await,
            Some(FaultKind::Cut) => answer::cut(response).await,
            _ => response,
        }
    }

    /// Decides about a request, and records it.
    fn decide(&self, request: &Request, number: u64, now: DateTime<Utc>) -> Outcome {
        let mut record = CallRecord {
            action: request.action.clone(),
            account: String::new(),
            region: String::new(),
            status: 200,
            error: None,
            items: Vec::new(),
            received_at: now,
        };
        let outcome = match self.perform(request, number, now, &mut record) {
            Ok(outcome) => outcome,
            Err(error) => Outcome {
                result: Err(error),
                fault: None,
            },
        };
        if let Err(error) = &outcome.result {
            record.status = error.status;
            record.error = Some(match request.protocol {
                Protocol::EcsJson => error.kind.into(),
                _ => error.query_code.into(),
            });
        }
        if let Some(fault) = outcome.fault {
            record.error = Some(format!("{fault:?}"));
            match fault {
                FaultKind::Hang => record.status = 0,
                FaultKind::Html => record.status = 502,
                FaultKind::EmptyBody => record.status = 200,
                _ => {}
            }
        }
        self.state().calls.add(record);
        outcome
    }

    fn perform(
        &self,
        request: &Request,
        number: u64,
        now: DateTime<Utc>,
        record: &mut CallRecord,
    ) -> Result<Outcome, AwsError> {
        let credential = request.credential.clone()?;
        record.region = credential.region.into();
        let refusal = request.protocol.refusal_status();
        let caller = self.caller(credential.access_key, refusal, now)?;
        record.account = caller.account.clone();
        let operation = request.operation()?;
        let input = request.input()?;
        let asked = Asked::read(operation, &input);
        record.items.clone_from(&asked.items);
        let account = self.fleet.find(&caller.account);
        let place = Place {
            account: &caller.account,
            region: credential.region,
            content: account.and_then(|account| account.regions().get(credential.region)),
            now,
            lateness: self.options.lateness,
            described_after_deletion: self.options.described_after_deletion,
            most_events: self.options.most_events,
        };
        let fault = fault::take(&mut self.state().faults, &request.action, &asked.clusters);
        let kind = fault.as_ref().map(|fault| fault.kind);
        let throttled = match request.protocol {
            Protocol::EcsJson => AwsError::ecs_throttled,
            _ => AwsError::throttled,
        };
        match kind {
            Some(FaultKind::Throttle) => {
                return Ok(Outcome {
                    result: Err(throttled()),
                    fault: None,
                });
            }
            Some(FaultKind::Status(status)) => return Err(AwsError::failed(status)),
            Some(FaultKind::ExpiredToken) => return Err(AwsError::expired_key(refusal)),
            _ => {}
        }
        if !self.is_within_limits(operation, &place, &input) {
            return Err(throttled());
        }
        if self.is_denied(&request.action, &asked) {
            let resource = asked.resource(operation, place.account, place.region);
            let resource = resource.as_deref();
            let (caller, action) = (&caller.arn, &request.action);
            return Err(AwsError::denied(refusal, caller, action, resource));
        }
        let result = match operation {
            Operation::ListClusters => clusters::list(&place, &input),
            Operation::DescribeClusters => clusters::describe(&place, &input),
            Operation::ListServices => services::list(&place, &input),
            Operation::DescribeServices => services::describe(&place, &input),
            Operation::DescribeServiceRevisions => revisions::describe(&place, &input),
            Operation::GetMetricData => data::get(&place, &input, fault.as_ref()),
            Operation::GetMetricStatistics => statistics::get(&place, &input),
            Operation::ListMetrics => metrics::list(&place, &input),
            Operation::GetCallerIdentity => Ok(sts::caller_identity(&caller)),
            Operation::DescribeRegions => ec2::describe_regions(account, &input),
            Operation::AssumeRole => self.assume_role(&caller, &input, number, now),
        };
        Ok(Outcome {
            result,
            fault: kind,
        })
    }

    /// Whose access key it is. Errors: nobody's, or no longer.
    fn caller(
        &self,
        access_key: &str,
        refusal: u16,
        now: DateTime<Utc>,
    ) -> Result<Identity, AwsError> {
        match self.options.keys.get(access_key) {
            Some(Key::Valid(identity)) => return Ok(identity.clone()),
            Some(Key::Expired) => return Err(AwsError::expired_key(refusal)),
            Some(Key::Invalid) => return Err(AwsError::unknown_key(refusal)),
            None => {}
        }
        match self.state().sessions.get(access_key) {
            Some(session) if now >= session.expires_at => Err(AwsError::expired_key(refusal)),
            Some(session) => Ok(session.identity.clone()),
            None => {
                let account = &self.fleet.first_account().id;
                Ok(Identity::assumed_role(account, "mackerel-ecs", "simulated"))
            }
        }
    }

    fn assume_role(
        &self,
        caller: &Identity,
        input: &Value,
        number: u64,
        now: DateTime<Utc>,
    ) -> Result<Answer, AwsError> {
        let (session, answer) = sts::assume_role(&self.fleet, caller, input, number, now)?;
        let mut state = self.state();
        state.sessions.insert(session.access_key.clone(), session);
        Ok(answer)
    }

    fn is_denied(&self, action: &str, asked: &Asked) -> bool {
        self.state().denied.iter().any(|denial| {
            let cluster = denial.cluster.as_deref();
            denial.action == action && cluster.is_none_or(|own| asked.clusters.contains(&own))
        })
    }

    fn is_within_limits(&self, operation: Operation, place: &Place, input: &Value) -> bool {
        if self.options.limits == RateLimits::Off {
            return true;
        }
        let group = match operation {
            Operation::ListClusters | Operation::DescribeClusters => Group::ClusterRead,
            Operation::ListServices
            | Operation::DescribeServices
            | Operation::DescribeServiceRevisions => Group::ServiceRead,
            Operation::GetMetricData => Group::MetricData,
            Operation::GetMetricStatistics => Group::MetricStatistics,
            Operation::ListMetrics => Group::MetricList,
            Operation::GetCallerIdentity | Operation::AssumeRole | Operation::DescribeRegions => {
                return true;
            }
        };
        let owner = (place.account, place.region);
        let limiter = &mut self.state().limiter;
        if !limiter.take(owner, group, 1.0, place.now) {
            return false;
        }
        if operation != Operation::GetMetricData {
            return true;
        }
        let (points, is_recent) = data::estimated_datapoints(input, place);
        let group = if is_recent {
            Group::RecentDatapoints
        } else {
            Group::OldDatapoints
        };
        limiter.take(owner, group, points, place.now)
    }
}
