//! The sidecar's container definition: a new one, or the one that is there brought up to date.

use serde_json::{Map, Value, json};

use super::Sidecar;

/// The image of the agent whose place the sidecar takes.
const AGENT: &str = "mackerel-container-agent";

/// What the program is to do there.
const COMMAND: &str = "task";

const KEY_VARIABLE: &str = "MACKEREL_APIKEY";
const PLATFORM_VARIABLE: &str = "MACKEREL_CONTAINER_PLATFORM";
const ROLES_VARIABLE: &str = "MACKEREL_ROLES";

/// Whether a container is the sidecar: by its name, or because it is Mackerel's own agent, or has
/// taken its place under the agent's name before.
pub fn is_the_same(container: &Value, sidecar: &Sidecar) -> bool {
    let text = |name: &str| container.get(name).and_then(Value::as_str);
    let image = text("image").map(repository);
    let is_ours = image == Some(repository(&sidecar.image)) && is_sidecar(container);
    text("name") == Some(&sidecar.name) || image == Some(AGENT) || is_ours
}

/// Whether the program is the sidecar there: by its command, or without one in the agent's
/// environment.
fn is_sidecar(container: &Value) -> bool {
    let variables = pairs(container, "environment", "value");
    match container.get("command").and_then(Value::as_array) {
        Some(words) if !words.is_empty() => *words == [COMMAND],
        _ => variables.iter().any(|(name, _)| name == PLATFORM_VARIABLE),
    }
}

/// The last part of an image's name, without tag and digest.
fn repository(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split(['@', ':']).next().unwrap_or(name)
}

/// The definition of a sidecar that is not there yet. It logs where another container logs that
/// uses CloudWatch Logs, for the execution role may write there already.
pub fn new(definition: &Map<String, Value>, others: &[&Value], sidecar: &Sidecar) -> Value {
    let mut container = Map::new();
    container.insert("name".into(), json!(sidecar.name));
    let mut container = updated(&Value::Object(container), definition, sidecar);
    let log = others
        .iter()
        .filter_map(|one| one.get("logConfiguration"))
        .find(|log| log.get("logDriver").and_then(Value::as_str) == Some("awslogs"));
    if let Some(log) = log {
        let mut log = log.clone();
        if let Some(options) = log.get_mut("options").and_then(Value::as_object_mut) {
            options.insert("awslogs-stream-prefix".into(), json!(sidecar.name));
        }
        set(&mut container, "logConfiguration", log);
    }
    container
}

/// A container definition with what is the sidecar's own; the rest of it stays.
pub fn updated(present: &Value, definition: &Map<String, Value>, sidecar: &Sidecar) -> Value {
    let mut container = present.clone();
    set(&mut container, "image", json!(sidecar.image));
    set(&mut container, "command", json!([COMMAND]));
    // Another image's entry point is not ours.
    if let Some(fields) = container.as_object_mut() {
        fields.shift_remove("entryPoint");
    }
    set(&mut container, "essential", json!(false));
    if sidecar.cpu > 0 || present.get("cpu").is_none() {
        set(&mut container, "cpu", json!(sidecar.cpu));
    }
    set(&mut container, "memory", json!(sidecar.memory));
    set(
        &mut container,
        "environment",
        environment(present, definition, sidecar),
    );
    set(&mut container, "secrets", secrets(present, sidecar));
    for (name, value) in [
        ("user", json!("65532:65532")),
        ("readonlyRootFilesystem", json!(true)),
        (
            "linuxParameters",
            json!({ "capabilities": { "drop": ["ALL"] } }),
        ),
        ("stopTimeout", json!(30)),
    ] {
        if present.get(name).is_none() {
            set(&mut container, name, value);
        }
    }
    container
}

fn set(container: &mut Value, name: &str, value: Value) {
    if let Some(fields) = container.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// The variables that are there, less the API key in plain text, with ours in their places.
fn environment(present: &Value, definition: &Map<String, Value>, sidecar: &Sidecar) -> Value {
    let mut variables: Vec<(String, Value)> = pairs(present, "environment", "value")
        .into_iter()
        .filter(|(name, _)| name != KEY_VARIABLE)
        .collect();
    let is_external = definition
        .get("requiresCompatibilities")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().any(|one| one.as_str() == Some("EXTERNAL")));
    let platform = match is_external {
        true => "ecs_anywhere",
        false => "ecs",
    };
    let platform = (PLATFORM_VARIABLE.to_owned(), platform.to_owned());
    let roles = sidecar.roles.iter();
    let roles = roles.map(|roles| (ROLES_VARIABLE.to_owned(), roles.clone()));
    let ours = [platform].into_iter().chain(roles);
    for (name, value) in ours.chain(sidecar.environment.iter().cloned()) {
        match variables.iter_mut().find(|(other, _)| *other == name) {
            // A platform that was chosen is one that works.
            Some(_) if name == PLATFORM_VARIABLE => {}
            Some((_, present)) => *present = json!(value),
            None => variables.push((name, json!(value))),
        }
    }
    let named = |(name, value)| json!({ "name": name, "value": value });
    variables.into_iter().map(named).collect()
}

/// The secrets that are there, with the API key in its place.
fn secrets(present: &Value, sidecar: &Sidecar) -> Value {
    let mut secrets = pairs(present, "secrets", "valueFrom");
    let key = json!(sidecar.api_key_arn);
    match secrets.iter_mut().find(|(name, _)| name == KEY_VARIABLE) {
        Some((_, present)) => *present = key,
        None => secrets.push((KEY_VARIABLE.to_owned(), key)),
    }
    let named = |(name, from)| json!({ "name": name, "valueFrom": from });
    secrets.into_iter().map(named).collect()
}

/// A list of names with a value each, as the API writes them.
fn pairs(container: &Value, list: &str, value: &str) -> Vec<(String, Value)> {
    let items = container.get(list).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| {
            let name = item.get("name")?.as_str()?.to_owned();
            Some((name, item.get(value)?.clone()))
        })
        .collect()
}
