//! Walks one Region of one account: which clusters and services are there and chosen, and what
//! they are doing at this moment. One item that can't be read does not end the walk.

use futures_util::stream::{self, StreamExt};

use crate::aws::{Client, DESCRIBE_CLUSTERS, DESCRIBE_SERVICES, Error, Kind};
use crate::config::Filter;
use crate::model::id::{ClusterArn, last_part};
use crate::model::inventory::{Cluster, INACTIVE, Observed, Service};
use crate::model::trouble::Trouble;

/// How many clusters are walked at once, and how many calls for one of them: enough to hide the
/// answers' time, few enough to keep their large bodies out of memory.
const CLUSTERS_AT_ONCE: usize = 4;
const CALLS_PER_CLUSTER: usize = 4;

/// What a Region holds.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The chosen clusters, by ARN.
    pub clusters: Vec<Observed>,
    /// What could not be read.
    pub troubles: Vec<Trouble>,
    /// How many clusters there are that the filters leave out.
    pub filtered_out: usize,
}

/// Walks the Region. An error means that not even its clusters could be listed.
pub async fn discover(
    client: &Client,
    clusters: &Filter,
    services: &Filter,
) -> Result<Discovery, Error> {
    let mut discovery = Discovery::default();
    let listed = client.list_clusters().await?;
    let all = listed.len();
    let mut arns: Vec<String> = listed
        .into_iter()
        .filter(|arn| clusters.names.accepts(last_part(arn)))
        .collect();
    discovery.filtered_out = all - arns.len();
    arns.sort();
    arns.dedup();
    let mut chosen = Vec::new();
    for batch in arns.chunks(DESCRIBE_CLUSTERS) {
        match client.describe_clusters(batch).await {
            Ok(described) => {
                // A deleted cluster has nothing more to tell, and gets no host.
                let living = |cluster: &Cluster| cluster.status != INACTIVE;
                chosen.extend(described.found.into_iter().filter(living));
                for (arn, reason) in described.failures {
                    // Deleted between the two calls: it is no cluster any more.
                    if reason != "MISSING" {
                        let message =
                            format!("ecs:DescribeClusters could not describe it: {reason}");
                        let cluster = ClusterArn::new(&arn);
                        discovery
                            .troubles
                            .push(Trouble::of_cluster(&cluster, message));
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

    let mut walks = stream::iter(chosen)
        .map(|cluster| walk_services(client, cluster, services))
        .buffered(CLUSTERS_AT_ONCE);
    while let Some((observed, troubles)) = walks.next().await {
        discovery.clusters.push(observed);
        discovery.troubles.extend(troubles);
    }
    Ok(discovery)
}

async fn walk_services(
    client: &Client,
    cluster: Cluster,
    filter: &Filter,
) -> (Observed, Vec<Trouble>) {
    let mut troubles = Vec::new();
    let mut services: Vec<Service> = Vec::new();
    match client.list_services(&cluster.arn).await {
        Ok(mut arns) => {
            arns.retain(|arn| filter.names.accepts(last_part(arn)));
            arns.sort();
            arns.dedup();
            let mut described = stream::iter(arns.chunks(DESCRIBE_SERVICES))
                .map(|batch| client.describe_services(&cluster.arn, batch, filter.asks_for_tags()))
                .buffered(CALLS_PER_CLUSTER);
            while let Some(answer) = described.next().await {
                match answer {
                    Ok(answer) => {
                        let accepted = answer
                            .found
                            .into_iter()
                            .filter(|(_, tags)| filter.accepts_tags(tags))
                            .map(|(service, _)| service);
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
    (Observed { cluster, services }, troubles)
}

/// A cluster that was deleted while it was walked is no failure: the next poll won't list it.
fn trouble(cluster: &ClusterArn, error: &Error) -> Trouble {
    let trouble = Trouble::of_cluster(cluster, error.to_string()).with_detail(error.detail.clone());
    match error.kind {
        Kind::Gone => trouble.as_warning(),
        _ => trouble,
    }
}
