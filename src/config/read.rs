//! Turns a configuration tree into a [`Config`]: every key, its type, its bounds and its default
//! stand here and in [`super::target`], and nowhere else.

use core::net::SocketAddr;
use std::time::Duration;

use super::node::Node;
use super::reader::{Section, duration_within, one_of};
use super::secret::Secret;
use super::target::{read_filter, read_metrics, read_roles, read_targets};
use super::template::Template;
use super::{Aws, CloudWatch, Config, Filter, Host, Mackerel, Mistake, Poll, Target};
use crate::model::reader::Reader;
use crate::model::region::Regions;
use crate::model::role::RoleFullname;
use crate::model::shard::Shard;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Mackerel drops points that are older than this, so that reading further back is for nothing.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Host statuses that Mackerel knows.
const STATUSES: [(&str, &str); 4] = [
    ("working", "working"),
    ("standby", "standby"),
    ("maintenance", "maintenance"),
    ("poweroff", "poweroff"),
];

/// More shards than anybody has clusters.
const MOST_SHARDS: u32 = 10_000;

/// The calls that read CloudWatch, under the names that AWS gives them.
const READERS: [(&str, Option<Reader>); 3] = [
    ("auto", None),
    ("get_metric_statistics", Some(Reader::Statistics)),
    ("get_metric_data", Some(Reader::Data)),
];

/// Reads a tree. `needs_api_key` is false where nothing is sent to Mackerel.
pub fn read(root: &Node, needs_api_key: bool) -> Result<Config, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let m = &mut mistakes;
    let mut top = Section::open("", Some(root), m);
    let mackerel = read_mackerel(top.section("mackerel", m), needs_api_key, m);
    let written = top.sections("targets", m);
    // What stands below the targets counts for those that say nothing else; its mistakes come later.
    let mut below = Vec::new();
    let b = &mut below;
    let nothing = Filter::default();
    let clusters = read_filter(top.section("clusters", b), &nothing, b);
    let services = read_filter(top.section("services", b), &nothing, b);
    let metrics = read_metrics(top.section("metrics", b), None, b);
    let (host, roles) = read_host(top.section("host", b), b);
    let own = Target {
        name: "default".into(),
        role: None,
        regions: Regions::Home,
        clusters,
        services,
        metrics,
        roles,
    };
    let targets = read_targets(written, own, m);
    m.append(&mut below);
    let config = Config {
        mackerel,
        targets,
        host,
        poll: read_poll(top.section("poll", m), m),
        aws: read_aws(top.section("aws", m), m),
        cloudwatch: read_cloudwatch(top.section("cloudwatch", m), m),
        shard: top.value("shard", m, shard),
        heartbeat: {
            let mut section = top.section("heartbeat", m);
            let service = section.value("service", m, RoleFullname::parse_service);
            section.finish(m);
            service
        },
        listen: {
            let mut section = top.section("http", m);
            let address = section.value("listen", m, listen);
            section.finish(m);
            address.flatten()
        },
    };
    top.finish(m);
    if mistakes.is_empty() {
        Ok(config)
    } else {
        Err(mistakes)
    }
}

fn read_mackerel(mut section: Section<'_>, needs_key: bool, m: &mut Vec<Mistake>) -> Mackerel {
    if needs_key && !section.may_hold("apikey") {
        m.push(Mistake::at(
            None,
            "no API key: set MACKEREL_APIKEY to a key of your Mackerel organization with read and \
             write permission, or mackerel.apikey in the file",
        ));
    }
    let api_key = section.value("apikey", m, api_key);
    let api_base = section
        .value("apibase", m, api_base)
        .unwrap_or_else(|| "https://api.mackerelio.com".into());
    section.finish(m);
    Mackerel { api_key, api_base }
}

/// An API key. What is wrong is told without the text: the key is a secret.
pub fn api_key(text: &str) -> Result<Secret, String> {
    match text.trim() {
        "" => Err("is empty; give it the key of your Mackerel organization".into()),
        key if key.chars().any(|c| !c.is_ascii_graphic()) => {
            Err("holds a blank or another character that no API key has".into())
        }
        key => Ok(Secret::new(key)),
    }
}

/// The API's base, without a final slash.
pub fn api_base(text: &str) -> Result<String, String> {
    if text.contains('@') {
        return Err("must not hold a user or password; the API key is all that is needed".into());
    }
    let wrong = || format!("is `{text}`, but must be a URL such as https://api.mackerelio.com");
    let url: http::Uri = text.parse().map_err(|_| wrong())?;
    let has_scheme = matches!(url.scheme_str(), Some("https" | "http"));
    if !has_scheme || url.host().is_none() || url.query().is_some() {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn read_host(mut section: Section<'_>, m: &mut Vec<Mistake>) -> (Host, Vec<RoleFullname>) {
    let roles = read_roles(&mut section, m).unwrap_or_default();
    let host = Host {
        custom_identifier: section
            .value("custom_identifier", m, Template::parse_identity)
            .unwrap_or_default(),
        display_name: section.value("display_name", m, Template::parse),
        memo: section.value("memo", m, Template::parse),
        status: section
            .value("status", m, one_of(&STATUSES))
            .unwrap_or("working"),
        retire_after: section
            .value("retire_after", m, |text| match text {
                "off" => Ok(None),
                _ => duration_within(10 * MINUTE, 30 * DAY)(text).map(Some),
            })
            .flatten(),
    };
    section.finish(m);
    (host, roles)
}

fn read_poll(mut section: Section<'_>, m: &mut Vec<Mistake>) -> Poll {
    let interval = section.value("interval", m, |text| {
        let value = duration_within(MINUTE, HOUR)(text)?;
        if value.as_secs() % 60 != 0 {
            return Err(format!("is `{text}`, but must be whole minutes such as 1m"));
        }
        Ok(value)
    });
    let mut within = |key, low, high, default| {
        section
            .value(key, m, duration_within(low, high))
            .unwrap_or(default)
    };
    let settle = within("settle", Duration::ZERO, HOUR, MINUTE);
    let overlap = within("overlap", Duration::ZERO, HOUR, 10 * MINUTE);
    let lookback = within("lookback", MINUTE, DAY, HOUR);
    let grace = within(
        "grace",
        Duration::from_secs(1),
        10 * MINUTE,
        Duration::from_secs(25),
    );
    section.finish(m);
    Poll {
        interval: interval.unwrap_or(MINUTE),
        settle,
        overlap,
        lookback,
        grace,
    }
}

fn read_aws(mut section: Section<'_>, m: &mut Vec<Mistake>) -> Aws {
    let rate_share = section.value("rate_share", m, |text| match text.parse::<f64>() {
        _ if text == "off" => Ok(None),
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(Some(share)),
        _ => Err(format!(
            "is `{text}`, but must be above 0 and up to 1, or off"
        )),
    });
    section.finish(m);
    Aws {
        rate_share: rate_share.unwrap_or(Some(0.5)),
    }
}

/// Which shard, from 0, of how many.
fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/');
    let numbers = parts
        .and_then(|(index, count)| Some((index.trim().parse().ok()?, count.trim().parse().ok()?)));
    match numbers {
        Some((index, count)) if index < count && count <= MOST_SHARDS => Ok(Shard { index, count }),
        _ => Err(format!(
            "is `{text}`, but must be INDEX/COUNT, the index from 0 and below the count, such as 0/4, \
             or job/4 where a job of AWS Batch or Kubernetes tells the index"
        )),
    }
}

fn read_cloudwatch(mut section: Section<'_>, m: &mut Vec<Mistake>) -> CloudWatch {
    let interval = section.value("interval", m, |text| {
        if text == "auto" {
            return Ok(None);
        }
        let value = duration_within(MINUTE, HOUR)(text)?;
        match value.as_secs() % 60 {
            0 => Ok(Some(value.as_secs() as i64 / 60)),
            _ => Err(format!(
                "is `{text}`, but must be auto or whole minutes such as 5m"
            )),
        }
    });
    let budget = section.value("monthly_budget_usd", m, |text| match text.parse::<f64>() {
        Ok(usd) if usd.is_finite() && usd >= 0.0 => Ok(usd),
        _ => Err(format!(
            "is `{text}`, but must be an amount in US dollars, 0 or more"
        )),
    });
    let reader = section.value("reader", m, one_of(&READERS));
    section.finish(m);
    CloudWatch {
        reader: reader.flatten(),
        interval: interval.flatten(),
        monthly_budget_usd: budget.unwrap_or(0.0),
    }
}

fn listen(text: &str) -> Result<Option<SocketAddr>, String> {
    match text.parse() {
        _ if text == "off" => Ok(None),
        Ok(address) => Ok(Some(address)),
        Err(_) => Err(format!(
            "is `{text}`, but must be an address with a port such as 127.0.0.1:9808, or off"
        )),
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
