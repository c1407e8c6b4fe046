//! Walks one Region of one account: which clusters and services are there and chosen, and what
//! they are doing at this moment. One item that can't be read does not end the walk.

mod pass;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use crate::aws::{Client, DESCRIBE_CLUSTERS, DESCRIBE_SERVICES, Error, Kind};
use crate::config::Filter;
use crate::model::id::{ClusterArn, last_part};
use crate::model::inventory::{Cluster, INACTIVE, Observed, Service};
use crate::model::progress::{Progress, Stage};
use crate::model::shard::Shard;
use crate::model::trouble::{Severity, Trouble};
pub use pass::Pass;

/// How many clusters are walked at once, and how many calls for one of them: enough to hide the
/// answers' time, few enough to keep their large bodies out of memory.
const CLUSTERS_AT_ONCE: usize = 4;
const CALLS_PER_CLUSTER: usize = 4;

/// After so many clusters in a row whose listing hung, the rest is given up for this poll: they
/// would hang as well, one after the other.
const MOST_HUNG: usize = 4;

/// What a Region holds.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The chosen clusters, by ARN.
    pub clusters: Vec<Observed>,
    /// What could not be read.
    pub troubles: Vec<Trouble>,
    /// How many clusters there are that the filters leave out.
    pub filtered_out: usize,
    /// What a walk of it asks of ECS.
    pub pass: Pass,
    /// All clusters that are listed, chosen or not, but for those that are described as deleted.
    pub living: HashSet<ClusterArn>,
}

/// Walks the Region. An error means that not even its clusters could be listed.
pub async fn discover(
    client: &Client,
    clusters: &Filter,
    shard: Option<Shard>,
    services: &Filter,
    progress: &Progress,
) -> Result<Discovery, Error> {
    let began = Instant::now();
    let mut discovery = Discovery::default();
    let listed = client.list_clusters().await?;
    let all = listed.len();
    discovery.living = listed.iter().map(|arn| ClusterArn::new(arn)).collect();
    let mut arns: Vec<String> = listed
        .into_iter()
        .filter(|arn| clusters.names.accepts(last_part(arn)))
        .filter(|arn| shard.is_none_or(|shard| shard.holds(&ClusterArn::new(arn))))
        .collect();
    discovery.filtered_out = all - arns.len();
    arns.sort();
    arns.dedup();
    discovery.pass = Pass::of_clusters(all, arns.len());
    let mut chosen = Vec::new();
    for batch in arns.chunks(DESCRIBE_CLUSTERS) {
        match client.describe_clusters(batch).await {
            Ok(described) => {
                // A deleted cluster has nothing more to tell, and gets no host.
                for mut cluster in described.found {
                    cluster.read_after = began.elapsed();
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
    let living = chosen.len();
    chosen.retain(|cluster| clusters.accepts_tags(&cluster.tags));
    discovery.filtered_out += living - chosen.len();

    let hung = AtomicUsize::new(0);
    let mut walks = stream::iter(chosen)
        .map(|cluster| walk_services(client, cluster, services, began, &hung, progress))
        .buffered(CLUSTERS_AT_ONCE);
    while let Some((observed, pass, troubles)) = walks.next().await {
        discovery.pass += pass;
        discovery.clusters.push(observed);
        discovery.troubles.extend(troubles);
    }
    Ok(discovery)
}

async fn walk_services(
    client: &Client,
    cluster: Cluster,
    filter: &Filter,
    began: Instant,
    hung: &AtomicUsize,
    progress: &Progress,
) -> (Observed, Pass, Vec<Trouble>) {
    let mut troubles = Vec::new();
    let mut pass = Pass::default();
    let mut services: Vec<Service> = Vec::new();
    let listed = match hung.load(Ordering::Relaxed) < MOST_HUNG {
        true => client.list_services(&cluster.arn).await,
        false => Err(Error::given_up("ecs:ListServices")),
    };
    match &listed {
        Err(error) if error.kind == Kind::TimedOut => hung.fetch_add(1, Ordering::Relaxed),
        Err(_) => 0,
        Ok(_) => hung.swap(0, Ordering::Relaxed),
    };
    match listed {
        Ok(mut arns) => {
            let all = arns.len();
            arns.retain(|arn| filter.names.accepts(last_part(arn)));
            arns.sort();
            arns.dedup();
            progress.expect(Stage::Services, arns.len());
            pass = Pass::of_services(all, arns.len());
            let mut described = stream::iter(arns.chunks(DESCRIBE_SERVICES))
                .map(|batch| async {
                    let asks_for_tags = filter.asks_for_tags();
                    let answer = client.describe_services(&cluster.arn, batch, asks_for_tags);
                    let answer = answer.await;
                    progress.finish(Stage::Services, batch.len());
                    answer
                })
                .buffered(CALLS_PER_CLUSTER);
            while let Some(answer) = described.next().await {
                match answer {
                    Ok(answer) => {
                        let accepted = answer
                            .found
                            .into_iter()
                            .filter(|(_, tags)| filter.accepts_tags(tags))
                            .map(|(service, _)| service);
                        let read_after = began.elapsed();
                        let accepted = accepted.map(|service| Service {
                            read_after,
                            ..service
                        });
                        services.extend(accepted);
                        let failures = answer
                            .failures
                            .iter()
                            .filter(|(_, reason)| reason != "MISSING");
                        troubles.extend(failures.map(|(arn, reason)| {
                            let message = format!(
                                "ecs:DescribeServices could not describe {}: {reason}",
                                last_part(arn)
                            );
                            Trouble::of_cluster(&cluster.arn, message)
                        }));
                    }
                    Err(error) => troubles.push(trouble(&cluster.arn, &error)),
                }
            }
        }
        Err(error) => troubles.push(trouble(&cluster.arn, &error)),
    }
    troubles.dedup_by(|a, b| a.message == b.message);
    services.sort_by(|a, b| a.name.cmp(&b.name));
    services.dedup_by(|a, b| a.name == b.name);
    let observed = Observed {
        cluster,
        services,
        whole: troubles
            .iter()
            .all(|trouble| trouble.severity == Severity::Warning),
    };
    (observed, pass, troubles)
}

/// A cluster that was deleted while it was walked is no failure: the next poll won't list it.
fn trouble(cluster: &ClusterArn, error: &Error) -> Trouble {
    let trouble = Trouble::of_cluster(cluster, error.to_string()).with_detail(error.detail.clone());
    match error.kind {
        Kind::Gone => trouble.as_warning(),
        _ => trouble,
    }
}
