//! Turns a configuration tree and the environment into a [`Setting`]: every key and variable, its
//! bounds and its default stand here and nowhere else. What mackerel-container-agent accepts is
//! accepted; a key that it would pass over in silence is passed over with a warning.

use std::path::PathBuf;
use std::time::Duration;

use super::merge::merged;
use super::program::{read_plugins, read_probe, surroundings};
use super::{
    ExtraMetrics, HostStatus, IdStore, Loaded, MemoryFormula, NamePattern, Platform, Setting,
};
use crate::config::Mistake;
use crate::config::node::{Node, Place, Value};
use crate::config::read::{api_base, api_key};
use crate::config::reader::{Section, list_of, one_of, unknown};
use crate::config::secret::Secret;
use crate::config::variable::{Variable, set_in};
use crate::model::role::RoleFullname;

/// Names what the task runs on.
pub const PLATFORM_VARIABLE: &str = "MACKEREL_CONTAINER_PLATFORM";

/// What separates the variables of the per-task mode from the poller's.
const OWN_PREFIX: &str = "MACKEREL_ECS_TASK_";

/// Variables that stand for a key of the file; where both are set, the file's value counts.
const VARIABLES: [Variable; 13] = [
    Variable::text("MACKEREL_APIKEY", "apikey"),
    Variable::text("MACKEREL_APIBASE", "apibase"),
    Variable::list("MACKEREL_ROLES", "roles"),
    Variable::text("MACKEREL_DISPLAY_NAME", "displayName"),
    Variable::text("MACKEREL_MEMO", "memo"),
    Variable::text("MACKEREL_IGNORE_CONTAINER", "ignoreContainer"),
    Variable::text("MACKEREL_HOST_STATUS_ON_START", "hostStatusOnStart"),
    Variable::text("MACKEREL_HOST_ID_STORE", "hostIdStore"),
    Variable::text("MACKEREL_ECS_TASK_RETIRE", "ecsTask.retire"),
    Variable::text("MACKEREL_ECS_TASK_MEMORY_FORMULA", "ecsTask.memoryFormula"),
    Variable::list("MACKEREL_ECS_TASK_EXTRA_METRICS", "ecsTask.extraMetrics"),
    Variable::text(
        "MACKEREL_ECS_TASK_CONTAINER_CHECKS",
        "ecsTask.containerChecks",
    ),
    Variable::text("MACKEREL_ECS_TASK_GRACE_SECONDS", "ecsTask.graceSeconds"),
];

/// Variables that mean something here, or to plugins, beside those.
const OTHER_VARIABLES: [&str; 5] = [
    PLATFORM_VARIABLE,
    super::load::FILE_VARIABLE,
    super::load::POLLING_VARIABLE,
    "MACKEREL_LOG_LEVEL",
    "MACKEREL_PLUGIN_WORKDIR",
];

/// What the task runs on. All that ECS is or was called is one code path.
const PLATFORMS: [(&str, Platform); 5] = [
    ("ecs", Platform::Ecs),
    ("fargate", Platform::Fargate),
    ("ecs_anywhere", Platform::EcsAnywhere),
    ("ecs_awsvpc", Platform::Ecs),
    ("ecs_v3", Platform::Ecs),
];

/// Platforms that mackerel-container-agent knows and this program does not.
const OTHER_PLATFORMS: [&str; 3] = ["kubernetes", "eks_fargate", "none"];

const STATUSES: [(&str, HostStatus); 4] = [
    ("working", HostStatus::Working),
    ("standby", HostStatus::Standby),
    ("maintenance", HostStatus::Maintenance),
    ("poweroff", HostStatus::Poweroff),
];

const STORES: [(&str, IdStore); 2] = [("file", IdStore::File), ("memory", IdStore::Memory)];

const FORMULAS: [(&str, MemoryFormula); 2] = [
    ("working-set", MemoryFormula::WorkingSet),
    ("agent", MemoryFormula::Agent),
];

type TurnOn = fn(&mut ExtraMetrics);

const EXTRA_METRICS: [(&str, TurnOn); 3] = [
    ("blockIo", |extra| extra.block_io = true),
    ("ephemeralStorage", |extra| extra.ephemeral_storage = true),
    ("cpuThrottling", |extra| extra.cpu_throttling = true),
];

const SWITCH: [(&str, bool); 2] = [("true", true), ("false", false)];

const DEFAULT_ROOT: &str = "/var/tmp/mackerel-container-agent";

/// ECS gives a container 30 s unless its definition says otherwise, 120 s at most on Fargate.
const DEFAULT_GRACE: u64 = 25;

/// Reads a tree beneath which the environment lies. Where something is wrong the warnings are
/// among the mistakes, because a key that is spelled wrong is often the reason.
pub fn read(root: Node, environment: &[(String, String)]) -> Result<Loaded, Vec<Mistake>> {
    let mut root = merged(root);
    for variable in &VARIABLES {
        if let Some(node) = variable.node(environment)
            && !is_set(&root, variable.key)
        {
            root.set(variable.key, node);
        }
    }
    let mut warnings = near_misses(environment);
    let mut mistakes = Vec::new();
    let w = &mut warnings;
    let m = &mut mistakes;

    let mut top = Section::open("", Some(&root), m);
    let is_missing = !is_set(&root, "apikey");
    let key = filled(&mut top, "apikey", m, api_key);
    if is_missing {
        m.push(Mistake::at(
            None,
            "no API key: set MACKEREL_APIKEY to a key of your Mackerel organization with read and \
             write permission, or apikey in the file",
        ));
    }
    let surroundings = surroundings(environment, key.as_ref());
    let (metric_plugins, check_plugins) =
        read_plugins(top.section("plugin", m), &surroundings, m, w);
    let probe = top.take("readinessProbe");
    let mut own = top.section("ecsTask", m);
    let setting = Setting {
        api_key: key.unwrap_or_else(|| Secret::new("")),
        api_base: filled(&mut top, "apibase", m, api_base)
            .unwrap_or_else(|| "https://api.mackerelio.com".into()),
        root: filled(&mut top, "root", m, |text| Ok(PathBuf::from(text)))
            .unwrap_or_else(|| DEFAULT_ROOT.into()),
        roles: read_roles(&mut top, m),
        display_name: read_display_name(&mut top, m, w),
        memo: filled(&mut top, "memo", m, text),
        ignore_container: filled(&mut top, "ignoreContainer", m, NamePattern::parse),
        status_on_start: filled(&mut top, "hostStatusOnStart", m, one_of(&STATUSES)),
        id_store: filled(&mut top, "hostIdStore", m, one_of(&STORES)).unwrap_or(IdStore::File),
        platform: read_platform(environment, m),
        retire: filled(&mut own, "retire", m, one_of(&SWITCH)).unwrap_or(true),
        memory_formula: filled(&mut own, "memoryFormula", m, one_of(&FORMULAS))
            .unwrap_or(MemoryFormula::WorkingSet),
        extra_metrics: read_extra_metrics(&mut own, m),
        container_checks: filled(&mut own, "containerChecks", m, one_of(&SWITCH)).unwrap_or(false),
        readiness_probe: probe.and_then(|node| read_probe(node, &surroundings, m, w)),
        metric_plugins,
        check_plugins,
        grace: Duration::from_secs(
            filled(&mut own, "graceSeconds", m, whole(1, 600)).unwrap_or(DEFAULT_GRACE),
        ),
    };
    own.finish(w);
    top.finish(w);
    match mistakes.is_empty() {
        true => Ok(Loaded {
            setting,
            warnings: in_order(warnings),
        }),
        false => Err(in_order([warnings, mistakes].concat())),
    }
}

/// As they stand in the file, what stands elsewhere first.
fn in_order(mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    mistakes.sort_by_key(|mistake| match mistake.place {
        Some(Place::File { line, column, .. }) => (line, column),
        _ => (0, 0),
    });
    mistakes
}

/// Whether the file has a value for the key.
fn is_set(root: &Node, path: &str) -> bool {
    let found = path
        .split('.')
        .try_fold(root, |node, key| match &node.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, node)| node),
            _ => None,
        });
    found.is_some_and(|node| !is_empty(&node.value))
}

/// Whether a value counts as absent. The agent takes an empty text and an empty list for none.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Scalar(text) => text.trim().is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(_) => false,
    }
}

/// A text as it is.
pub(super) fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// A value that counts as absent where it is empty, as the agent has it.
pub(super) fn filled<T>(
    section: &mut Section<'_>,
    key: &'static str,
    mistakes: &mut Vec<Mistake>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let parse = |text: &str| match text.trim() {
        "" => Ok(None),
        text => parse(text).map(Some),
    };
    section.value(key, mistakes, parse).flatten()
}

/// A whole number within bounds.
pub(super) fn whole(low: u64, high: u64) -> impl Fn(&str) -> Result<u64, String> {
    move |text| match text.parse() {
        Ok(number) if (low..=high).contains(&number) => Ok(number),
        _ => Err(format!(
            "is `{text}`, but must be a whole number from {low} to {high}"
        )),
    }
}

/// A list whose absence and emptiness are the same, as the agent has it.
fn list<T>(
    section: &mut Section<'_>,
    key: &'static str,
    m: &mut Vec<Mistake>,
    parse: impl FnMut(&str) -> Result<T, String>,
) -> Vec<T> {
    let path = section.path_of(key);
    match section.take(key) {
        Some(node) if !is_empty(&node.value) => list_of(&path, node, m, parse).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn read_roles(top: &mut Section<'_>, m: &mut Vec<Mistake>) -> Vec<RoleFullname> {
    list(top, "roles", m, |text| {
        RoleFullname::parse(text).map_err(|why| format!("is wrong: {why}"))
    })
}

/// The agent reads `displayName`; its documentation says `display_name`.
fn read_display_name(
    top: &mut Section<'_>,
    m: &mut Vec<Mistake>,
    w: &mut Vec<Mistake>,
) -> Option<String> {
    let other = top.may_hold("display_name");
    let first = filled(top, "displayName", m, text);
    let second = filled(top, "display_name", m, text);
    if first.is_some() && other {
        w.push(Mistake::at(
            top.place(),
            "displayName and display_name are both set; displayName counts",
        ));
    }
    first.or(second)
}

fn read_extra_metrics(own: &mut Section<'_>, m: &mut Vec<Mistake>) -> ExtraMetrics {
    let mut extra = ExtraMetrics::default();
    for turn_on in list(own, "extraMetrics", m, one_of(&EXTRA_METRICS)) {
        turn_on(&mut extra);
    }
    extra
}

fn read_platform(environment: &[(String, String)], m: &mut Vec<Mistake>) -> Platform {
    let Some(name) = set_in(environment, PLATFORM_VARIABLE) else {
        return Platform::Ecs;
    };
    if OTHER_PLATFORMS.contains(&name) {
        m.push(Mistake::at(
            Some(&Place::Variable(PLATFORM_VARIABLE)),
            format!("is `{name}`, but this program is for ECS alone; keep mackerel-container-agent there"),
        ));
        return Platform::Ecs;
    }
    one_of(&PLATFORMS)(name).unwrap_or_else(|why| {
        m.push(Mistake::at(Some(&Place::Variable(PLATFORM_VARIABLE)), why));
        Platform::Ecs
    })
}

/// Variables that look like a slip of the pen. Only our own prefix is wholly ours: of the others,
/// those are told that differ from a known name in one or two characters.
fn near_misses(environment: &[(String, String)]) -> Vec<Mistake> {
    let known: Vec<&str> = VARIABLES
        .iter()
        .map(|variable| variable.name)
        .chain(OTHER_VARIABLES)
        .collect();
    let own: Vec<&str> = known
        .iter()
        .filter_map(|name| name.strip_prefix(OWN_PREFIX))
        .collect();
    let mut warnings = Vec::new();
    for (name, _) in environment {
        if known.contains(&name.as_str()) {
            continue;
        }
        let what = format!("environment variable {name}");
        let near = |known: &&&str| strsim::levenshtein(name, known) <= 2;
        if let Some(rest) = name.strip_prefix(OWN_PREFIX) {
            let message = unknown(&what, OWN_PREFIX, rest, &own);
            warnings.push(Mistake::at(None, message));
        } else if let Some(candidate) = known.iter().find(near) {
            let message = format!("unknown {what}; did you mean `{candidate}`?");
            warnings.push(Mistake::at(None, message));
        }
    }
    warnings
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
