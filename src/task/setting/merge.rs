//! YAML merge keys: what stands below `<<` counts for a mapping that does not say otherwise. Files
//! for mackerel-container-agent may have them, mostly for what several plugins share.

use crate::config::node::{Node, Value};

/// The tree with all its merge keys taken in.
pub fn merged(node: Node) -> Node {
    let value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(merged).collect()),
        Value::Map(entries) => {
            let entries = entries.into_iter();
            Value::Map(taken_in(entries.map(|(k, v)| (k, merged(v))).collect()))
        }
        other => other,
    };
    Node { value, ..node }
}

/// One mapping, or several of which the first that has a key counts.
fn taken_in(entries: Vec<(String, Node)>) -> Vec<(String, Node)> {
    let (merges, mut own): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|(name, _)| name == "<<");
    for (name, node) in merges {
        let mappings = match node.value {
            Value::Map(_) => vec![node],
            Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Map(_))) => {
                items
            }
            // Left for the reader, which knows no such key.
            _ => {
                own.push((name, node));
                continue;
            }
        };
        for mapping in mappings {
            let Value::Map(inner) = mapping.value else {
                continue;
            };
            for (name, node) in inner {
                if !own.iter().any(|(other, _)| *other == name) {
                    own.push((name, node));
                }
            }
        }
    }
    own
}
