//! The table of keys says what the reader takes: these keys and no others, within these bounds, with
//! these defaults.

use std::collections::BTreeSet;

use mackerel_ecs::cli::{Cli, Command};
use mackerel_ecs::config::key::{Absent, Form, Key, Kind, below, inner_path};
use mackerel_ecs::config::table::KEYS;

use super::{known_keys, load_inline, load_text};

/// A configuration with this alone in it.
fn with(key: &Key, value: &str) -> String {
    let parts: Vec<&str> = key.path.split('.').collect();
    match parts.as_slice() {
        [only] => format!("{only}: {value}"),
        [list, name] if list.ends_with("[]") => {
            let list = list.trim_end_matches("[]");
            format!("{list}: [{{role_arn: 'arn:aws:iam::111122223333:role/a', {name}: {value}}}]")
        }
        [list, section, name] if list.ends_with("[]") => {
            let list = list.trim_end_matches("[]");
            format!("{list}: [{{{section}: {{{name}: {value}}}}}]")
        }
        [section, name] => format!("{section}: {{{name}: {value}}}"),
        parts => panic!("{parts:?}"),
    }
}

#[track_caller]
fn check(key: &Key, value: &str, is_right: bool) {
    // The role's own key stands there already.
    if key.path == "targets[].role_arn" {
        return;
    }
    let loaded = load_text("t", &with(key, value), &[]);
    assert_eq!(
        loaded.is_ok(),
        is_right,
        "{}: {value}: {loaded:?}",
        key.path
    );
}

#[test]
fn the_reader_knows_the_keys_of_the_table_and_no_others() {
    let sections = KEYS.iter().filter(|key| key.is_section());
    let mut paths: Vec<String> = sections.map(inner_path).collect();
    paths.push(String::new());
    for path in paths {
        let known: BTreeSet<String> = below(&path).map(|key| key.name().to_owned()).collect();
        assert_eq!(known_keys(&path.replace("[]", "[0]")), known, "in `{path}`");
    }
}

/// Written out, the defaults change nothing; without them, a key has another meaning than any of its
/// values, so that there is an example that changes something.
#[test]
fn what_counts_where_a_key_is_absent() {
    let defaults = format!("{:#?}", load_inline("").unwrap());
    for key in KEYS.iter().filter(|key| !key.is_section()) {
        match key.absent {
            Absent::Value(text) => {
                let written = load_inline(&with(key, &format!("'{text}'"))).unwrap();
                assert_eq!(format!("{written:#?}"), defaults, "{}", key.path);
            }
            Absent::Means(words) => {
                assert!(!words.is_empty() && !key.example.is_empty(), "{}", key.path);
                check(key, key.example, true);
            }
        }
    }
}

#[test]
fn values_are_taken_as_the_table_says() {
    for key in KEYS {
        let (Kind::One(form) | Kind::Many(form) | Kind::Named(form)) = key.kind else {
            check(key, "nonsense", false);
            continue;
        };
        if let Some(word) = key.word {
            check(key, word, true);
        } else if !matches!(form, Form::Choice(_) | Form::Free(_) | Form::Secret(_)) {
            check(key, "'?!'", false);
        }
        match form {
            Form::Choice(words) => {
                for word in words {
                    check(key, word, true);
                }
                check(key, "nonsense", false);
            }
            Form::Duration(span) => {
                check(key, &format!("{}s", span.low.as_secs()), true);
                check(key, &format!("{}s", span.high.as_secs()), true);
                check(key, &format!("{}s", span.high.as_secs() + 60), false);
                if let Some(below) = span.low.as_secs().checked_sub(1) {
                    check(key, &format!("{below}s"), false);
                }
                check(
                    key,
                    "601s",
                    !span.whole_minutes && span.high.as_secs() > 600,
                );
            }
            Form::Number { low, low_too, high } => {
                check(key, &low.to_string(), low_too);
                check(key, &(low - 0.1).to_string(), false);
                check(key, &(low + 0.1).to_string(), true);
                if let Some(high) = high {
                    check(key, &high.to_string(), true);
                    check(key, &(high + 0.1).to_string(), false);
                }
            }
            Form::Text(_) | Form::Free(_) | Form::Secret(_) => {}
        }
        let several = matches!(key.kind, Kind::Many(_));
        if !key.example.is_empty() && !matches!(key.kind, Kind::Named(_)) {
            let single = key.example.trim_matches(['[', ']']).split(',').next();
            check(key, single.unwrap(), true);
            check(key, &format!("[{}]", single.unwrap()), several);
        }
    }
}

#[test]
fn variables_and_flags_stand_for_their_keys() {
    for key in KEYS {
        let (Some(variable), false) = (key.variable, key.is_secret()) else {
            continue;
        };
        let mistakes = load_text("t", "", &[(variable, "no such: thing {")]).err();
        let told = mistakes.unwrap_or_default().join("\n");
        // Any pattern will do for a cluster.
        if key.path != "clusters.include" {
            let part = format!("environment variable {variable}: {}", key.path);
            assert!(told.contains(&part), "{told}");
        }
    }
    let poll = <Cli as clap::Parser>::parse_from(["mackerel-ecs", "poll"]);
    let Command::Poll(args) = poll.command else {
        panic!("{poll:?}");
    };
    let flags: BTreeSet<(&str, &str)> = args
        .config
        .flags()
        .iter()
        .map(|flag| (flag.name, flag.key))
        .collect();
    let told = KEYS.iter().filter_map(|key| Some((key.flag?, key.path)));
    assert_eq!(flags, told.collect());
}
