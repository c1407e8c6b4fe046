//! Reads an estate as the poller does, without CloudWatch and without posting anything.

use std::collections::BTreeMap;

use chrono::DateTime;
use futures_util::future::join_all;

use super::Part;
use crate::aws::{self, Access, Client};
use crate::config::{Config, Target};
use crate::discover::walk::Walk;
use crate::discover::{Scope, discover};
use crate::mackerel::client::Client as Mackerel;
use crate::mackerel::error::Error;
use crate::model::progress::Progress;
use crate::model::trouble::Trouble;
use crate::report::{TroubleReport, gather};

/// Reads all Regions of all targets side by side. What could not be read is told, and left out.
pub async fn survey(config: &Config, access: &Access) -> (Vec<Part>, Vec<TroubleReport>) {
    let targets = config.targets.iter();
    let surveyed = join_all(targets.map(|target| survey_target(config, target, access))).await;
    let mut parts = Vec::new();
    let mut troubles = Vec::new();
    for (target, (own, wrong)) in config.targets.iter().zip(surveyed) {
        parts.extend(own);
        troubles.extend(gather(&target.name, wrong));
    }
    (parts, troubles)
}

async fn survey_target(
    config: &Config,
    target: &Target,
    access: &Access,
) -> (Vec<Part>, Vec<Trouble>) {
    let role = target.role.as_ref().map(|role| aws::Role {
        arn: &role.arn,
        external_id: role.external_id.as_deref(),
        session_name: &role.session_name,
    });
    let clients = match aws::connect(access, role, &target.regions).await {
        Ok(clients) => clients,
        Err(error) => {
            let trouble = Trouble::of_target(error.message).with_detail(error.detail);
            return (Vec::new(), vec![trouble]);
        }
    };
    let regions = clients.iter();
    let surveyed = join_all(regions.map(|client| survey_region(config, target, client))).await;
    let (parts, troubles): (Vec<Option<Part>>, Vec<Vec<Trouble>>) = surveyed.into_iter().unzip();
    (
        parts.into_iter().flatten().collect(),
        troubles.into_iter().flatten().collect(),
    )
}

async fn survey_region(
    config: &Config,
    target: &Target,
    client: &Client,
) -> (Option<Part>, Vec<Trouble>) {
    let scope = Scope {
        clusters: &target.clusters,
        shard: config.shard,
        services: &target.services,
    };
    let (mut walk, progress) = (Walk::default(), Progress::default());
    // At which minute each thing was read does not matter here.
    let now = DateTime::UNIX_EPOCH;
    match discover(client, scope, &mut walk, now, None, &progress).await {
        Ok(discovery) => {
            let part = Part {
                target: target.name.clone(),
                region: client.region().to_owned(),
                clusters: discovery.clusters,
                pass: discovery.pass,
                metrics: target.metrics.clone(),
            };
            (Some(part), discovery.troubles)
        }
        Err(error) => {
            let message = format!("{}: {error}", client.region());
            let trouble = Trouble::of_target(message).with_detail(error.detail);
            (None, vec![trouble])
        }
    }
}

/// How many of the clusters have a host on Mackerel already, by the size that Mackerel gives it.
pub async fn sizes(
    mackerel: &Mackerel,
    config: &Config,
    parts: &[Part],
) -> Result<BTreeMap<String, usize>, Error> {
    let hosts = mackerel.hosts().await?;
    let by_identity: BTreeMap<&str, &str> = hosts
        .iter()
        .filter_map(|host| Some((host.custom_identifier.as_deref()?, host.size.as_deref()?)))
        .collect();
    let mut sizes = BTreeMap::new();
    for observed in parts.iter().flat_map(|part| &part.clusters) {
        let identity = config.host.custom_identifier.render(&observed.cluster.arn);
        if let Some(size) = by_identity.get(identity.as_str()) {
            *sizes.entry((*size).to_owned()).or_insert(0) += 1;
        }
    }
    Ok(sizes)
}
