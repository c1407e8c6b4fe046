//! One poll: discover, plan, fetch, map, post, for every Region of every target side by side. A
//! Region that hangs is left to go on while the others are polled again.
//! [`Poller::tick`] is told the time and asks no clock.

mod cluster;
mod clusters;
mod deadline;
mod enrollment;
mod heartbeat;
mod held;
mod outcome;
mod posting;
mod reading;
mod region;
mod reload;
mod retirement;
mod spread;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{LocalBoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::aws::{self, Access, Role};
use crate::config::{Config, Target};
use crate::mackerel::client::Client as Mackerel;
use crate::model::calls::Calls;
use crate::model::id::ClusterArn;
use crate::model::progress::Progress;
use crate::model::reader::Reader;
use crate::model::trouble::Trouble;
use crate::plan::cost::{self, Load, Loads, bill};
use crate::report::{Report, gather};
use deadline::MOMENT;
pub use held::Held;
use region::{Region, RegionReport};

/// The poller with what it remembers between polls.
#[derive(Debug)]
pub struct Poller {
    shared: Arc<Shared>,
    targets: Vec<TargetState>,
    /// The Regions that are being polled.
    polls: FuturesUnordered<LocalBoxFuture<'static, Polled>>,
    /// How many Regions there were so far.
    places: Place,
    /// Regions that the configuration has no more, whose progress is yet to be noted.
    leaving: Vec<(Region, Arc<Shared>)>,
}

/// Which Region, counted through the life of the poller.
type Place = usize;

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
    /// Counts the clients of Mackerel that there were.
    edition: u64,
    /// Whose custom identifier is whose, and which Region's it is, so that no two clusters write to one host.
    claims: Mutex<HashMap<String, (ClusterArn, Place)>>,
    /// When this process last posted the graph definitions.
    graphs_posted: tokio::sync::Mutex<Option<DateTime<Utc>>>,
    /// How much of CloudWatch a reading of each Region asks for, and with which call.
    loads: Mutex<HashMap<Place, (Reader, Load)>>,
    held: Held,
    progress: Progress,
}

impl Shared {
    /// Notes what a Region's readings ask for. Gives [`Self::loads`].
    fn add_load(&self, place: Place, reader: Reader, load: Load) -> Loads {
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        loads.insert(place, (reader, load));
        drop(loads);
        self.loads()
    }

    /// How much of CloudWatch a reading of all Regions asks for, the other shards taken for as large.
    fn loads(&self) -> Loads {
        let loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        let shards = self.config.shard.map_or(1, |shard| shard.count as usize);
        Loads::of(loads.values().copied()).times(shards)
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
    /// Regions as another configuration had them, to be taken over.
    inherited: Vec<RegionState>,
}

#[derive(Debug)]
struct RegionState {
    place: Place,
    name: String,
    /// None while it is being polled.
    idle: Option<Region>,
    /// When its last poll began, and how far behind it was before.
    began: DateTime<Utc>,
    behind: i64,
    /// The client to go on with when it is idle again.
    renewed: Option<aws::Client>,
}

impl Poller {
    /// A poller that has seen nothing yet. Without a Mackerel client it makes dry runs.
    pub fn new(config: Config, access: Access, mackerel: Option<Mackerel>) -> Self {
        let targets = config.targets.iter().map(TargetState::new).collect();
        Poller {
            targets,
            polls: FuturesUnordered::new(),
            places: 0,
            leaving: Vec::new(),
            shared: Arc::new(Shared {
                calls: access.calls.clone(),
                config,
                access,
                mackerel,
                edition: 0,
                claims: Mutex::default(),
                graphs_posted: tokio::sync::Mutex::default(),
                loads: Mutex::default(),
                held: Held::default(),
                progress: Progress::default(),
            }),
        }
    }

    /// The counts that wait for Mackerel to take them.
    pub fn held(&self) -> &Held {
        &self.shared.held
    }

    /// How far the poll in hand is.
    pub fn progress(&self) -> Progress {
        self.shared.progress.clone()
    }

    /// Polls everything once. `now` is the minute that counts are true of. A Region whose poll has
    /// not ended by `until` goes on with it, is told of in the report, and left out of polls until
    /// it is done. None is for the last poll: it waits for all, and leaves nothing for the next one.
    pub async fn tick(&mut self, now: DateTime<Utc>, until: Option<Instant>) -> Report {
        self.shared.progress.reset();
        let started = Instant::now();
        self.connect(now).await;
        let waited = TimeDelta::seconds(started.elapsed().as_secs() as i64);
        let regions_until = match self.shared.config.heartbeat {
            Some(_) => until.and_then(|until| until.checked_sub(MOMENT)),
            None => until,
        };
        self.begin(now + waited, regions_until);
        let mut reports: HashMap<Place, RegionReport> = HashMap::new();
        while let Some((place, region, report)) = next(&mut self.polls, regions_until).await {
            if self.rest(place, region, report.behind) {
                reports.insert(place, report);
            }
        }
        let mut report = Report {
            started_at: now,
            dry_run: self.shared.mackerel.is_none(),
            ..Report::default()
        };
        for target in &self.targets {
            target.tell(now, &mut |place| reports.remove(&place), &mut report);
        }
        if let Some(trouble) = self.heartbeat(&report, now, until).await {
            report.troubles.extend(gather("default", vec![trouble]));
        }
        let counted = self.shared.calls.take();
        report.calls = counted.made;
        report.throttled = counted.throttled;
        report.cloudwatch_metrics_requested = counted.requested.most;
        report.cloudwatch_metrics_requested_least = counted.requested.least;
        let loads = self.shared.loads();
        let every = cost::interval(loads, &self.shared.config.cloudwatch);
        report.cloudwatch_usd_a_month = bill(loads, every).usd;
        match until {
            Some(until) => _ = tokio::time::timeout_at(until, self.take_leave(now)).await,
            None => self.take_leave(now).await,
        }
        report
    }

    /// Makes the clients of all targets that have none yet.
    async fn connect(&mut self, now: DateTime<Utc>) {
        let access = &self.shared.access;
        let targets = self.targets.iter_mut();
        join_all(targets.map(|target| target.connect(access, now))).await;
        for target in &mut self.targets {
            for state in &mut target.regions {
                if state.place == NO_PLACE {
                    state.place = self.places;
                    self.places += 1;
                }
            }
        }
        self.leave_behind();
    }

    /// Takes a Region back whose poll is over. Gives whether it is still wanted.
    fn rest(&mut self, place: Place, mut region: Region, behind: i64) -> bool {
        let mut states = self.targets.iter_mut().flat_map(|target| {
            let own = target.regions.iter_mut();
            own.chain(&mut target.inherited)
        });
        let Some(state) = states.find(|state| state.place == place) else {
            self.leaving.push((region, Arc::clone(&self.shared)));
            return false;
        };
        if let Some(client) = state.renewed.take() {
            region.renew(client);
        }
        state.idle = Some(region);
        state.behind = behind;
        true
    }

    /// Begins the polls of all Regions that are not being polled.
    fn begin(&mut self, now: DateTime<Utc>, until: Option<Instant>) {
        let connected: usize = self.targets.iter().map(|target| target.regions.len()).sum();
        for target in &mut self.targets {
            for state in &mut target.regions {
                let Some(mut region) = state.idle.take() else {
                    continue;
                };
                state.began = now;
                let shared = Arc::clone(&self.shared);
                let target = Arc::clone(&target.target);
                let place = state.place;
                self.polls.push(Box::pin(async move {
                    let polled = region.poll(&shared, &target, now, place, connected, until);
                    let report = polled.await;
                    (place, region, report)
                }));
            }
        }
    }

    /// Notes on Mackerel how far posting came, for the next process to go on from there.
    pub async fn save(&mut self, now: DateTime<Utc>) {
        self.take_leave(now).await;
        loop {
            let shared = &self.shared;
            let regions = self
                .targets
                .iter_mut()
                .flat_map(|target| target.regions.iter_mut().chain(&mut target.inherited))
                .filter_map(|state| state.idle.as_mut());
            join_all(regions.map(|region| region.save(shared, now))).await;
            // One that is still being polled is noted when it is done, if there is the time.
            let Some((place, region, report)) = self.polls.next().await else {
                return;
            };
            self.rest(place, region, report.behind);
        }
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

/// The place of a Region that has got none yet.
const NO_PLACE: Place = Place::MAX;

impl TargetState {
    fn new(target: &Target) -> Self {
        TargetState {
            target: Arc::new(target.clone()),
            regions: Vec::new(),
            tried_since: None,
            trouble: None,
            inherited: Vec::new(),
        }
    }

    /// Makes the clients of the target, unless they are there already.
    async fn connect(&mut self, access: &Access, now: DateTime<Utc>) {
        self.tried_since.get_or_insert(now);
        if !self.regions.is_empty() {
            return;
        }
        let role = self.target.role.as_ref().map(|role| Role {
            arn: &role.arn,
            external_id: role.external_id.as_deref(),
            session_name: &role.session_name,
        });
        self.trouble = match aws::connect(access, role, &self.target.regions).await {
            Ok(clients) => {
                let clients = clients.into_iter();
                self.regions = clients.map(|client| self.inherit(client, now)).collect();
                None
            }
            Err(error) => Some(Trouble::of_target(error.message).with_detail(error.detail)),
        };
    }

    /// A Region with its client, as it was before if it was.
    fn inherit(&mut self, client: aws::Client, now: DateTime<Utc>) -> RegionState {
        let mut known = self.inherited.iter();
        let Some(at) = known.position(|state| state.name == client.region()) else {
            return RegionState {
                place: NO_PLACE,
                name: client.region().to_owned(),
                idle: Some(Region::new(client)),
                began: now,
                behind: 0,
                renewed: None,
            };
        };
        let mut state = self.inherited.remove(at);
        match &mut state.idle {
            Some(region) => region.renew(client),
            None => state.renewed = Some(client),
        }
        state
    }

    /// Adds what the polls of the target's Regions did to the report.
    fn tell(
        &self,
        now: DateTime<Utc>,
        polled: &mut dyn FnMut(Place) -> Option<RegionReport>,
        report: &mut Report,
    ) {
        let mut troubles: Vec<Trouble> = self.trouble.iter().cloned().collect();
        let seconds_since = |then: DateTime<Utc>| (now - then).num_seconds();
        let mut behind = match (&self.trouble, self.tried_since) {
            (Some(_), Some(since)) => seconds_since(since),
            _ => 0,
        };
        for region in &self.regions {
            let own = polled(region.place).unwrap_or_else(|| region.unfinished(now));
            behind = behind.max(own.behind);
            report.dropped += own.dropped as u64;
            for mut cluster in own.clusters {
                cluster.target.clone_from(&self.target.name);
                report.clusters.push(cluster);
            }
            troubles.extend(own.troubles);
        }
        report.behind_seconds = report.behind_seconds.max(behind);
        report
            .behind_seconds_by_target
            .insert(self.target.name.clone(), behind);
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
