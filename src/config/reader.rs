//! Reads a configuration tree key by key and gathers every mistake on the way: a wrong type or
//! value, a key that nobody asked for. The caller gets a usable default for what was wrong, so
//! that one run reports everything.

use std::time::Duration;

use super::Mistake;
use super::key::Span;
use super::node::{Node, Place, Value};

/// One mapping while it is read. [`Section::finish`] reports the keys that were left over.
pub struct Section<'a> {
    path: String,
    place: Option<Place>,
    entries: Vec<(&'a str, &'a Node)>,
    known: Vec<&'static str>,
    /// Whether something else than a mapping was written.
    is_wrong: bool,
}

impl<'a> Section<'a> {
    /// Opens a mapping; anything else is a mistake and reads as an empty one.
    pub fn open(path: &str, node: Option<&'a Node>, mistakes: &mut Vec<Mistake>) -> Self {
        let entries = match node.map(|node| &node.value) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Map(entries)) => entries.iter().map(|(k, v)| (k.as_str(), v)).collect(),
            Some(other) => {
                mistakes.push(Mistake::at(
                    node.map(|node| &node.place),
                    format!(
                        "{} takes a mapping of keys, not {}",
                        called(path),
                        other.kind()
                    ),
                ));
                Vec::new()
            }
        };
        Section {
            path: path.to_owned(),
            place: node.map(|node| node.place.clone()),
            entries,
            known: Vec::new(),
            is_wrong: node.is_some_and(|n| !matches!(n.value, Value::Null | Value::Map(_))),
        }
    }

    /// Where the section begins; none where it was not written.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Whether a key was written, however wrongly, so that it is not to be called missing.
    pub fn may_hold(&self, key: &str) -> bool {
        let is_written = |node: &Node| !matches!(node.value, Value::Null);
        let written = |(name, node): &(&str, &Node)| *name == key && is_written(node);
        self.is_wrong || self.entries.iter().any(written)
    }

    /// Takes a key; a null counts as absent.
    pub fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        let index = self.entries.iter().position(|(name, _)| *name == key)?;
        let (_, node) = self.entries.remove(index);
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// Opens the mapping below a key.
    pub fn section(&mut self, key: &'static str, mistakes: &mut Vec<Mistake>) -> Section<'a> {
        let path = self.path_of(key);
        let node = self.take(key);
        Section::open(&path, node, mistakes)
    }

    /// A text, parsed by `parse`, whose error says what was wrong and what would be right.
    pub fn value<T>(
        &mut self,
        key: &'static str,
        mistakes: &mut Vec<Mistake>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let node = self.take(key)?;
        parse_node(&self.path_of(key), node, mistakes, parse)
    }

    /// A list of texts, each parsed by `parse`. A single text is a list of one. An empty list is
    /// a mistake: it would select nothing, and leaving the key out says the same more clearly.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        mistakes: &mut Vec<Mistake>,
        mut parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let node = self.take(key)?;
        list_of(&self.path_of(key), node, mistakes, &mut parse)
    }

    /// A list of mappings with their paths; each is yet to be opened.
    pub fn sections(
        &mut self,
        key: &'static str,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Vec<(String, &'a Node)>> {
        let node = self.take(key)?;
        let path = self.path_of(key);
        match &node.value {
            Value::List(items) if !items.is_empty() => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| (format!("{path}[{index}]"), item))
                    .collect(),
            ),
            Value::List(_) => {
                mistakes.push(Mistake::at(
                    Some(&node.place),
                    format!("{path} is an empty list; give it an entry or leave the key out"),
                ));
                None
            }
            other => {
                mistakes.push(Mistake::at(
                    Some(&node.place),
                    format!("{path} takes a list of mappings, not {}", other.kind()),
                ));
                None
            }
        }
    }

    /// Takes every key there is, for a mapping whose keys are the user's own.
    pub fn take_all(&mut self) -> Vec<(&'a str, &'a Node)> {
        std::mem::take(&mut self.entries)
    }

    /// Reports the keys that were not taken, each with the nearest key that exists.
    pub fn finish(self, mistakes: &mut Vec<Mistake>) {
        for (name, node) in self.entries {
            mistakes.push(Mistake::at(
                Some(&node.place),
                unknown(
                    &format!("key `{name}`{}", inside(&self.path)),
                    "",
                    name,
                    &self.known,
                ),
            ));
        }
    }

    /// The full path of a key of this section.
    pub fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }
}

fn called(path: &str) -> &str {
    match path {
        "" => "the configuration",
        path => path,
    }
}

fn inside(path: &str) -> String {
    match path {
        "" => String::new(),
        path => format!(" in {path}"),
    }
}

/// The sentence for an unknown name: the nearest known one, or all of them where none is near. The
/// names are compared without the prefix that all of them have, and shown with it.
pub fn unknown(what: &str, prefix: &str, name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, candidate)) if likeness > 0.75 => {
            format!("unknown {what}; did you mean `{prefix}{candidate}`?")
        }
        _ => {
            let known: Vec<String> = known.iter().map(|name| format!("{prefix}{name}")).collect();
            format!("unknown {what}; known are {}", known.join(", "))
        }
    }
}

/// A list of texts, or one text as a list of one.
pub fn list_of<T>(
    path: &str,
    node: &Node,
    mistakes: &mut Vec<Mistake>,
    mut parse: impl FnMut(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    match &node.value {
        Value::List(items) if items.is_empty() => {
            mistakes.push(Mistake::at(
                Some(&node.place),
                format!("{path} is an empty list; give it an entry or leave the key out"),
            ));
            None
        }
        Value::List(items) => Some(
            items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| {
                    parse_node(&format!("{path}[{index}]"), item, mistakes, &mut parse)
                })
                .collect(),
        ),
        Value::Map(_) => {
            mistakes.push(Mistake::at(
                Some(&node.place),
                format!("{path} takes a single value or a list, not a mapping"),
            ));
            None
        }
        _ => parse_node(path, node, mistakes, parse).map(|only| vec![only]),
    }
}

fn parse_node<T>(
    path: &str,
    node: &Node,
    mistakes: &mut Vec<Mistake>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let parsed = match &node.value {
        Value::Scalar(text) => parse(text),
        other => Err(format!("takes a single value, not {}", other.kind())),
    };
    match parsed {
        Ok(value) => Some(value),
        Err(message) => {
            mistakes.push(Mistake::at(Some(&node.place), format!("{path} {message}")));
            None
        }
    }
}

/// A duration such as `90s`, `1m` or `1h 30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| format!("is `{text}`, which is no duration; write it as `90s`, `5m` or `1h`"))
}

/// A duration within bounds.
pub fn duration_within(span: Span) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| {
        let value = duration(text)?;
        if value < span.low || value > span.high {
            return Err(format!(
                "is `{text}`, but must be from {} to {}",
                humantime::format_duration(span.low),
                humantime::format_duration(span.high)
            ));
        }
        let is_whole = value.as_secs().is_multiple_of(60) && value.subsec_nanos() == 0;
        if span.whole_minutes && !is_whole {
            return Err(format!("is `{text}`, but must be whole minutes such as 5m"));
        }
        Ok(value)
    }
}

/// One of a set of words, each with its meaning.
pub fn one_of<'t, T: Clone>(
    choices: &'t [(&'static str, T)],
) -> impl Fn(&str) -> Result<T, String> + 't {
    move |text| match choices.iter().find(|(name, _)| *name == text) {
        Some((_, value)) => Ok(value.clone()),
        None => {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            Err(format!("is `{text}`, but must be {}", listed(&names)))
        }
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}
