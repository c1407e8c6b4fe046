//! What polling would find and make on Mackerel for the clusters that there are: hosts by their
//! custom identifiers, and the roles that they get. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::organization::PLACE;
use super::{Finding, Mark};
use crate::config::{self, Target};
use crate::mackerel::payload::{Host, Service};
use crate::map::host::wanted;
use crate::model::inventory::Cluster;
use crate::post::host::is_own;

/// How many names a sentence has.
const NAMED: usize = 5;

/// Says which hosts are there, which would be made, and which two clusters would share.
pub fn hosts(
    clusters: &[(&Target, Cluster)],
    config: &config::Host,
    known: &[Host],
) -> Vec<Finding> {
    let mut by_identifier: BTreeMap<String, Vec<(&Target, &Cluster)>> = BTreeMap::new();
    for (target, cluster) in clusters {
        let identifier = config.custom_identifier.render(&cluster.arn);
        let sharing = by_identifier.entry(identifier).or_default();
        sharing.push((target, cluster));
    }
    let (mut own, mut adopted, mut made) = (Vec::new(), Vec::new(), Vec::new());
    let mut findings = Vec::new();
    for (identifier, clusters) in by_identifier {
        let [(_, cluster)] = clusters.as_slice() else {
            findings.push(shared(&identifier, &clusters));
            continue;
        };
        let mut hosts = known.iter();
        match hosts.find(|host| host.custom_identifier.as_ref() == Some(&identifier)) {
            Some(host) if is_own(host) => own.push(cluster.name.clone()),
            Some(host) => adopted.push(format!("{} ({})", cluster.name, host.id)),
            None => made.push(cluster.name.clone()),
        }
    }
    let mut say = |names: &[String], one: &str, several: &str| match names {
        [] => {}
        [_] => findings.push(Finding::new(
            Mark::Ok,
            PLACE,
            "hosts",
            format!("{one}: {}", named(names)),
        )),
        _ => findings.push(Finding::new(
            Mark::Ok,
            PLACE,
            "hosts",
            format!("{} {several}: {}", names.len(), named(names)),
        )),
    };
    say(&own, "1 is there", "are there");
    say(
        &adopted,
        "1 that somebody else made would be taken over",
        "that somebody else made would be taken over",
    );
    say(&made, "1 would be made", "would be made");
    findings
}

/// Says which clusters would share a host, or which targets a cluster.
fn shared(identifier: &str, clusters: &[(&Target, &Cluster)]) -> Finding {
    let arns: BTreeSet<String> = clusters
        .iter()
        .map(|(_, one)| one.arn.to_string())
        .collect();
    let arns: Vec<String> = arns.into_iter().collect();
    let (message, mend) = match arns.as_slice() {
        [arn] => {
            let targets: Vec<String> = clusters
                .iter()
                .map(|(target, _)| target.name.clone())
                .collect();
            (
                format!("the targets {} both have {arn}", named(&targets)),
                "leave its Region, or the cluster, out of one of them",
            )
        }
        arns => (
            format!(
                "the clusters {} have one custom identifier, `{identifier}`",
                named(arns)
            ),
            "put {arn} into host.custom_identifier",
        ),
    };
    Finding::new(Mark::Fail, PLACE, "hosts", message).mend(mend)
}

/// Says which roles hosts get, and which of them are yet to be made. A tag that names no role is
/// told.
pub fn roles(
    clusters: &[(&Target, Cluster)],
    config: &config::Host,
    known: &[Service],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut roles = BTreeSet::new();
    for (target, cluster) in clusters {
        let (wanted, complaint) = wanted(cluster, config, &target.roles);
        roles.extend(wanted.roles.into_iter().flatten());
        findings.extend(complaint.map(|complaint| {
            let message = format!("cluster {}: {complaint}", cluster.name);
            Finding::new(Mark::Warn, PLACE, "roles", message)
        }));
    }
    let is_known = |fullname: &&String| {
        let (service, role) = fullname.split_once(':').unwrap_or_default();
        let mut services = known.iter();
        services.any(|one| one.name == service && one.roles.iter().any(|own| own == role))
    };
    let (there, made): (Vec<String>, Vec<String>) =
        roles.iter().cloned().partition(|role| is_known(&role));
    let mut say = |roles: &[String], what: &str| {
        if !roles.is_empty() {
            let message = format!("{what}: {}", named(roles));
            findings.push(Finding::new(Mark::Ok, PLACE, "roles", message));
        }
    };
    say(&there, "there");
    say(&made, "would be made");
    findings
}

/// The first few of the names.
fn named(names: &[String]) -> String {
    let first = names
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
