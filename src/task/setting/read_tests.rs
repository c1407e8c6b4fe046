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
