//! A configuration as a tree in which every value knows where it was written, whether in a file,
//! an environment variable or a flag, so that a mistake can be shown at its place.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use super::Mistake;

/// A value with its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it was written.
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
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Place::Variable(name) => write!(f, "environment variable {name}"),
            Place::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

impl Node {
    /// Parses YAML. An empty text is an empty mapping.
    pub fn parse(file: &str, text: &str) -> Result<Node, Mistake> {
        let file: Arc<str> = Arc::from(file);
        let documents = MarkedYaml::load_from_str(text).map_err(|error| Mistake {
            place: Some(Place::File {
                file: file.clone(),
                line: error.marker().line(),
                column: error.marker().col() + 1,
            }),
            message: format!("not valid YAML: {}", error.info()),
        })?;
        match documents.as_slice() {
            [] => Ok(Node::empty(&file)),
            [only] => convert(&file, only),
            [_, second, ..] => Err(Mistake {
                place: Some(place(&file, second)),
                message: "a second YAML document; a configuration is one document".into(),
            }),
        }
    }

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

    /// Puts a value at a path of keys such as `metrics.profile`, over what is there.
    pub fn set(&mut self, path: &str, node: Node) {
        if !matches!(self.value, Value::Map(_)) {
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

fn place(file: &Arc<str>, node: &MarkedYaml<'_>) -> Place {
    Place::File {
        file: file.clone(),
        line: node.span.start.line(),
        column: node.span.start.col() + 1,
    }
}

fn convert(file: &Arc<str>, node: &MarkedYaml<'_>) -> Result<Node, Mistake> {
    let unusable = |what: &str| Mistake {
        place: Some(place(file, node)),
        message: format!("{what} can't be used here"),
    };
    let value = match &node.data {
        YamlData::Value(scalar) => from_scalar(scalar),
        YamlData::Representation(text, _, _) => Value::Scalar(text.clone().into_owned()),
        YamlData::Sequence(items) => Value::List(
            items
                .iter()
                .map(|item| convert(file, item))
                .collect::<Result<_, _>>()?,
        ),
        YamlData::Mapping(entries) => {
            let mut map = Vec::new();
            for (key, item) in entries.iter() {
                let Value::Scalar(name) = convert(file, key)?.value else {
                    return Err(unusable("a key that is no text"));
                };
                let mut item = convert(file, item)?;
                // A scalar is shown at its own place, but a mistake about a whole section reads
                // better at the section's name.
                if !matches!(item.value, Value::Scalar(_)) {
                    item.place = place(file, key);
                }
                map.push((name, item));
            }
            Value::Map(map)
        }
        YamlData::Tagged(..) => return Err(unusable("a YAML tag")),
        YamlData::Alias(_) => return Err(unusable("an alias without its anchor")),
        YamlData::BadValue => return Err(unusable("this value")),
    };
    Ok(Node {
        place: place(file, node),
        value,
    })
}

fn from_scalar(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => Value::Scalar(value.to_string()),
        Scalar::Integer(value) => Value::Scalar(value.to_string()),
        Scalar::FloatingPoint(value) => Value::Scalar(value.to_string()),
        Scalar::String(value) => Value::Scalar(Cow::clone(value).into_owned()),
    }
}
