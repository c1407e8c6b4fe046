//! One poll: discover, plan, fetch, map, post, for every Region of every target side by side. A
//! Region that hangs is left to go on while the others are polled again.
//! [`Poller::tick`] is told the time and asks no clock.

mod cluster;
mod enrollment;
mod posting;
mod reading;
mod region;
mod retirement;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use futures_util::future::{LocalBoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::aws::{self, Access, Role};
use crate::config::{Config, Target};
use crate::mackerel::client::Client as Mackerel;
use crate::mackerel::error::Kind;
use crate::mackerel::payload::ServiceMetricValue;
use crate::model::calls::{Calls, METRICS_REQUESTED};
use crate::model::id::ClusterArn;
use crate::model::progress::Progress;
use crate::model::reader::Reader;
use crate::model::trouble::Trouble;
use crate::plan::cost::{Load, Loads};
use crate::post::retry::retrying;
use crate::report::{Report, gather};
use region::{Region, RegionReport};

/// The poller with what it remembers between polls.
#[derive(Debug)]
pub struct Poller {
    shared: Arc<Shared>,
    targets: Vec<TargetState>,
    /// The Regions that are being polled.
    polls: FuturesUnordered<LocalBoxFuture<'static, Polled>>,
}

/// Which Region: the places of its target and of itself.
type Place = (usize, usize);

/// A Region whose poll is over, and what it did.
type Polled = (Place, Region, RegionReport);

/// What all Regions share.
#[derive(Debug)]
struct Shared {
    config: Config,
    access: Access,
    /// None in a dry run.
    mackerel: Option<Mackerel>,
    calls: Calls,
    /// Whose custom identifier is whose, and which Region's it is, so that no two clusters write to one host.
    claims: Mutex<HashMap<String, (ClusterArn, Place)>>,
    /// When this process last posted the graph definitions.
    graphs_posted: tokio::sync::Mutex<Option<DateTime<Utc>>>,
    /// How much of CloudWatch a reading of each Region asks for, and with which call.
    loads: Mutex<HashMap<Place, (Reader, Load)>>,
    progress: Progress,
}

impl Shared {
    /// Notes what a Region's readings ask for. Gives the loads of all that are known.
    fn add_load(&self, place: Place, reader: Reader, load: Load) -> Loads {
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        loads.insert(place, (reader, load));
        Loads::of(loads.values().copied())
    }

    /// Until when the stage that begins now may take, so that a stage that hangs leaves the others
    /// their time.
    fn deadline(&self) -> Instant {
        Instant::now() + self.config.poll.interval.mul_f64(0.5)
    }
}

#[derive(Debug)]
struct TargetState {
    target: Arc<Target>,
    regions: Vec<RegionState>,
    /// When this process first tried it.
    tried_since: Option<DateTime<Utc>>,
    /// Why its clients could not be made.
    trouble: Option<Trouble>,
}

#[derive(Debug)]
struct RegionState {
    name: String,
    /// None while it is being polled.
    idle: Option<Region>,
    /// When its last poll began, and how far behind it was before.
    began: DateTime<Utc>,
    behind: i64,
}

impl Poller {
    /// A poller that has seen nothing yet. Without a Mackerel client it makes dry runs.
    pub fn new(config: Config, access: Access, mackerel: Option<Mackerel>) -> Self {
        let targets = config
            .targets
            .iter()
            .map(|target| TargetState {
                target: Arc::new(target.clone()),
                regions: Vec::new(),
                tried_since: None,
                trouble: None,
            })
            .collect();
        Poller {
            targets,
            polls: FuturesUnordered::new(),
            shared: Arc::new(Shared {
                calls: access.calls.clone(),
                config,
                access,
                mackerel,
                claims: Mutex::default(),
                graphs_posted: tokio::sync::Mutex::default(),
                loads: Mutex::default(),
                progress: Progress::default(),
            }),
        }
    }

    /// How far the poll in hand is.
    pub fn progress(&self) -> Progress {
        self.shared.progress.clone()
    }

    /// Polls everything once. `now` is the minute that counts are true of. A Region whose poll has
    /// not ended by `until` goes on with it, is told of in the report, and left out of polls until
    /// it is done; none waits for all.
    pub async fn tick(&mut self, now: DateTime<Utc>, until: Option<Instant>) -> Report {
        let shared = &self.shared;
        shared.progress.reset();
        let connections = self.targets.iter_mut();
        join_all(connections.map(|target| target.connect(shared, now))).await;
        self.begin(now);
        let mut reports: HashMap<Place, RegionReport> = HashMap::new();
        while let Some((place, region, report)) = next(&mut self.polls, until).await {
            let (target, at) = place;
            let state = &mut self.targets[target].regions[at];
            state.idle = Some(region);
            state.behind = report.behind;
            reports.insert(place, report);
        }
        let mut report = Report {
            started_at: now,
            dry_run: self.shared.mackerel.is_none(),
            ..Report::default()
        };
        for (at, target) in self.targets.iter().enumerate() {
            let mut own = |place| reports.remove(&(at, place));
            target.tell(now, &mut own, &mut report);
        }
        if let Some(trouble) = self.heartbeat(&report, now).await {
            report.troubles.extend(gather("default", vec![trouble]));
        }
        report.calls = self.shared.calls.take();
        let requested = report.calls.remove(METRICS_REQUESTED);
        report.cloudwatch_metrics_requested = requested.unwrap_or(0);
        report
    }

    /// Begins the polls of all Regions that are not being polled.
    fn begin(&mut self, now: DateTime<Utc>) {
        let connected: usize = self.targets.iter().map(|target| target.regions.len()).sum();
        for (number, state) in self.targets.iter_mut().enumerate() {
            let target = &state.target;
            for (at, state) in state.regions.iter_mut().enumerate() {
                let Some(mut region) = state.idle.take() else {
                    continue;
                };
                state.began = now;
                let shared = Arc::clone(&self.shared);
                let target = Arc::clone(target);
                self.polls.push(Box::pin(async move {
                    let place = (number, at);
                    let report = region.poll(&shared, &target, now, place, connected).await;
                    (place, region, report)
                }));
            }
        }
    }

    /// Posts that the poller is alive and how far it is behind, where the config names a service
    /// for it.
    async fn heartbeat(&self, report: &Report, now: DateTime<Utc>) -> Option<Trouble> {
        let deadline = self.shared.deadline();
        let service = self.shared.config.heartbeat.as_ref()?;
        let mackerel = self.shared.mackerel.as_ref()?;
        let value = |name: &str, value: f64| ServiceMetricValue {
            name: match self.shared.config.shard {
                // Each is missed for itself.
                Some(shard) => format!("mackerel_ecs.shard-{}.{name}", shard.index),
                None => format!("mackerel_ecs.{name}"),
            },
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
            .flat_map(|target| &mut target.regions)
            .filter_map(|state| state.idle.as_mut());
        join_all(regions.map(|region| region.save(shared, now))).await;
    }
}

/// The next poll that is over; none when all are, or the time is up.
async fn next(
    polls: &mut FuturesUnordered<LocalBoxFuture<'static, Polled>>,
    until: Option<Instant>,
) -> Option<Polled> {
    match until {
        Some(until) => tokio::time::timeout_at(until, polls.next()).await.ok()?,
        None => polls.next().await,
    }
}

impl TargetState {
    /// Makes the clients of the target, unless they are there already.
    async fn connect(&mut self, shared: &Shared, now: DateTime<Utc>) {
        self.tried_since.get_or_insert(now);
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
                let region = |client: aws::Client| RegionState {
                    name: client.region().to_owned(),
                    idle: Some(Region::new(client)),
                    began: now,
                    behind: 0,
                };
                self.regions = clients.into_iter().map(region).collect();
                None
            }
            Err(error) => Some(Trouble::of_target(error.message).with_detail(error.detail)),
        };
    }

    /// Adds what the polls of the target's Regions did to the report.
    fn tell(
        &self,
        now: DateTime<Utc>,
        polled: &mut dyn FnMut(usize) -> Option<RegionReport>,
        report: &mut Report,
    ) {
        let mut troubles: Vec<Trouble> = self.trouble.iter().cloned().collect();
        let seconds_since = |then: DateTime<Utc>| (now - then).num_seconds();
        if let (Some(_), Some(since)) = (&self.trouble, self.tried_since) {
            report.behind_seconds = report.behind_seconds.max(seconds_since(since));
        }
        for (place, region) in self.regions.iter().enumerate() {
            let own = polled(place).unwrap_or_else(|| region.unfinished(now));
            report.behind_seconds = report.behind_seconds.max(own.behind);
            for mut cluster in own.clusters {
                cluster.target.clone_from(&self.target.name);
                report.clusters.push(cluster);
            }
            troubles.extend(own.troubles);
        }
        report.troubles.extend(gather(&self.target.name, troubles));
    }
}

impl RegionState {
    /// What there is to say of a Region whose poll goes on.
    fn unfinished(&self, now: DateTime<Utc>) -> RegionReport {
        let message = format!(
            "{}: a poll takes longer than the interval; it goes on, and the minutes in between are \
             read after it",
            self.name
        );
        RegionReport {
            behind: self.behind + (now - self.began).num_seconds(),
            troubles: vec![Trouble::of_target(message)],
            ..RegionReport::default()
        }
    }
}
