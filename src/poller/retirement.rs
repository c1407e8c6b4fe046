//! Retires the hosts of clusters that are gone, where the config asks for it. A retired host can't
//! be brought back, so the question is: could any fault make it retire a living cluster's host?
//!
//! A host is looked at only if it is the poller's own and of an account that this very poll listed
//! clusters of with the same credentials: a changed role or Region makes no candidates. It is gone
//! only if DescribeClusters says INACTIVE or MISSING of it: no listing, no filter and no denied
//! call counts. And DescribeClusters must say so twice, the set time apart, with nothing to the
//! contrary in between.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::aws::Client;
use crate::mackerel::client::Client as Mackerel;
use crate::mackerel::error::Error;
use crate::mackerel::payload::Host;
use crate::model::calls::DESCRIBE_CLUSTERS;
use crate::model::id::{ClusterArn, HostId};
use crate::model::inventory::INACTIVE;
use crate::model::trouble::Trouble;
use crate::post::host::{is_own, read_notes, save_notes};
use crate::post::retry::retrying;

/// How often the hosts on Mackerel are looked through.
pub(super) const EVERY: TimeDelta = TimeDelta::minutes(10);

/// One of the poller's hosts.
struct Candidate {
    id: HostId,
    arn: ClusterArn,
}

/// Looks through the hosts on Mackerel for clusters that are gone. `living` are the clusters of
/// the Region that were listed and described as there, whether they are polled or not; `own` tells
/// which clusters are this poller's to judge.
pub(super) async fn retire(
    client: &Client,
    mackerel: &Mackerel,
    living: &HashSet<ClusterArn>,
    own: impl Fn(&ClusterArn) -> bool,
    retire_after: Duration,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Vec<Trouble> {
    let Some(account) = living.iter().next().map(|arn| arn.account().to_owned()) else {
        return Vec::new();
    };
    let hosts = match retrying(deadline, async || mackerel.hosts().await).await {
        Ok(hosts) => hosts,
        Err(error) => return vec![Trouble::of_target(error.message).as_warning()],
    };
    let candidates: Vec<Candidate> = hosts
        .iter()
        .filter_map(own_cluster)
        .filter(|one| one.arn.account() == account && one.arn.region() == client.region())
        .filter(|one| !living.contains(&one.arn) && own(&one.arn))
        .collect();
    let mut troubles = Vec::new();
    for batch in candidates.chunks(DESCRIBE_CLUSTERS) {
        let arns: Vec<String> = batch.iter().map(|one| one.arn.to_string()).collect();
        let described = match client.describe_clusters(&arns).await {
            Ok(described) => described,
            Err(error) => {
                let trouble = Trouble::of_target(error.message).with_detail(error.detail);
                troubles.push(trouble.as_warning());
                continue;
            }
        };
        let inactive = described.found.iter().filter(|one| one.status == INACTIVE);
        let missing = described.failures.iter();
        let gone: HashSet<&str> = inactive
            .map(|one| one.arn.as_str())
            .chain(
                missing
                    .filter(|(_, reason)| reason == "MISSING")
                    .map(|(arn, _)| arn.as_str()),
            )
            .collect();
        for one in batch {
            if Instant::now() >= deadline {
                let message = "not all hosts of deleted clusters could be looked at in time; the \
                               next look in ten minutes tries again";
                troubles.push(Trouble::of_target(message).as_warning());
                return troubles;
            }
            let is_gone = gone.contains(one.arn.as_str());
            let judged = judge(mackerel, one, is_gone, retire_after, now, deadline).await;
            match judged {
                Ok(true) => tracing::info!(
                    host = %one.id, cluster = %one.arn,
                    "retired the host of a cluster that was deleted"
                ),
                Ok(false) => {}
                Err(error) => {
                    troubles.push(Trouble::of_cluster(&one.arn, error.message).as_warning());
                }
            }
        }
    }
    troubles
}

/// The cluster that a host of the poller's own stands for.
fn own_cluster(host: &Host) -> Option<Candidate> {
    let arn = host.meta.pointer("/cloud/metadata/cluster_arn")?.as_str()?;
    is_own(host).then(|| Candidate {
        id: HostId::new(&host.id),
        arn: ClusterArn::new(arn),
    })
}

/// Notes on the host since when its cluster is gone, and retires it when that is long enough ago.
/// Gives whether it was retired.
async fn judge(
    mackerel: &Mackerel,
    one: &Candidate,
    is_gone: bool,
    retire_after: Duration,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<bool, Error> {
    let kept = read_notes(mackerel, &one.id, deadline).await?;
    let mut notes = kept.unwrap_or_default();
    let since = match (is_gone, notes.gone_since) {
        (true, Some(since)) => since,
        (true, None) => {
            notes.gone_since = Some(now.timestamp());
            return save_notes(mackerel, &one.id, &notes, deadline)
                .await
                .map(|()| false);
        }
        (false, Some(_)) => {
            notes.gone_since = None;
            return save_notes(mackerel, &one.id, &notes, deadline)
                .await
                .map(|()| false);
        }
        (false, None) => return Ok(false),
    };
    if now.timestamp() - since < retire_after.as_secs() as i64 {
        return Ok(false);
    }
    retrying(deadline, async || mackerel.retire_host(&one.id).await).await?;
    Ok(true)
}
