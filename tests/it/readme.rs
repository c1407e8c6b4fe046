//! What README.md says is what the program does: its metrics, its IAM policy, its demo, its flags.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mackerel_ecs::model::catalog::{METRICS, Profile};

use crate::support::program::Program;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).unwrap()
}

/// The part of the page below a heading.
fn section(heading: &str) -> String {
    let page = read("README.md");
    let start = page.find(&format!("\n## {heading}\n")).unwrap() + 1;
    let rest = &page[start + heading.len()..];
    rest[..rest.find("\n## ").unwrap_or(rest.len())].to_owned()
}

/// `a.{b,c}.{d,e}` as `a.b.d`, `a.b.e`, `a.c.d`, `a.c.e`.
fn expand(pattern: &str) -> Vec<String> {
    let Some((head, rest)) = pattern.split_once('{') else {
        return vec![pattern.to_owned()];
    };
    let (choices, tail) = rest.split_once('}').unwrap();
    choices
        .split(',')
        .flat_map(|choice| expand(&format!("{head}{choice}{tail}")))
        .collect()
}

/// The texts in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_table_of_metrics_is_the_catalogue() {
    let mut told = BTreeMap::new();
    for row in section("Metrics")
        .lines()
        .filter(|line| line.starts_with("| `custom."))
    {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let mut last = String::new();
        for name in quoted(cells[1]) {
            // A name that begins with a dot is the one before with another end.
            let full = match name.strip_prefix('.') {
                Some(leaf) => format!("{}.{leaf}", last.rsplit_once('.').unwrap().0),
                None => name.to_owned(),
            };
            last.clone_from(&full);
            for name in expand(&full) {
                told.insert(name, cells[4].to_owned());
            }
        }
    }
    let profile = |profile: Profile| {
        let named = Profile::NAMES.iter().find(|(_, other)| *other == profile);
        named.unwrap().0.to_owned()
    };
    let known: BTreeMap<String, String> = METRICS
        .iter()
        .map(|metric| (metric.pattern(), profile(metric.profile)))
        .collect();
    assert_eq!(told, known);
}

#[test]
fn the_policy_allows_what_is_called_and_nothing_else() {
    let page = section("Use it");
    let (_, policy) = page.split_once("```json\n").unwrap();
    let (policy, _) = policy.split_once("```").unwrap();
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
    let allowed: BTreeSet<String> = policy["Statement"][0]["Action"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action.as_str().unwrap().to_owned())
        .collect();
    // Each call names its action where it makes an error of an answer.
    let mut called = BTreeSet::new();
    for file in ["src/aws/ecs.rs", "src/model/reader.rs"] {
        let code = read(file);
        for text in code.split('"').skip(1).step_by(2) {
            let is_action = |prefix: &str| {
                text.strip_prefix(prefix)
                    .is_some_and(|operation| operation.chars().all(|c| c.is_ascii_alphanumeric()))
            };
            if is_action("ecs:") || is_action("cloudwatch:") {
                called.insert(text.to_owned());
            }
        }
    }
    assert_eq!(allowed, called);
}

#[tokio::test]
async fn the_policy_is_the_one_that_is_printed() {
    let page = section("Use it");
    let (_, shown) = page.split_once("```json\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
    let printed = Program::new("iam-policy").run().await.expect_status(0);
    assert_eq!(shown, printed.json());
}

/// The demo's table as the page shows it: the same columns, clusters, Regions and services. Task
/// counts and points depend on the hour, and the hosts' ids are drawn.
#[tokio::test]
async fn the_demo_prints_what_the_page_shows() {
    let page = section("See it without an account");
    let (_, shown) = page.split_once("```text\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let printed = Program::new("demo --cycles 1").run().await.expect_status(0);
    let shape = |text: &str| -> Vec<String> {
        text.lines()
            .skip_while(|line| !line.starts_with("CLUSTER"))
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                match words.as_slice() {
                    [cluster, region, _, size, services, _, _, _] => {
                        format!("{cluster} {region} {size} {services}")
                    }
                    _ => words
                        .iter()
                        .filter(|word| !word.trim_end_matches(',').chars().all(char::is_numeric))
                        .copied()
                        .collect::<Vec<_>>()
                        .join(" "),
                }
            })
            .collect()
    };
    assert_eq!(shape(shown), shape(&printed.stdout));
}

#[tokio::test]
async fn the_plan_prints_what_the_page_shows() {
    let page = section("Know it beforehand");
    let (_, block) = page.split_once("```console\n$ mackerel-ecs ").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let (command, shown) = block.split_once('\n').unwrap();
    let printed = Program::new(command).run().await.expect_status(0);
    assert_eq!(shown.trim(), printed.stdout.trim());
}
