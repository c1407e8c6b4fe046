//! Whether a sidecar can work in a task at all, with the reason where it can't.

use serde_json::{Map, Value};

use super::Sidecar;

/// The most containers that a task definition may have (ECS, "service quotas").
const MOST_CONTAINERS: usize = 10;

/// Refuses platforms and networks that the sidecar can't work on.
pub fn platform(definition: &Map<String, Value>) -> Result<(), String> {
    let family = definition
        .get("runtimePlatform")
        .and_then(|platform| platform.get("operatingSystemFamily"))
        .and_then(Value::as_str)
        .unwrap_or("LINUX");
    if family != "LINUX" {
        return Err(format!(
            "the task runs on {family}; the sidecar is for Linux alone"
        ));
    }
    if text(definition, "networkMode") == Some("none") {
        return Err(
            "the task's network mode is `none`, so that the sidecar could reach neither \
                    the task metadata endpoint nor Mackerel"
                .into(),
        );
    }
    if text(definition, "executionRoleArn").is_none() {
        return Err(
            "the task has no executionRoleArn, and ECS reads the API key with that role; \
                    give it one that may read the secret"
                .into(),
        );
    }
    Ok(())
}

/// Refuses what ECS would not register: too many containers, or more memory or CPU than the task
/// has.
pub fn containers(
    definition: &Map<String, Value>,
    others: &[&Value],
    sidecar: &Sidecar,
) -> Result<(), String> {
    if others.len() >= MOST_CONTAINERS {
        return Err(format!(
            "the task has {} containers already, and {MOST_CONTAINERS} are the most that ECS takes",
            others.len()
        ));
    }
    let number = |container: &Value, name: &str| container.get(name).and_then(Value::as_u64);
    let memory = |container: &&Value| {
        number(container, "memory")
            .or_else(|| number(container, "memoryReservation"))
            .unwrap_or_default()
    };
    let cpu = |container: &&Value| number(container, "cpu").unwrap_or_default();
    fits(
        "memory",
        "MiB",
        amount(definition.get("memory"), "gb", 1024.0)?,
        others.iter().map(memory).sum(),
        sidecar.memory,
    )?;
    fits(
        "cpu",
        "units",
        amount(definition.get("cpu"), "vcpu", 1024.0)?,
        others.iter().map(cpu).sum(),
        sidecar.cpu,
    )
}

fn fits(
    name: &str,
    unit: &str,
    of_task: Option<u64>,
    taken: u64,
    wanted: u64,
) -> Result<(), String> {
    match of_task {
        Some(all) if taken.saturating_add(wanted) > all => Err(format!(
            "the task's {name} is too small: its containers take {taken} of {all} {unit} and the \
             sidecar {wanted}; raise the task's {name}, lower a container's, or give the sidecar \
             less with --{name}"
        )),
        _ => Ok(()),
    }
}

/// A task's size, as ECS takes it: `512`, `"512"`, or `"0.5 GB"` and `".25 vCPU"`.
fn amount(value: Option<&Value>, unit: &str, factor: f64) -> Result<Option<u64>, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.to_ascii_lowercase(),
        Some(other) => other.to_string(),
    };
    let (number, factor) = match text.strip_suffix(unit) {
        Some(number) => (number.trim(), factor),
        None => (text.trim(), 1.0),
    };
    match number.parse::<f64>() {
        Ok(number) if number >= 0.0 => Ok(Some((number * factor) as u64)),
        _ => Err(format!("`{text}` is no size of a task")),
    }
}

fn text<'a>(definition: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    definition.get(name).and_then(Value::as_str)
}
