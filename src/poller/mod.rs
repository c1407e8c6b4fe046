//! One poll: discover, plan, fetch, map, post, for every Region of every target side by side.
//! [`Poller::tick`] is told the time and asks no clock.

mod cluster;
mod enrollment;
mod posting;
mod reading;
mod region;
mod retirement;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::aws::{self, Access, Role};
use crate::config::{Config, Target};
use crate::mackerel::client::Client as Mackerel;
use crate::mackerel::error::Kind;
use crate::mackerel::payload::ServiceMetricValue;
use crate::model::calls::{Calls, METRICS_REQUESTED};
use crate::model::id::ClusterArn;
use crate::model::trouble::Trouble;
use crate::post::retry::retrying;
use crate::report::{Report, gather};
use region::{Region, RegionReport};

/// The poller with what it remembers between polls.
#[derive(Debug)]
pub struct Poller {
    shared: Arc<Shared>,
    targets: Vec<TargetState>,
}

/// What all Regions share.
#[derive(Debug)]
struct Shared {
    config: Config,
    access: Access,
    /// None in a dry run.
    mackerel: Option<Mackerel>,
    calls: Calls,
    /// Whose custom identifier is whose, so that no two clusters write to one host.
    claims: Mutex<HashMap<String, ClusterArn>>,
    /// When this process last posted the graph definitions.
    graphs_posted: tokio::sync::Mutex<Option<DateTime<Utc>>>,
}

impl Shared {
    /// Until when the stage that begins now may take, so that a stage that hangs leaves the others
    /// their time.
    fn deadline(&self) -> Instant {
        Instant::now() + self.config.poll.interval.mul_f64(0.5)
    }
}

#[derive(Debug)]
struct TargetState {
    target: Target,
    regions: Vec<Region>,
    /// When this process first tried it.
    tried_since: Option<DateTime<Utc>>,
    /// Why its clients could not be made.
    trouble: Option<Trouble>,
}

impl Poller {
    /// A poller that has seen nothing yet. Without a Mackerel client it makes dry runs.
    pub fn new(config: Config, access: Access, mackerel: Option<Mackerel>) -> Self {
        let targets = config
            .targets
            .iter()
            .map(|target| TargetState {
                target: target.clone(),
                regions: Vec::new(),
                tried_since: None,
                trouble: None,
            })
            .collect();
        Poller {
            targets,
            shared: Arc::new(Shared {
                calls: access.calls.clone(),
                config,
                access,
                mackerel,
                claims: Mutex::default(),
                graphs_posted: tokio::sync::Mutex::default(),
            }),
        }
    }

    /// Polls everything once. `now` is the minute that counts are true of.
    pub async fn tick(&mut self, now: DateTime<Utc>) -> Report {
        let shared = &self.shared;
        join_all(self.targets.iter_mut().map(|target| target.connect(shared))).await;
        let connected: usize = self.targets.iter().map(|target| target.regions.len()).sum();
        let polls = self.targets.iter_mut().map(|state| async move {
            let since = *state.tried_since.get_or_insert(now);
            let regions = state.regions.iter_mut();
            let reports = join_all(regions.map(|region| region.poll(shared, now, connected))).await;
            let behind = match state.trouble {
                Some(_) => (now - since).num_seconds(),
                None => 0,
            };
            let troubles: Vec<Trouble> = state.trouble.iter().cloned().collect();
            (state.target.name.clone(), behind, troubles, reports)
        });
        let mut report = Report {
            started_at: now,
            dry_run: self.shared.mackerel.is_none(),
            ..Report::default()
        };
        for (target, behind, mut troubles, regions) in join_all(polls).await {
            report.behind_seconds = report.behind_seconds.max(behind);
            for RegionReport {
                clusters,
                behind,
                troubles: more,
            } in regions
            {
                report.behind_seconds = report.behind_seconds.max(behind);
                report
                    .clusters
                    .extend(clusters.into_iter().map(|mut cluster| {
                        cluster.target.clone_from(&target);
                        cluster
                    }));
                troubles.extend(more);
            }
            report.troubles.extend(gather(&target, troubles));
        }
        if let Some(trouble) = self.heartbeat(&report, now, shared.deadline()).await {
            report.troubles.extend(gather("default", vec![trouble]));
        }
        report.calls = self.shared.calls.take();
        let requested = report.calls.remove(METRICS_REQUESTED);
        report.cloudwatch_metrics_requested = requested.unwrap_or(0);
        report
    }
}

impl Poller {
    /// Posts that the poller is alive and how far it is behind, where the config names a service
    /// for it.
    async fn heartbeat(
        &self,
        report: &Report,
        now: DateTime<Utc>,
        deadline: Instant,
    ) -> Option<Trouble> {
        let service = self.shared.config.heartbeat.as_ref()?;
        let mackerel = self.shared.mackerel.as_ref()?;
        let value = |name: &str, value: f64| ServiceMetricValue {
            name: format!("mackerel_ecs.{name}"),
            time: now.timestamp(),
            value,
        };
        let values = [
            value("alive", 1.0),
            value("behind_seconds", report.behind_seconds as f64),
        ];
        let call = async || mackerel.post_service_values(service, &values).await;
        let error = retrying(deadline, call).await.err()?;
        let message = match error.kind {
            Kind::NotFound => format!(
                "there is no service `{service}` on Mackerel for the heartbeat; make it, or leave \
                 heartbeat.service out"
            ),
            _ => error.message,
        };
        Some(Trouble::of_target(message).as_warning())
    }

    /// Notes on Mackerel how far posting came, for the next process to go on from there.
    pub async fn save(&mut self, now: DateTime<Utc>) {
        let shared = &self.shared;
        let regions = self
            .targets
            .iter_mut()
            .flat_map(|target| &mut target.regions);
        join_all(regions.map(|region| region.save(shared, now))).await;
    }
}

impl TargetState {
    /// Makes the clients of the target, unless they are there already.
    async fn connect(&mut self, shared: &Shared) {
        if !self.regions.is_empty() {
            return;
        }
        let role = self.target.role.as_ref().map(|role| Role {
            arn: &role.arn,
            external_id: role.external_id.as_deref(),
            session_name: &role.session_name,
        });
        self.trouble = match aws::connect(&shared.access, role, &self.target.regions).await {
            Ok(clients) => {
                self.regions = clients.into_iter().map(Region::new).collect();
                None
            }
            Err(error) => Some(Trouble::of_target(error.message).with_detail(error.detail)),
        };
    }
}
