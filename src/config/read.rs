//! Turns a complete configuration tree, its defaults included, into a [`Config`]. Which keys there
//! are, with their bounds and defaults, stands in [`super::table`].

use core::net::SocketAddr;

use super::key::Span;
use super::node::Node;
use super::reader::{Section, duration_within, one_of};
use super::secret::Secret;
use super::table::{GRACE, INTERVAL, LOOKBACK, RELOAD, REREAD, RETIRE_AFTER, STATUSES};
use super::target::{read_filter, read_metrics, read_roles, read_targets};
use super::template::Template;
use super::{Aws, CloudWatch, Config, Filter, Host, Mackerel, Mistake, Poll, Target};
use crate::model::reader::Reader;
use crate::model::region::Regions;
use crate::model::role::RoleFullname;
use crate::model::shard::Shard;

/// More shards than anybody has clusters.
const MOST_SHARDS: u32 = 10_000;

/// The calls that read CloudWatch, under the names that AWS gives them.
const READERS: [(&str, Option<Reader>); 3] = [
    ("auto", None),
    ("get_metric_statistics", Some(Reader::Statistics)),
    ("get_metric_data", Some(Reader::Data)),
];

/// Reads a tree that [`super::key::complete`] has completed. `needs_api_key` is false where nothing is
/// sent to Mackerel. What can't be read counts as anything, for it makes a mistake of the whole.
pub fn read(root: &Node, needs_api_key: bool) -> Result<Config, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let m = &mut mistakes;
    let mut top = Section::open("", Some(root), m);
    // Of a configuration that is none, nothing in it is missing.
    let needs_key = needs_api_key && !top.is_wrong();
    let mackerel = read_mackerel(top.section("mackerel", m), needs_key, m);
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
        reload: top
            .value("reload", m, |text| match text {
                "auto" => Ok(None),
                _ => duration_within(RELOAD)(text).map(Some),
            })
            .flatten(),
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
    let api_base = section.value("apibase", m, api_base);
    section.finish(m);
    Mackerel {
        api_key,
        api_base: api_base.unwrap_or_default(),
    }
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
        status: section.value("status", m, status).unwrap_or_default(),
        retire_after: section
            .value("retire_after", m, |text| match text {
                "off" => Ok(None),
                _ => duration_within(RETIRE_AFTER)(text).map(Some),
            })
            .flatten(),
    };
    section.finish(m);
    (host, roles)
}

fn status(text: &str) -> Result<&'static str, String> {
    let same: Vec<_> = STATUSES.iter().map(|name| (*name, *name)).collect();
    one_of(&same)(text)
}

fn read_poll(mut section: Section<'_>, m: &mut Vec<Mistake>) -> Poll {
    let mut within = |key, span: Span| {
        let value = section.value(key, m, duration_within(span));
        value.unwrap_or_default()
    };
    let poll = Poll {
        interval: within("interval", INTERVAL),
        settle: within("settle", REREAD),
        overlap: within("overlap", REREAD),
        lookback: within("lookback", LOOKBACK),
        grace: within("grace", GRACE),
    };
    section.finish(m);
    poll
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
        rate_share: rate_share.flatten(),
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
        let value = duration_within(INTERVAL)(text)?;
        Ok(Some(value.as_secs() as i64 / 60))
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
        monthly_budget_usd: budget.unwrap_or_default(),
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
