//! Walks the services of one cluster: lists them, and describes them as far as there is time.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::walk::{Known, Walked, merge, names};
use crate::aws::{Client, Error, Kind};
use crate::config::Filter;
use crate::model::calls::DESCRIBE_SERVICES;
use crate::model::id::last_part;
use crate::model::inventory::{Cluster, Observed, Service};
use crate::model::pass::Pass;
use crate::model::progress::{Progress, Stage};
use crate::model::time::Minute;
use crate::model::trouble::{Severity, Trouble};

/// How many calls for one cluster are under way at once: enough to hide the answers' time, few
/// enough to keep their large bodies out of memory.
const CALLS_PER_CLUSTER: usize = 4;

/// After so many clusters in a row whose listing hung, the rest is given up for this poll: they
/// would hang as well, one after the other.
const MOST_HUNG: usize = 4;

/// The time of a walk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    /// The time of day when it began, on tokio's clock too.
    pub(super) now: DateTime<Utc>,
    pub(super) began: Instant,
    /// When it must end; none for when all is described.
    pub(super) until: Option<Instant>,
}

impl Time {
    pub(super) fn minute(&self) -> Minute {
        Minute::of(self.now + self.began.elapsed())
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// Walks the services of a cluster. `hung` is how many listings hung in a row.
pub(super) async fn walk_services(
    client: &Client,
    cluster: Cluster,
    known: Known,
    filter: &Filter,
    time: Time,
    hung: &AtomicUsize,
    progress: &Progress,
) -> (Walked, Vec<Trouble>) {
    if time.is_over() {
        return (unreached(cluster, known), Vec::new());
    }
    let mut troubles = Vec::new();
    let listed = match known.rest.is_empty() {
        false => None,
        true => Some(list(client, &cluster, filter, hung, time.until).await),
    };
    let listed_anew = listed.is_some();
    let mut pass = Pass::default();
    let arns = match listed {
        None => known.rest,
        Some(Ok(Some((arns, all)))) => {
            pass = Pass::of_services(all, arns.len());
            arns
        }
        Some(Ok(None)) => return (unreached(cluster, known), Vec::new()),
        Some(Err(error)) => {
            troubles.push(super::trouble(&cluster.arn, &error));
            Vec::new()
        }
    };
    progress.expect(Stage::Services, arns.len());
    let mut fresh: Vec<Service> = Vec::new();
    let (mut rest, mut failed) = (Vec::new(), Vec::new());
    let (arn, with_tags) = (&cluster.arn.clone(), filter.asks_for_tags());
    let mut answers = stream::iter(arns.chunks(DESCRIBE_SERVICES))
        .map(|batch| async move {
            let answer = client
                .describe_services(arn, batch, with_tags, time.until)
                .await;
            progress.finish(Stage::Services, batch.len());
            (batch, answer)
        })
        .buffered(CALLS_PER_CLUSTER);
    while let Some((batch, answer)) = answers.next().await {
        match answer {
            Ok(None) => rest.extend_from_slice(batch),
            Ok(Some(answer)) => {
                let read_at = time.minute();
                let accepted = answer.found.into_iter();
                let accepted = accepted.filter(|(_, tags)| filter.accepts_tags(tags));
                fresh.extend(accepted.map(|(service, _)| Service { read_at, ..service }));
                let failures = answer.failures.iter();
                let failures = failures.filter(|(_, reason)| reason != "MISSING");
                troubles.extend(failures.map(|(service, reason)| {
                    let name = last_part(service);
                    let message =
                        format!("ecs:DescribeServices could not describe {name}: {reason}");
                    Trouble::of_cluster(arn, message)
                }));
            }
            Err(error) => {
                failed.extend_from_slice(batch);
                troubles.push(super::trouble(arn, &error));
            }
        }
    }
    // What is left for the next poll anyway may take along what failed.
    if !rest.is_empty() {
        rest.append(&mut failed);
    }
    troubles.dedup_by(|a, b| a.message == b.message);
    let well = troubles.iter().all(|one| one.severity == Severity::Warning);
    let (asked, waiting) = (names(&arns), names(&rest));
    // What an earlier poll described of the same listing was not asked for again.
    let stays = |name: &str| waiting.contains(name) || (!listed_anew && !asked.contains(name));
    let services = merge(fresh, known.services, stays);
    let walked = Walked {
        observed: Observed {
            services,
            whole: well && (rest.is_empty() || known.whole),
            afresh: listed_anew && rest.is_empty(),
            cluster,
        },
        finished: rest.is_empty(),
        rest,
        pass,
    };
    (walked, troubles)
}

/// A cluster that there was no time for.
fn unreached(cluster: Cluster, known: Known) -> Walked {
    Walked {
        observed: Observed {
            cluster,
            services: known.services,
            whole: known.whole,
            afresh: false,
        },
        rest: known.rest,
        finished: false,
        pass: Pass::default(),
    }
}

/// The ARNs of a cluster's services that are chosen by name, and how many there are in all; none where
/// there is no time for them.
async fn list(
    client: &Client,
    cluster: &Cluster,
    filter: &Filter,
    hung: &AtomicUsize,
    until: Option<Instant>,
) -> Result<Option<(Vec<String>, usize)>, Error> {
    let listed = match hung.load(Ordering::Relaxed) < MOST_HUNG {
        true => client.list_services(&cluster.arn, until).await,
        false => Err(Error::given_up("ecs:ListServices")),
    };
    match &listed {
        Err(error) if error.kind == Kind::TimedOut => hung.fetch_add(1, Ordering::Relaxed),
        Err(_) => 0,
        Ok(_) => hung.swap(0, Ordering::Relaxed),
    };
    let Some(mut arns) = listed? else {
        return Ok(None);
    };
    let all = arns.len();
    arns.retain(|arn| filter.names.accepts(last_part(arn)));
    arns.sort();
    arns.dedup();
    Ok(Some((arns, all)))
}
