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
mod target;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{LocalBoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::aws::{self, Access, Client};
use crate::config::Config;
use crate::mackerel::client::Client as Mackerel;
use crate::model::calls::Calls;
use crate::model::id::ClusterArn;
use crate::model::progress::Progress;
use crate::model::reader::Reader;
use crate::plan::cost::{self, Load, Loads, bill};
use crate::report::{Report, gather};
use deadline::MOMENT;
pub use held::Held;
use region::{Region, RegionReport};
use target::{TargetState, connect};

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

/// Which target, and its clients.
type Connected = (usize, Result<Vec<Client>, aws::Error>);

type Connecting = FuturesUnordered<LocalBoxFuture<'static, Connected>>;

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

    /// Forgets what other Regions' readings than these ask for.
    fn keep_loads(&self, places: &[Place]) {
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        loads.retain(|place, _| places.contains(place));
    }

    /// How much of CloudWatch a reading of all Regions asks for, the other shards taken for as large.
    fn loads(&self) -> Loads {
        let loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        let shards = self.config.shard.map_or(1, |shard| shard.count as usize);
        Loads::of(loads.values().copied()).times(shards)
    }
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
        let regions_until = match self.shared.config.heartbeat {
            Some(_) => until.and_then(|until| until.checked_sub(MOMENT)),
            None => until,
        };
        self.begin(0..self.targets.len(), now, regions_until);
        let mut connecting = self.connecting(now);
        let mut reports: HashMap<Place, RegionReport> = HashMap::new();
        while let Some(step) = next(&mut connecting, &mut self.polls, regions_until).await {
            match step {
                Step::Connected((at, clients)) => {
                    self.targets[at].connected(clients, now, &mut self.places);
                    self.leave_behind(at);
                    let waited = TimeDelta::seconds(started.elapsed().as_secs() as i64);
                    self.begin(at..at + 1, now + waited, regions_until);
                }
                Step::Polled(polled) => {
                    let (place, region, report) = *polled;
                    if self.rest(place, region, report.behind) {
                        reports.insert(place, report);
                    }
                }
            }
        }
        let mut report = Report {
            started_at: now,
            dry_run: self.shared.mackerel.is_none(),
            ..Report::default()
        };
        for target in &self.targets {
            target.tell(now, &mut reports, &mut report);
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
        let deadline = self.shared.deadline();
        self.take_leave(now, until.map_or(deadline, |until| until.min(deadline)))
            .await;
        report
    }

    /// Makes the clients of the targets that have none yet, side by side.
    fn connecting(&mut self, now: DateTime<Utc>) -> Connecting {
        let targets = self.targets.iter_mut().enumerate();
        targets
            .filter(|(_, target)| target.regions.is_empty())
            .map(|(at, target)| {
                target.tried_since.get_or_insert(now);
                let (shared, target) = (Arc::clone(&self.shared), Arc::clone(&target.target));
                Box::pin(async move { (at, connect(&shared.access, &target).await) }) as _
            })
            .collect()
    }

    /// Takes a Region back whose poll is over. Gives whether it is still wanted.
    fn rest(&mut self, place: Place, mut region: Region, behind: i64) -> bool {
        let mut states = self.targets.iter_mut().flat_map(TargetState::states_mut);
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

    /// Begins the polls of those Regions of some targets that are not being polled.
    fn begin(&mut self, targets: Range<usize>, now: DateTime<Utc>, until: Option<Instant>) {
        let regions: usize = self.targets.iter().map(TargetState::size).sum();
        for target in &mut self.targets[targets] {
            for state in &mut target.regions {
                let Some(mut region) = state.idle.take() else {
                    continue;
                };
                state.began = now;
                let shared = Arc::clone(&self.shared);
                let target = Arc::clone(&target.target);
                let place = state.place;
                self.polls.push(Box::pin(async move {
                    let polled = region.poll(&shared, &target, now, place, regions, until);
                    let report = polled.await;
                    (place, region, report)
                }));
            }
        }
    }

    /// Notes on Mackerel how far posting came, for the next process to go on from there.
    pub async fn save(&mut self, now: DateTime<Utc>) {
        loop {
            let shared = &self.shared;
            let deadline = shared.deadline();
            let regions = self
                .targets
                .iter_mut()
                .flat_map(TargetState::states_mut)
                .filter_map(|state| state.idle.as_mut());
            join_all(regions.map(|region| region.save(shared, now, deadline))).await;
            self.take_leave(now, deadline).await;
            // One that is still being polled is noted when it is done, if there is the time.
            let Some((place, region, report)) = self.polls.next().await else {
                return;
            };
            self.rest(place, region, report.behind);
        }
    }
}

/// What goes on in a poll.
enum Step {
    Connected(Connected),
    Polled(Box<Polled>),
}

/// The next step that is over; none when all are, or the time is up.
async fn next(
    connecting: &mut Connecting,
    polls: &mut FuturesUnordered<LocalBoxFuture<'static, Polled>>,
    until: Option<Instant>,
) -> Option<Step> {
    let step = async {
        tokio::select! {
            biased;
            Some(connected) = connecting.next() => Some(Step::Connected(connected)),
            Some(polled) = polls.next() => Some(Step::Polled(Box::new(polled))),
            else => None,
        }
    };
    match until {
        Some(until) => tokio::time::timeout_at(until, step).await.ok()?,
        None => step.await,
    }
}
