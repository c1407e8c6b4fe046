//! One Region of one account: one poll of its clusters, stage by stage.

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::cluster::{Work, restorable_until};
use super::clusters::Clusters;
use super::enrollment::{enroll_all, keep_graphs};
use super::outcome::cluster_report;
use super::posting::{note, post};
use super::reading::{Times, plan_windows, read, restore};
use super::spread::{self, Spread};
use super::{Place, Shared, retirement};
use crate::aws::Client;
use crate::config::selection::Selection;
use crate::config::{Poll, Target};
use crate::discover::walk::Walk;
use crate::discover::{Discovery, Scope, discover};
use crate::model::id::ClusterArn;
use crate::model::reader::Reader;
use crate::model::region::Regions;
use crate::model::time::Window;
use crate::model::trouble::Trouble;
use crate::plan::batch::{Reading, load};
use crate::plan::cost::{Load, bill, interval, reader};
use crate::plan::window::{minutes, settled_until};
use crate::report::ClusterReport;

/// One Region with what is remembered of it.
#[derive(Debug)]
pub(super) struct Region {
    client: Client,
    /// Which client of Mackerel the hosts were last made sure of with.
    edition: u64,
    clusters: Clusters,
    /// What is known of its services, and where the next poll goes on to describe them.
    walk: Walk,
    /// With which call CloudWatch is read, and every how many minutes.
    reading: (Reader, i64),
    /// How much a reading asks for.
    load: Load,
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
    /// Counts that were given up before Mackerel took them.
    pub(super) dropped: usize,
    pub(super) troubles: Vec<Trouble>,
}

impl Region {
    pub(super) fn new(client: Client) -> Self {
        Region {
            client,
            edition: 0,
            clusters: Clusters::default(),
            walk: Walk::default(),
            reading: (Reader::Data, 0),
            load: Load::default(),
            well_at: None,
            retired_at: None,
        }
    }

    /// Goes on with another client of the same Region of the same account.
    pub(super) fn renew(&mut self, client: Client) {
        self.client = client;
    }

    /// Polls the Region. `next` is when there will be another poll, if there will: it may describe those
    /// services that there is no time for in this one, and is not to be passed over for Mackerel.
    pub(super) async fn poll(
        &mut self,
        shared: &Shared,
        target: &Target,
        now: DateTime<Utc>,
        place: Place,
        regions: usize,
        next: Option<Instant>,
    ) -> RegionReport {
        let config = &shared.config;
        let goes_on = next.is_some();
        let mut report = RegionReport::default();
        let well_at = *self.well_at.get_or_insert(now);
        if self.edition != shared.edition {
            self.edition = shared.edition;
            self.clusters.doubt();
        }
        let scope = Scope {
            clusters: &target.clusters,
            shard: config.shard,
            services: &target.services,
        };
        let spread = self.spread(&config.poll);
        let reads =
            self.clusters.is_empty() || self.clusters.is_due(now, &config.poll, self.reading.1);
        let until = goes_on.then(|| Instant::now() + spread.walk_time(&self.client, reads));
        let walk = &mut self.walk;
        let progress = &shared.progress;
        let discovered = discover(&self.client, scope, walk, now, until, progress).await;
        let discovery = match discovered {
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
        let polls = discovery
            .partly
            .then(|| spread.polls(&self.client, &discovery));
        let told = polls.map(|polls| spread::trouble(self.client.region(), polls));
        report.troubles.extend(told);
        let until = restorable_until(now, &config.poll, polls.unwrap_or(1));
        let revisions = polls.and_then(|_| spread.revisions(&self.client));
        let troubles = &mut report.troubles;
        troubles.extend(discovery.troubles);
        let (living, left_out) = (discovery.living, discovery.left_out);
        let (poll, observed) = (&config.poll, discovery.clusters);
        let mut works = self.clusters.begin(observed, &target.metrics, now, poll);
        let mackerel = shared.mackerel.as_ref();
        if let Some(mackerel) = mackerel {
            let deadline = shared.deadline_of_hosts(next);
            let by = (place, target.roles.as_slice());
            enroll_all(mackerel, &mut works, shared, by, now, deadline, troubles).await;
        }
        self.choose(&works, shared, &target.metrics, now, place);
        let (reader, every) = self.reading;
        let how = (reader, &target.metrics);
        let room = self.spread(poll).room(&self.client, goes_on, regions);
        plan_windows(&mut works, shared, how.1, now, every, regions, room);
        let client = &self.client;
        let times = Times {
            now,
            restorable_until: until,
            deadline: shared.deadline(),
        };
        read(client, how, &mut works, shared, times, troubles).await;
        restore(client, &mut works, times, revisions, troubles).await;
        if let Some(mackerel) = mackerel {
            let deadline = shared.deadline_of_points(next);
            post(mackerel, &mut works, shared, now, until, deadline, troubles).await;
            let answers = works.iter().all(|work| work.posted_whole);
            let deadline = shared.deadline_of_rest(next, answers);
            let kept = keep_graphs(mackerel, &mut works, shared, now, deadline).await;
            let states = works.iter_mut().map(|work| &mut work.state);
            let noted = note(mackerel, states, now, poll, false, deadline).await;
            for error in [kept, noted].into_iter().filter_map(Result::err) {
                troubles.push(Trouble::of_target(error.to_string()).as_warning());
            }
            let is_due = |then| now - then >= retirement::EVERY;
            if let Some(after) = config.host.retire_after
                && answers
                && self.retired_at.is_none_or(is_due)
            {
                let deadline = shared.deadline_of_rest(next, true);
                let own =
                    |cluster: &ClusterArn| config.shard.is_none_or(|shard| shard.holds(cluster));
                let looked =
                    retirement::retire(client, mackerel, &living, own, after, now, deadline);
                troubles.extend(looked.await);
                self.retired_at = Some(now);
            }
        }
        report.clusters = works
            .iter()
            .map(|work| cluster_report(work, shared, troubles))
            .collect();
        let is_polled = |arn: &ClusterArn| living.contains(arn) && !left_out.contains(arn);
        for observed in works.iter_mut().map(|work| &mut work.observed) {
            let services = std::mem::take(&mut observed.services);
            self.walk.keep(&observed.cluster.arn, services);
        }
        self.clusters.end(works, now, poll, is_polled);
        shared.release_claims(place, is_polled);
        let dropped = self.clusters.bound_pending(shared.held.share(regions));
        shared.held.note(place, self.clusters.pending(), dropped);
        report.dropped += dropped;
        if dropped > 0 {
            let message = "Mackerel takes nothing for so long that the oldest counts are dropped; \
                           running counts are restored from CloudWatch";
            report.troubles.push(Trouble::of_target(message));
        }
        self.well_at = Some(now);
        report.behind = self.behind(now, &config.poll);
        report
    }

    fn behind(&self, now: DateTime<Utc>, poll: &Poll) -> i64 {
        self.clusters.behind(now, poll, self.reading.1)
    }

    fn spread(&self, poll: &Poll) -> Spread {
        Spread {
            interval: poll.interval,
            longest_reading: poll.reading_time(),
            overlap: minutes(poll.overlap),
            reading: self.reading,
            load: self.load,
        }
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
        self.load = load;
        let allowed = self.client.statistics_within(config.poll.reading_time());
        let reader = reader(load, config.cloudwatch.reader, allowed);
        let loads = shared.add_load(place, reader, load);
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

    /// Notes how far posting came, at the end of the process.
    pub(super) async fn save(&mut self, shared: &Shared, now: DateTime<Utc>, deadline: Instant) {
        if let Some(mackerel) = &shared.mackerel {
            let states = self.clusters.here_mut();
            let poll = &shared.config.poll;
            if let Err(error) = note(mackerel, states, now, poll, true, deadline).await {
                tracing::warn!("progress could not be noted: {error}");
            }
        }
    }

    /// A Region without clusters is worth a word: most often it is the wrong one.
    fn nothing_found(&self, discovery: &Discovery) -> Option<Trouble> {
        if !discovery.clusters.is_empty() || !discovery.troubles.is_empty() {
            return None;
        }
        let why = match discovery.left_out.len() {
            0 => "there is no ECS cluster; check the Region and the account".to_owned(),
            left_out => format!("the config's filters leave out all {left_out} clusters"),
        };
        let message = format!("{}: {why}", self.client.region());
        Some(Trouble::of_target(message).as_warning())
    }
}
