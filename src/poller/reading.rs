//! Reads from CloudWatch what a Region's clusters need, and restores the counts that were missed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::Shared;
use super::cluster::{Divisor, Work};
use crate::aws::{Client, Error, Kind, MAX_QUERIES};
use crate::config::selection::Selection;
use crate::fetch::{Fetched, fetch};
use crate::map::highest::highest;
use crate::map::restore::{restored, samples_per_task};
use crate::model::calls::DESCRIBE_REVISIONS;
use crate::model::catalog::{SAMPLED, running_count};
use crate::model::hash::stable_hash;
use crate::model::inventory::Service;
use crate::model::reader::Reader;
use crate::model::sample::{Sample, SeriesId};
use crate::model::time::Minute;
use crate::model::trouble::Trouble;
use crate::plan::batch::{Reading, batches};
use crate::plan::window::minutes;

/// About how many points one poll reads, of all Regions together: a longer outage is read back in several polls,
/// so that memory and time stay bounded and the newest minutes are not kept waiting.
const POINTS_AT_ONCE: usize = 500_000;

/// The least that a poll reads of a cluster, in minutes, however large the Region is.
const LEAST_MINUTES: i64 = 60;

/// For how many minutes after their time missed counts wait for it to be learnt how many samples a
/// task sends, where the service's revision does not tell: three minutes whose counts are known and
/// that do not change any more are enough.
const LEARNING: i64 = 30;

/// How many new points one poll reads, of all Regions together, where another poll comes after it: more
/// could not be posted in its time.
const MOST_NEWS: usize = 1_000_000;

/// About how many series a service has in CloudWatch, and how many more where its cluster has Container
/// Insights on.
const SERIES_PER_SERVICE: usize = 6;
const SERIES_OF_INSIGHTS: usize = 15;

/// How much one poll may read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// How many datapoints CloudWatch may be asked for.
    pub(super) points: usize,
    /// How many of them may be new, and have to be posted.
    pub(super) news: usize,
}

impl Room {
    /// As much as there is.
    pub(super) const ENDLESS: Room = Room {
        points: usize::MAX,
        news: usize::MAX,
    };

    /// What there is room for in a poll that others come after, of so many Regions; the rates allow
    /// so many datapoints (none for any number).
    pub(super) fn bounded(points: Option<usize>, regions: usize) -> Room {
        Room {
            points: points.unwrap_or(usize::MAX),
            news: MOST_NEWS / regions.max(1),
        }
    }

    fn take(&mut self, points: usize, news: usize) -> bool {
        let fits = points <= self.points && news <= self.news;
        if fits {
            self.points -= points;
            self.news -= news;
        }
        fits
    }
}

/// Plans the windows of the clusters that have a host, or of all in a dry run. Those that there is no
/// room for come first at the next poll.
pub(super) fn plan_windows(
    works: &mut [Work],
    shared: &Shared,
    metrics: &Selection,
    now: DateTime<Utc>,
    every: i64,
    regions: usize,
    mut room: Room,
) {
    let services: usize = works.iter().map(|work| work.observed.services.len()).sum();
    let per_service = match metrics.container_insights {
        true => SERIES_PER_SERVICE + SERIES_OF_INSIGHTS,
        false => SERIES_PER_SERVICE,
    };
    let fits = POINTS_AT_ONCE / regions.max(1) / (services * per_service).max(1);
    let poll = &shared.config.poll;
    let overlap = minutes(poll.overlap);
    let at_most = (fits as i64).max(LEAST_MINUTES).max(2 * overlap);
    let mut oldest_first: Vec<&mut Work> = works.iter_mut().collect();
    oldest_first.sort_by_key(|work| work.state.read_until);
    let mut is_first = true;
    for work in oldest_first {
        let has_host = work.state.enrolled.is_some() || shared.mackerel.is_none();
        if !has_host || !work.state.is_due(now, poll, every) {
            continue;
        }
        work.window = Some(work.state.window(now, poll, at_most));
        let windows = work.window.into_iter().chain(work.newest(now, poll));
        let read: i64 = windows.map(|window| window.minutes()).sum();
        let new = match (work.window, work.state.read_until) {
            (Some(window), Some(until)) => window.to.since(until).clamp(0, read),
            _ => read,
        };
        let series = work.observed.services.len() * per_service;
        let of = |minutes: i64| series * minutes.unsigned_abs() as usize;
        if !room.take(of(read), of(new)) && !is_first {
            work.window = None;
        }
        is_first = false;
    }
}

/// When it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// The time of day.
    pub(super) now: DateTime<Utc>,
    /// Up to which minute running counts can be restored.
    pub(super) restorable_until: Minute,
    /// When reading ends.
    pub(super) deadline: Instant,
}

/// Reads what CloudWatch has of the metrics in the windows, with one of its calls.
pub(super) async fn read(
    client: &Client,
    (reader, metrics): (Reader, &Selection),
    works: &mut [Work],
    shared: &Shared,
    times: Times,
    troubles: &mut Vec<Trouble>,
) {
    let (now, until) = (times.now, times.restorable_until);
    let readings: Vec<(usize, Reading<'_>)> = works
        .iter()
        .enumerate()
        .flat_map(|(place, work)| {
            let reading = |window, with_sample_count| {
                let reading = Reading {
                    with_sample_count,
                    ..work.reading(window)
                };
                (place, reading)
            };
            let newest = work.newest(now, &shared.config.poll);
            let window = work
                .window
                .map(|window| reading(window, work.restores(until)));
            window
                .into_iter()
                .chain(newest.map(|window| reading(window, false)))
        })
        .collect();
    let (places, readings): (Vec<usize>, Vec<Reading<'_>>) = readings.into_iter().unzip();
    let batches = batches(&readings, metrics, MAX_QUERIES);
    let clusters: Vec<_> = readings.iter().map(|reading| reading.cluster).collect();
    let fetched = fetch(
        client,
        reader,
        &batches,
        &clusters,
        times.deadline,
        &shared.progress,
    )
    .await;
    take(works, &places, fetched, (shared, metrics), troubles);
}

fn take(
    works: &mut [Work],
    places: &[usize],
    fetched: Fetched,
    (shared, metrics): (&Shared, &Selection),
    troubles: &mut Vec<Trouble>,
) {
    let running = running_count();
    for (message, unread) in fetched.troubles {
        for place in unread.places {
            let work = &mut works[places[place]];
            work.read_whole = false;
            let arn = &work.observed.cluster.arn;
            let trouble = Trouble::of_cluster(arn, message.clone());
            troubles.push(trouble.with_detail(unread.detail.clone()));
        }
    }
    for (place, samples) in fetched.samples {
        let work = &mut works[places[place]];
        let (sampled, mut read): (Vec<Sample>, Vec<Sample>) = samples
            .into_iter()
            .partition(|sample| sample.series.metric == running);
        // Where missed counts are older than what is read again, the rest was posted long ago.
        if let Some(until) = work.state.read_until {
            let again = until.plus(-minutes(shared.config.poll.overlap));
            read.retain(|sample| sample.minute >= again);
        }
        if work.read_whole {
            read.extend(highest(&read, metrics));
        }
        work.state.memory.recall(&read, &work.state.noted);
        work.sampled.extend(sampled);
        work.samples.extend(read);
    }
    for note in fetched.notes {
        let message = format!("CloudWatch says: {note}");
        troubles.push(Trouble::of_target(message).as_warning());
    }
}

/// Restores running counts that were missed, where it is known how many samples a task
/// sends. `most_calls` is how many calls may be made to find that out; none for any number.
pub(super) async fn restore(
    client: &Client,
    works: &mut [Work],
    times: Times,
    most_calls: Option<usize>,
    troubles: &mut Vec<Trouble>,
) {
    let (until, deadline) = (times.restorable_until, times.deadline);
    let mut calls_left = most_calls.unwrap_or(usize::MAX);
    for work in works.iter_mut().filter(|work| !work.sampled.is_empty()) {
        let sampled = std::mem::take(&mut work.sampled);
        let state = &work.state;
        // What ECS said goes before, also where Mackerel has not taken it yet.
        let pending = state.pending.iter();
        let pending: HashSet<(&SeriesId, Minute)> =
            pending.map(|count| (&count.series, count.minute)).collect();
        let is_missed = |sample: &&Sample| {
            sample.minute < until
                && state.gaps.contains(sample.minute)
                && state.memory.value(&sample.series, sample.minute).is_none()
                && !pending.contains(&(&sample.series, sample.minute))
        };
        let missed: Vec<Sample> = sampled.iter().filter(is_missed).cloned().collect();
        if missed.is_empty() {
            continue;
        }
        let missing: HashSet<&Arc<str>> = missed
            .iter()
            .filter_map(|sample| sample.series.service.as_ref())
            .collect();
        let services: HashMap<&Arc<str>, &Service> = work
            .observed
            .services
            .iter()
            .filter(|service| missing.contains(&service.name))
            .map(|service| (&service.name, service))
            .collect();
        let revisions = |name: &Arc<str>| services.get(name).map(|service| mark(service));
        let mut divisors = std::mem::take(&mut work.state.samples_per_task);
        divisors.retain(|name, known| revisions(name).is_none_or(|now| now == known.revisions));
        let learned = |(name, samples): (Arc<str>, f64)| {
            let revisions = revisions(&name).unwrap_or_default();
            (name, Divisor { revisions, samples })
        };
        let known = known_divisors(work, &sampled, until);
        divisors.extend(known.into_iter().map(learned));
        let unknown = services.values().copied();
        let unknown = unknown.filter(|one| !divisors.contains_key(&one.name));
        let mut unknown: Vec<&Service> = unknown.filter(|one| !one.revisions.is_empty()).collect();
        // The others' turn comes at a later poll.
        let allowed = calls_left.saturating_mul(DESCRIBE_REVISIONS);
        work.restored_whole &= unknown.len() <= allowed;
        unknown.truncate(allowed);
        calls_left -= unknown.len().div_ceil(DESCRIBE_REVISIONS);
        let asked = tokio::time::timeout_at(deadline, ask_divisors(client, &unknown)).await;
        match asked.unwrap_or_else(|_| Err(Error::given_up("ecs:DescribeServiceRevisions"))) {
            Ok(asked) => divisors.extend(asked.into_iter().map(learned)),
            Err(error) => {
                let trouble = Trouble::of_cluster(
                    &work.observed.cluster.arn,
                    format!("running counts that were missed can't be restored: {error}"),
                );
                troubles.push(trouble.as_warning().with_detail(error.detail.clone()));
                // What may work at a later poll is left for it.
                let for_good = matches!(error.kind, Kind::Denied | Kind::Gone | Kind::Rejected);
                work.restored_whole &= for_good;
            }
        }
        let divisor = |service: &str| divisors.get(service).map(|known| known.samples);
        work.samples.extend(restored(&missed, divisor));
        let waits = |sample: &Sample| {
            let service = sample.series.service.as_ref();
            let is_known = service.is_some_and(|service| divisors.contains_key(service));
            sample.minute >= until.plus(-LEARNING) && !is_known
        };
        work.restored_whole &= !missed.iter().any(waits);
        work.state.samples_per_task = divisors;
    }
}

/// The revisions of a service as one number.
fn mark(service: &Service) -> u64 {
    stable_hash(&service.revisions.join(" "))
}

/// What minutes tell whose count and number of samples are both known, and do not change any more.
fn known_divisors(work: &Work, sampled: &[Sample], until: Minute) -> HashMap<Arc<str>, f64> {
    let mut by_service: HashMap<&Arc<str>, Vec<(Minute, f64)>> = HashMap::new();
    for sample in sampled.iter().filter(|sample| sample.minute < until) {
        if let Some(service) = &sample.series.service {
            let minutes = by_service.entry(service).or_default();
            minutes.push((sample.minute, sample.value));
        }
    }
    by_service
        .into_iter()
        .filter_map(|(service, minutes)| {
            let series = SeriesId {
                metric: running_count(),
                service: Some(service.clone()),
            };
            let counted = |minute| work.state.memory.value(&series, minute);
            Some((service.clone(), samples_per_task(counted, &minutes)?))
        })
        .collect()
}

/// What the services' revisions tell. A service whose revisions disagree is in a deployment that
/// changes it, and tells nothing; so does one without revisions.
async fn ask_divisors(
    client: &Client,
    services: &[&Service],
) -> Result<HashMap<Arc<str>, f64>, Error> {
    let arns: BTreeSet<String> = services
        .iter()
        .flat_map(|service| service.revisions.iter().cloned())
        .collect();
    let arns: Vec<String> = arns.into_iter().collect();
    let resolutions = client.resolutions(&arns, SAMPLED).await?;
    let divisor = |service: &Service| {
        let mut found: Vec<i32> = service
            .revisions
            .iter()
            .map(|arn| resolutions.get(arn).copied())
            .collect::<Option<_>>()?;
        found.dedup();
        match found.as_slice() {
            [seconds @ 1..=60] if 60 % seconds == 0 => Some(f64::from(60 / seconds)),
            _ => None,
        }
    };
    Ok(services
        .iter()
        .filter_map(|service| Some((service.name.clone(), divisor(service)?)))
        .collect())
}
