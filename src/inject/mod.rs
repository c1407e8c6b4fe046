//! Adds the sidecar to a task definition, or updates it there: JSON in, JSON out. The same text
//! comes out again of what came out, and everything else stays as it was and in its order.

mod fit;
mod sidecar;

use serde_json::{Map, Value, json};

/// What the sidecar is to be.
#[derive(Debug, Clone)]
pub struct Sidecar {
    /// The container's name.
    pub name: String,
    /// The image.
    pub image: String,
    /// The ARN of the secret or parameter with the API key.
    pub api_key_arn: String,
    /// The roles of the task's host, joined as MACKEREL_ROLES takes them; none to say nothing.
    pub roles: Option<String>,
    /// Other variables.
    pub environment: Vec<(String, String)>,
    /// The most memory that it may use, in MiB.
    pub memory: u64,
    /// The CPU units that it reserves.
    pub cpu: u64,
}

/// Fields that describe-task-definition prints and register-task-definition does not take.
const READ_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// Gives the document with the sidecar: of a description what register-task-definition takes, with
/// the tags of the description; of a list of container definitions the list. The error says why
/// that can't be or would not work.
pub fn inject(document: &Value, sidecar: &Sidecar) -> Result<Value, String> {
    match document {
        Value::Array(containers) => {
            let definition = Map::new();
            Ok(Value::Array(with_sidecar(
                &definition,
                containers,
                sidecar,
            )?))
        }
        Value::Object(outer) => {
            let mut definition = registered(outer);
            let Some(Value::Array(containers)) = definition.get("containerDefinitions") else {
                return Err(
                    "there is no list `containerDefinitions` in it, so it is no task \
                            definition; give what `aws ecs describe-task-definition` prints"
                        .into(),
                );
            };
            fit::platform(&definition)?;
            let containers = with_sidecar(&definition, containers, sidecar)?;
            definition.insert("containerDefinitions".into(), Value::Array(containers));
            Ok(Value::Object(definition))
        }
        _ => Err("it is neither a task definition nor a list of container definitions".into()),
    }
}

/// The document without the sidecar's being added: of a description what register-task-definition
/// takes, anything else as it is.
pub fn registrable(document: &Value) -> Value {
    match document {
        Value::Object(outer) => Value::Object(registered(outer)),
        other => other.clone(),
    }
}

fn registered(outer: &Map<String, Value>) -> Map<String, Value> {
    let Some(Value::Object(inner)) = outer.get("taskDefinition") else {
        return without_read_only(outer);
    };
    let mut definition = without_read_only(inner);
    // The request takes no empty list.
    if let Some(tags) = outer.get("tags").filter(|tags| *tags != &json!([])) {
        definition.insert("tags".into(), tags.clone());
    }
    definition
}

fn without_read_only(definition: &Map<String, Value>) -> Map<String, Value> {
    definition
        .iter()
        .filter(|(name, _)| !READ_ONLY.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn with_sidecar(
    definition: &Map<String, Value>,
    containers: &[Value],
    sidecar: &Sidecar,
) -> Result<Vec<Value>, String> {
    let place = containers
        .iter()
        .position(|one| sidecar::is_the_same(one, sidecar));
    let others: Vec<&Value> = containers
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != place)
        .map(|(_, one)| one)
        .collect();
    fit::containers(definition, &others, sidecar)?;
    let mut containers = containers.to_vec();
    match place.and_then(|place| containers.get_mut(place)) {
        Some(present) => *present = sidecar::updated(present, definition, sidecar),
        None => containers.push(sidecar::new(definition, &others, sidecar)),
    }
    Ok(containers)
}

/// A document as it is printed.
pub fn printed(document: &Value) -> String {
    format!("{document:#}\n")
}

/// The lines that differ between two printed documents, with some around them; empty where none do.
pub fn diff(before: &str, after: &str) -> String {
    similar::TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header("before", "after")
        .to_string()
}

#[cfg(test)]
mod tests;
