//! How what was made is known again: the last line of its memo names what it is and holds a digest of
//! what it was made as, so that a change by hand shows. Pure.

use serde_json::{Map, Value};

use crate::model::hash::stable_hash;

/// What the mark begins with.
const WORDS: &str = "Made by mackerel-ecs setup: ";

/// What Mackerel adds to a thing by itself.
const ADDED: [&str; 3] = ["id", "createdAt", "updatedAt"];

/// The mark of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it is.
    pub key: String,
    /// What it was made as.
    pub digest: String,
}

/// Puts the mark into a thing, behind what its memo says.
pub fn mark(mut thing: Map<String, Value>, key: &str) -> Map<String, Value> {
    let memo = text_of(&thing, "memo").to_owned();
    let digest = digest(&thing);
    let memo = format!("{memo}\n\n{WORDS}{key} {digest}");
    thing.insert("memo".into(), memo.trim_start().into());
    thing
}

/// The mark of a thing that Mackerel tells; none of one that somebody else made.
pub fn mark_of(thing: &Map<String, Value>) -> Option<Mark> {
    let memo = text_of(thing, "memo");
    let (key, digest) = memo
        .lines()
        .last()?
        .strip_prefix(WORDS)?
        .trim()
        .rsplit_once(' ')?;
    Some(Mark {
        key: key.to_owned(),
        digest: digest.to_owned(),
    })
}

/// A number for all that a person can see of a thing, its mark left out. What is empty counts as
/// absent, for Mackerel fills in what was not sent.
pub fn digest(thing: &Map<String, Value>) -> String {
    let mut seen = thing.clone();
    seen.retain(|name, _| !ADDED.contains(&name.as_str()));
    let memo = text_of(thing, "memo");
    let memo = memo.find(WORDS).map_or(memo, |at| &memo[..at]);
    seen.insert("memo".into(), memo.into());
    let mut text = String::new();
    write(&Value::Object(seen), &mut text);
    format!("{:016x}", stable_hash(&text))
}

fn text_of<'a>(thing: &'a Map<String, Value>, name: &str) -> &'a str {
    thing.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// One text for values that mean the same: keys in order, blanks left out.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.retain(|(_, value)| !is_empty(value));
            entries.sort_by_key(|(name, _)| *name);
            for (name, value) in entries {
                text.push_str(name);
                text.push('=');
                write(value, text);
                text.push(';');
            }
        }
        Value::Array(items) => {
            for item in items {
                write(item, text);
                text.push(',');
            }
        }
        Value::Number(number) => text.push_str(&number.as_f64().unwrap_or_default().to_string()),
        Value::String(own) => text.extend(own.chars().filter(|c| !c.is_whitespace())),
        Value::Bool(own) => text.push_str(&own.to_string()),
        Value::Null => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_was_made_is_known_again_and_so_is_a_change() {
        let made = mark(
            object(json!({"name": "CPU", "memo": "Look.", "warning": 80})),
            "cpu",
        );
        // Mackerel adds what was not sent, and writes numbers and keys as it likes.
        let mut told = object(json!({
            "id": "x", "warning": 80.0, "isMute": false, "scopes": [], "critical": null,
        }));
        told.extend(made.clone());
        let found = mark_of(&told).unwrap();
        assert_eq!(found.key, "cpu");
        assert_eq!(found.digest, digest(&told));
        for (name, value) in [
            ("warning", json!(70)),
            ("isMute", json!(true)),
            ("name", json!("x")),
        ] {
            let mut changed = told.clone();
            changed.insert(name.into(), value);
            assert_ne!(found.digest, digest(&changed), "{name}");
        }
        let memo = told["memo"].as_str().unwrap().replace("Look.", "Call me.");
        told.insert("memo".into(), memo.into());
        assert_ne!(found.digest, digest(&told));
        assert_eq!(mark_of(&object(json!({"memo": "By hand."}))), None);
        assert_eq!(mark_of(&object(json!({}))), None);
    }
}
