//! The configuration: its keys, its files, its mistakes, its schema, and the commands about it.

mod command;
mod files;
mod keys;
mod mistakes;
mod schema;

use std::collections::BTreeSet;
use std::path::PathBuf;

use mackerel_ecs::config::Config;
use mackerel_ecs::config::load::{Gathered, Sources, load};

const KEY: (&str, &str) = ("MACKEREL_APIKEY", "key");

type Loaded = Result<Config, Vec<String>>;

fn load_with(
    environment: &[(&str, &str)],
    load: impl FnOnce(&Sources<'_>) -> Result<Config, Vec<mackerel_ecs::config::Mistake>>,
) -> Loaded {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: Vec<_> = environment.iter().map(owned).collect();
    let sources = Sources {
        file: None,
        environment: &environment,
        flags: Vec::new(),
    };
    load(&sources).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

fn load_from(file: Option<PathBuf>, environment: &[(&str, &str)]) -> Loaded {
    load_with(environment, |sources| {
        let sources = Sources {
            file,
            environment: sources.environment,
            flags: Vec::new(),
        };
        load(&sources, true)
    })
}

fn load_inline(text: &str) -> Loaded {
    load_from(None, &[KEY, ("MACKEREL_ECS_CONFIG_YAML", text)])
}

/// A text that is called so in mistakes.
fn load_text(name: &str, text: &str, environment: &[(&str, &str)]) -> Loaded {
    load_with(environment, |sources| {
        Gathered::of(sources, Some((name, text)))?.config(false)
    })
}

/// The keys that the program names when it meets one in this section that is like no other.
fn known_keys(section: &str) -> BTreeSet<String> {
    let text = match section.split_once("[0]") {
        Some((list, "")) => format!("{list}: [{{0: 0}}]"),
        Some((list, inner)) => format!("{list}: [{{{}: {{0: 0}}}}]", &inner[1..]),
        None if section.is_empty() => "0: 0".to_owned(),
        None => format!("{section}: {{0: 0}}"),
    };
    let mistakes = load_inline(&text).unwrap_err();
    let [mistake] = mistakes.as_slice() else {
        panic!("{mistakes:?}");
    };
    let (_, known) = mistake.split_once("; known are ").unwrap();
    known.split(", ").map(str::to_owned).collect()
}
