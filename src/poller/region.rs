//! One Region of one account: what is remembered of its clusters, and one poll of them.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::{Deadlines, Shared};
use crate::aws::{Client, MAX_QUERIES};
use crate::discover::discover;
use crate::fetch::{Fetched, fetch};
use crate::mackerel::client::Client as Mackerel;
use crate::mackerel::error::{Error, Kind};
use crate::map::count::counts;
use crate::map::graph::graph_defs;
use crate::map::host::wanted;
use crate::model::host::Wanted;
use crate::model::id::ClusterArn;
use crate::model::inventory::Observed;
use crate::model::sample::Sample;
use crate::model::time::{Minute, Window};
use crate::model::trouble::{Severity, Trouble};
use crate::plan::batch::{Reading, batches};
use crate::plan::history::History;
use crate::plan::window::window;
use crate::post::graph;
use crate::post::host::{Enrolled, Graphs, enroll, write_notes};
use crate::post::memory::Memory;
use crate::post::send::{Point, send};
use crate::report::{ClusterReport, Value};

/// How many hosts are made sure of at once.
const HOSTS_AT_ONCE: usize = 8;

/// One Region with what is remembered of it.
#[derive(Debug)]
pub(super) struct Region {
    client: Client,
    clusters: HashMap<ClusterArn, ClusterState>,
}

/// What is remembered of a cluster between polls.
#[derive(Debug, Default)]
struct ClusterState {
    enrolled: Option<Enrolled>,
    history: History,
    memory: Memory,
    /// The end of the last window that was read and posted whole.
    read_until: Option<Minute>,
}

/// What one poll did.
#[derive(Debug, Default)]
pub(super) struct RegionReport {
    pub(super) clusters: Vec<ClusterReport>,
    pub(super) troubles: Vec<Trouble>,
}

/// A cluster in one poll.
struct Work {
    observed: Observed,
    state: ClusterState,
    window: Window,
    samples: Vec<Sample>,
    /// Whether everything that CloudWatch has in the window was read.
    read_whole: bool,
    accepted: usize,
}

impl Work {
    /// Forgets what was posted, for the host is gone that it was posted to: the next poll makes
    /// sure of a new one and reads back as for a cluster that is seen for the first time.
    fn start_anew(&mut self) {
        self.state.memory = Memory::default();
        self.state.read_until = None;
        self.read_whole = false;
    }
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
        let deadline = deadlines.post;
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
        if discovery.clusters.is_empty() && discovery.troubles.is_empty() {
            let left_out = discovery.filtered_out;
            let why = match left_out {
                0 => "there is no ECS cluster; check the Region and the account".to_owned(),
                _ => format!("the config's filters leave out all {left_out} clusters"),
            };
            let message = format!("{}: {why}", self.client.region());
            report
                .troubles
                .push(Trouble::of_target(message).as_warning());
        }
        let incomplete = !discovery.troubles.is_empty();
        report.troubles.extend(discovery.troubles);

        let mut works = self.begin(discovery.clusters, shared, now);
        let (fetched, enrolled) = tokio::join!(
            self.read(&works, shared, deadlines.read),
            enroll_all(&works, shared, now, deadline)
        );
        take_fetched(&mut works, fetched, &mut report.troubles);
        take_enrolled(&mut works, enrolled, &mut report.troubles);
        if let Some(mackerel) = &shared.mackerel {
            if let Err(error) = keep_graphs(mackerel, &mut works, shared, now, deadline).await {
                let trouble = Trouble::of_target(error.to_string()).as_warning();
                report.troubles.push(trouble);
            }
            post(mackerel, &mut works, deadline, &mut report.troubles).await;
        }
        report.clusters = works
            .iter()
            .map(|work| cluster_report(work, shared, &report.troubles))
            .collect();
        self.end(works, shared, incomplete);
        report
    }

    /// Brings together what is there now and what is remembered.
    fn begin(&mut self, clusters: Vec<Observed>, shared: &Shared, now: DateTime<Utc>) -> Vec<Work> {
        let minute = Minute::of(now);
        clusters
            .into_iter()
            .map(|observed| {
                let arn = &observed.cluster.arn;
                let mut state = self.clusters.remove(arn).unwrap_or_default();
                state
                    .history
                    .observe(&observed.cluster, &observed.services, minute);
                Work {
                    window: window(now, state.read_until, &shared.config.poll),
                    samples: counts(&observed, &shared.config.metrics, minute),
                    read_whole: true,
                    accepted: 0,
                    observed,
                    state,
                }
            })
            .collect()
    }

    /// Reads from CloudWatch what the works need.
    async fn read(&self, works: &[Work], shared: &Shared, deadline: Instant) -> Fetched {
        let readings: Vec<Reading<'_>> = works
            .iter()
            .map(|work| Reading {
                cluster: &work.observed.cluster,
                services: &work.observed.services,
                window: work.window,
                history: &work.state.history,
            })
            .collect();
        let batches = batches(&readings, &shared.config.metrics, MAX_QUERIES);
        let clusters: Vec<_> = works.iter().map(|work| &work.observed.cluster).collect();
        fetch(&self.client, &batches, &clusters, deadline).await
    }

    /// Remembers for the next poll. What is no longer listed is forgotten, unless the listing had
    /// holes.
    fn end(&mut self, works: Vec<Work>, shared: &Shared, incomplete: bool) {
        if !incomplete {
            self.clusters.clear();
        }
        let overlap = shared.config.poll.overlap.as_secs() as i64 / 60;
        for mut work in works {
            let oldest = work.state.read_until.unwrap_or(work.window.from);
            work.state.memory.forget_before(oldest.plus(-overlap));
            self.clusters
                .insert(work.observed.cluster.arn.clone(), work.state);
        }
    }
}

type Enrolling = (usize, Result<(Enrolled, Option<String>), Error>);

/// Makes sure of all hosts. In a dry run there are none.
async fn enroll_all(
    works: &[Work],
    shared: &Shared,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Vec<Enrolling> {
    let Some(mackerel) = &shared.mackerel else {
        return Vec::new();
    };
    stream::iter(works.iter().enumerate())
        .map(|(place, work)| async move {
            let (wanted, complaint) = wanted(&work.observed.cluster, &shared.config.host);
            if let Err(error) = claim(shared, &wanted, &work.observed.cluster.arn) {
                return (place, Err(error));
            }
            let known = work.state.enrolled.as_ref();
            let enrolled = enroll(mackerel, wanted, known, now, deadline).await;
            (place, enrolled.map(|enrolled| (enrolled, complaint)))
        })
        .buffered(HOSTS_AT_ONCE)
        .collect()
        .await
}

/// Two clusters with one custom identifier would mix their numbers in one host.
fn claim(shared: &Shared, wanted: &Wanted, arn: &ClusterArn) -> Result<(), Error> {
    let mut claims = shared.claims.lock().unwrap_or_else(PoisonError::into_inner);
    let holder = claims
        .entry(wanted.custom_identifier.clone())
        .or_insert_with(|| arn.clone());
    if holder == arn {
        return Ok(());
    }
    Err(Error {
        kind: Kind::Rejected,
        message: format!(
            "{arn} and {holder} have the same custom identifier `{}`; put {{arn}} into \
             host.custom_identifier",
            wanted.custom_identifier
        ),
    })
}

fn take_fetched(works: &mut [Work], fetched: Fetched, troubles: &mut Vec<Trouble>) {
    for (place, samples) in fetched.samples {
        if let Some(work) = works.get_mut(place) {
            work.samples.extend(samples);
        }
    }
    for (message, unread) in fetched.troubles {
        for place in unread.places {
            if let Some(work) = works.get_mut(place) {
                work.read_whole = false;
                let arn = &work.observed.cluster.arn;
                let trouble = Trouble::of_cluster(arn, message.clone());
                troubles.push(trouble.with_detail(unread.detail.clone()));
            }
        }
    }
    for note in fetched.notes {
        let message = format!("CloudWatch says: {note}");
        troubles.push(Trouble::of_target(message).as_warning());
    }
}

fn take_enrolled(works: &mut [Work], enrolled: Vec<Enrolling>, troubles: &mut Vec<Trouble>) {
    for (place, result) in enrolled {
        let Some(work) = works.get_mut(place) else {
            continue;
        };
        let arn = work.observed.cluster.arn.clone();
        match result {
            Ok((enrolled, complaint)) => {
                let known = work.state.enrolled.as_ref();
                if known.is_some_and(|known| known.id != enrolled.id) {
                    work.start_anew();
                }
                work.state.enrolled = Some(enrolled);
                if let Some(complaint) = complaint {
                    troubles.push(Trouble::of_cluster(&arn, complaint).as_warning());
                }
            }
            // An id from an earlier poll is still good while Mackerel does not answer.
            Err(error) => {
                if !matches!(error.kind, Kind::Passing { .. }) {
                    work.state.enrolled = None;
                }
                troubles.push(Trouble::of_cluster(&arn, error.message));
            }
        }
    }
}

/// Posts the graph definitions when they are due, and notes it on the Region's first host.
async fn keep_graphs(
    mackerel: &Mackerel,
    works: &mut [Work],
    shared: &Shared,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<(), Error> {
    let Some(keeper) = works
        .iter_mut()
        .find_map(|work| work.state.enrolled.as_mut())
    else {
        return Ok(());
    };
    let graphs = graph_defs();
    let edition = graph::edition(&graphs);
    let noted = keeper
        .notes
        .graphs
        .as_ref()
        .filter(|graphs| graphs.edition == edition)
        .and_then(|graphs| DateTime::from_timestamp(graphs.posted_at, 0));
    let mut posted = shared.graphs_posted.lock().await;
    if graph::is_due(*posted, now) {
        if !graph::is_due(noted, now) {
            *posted = noted;
            return Ok(());
        }
        graph::post(mackerel, &graphs, deadline).await?;
        *posted = Some(now);
    }
    if graph::is_due(noted, now) {
        keeper.notes.graphs = posted.map(|posted| Graphs {
            edition,
            posted_at: posted.timestamp(),
        });
        write_notes(mackerel, keeper, deadline).await?;
    }
    Ok(())
}

/// Posts what is new, oldest first, and remembers what was accepted.
async fn post(
    mackerel: &Mackerel,
    works: &mut [Work],
    deadline: Instant,
    troubles: &mut Vec<Trouble>,
) {
    let mut points: Vec<Point> = Vec::new();
    for (place, work) in works.iter_mut().enumerate() {
        let samples = std::mem::take(&mut work.samples);
        let Some(enrolled) = &work.state.enrolled else {
            continue;
        };
        let news = samples
            .into_iter()
            .filter(|sample| work.state.memory.is_news(sample));
        points.extend(news.map(|sample| Point {
            host: enrolled.id.clone(),
            place,
            sample,
        }));
    }
    points.sort_by_key(|point| point.sample.minute);
    let sent = send(mackerel, points, deadline).await;
    for point in &sent.accepted {
        let work = &mut works[point.place];
        work.state.memory.remember(&point.sample);
        work.accepted += 1;
    }
    let mut unfinished: HashSet<usize> = HashSet::new();
    for (point, error) in sent.refused {
        let work = &mut works[point.place];
        if error.kind == Kind::NotFound {
            work.state.enrolled = None;
            work.start_anew();
        } else {
            work.state.memory.remember(&point.sample);
        }
        let message = format!(
            "{}; dropped {} of {}",
            error.message,
            point.sample.series.name(),
            point.host
        );
        troubles.push(Trouble::of_cluster(&work.observed.cluster.arn, message));
    }
    if let Some((error, rest)) = sent.unsent {
        unfinished.extend(rest.iter().map(|point| point.place));
        for place in &unfinished {
            let arn = &works[*place].observed.cluster.arn;
            troubles.push(Trouble::of_cluster(arn, error.message.clone()));
        }
    }
    for (place, work) in works.iter_mut().enumerate() {
        if work.state.enrolled.is_some() && work.read_whole && !unfinished.contains(&place) {
            work.state.read_until = work.state.read_until.max(Some(work.window.to));
        }
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
            .samples
            .iter()
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
