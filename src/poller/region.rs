//! One Region of one account: one poll of its clusters, stage by stage.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::cluster::{ClusterState, Work};
use super::enrollment::{enroll_all, keep_graphs};
use super::posting::{note, post};
use super::reading::{plan_windows, read, restore};
use super::{Place, Shared, retirement};
use crate::aws::Client;
use crate::config::selection::Selection;
use crate::config::{Poll, Target};
use crate::discover::{Discovery, discover};
use crate::map::count::counts;
use crate::model::id::ClusterArn;
use crate::model::reader::Reader;
use crate::model::region::Regions;
use crate::model::time::{Minute, Window};
use crate::model::trouble::{Severity, Trouble};
use crate::plan::batch::{Reading, load};
use crate::plan::cost::{bill, interval, reader};
use crate::plan::window::{minutes, oldest, settled_until};
use crate::report::{ClusterReport, Value};

/// The most counts of a Region that are kept while Mackerel does not take them. At some 100 bytes
/// each it bounds what an outage of Mackerel costs in memory; the oldest go first.
const MOST_PENDING: usize = 200_000;

/// How many accepted values of a cluster are remembered, however far back progress is stuck: half a
/// million take 8 MB. The newest hours are, whatever they take.
const MOST_REMEMBERED: usize = 500_000;
const LEAST_REMEMBERED_MINUTES: i64 = 3 * 60;

/// One Region with what is remembered of it.
#[derive(Debug)]
pub(super) struct Region {
    client: Client,
    clusters: HashMap<ClusterArn, ClusterState>,
    /// Clusters that were there within the last day and may come back under their names.
    gone: HashMap<ClusterArn, ClusterState>,
    /// With which call CloudWatch is read, and every how many minutes.
    reading: (Reader, i64),
    /// When it was last listed, or first tried.
    well_at: Option<DateTime<Utc>>,
    /// When the hosts on Mackerel were last looked through for clusters that are gone.
    retired_at: Option<DateTime<Utc>>,
}

/// What one poll did.
#[derive(Debug, Default)]
pub(super) struct RegionReport {
    pub(super) clusters: Vec<ClusterReport>,
    /// How many seconds the cluster that is furthest behind is behind.
    pub(super) behind: i64,
    pub(super) troubles: Vec<Trouble>,
}

impl Region {
    pub(super) fn new(client: Client) -> Self {
        Region {
            client,
            clusters: HashMap::new(),
            gone: HashMap::new(),
            reading: (Reader::Data, 0),
            well_at: None,
            retired_at: None,
        }
    }

    pub(super) async fn poll(
        &mut self,
        shared: &Shared,
        target: &Target,
        now: DateTime<Utc>,
        place: Place,
        regions: usize,
    ) -> RegionReport {
        let config = &shared.config;
        let mut report = RegionReport::default();
        let well_at = *self.well_at.get_or_insert(now);
        let (clusters, services) = (&target.clusters, &target.services);
        let progress = &shared.progress;
        let mut discovery =
            match discover(&self.client, clusters, config.shard, services, progress).await {
                Ok(discovery) => discovery,
                Err(error) => {
                    let message = format!("{}: {error}", self.client.region());
                    let trouble = Trouble::of_target(message).with_detail(error.detail);
                    report.troubles.push(trouble);
                    let unlisted = (now - well_at).num_seconds();
                    report.behind = self.behind(now, &config.poll).max(unlisted);
                    return report;
                }
            };
        // Where all Regions are polled, most have no cluster.
        if config.shard.is_none() && target.regions != Regions::All {
            report.troubles.extend(self.nothing_found(&discovery));
        }
        let living = std::mem::take(&mut discovery.living);
        let mut works = self.begin(discovery, shared, target, now, &mut report.troubles);
        let troubles = &mut report.troubles;
        let mackerel = shared.mackerel.as_ref();
        let poll = &config.poll;
        if let Some(mackerel) = mackerel {
            let deadline = shared.deadline();
            let by = (place, target.roles.as_slice());
            enroll_all(mackerel, &mut works, shared, by, now, deadline, troubles).await;
        }
        self.choose(&works, shared, &target.metrics, now, place);
        let (reader, every) = self.reading;
        let how = (reader, &target.metrics);
        plan_windows(&mut works, shared, now, every, regions);
        let deadline = shared.deadline();
        read(
            &self.client,
            how,
            &mut works,
            shared,
            now,
            deadline,
            troubles,
        )
        .await;
        restore(&self.client, &mut works, poll, now, deadline, troubles).await;
        if let Some(mackerel) = mackerel {
            let deadline = shared.deadline();
            post(mackerel, &mut works, shared, now, deadline, troubles).await;
            let kept = keep_graphs(mackerel, &mut works, shared, now, deadline).await;
            let states = works.iter_mut().map(|work| &mut work.state);
            let noted = note(mackerel, states, now, poll, false, deadline).await;
            for error in [kept, noted].into_iter().filter_map(Result::err) {
                troubles.push(Trouble::of_target(error.to_string()).as_warning());
            }
        }
        if let (Some(mackerel), Some(after)) = (mackerel, config.host.retire_after)
            && self
                .retired_at
                .is_none_or(|then| now - then >= retirement::EVERY)
        {
            let deadline = shared.deadline();
            let own = |cluster: &ClusterArn| config.shard.is_none_or(|shard| shard.holds(cluster));
            let looked =
                retirement::retire(&self.client, mackerel, &living, own, after, now, deadline);
            troubles.extend(looked.await);
            self.retired_at = Some(now);
        }
        report.clusters = works
            .iter()
            .map(|work| cluster_report(work, shared, troubles))
            .collect();
        self.end(works, shared, now, &living, &mut report.troubles);
        self.well_at = Some(now);
        report.behind = self.behind(now, &config.poll);
        report
    }

    /// Chooses how CloudWatch is read, by what it costs.
    fn choose(
        &mut self,
        works: &[Work],
        shared: &Shared,
        metrics: &Selection,
        now: DateTime<Utc>,
        place: Place,
    ) {
        let config = &shared.config;
        let settled = settled_until(now, config.poll.settle);
        let window = Window {
            from: settled.plus(-1),
            to: settled,
        };
        let readings: Vec<Reading<'_>> = works.iter().map(|work| work.reading(window)).collect();
        let load = load(&readings, metrics);
        let allowed = self.client.statistics_within(config.poll.reading_time());
        let reader = reader(load, config.cloudwatch.reader, allowed);
        // The other shards are taken for as large.
        let shards = config.shard.map_or(1, |shard| shard.count as usize);
        let loads = shared.add_load(place, reader, load).times(shards);
        let every = interval(loads, &config.cloudwatch);
        if self.reading != (reader, every) {
            let bill = bill(loads, every);
            tracing::info!(
                metrics = load.metrics,
                every_min = every,
                "{}: reads CloudWatch with {}; all Regions together for {:.2} to {:.2} US dollars a month",
                self.client.region(),
                reader.call(),
                bill.usd.0,
                bill.usd.1
            );
            self.reading = (reader, every);
        }
    }

    /// How many seconds of settled minutes are not yet posted, at the cluster that is furthest
    /// behind.
    fn behind(&self, now: DateTime<Utc>, poll: &Poll) -> i64 {
        // What is not due yet is not behind.
        let settled = settled_until(now, poll.settle).floor(self.reading.1);
        let states = self.clusters.values();
        let minutes = states.map(|state| match state.read_until {
            Some(until) => settled.since(until),
            None => minutes(poll.lookback),
        });
        minutes.max().unwrap_or(0).max(0) * 60
    }

    /// Notes how far posting came, at the end of the process.
    pub(super) async fn save(&mut self, shared: &Shared, now: DateTime<Utc>) {
        if let Some(mackerel) = &shared.mackerel {
            let states = self.clusters.values_mut().chain(self.gone.values_mut());
            let poll = &shared.config.poll;
            if let Err(error) = note(mackerel, states, now, poll, true, shared.deadline()).await {
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
        target: &Target,
        now: DateTime<Utc>,
        troubles: &mut Vec<Trouble>,
    ) -> Vec<Work> {
        troubles.extend(discovery.troubles);
        discovery
            .clusters
            .into_iter()
            .map(|observed| {
                // A slow walk reads the cluster in one minute and services in a later one.
                let minute = Minute::of(now + observed.cluster.read_after);
                let last = observed.services.iter().map(|service| service.read_after);
                let last = last.max().map_or(minute, |after| Minute::of(now + after));
                let arn = &observed.cluster.arn;
                let known = self.clusters.remove(arn).or_else(|| self.gone.remove(arn));
                let mut state = known.unwrap_or_default();
                let (cluster, services) = (&observed.cluster, &observed.services);
                state.history.observe(cluster, services, minute);
                let counts = counts(&observed, &target.metrics, now);
                state.count(counts, minute, &shared.config.poll);
                // What has no count in a minute before it was read is restored.
                state.gaps.add(Window {
                    from: minute,
                    to: last,
                });
                if !observed.whole {
                    state.gaps.add(Window {
                        from: minute,
                        to: minute.plus(1),
                    });
                }
                Work::new(observed, state)
            })
            .collect()
    }

    /// Remembers for the next poll.
    fn end(
        &mut self,
        works: Vec<Work>,
        shared: &Shared,
        now: DateTime<Utc>,
        living: &HashSet<ClusterArn>,
        troubles: &mut Vec<Trouble>,
    ) {
        let overlap = minutes(shared.config.poll.overlap);
        for mut work in works {
            let state = &mut work.state;
            // The first minute that will be read again: where nothing was read whole yet, all of it.
            let again = state.read_until.map(|until| until.plus(-overlap));
            let again = again.or(work.window.map(|window| window.from));
            let fits = (MOST_REMEMBERED / state.memory.series().max(1)) as i64;
            let oldest = Minute::of(now).plus(-fits.max(LEAST_REMEMBERED_MINUTES));
            let since = |minute: Option<Minute>| minute.map_or(oldest, |from| from.max(oldest));
            let again = since(again);
            // Counts that were missed are restored again until all of them are.
            let restored = state.gaps.first().map_or(again, |first| since(Some(first)));
            state.memory.forget_before(again, restored);
            self.clusters
                .insert(work.observed.cluster.arn.clone(), work.state);
        }
        for (arn, mut state) in self.clusters.extract_if(|arn, _| !living.contains(arn)) {
            // Should it come back, its host may have been retired meanwhile.
            if let Some(enrolled) = &mut state.enrolled {
                enrolled.doubt();
            }
            self.gone.insert(arn, state);
        }
        self.gone
            .retain(|_, state| state.counted.is_some_and(|last| last >= oldest(now)));
        shared.release_claims(self.client.region(), living);
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
            if let Some(oldest) = state.first_pending() {
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
