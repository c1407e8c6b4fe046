use std::io::Write;

use super::*;
use crate::config::template::Template;
use crate::model::catalog::Profile;

const KEY: (&str, &str) = ("MACKEREL_APIKEY", "canary");

fn load_from(
    file: Option<&Path>,
    environment: &[(&str, &str)],
    flags: &[(&'static str, &'static str, &str)],
) -> Result<Config, Vec<String>> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: Vec<_> = environment.iter().map(owned).collect();
    let sources = Sources {
        file: file.map(Path::to_owned),
        environment: &environment,
        flags: flags
            .iter()
            .map(|(name, key, values)| Flag {
                name,
                key,
                values: values.split_whitespace().map(str::to_owned).collect(),
            })
            .collect(),
    };
    load(&sources, true)
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// Wrong environments, each with its mistakes.
#[track_caller]
fn check(environment: &[(&str, &str)], expected: &[&str]) {
    let mistakes = load_from(None, environment, &[]).unwrap_err();
    assert_eq!(mistakes, expected);
    assert!(!mistakes.concat().contains("canary"), "{mistakes:?}");
}

/// A file with this text, removed at the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("mackerel-ecs-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::File::create(&path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn flags_win_over_the_environment_and_this_over_the_file() {
    let file = File::new(
        "precedence.yaml",
        "metrics: {profile: compact}\npoll: {interval: 2m, grace: 3s}\nhost: {memo: x}",
    );
    let from_file = load_from(Some(&file.0), &[KEY], &[]).unwrap();
    assert_eq!(from_file.targets[0].metrics.profile, Profile::Compact);
    assert_eq!(from_file.poll.interval.as_secs(), 120);

    let environment = [
        KEY,
        ("MACKEREL_ECS_PROFILE", "full"),
        ("MACKEREL_ECS_INTERVAL", "3m"),
    ];
    let from_environment = load_from(Some(&file.0), &environment, &[]).unwrap();
    assert_eq!(from_environment.targets[0].metrics.profile, Profile::Full);
    assert_eq!(from_environment.poll.interval.as_secs(), 180);

    let flags = [("--interval", "poll.interval", "4m")];
    let from_flags = load_from(Some(&file.0), &environment, &flags).unwrap();
    assert_eq!(from_flags.targets[0].metrics.profile, Profile::Full);
    assert_eq!(from_flags.poll.interval.as_secs(), 240);
    // What only the file says stays.
    assert_eq!(from_flags.poll.grace.as_secs(), 3);
    assert_eq!(from_flags.host.memo, Some(Template::parse("x").unwrap()));
}

#[test]
fn a_flag_wins_over_the_variable_that_names_a_file() {
    let file = File::new("by-variable.yaml", "poll: {interval: 2m}");
    let named = ("MACKEREL_ECS_CONFIG", file.0.to_str().unwrap());
    let by_variable = load_from(None, &[KEY, named], &[]).unwrap();
    assert_eq!(by_variable.poll.interval.as_secs(), 120);
    let other = File::new("by-flag.yaml", "poll: {interval: 3m}");
    let by_flag = load_from(Some(&other.0), &[KEY, named], &[]).unwrap();
    assert_eq!(by_flag.poll.interval.as_secs(), 180);
}

#[test]
fn lists_are_separated_by_commas_or_given_again() {
    let environment = [
        KEY,
        ("MACKEREL_ECS_CLUSTERS", "web-*, db"),
        ("MACKEREL_ROLES", "shop:web,shop:db"),
    ];
    let config = load_from(None, &environment, &[]).unwrap();
    assert!(
        config.targets[0].clusters.names.accepts("web-1")
            && config.targets[0].clusters.names.accepts("db")
    );
    assert_eq!(config.targets[0].roles.len(), 2);
    let flags = [("--cluster", "clusters.include", "a b")];
    let config = load_from(None, &environment, &flags).unwrap();
    assert!(
        config.targets[0].clusters.names.accepts("b")
            && !config.targets[0].clusters.names.accepts("db")
    );
}

#[test]
fn mistakes_are_told_at_the_variable_or_flag() {
    check(
        &[
            KEY,
            ("MACKEREL_ECS_PROFILE", "fast"),
            ("MACKEREL_ROLES", "shop:web,x"),
        ],
        &[
            "environment variable MACKEREL_ECS_PROFILE: metrics.profile is `fast`, but must be \
             compact, standard or full",
            "environment variable MACKEREL_ROLES: host.roles[1] is wrong: `x` is no role; write \
             `service:role`, each 2 to 63 letters, digits, `-` or `_`",
        ],
    );
    check(
        &[("MACKEREL_APIKEY", "canary\ncanary")],
        &[
            "environment variable MACKEREL_APIKEY: mackerel.apikey holds a blank or another \
             character that no API key has",
        ],
    );
    let flags = [("--interval", "poll.interval", "1s")];
    assert_eq!(
        load_from(None, &[KEY], &flags).unwrap_err(),
        ["flag --interval: poll.interval is `1s`, but must be from 1m to 1h"]
    );
}

#[test]
fn a_missing_key_is_told_once_and_only_where_it_is_missing() {
    const MISSING: &str = "no API key: set MACKEREL_APIKEY to a key of your Mackerel organization \
                           with read and write permission, or mackerel.apikey in the file";
    check(&[], &[MISSING]);
    check(&[("MACKEREL_APIKEY", " ")], &[MISSING]);
    check(
        &[("MACKEREL_ECS_CONFIG_YAML", "mackerel: {apikey: }")],
        &[MISSING],
    );
    // It was given, so that only what it was put into is wrong.
    check(
        &[KEY, ("MACKEREL_ECS_CONFIG_YAML", "mackerel: [canary]")],
        &["MACKEREL_ECS_CONFIG_YAML:1:1: mackerel takes a mapping of keys, not a list"],
    );
    check(
        &[(
            "MACKEREL_ECS_CONFIG_YAML",
            "mackerel: {apikey: {canary: 1}}",
        )],
        &["MACKEREL_ECS_CONFIG_YAML:1:12: mackerel.apikey takes a single value, not a mapping"],
    );
}

#[test]
fn a_mistyped_variable_is_refused() {
    check(
        &[KEY, ("MACKEREL_ECS_PROFIL", "full")],
        &[
            "unknown environment variable MACKEREL_ECS_PROFIL; did you mean \
             `MACKEREL_ECS_PROFILE`?",
        ],
    );
    check(
        &[
            KEY,
            ("MACKEREL_ECS_ZZ", "1"),
            ("MACKEREL_ECS_INTERVAL", "x"),
        ],
        &[
            "unknown environment variable MACKEREL_ECS_ZZ; known are MACKEREL_ECS_CLUSTERS, \
             MACKEREL_ECS_PROFILE, MACKEREL_ECS_INTERVAL, MACKEREL_ECS_SHARD, MACKEREL_ECS_LISTEN, MACKEREL_ECS_CONFIG, \
             MACKEREL_ECS_CONFIG_YAML, MACKEREL_ECS_LOG, MACKEREL_ECS_LOG_FORMAT",
            "environment variable MACKEREL_ECS_INTERVAL: poll.interval is `x`, which is no \
             duration; write it as `90s`, `5m` or `1h`",
        ],
    );
}

/// In a pod beside a Service of our name such variables are there unasked.
#[test]
fn variables_of_kubernetes_are_left_alone() {
    let environment = [
        KEY,
        ("MACKEREL_ECS_SERVICE_HOST", "10.0.0.1"),
        ("MACKEREL_ECS_SERVICE_PORT", "80"),
        ("MACKEREL_ECS_PORT", "tcp://10.0.0.1:80"),
        ("MACKEREL_ECS_PORT_80_TCP_ADDR", "10.0.0.1"),
    ];
    assert!(load_from(None, &environment, &[]).is_ok());
}

#[test]
fn a_file_and_an_inline_text_are_one_too_many() {
    check(
        &[
            KEY,
            ("MACKEREL_ECS_CONFIG", "a.yaml"),
            ("MACKEREL_ECS_CONFIG_YAML", "{}"),
        ],
        &["both MACKEREL_ECS_CONFIG and MACKEREL_ECS_CONFIG_YAML are set; unset one of them"],
    );
}

#[test]
fn an_unreadable_file_is_told_with_what_names_it() {
    check(
        &[KEY, ("MACKEREL_ECS_CONFIG", "/nowhere/ecs.yaml")],
        &[
            "environment variable MACKEREL_ECS_CONFIG: can't read /nowhere/ecs.yaml: it is not \
             there; check the path",
        ],
    );
    assert_eq!(
        load_from(Some(Path::new("/")), &[KEY], &[]).unwrap_err(),
        ["flag --config: can't read /: it is a folder; name the file in it"]
    );
}

#[test]
fn a_file_is_called_by_its_path() {
    let file = File::new("wrong.yaml", "poll:\n  grace: 1d");
    let expected = format!(
        "{}:2:3: poll.grace is `1d`, but must be from 1s to 10m",
        file.0.display()
    );
    assert_eq!(
        load_from(Some(&file.0), &[KEY], &[]).unwrap_err(),
        [expected]
    );
}

/// What a variable or a flag says counts also for a target that the file has something else of.
#[test]
fn targets_are_overruled_as_the_file_is() {
    let file = "targets: [{name: a, metrics: {profile: full, exclude: x}, clusters: {include: a}}]";
    let environment = [
        KEY,
        (INLINE_VARIABLE, file),
        ("MACKEREL_ECS_CLUSTERS", "web"),
        ("MACKEREL_ECS_PROFILE", "full"),
    ];
    let flags = [("--profile", "metrics.profile", "compact")];
    let config = load_from(None, &environment, &flags).unwrap();
    let target = &config.targets[0];
    assert!(target.clusters.names.accepts("web") && !target.clusters.names.accepts("a"));
    assert_eq!(target.metrics.profile, Profile::Compact);
    assert!(target.metrics.exclude.matches("x"));
}
