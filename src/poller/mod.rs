//! One poll: discover, plan, fetch, map, post, for every Region of every target side by side.
//! [`Poller::tick`] is told the time and asks no clock.

mod cluster;
mod enrollment;
mod posting;
mod reading;
mod region;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::aws::{self, Access, Role};
use crate::config::{Config, Target};
use crate::mackerel::client::Client as Mackerel;
use crate::model::calls::{Calls, METRICS_REQUESTED};
use crate::model::id::ClusterArn;
use crate::model::trouble::Trouble;
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

/// Until when a poll waits for what.
#[derive(Debug, Clone, Copy)]
struct Deadlines {
    /// For CloudWatch: then the counts are posted without it.
    read: Instant,
    /// For Mackerel: then nothing is tried again, for the next poll is near.
    post: Instant,
}

impl Deadlines {
    fn from_now(interval: Duration) -> Self {
        let now = Instant::now();
        Deadlines {
            read: now + interval.mul_f64(0.5),
            post: now + interval.mul_f64(0.75),
        }
    }
}

#[derive(Debug)]
struct TargetState {
    target: Target,
    regions: Vec<Region>,
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
        let deadlines = Deadlines::from_now(self.shared.config.poll.interval);
        let shared = &self.shared;
        let polls = self.targets.iter_mut().map(|state| async move {
            let troubles = state.connect(shared).await;
            let regions = state.regions.iter_mut();
            let reports = join_all(regions.map(|region| region.poll(shared, now, deadlines))).await;
            (state.target.name.clone(), troubles, reports)
        });
        let mut report = Report {
            started_at: now,
            dry_run: self.shared.mackerel.is_none(),
            ..Report::default()
        };
        for (target, mut troubles, regions) in join_all(polls).await {
            for RegionReport {
                clusters,
                troubles: more,
            } in regions
            {
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
        report.calls = self.shared.calls.take();
        let requested = report.calls.remove(METRICS_REQUESTED);
        report.cloudwatch_metrics_requested = requested.unwrap_or(0);
        report
    }
}

impl Poller {
    /// Notes on Mackerel how far posting came, for the next process to go on from there.
    pub async fn save(&mut self, now: DateTime<Utc>) {
        let deadlines = Deadlines::from_now(self.shared.config.poll.interval);
        let shared = &self.shared;
        let regions = self
            .targets
            .iter_mut()
            .flat_map(|target| &mut target.regions);
        join_all(regions.map(|region| region.save(shared, now, deadlines))).await;
    }
}

impl TargetState {
    /// Makes the clients of the target, unless they are there already.
    async fn connect(&mut self, shared: &Shared) -> Vec<Trouble> {
        if !self.regions.is_empty() {
            return Vec::new();
        }
        let role = self.target.role.as_ref().map(|role| Role {
            arn: &role.arn,
            external_id: role.external_id.as_deref(),
            session_name: &role.session_name,
        });
        match aws::connect(&shared.access, role, &self.target.regions).await {
            Ok(clients) => {
                self.regions = clients.into_iter().map(Region::new).collect();
                Vec::new()
            }
            Err(error) => vec![Trouble::of_target(error.message).with_detail(error.detail)],
        }
    }
}
