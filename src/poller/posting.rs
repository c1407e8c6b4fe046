//! Posts what is new of a Region's clusters, keeps what Mackerel does not take yet, and notes how
//! far it came.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::Shared;
use super::cluster::{ClusterState, Work};
use crate::config::Poll;
use crate::mackerel::client::Client as Mackerel;
use crate::mackerel::error::{Error, Kind};
use crate::model::id::{ClusterArn, HostId};
use crate::model::sample::{Sample, SeriesId};
use crate::model::time::Minute;
use crate::model::trouble::Trouble;
use crate::plan::window::oldest;
use crate::post::host::write_notes;
use crate::post::send::{Deadline, Point, send};

/// How many notes are written at once.
const NOTES_AT_ONCE: usize = 8;

/// How often a poller that goes on notes its progress. After a crash, at most this much is read and
/// posted once more.
const NOTE_EVERY: TimeDelta = TimeDelta::minutes(10);

/// Posts the counts that are pending and what was read. The newest minute goes first: a monitor
/// judges only the newest point that it was sent, and what comes after it fills the graphs.
pub(super) async fn post(
    mackerel: &Mackerel,
    works: &mut [Work],
    shared: &Shared,
    now: DateTime<Utc>,
    restorable_until: Minute,
    deadline: Deadline,
    troubles: &mut Vec<Trouble>,
) {
    let this = Minute::of(now);
    // What is older Mackerel would drop without a word.
    let oldest = oldest(now);
    for work in &mut *works {
        work.state.pending.retain(|count| count.minute >= oldest);
    }
    let with_host = works
        .iter_mut()
        .filter(|work| work.state.enrolled.is_some());
    let mut works: Vec<&mut Work> = with_host.collect();
    let ids = works.iter().filter_map(|work| work.state.enrolled.as_ref());
    let hosts: Vec<HostId> = ids.map(|enrolled| enrolled.id.clone()).collect();
    let at_most = works
        .iter()
        .map(|work| work.samples.len() + work.state.pending.len());
    let mut points: Vec<Point> = Vec::with_capacity(at_most.sum());
    for (place, work) in works.iter_mut().enumerate() {
        let read = std::mem::take(&mut work.samples);
        let memory = &work.state.memory;
        work.state.pending.retain(|count| memory.is_news(count));
        let pending = work.state.pending.iter().cloned();
        let read = read.into_iter().filter(|sample| memory.is_news(sample));
        points.extend(pending.chain(read).map(|sample| Point { place, sample }));
    }
    // Which of a cluster's points of a minute comes first does not matter.
    let order = |point: &Point| {
        (
            point.sample.minute != this,
            point.sample.minute,
            point.place,
        )
    };
    points.sort_unstable_by_key(order);
    let mut done: HashSet<(usize, SeriesId, Minute)> = HashSet::new();
    let mut finish = |work: &mut Work, point: &Point| {
        let sample = &point.sample;
        work.state.memory.remember(sample);
        if is_pending_kind(sample) {
            done.insert((point.place, sample.series.clone(), sample.minute));
        }
    };
    let accepted = |point: &Point| {
        let work = &mut works[point.place];
        finish(work, point);
        work.accepted += 1;
    };
    let progress = &shared.progress;
    let sent = send(mackerel, &hosts, points, deadline, progress, accepted).await;
    for (point, error) in &sent.refused {
        let work = &mut works[point.place];
        let arn = work.observed.cluster.arn.clone();
        if error.kind == Kind::NotFound {
            // The next poll makes sure of a host and posts to it.
            work.state.enrolled = None;
            work.state.start_anew();
            work.posted_whole = false;
            troubles.push(Trouble::of_cluster(&arn, error.message.clone()));
        } else {
            finish(work, point);
            work.refused += 1;
            troubles.push(refusal(&arn, &hosts[point.place], &point.sample, error));
        }
    }
    if let Some((error, rest)) = sent.unsent {
        let unfinished: HashSet<usize> = rest.iter().map(|point| point.place).collect();
        for place in unfinished {
            let work = &mut works[place];
            work.posted_whole = false;
            let arn = &work.observed.cluster.arn;
            troubles.push(Trouble::of_cluster(arn, error.message.clone()));
        }
    }
    for (place, work) in works.into_iter().enumerate() {
        work.state
            .pending
            .retain(|count| !done.contains(&(place, count.series.clone(), count.minute)));
        if work.state.enrolled.is_some() {
            work.advance(restorable_until);
        }
    }
}

/// Whether a sample may be among the pending counts.
fn is_pending_kind(sample: &Sample) -> bool {
    !sample.series.metric.metric().source.is_read()
}

fn refusal(arn: &ClusterArn, host: &HostId, sample: &Sample, error: &Error) -> Trouble {
    let name = sample.series.name();
    let message = format!("{}; dropped {name} of {host}", error.message);
    Trouble::of_cluster(arn, message)
}

/// Notes progress on Mackerel where it is due: every so often, and everywhere at the end.
pub(super) async fn note<'a>(
    mackerel: &Mackerel,
    states: impl Iterator<Item = &'a mut ClusterState>,
    now: DateTime<Utc>,
    poll: &Poll,
    at_the_end: bool,
    deadline: Instant,
) -> Result<(), Error> {
    let due = states.filter(|state| {
        at_the_end
            || state
                .noted_at
                .is_none_or(|then| !(TimeDelta::zero()..NOTE_EVERY).contains(&(now - then)))
    });
    let written: Vec<Result<(), Error>> = stream::iter(due)
        .map(|state| async move {
            let progress = state.progress(poll);
            let Some(enrolled) = &mut state.enrolled else {
                return Ok(());
            };
            if enrolled.notes.progress != progress {
                let mut noted = enrolled.clone();
                noted.notes.progress = progress;
                match write_notes(mackerel, &noted, deadline).await {
                    Ok(()) => *enrolled = noted,
                    Err(error) => {
                        // A host that takes no notes may have been retired.
                        if matches!(error.kind, Kind::Rejected | Kind::NotFound) {
                            enrolled.doubt();
                        }
                        return Err(error);
                    }
                }
            }
            state.noted_at = Some(now);
            Ok(())
        })
        .buffer_unordered(NOTES_AT_ONCE)
        .collect()
        .await;
    written.into_iter().collect()
}
