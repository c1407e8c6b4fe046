//! Parses YAML into a tree of [`Node`]s. Scalars stay as they were written, so that a key such as
//! `007` keeps its zeros. What has no meaning in a configuration is refused at its place: tags,
//! duplicate keys, a second document, and trees that are deep or large beyond all use.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::Mistake;
use super::node::{Node, Place, Value};

/// How deep lists and mappings may stand in each other; a configuration needs four.
const DEPTH: usize = 16;

/// How many values there may be, those that aliases repeat included.
const SIZE: usize = 20_000;

/// Parses a text; `file` is what it is called in mistakes. An empty text is an empty mapping.
pub fn parse(file: &str, text: &str) -> Result<Node, Mistake> {
    let mut tree = Tree {
        file: Arc::from(file),
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        size: 0,
    };
    let mut root = None;
    loop {
        let (event, span) = tree.next()?;
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart(_) if root.is_some() => {
                let message = "a second YAML document; a configuration is one document";
                return Err(tree.mistake(span.start, message));
            }
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            other => root = Some(tree.node(other, span, 0)?),
        }
    }
    Ok(root.unwrap_or_else(|| Node::empty(&tree.file)))
}

/// A tree while it is built.
struct Tree<'t> {
    file: Arc<str>,
    events: Parser<'t, StrInput<'t>>,
    /// Values that aliases may repeat, by the parser's number, each with its size.
    anchors: HashMap<usize, (Node, usize)>,
    size: usize,
}

impl<'t> Tree<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Mistake> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.not_yaml(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// The value that begins with this event.
    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Mistake> {
        if depth > DEPTH {
            return Err(self.mistake(span.start, "nested too deep for a configuration"));
        }
        let size_before = self.size;
        self.grow(1, span.start)?;
        let (value, anchor) = match event {
            Event::Alias(anchor) => return self.repeat(anchor, span.start),
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                return Err(self.mistake(span.start, "a YAML tag can't be used here; leave it out"));
            }
            Event::Scalar(text, style, anchor, None) => {
                let is_null = style == ScalarStyle::Plain
                    && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = match is_null {
                    true => Value::Null,
                    false => Value::Scalar(text.into_owned()),
                };
                (value, anchor)
            }
            Event::SequenceStart(anchor, None) => (self.list(depth)?, anchor),
            Event::MappingStart(anchor, None) => (self.map(depth)?, anchor),
            _ => return Err(self.mistake(span.start, "not valid YAML: a value is missing")),
        };
        let node = Node {
            place: self.place(span.start),
            value,
        };
        if anchor > 0 {
            let size = self.size - size_before;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Mistake> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Mistake> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Map(entries));
            }
            let key = self.node(event, span, depth + 1)?;
            let Value::Scalar(name) = key.value else {
                let message = format!("a key must be a text, not {}", key.value.kind());
                return Err(self.mistake(span.start, message));
            };
            if entries.iter().any(|(other, _)| *other == name) {
                let message = format!("the key `{name}` is written twice; keep one of them");
                return Err(self.mistake(span.start, message));
            }
            let (event, span) = self.next()?;
            let mut value = self.node(event, span, depth + 1)?;
            // Whatever is wrong, the key is where a person looks, and an unknown one has no other.
            value.place = key.place;
            entries.push((name, value));
        }
    }

    /// The value that an alias repeats.
    fn repeat(&mut self, anchor: usize, at: Marker) -> Result<Node, Mistake> {
        match self.anchors.get(&anchor).cloned() {
            Some((node, size)) => {
                self.grow(size, at)?;
                Ok(node)
            }
            None => Err(self.mistake(at, "an alias can't stand within what it repeats")),
        }
    }

    fn grow(&mut self, size: usize, at: Marker) -> Result<(), Mistake> {
        self.size = self.size.saturating_add(size);
        match self.size > SIZE {
            true => Err(self.mistake(at, "too large for a configuration, its aliases written out")),
            false => Ok(()),
        }
    }

    fn place(&self, marker: Marker) -> Place {
        Place::File {
            file: self.file.clone(),
            line: marker.line(),
            column: marker.col() + 1,
        }
    }

    fn mistake(&self, at: Marker, message: impl Into<String>) -> Mistake {
        Mistake::at(Some(&self.place(at)), message)
    }

    fn not_yaml(&self, error: &ScanError) -> Mistake {
        let mend = match error.info().contains("tab") {
            true => "; indent with blanks",
            false => "",
        };
        let message = format!("not valid YAML: {}{mend}", error.info());
        self.mistake(*error.marker(), message)
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
