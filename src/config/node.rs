//! A configuration as a tree in which every value knows where it was written, whether in a file,
//! an environment variable or a flag, so that a mistake can be shown at its place.

use std::fmt;
use std::sync::Arc;

/// A value with its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it was written; in a mapping, where its key was.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// What can be written.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing, `null` or `~`: the key counts as absent.
    Null,
    /// A text, number or boolean as written.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order written.
    Map(Vec<(String, Node)>),
}

impl Value {
    /// What this is called in a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line and column of a file or an inline text, both counted from 1.
    File {
        /// The file's name as given.
        file: Arc<str>,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// An environment variable.
    Variable(&'static str),
    /// A command-line flag.
    Flag(&'static str),
    /// Nowhere: it is the program's own.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Place::Variable(name) => write!(f, "environment variable {name}"),
            Place::Flag(name) => write!(f, "flag {name}"),
            Place::Default => f.write_str("default"),
        }
    }
}

impl Node {
    /// A mapping without keys.
    pub fn empty(file: &Arc<str>) -> Node {
        Node {
            place: Place::File {
                file: file.clone(),
                line: 1,
                column: 1,
            },
            value: Value::Map(Vec::new()),
        }
    }

    /// The value of a key, unless it is absent or nothing.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        let (_, node) = entries.iter().find(|(name, _)| name == key)?;
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let Value::Map(entries) = &mut self.value else {
            return None;
        };
        let (_, node) = entries.iter_mut().find(|(name, _)| name == key)?;
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// Takes away what stands at a path of keys, if anything does.
    pub fn remove(&mut self, path: &str) {
        let Value::Map(entries) = &mut self.value else {
            return;
        };
        match path.split_once('.') {
            None => entries.retain(|(name, _)| name != path),
            Some((key, rest)) => {
                for (_, node) in entries.iter_mut().filter(|(name, _)| name == key) {
                    node.remove(rest);
                }
            }
        }
    }

    /// Puts a value at a path where nothing is written.
    pub fn set_if_absent(&mut self, path: &str, node: Node) {
        let mut at = &*self;
        for key in path.split('.') {
            match at.get(key) {
                Some(inner) => at = inner,
                None => return self.set(path, node),
            }
        }
    }

    /// Puts a value at a path of keys such as `metrics.profile`, over what is there. Where something
    /// else than a mapping stands on the way it stays, for the reader to complain about.
    pub fn set(&mut self, path: &str, node: Node) {
        if matches!(self.value, Value::Null) {
            self.value = Value::Map(Vec::new());
        }
        let Value::Map(entries) = &mut self.value else {
            return;
        };
        let (key, rest) = match path.split_once('.') {
            Some((key, rest)) => (key, Some(rest)),
            None => (path, None),
        };
        let index = match entries.iter().position(|(name, _)| name == key) {
            Some(index) => index,
            None => {
                let blank = Node {
                    place: node.place.clone(),
                    value: Value::Map(Vec::new()),
                };
                entries.push((key.to_owned(), blank));
                entries.len() - 1
            }
        };
        match rest {
            Some(rest) => entries[index].1.set(rest, node),
            None => entries[index].1 = node,
        }
    }
}
