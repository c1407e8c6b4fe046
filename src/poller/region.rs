//! One Region of one account: one poll of its clusters, stage by stage.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::cluster::{ClusterState, Work};
use super::enrollment::{enroll_all, keep_graphs};
use super::posting::{note, post};
use super::reading::{plan_windows, read, restore};
use super::{Deadlines, Shared};
use crate::aws::Client;
use crate::discover::{Discovery, discover};
use crate::map::count::counts;
use crate::model::id::ClusterArn;
use crate::model::time::{Minute, Window};
use crate::model::trouble::{Severity, Trouble};
use crate::plan::window::minutes;
use crate::report::{ClusterReport, Value};

/// The most counts of a Region that are kept while Mackerel does not take them. At some 100 bytes
/// each it bounds what an outage of Mackerel costs in memory; the oldest go first.
const MOST_PENDING: usize = 200_000;

/// One Region with what is remembered of it.
#[derive(Debug)]
pub(super) struct Region {
    client: Client,
    clusters: HashMap<ClusterArn, ClusterState>,
}

/// What one poll did.
#[derive(Debug, Default)]
pub(super) struct RegionReport {
    pub(super) clusters: Vec<ClusterReport>,
    pub(super) troubles: Vec<Trouble>,
}

impl Region {
    pub(super) fn new(client: Client) -> Self {
        Region {
            client,
            clusters: HashMap::new(),
        }
    }

    pub(super) async fn poll(
        &mut self,
        shared: &Shared,
        now: DateTime<Utc>,
        deadlines: Deadlines,
    ) -> RegionReport {
        let config = &shared.config;
        let mut report = RegionReport::default();
        let discovery = match discover(&self.client, &config.clusters, &config.services).await {
            Ok(discovery) => discovery,
            Err(error) => {
                let message = format!("{}: {error}", self.client.region());
                let trouble = Trouble::of_target(message).with_detail(error.detail);
                report.troubles.push(trouble);
                return report;
            }
        };
        report.troubles.extend(self.nothing_found(&discovery));
        let whole = discovery.troubles.is_empty();
        let mut works = self.begin(discovery, shared, now, &mut report.troubles);
        let troubles = &mut report.troubles;
        let mackerel = shared.mackerel.as_ref();
        if let Some(mackerel) = mackerel {
            enroll_all(mackerel, &mut works, shared, now, deadlines.post, troubles).await;
            let kept = keep_graphs(mackerel, &mut works, shared, now, deadlines.post).await;
            if let Err(error) = kept {
                troubles.push(Trouble::of_target(error.to_string()).as_warning());
            }
        }
        plan_windows(&mut works, shared, now);
        let deadline = deadlines.read;
        read(&self.client, &mut works, shared, now, deadline, troubles).await;
        restore(&self.client, &mut works, &config.poll, now, troubles).await;
        if let Some(mackerel) = mackerel {
            let poll = &config.poll;
            post(mackerel, &mut works, now, poll, deadlines.post, troubles).await;
            let states = works.iter_mut().map(|work| &mut work.state);
            let noted = note(mackerel, states, now, poll, false, deadlines.post).await;
            if let Err(error) = noted {
                troubles.push(Trouble::of_target(error.to_string()).as_warning());
            }
        }
        report.clusters = works
            .iter()
            .map(|work| cluster_report(work, shared, troubles))
            .collect();
        self.end(works, shared, now, whole, &mut report.troubles);
        report
    }

    /// Notes how far posting came, at the end of the process.
    pub(super) async fn save(&mut self, shared: &Shared, now: DateTime<Utc>, deadlines: Deadlines) {
        if let Some(mackerel) = &shared.mackerel {
            let states = self.clusters.values_mut();
            let poll = &shared.config.poll;
            if let Err(error) = note(mackerel, states, now, poll, true, deadlines.post).await {
                tracing::warn!("progress could not be noted: {error}");
            }
        }
    }

    /// A Region without clusters is worth a word: most often it is the wrong one.
    fn nothing_found(&self, discovery: &Discovery) -> Option<Trouble> {
        if !discovery.clusters.is_empty() || !discovery.troubles.is_empty() {
            return None;
        }
        let why = match discovery.filtered_out {
            0 => "there is no ECS cluster; check the Region and the account".to_owned(),
            left_out => format!("the config's filters leave out all {left_out} clusters"),
        };
        let message = format!("{}: {why}", self.client.region());
        Some(Trouble::of_target(message).as_warning())
    }

    /// Brings together what is there now and what is remembered.
    fn begin(
        &mut self,
        discovery: Discovery,
        shared: &Shared,
        now: DateTime<Utc>,
        troubles: &mut Vec<Trouble>,
    ) -> Vec<Work> {
        troubles.extend(discovery.troubles);
        let minute = Minute::of(now);
        discovery
            .clusters
            .into_iter()
            .map(|observed| {
                let arn = &observed.cluster.arn;
                let mut state = self.clusters.remove(arn).unwrap_or_default();
                let (cluster, services) = (&observed.cluster, &observed.services);
                state.history.observe(cluster, services, minute);
                let counts = counts(&observed, &shared.config.metrics, minute);
                state.count(counts, minute, &shared.config.poll);
                Work::new(observed, state)
            })
            .collect()
    }

    /// Remembers for the next poll. What is no longer listed is forgotten, unless the listing had
    /// holes.
    fn end(
        &mut self,
        works: Vec<Work>,
        shared: &Shared,
        now: DateTime<Utc>,
        whole: bool,
        troubles: &mut Vec<Trouble>,
    ) {
        if whole {
            self.clusters.clear();
        }
        let overlap = minutes(shared.config.poll.overlap);
        for mut work in works {
            let state = &mut work.state;
            let read_until = state.read_until.unwrap_or(Minute::of(now));
            state.memory.forget_before(read_until.plus(-overlap));
            self.clusters
                .insert(work.observed.cluster.arn.clone(), work.state);
        }
        if self.bound_pending() {
            let message = "Mackerel takes nothing for so long that the oldest counts are dropped; \
                           running counts are restored from CloudWatch";
            troubles.push(Trouble::of_target(message));
        }
    }

    /// Drops the oldest pending counts beyond the bound; their minutes count as missed. Gives
    /// whether any were dropped.
    fn bound_pending(&mut self) -> bool {
        let total: usize = self
            .clusters
            .values()
            .map(|state| state.pending.len())
            .sum();
        if total <= MOST_PENDING {
            return false;
        }
        let mut minutes: Vec<Minute> = self
            .clusters
            .values()
            .flat_map(|state| state.pending.iter().map(|count| count.minute))
            .collect();
        let (_, newest_dropped, _) = minutes.select_nth_unstable(total - MOST_PENDING - 1);
        let keep_from = newest_dropped.plus(1);
        for state in self.clusters.values_mut() {
            if let Some(oldest) = state.pending.front().map(|count| count.minute) {
                state.pending.retain(|count| count.minute >= keep_from);
                state.gaps.add(Window {
                    from: oldest,
                    to: keep_from,
                });
            }
        }
        true
    }
}

fn cluster_report(work: &Work, shared: &Shared, troubles: &[Trouble]) -> ClusterReport {
    let cluster = &work.observed.cluster;
    let services = &work.observed.services;
    let own: Vec<&Trouble> = troubles
        .iter()
        .filter(|trouble| trouble.cluster.as_ref() == Some(&cluster.arn))
        .collect();
    let enrolled = work.state.enrolled.as_ref();
    let values: Vec<Value> = match shared.mackerel {
        Some(_) => Vec::new(),
        None => work
            .state
            .pending
            .iter()
            .chain(&work.samples)
            .map(|sample| Value {
                name: sample.series.name(),
                time: sample.minute.start(),
                value: sample.value,
            })
            .collect(),
    };
    ClusterReport {
        target: String::new(),
        region: cluster.arn.region().to_owned(),
        cluster: cluster.name.clone(),
        arn: cluster.arn.to_string(),
        host_id: enrolled.map(|enrolled| enrolled.id.to_string()),
        size: enrolled
            .map(|enrolled| enrolled.size.clone())
            .filter(|size| !size.is_empty()),
        services: services.len(),
        running: services.iter().map(|service| service.running).sum(),
        desired: services.iter().map(|service| service.desired).sum(),
        points: work.accepted + values.len(),
        failed: own
            .iter()
            .any(|trouble| trouble.severity == Severity::Failure),
        troubles: own.iter().map(|trouble| trouble.message.clone()).collect(),
        values,
    }
}
