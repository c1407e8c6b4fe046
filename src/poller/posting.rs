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
use crate::model::id::ClusterArn;
use crate::model::sample::{Sample, SeriesId};
use crate::model::time::Minute;
use crate::model::trouble::Trouble;
use crate::plan::window::oldest;
use crate::post::host::write_notes;
use crate::post::send::{Point, send};

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
    deadline: Instant,
    troubles: &mut Vec<Trouble>,
) {
    let this = Minute::of(now);
    let mut points: Vec<Point> = Vec::new();
    for (place, work) in works.iter_mut().enumerate() {
        // What is older Mackerel would drop without a word.
        let oldest = oldest(now);
        work.state.pending.retain(|count| count.minute >= oldest);
        let Some(enrolled) = &work.state.enrolled else {
            continue;
        };
        let read = std::mem::take(&mut work.samples);
        let memory = &work.state.memory;
        work.state.pending.retain(|count| memory.is_news(count));
        let pending = work.state.pending.iter().cloned();
        points.extend(
            pending
                .chain(read.into_iter().filter(|sample| memory.is_news(sample)))
                .map(|sample| Point {
                    host: enrolled.id.clone(),
                    place,
                    sample,
                }),
        );
    }
    points.sort_by_key(|point| (point.sample.minute != this, point.sample.minute));
    let sent = send(mackerel, points, deadline, &shared.progress).await;
    let mut done: HashSet<(usize, SeriesId, Minute)> = HashSet::new();
    let mut finish = |works: &mut [Work], point: &Point| {
        works[point.place].state.memory.remember(&point.sample);
        if is_pending_kind(&point.sample) {
            let sample = &point.sample;
            done.insert((point.place, sample.series.clone(), sample.minute));
        }
    };
    for point in &sent.accepted {
        finish(works, point);
        works[point.place].accepted += 1;
    }
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
            finish(works, point);
            works[point.place].refused += 1;
            troubles.push(refusal(&arn, point, error));
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
    for (place, work) in works.iter_mut().enumerate() {
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

fn refusal(arn: &ClusterArn, point: &Point, error: &Error) -> Trouble {
    let message = format!(
        "{}; dropped {} of {}",
        error.message,
        point.sample.series.name(),
        point.host
    );
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
