//! Turns a complete configuration tree, its defaults included, into a [`Config`]. Which keys there
//! are, with their bounds and defaults, stands in [`super::table`].

use core::net::SocketAddr;

use super::key::Span;
use super::node::Node;
use super::pattern::{NameFilter, Pattern, Patterns};
use super::reader::{Section, duration_within, list_of, one_of};
use super::secret::Secret;
use super::selection::Selection;
use super::table::{GRACE, INTERVAL, LOOKBACK, RELOAD, REREAD, RETIRE_AFTER, STATUSES};
use super::template::Template;
use super::{AssumedRole, Aws, CloudWatch, Config, Filter, Host, Mackerel, Mistake, Poll, Target};
use crate::model::catalog::Profile;
use crate::model::reader::Reader;
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
    let config = Config {
        mackerel: {
            // Of a configuration that is none, nothing in it is missing.
            let needs_key = needs_api_key && !top.is_wrong();
            read_mackerel(top.section("mackerel", m), needs_key, m)
        },
        targets: read_targets(&mut top, m),
        clusters: read_filter(top.section("clusters", m), m),
        services: read_filter(top.section("services", m), m),
        metrics: read_metrics(top.section("metrics", m), m),
        host: read_host(top.section("host", m), m),
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

fn read_targets(top: &mut Section<'_>, m: &mut Vec<Mistake>) -> Vec<Target> {
    let own = || Target {
        name: "default".into(),
        role: None,
        regions: Vec::new(),
    };
    let Some(written) = top.sections("targets", m) else {
        return vec![own()];
    };
    let mut targets: Vec<Target> = Vec::new();
    for (path, node) in written {
        let mut section = Section::open(&path, Some(node), m);
        let place = section.place().cloned();
        let assumes = section.may_hold("role_arn");
        let name = section.value("name", m, non_empty);
        let arn = section.value("role_arn", m, role_arn);
        let external_id = section.value("external_id", m, external_id);
        let session_name = section.value("session_name", m, session_name);
        let regions = read_regions(&mut section, m);
        section.finish(m);
        if !assumes && (external_id.is_some() || session_name.is_some()) {
            m.push(Mistake::at(
                place.as_ref(),
                format!("{path} has external_id or session_name but no role_arn to assume"),
            ));
        }
        let name = name.unwrap_or_else(|| match &arn {
            Some(arn) => arn.split(':').nth(4).unwrap_or_default().to_owned(),
            // A role that can't be read names nothing, so no other target may clash with it.
            None if assumes => path.clone(),
            None => own().name,
        });
        if let Some(twin) = targets.iter().position(|other| other.name == name) {
            m.push(Mistake::at(
                place.as_ref(),
                format!("{path} is called `{name}` like targets[{twin}]; give each its own `name`"),
            ));
        }
        targets.push(Target {
            name,
            role: arn.map(|arn| AssumedRole {
                arn,
                external_id,
                session_name: session_name.unwrap_or_else(|| "mackerel-ecs".into()),
            }),
            regions,
        });
    }
    targets
}

/// A Region that is named twice would be polled twice.
fn read_regions(section: &mut Section<'_>, m: &mut Vec<Mistake>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    let parse = |text: &str| {
        let region = region(text)?;
        if seen.contains(&region) {
            return Err(format!("is `{region}` a second time; name it once"));
        }
        seen.push(region.clone());
        Ok(region)
    };
    section.list("regions", m, parse).unwrap_or_default()
}

fn read_filter(mut section: Section<'_>, m: &mut Vec<Mistake>) -> Filter {
    let filter = Filter {
        names: NameFilter {
            include: patterns(&mut section, "include", m),
            exclude: patterns(&mut section, "exclude", m),
        },
        tags: read_tags(&mut section, "tags", m),
        exclude_tags: read_tags(&mut section, "exclude_tags", m),
    };
    section.finish(m);
    filter
}

fn read_tags(
    section: &mut Section<'_>,
    key: &'static str,
    m: &mut Vec<Mistake>,
) -> Vec<(String, Patterns)> {
    let mut inner = section.section(key, m);
    let mut tags = Vec::new();
    for (name, node) in inner.take_all() {
        if let Some(patterns) = list_of(&inner.path_of(name), node, m, Pattern::parse) {
            tags.push((name.to_owned(), Patterns::new(patterns)));
        }
    }
    tags
}

fn patterns(section: &mut Section<'_>, key: &'static str, m: &mut Vec<Mistake>) -> Patterns {
    Patterns::new(section.list(key, m, Pattern::parse).unwrap_or_default())
}

fn read_metrics(mut section: Section<'_>, m: &mut Vec<Mistake>) -> Selection {
    let profile = section
        .value("profile", m, one_of(&Profile::NAMES))
        .unwrap_or(Profile::Standard);
    let include = patterns(&mut section, "include", m);
    let exclude = patterns(&mut section, "exclude", m);
    section.finish(m);
    Selection {
        profile,
        include,
        exclude,
    }
}

fn read_host(mut section: Section<'_>, m: &mut Vec<Mistake>) -> Host {
    let host = Host {
        custom_identifier: section
            .value("custom_identifier", m, Template::parse_identity)
            .unwrap_or_default(),
        display_name: section.value("display_name", m, Template::parse),
        memo: section.value("memo", m, Template::parse),
        roles: {
            let parse =
                |text: &str| RoleFullname::parse(text).map_err(|why| format!("is wrong: {why}"));
            section.list("roles", m, parse).unwrap_or_default()
        },
        status: section.value("status", m, status).unwrap_or_default(),
        retire_after: section
            .value("retire_after", m, |text| match text {
                "off" => Ok(None),
                _ => duration_within(RETIRE_AFTER)(text).map(Some),
            })
            .flatten(),
    };
    section.finish(m);
    host
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

fn non_empty(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("is empty".into()),
        text => Ok(text.to_owned()),
    }
}

fn role_arn(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", "", account, role]
            if account.len() == 12
                && account.chars().all(|c| c.is_ascii_digit())
                && role.starts_with("role/")
                && role.len() > 5 =>
        {
            Ok(text.to_owned())
        }
        _ => Err(format!(
            "is `{text}`, which is no role; write arn:aws:iam::ACCOUNT:role/NAME"
        )),
    }
}

/// The rule is that of the AssumeRole request.
fn external_id(text: &str) -> Result<String, String> {
    text_within(text, 2..=1224, "+=,.@:/-_")
}

/// The rule is that of the AssumeRole request.
fn session_name(text: &str) -> Result<String, String> {
    text_within(text, 2..=64, "+=,.@-_")
}

fn text_within(
    text: &str,
    length: std::ops::RangeInclusive<usize>,
    signs: &str,
) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
    if length.contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "must be {} to {} letters, digits and {signs}",
            length.start(),
            length.end()
        ))
    }
}

fn region(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends_in_digit = text.ends_with(|c: char| c.is_ascii_digit());
    if text.chars().all(fits) && text.matches('-').count() >= 2 && ends_in_digit {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "is `{text}`, which is no Region; write it as ap-northeast-1"
        ))
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
