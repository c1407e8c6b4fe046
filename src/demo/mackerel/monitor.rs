//! What a client sent as a monitor becomes a monitor that is valid, or a refusal that names the field.
//! One table holds the fields of every documented type; keys that are not in it are left out.

use serde_json::{Map, Value, json};

use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::Fields;
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::role::StoredService;

/// What a field holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A string that is not empty.
    Text,
    /// Any string.
    AnyText,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A number.
    Number,
    /// A whole number from one to another, both included.
    Whole(i64, i64),
    /// Minutes in tens, at most a week.
    Tens,
    /// A boolean.
    Flag,
    /// Names of services, and of roles as `service: role`, that exist.
    Scopes,
    /// Objects with `name` and `value`.
    Headers,
    /// An address that begins with `http://` or `https://`.
    Url,
    /// The name of a service that exists.
    Service,
    /// Epoch seconds that are not ahead.
    Past,
}

/// Whether a field may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

use Kind::{AnyText, Flag, Headers, Number, Past, Scopes, Service, Tens, Text, Url, Whole, Word};
use Presence::{Optional, Required};

type Field = (&'static str, Kind, Presence);

const OPERATORS: Kind = Word(&[">", "<"]);
const ATTEMPTS: Field = ("maxCheckAttempts", Whole(1, 10), Optional);
const SENSITIVITY: Kind = Word(&["insensitive", "normal", "sensitive"]);

/// What every type has besides its name.
const COMMON: &[Field] = &[
    ("memo", AnyText, Optional),
    ("isMute", Flag, Optional),
    ("notificationInterval", Whole(10, i64::MAX), Optional),
];

/// Each type with its own fields.
const TYPES: &[(&str, &[Field])] = &[
    (
        "host",
        &[
            ("metric", Text, Required),
            ("operator", OPERATORS, Required),
            ("warning", Number, Optional),
            ("critical", Number, Optional),
            ("duration", Whole(1, 10), Required),
            ATTEMPTS,
            ("scopes", Scopes, Optional),
            ("excludeScopes", Scopes, Optional),
        ],
    ),
    (
        "connectivity",
        &[
            (
                "alertStatusOnGone",
                Word(&["CRITICAL", "WARNING"]),
                Optional,
            ),
            ("scopes", Scopes, Optional),
            ("excludeScopes", Scopes, Optional),
        ],
    ),
    (
        "service",
        &[
            ("service", Service, Required),
            ("metric", Text, Required),
            ("operator", OPERATORS, Required),
            ("warning", Number, Optional),
            ("critical", Number, Optional),
            ("duration", Whole(1, 10), Required),
            ATTEMPTS,
            ("missingDurationWarning", Tens, Optional),
            ("missingDurationCritical", Tens, Optional),
        ],
    ),
    (
        "external",
        &[
            ("url", Url, Required),
            ("method", Word(&["GET", "POST", "PUT", "DELETE"]), Optional),
            ("service", Service, Optional),
            ATTEMPTS,
            ("responseTimeDuration", Whole(1, 10), Optional),
            ("responseTimeWarning", Number, Optional),
            ("responseTimeCritical", Number, Optional),
            ("containsString", AnyText, Optional),
            ("expectedStatusCode", Whole(100, 599), Optional),
            (
                "certificationExpirationWarning",
                Whole(0, i64::MAX),
                Optional,
            ),
            (
                "certificationExpirationCritical",
                Whole(0, i64::MAX),
                Optional,
            ),
            ("skipCertificateVerification", Flag, Optional),
            ("headers", Headers, Optional),
            ("requestBody", AnyText, Optional),
            ("followRedirect", Flag, Optional),
            ("dualstack", Word(&["ipv4", "ipv6", "auto"]), Optional),
        ],
    ),
    (
        "expression",
        &[
            ("expression", Text, Required),
            ("operator", OPERATORS, Required),
            ("warning", Number, Optional),
            ("critical", Number, Optional),
            ("evaluateBackwardMinutes", Whole(2, 10), Optional),
        ],
    ),
    (
        "query",
        &[
            ("query", Text, Required),
            ("legend", AnyText, Optional),
            ("operator", OPERATORS, Required),
            ("warning", Number, Optional),
            ("critical", Number, Optional),
            ("evaluateBackwardMinutes", Whole(0, 10), Optional),
        ],
    ),
    (
        "anomalyDetection",
        &[
            ("scopes", Scopes, Optional),
            ("warningSensitivity", SENSITIVITY, Optional),
            ("criticalSensitivity", SENSITIVITY, Optional),
            ATTEMPTS,
            ("trainingPeriodFrom", Past, Optional),
        ],
    ),
];

/// Metrics that are a share of a whole, in percent.
const RATES: [&str; 6] = [
    "cpu%",
    "memory%",
    "disk%",
    "swap%",
    "container-cpu%",
    "container-memory%",
];

/// What a monitor is judged against while it is read.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The services and roles there are.
    pub services: &'a [StoredService],
    /// The present moment in epoch seconds.
    pub now: i64,
}

/// A valid monitor without an id, from what a client sent; `before` is the one that it replaces.
///
/// # Errors
///
/// 400 that names the field.
pub fn read(
    fields: &Fields<'_>,
    known: Known<'_>,
    before: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, Refusal> {
    let kind = fields.text("type")?;
    let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
    let (_, own) = TYPES
        .iter()
        .find(|(name, _)| *name == kind)
        .ok_or_else(|| fields.refuse("type", &format!("must be one of {}", names.join(", "))))?;
    if before.is_some_and(|before| before.get("type") != Some(&json!(kind))) {
        return Err(fields.refuse("type", "cannot be changed"));
    }
    let mut monitor = Map::from_iter([("type".to_owned(), json!(kind))]);
    monitor.insert("name".to_owned(), json!(name(fields, kind)?));
    for (key, kind, presence) in COMMON.iter().chain(*own) {
        match value(fields, key, *kind, known)? {
            Some(value) => drop(monitor.insert((*key).to_owned(), value)),
            None if *presence == Required => return Err(fields.refuse(key, "is required")),
            None => {}
        }
    }
    keep_or_default(&mut monitor, kind, before);
    check(fields, &monitor)?;
    Ok(monitor)
}

/// What is kept of the monitor before where the field is left out, and what stands for a field that
/// was never given.
fn keep_or_default(
    monitor: &mut Map<String, Value>,
    kind: &str,
    before: Option<&Map<String, Value>>,
) {
    for key in ["alertStatusOnGone", "headers"] {
        if let (None, Some(kept)) = (monitor.get(key), before.and_then(|before| before.get(key))) {
            monitor.insert(key.to_owned(), kept.clone());
        }
    }
    let defaults: &[(&str, Value)] = match kind {
        "host" => &[
            ("maxCheckAttempts", json!(1)),
            ("scopes", json!([])),
            ("excludeScopes", json!([])),
        ],
        "connectivity" => &[
            ("alertStatusOnGone", json!("CRITICAL")),
            ("scopes", json!([])),
            ("excludeScopes", json!([])),
        ],
        "service" => &[("maxCheckAttempts", json!(1))],
        "external" => &[("maxCheckAttempts", json!(1)), ("method", json!("GET"))],
        "anomalyDetection" => &[("maxCheckAttempts", json!(3)), ("scopes", json!([]))],
        _ => &[],
    };
    for (key, value) in defaults {
        monitor.entry(*key).or_insert_with(|| value.clone());
    }
}

fn name(fields: &Fields<'_>, kind: &str) -> Result<String, Refusal> {
    match (fields.optional_text("name")?, kind) {
        (None, "connectivity") => Ok("connectivity".to_owned()),
        (Some(name), _) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(fields.refuse("name", "is required and must not be empty")),
    }
}

fn value(
    fields: &Fields<'_>,
    key: &str,
    kind: Kind,
    known: Known<'_>,
) -> Result<Option<Value>, Refusal> {
    let wrong = |what: &str| Err(fields.refuse(key, what));
    Ok(match kind {
        Text | AnyText | Word(_) | Url | Service => {
            let Some(text) = fields.optional_text(key)? else {
                return Ok(None);
            };
            match kind {
                Text if text.is_empty() => return wrong("must not be empty"),
                Word(words) if !words.contains(&text) => {
                    return wrong(&format!("must be one of {}", words.join(", ")));
                }
                Url if !["http://", "https://"]
                    .iter()
                    .any(|scheme| text.starts_with(scheme)) =>
                {
                    return wrong("must begin with http:// or https://");
                }
                Service if !is_scope(text, known.services) || text.contains(':') => {
                    return wrong(&format!("names no service: {text:?}"));
                }
                _ => Some(json!(text)),
            }
        }
        Number => fields.optional_number(key)?.map(|number| json!(number)),
        Whole(least, most) => match fields.optional_whole(key)? {
            Some(number) if number < least => return wrong(&format!("must be at least {least}")),
            Some(number) if number > most => return wrong(&format!("must be at most {most}")),
            number => number.map(|number| json!(number)),
        },
        Tens => match fields.optional_whole(key)? {
            Some(minutes) if minutes % 10 != 0 || !(10..=7 * 24 * 60).contains(&minutes) => {
                return wrong("must be minutes in tens, at most a week");
            }
            minutes => minutes.map(|minutes| json!(minutes)),
        },
        Past => match fields.optional_whole(key)? {
            Some(time) if time > known.now => return wrong("must not be ahead of time"),
            time => time.map(|time| json!(time)),
        },
        Flag => fields.optional_flag(key)?.map(|flag| json!(flag)),
        Scopes => {
            let scopes = fields.optional_texts(key)?;
            for scope in scopes.iter().flatten() {
                if !is_scope(scope, known.services) {
                    return wrong(&format!("names no service or role: {scope:?}"));
                }
            }
            scopes.map(|scopes| json!(scopes))
        }
        Headers => {
            for header in fields.optional_elements(key)? {
                header.text("name")?;
                header.text("value")?;
            }
            fields.optional_list(key)?.map(|list| json!(list))
        }
    })
}

/// The rules that span more than one field.
fn check(fields: &Fields<'_>, monitor: &Map<String, Value>) -> Result<(), Refusal> {
    let memo = monitor
        .get("memo")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if memo.chars().count() > rule::MONITOR_MEMO_MAX_CHARS {
        return Err(fields.refuse("memo", "must be at most 2048 characters"));
    }
    let has = |key: &str| monitor.contains_key(key);
    match monitor.get("type").and_then(Value::as_str) {
        Some("host") => {
            let metric = monitor
                .get("metric")
                .and_then(Value::as_str)
                .unwrap_or_default();
            for key in ["warning", "critical"] {
                let percent = monitor.get(key).and_then(Value::as_f64);
                if RATES.contains(&metric) && !percent.is_none_or(|it| (0.0..=100.0).contains(&it))
                {
                    return Err(fields.refuse(key, "must be from 0 to 100 for a share"));
                }
            }
        }
        Some("external") if !has("service") => {
            for key in [
                "responseTimeDuration",
                "responseTimeWarning",
                "responseTimeCritical",
            ] {
                if has(key) {
                    return Err(fields.refuse(key, "needs a `service`"));
                }
            }
        }
        Some("anomalyDetection") if !has("warningSensitivity") && !has("criticalSensitivity") => {
            return Err(fields.refuse("warningSensitivity", "or `criticalSensitivity` is required"));
        }
        _ => {}
    }
    Ok(())
}

/// Splits `service` or `service: role`; blanks after the colon are left out.
pub fn split_scope(scope: &str) -> (&str, Option<&str>) {
    match scope.split_once(':') {
        Some((service, role)) => (service, Some(role.trim_start())),
        None => (scope, None),
    }
}

fn is_scope(scope: &str, services: &[StoredService]) -> bool {
    let (service, role) = split_scope(scope);
    services.iter().any(|known| {
        known.name == service
            && role.is_none_or(|role| known.roles.iter().any(|known| known == role))
    })
}

/// Whether a host with these roles, as pairs of service and role, is one that the monitor watches:
/// in any of the scopes, or in all where there is none, and in no excluded one.
pub fn covers(monitor: &Map<String, Value>, roles: &[(String, String)]) -> bool {
    let inside = |key: &str| {
        let scopes = monitor.get(key).and_then(Value::as_array);
        let mut scopes = scopes.into_iter().flatten().filter_map(Value::as_str);
        scopes.any(|scope| {
            let (service, role) = split_scope(scope);
            roles
                .iter()
                .any(|(of, name)| of == service && role.is_none_or(|role| role == name))
        })
    };
    let everywhere = monitor
        .get("scopes")
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty);
    (everywhere || inside("scopes")) && !inside("excludeScopes")
}
