use super::read::read;
use super::*;

use crate::config::yaml;

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, Vec<Mistake>> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: Vec<_> = environment.iter().map(own).collect();
    read(yaml::parse("agent.yml", text).unwrap(), &environment)
}

/// The sentences of what is wrong with a file that has a key, and of what it warns of.
fn said(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let sentences = match load(&format!("apikey: k\n{text}"), environment) {
        Ok(loaded) => loaded.warnings,
        Err(mistakes) => mistakes,
    };
    sentences.iter().map(Mistake::to_string).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(said(text, &[]), expected, "{text}");
}

#[test]
fn of_two_display_names_one_counts() {
    let both = "displayName: a\ndisplay_name: b";
    check(
        both,
        &["agent.yml:1:1: displayName and display_name are both set; displayName counts"],
    );
}

#[test]
fn platforms_of_ecs_are_one_and_others_are_refused() {
    for name in ["ecs", "fargate", "ecs_anywhere", "ecs_awsvpc", "ecs_v3"] {
        assert!(
            said("", &[(read::PLATFORM_VARIABLE, name)]).is_empty(),
            "{name}"
        );
    }
    for name in ["kubernetes", "eks_fargate", "none"] {
        assert_eq!(
            said("", &[(read::PLATFORM_VARIABLE, name)]),
            [format!(
                "environment variable MACKEREL_CONTAINER_PLATFORM: is `{name}`, but this program \
                 is for ECS alone; keep mackerel-container-agent there"
            )]
        );
    }
    assert_eq!(
        said("", &[(read::PLATFORM_VARIABLE, "ECS")]),
        [
            "environment variable MACKEREL_CONTAINER_PLATFORM: is `ECS`, but must be ecs, fargate, \
          ecs_anywhere, ecs_awsvpc or ecs_v3"
        ]
    );
}

#[test]
fn unknown_keys_warn_with_the_nearest_name() {
    check(
        "ignoreContainers: x\nplugin: {metric: {}, checks: {a: {command: a, timeout: 3}}}\n\
         readinessProbe: {tcp: {port: 1, hots: x}}\necsTask: {grace: 1}",
        &[
            "agent.yml:2:1: unknown key `ignoreContainers`; did you mean `ignoreContainer`?",
            "agent.yml:3:10: unknown key `metric` in plugin; did you mean `metrics`?",
            "agent.yml:3:47: unknown key `timeout` in plugin.checks.a; did you mean \
             `timeoutSeconds`?",
            "agent.yml:4:33: unknown key `hots` in readinessProbe.tcp; did you mean `host`?",
            "agent.yml:5:11: unknown key `grace` in ecsTask; did you mean `graceSeconds`?",
        ],
    );
}

#[test]
fn unknown_variables_warn_where_they_are_ours_or_nearly() {
    assert_eq!(
        said(
            "",
            &[
                ("MACKEREL_API_KEY", "x"),
                ("MACKEREL_IGNORE_CONTAINERS", "x"),
                ("MACKEREL_ECS_TASK_GRACE", "x"),
                ("MACKEREL_PLUGIN_WORKDIR", "/tmp"),
                ("MACKEREL_SOMETHING_ELSE", "x"),
                ("PATH", "/bin"),
            ]
        ),
        [
            "unknown environment variable MACKEREL_API_KEY; did you mean `MACKEREL_APIKEY`?",
            "unknown environment variable MACKEREL_IGNORE_CONTAINERS; did you mean \
             `MACKEREL_IGNORE_CONTAINER`?",
            "unknown environment variable MACKEREL_ECS_TASK_GRACE; did you mean \
             `MACKEREL_ECS_TASK_GRACE_SECONDS`?",
        ]
    );
}

/// A misspelled key is told beside what is missing for it.
#[test]
fn a_warning_is_among_the_mistakes() {
    let mistakes = load("apiKey: k", &[]).unwrap_err();
    let said: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
    assert_eq!(
        said,
        [
            "no API key: set MACKEREL_APIKEY to a key of your Mackerel organization with read and \
             write permission, or apikey in the file",
            "agent.yml:1:1: unknown key `apiKey`; did you mean `apikey`?",
        ]
    );
}

#[test]
fn all_mistakes_are_told_at_once_with_their_places() {
    check(
        "apibase: ftp://x
roles: [shop, shop:web]
ignoreContainer: '('
hostStatusOnStart: asleep
hostIdStore: disk
plugin:
  metrics:
    a: {user: x}
    b: x
    c: {command: {a: b}}
    d: {command: a, env: {A: [1]}, timeoutSeconds: soon}
    e: {command: ''}
    f: {command: a, env: {A=B: c}}
  checks:
    a: {command: a, notificationInterval: 5, maxCheckAttempts: 11}
ecsTask: {retire: no, graceSeconds: 0, extraMetrics: [disk]}",
        &[
            "agent.yml:2:1: apibase is `ftp://x`, but must be a URL such as \
             https://api.mackerelio.com",
            "agent.yml:3:9: roles[0] is wrong: `shop` is no role; write `service:role`, each 2 \
             to 63 letters, digits, `-` or `_`",
            "agent.yml:4:1: ignoreContainer is `(`, which is no regular expression: found open \
             group without closing ')'",
            "agent.yml:5:1: hostStatusOnStart is `asleep`, but must be working, standby, \
             maintenance or poweroff",
            "agent.yml:6:1: hostIdStore is `disk`, but must be file or memory",
            "agent.yml:9:5: plugin.metrics.a.command is missing; give it a line for the shell or \
             a list of words",
            "agent.yml:10:5: plugin.metrics.b takes a mapping of keys, not a single value",
            "agent.yml:11:9: plugin.metrics.c.command takes a line for the shell or a list of \
             words, not a mapping",
            "agent.yml:12:27: plugin.metrics.d.env.A takes a single value, not a list",
            "agent.yml:12:36: plugin.metrics.d.timeoutSeconds is `soon`, but must be a whole \
             number from 1 to 86400",
            "agent.yml:13:5: plugin.metrics.e.command is missing; give it a line for the shell \
             or a list of words",
            "agent.yml:14:27: plugin.metrics.f.env.A=B must not have `=` in its name",
            "agent.yml:16:21: plugin.checks.a.notificationInterval is `5`, but must be a whole \
             number from 10 to 525600",
            "agent.yml:16:46: plugin.checks.a.maxCheckAttempts is `11`, but must be a whole \
             number from 1 to 10",
            "agent.yml:17:11: ecsTask.retire is `no`, but must be true or false",
            "agent.yml:17:23: ecsTask.graceSeconds is `0`, but must be a whole number from 1 to \
             600",
            "agent.yml:17:55: ecsTask.extraMetrics[0] is `disk`, but must be blockIo, \
             ephemeralStorage or cpuThrottling",
        ],
    );
}

#[test]
fn probes_are_rejected_as_the_agent_rejects_them() {
    let check = |line: &str, expected: &[&str]| {
        let said = said(&format!("readinessProbe: {line}"), &[]);
        let place = |text: &String| text.split_once(": ").unwrap().1.to_owned();
        assert_eq!(
            said.iter().map(place).collect::<Vec<_>>(),
            expected,
            "{line}"
        );
    };
    let no_command = "readinessProbe.exec.command is missing; give it a line for the shell or a \
                      list of words";
    check(
        "{}",
        &["readinessProbe has no kind; give it one of exec, http and tcp"],
    );
    check(
        "{tcp: {port: 1}, http: {path: /}}",
        &["readinessProbe takes one kind, not http and tcp"],
    );
    check("{exec: {user: a}}", &[no_command]);
    check("{exec: {command: ''}}", &[no_command]);
    check(
        "{http: {port: 80}}",
        &["readinessProbe.http.path is missing"],
    );
    check(
        "{http: {path: ''}}",
        &["readinessProbe.http.path is missing"],
    );
    check("{tcp: {host: a}}", &["readinessProbe.tcp.port is missing"]);
    check(
        "{tcp: {port: 0}}",
        &["readinessProbe.tcp.port is `0`, but must be a port from 1 to 65535"],
    );
    check(
        "{tcp: 80}",
        &["readinessProbe.tcp takes a mapping of keys, not a single value"],
    );
    check(
        "{tcp: {port: 1}, initialDelaySeconds: -1, periodSeconds: -1, timeoutSeconds: -1}",
        &[
            "readinessProbe.initialDelaySeconds is `-1`, but must be a whole number from 0 to 86400",
            "readinessProbe.periodSeconds is `-1`, but must be a whole number from 0 to 86400",
            "readinessProbe.timeoutSeconds is `-1`, but must be a whole number from 0 to 86400",
        ],
    );
    check(
        "{http: {path: /, scheme: ftp, method: 'A B', headers: [{name: 'a b', value: x}]}}",
        &[
            "readinessProbe.http.scheme is `ftp`, but must be http or https",
            "readinessProbe.http.method is `A B`, which is no HTTP method",
            "readinessProbe.http.headers[0].name is `a b`, which is no name of a header",
        ],
    );
}
