//! The configuration in effect as YAML, each value with where it came from: what `config show`
//! prints. It can be read again, but for the API key, which is never shown.

use super::example::scalar;
use super::key::{Absent, Key, Kind, below, inner_path};
use super::node::{Node, Value};

/// What stands in the place of a secret. It holds blanks, so that it is refused as a key where
/// somebody takes the output for a file.
const HIDDEN: &str = "(set, and not shown)";

/// Shows a complete tree.
pub fn show(root: &Node) -> String {
    let mut text = String::new();
    for key in below("") {
        put(&mut text, key, root.get(key.name()), "", "");
    }
    text
}

/// Writes a key: `mark` stands before its name on its line.
fn put(text: &mut String, key: &Key, node: Option<&Node>, indent: &str, mark: &str) {
    let head = format!("{indent}{mark}{}:", key.name());
    let deeper = format!("{indent}{}  ", " ".repeat(mark.len()));
    let Some(node) = node else {
        if key.is_section() && matches!(key.kind, Kind::Section) {
            text.push_str(&format!("{head}\n"));
            for inner in below(key.path) {
                put(text, inner, None, &deeper, "");
            }
            return;
        }
        let Absent::Means(words) = key.absent else {
            return;
        };
        text.push_str(&format!("{head} null  # default: {words}\n"));
        return;
    };
    match (&node.value, key.kind) {
        (Value::Map(_), Kind::Section) => {
            text.push_str(&format!("{head}\n"));
            for inner in below(key.path) {
                put(text, inner, node.get(inner.name()), &deeper, "");
            }
        }
        (Value::List(items), Kind::Sections) => {
            text.push_str(&format!("{head}\n"));
            for item in items {
                for (place, inner) in below(&inner_path(key)).enumerate() {
                    let (indent, mark) = match place {
                        0 => (deeper.clone(), "- "),
                        _ => (format!("{deeper}  "), ""),
                    };
                    put(text, inner, item.get(inner.name()), &indent, mark);
                }
            }
        }
        _ if key.is_secret() => {
            text.push_str(&format!("{head} {}  # {}\n", scalar(HIDDEN), node.place));
        }
        (value, _) => text.push_str(&format!("{head} {}  # {}\n", flow(value), node.place)),
    }
}

/// A value on one line.
fn flow(value: &Value) -> String {
    let joined = |items: Vec<String>| items.join(", ");
    match value {
        Value::Null => "null".to_owned(),
        Value::Scalar(text) => scalar(text),
        Value::List(items) => {
            let items = items.iter().map(|item| flow(&item.value)).collect();
            format!("[{}]", joined(items))
        }
        Value::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(name, node)| format!("{}: {}", scalar(name), flow(&node.value)))
                .collect();
            format!("{{{}}}", joined(entries))
        }
    }
}
