//! Environment variables that stand for a key of a configuration, each a row of a table.

use super::node::{Node, Place, Value};

/// A variable and the key that it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The path of the key, such as `metrics.profile`.
    pub key: &'static str,
    is_list: bool,
}

impl Variable {
    /// A variable that holds a single value.
    pub const fn text(name: &'static str, key: &'static str) -> Self {
        Variable {
            name,
            key,
            is_list: false,
        }
    }

    /// A variable that holds values with commas between them.
    pub const fn list(name: &'static str, key: &'static str) -> Self {
        Variable {
            name,
            key,
            is_list: true,
        }
    }

    /// Its value as part of a configuration; none where it is not set, or empty.
    pub fn node(&self, environment: &[(String, String)]) -> Option<Node> {
        let text = set_in(environment, self.name)?;
        let place = Place::Variable(self.name);
        let value = if self.is_list {
            let items = text.split(',').map(str::trim).filter(|t| !t.is_empty());
            list(&place, items.map(str::to_owned))
        } else {
            Value::Scalar(text.to_owned())
        };
        Some(Node { place, value })
    }
}

/// A variable that is set and not empty.
pub fn set_in<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = environment.iter().find(|(key, _)| key == name)?;
    (!value.trim().is_empty()).then_some(value.as_str())
}

/// A list of texts that were all written at one place.
pub fn list(place: &Place, items: impl Iterator<Item = String>) -> Value {
    Value::List(
        items
            .map(|text| Node {
                place: place.clone(),
                value: Value::Scalar(text),
            })
            .collect(),
    )
}
