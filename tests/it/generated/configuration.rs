//! `docs/configuration.md`: every key, from the table that the reader uses.

use mackerel_ecs::config::key::{Absent, Form, Key, Kind, Span, below, inner_path};
use mackerel_ecs::config::table::KEYS;

use super::cell;

const HEAD: &str = "\
# Configuration

<!-- Made by `make docs` of src/config/table.rs. -->

Nothing has to be configured but the API key. Everything else has a default, and every key may be left
out. `mackerel-ecs config init` writes a file with all of them, commented.

## Where it comes from

Later sources win: the defaults, the file, environment variables, flags.

| source | how |
| --- | --- |
| a file | `--config FILE`, or its name in `MACKEREL_ECS_CONFIG` |
| a web server | a URL with `http://` or `https://` in the same places; user, password and query are never shown |
| S3 | `s3://BUCKET/KEY` in the same places, read with the poller's own credentials (`s3:GetObject`, which `iam-policy` adds) |
| a variable | the YAML itself in `MACKEREL_ECS_CONFIG_YAML`, as a task definition or a secret can hold it |

Every command that reads a configuration takes all of them. `config show` prints what is in effect,
each value with where it came from; `config validate` prints every mistake, each with its line and
column, and ends with status 2 where there is one; neither needs a key or a network, unless the
configuration is elsewhere. `config schema` prints the JSON Schema (2020-12), which is also
[config/schema.json](../config/schema.json): with the YAML extension of an editor,
`# yaml-language-server: $schema=schema.json` as the first line of the file makes it complete keys and
mark mistakes. The schema can't compare values: two targets of one name or with the same Regions, or the
shard `4/4`, are told by `config validate` alone.

## How it is written

YAML 1.2, one document, without tags. A null counts as absent. A list of one may be written without
brackets; an empty list is a mistake, for it would select nothing. Durations are written as `90s`, `5m`,
`1h 30m`. Patterns are as in a shell: `*`, `?`, `[ab]`, `{a,b}`. Texts of `host` may hold `{arn}`,
`{cluster}`, `{region}` and `{account}`; a brace itself is written twice.
";

const TAIL: &str = "
## Other variables

| variable | what it sets |
| --- | --- |
| `MACKEREL_ECS_CONFIG`, `MACKEREL_ECS_CONFIG_YAML` | where the configuration is, or the configuration itself |
| `MACKEREL_ECS_LOG`, `MACKEREL_ECS_LOG_FORMAT` | `--log-level` (error, warn, info, debug, trace) and `--log-format` (text, json) |
| `AWS_REGION`, `AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, ... | the AWS SDK's own settings |
| `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` | the proxy, for AWS and Mackerel alike |
| `NO_COLOR`, `CLICOLOR_FORCE` | no colours on a terminal; colours also elsewhere |

A variable that begins with `MACKEREL_ECS_` and is none of these is refused, since it is most often a
slip of the pen. The sidecar has [settings of its own](task-setting.md).
";

/// The page.
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Keys\n");
    for top in below("") {
        text.push_str(&format!("\n### {}\n\n{}\n", top.name(), top.doc));
        let keys: Vec<&Key> = match top.is_section() {
            true => below(&inner_path(top)).flat_map(with_inner).collect(),
            false => vec![top],
        };
        text.push_str("\n| key | takes | default | |\n| --- | --- | --- | --- |\n");
        for key in keys {
            let doc = if top.is_section() { key.doc } else { "" };
            text.push_str(&format!(
                "| `{}` | {} | {} | {} |\n",
                key.path,
                cell(&takes(key)),
                default(key),
                cell(doc)
            ));
        }
    }
    text.push_str("\n## Keys that have a variable or a flag\n\n| key | variable | flag |\n| --- | --- | --- |\n");
    for key in KEYS {
        if key.variable.is_none() && key.flag.is_none() {
            continue;
        }
        let name = |name: Option<&str>| name.map(|name| format!("`{name}`")).unwrap_or_default();
        let (variable, flag) = (name(key.variable), name(key.flag));
        text.push_str(&format!("| `{}` | {variable} | {flag} |\n", key.path));
    }
    text.push_str(
        "\nA variable that stands for a list has commas between its values; a flag is given several times.\n",
    );
    text.push_str(TAIL);
    text
}

/// A key, and those that stand below it.
fn with_inner(key: &'static Key) -> Vec<&'static Key> {
    let inner = below(key.path).filter(|_| key.is_section());
    core::iter::once(key).chain(inner).collect()
}

fn default(key: &Key) -> String {
    match key.absent {
        Absent::Value(text) => format!("`{text}`"),
        Absent::Means(words) => words.to_owned(),
    }
}

fn takes(key: &Key) -> String {
    let value = match key.kind {
        Kind::Section | Kind::Sections => "keys".to_owned(),
        Kind::One(form) => one(form),
        Kind::Many(form) => format!("a list: {}", one(form)),
        Kind::Named(form) => format!("names of tags, each with a list: {}", one(form)),
    };
    match key.word {
        Some(word) => format!("{value}, or `{word}`"),
        None => value,
    }
}

fn one(form: Form) -> String {
    match form {
        Form::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        Form::Duration(Span {
            low,
            high,
            whole_minutes,
        }) => format!(
            "{} from {} to {}",
            if whole_minutes {
                "whole minutes"
            } else {
                "a duration"
            },
            humantime::format_duration(low),
            humantime::format_duration(high)
        ),
        Form::Number { low, low_too, high } => {
            let least = if low_too { "at least" } else { "above" };
            match high {
                Some(high) => format!("a number {least} {low} and up to {high}"),
                None => format!("a number, {least} {low}"),
            }
        }
        Form::Text(_) | Form::Free(_) => "text".to_owned(),
        Form::Secret(_) => "text, which is never shown".to_owned(),
    }
}
