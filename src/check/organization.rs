//! Mackerel: the key, what it may do, what is there of the clusters' hosts and roles, and whether the
//! service exists that the heartbeat goes to. Roles need not exist: Mackerel makes those that a host
//! is given.

use chrono::{DateTime, Utc};

use super::{Check, Finding, Mark, clock, host};
use crate::config::Target;
use crate::mackerel::error::{Error, Kind};
use crate::model::inventory::Cluster;

/// What the place is called in findings.
pub const PLACE: &str = "Mackerel";

/// Tries the organization, with the clusters that would be its hosts.
pub async fn check(
    what: &Check<'_>,
    clusters: &[(&Target, Cluster)],
    wall_clock: &impl Fn() -> DateTime<Utc>,
) -> Vec<Finding> {
    let failed = |subject: &str, error: Error| {
        let is_unreached = matches!(error.kind, Kind::Passing { .. });
        let finding = Finding::new(Mark::Fail, PLACE, subject, error.message);
        match is_unreached {
            true => what.way(finding, &what.config.mackerel.api_base),
            false => finding,
        }
    };
    let Some(mackerel) = what.mackerel else {
        let finding = Finding::new(Mark::Fail, PLACE, "key", "no API key");
        return vec![finding.mend(
            "set MACKEREL_APIKEY to a key of your organization with read and write permission",
        )];
    };
    let (name, date) = match mackerel.organization().await {
        Ok(found) => found,
        Err(error) => return vec![failed("read", error)],
    };
    let mut findings: Vec<Finding> = clock(PLACE, date, wall_clock()).into_iter().collect();
    let organization = format!("organization {name}");
    findings.push(Finding::new(Mark::Ok, PLACE, "read", organization));
    findings.push(match mackerel.try_to_write().await {
        // What was posted is nothing at all: to be told that it is wrong is as good.
        Ok(()) => Finding::new(Mark::Ok, PLACE, "write", "allowed"),
        Err(error) if matches!(error.kind, Kind::Rejected | Kind::NotFound) => {
            Finding::new(Mark::Ok, PLACE, "write", "allowed")
        }
        Err(error) => failed("write", error),
    });
    match mackerel.hosts().await {
        Ok(known) => findings.extend(host::hosts(clusters, &what.config.host, &known)),
        Err(error) => findings.push(failed("hosts", error)),
    }
    let known = match mackerel.services().await {
        Ok(known) => known,
        Err(error) => {
            findings.push(failed("roles", error));
            return findings;
        }
    };
    findings.extend(host::roles(clusters, &what.config.host, &known));
    if let Some(service) = &what.config.heartbeat {
        findings.push(match known.iter().any(|one| one.name == *service) {
            true => Finding::new(Mark::Ok, PLACE, "heartbeat", format!("service {service}")),
            false => {
                let message = format!("there is no service {service}");
                Finding::new(Mark::Warn, PLACE, "heartbeat", message)
                    .mend("make it on Mackerel, or name another one as heartbeat.service")
            }
        });
    }
    findings
}
