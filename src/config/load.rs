//! Gathers a configuration from its sources: defaults, then a file or an inline text, then
//! environment variables, then flags. Reading the named file is the only I/O here; what is
//! named by a URL is fetched elsewhere and handed in as a text.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::key::{Key, complete};
use super::node::{Node, Place, Value};
use super::read::read;
use super::reader::unknown;
use super::table::KEYS;
use super::variable::{list, set_in};
use super::{Config, Mistake, yaml};

/// Names the configuration file, where no flag does.
pub const FILE_VARIABLE: &str = "MACKEREL_ECS_CONFIG";

/// Holds the configuration itself, where there is no file.
pub const INLINE_VARIABLE: &str = "MACKEREL_ECS_CONFIG_YAML";

/// What separates the program's own variables from everybody else's.
const PREFIX: &str = "MACKEREL_ECS_";

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

/// What all sources together say.
#[derive(Debug)]
pub struct Gathered {
    /// Every key that has a value, each with its place.
    pub tree: Node,
    /// What is wrong with the sources themselves.
    mistakes: Vec<Mistake>,
}

/// Loads the configuration. `needs_api_key` is false where nothing is sent to Mackerel.
pub fn load(sources: &Sources<'_>, needs_api_key: bool) -> Result<Config, Vec<Mistake>> {
    Gathered::of(sources, None)?.config(needs_api_key)
}

impl Gathered {
    /// Gathers what the sources say. `fetched` is the text that [`named`] tells of where that is no
    /// file, with what it is called in mistakes.
    pub fn of(sources: &Sources<'_>, fetched: Option<(&str, &str)>) -> Result<Self, Vec<Mistake>> {
        let root = match fetched {
            Some((name, text)) => yaml::parse(name, text),
            None => written(sources),
        };
        let mut tree = root.map_err(|mistake| vec![mistake])?;
        let variables = KEYS.iter().filter_map(Key::as_variable);
        for variable in variables {
            if let Some(node) = variable.node(sources.environment) {
                tree.set(variable.key, node);
                overrule_targets(&mut tree, variable.key);
            }
        }
        for flag in &sources.flags {
            let place = Place::Flag(flag.name);
            let value = match flag.values.as_slice() {
                [] => continue,
                [only] => Value::Scalar(only.clone()),
                several => list(&place, several.iter().cloned()),
            };
            tree.set(flag.key, Node { place, value });
            overrule_targets(&mut tree, flag.key);
        }
        let mut mistakes = unknown_variables(sources.environment);
        mistakes.extend(name_shard(&mut tree, sources.environment));
        complete(&mut tree);
        Ok(Gathered { tree, mistakes })
    }

    /// What they mean, or all that is wrong with them. `needs_api_key` is false where nothing is sent to
    /// Mackerel.
    pub fn config(&self, needs_api_key: bool) -> Result<Config, Vec<Mistake>> {
        let read = read(&self.tree, needs_api_key);
        match read {
            Ok(config) if self.mistakes.is_empty() => Ok(config),
            Ok(_) => Err(self.mistakes.clone()),
            Err(others) => Err([self.mistakes.clone(), others].concat()),
        }
    }
}

/// What the flag, or else the variable, names as the place of the configuration.
pub fn named(sources: &Sources<'_>) -> Option<(Place, String)> {
    if let Some(path) = &sources.file {
        return Some((Place::Flag("--config"), path.to_str()?.to_owned()));
    }
    let path = set_in(sources.environment, FILE_VARIABLE)?;
    // Both at once is a mistake, which is told where they are read.
    set_in(sources.environment, INLINE_VARIABLE)
        .is_none()
        .then(|| (Place::Variable(FILE_VARIABLE), path.to_owned()))
}

/// Keys that variables and flags stand for and that a target may have for itself, and where.
const OF_TARGETS: [(&str, &str); 3] = [
    ("clusters.include", "clusters.include"),
    ("metrics.profile", "metrics.profile"),
    ("host.roles", "roles"),
];

/// What a variable or a flag says is so for all targets, also where the file says something else of
/// one of them.
fn overrule_targets(root: &mut Node, key: &str) {
    let own = OF_TARGETS.iter().find(|(global, _)| *global == key);
    let targets = root.get_mut("targets").map(|node| &mut node.value);
    if let (Some((_, own)), Some(Value::List(targets))) = (own, targets) {
        for target in targets {
            target.remove(own);
        }
    }
}

/// Where a job with numbered runs tells which one this is: AWS Batch, which tells how many there are
/// as well, and Kubernetes.
const JOB_INDEXES: [&str; 2] = ["AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX"];
const JOB_SIZE: &str = "AWS_BATCH_JOB_ARRAY_SIZE";

/// Puts the index of a job in the place of the word `job`. A run of an array of AWS Batch is a shard
/// also where nothing says so.
fn name_shard(root: &mut Node, environment: &[(String, String)]) -> Option<Mistake> {
    let [batch, kubernetes] = JOB_INDEXES.map(|name| set_in(environment, name));
    let Some(node) = root.get_mut("shard") else {
        if let (Some(index), Some(count)) = (batch, set_in(environment, JOB_SIZE)) {
            let value = Value::Scalar(format!("{index}/{count}"));
            let place = Place::Variable(JOB_INDEXES[0]);
            root.set("shard", Node { place, value });
        }
        return None;
    };
    let Value::Scalar(text) = &mut node.value else {
        return None;
    };
    let count = text.strip_prefix("job/")?.to_owned();
    match batch.or(kubernetes) {
        Some(index) => {
            *text = format!("{index}/{count}");
            None
        }
        None => {
            let why = format!(
                "shard is `{text}`, but no job tells its index: neither {} nor {} is set",
                JOB_INDEXES[0], JOB_INDEXES[1]
            );
            // What is told here needs no second complaint by the reader.
            node.value = Value::Null;
            Some(Mistake::at(Some(&node.place), why))
        }
    }
}

/// What was written out: the file that the flag names, else the one that the variable names, else
/// the inline text, else nothing.
fn written(sources: &Sources<'_>) -> Result<Node, Mistake> {
    let named = set_in(sources.environment, FILE_VARIABLE);
    let inline = set_in(sources.environment, INLINE_VARIABLE);
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
        let why = match error.kind() {
            ErrorKind::NotFound => "it is not there; check the path".to_owned(),
            ErrorKind::IsADirectory => "it is a folder; name the file in it".to_owned(),
            ErrorKind::InvalidData => "it is no text in UTF-8".to_owned(),
            ErrorKind::PermissionDenied => {
                "this user may not; give it the right to read".to_owned()
            }
            _ => error.to_string(),
        };
        let message = format!("can't read {}: {why}", path.display());
        Mistake::at(Some(&named_by), message)
    })?;
    yaml::parse(&path.display().to_string(), &text)
}

fn unknown_variables(environment: &[(String, String)]) -> Vec<Mistake> {
    let others = [
        FILE_VARIABLE,
        INLINE_VARIABLE,
        "MACKEREL_ECS_LOG",
        "MACKEREL_ECS_LOG_FORMAT",
    ];
    let known: Vec<&str> = KEYS
        .iter()
        .filter_map(|key| key.variable)
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
