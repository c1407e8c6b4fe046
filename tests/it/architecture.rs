//! The shape of the code: which module may use which, what pure modules must not do, where foreign
//! crates are named, and how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What each module may use. An arrow names a module, or one part of it, and points to a module
/// further up, so that there can be no circles. An arrow that no code needs must go.
const ARROWS: &[(&str, &[&str])] = &[
    // The vocabulary, and what knows nothing else.
    ("model", &[]),
    ("pace", &[]),
    ("terminal", &["model"]),
    ("transport", &[]),
    ("config", &["model"]),
    // The two sides. They are handed plain values, never the configuration.
    ("aws", &["model", "pace", "transport"]),
    ("mackerel", &["model", "transport"]),
    ("source", &["aws", "transport"]),
    ("reload", &["config"]),
    // The stages. They never use each other; only the poller sees the whole line.
    ("discover", &["model", "config", "aws"]),
    ("plan", &["model", "config"]),
    ("fetch", &["model", "aws"]),
    ("map", &["model", "config", "mackerel::payload"]),
    ("post", &["model", "pace", "mackerel"]),
    ("table", &["terminal::look"]),
    ("report", &["model", "table", "terminal::look"]),
    ("inject", &[]),
    ("pulse", &["model", "reload", "report"]),
    ("permission", &["model", "config"]),
    (
        "check",
        &[
            "model",
            "config",
            "aws",
            "mackerel::client",
            "mackerel::error",
            "mackerel::payload",
            "map::host",
            "post::host",
            "permission",
            "terminal::look",
        ],
    ),
    // What polling comes to, told beforehand.
    (
        "forecast",
        &[
            "model",
            "config",
            "pace",
            "aws",
            "mackerel::client",
            "mackerel::error",
            "discover",
            "plan",
            "map",
            "report",
            "table",
            "terminal::look",
        ],
    ),
    (
        "poller",
        &[
            "model", "config", "aws", "mackerel", "discover", "plan", "fetch", "map", "post",
            "report",
        ],
    ),
    (
        "setup",
        &[
            "model",
            "config",
            "mackerel::client",
            "mackerel::error",
            "mackerel::payload",
            "mackerel::watching",
            "post::host",
        ],
    ),
    // The stand-ins. They would agree with our own mistakes if they used our own code.
    ("demo", &[]),
    // The program around it.
    (
        "cli",
        &[
            "config::load",
            "forecast::offline",
            "demo::mackerel::option",
        ],
    ),
    ("telemetry", &["cli", "terminal"]),
    ("schedule", &["model", "config"]),
    // The per-task mode.
    (
        "task",
        &[
            "model",
            "pace",
            "transport",
            "config",
            "source",
            "reload",
            "mackerel",
            "post::retry",
            "schedule",
        ],
    ),
    (
        "run",
        &[
            "model", "config", "poller", "pulse", "report", "cli", "schedule", "terminal",
        ],
    ),
    (
        "command",
        &[
            "model",
            "transport",
            "config",
            "aws",
            "mackerel::client",
            "source",
            "reload",
            "poller",
            "pulse",
            "inject",
            "permission",
            "check",
            "forecast",
            "setup",
            "task",
            "demo",
            "cli",
            "run",
            "terminal",
        ],
    ),
    ("main", &["cli", "telemetry", "command", "terminal"]),
];

/// Names that only some may use: who else does so has taken on another's work.
const RESERVED: &[(&str, &[&str])] = &[
    // From the configuration a stage takes its own section, never the loader.
    ("config::load", &["src/cli/config.rs", "src/command/"]),
    (
        "http",
        &[
            "src/mackerel/",
            "src/transport.rs",
            "src/config/read.rs",
            "src/task/endpoint.rs",
            "src/aws/object.rs",
            "src/aws/regions.rs",
            "src/aws/sign.rs",
            "src/source.rs",
            "src/task/probe.rs",
            "src/task/setting/program.rs",
            "src/pulse/",
            "src/command/health.rs",
        ],
    ),
];

/// Pure: the same answer each time, at once, whatever the world outside does.
const PURE: &[&str] = &[
    "src/model/",
    "src/plan/",
    "src/map/",
    "src/pace/backoff.rs",
    "src/report.rs",
    "src/table.rs",
    "src/forecast/",
    "src/pulse/exposition.rs",
    "src/pulse/tally.rs",
    "src/terminal/look.rs",
    "src/terminal/progress.rs",
    "src/inject/",
    "src/permission.rs",
    "src/check/host.rs",
    "src/setup/dashboard.rs",
    "src/setup/mark.rs",
    "src/setup/monitor.rs",
    "src/schedule.rs",
    "src/config/",
    "src/task/check.rs",
    "src/task/graph.rs",
    "src/task/host.rs",
    "src/task/metadata.rs",
    "src/task/meter.rs",
    "src/task/network.rs",
    "src/task/queue.rs",
    "src/task/stats.rs",
    "src/task/setting/",
];

/// Read the configuration from where it lies.
const IMPURE: &[&str] = &[
    "src/config/load.rs",
    "src/task/setting/load.rs",
    "src/forecast/survey.rs",
];

/// What nothing pure may name. A path is named whole: `std::env` is not the macro `env!`.
const WORLD: &[&str] = &[
    "async",
    "await",
    "tokio",
    "tracing",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "SystemTime",
    "Instant",
    "Utc::now",
    "fastrand",
];

/// The most lines that a file may have.
const LINES: usize = 450;

/// A source file without its comments, literals and tests.
struct Source {
    /// Its path from the package's root.
    path: String,
    /// The names of the modules that lead to it, the file's own included.
    module: Vec<String>,
    /// Paths such as `crate::model::id::HostId`, groups taken apart, as written.
    names: Vec<Vec<String>>,
}

impl Source {
    /// The module right below the crate that it belongs to; none for the crate itself.
    fn top(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    /// What it uses of this crate, from the crate's root.
    fn own_names(&self) -> impl Iterator<Item = Vec<String>> {
        self.names.iter().filter_map(|name| {
            let supers = name.iter().take_while(|part| *part == "super").count();
            match name[0].as_str() {
                "crate" | "mackerel_ecs" => Some(name[1..].to_vec()),
                "super" => {
                    let base = &self.module[..self.module.len() - supers];
                    Some([base, &name[supers..]].concat())
                }
                _ => None,
            }
        })
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }
}

#[test]
fn modules_use_each_other_as_the_table_allows() {
    let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut wrong = Vec::new();
    let sources = sources();
    for source in &sources {
        let Some(top) = source.top() else { continue };
        let Some((row, arrows)) = ARROWS.iter().find(|(module, _)| *module == top) else {
            wrong.push(format!("{top} is missing from the table"));
            continue;
        };
        for name in source
            .own_names()
            .filter(|name| name.first().is_some_and(|to| to != top))
        {
            let name = name.join("::");
            match arrows.iter().find(|arrow| is_within(&name, arrow)) {
                Some(arrow) => _ = used.insert((row, arrow)),
                None => wrong.push(format!("{} uses {name}", source.path)),
            }
        }
    }
    for (place, (module, arrows)) in ARROWS.iter().enumerate() {
        if !sources.iter().any(|source| source.top() == Some(module)) {
            wrong.push(format!("there is no module {module}"));
        }
        for arrow in *arrows {
            if !used.contains(&(module, arrow)) {
                wrong.push(format!("{module} does not use {arrow} any more"));
            }
            if !ARROWS[..place]
                .iter()
                .any(|(above, _)| is_within(arrow, above))
            {
                wrong.push(format!("{module} may use {arrow}, which is not above it"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn reserved_names_stay_where_they_belong() {
    let mut wrong = Vec::new();
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let sdk: BTreeSet<String> = manifest
        .lines()
        .filter(|line| line.starts_with("aws-"))
        .map(|line| line.split([' ', '.']).next().unwrap().replace('-', "_"))
        .collect();
    assert!(sdk.contains("aws_sdk_ecs"));
    for source in sources() {
        for name in &source.names {
            if sdk.contains(&name[0]) && !source.is_in(&["src/aws/", "src/transport.rs"]) {
                wrong.push(format!("{} names {}", source.path, name.join("::")));
            }
        }
        let names = source.own_names().chain(source.names.iter().cloned());
        for name in names.map(|name| name.join("::")) {
            for (reserved, places) in RESERVED {
                let is_reserved = is_within(&name, reserved) && name != *reserved;
                if is_reserved && !source.is_in(places) {
                    wrong.push(format!("{} names {name}", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_modules_leave_the_world_alone() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !source.is_in(PURE) || source.is_in(IMPURE) {
            continue;
        }
        for name in source.names.iter().map(|name| name.join("::")) {
            if WORLD.iter().any(|world| holds(&name, world)) {
                wrong.push(format!("{} names {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_file_is_long() {
    let long: BTreeMap<PathBuf, usize> = rust_files(&root().join("src"))
        .into_iter()
        .map(|path| {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            (path, lines)
        })
        .filter(|(_, lines)| *lines > LINES)
        .collect();
    assert!(long.is_empty(), "more than {LINES} lines: {long:#?}");
}

/// The reader of sources itself, on a text that has one of everything.
#[test]
fn sources_are_read_as_rust_means_them() {
    let text = r##"
        //! Not crate::comment.
        use crate::model::{id::{HostId, ClusterArn as Arn}, time::Minute};
        use super::{super::config::Poll, reader};
        fn f() -> &'static str { crate::plan::batch::batches("crate::text \" {") }
        const RAW: &str = r#"crate::raw "quoted" {"#; /* crate::block */
        const QUOTE: (char, char) = ('"', '\''); fn g<'a>() { x.await }
#[cfg(test)]
mod tests {
    use crate::tested::Only;
}
        fn after() { super::super::post::send() }
#[cfg(test)]
mod more;
    "##;
    let names: Vec<String> = names(text).iter().map(|name| name.join("::")).collect();
    let paths: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|n| n.contains("::"))
        .collect();
    assert_eq!(
        paths,
        [
            "crate::model::id::HostId",
            "crate::model::id::ClusterArn",
            "crate::model::time::Minute",
            "super::super::config::Poll",
            "super::reader",
            "crate::plan::batch::batches",
            "super::super::post::send",
        ]
    );
    assert!(names.contains(&"await".to_owned()));
    assert!(!names.contains(&"quoted".to_owned()));
}

/// Whether the path is this one or lies below it.
fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether the path has these parts in a row.
fn holds(path: &str, parts: &str) -> bool {
    format!("::{path}::").contains(&format!("::{parts}::"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file but tests.
fn sources() -> Vec<Source> {
    let root = root();
    rust_files(&root.join("src"))
        .into_iter()
        .filter_map(|file| {
            let path = file
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let inner = path.strip_prefix("src/")?.strip_suffix(".rs")?;
            if inner.ends_with("_tests") || inner.split('/').any(|part| part == "tests") {
                return None;
            }
            let module = inner
                .split('/')
                .filter(|part| !matches!(*part, "mod" | "lib"))
                .map(str::to_owned)
                .collect();
            let names = names(&std::fs::read_to_string(&file).unwrap());
            Some(Source {
                path,
                module,
                names,
            })
        })
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The paths in a source text, comments, literals and test modules left out.
fn names(text: &str) -> Vec<Vec<String>> {
    let mut tokens = tokens(&without_tests(text)).into_iter().peekable();
    let mut names = Vec::new();
    while tokens.peek().is_some() {
        name(&mut tokens, &[], &mut names);
    }
    names
}

/// Drops each module that is marked as a test at the start of a line, up to its end.
fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, marked)) = rest.split_once("\n#[cfg(test)]\n") {
        kept.push_str(before);
        let place = |end: &str| marked.find(end).unwrap_or(marked.len());
        let has_body = place(" {\n") < place(";\n");
        let close = if has_body { "\n}\n" } else { ";\n" };
        let end = marked
            .find(close)
            .map_or(marked.len(), |at| at + close.len());
        rest = &marked[end..];
    }
    kept + rest
}

/// An identifier, `::`, or one other character.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("r\"") || rest.starts_with("r#") {
            let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
            let close = format!("\"{}", "#".repeat(hashes));
            let body = hashes + 2;
            rest[body..]
                .find(&close)
                .map_or(rest.len(), |end| body + end + close.len())
        } else if first == '"' {
            literal(rest, '"')
        } else if first == '\'' {
            // A lifetime has no closing quote after its one character.
            let second = rest[1..].chars().next().unwrap_or(' ');
            match second == '\\' || rest[1 + second.len_utf8()..].starts_with('\'') {
                true => literal(rest, '\''),
                false => 1,
            }
        } else {
            let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                word => word,
            };
            if !first.is_whitespace() {
                tokens.push(rest[..length].to_owned());
            }
            length
        };
        rest = &rest[length..];
    }
    tokens
}

/// The length of a literal that begins with a quote and ends with the next one.
fn literal(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Reads one path, or several where it ends in a group; passes over what is none.
fn name(
    tokens: &mut std::iter::Peekable<std::vec::IntoIter<String>>,
    before: &[String],
    names: &mut Vec<Vec<String>>,
) {
    let mut path = before.to_vec();
    while let Some(token) = tokens.next() {
        match token.as_str() {
            "{" if !path.is_empty() => {
                while tokens.peek().is_some_and(|next| next != "}") {
                    name(tokens, &path, names);
                    tokens.next_if(|next| next == ",");
                }
                tokens.next();
                return;
            }
            word if word.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                path.push(token);
                if tokens.next_if(|next| next == "::").is_none() {
                    break;
                }
            }
            _ => break,
        }
    }
    // Another name for what was named.
    if !before.is_empty() && tokens.next_if(|next| next == "as").is_some() {
        tokens.next();
    }
    if path.len() > before.len() {
        names.push(path);
    }
}
