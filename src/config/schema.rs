//! The configuration as JSON Schema (2020-12), for editors and validators: what `config schema`
//! prints. It never refuses what the program takes, but for ways of writing that nobody uses
//! (`60000ms` for a minute, a number in quotes), and says what it can: it can't compare two values, so
//! that two targets of one name and the shard `4/4` pass it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::key::{Absent, Form, Key, Kind, Span, below, inner_path};

/// The schema.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of mackerel-ecs",
        "description": "Every key is optional; a null counts as absent.",
    });
    merge(&mut schema, mapping(""));
    schema
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// A mapping of the keys below a path.
fn mapping(path: &str) -> Value {
    let properties: Map<String, Value> = below(path)
        .map(|key| (key.name().to_owned(), property(key)))
        .collect();
    json!({
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let mut property = json!({ "description": key.doc });
    if let Absent::Value(text) = key.absent {
        let default = match key.kind {
            Kind::One(Form::Number { .. }) => text.parse::<f64>().ok().map(number),
            _ => None,
        };
        merge(
            &mut property,
            json!({ "default": default.unwrap_or_else(|| text.into()) }),
        );
    }
    let what = match key.kind {
        Kind::Section => mapping(key.path),
        Kind::Sections => {
            let mut entry = mapping(&inner_path(key));
            // Both are told to AWS as a role is assumed, and have no meaning without one.
            merge(
                &mut entry,
                json!({ "dependentRequired": {
                    "external_id": ["role_arn"],
                    "session_name": ["role_arn"],
                } }),
            );
            if let Value::Object(entry) = &mut entry {
                entry.insert("type".into(), "object".into());
            }
            json!({ "type": ["array", "null"], "minItems": 1, "items": entry })
        }
        Kind::Named(form) => json!({
            "type": ["object", "null"],
            "additionalProperties": several(form, None, false),
        }),
        Kind::One(form) => or_null(single(form, key.word)),
        Kind::Many(form) => {
            let mut values = several(form, key.word, true);
            // A Region that is named twice would be polled twice.
            if key.path == "targets[].regions" {
                merge(&mut values, json!({ "uniqueItems": true }));
            }
            values
        }
    };
    merge(&mut property, what);
    property
}

/// The same, or nothing.
fn or_null(mut schema: Value) -> Value {
    let types = match schema["type"].take() {
        Value::Array(types) => types,
        one => vec![one],
    };
    schema["type"] = types.into_iter().chain([json!("null")]).collect();
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
    schema
}

/// A value, or a list of values.
fn several(form: Form, word: Option<&str>, nullable: bool) -> Value {
    let one = single(form, word);
    let mut types: Vec<Value> = match &one["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    types.push(json!("array"));
    if nullable {
        types.push(json!("null"));
    }
    let mut schema = one.clone();
    merge(
        &mut schema,
        json!({ "type": types, "minItems": 1, "items": one }),
    );
    schema
}

fn single(form: Form, word: Option<&str>) -> Value {
    let or_word = |pattern: String| match word {
        Some(word) => format!("^{word}$|{pattern}"),
        None => pattern,
    };
    match form {
        Form::Choice(words) => json!({ "type": "string", "enum": words }),
        Form::Text(pattern) | Form::Secret(pattern) => {
            json!({ "type": "string", "pattern": or_word(pattern.to_owned()) })
        }
        Form::Free(pattern) => json!({
            "type": ["string", "number", "boolean"],
            "pattern": or_word(pattern.to_owned()),
        }),
        Form::Duration(span) => {
            let pattern = or_word(duration(span));
            match span.low.is_zero() {
                false => json!({ "type": "string", "pattern": pattern }),
                // A zero needs no unit.
                true => json!({
                    "type": ["string", "integer"],
                    "minimum": 0,
                    "maximum": 0,
                    "pattern": pattern,
                }),
            }
        }
        Form::Number { low, low_too, high } => {
            let mut schema = json!({ "type": "number" });
            let least = match low_too {
                true => "minimum",
                false => "exclusiveMinimum",
            };
            schema[least] = number(low);
            if let Some(high) = high {
                schema["maximum"] = number(high);
            }
            if let Some(word) = word {
                schema["type"] = json!(["number", "string"]);
                schema["pattern"] = format!("^{word}$").into();
            }
            schema
        }
    }
}

/// Whole numbers without a point.
fn number(value: f64) -> Value {
    match value.fract() == 0.0 {
        true => json!(value as i64),
        false => json!(value),
    }
}

/// Units with their seconds, as durations may be written.
const UNITS: [(u64, &str); 5] = [
    (1, "s|sec|secs|second|seconds"),
    (60, "m|min|mins|minute|minutes"),
    (3600, "h|hr|hrs|hour|hours"),
    (86_400, "d|day|days"),
    (604_800, "w|wk|wks|week|weeks"),
];

/// A pattern for durations within bounds. What is written in several parts, such as `1h 30m`, passes
/// whatever it comes to.
fn duration(span: Span) -> String {
    let seconds = |duration: Duration| duration.as_secs();
    let (low, high) = (seconds(span.low), seconds(span.high));
    let mut ways = Vec::new();
    for (unit, names) in UNITS {
        let (from, to) = (low.div_ceil(unit), high / unit);
        if from > to {
            continue;
        }
        let numbers = match span.whole_minutes && unit < 60 {
            true => (from..=to)
                .filter(|seconds| seconds.is_multiple_of(60))
                .map(|seconds| seconds.to_string())
                .collect::<Vec<_>>()
                .join("|"),
            false => numbers(from, to).join("|"),
        };
        ways.push(format!("0*(?:{numbers}) *(?:{names})"));
    }
    let part = "[0-9]+ *[a-zA-Z]+";
    format!("^ *(?:{}|{part}(?: *{part})+) *$", ways.join("|"))
}

/// Patterns that together fit the whole numbers within bounds, both inclusive.
fn numbers(from: u64, to: u64) -> Vec<String> {
    let mut patterns = Vec::new();
    let mut from = from;
    while from <= to {
        // As many last digits may be anything as the bounds leave free.
        let mut free = 1;
        while from.is_multiple_of(free * 10)
            && from + free * 10 - 1 <= to
            && (from > 0 && from.ilog10() == (from + free * 10 - 1).ilog10())
        {
            free *= 10;
        }
        let last_digit = from / free % 10;
        let room = (to - from + 1) / free;
        let upper = (last_digit + room - 1).min(9);
        let head = match from / free / 10 {
            0 => String::new(),
            head => head.to_string(),
        };
        let digit = match upper == last_digit {
            true => last_digit.to_string(),
            false => format!("[{last_digit}-{upper}]"),
        };
        patterns.push(format!(
            "{head}{digit}{}",
            "[0-9]".repeat(free.ilog10() as usize)
        ));
        from += (upper - last_digit + 1) * free;
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_lite::Regex;

    #[test]
    fn numbers_within_bounds_fit_and_no_others() {
        for (from, to) in [
            (0, 0),
            (0, 9),
            (1, 1),
            (1, 10),
            (0, 60),
            (1, 60),
            (60, 3600),
            (600, 2_592_000),
            (7, 1234),
            (99, 101),
            (10, 720),
            (1, 30),
        ] {
            let pattern = format!("^(?:{})$", numbers(from, to).join("|"));
            let pattern = Regex::new(&pattern).unwrap();
            let around =
                (0..5000)
                    .chain([from, to])
                    .chain([to + 1, to * 10, from.saturating_sub(1)]);
            for number in around {
                assert_eq!(
                    pattern.is_match(&number.to_string()),
                    (from..=to).contains(&number),
                    "{number} in {from}..={to}: {pattern}"
                );
            }
        }
    }
}
