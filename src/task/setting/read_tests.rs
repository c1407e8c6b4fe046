use super::*;

use crate::config::yaml;
use crate::task::probe::{Attempt, HttpAttempt, Probe};

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, Vec<Mistake>> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: Vec<_> = environment.iter().map(own).collect();
    read(yaml::parse("agent.yml", text).unwrap(), &environment)
}

fn setting(text: &str, environment: &[(&str, &str)]) -> Setting {
    let loaded = load(text, environment).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    loaded.setting
}

/// What is written on one line of a file that has a key.
fn of(line: &str) -> Setting {
    setting(&format!("apikey: k\n{line}\n"), &[])
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
fn a_key_is_all_that_is_needed() {
    let setting = setting("", &[("MACKEREL_APIKEY", "canary")]);
    assert_eq!(setting.api_key.reveal(), "canary");
    assert_eq!(setting.api_base, "https://api.mackerelio.com");
    assert_eq!(
        setting.root,
        PathBuf::from("/var/tmp/mackerel-container-agent")
    );
    assert_eq!(setting.id_store, IdStore::File);
    assert_eq!(setting.platform, Platform::Ecs);
    assert_eq!(setting.memory_formula, MemoryFormula::WorkingSet);
    assert_eq!(setting.extra_metrics, ExtraMetrics::default());
    assert_eq!(setting.grace, Duration::from_secs(25));
    assert!(setting.retire && !setting.container_checks);
    assert!(setting.readiness_probe.is_none() && setting.ignore_container.is_none());
    assert!(!format!("{setting:?}").contains("canary"));
}

#[test]
fn every_variable_of_the_agent_is_read() {
    let setting = setting(
        "",
        &[
            ("MACKEREL_APIKEY", "k"),
            ("MACKEREL_APIBASE", "http://localhost:8080/"),
            ("MACKEREL_ROLES", "shop:web, shop : batch ,"),
            ("MACKEREL_DISPLAY_NAME", "web task"),
            ("MACKEREL_MEMO", "a memo"),
            ("MACKEREL_IGNORE_CONTAINER", "^(log|mackerel)"),
            ("MACKEREL_HOST_STATUS_ON_START", "standby"),
            ("MACKEREL_HOST_ID_STORE", "memory"),
            ("MACKEREL_CONTAINER_PLATFORM", "fargate"),
            ("MACKEREL_LOG_LEVEL", "DEBUG"),
            ("MACKEREL_AGENT_CONFIG", "/etc/agent.yml"),
            ("MACKEREL_AGENT_CONFIG_POLLING_DURATION_MINUTES", "5"),
        ],
    );
    assert_eq!(setting.api_base, "http://localhost:8080");
    let roles: Vec<&str> = setting.roles.iter().map(RoleFullname::as_str).collect();
    assert_eq!(roles, ["shop:web", "shop:batch"]);
    assert_eq!(setting.display_name.as_deref(), Some("web task"));
    assert_eq!(setting.memo.as_deref(), Some("a memo"));
    assert_eq!(setting.status_on_start, Some(HostStatus::Standby));
    assert_eq!(setting.id_store, IdStore::Memory);
    assert_eq!(setting.platform, Platform::Fargate);
}

#[test]
fn the_file_wins_over_the_environment_where_it_says_something() {
    let environment = [
        ("MACKEREL_APIKEY", "of the environment"),
        ("MACKEREL_MEMO", "of the environment"),
        ("MACKEREL_ROLES", "shop:web"),
        ("MACKEREL_ECS_TASK_RETIRE", "false"),
    ];
    let file = "apikey: of-the-file\nmemo: of the file\nroles: [shop:db]\necsTask: {retire: true}";
    let from_file = setting(file, &environment);
    assert_eq!(from_file.api_key.reveal(), "of-the-file");
    assert_eq!(from_file.memo.as_deref(), Some("of the file"));
    assert_eq!(from_file.roles[0].as_str(), "shop:db");
    assert!(from_file.retire);
    let empty = "memo: ''\nroles: []\napikey:\necsTask: {graceSeconds: 9}";
    let from_environment = load(
        empty,
        &[&environment[1..], &[("MACKEREL_APIKEY", "k")]].concat(),
    );
    let from_environment = from_environment.unwrap().setting;
    assert_eq!(from_environment.memo.as_deref(), Some("of the environment"));
    assert_eq!(from_environment.roles[0].as_str(), "shop:web");
    assert!(!from_environment.retire);
    assert_eq!(from_environment.grace, Duration::from_secs(9));
}

#[test]
fn a_pattern_is_looked_for_anywhere() {
    let matches = |line: &str, name: &str| of(line).ignore_container.unwrap().matches(name);
    assert!(matches("ignoreContainer: side", "a-sidecar"));
    assert!(!matches("ignoreContainer: ^side", "a-sidecar"));
    assert!(matches(
        r"ignoreContainer: '\A(?i:LOG)[[:alpha:]]+\d{1,2}\z'",
        "logger12"
    ));
    assert!(of("ignoreContainer: ''").ignore_container.is_none());
}

#[test]
fn both_spellings_of_the_display_name_are_read() {
    assert_eq!(of("displayName: a").display_name.as_deref(), Some("a"));
    assert_eq!(of("display_name: a").display_name.as_deref(), Some("a"));
    let both = "displayName: a\ndisplay_name: b";
    check(
        both,
        &["agent.yml:1:1: displayName and display_name are both set; displayName counts"],
    );
}

#[test]
fn our_own_additions_are_in_a_section_of_their_own() {
    let setting = of(
        "ecsTask: {retire: false, memoryFormula: agent, containerChecks: true, \
                      extraMetrics: [blockIo, cpuThrottling], graceSeconds: 110}",
    );
    assert!(!setting.retire && setting.container_checks);
    assert_eq!(setting.memory_formula, MemoryFormula::Agent);
    assert_eq!(
        setting.extra_metrics,
        ExtraMetrics {
            block_io: true,
            ephemeral_storage: false,
            cpu_throttling: true,
        }
    );
    assert_eq!(setting.grace, Duration::from_secs(110));
    let same = self::setting(
        "",
        &[
            ("MACKEREL_APIKEY", "k"),
            ("MACKEREL_ECS_TASK_RETIRE", "false"),
            ("MACKEREL_ECS_TASK_MEMORY_FORMULA", "agent"),
            ("MACKEREL_ECS_TASK_CONTAINER_CHECKS", "true"),
            ("MACKEREL_ECS_TASK_EXTRA_METRICS", "blockIo,cpuThrottling"),
            ("MACKEREL_ECS_TASK_GRACE_SECONDS", "110"),
        ],
    );
    assert_eq!(same, setting);
}

#[test]
fn platforms_of_ecs_are_one_and_others_are_refused() {
    for name in ["ecs", "fargate", "ecs_anywhere", "ecs_awsvpc", "ecs_v3"] {
        assert!(said("", &[(PLATFORM_VARIABLE, name)]).is_empty(), "{name}");
    }
    for name in ["kubernetes", "eks_fargate", "none"] {
        assert_eq!(
            said("", &[(PLATFORM_VARIABLE, name)]),
            [format!(
                "environment variable MACKEREL_CONTAINER_PLATFORM: is `{name}`, but this program \
                 is for ECS alone; keep mackerel-container-agent there"
            )]
        );
    }
    assert_eq!(
        said("", &[(PLATFORM_VARIABLE, "ECS")]),
        [
            "environment variable MACKEREL_CONTAINER_PLATFORM: is `ECS`, but must be ecs, fargate, \
          ecs_anywhere, ecs_awsvpc or ecs_v3"
        ]
    );
}

#[test]
fn plugins_are_read_in_the_order_of_their_names() {
    let setting = setting(
        "plugin:
  metrics:
    b: {command: 'echo b', user: nobody, timeoutSeconds: 5, env: {A: 1, B: , ' C ': '', '': x}}
    a: {command: [echo, 'a b'], timeoutSeconds: 0}
  checks:
    c: {command: 'true', memo: a memo, notificationInterval: 30, maxCheckAttempts: 3}
    a: {command: 'false', timeoutSeconds: -1}
",
        &[
            ("MACKEREL_APIKEY", "canary"),
            ("A", "0"),
            ("PATH", "/bin"),
            ("URL", "x?canary"),
        ],
    );
    let [a, b] = setting.metric_plugins.as_slice() else {
        panic!("{:?}", setting.metric_plugins);
    };
    assert_eq!((a.name.as_str(), b.name.as_str()), ("a", "b"));
    assert_eq!(a.command.words, ["echo", "a b"]);
    assert_eq!(a.command.timeout, Duration::from_secs(30));
    assert_eq!(b.command.words, ["/bin/sh", "-c", "echo b"]);
    assert_eq!(b.command.user.as_deref(), Some("nobody"));
    assert_eq!(b.command.timeout, Duration::from_secs(5));
    let environment = |command: &crate::task::plugin::Command| {
        let pairs = command.environment.iter();
        let pairs: Vec<String> = pairs.map(|(k, v)| format!("{k}={}", v.reveal())).collect();
        pairs.join(" ")
    };
    assert_eq!(environment(&a.command), "A=0 PATH=/bin");
    assert_eq!(environment(&b.command), "A=1 B= C= PATH=/bin");
    let [a, c] = setting.check_plugins.as_slice() else {
        panic!("{:?}", setting.check_plugins);
    };
    assert_eq!(a.command.timeout, Duration::from_secs(30));
    assert_eq!(
        (a.notification_interval, a.max_check_attempts),
        (None, None)
    );
    assert_eq!(c.memo.as_deref(), Some("a memo"));
    assert_eq!(
        (c.notification_interval, c.max_check_attempts),
        (Some(30), Some(3))
    );
}

#[test]
fn plugins_may_share_what_they_have_in_common() {
    let setting = of("plugin:
  metrics:
    a: &a {command: a, user: web, timeoutSeconds: 5}
    b: {<<: *a, command: b}
    c: {<<: [{user: db}, *a]}");
    let read = |index: usize| {
        let command = &setting.metric_plugins[index].command;
        let user = command.user.as_deref().unwrap_or_default();
        format!("{} {user} {}", command.words[2], command.timeout.as_secs())
    };
    assert_eq!([read(1), read(2)], ["b web 5", "a db 5"]);
}

/// What a plugin is given on purpose it gets, the key included.
#[test]
fn the_api_key_reaches_a_plugin_only_where_it_is_written_for_it() {
    let text = "apikey: canary
plugin: {checks: {a: {command: a}, b: {command: b, env: {MACKEREL_APIKEY: canary}}}}";
    let setting = setting(text, &[("MACKEREL_APIKEY", "other"), ("COPY", "canary")]);
    assert!(!format!("{setting:?}").contains("canary"));
    let names = |index: usize| {
        let command = &setting.check_plugins[index].command;
        command.environment.keys().cloned().collect::<Vec<_>>()
    };
    assert!(names(0).is_empty());
    assert_eq!(names(1), ["MACKEREL_APIKEY"]);
}

#[test]
fn probes_have_their_defaults() {
    let probe = |line: &str| {
        of(&format!("readinessProbe: {line}"))
            .readiness_probe
            .unwrap()
    };
    let http = |line: &str| match probe(&format!("{{http: {line}}}")).attempt {
        Attempt::Http(attempt) => attempt,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        probe("{http: {path: /ok}}"),
        Probe {
            attempt: Attempt::Http(HttpAttempt {
                method: "GET".into(),
                url: "http://localhost/ok".into(),
                headers: Vec::new(),
                proxy: None,
            }),
            initial_delay: Duration::ZERO,
            period: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
        }
    );
    let full = http(
        "{scheme: HTTPS, method: post, host: '::1', port: 8443, path: 'ok?a=b', \
         proxy: 'http://me:canary@proxy:3128', headers: [{name: Host, value: a.example}]}",
    );
    assert_eq!(full.url, "https://[::1]:8443/ok?a=b");
    assert_eq!(full.method, "POST");
    assert_eq!(full.proxy, Some(Secret::new("http://me:canary@proxy:3128")));
    assert!(!format!("{full:?}").contains("canary"));
    assert_eq!(
        full.headers,
        [("Host".to_owned(), Secret::new("a.example"))]
    );
    let tcp = |host: &str, port| Attempt::Tcp {
        host: host.into(),
        port,
    };
    assert_eq!(
        probe("{tcp: {host: db, port: 5432}}").attempt,
        tcp("db", 5432)
    );
    assert_eq!(probe("{tcp: {port: '80'}}").attempt, tcp("localhost", 80));
    let exec = probe(
        "{exec: {command: test -f /x, user: web, env: {A: b}}, initialDelaySeconds: 3, \
         periodSeconds: 4, timeoutSeconds: 5}",
    );
    assert_eq!(exec.initial_delay, Duration::from_secs(3));
    assert_eq!(exec.period, Duration::from_secs(4));
    let Attempt::Exec(command) = exec.attempt else {
        panic!("{:?}", exec.attempt);
    };
    assert_eq!(command.words[2], "test -f /x");
    assert_eq!(command.user.as_deref(), Some("web"));
    assert_eq!(command.timeout, Duration::from_secs(5));
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
