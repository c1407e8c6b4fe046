//! Reads from CloudWatch what a Region's clusters need, and restores the counts that were missed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::Shared;
use super::cluster::{ClusterState, Work};
use crate::aws::{Client, Error, Kind, MAX_QUERIES};
use crate::config::Poll;
use crate::config::selection::Selection;
use crate::fetch::{Fetched, fetch};
use crate::map::restore::{restored, samples_per_task};
use crate::model::catalog::{SAMPLED, running_count};
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

/// About how many series a service has in CloudWatch.
const SERIES_PER_SERVICE: usize = 6;

/// Plans the windows of all clusters that have a host, or of all in a dry run.
pub(super) fn plan_windows(
    works: &mut [Work],
    shared: &Shared,
    now: DateTime<Utc>,
    every: i64,
    regions: usize,
) {
    let services: usize = works.iter().map(|work| work.observed.services.len()).sum();
    let fits = POINTS_AT_ONCE / regions.max(1) / (services * SERIES_PER_SERVICE).max(1);
    let poll = &shared.config.poll;
    let overlap = minutes(poll.overlap);
    let at_most = (fits as i64).max(LEAST_MINUTES).max(2 * overlap);
    for work in works {
        let has_host = work.state.enrolled.is_some() || shared.mackerel.is_none();
        if has_host && work.state.is_due(now, poll, every) {
            work.window = Some(work.state.window(now, poll, at_most));
        }
    }
}

/// Reads what CloudWatch has of the metrics in the windows, with one of its calls.
pub(super) async fn read(
    client: &Client,
    (reader, metrics): (Reader, &Selection),
    works: &mut [Work],
    shared: &Shared,
    now: DateTime<Utc>,
    deadline: Instant,
    troubles: &mut Vec<Trouble>,
) {
    let until = ClusterState::restorable_until(now, &shared.config.poll);
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
        deadline,
        &shared.progress,
    )
    .await;
    take(works, &places, fetched, &shared.config.poll, troubles);
}

fn take(
    works: &mut [Work],
    places: &[usize],
    fetched: Fetched,
    poll: &Poll,
    troubles: &mut Vec<Trouble>,
) {
    let running = running_count();
    for (place, samples) in fetched.samples {
        let work = &mut works[places[place]];
        let (sampled, mut read): (Vec<Sample>, Vec<Sample>) = samples
            .into_iter()
            .partition(|sample| sample.series.metric == running);
        // Where missed counts are older than what is read again, the rest was posted long ago.
        if let Some(until) = work.state.read_until {
            let again = until.plus(-minutes(poll.overlap));
            read.retain(|sample| sample.minute >= again);
        }
        work.state.memory.recall(&read, &work.state.noted);
        work.sampled.extend(sampled);
        work.samples.extend(read);
    }
    for (message, unread) in fetched.troubles {
        for place in unread.places {
            let work = &mut works[places[place]];
            work.read_whole = false;
            let arn = &work.observed.cluster.arn;
            let trouble = Trouble::of_cluster(arn, message.clone());
            troubles.push(trouble.with_detail(unread.detail.clone()));
        }
    }
    for note in fetched.notes {
        let message = format!("CloudWatch says: {note}");
        troubles.push(Trouble::of_target(message).as_warning());
    }
}

/// Restores running counts that were missed, where it is known how many samples a task sends.
pub(super) async fn restore(
    client: &Client,
    works: &mut [Work],
    poll: &Poll,
    now: DateTime<Utc>,
    deadline: Instant,
    troubles: &mut Vec<Trouble>,
) {
    let until = ClusterState::restorable_until(now, poll);
    for work in works.iter_mut().filter(|work| !work.sampled.is_empty()) {
        let sampled = std::mem::take(&mut work.sampled);
        let missed: Vec<Sample> = sampled
            .iter()
            .filter(|sample| {
                sample.minute < until
                    && work.state.gaps.contains(sample.minute)
                    && work
                        .state
                        .memory
                        .value(&sample.series, sample.minute)
                        .is_none()
            })
            .cloned()
            .collect();
        if missed.is_empty() {
            continue;
        }
        let mut divisors = std::mem::take(&mut work.state.samples_per_task);
        divisors.extend(known_divisors(work, &sampled, until));
        let unknown: Vec<&Service> = work
            .observed
            .services
            .iter()
            .filter(|service| !divisors.contains_key(&service.name))
            .filter(|service| {
                let of = |sample: &Sample| sample.series.service.as_ref() == Some(&service.name);
                missed.iter().any(of)
            })
            .collect();
        let asked = tokio::time::timeout_at(deadline, ask_divisors(client, &unknown)).await;
        match asked.unwrap_or_else(|_| Err(Error::given_up("ecs:DescribeServiceRevisions"))) {
            Ok(asked) => divisors.extend(asked),
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
        work.samples.extend(restored(&missed, &divisors));
        work.state.samples_per_task = divisors;
    }
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
