//! The JSON Schema, by the opinion of Python's `jsonschema`: it takes what the program takes, and
//! refuses each mistake that the program refuses.

use std::io::Write;
use std::process::{Command, Stdio};

use mackerel_ecs::config::schema::schema;

use super::files::{example, folder, uncommented};
use super::load_text;
use super::mistakes::{SECRETS, UNKNOWN_KEYS, WRONG_TARGETS, WRONG_TYPES, WRONG_VALUES};

/// What no schema can say: it compares no values, and JSON has no such number.
const BEYOND_A_SCHEMA: [&str; 3] = [
    "targets:\n  - name: a\n  - {name: b, regions: eu-west-1}\n  - name: a",
    "targets:\n  - role_arn: 'arn:aws:iam::111122223333:role/poller'\n  - role_arn: \
     'arn:aws:iam::111122223333:role/poller'",
    "aws: {rate_share: .nan}",
];

/// More of what the program takes.
const RIGHT: [&str; 13] = [
    "",
    "poll:\nhost: ~\n",
    "poll: {settle: 0}",
    "poll: {settle: 0s, overlap: 59 min, lookback: 24h, grace: 600s, interval: 120s}",
    "poll: {lookback: 1day, grace: 1m 30s, interval: 1hour}",
    "host: {retire_after: 2weeks}",
    "host: {roles: 'shop: web', memo: 5, display_name: ''}",
    "targets: [{name: true, regions: ap-northeast-1}]",
    "targets: [{regions: all, clusters: {tags: {a: b}}, metrics: {profile: full}, roles: 'a1: b1'}]",
    "clusters: {include: 7, tags: {a: b, c: [d, 1]}}",
    "cloudwatch: {interval: 5m, monthly_budget_usd: 2.5, reader: get_metric_data}",
    "aws: {rate_share: 1}\nshard: job/4\nhttp: {listen: '[::1]:9808'}",
    "aws: {rate_share: off}\nshard: 0/1\nhttp: {listen: 0.0.0.0:9808}\nhost: {retire_after: 10m}",
];

/// More of what it refuses.
const WRONG: [&str; 9] = [
    "poll: {interval: 90s}",
    "poll: {interval: 61m}",
    "poll: {settle: 1}",
    "host: {retire_after: 9m}",
    "aws: {rate_share: 0}",
    "cloudwatch: {monthly_budget_usd: -1}",
    "shard: 1/0",
    "http: {listen: 9808}",
    "heartbeat: {service: x}",
];

/// The first thing that is wrong with each text; empty for nothing.
fn judged(texts: &[&str]) -> Vec<String> {
    const SCRIPT: &str = "
import json, sys, re, yaml, jsonschema
given = json.load(sys.stdin)
# Words as YAML 1.2 has them: `off` is a text.
class Loader(yaml.SafeLoader): pass
Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] not in ('tag:yaml.org,2002:bool', 'tag:yaml.org,2002:int', 'tag:yaml.org,2002:merge', 'tag:yaml.org,2002:timestamp')]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver('tag:yaml.org,2002:bool', re.compile('^(?:true|false)$'), list('tf'))
Loader.add_implicit_resolver('tag:yaml.org,2002:int', re.compile('^[-+]?[0-9]+$'), list('-+0123456789'))
jsonschema.Draft202012Validator.check_schema(given['schema'])
validator = jsonschema.Draft202012Validator(given['schema'])
answers = []
for text in given['texts']:
    error = next(validator.iter_errors(yaml.load(text, Loader)), None)
    answers.append('' if error is None else f'{error.json_path}: {error.message}')
json.dump(answers, sys.stdout)
";
    let python = folder().join("../target/venv/bin/python");
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("run `make venv` first");
    let given = serde_json::json!({ "schema": schema(), "texts": texts });
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(given.to_string().as_bytes()).unwrap();
    drop(stdin);
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// Both opinions of each text.
#[track_caller]
fn check(texts: &[&str], is_right: bool) {
    for (text, judged) in texts.iter().zip(judged(texts)) {
        let loaded = load_text("ecs.yaml", text, &[("JOB_COMPLETION_INDEX", "0")]);
        assert_eq!(
            loaded.is_ok(),
            is_right,
            "the program of:\n{text}\n{loaded:?}"
        );
        assert_eq!(
            judged.is_empty(),
            is_right,
            "the schema of:\n{text}\n{judged}"
        );
    }
}

#[test]
fn what_is_right_passes() {
    let file = |name: &str| std::fs::read_to_string(folder().join(name)).unwrap();
    let files = [
        file("minimal.yaml"),
        file("demo.yaml"),
        example(),
        uncommented(&example()),
    ];
    let mut texts: Vec<&str> = files.iter().map(String::as_str).collect();
    texts.extend(RIGHT);
    check(&texts, true);
}

#[test]
fn every_mistake_is_refused() {
    let tables = [
        UNKNOWN_KEYS,
        WRONG_TYPES,
        WRONG_VALUES,
        WRONG_TARGETS,
        SECRETS,
    ];
    let texts = tables.iter().flat_map(|table| table.iter());
    let mut texts: Vec<&str> = texts.map(|(text, _)| *text).collect();
    texts.extend(WRONG);
    texts.retain(|text| !BEYOND_A_SCHEMA.contains(text));
    check(&texts, false);
}

/// The exceptions are just that, so that none of them stays when it is no longer one.
#[test]
fn what_no_schema_can_say_passes() {
    for (text, judged) in BEYOND_A_SCHEMA.iter().zip(judged(&BEYOND_A_SCHEMA)) {
        assert!(load_text("ecs.yaml", text, &[]).is_err(), "{text}");
        assert_eq!(judged, "", "{text}");
    }
}
