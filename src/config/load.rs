//! Gathers a configuration from its sources: defaults, then a file or an inline text, then
//! environment variables, then flags. Reading the named file is the only I/O here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::node::{Node, Place, Value};
use super::read::read;
use super::reader::unknown;
use super::{Config, Mistake, yaml};

/// Names the configuration file, where no flag does.
pub const FILE_VARIABLE: &str = "MACKEREL_ECS_CONFIG";

/// Holds the configuration itself, where there is no file.
pub const INLINE_VARIABLE: &str = "MACKEREL_ECS_CONFIG_YAML";

/// What separates the program's own variables from everybody else's.
const PREFIX: &str = "MACKEREL_ECS_";

/// Variables that stand for a key of the configuration.
const VARIABLES: [Variable; 7] = [
    Variable::text("MACKEREL_APIKEY", "mackerel.apikey"),
    Variable::text("MACKEREL_APIBASE", "mackerel.apibase"),
    Variable::list("MACKEREL_ROLES", "host.roles"),
    Variable::list("MACKEREL_ECS_CLUSTERS", "clusters.include"),
    Variable::text("MACKEREL_ECS_PROFILE", "metrics.profile"),
    Variable::text("MACKEREL_ECS_INTERVAL", "poll.interval"),
    Variable::text("MACKEREL_ECS_LISTEN", "http.listen"),
];

struct Variable {
    name: &'static str,
    key: &'static str,
    is_list: bool,
}

impl Variable {
    const fn text(name: &'static str, key: &'static str) -> Self {
        Variable {
            name,
            key,
            is_list: false,
        }
    }

    const fn list(name: &'static str, key: &'static str) -> Self {
        Variable {
            name,
            key,
            is_list: true,
        }
    }
}

/// A flag that stands for a key of the configuration, as typed.
#[derive(Debug, Clone)]
pub struct Flag {
    /// Its name with dashes.
    pub name: &'static str,
    /// The key.
    pub key: &'static str,
    /// What was typed; several values make a list.
    pub values: Vec<String>,
}

/// Everything that a configuration may come from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The file that a flag names.
    pub file: Option<PathBuf>,
    /// The environment, names and values.
    pub environment: &'a [(String, String)],
    /// Other flags.
    pub flags: Vec<Flag>,
}

/// Loads the configuration. `needs_api_key` is false where nothing is sent to Mackerel.
pub fn load(sources: &Sources<'_>, needs_api_key: bool) -> Result<Config, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut root = match written(sources) {
        Ok(root) => root,
        Err(mistake) => return Err(vec![mistake]),
    };
    for variable in &VARIABLES {
        let Some(text) = variable_of(sources, variable.name) else {
            continue;
        };
        let place = Place::Variable(variable.name);
        let value = if variable.is_list {
            let items = text.split(',').map(str::trim).filter(|t| !t.is_empty());
            list(&place, items.map(str::to_owned))
        } else {
            Value::Scalar(text.to_owned())
        };
        root.set(variable.key, Node { place, value });
    }
    for flag in &sources.flags {
        let place = Place::Flag(flag.name);
        let value = match flag.values.as_slice() {
            [] => continue,
            [only] => Value::Scalar(only.clone()),
            several => list(&place, several.iter().cloned()),
        };
        root.set(flag.key, Node { place, value });
    }
    mistakes.extend(unknown_variables(sources.environment));
    match read(&root, needs_api_key) {
        Ok(config) if mistakes.is_empty() => Ok(config),
        Ok(_) => Err(mistakes),
        Err(others) => {
            mistakes.extend(others);
            Err(mistakes)
        }
    }
}

fn list(place: &Place, items: impl Iterator<Item = String>) -> Value {
    Value::List(
        items
            .map(|text| Node {
                place: place.clone(),
                value: Value::Scalar(text),
            })
            .collect(),
    )
}

/// What was written out: the file that the flag names, else the one that the variable names, else
/// the inline text, else nothing.
fn written(sources: &Sources<'_>) -> Result<Node, Mistake> {
    let named = variable_of(sources, FILE_VARIABLE);
    let inline = variable_of(sources, INLINE_VARIABLE);
    if let Some(path) = &sources.file {
        return parse_file(path, Place::Flag("--config"));
    }
    match (named, inline) {
        (Some(_), Some(_)) => Err(Mistake::at(
            None,
            format!("both {FILE_VARIABLE} and {INLINE_VARIABLE} are set; unset one of them"),
        )),
        (Some(path), None) => parse_file(Path::new(path), Place::Variable(FILE_VARIABLE)),
        (None, Some(text)) => yaml::parse(INLINE_VARIABLE, text),
        (None, None) => Ok(Node::empty(&Arc::from(""))),
    }
}

fn parse_file(path: &Path, named_by: Place) -> Result<Node, Mistake> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Mistake::at(
            Some(&named_by),
            format!("can't read {}: {error}", path.display()),
        )
    })?;
    yaml::parse(&path.display().to_string(), &text)
}

/// A variable that is set and not empty.
fn variable_of<'a>(sources: &Sources<'a>, name: &str) -> Option<&'a str> {
    let (_, value) = sources.environment.iter().find(|(key, _)| key == name)?;
    (!value.trim().is_empty()).then_some(value.as_str())
}

fn unknown_variables(environment: &[(String, String)]) -> Vec<Mistake> {
    let others = [
        FILE_VARIABLE,
        INLINE_VARIABLE,
        "MACKEREL_ECS_LOG",
        "MACKEREL_ECS_LOG_FORMAT",
    ];
    let known: Vec<&str> = VARIABLES
        .iter()
        .map(|variable| variable.name)
        .chain(others)
        .filter_map(|name| name.strip_prefix(PREFIX))
        .collect();
    environment
        .iter()
        .filter_map(|(name, _)| Some((name, name.strip_prefix(PREFIX)?)))
        .filter(|(_, rest)| !known.contains(rest) && !is_of_kubernetes(rest))
        .map(|(name, rest)| {
            let what = format!("environment variable {name}");
            Mistake::at(None, unknown(&what, PREFIX, rest, &known))
        })
        .collect()
}

/// Kubernetes sets such variables in every pod beside a Service that is called `mackerel-ecs`.
fn is_of_kubernetes(rest: &str) -> bool {
    rest == "PORT" || rest.starts_with("PORT_") || rest.starts_with("SERVICE_")
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
