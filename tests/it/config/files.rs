//! The files in `config/`: each one loads, and the example shows every key with its default.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mackerel_ecs::config::node::{Node, Value};
use mackerel_ecs::config::yaml::parse;

use super::{KEY, known_keys, load_from, load_inline};

#[test]
fn every_file_loads() {
    let mut loaded = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // The minimal file is enough by itself; the others leave the key to the environment.
        let environment = if name == "minimal.yaml" {
            &[][..]
        } else {
            &[KEY]
        };
        if let Err(mistakes) = load_from(Some(path), environment) {
            panic!("{name}: {mistakes:#?}");
        }
        loaded.insert(name);
    }
    let expected = ["demo.yaml", "example.yaml", "minimal.yaml"];
    assert_eq!(loaded, expected.map(str::to_owned).into());
}

/// What stands there uncommented are the defaults.
#[test]
fn the_example_as_it_is_changes_nothing() {
    let example = load_from(Some(folder().join("example.yaml")), &[KEY]).unwrap();
    let defaults = load_from(None, &[KEY]).unwrap();
    assert_eq!(format!("{example:#?}"), format!("{defaults:#?}"));
}

/// The example, all of it uncommented, is accepted, and has each key that the program knows in each
/// section: what it knows is what it names itself where it meets a key that it does not know.
#[test]
fn the_example_shows_every_key() {
    let text = uncommented(&example());
    if let Err(mistakes) = load_inline(&text) {
        panic!("{mistakes:#?}\n{text}");
    }
    let mut shown = BTreeMap::new();
    shown_keys("", &parse("example.yaml", &text).unwrap(), &mut shown);
    let sections: Vec<&String> = shown.keys().collect();
    assert_eq!(
        sections,
        [
            "",
            "aws",
            "cloudwatch",
            "clusters",
            "heartbeat",
            "host",
            "http",
            "mackerel",
            "metrics",
            "poll",
            "services",
            "targets[0]",
            "targets[0].clusters",
            "targets[0].metrics",
            "targets[0].services",
        ]
    );
    for (section, keys) in &shown {
        assert_eq!(*keys, known_keys(section), "in `{section}`");
    }
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

pub fn example() -> String {
    std::fs::read_to_string(folder().join("example.yaml")).unwrap()
}

/// The text with its commented keys uncommented: those that follow their `#` without a blank.
pub fn uncommented(text: &str) -> String {
    let line = |line: &str| {
        let inner = line.trim_start();
        let indent = &line[..line.len() - inner.len()];
        match inner.strip_prefix('#') {
            Some(key) if !key.is_empty() && !key.starts_with(' ') => format!("{indent}{key}\n"),
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

/// The keys of each section, by its path. The keys of `tags` and the like are the user's own.
fn shown_keys(path: &str, node: &Node, shown: &mut BTreeMap<String, BTreeSet<String>>) {
    match &node.value {
        Value::Map(entries) => {
            let names = entries.iter().map(|(name, _)| name.clone()).collect();
            shown.insert(path.to_owned(), names);
            for (name, node) in entries.iter().filter(|(name, _)| !name.ends_with("tags")) {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                shown_keys(&path, node, shown);
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                shown_keys(&format!("{path}[{index}]"), item, shown);
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}
