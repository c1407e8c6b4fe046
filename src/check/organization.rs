//! Mackerel: the key, what it may do, and whether the service exists that the heartbeat goes to.
//! Roles need not exist: Mackerel makes those that a host is given.

use chrono::{DateTime, Utc};

use super::{Check, Finding, Mark, clock};
use crate::mackerel::error::{Error, Kind};

const PLACE: &str = "Mackerel";

/// Tries the organization.
pub async fn check(what: &Check<'_>, wall_clock: &impl Fn() -> DateTime<Utc>) -> Vec<Finding> {
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
    if let Some(service) = &what.config.heartbeat {
        findings.push(match mackerel.services().await {
            Ok(known) if known.contains(service) => {
                Finding::new(Mark::Ok, PLACE, "heartbeat", format!("service {service}"))
            }
            Ok(_) => {
                let message = format!("there is no service {service}");
                Finding::new(Mark::Warn, PLACE, "heartbeat", message)
                    .mend("make it on Mackerel, or name another one as heartbeat.service")
            }
            Err(error) => failed("heartbeat", error),
        });
    }
    findings
}

fn failed(subject: &str, error: Error) -> Finding {
    Finding::new(Mark::Fail, PLACE, subject, error.message)
}
