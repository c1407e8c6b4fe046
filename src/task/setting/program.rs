//! Reads the parts of the configuration that name the user's own programs: plugins and the
//! readiness probe.

use std::collections::BTreeMap;
use std::time::Duration;

use super::read::{filled, text, whole};
use crate::config::Mistake;
use crate::config::node::{Node, Value};
use crate::config::reader::{Section, list_of, one_of};
use crate::config::secret::Secret;
use crate::task::plugin::{CheckPlugin, Command, MetricPlugin};
use crate::task::probe::{Attempt, HttpAttempt, Probe};

/// What a program sees of the environment.
type Environment = BTreeMap<String, Secret>;

/// How long a plugin may take, unless its `timeoutSeconds` is above 0.
const PLUGIN_TIMEOUT: u64 = 30;

/// A day: above every time that makes sense for a plugin or a probe.
const LONGEST: u64 = 24 * 3600;

/// What programs get of our own environment: all but the API key, which is none of their
/// business, under whatever name it stands.
pub(super) fn surroundings(
    environment: &[(String, String)],
    api_key: Option<&Secret>,
) -> Environment {
    let holds_key = |name: &str, value: &str| {
        name == "MACKEREL_APIKEY" || api_key.is_some_and(|key| value.contains(key.reveal()))
    };
    environment
        .iter()
        .filter(|(name, value)| !holds_key(name, value))
        .map(|(name, value)| (name.clone(), Secret::new(value.as_str())))
        .collect()
}

/// Reads `plugin`, each kind in the order of the names.
pub(super) fn read_plugins(
    mut section: Section<'_>,
    surroundings: &Environment,
    m: &mut Vec<Mistake>,
    w: &mut Vec<Mistake>,
) -> (Vec<MetricPlugin>, Vec<CheckPlugin>) {
    let mut metrics = Vec::new();
    for (name, mut entry) in entries(&mut section, "metrics", m) {
        let command = read_plugin_command(&mut entry, surroundings, m);
        entry.finish(w);
        metrics.extend(command.map(|command| MetricPlugin { name, command }));
    }
    let mut checks = Vec::new();
    for (name, mut entry) in entries(&mut section, "checks", m) {
        let command = read_plugin_command(&mut entry, surroundings, m);
        let memo = filled(&mut entry, "memo", m, text);
        let mut number = |key, low, high| filled(&mut entry, key, m, whole(low, high));
        // Mackerel takes anything below 10 for 10.
        let notification_interval = number("notificationInterval", 10, 60 * 24 * 365);
        let max_check_attempts = number("maxCheckAttempts", 1, 10);
        entry.finish(w);
        checks.extend(command.map(|command| CheckPlugin {
            name,
            command,
            memo,
            notification_interval,
            max_check_attempts,
        }));
    }
    section.finish(w);
    metrics.sort_by(|a, b| a.name.cmp(&b.name));
    checks.sort_by(|a, b| a.name.cmp(&b.name));
    (metrics, checks)
}

/// The mappings below a key, whose names are the user's own.
fn entries<'a>(
    section: &mut Section<'a>,
    key: &'static str,
    m: &mut Vec<Mistake>,
) -> Vec<(String, Section<'a>)> {
    let mut inner = section.section(key, m);
    inner
        .take_all()
        .into_iter()
        .filter_map(|(name, node)| {
            let entry = mapping(&inner.path_of(name), node, m)?;
            Some((name.to_owned(), entry))
        })
        .collect()
}

/// Opens what must be a mapping, so that nothing in it is called missing where it is none.
fn mapping<'a>(path: &str, node: &'a Node, m: &mut Vec<Mistake>) -> Option<Section<'a>> {
    let section = Section::open(path, Some(node), m);
    matches!(node.value, Value::Map(_) | Value::Null).then_some(section)
}

fn read_plugin_command(
    entry: &mut Section<'_>,
    surroundings: &Environment,
    m: &mut Vec<Mistake>,
) -> Option<Command> {
    let seconds = filled(entry, "timeoutSeconds", m, |text| match text.parse() {
        Ok(number @ ..=0) => Ok(Some(number).filter(|n: &i64| *n > 0)),
        _ => whole(1, LONGEST)(text).map(|number| i64::try_from(number).ok()),
    });
    let seconds = seconds.flatten().map_or(PLUGIN_TIMEOUT, i64::unsigned_abs);
    read_command(entry, surroundings, Duration::from_secs(seconds), m)
}

/// Reads `command`, `user` and `env`.
fn read_command(
    entry: &mut Section<'_>,
    surroundings: &Environment,
    timeout: Duration,
    m: &mut Vec<Mistake>,
) -> Option<Command> {
    let user = filled(entry, "user", m, text);
    let mut environment = surroundings.clone();
    environment.extend(read_environment(entry, m));
    let path = entry.path_of("command");
    let place = entry.place().cloned();
    let words = match entry.take("command") {
        Some(Node {
            value: Value::Scalar(line),
            ..
        }) if !line.trim().is_empty() => {
            vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()]
        }
        Some(node) if matches!(&node.value, Value::List(items) if !items.is_empty()) => {
            list_of(&path, node, m, text)?
        }
        Some(node) if matches!(node.value, Value::Map(_)) => {
            m.push(Mistake::at(
                Some(&node.place),
                format!("{path} takes a line for the shell or a list of words, not a mapping"),
            ));
            return None;
        }
        _ => {
            m.push(Mistake::at(
                place.as_ref(),
                format!("{path} is missing; give it a line for the shell or a list of words"),
            ));
            return None;
        }
    };
    Some(Command {
        words,
        user,
        environment,
        timeout,
    })
}

/// Names are trimmed, and a value of nothing is an empty one, as the agent has it.
fn read_environment(entry: &mut Section<'_>, m: &mut Vec<Mistake>) -> Environment {
    let mut inner = entry.section("env", m);
    let mut environment = Environment::new();
    for (name, node) in inner.take_all() {
        let mut wrong = |why: &str| {
            let path = inner.path_of(name);
            m.push(Mistake::at(Some(&node.place), format!("{path} {why}")));
        };
        let value = match &node.value {
            Value::Null => "",
            Value::Scalar(value) => value,
            other => {
                wrong(&format!("takes a single value, not {}", other.kind()));
                continue;
            }
        };
        match name.trim() {
            "" => {}
            _ if name.contains(['=', '\0']) => wrong("must not have `=` in its name"),
            _ if value.contains('\0') => wrong("must not hold a NUL character"),
            name => _ = environment.insert(name.to_owned(), Secret::new(value)),
        }
    }
    environment
}

/// Reads `readinessProbe`.
pub(super) fn read_probe(
    node: &Node,
    surroundings: &Environment,
    m: &mut Vec<Mistake>,
    w: &mut Vec<Mistake>,
) -> Option<Probe> {
    let mut section = mapping("readinessProbe", node, m)?;
    let mut seconds = |key, default| {
        let number = filled(&mut section, key, m, whole(0, LONGEST));
        // The agent takes 0 for the default.
        Duration::from_secs(number.filter(|n| *n > 0).unwrap_or(default))
    };
    let initial_delay = seconds("initialDelaySeconds", 0);
    let period = seconds("periodSeconds", 10);
    let timeout = seconds("timeoutSeconds", 1);
    let kinds: Vec<(&str, &Node)> = ["exec", "http", "tcp"]
        .into_iter()
        .filter_map(|kind| Some((kind, section.take(kind)?)))
        .collect();
    section.finish(w);
    let &[(kind, inner)] = kinds.as_slice() else {
        let names: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
        let message = match names.is_empty() {
            true => "readinessProbe has no kind; give it one of exec, http and tcp".to_owned(),
            false => format!("readinessProbe takes one kind, not {}", names.join(" and ")),
        };
        m.push(Mistake::at(Some(&node.place), message));
        return None;
    };
    let mut section = mapping(&format!("readinessProbe.{kind}"), inner, m)?;
    let attempt = match kind {
        "exec" => read_command(&mut section, surroundings, timeout, m).map(Attempt::Exec),
        "http" => read_http(&mut section, m, w).map(Attempt::Http),
        _ => read_tcp(&mut section, m),
    };
    section.finish(w);
    Some(Probe {
        attempt: attempt?,
        initial_delay,
        period,
        timeout,
    })
}

fn read_http(
    section: &mut Section<'_>,
    m: &mut Vec<Mistake>,
    w: &mut Vec<Mistake>,
) -> Option<HttpAttempt> {
    let schemes = [("http", "http"), ("https", "https")];
    let scheme = filled(section, "scheme", m, |text| {
        one_of(&schemes)(&text.to_ascii_lowercase())
    });
    let method = filled(section, "method", m, |text| {
        let method = text.to_ascii_uppercase();
        match http::Method::from_bytes(method.as_bytes()) {
            Ok(_) => Ok(method),
            Err(_) => Err(format!("is `{text}`, which is no HTTP method")),
        }
    });
    let host = filled(section, "host", m, text).unwrap_or_else(|| "localhost".into());
    let port = filled(section, "port", m, port);
    let proxy = filled(section, "proxy", m, proxy);
    let headers = read_headers(section, m, w);
    let place = section.place().cloned();
    let path = required(section, "path", m, text)?;
    let host = match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]"),
        false => host,
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let url = format!("{}://{host}{port}{slash}{path}", scheme.unwrap_or("http"));
    if let Err(error) = url.parse::<http::Uri>() {
        let message = format!("readinessProbe.http makes the URL `{url}`: {error}");
        m.push(Mistake::at(place.as_ref(), message));
        return None;
    }
    Some(HttpAttempt {
        method: method.unwrap_or_else(|| "GET".into()),
        url,
        headers,
        proxy,
    })
}

fn read_headers(
    section: &mut Section<'_>,
    m: &mut Vec<Mistake>,
    w: &mut Vec<Mistake>,
) -> Vec<(String, Secret)> {
    let mut headers = Vec::new();
    for (path, node) in section.sections("headers", m).unwrap_or_default() {
        let mut header = Section::open(&path, Some(node), m);
        let name = filled(
            &mut header,
            "name",
            m,
            |name| match http::HeaderName::from_bytes(name.as_bytes()) {
                Ok(_) => Ok(name.to_owned()),
                Err(_) => Err(format!("is `{name}`, which is no name of a header")),
            },
        );
        let value = filled(&mut header, "value", m, |value| {
            match http::HeaderValue::from_str(value) {
                Ok(_) => Ok(Secret::new(value)),
                // The value may be a secret.
                Err(_) => Err("holds a character that no header may have".into()),
            }
        });
        header.finish(w);
        headers.extend(name.map(|name| (name, value.unwrap_or_else(|| Secret::new("")))));
    }
    headers
}

fn read_tcp(section: &mut Section<'_>, m: &mut Vec<Mistake>) -> Option<Attempt> {
    let host = filled(section, "host", m, text).unwrap_or_else(|| "localhost".into());
    let port = required(section, "port", m, port)?;
    Some(Attempt::Tcp { host, port })
}

/// A value that must be there and not empty.
fn required<T>(
    section: &mut Section<'_>,
    key: &'static str,
    m: &mut Vec<Mistake>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let before = m.len();
    let value = filled(section, key, m, parse);
    if value.is_none() && m.len() == before {
        let message = format!("{} is missing", section.path_of(key));
        m.push(Mistake::at(section.place(), message));
    }
    value
}

/// It may hold a password, so that what is wrong is told without the text.
fn proxy(text: &str) -> Result<Secret, String> {
    match text.parse::<http::Uri>() {
        Ok(url) if matches!(url.scheme_str(), Some("http" | "https")) => Ok(Secret::new(text)),
        _ => Err("must be a URL such as http://proxy:3128".into()),
    }
}

fn port(text: &str) -> Result<u16, String> {
    let wrong = || format!("is `{text}`, but must be a port from 1 to 65535");
    text.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)
}
