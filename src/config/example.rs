//! A file with every key, commented: what `config init` writes. As it is, it changes nothing.

use super::key::{Absent, Key, Kind, below, inner_path};

/// How wide the lines may be.
const WIDTH: usize = 100;

const HEAD: &str = "\
# Every key of mackerel-ecs. A key that stands here uncommented shows its default, so that this
# file as it is changes nothing; a line that begins with `#` and no blank is a key to uncomment.
#
# What is set elsewhere wins: variables of the environment over this file, flags over both.
";

/// The file.
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    for top in below("") {
        text.push('\n');
        text.push_str(&comment(&told(top), ""));
        if !top.is_section() {
            text.push_str(&line(top, ""));
            continue;
        }
        text.push_str(&format!("{}:\n", top.name()));
        let path = inner_path(top);
        for (place, key) in below(&path).enumerate() {
            let (indent, mark) = match (top.kind, place) {
                (Kind::Sections, 0) => ("  ", "- "),
                (Kind::Sections, _) => ("    ", ""),
                _ => ("  ", ""),
            };
            if place > 0 {
                text.push('\n');
            }
            text.push_str(&comment(&told(key), indent));
            if key.is_section() {
                // Its keys are told of where the section of this name stands for all targets.
                text.push_str(&format!("{indent}#{}:\n", key.name()));
                for inner in below(key.path) {
                    text.push_str(&line(inner, &format!("{indent}  ")));
                }
                continue;
            }
            text.push_str(&match mark {
                "" => line(key, indent),
                mark => format!("{indent}#{mark}{}: {}\n", key.name(), key.example),
            });
        }
    }
    text
}

/// What a key is for, and what else stands for it.
fn told(key: &Key) -> String {
    let mut text = key.doc.to_owned();
    match (key.variable, key.flag) {
        (Some(variable), Some(flag)) => {
            text.push_str(&format!(" The variable is {variable}, the flag {flag}."));
        }
        (Some(variable), None) => text.push_str(&format!(" The variable is {variable}.")),
        (None, Some(flag)) => text.push_str(&format!(" The flag is {flag}.")),
        (None, None) => {}
    }
    text
}

/// The key with its default, or commented with an example.
fn line(key: &Key, indent: &str) -> String {
    match key.absent {
        Absent::Value(text) => format!("{indent}{}: {}\n", key.name(), scalar(text)),
        Absent::Means(_) => format!("{indent}#{}: {}\n", key.name(), key.example),
    }
}

/// Words as lines of comment.
pub fn comment(words: &str, indent: &str) -> String {
    let mut lines = vec![format!("{indent}#")];
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}# {word}")),
        }
    }
    lines.join("\n") + "\n"
}

/// A single value as YAML, in quotes where something else would be read without.
pub fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@+-".contains(c);
    let begins_plainly = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    let is_null = matches!(text, "null" | "Null" | "NULL");
    if begins_plainly && !text.ends_with(':') && !is_null && text.chars().all(is_plain) {
        return text.to_owned();
    }
    // A JSON text is a YAML text.
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node::Value;
    use crate::config::yaml::parse;

    #[test]
    fn a_scalar_is_read_as_it_was() {
        for text in [
            "",
            "~",
            "null",
            "true",
            "007",
            "a: b",
            "a:",
            "- a",
            "#x",
            "{arn}",
            "line\nbreak",
            "é",
            "a\"b\\c",
            "*",
            "&a",
            "[::1]:9808",
            "off",
            "1.5",
            "a #b",
            "\u{7f}",
            "\u{85}",
        ] {
            let root = parse("t", &format!("key: {}", scalar(text))).unwrap();
            let node = root.get("key");
            assert!(
                matches!(node.map(|n| &n.value), Some(Value::Scalar(read)) if read == text),
                "{text:?}: {node:?}"
            );
        }
    }

    #[test]
    fn comments_are_wrapped() {
        let long = "word ".repeat(40);
        for line in comment(&long, "    ").lines() {
            assert!(line.len() <= WIDTH && line.starts_with("    # word"));
        }
    }
}
