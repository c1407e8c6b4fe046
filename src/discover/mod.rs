//! Walks one Region of one account: which clusters and services are there and chosen, and what
//! they are doing at this moment. One item that can't be read does not end the walk; the end of its
//! time does, and the next poll goes on from there.

mod service;
pub mod walk;

use std::collections::HashSet;
use std::sync::atomic::AtomicUsize;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use crate::aws::{Client, Error, Kind};
use crate::config::Filter;
use crate::model::calls::DESCRIBE_CLUSTERS;
use crate::model::id::{ClusterArn, last_part};
use crate::model::inventory::{INACTIVE, Observed};
use crate::model::pass::Pass;
use crate::model::progress::Progress;
use crate::model::shard::Shard;
use crate::model::trouble::Trouble;
use service::{Time, walk_services};
use walk::Walk;

/// How many clusters are walked at once: with the calls for each of them enough to hide the answers'
/// time, few enough to keep their large bodies out of memory.
const CLUSTERS_AT_ONCE: usize = 4;

/// What a Region holds.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The chosen clusters, by ARN.
    pub clusters: Vec<Observed>,
    /// What could not be read.
    pub troubles: Vec<Trouble>,
    /// The clusters that there are and that the filters or the shard leave out.
    pub left_out: HashSet<ClusterArn>,
    /// What this walk of it asked of ECS, retries left out.
    pub pass: Pass,
    /// All clusters that are listed, chosen or not, but for those that are described as deleted.
    pub living: HashSet<ClusterArn>,
    /// Whether there was no time to describe all services.
    pub partly: bool,
}

/// What is walked.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Which clusters.
    pub clusters: &'a Filter,
    /// Which part of them; none for all.
    pub shard: Option<Shard>,
    /// Which of their services.
    pub services: &'a Filter,
}

/// Walks the Region, from where the last walk ended until the time is over (none for when all is
/// described). `now` is the time of day. An error means that not even its clusters could be listed.
pub async fn discover(
    client: &Client,
    scope: Scope<'_>,
    walk: &mut Walk,
    now: DateTime<Utc>,
    until: Option<Instant>,
    progress: &Progress,
) -> Result<Discovery, Error> {
    let Scope {
        clusters,
        shard,
        services,
    } = scope;
    let time = Time {
        now,
        began: Instant::now(),
        until,
    };
    let mut discovery = Discovery::default();
    let listed = client.list_clusters().await?;
    let all = listed.len();
    discovery.living = listed.iter().map(|arn| ClusterArn::new(arn)).collect();
    let (mut arns, left_out): (Vec<String>, Vec<String>) = listed.into_iter().partition(|arn| {
        clusters.names.accepts(last_part(arn))
            && shard.is_none_or(|shard| shard.holds(&ClusterArn::new(arn)))
    });
    discovery.left_out = left_out.iter().map(|arn| ClusterArn::new(arn)).collect();
    arns.sort();
    arns.dedup();
    discovery.pass = Pass::of_clusters(all, arns.len());
    let mut chosen = Vec::new();
    for batch in arns.chunks(DESCRIBE_CLUSTERS) {
        match client.describe_clusters(batch).await {
            Ok(described) => {
                // A deleted cluster has nothing more to tell, and gets no host.
                for mut cluster in described.found {
                    cluster.read_at = time.minute();
                    if cluster.status == INACTIVE {
                        discovery.living.remove(&cluster.arn);
                    } else {
                        chosen.push(cluster);
                    }
                }
                for (arn, reason) in described.failures {
                    let cluster = ClusterArn::new(&arn);
                    if reason == "MISSING" {
                        // Deleted between the two calls: it is no cluster any more.
                        discovery.living.remove(&cluster);
                    } else {
                        let message =
                            format!("ecs:DescribeClusters could not describe it: {reason}");
                        let trouble = Trouble::of_cluster(&cluster, message);
                        discovery.troubles.push(trouble);
                    }
                }
            }
            Err(error) if error.kind == Kind::Setup => return Err(error),
            Err(error) => discovery.troubles.extend(
                batch
                    .iter()
                    .map(|arn| trouble(&ClusterArn::new(arn), &error)),
            ),
        }
    }
    chosen.sort_by(|a, b| a.arn.cmp(&b.arn));
    chosen.dedup_by(|a, b| a.arn == b.arn);
    let left_out = chosen.extract_if(.., |cluster| !clusters.accepts_tags(&cluster.tags));
    discovery
        .left_out
        .extend(left_out.map(|cluster| cluster.arn));

    let hung = AtomicUsize::new(0);
    let known = walk.begin(chosen, &discovery.living, services);
    let mut walks = stream::iter(known)
        .map(|(cluster, known)| {
            walk_services(client, cluster, known, services, time, &hung, progress)
        })
        .buffered(CLUSTERS_AT_ONCE);
    while let Some((walked, troubles)) = walks.next().await {
        discovery.pass += walked.pass;
        discovery.partly |= !walked.observed.afresh;
        discovery.clusters.push(walk.walked(walked));
        discovery.troubles.extend(troubles);
    }
    let arn = |observed: &Observed| observed.cluster.arn.clone();
    discovery.clusters.sort_by_cached_key(arn);
    Ok(discovery)
}

/// A cluster that was deleted while it was walked is no failure: the next poll won't list it.
fn trouble(cluster: &ClusterArn, error: &Error) -> Trouble {
    let trouble = Trouble::of_cluster(cluster, error.to_string()).with_detail(error.detail.clone());
    match error.kind {
        Kind::Gone => trouble.as_warning(),
        _ => trouble,
    }
}
