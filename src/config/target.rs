//! Reads what is polled: the targets, and for all of them or for one which clusters, services and
//! metrics.

use super::node::Node;
use super::pattern::{NameFilter, Pattern, Patterns};
use super::reader::{Section, list_of, one_of};
use super::selection::Selection;
use super::{AssumedRole, Filter, Mistake, Target};
use crate::model::catalog::Profile;
use crate::model::region::Regions;
use crate::model::role::RoleFullname;

const SWITCH: [(&str, bool); 2] = [("off", false), ("on", true)];

/// The targets that are written, else the poller's own. What a target does not say of its clusters,
/// services, metrics and roles is as its own has it.
pub(super) fn read_targets(
    written: Option<Vec<(String, &Node)>>,
    own: Target,
    m: &mut Vec<Mistake>,
) -> Vec<Target> {
    let Some(written) = written else {
        return vec![own];
    };
    // Those whose account is known.
    let mut known: Vec<bool> = Vec::new();
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
        let clusters = read_filter(section.section("clusters", m), &own.clusters, m);
        let services = read_filter(section.section("services", m), &own.services, m);
        let metrics = read_metrics(section.section("metrics", m), Some(&own.metrics), m);
        let roles = read_roles(&mut section, m).unwrap_or_else(|| own.roles.clone());
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
            None => own.name.clone(),
        });
        let target = Target {
            name,
            role: arn.map(|arn| AssumedRole {
                arn,
                external_id,
                session_name: session_name.unwrap_or_else(|| "mackerel-ecs".into()),
            }),
            regions,
            clusters,
            services,
            metrics,
            roles,
        };
        known.push(target.role.is_some() || !assumes);
        targets.push(target);
        if let Some(wrong) = clash(&path, &targets, &known) {
            m.push(Mistake::at(place.as_ref(), wrong));
        }
    }
    targets
}

/// What the last target has that another one has already: its name, or a Region of an account, whose
/// clusters would be polled twice. `known` tells of which targets the account is known.
fn clash(path: &str, targets: &[Target], known: &[bool]) -> Option<String> {
    let (target, others) = targets.split_last()?;
    let (is_known, known) = known.split_last()?;
    let name = &target.name;
    if let Some(twin) = others.iter().position(|other| other.name == *name) {
        return Some(format!(
            "{path} is called `{name}` like targets[{twin}]; give each its own `name`"
        ));
    }
    let account = target.account();
    others.iter().enumerate().find_map(|(twin, other)| {
        let same_account = *is_known && known[twin] && other.account() == account;
        let shared = target.regions.overlap(&other.regions).filter(|_| same_account)?;
        let of = account.map_or("the poller's own account".into(), |id| format!("account {id}"));
        Some(match shared {
            Some(region) => format!(
                "{path} has {region} of {of} like targets[{twin}]; name it in one of them"
            ),
            None => format!(
                "{path} may have the same Regions of {of} as targets[{twin}]; name the `regions` of each"
            ),
        })
    })
}

/// A Region that is named twice would be polled twice.
fn read_regions(section: &mut Section<'_>, m: &mut Vec<Mistake>) -> Regions {
    let mut seen: Vec<String> = Vec::new();
    let mut all = false;
    let parse = |text: &str| {
        let region = match text {
            Regions::ALL => text.to_owned(),
            _ => region(text)?,
        };
        if all || (text == Regions::ALL && !seen.is_empty()) {
            return Err(format!(
                "is `{text}` beside others; all of them are `regions: all`"
            ));
        }
        all = text == Regions::ALL;
        if seen.contains(&region) {
            return Err(format!("is `{region}` a second time; name it once"));
        }
        seen.push(region.clone());
        Ok(region)
    };
    match section.list("regions", m, parse) {
        None => Regions::Home,
        Some(_) if all => Regions::All,
        Some(names) => Regions::Named(names),
    }
}

/// A filter; keys that are not written are as in another one.
pub(super) fn read_filter(
    mut section: Section<'_>,
    other: &Filter,
    m: &mut Vec<Mistake>,
) -> Filter {
    let names = &other.names;
    let filter = Filter {
        names: NameFilter {
            include: patterns(&mut section, "include", Some(&names.include), m),
            exclude: patterns(&mut section, "exclude", Some(&names.exclude), m),
        },
        tags: read_tags(&mut section, "tags", &other.tags, m),
        exclude_tags: read_tags(&mut section, "exclude_tags", &other.exclude_tags, m),
    };
    section.finish(m);
    filter
}

fn read_tags(
    section: &mut Section<'_>,
    key: &'static str,
    other: &[(String, Patterns)],
    m: &mut Vec<Mistake>,
) -> Vec<(String, Patterns)> {
    if !section.may_hold(key) {
        section.take(key);
        return other.to_vec();
    }
    let mut inner = section.section(key, m);
    let mut tags = Vec::new();
    for (name, node) in inner.take_all() {
        if let Some(patterns) = list_of(&inner.path_of(name), node, m, Pattern::parse) {
            tags.push((name.to_owned(), Patterns::new(patterns)));
        }
    }
    tags
}

fn patterns(
    section: &mut Section<'_>,
    key: &'static str,
    other: Option<&Patterns>,
    m: &mut Vec<Mistake>,
) -> Patterns {
    match section.list(key, m, Pattern::parse) {
        Some(patterns) => Patterns::new(patterns),
        None => other.cloned().unwrap_or_default(),
    }
}

/// A selection; keys that are not written are as in another one.
pub(super) fn read_metrics(
    mut section: Section<'_>,
    other: Option<&Selection>,
    m: &mut Vec<Mistake>,
) -> Selection {
    let profile = section
        .value("profile", m, one_of(&Profile::NAMES))
        .unwrap_or_else(|| other.map_or(Profile::Standard, |other| other.profile));
    let container_insights = section
        .value("container_insights", m, one_of(&SWITCH))
        .unwrap_or_else(|| other.is_some_and(|other| other.container_insights));
    let include = patterns(&mut section, "include", other.map(|o| &o.include), m);
    let exclude = patterns(&mut section, "exclude", other.map(|o| &o.exclude), m);
    section.finish(m);
    Selection {
        profile,
        container_insights,
        include,
        exclude,
    }
}

pub(super) fn read_roles(
    section: &mut Section<'_>,
    m: &mut Vec<Mistake>,
) -> Option<Vec<RoleFullname>> {
    let parse = |text: &str| RoleFullname::parse(text).map_err(|why| format!("is wrong: {why}"));
    section.list("roles", m, parse)
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
