//! What a key of the configuration is, as data: the rows of [`super::table`] are made of this. The
//! reader takes bounds and defaults from there, the JSON Schema, the example file, `config show` and
//! the documentation are made of it, so that none of them can say something else than another.

use std::time::Duration;

use super::node::{Node, Place, Value};
use super::table::KEYS;
use super::variable::Variable;

/// A key, or a section of keys.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Where it stands, such as `metrics.profile`, or `targets[].name` in each entry of a list.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// A word that may stand in the place of a value, such as `off`.
    pub word: Option<&'static str>,
    /// What counts where it is not written.
    pub absent: Absent,
    /// What it is for, in sentences.
    pub doc: &'static str,
    /// A value to show where there is no default, as YAML.
    pub example: &'static str,
    /// The environment variable that stands for it.
    pub variable: Option<&'static str>,
    /// The flag that stands for it.
    pub flag: Option<&'static str>,
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A mapping of the keys below it.
    Section,
    /// A list of such mappings.
    Sections,
    /// A mapping of names that are the user's own, each with values of this form.
    Named(Form),
    /// One value.
    One(Form),
    /// A list of values, or one of them.
    Many(Form),
}

/// What a single value looks like.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A duration.
    Duration(Span),
    /// A number, from the first up to the second if there is one; the first itself only where it
    /// says so.
    Number {
        /// The least.
        low: f64,
        /// Whether the least itself is allowed.
        low_too: bool,
        /// The greatest.
        high: Option<f64>,
    },
    /// A text that fits a regular expression.
    Text(&'static str),
    /// The same, where a number or boolean is taken as the text that was written.
    Free(&'static str),
    /// The same, but never to be shown.
    Secret(&'static str),
}

/// Bounds of a duration, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The shortest.
    pub low: Duration,
    /// The longest.
    pub high: Duration,
    /// Whether it must be whole minutes.
    pub whole_minutes: bool,
}

/// What counts where a key is not written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Absent {
    /// This value, as it would be written.
    Value(&'static str),
    /// Something that no value says, in words.
    Means(&'static str),
}

impl Key {
    /// Its name, the last part of its path.
    pub fn name(&self) -> &'static str {
        self.path
            .rsplit_once('.')
            .map_or(self.path, |(_, name)| name)
    }

    /// The path of the section that it stands in; empty for the top.
    pub fn section(&self) -> &'static str {
        self.path
            .rsplit_once('.')
            .map_or("", |(section, _)| section)
    }

    /// Whether keys stand below it.
    pub fn is_section(&self) -> bool {
        matches!(self.kind, Kind::Section | Kind::Sections)
    }

    /// Whether its value must not be shown.
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::One(Form::Secret(_)))
    }

    /// The variable that stands for it, ready to be read.
    pub fn as_variable(&self) -> Option<Variable> {
        let name = self.variable?;
        Some(match self.kind {
            Kind::Many(_) => Variable::list(name, self.path),
            _ => Variable::text(name, self.path),
        })
    }
}

/// The keys right below a section, `""` for the top.
pub fn below(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section() == section)
}

/// The path below which the keys of a section stand: entries of a list are marked.
pub fn inner_path(key: &Key) -> String {
    match key.kind {
        Kind::Sections => format!("{}[]", key.path),
        _ => key.path.to_owned(),
    }
}

/// Completes a configuration: puts each default where nothing was written. Defaults within entries
/// of a list depend on the entry, and are left to the reader.
pub fn complete(root: &mut Node) {
    for key in KEYS.iter().filter(|key| !key.path.contains("[]")) {
        if let Absent::Value(text) = key.absent {
            let place = Place::Default;
            let value = Value::Scalar(text.to_owned());
            root.set_if_absent(key.path, Node { place, value });
        }
    }
}
