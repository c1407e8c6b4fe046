//! Plugins as real programs, over several rounds.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use mackerel_ecs::config::yaml;
use mackerel_ecs::task::plugin::{CheckStatus, News, Plugins};
use mackerel_ecs::task::setting::read::read;

/// A folder of a test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mackerel-ecs-plugin-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The plugins of a file whose key `plugin` says this; `$D` is the folder to them.
fn plugins(folder: &Folder, written: &str) -> Plugins {
    let file = format!("apikey: canary\nplugin:\n{written}");
    let environment = [
        ("PATH", "/usr/bin:/bin"),
        ("D", folder.0.to_str().unwrap()),
        ("MACKEREL_APIKEY", "canary"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let loaded = read(yaml::parse("agent.yml", &file).unwrap(), &environment).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let setting = loaded.setting;
    Plugins::new(&setting.metric_plugins, &setting.check_plugins)
}

/// All that a round brings, a line each, sorted.
async fn round(plugins: &mut Plugins, at: i64) -> Vec<String> {
    plugins.start(at);
    let mut lines = Vec::new();
    while !plugins.is_idle() {
        lines.extend(plugins.next().await.iter().flat_map(told));
    }
    lines.sort();
    lines
}

fn told(news: &News) -> Vec<String> {
    match news {
        News::Values { at, values } => {
            let line = |(name, value): &(String, f64)| format!("{at} {name} {value}");
            values.iter().map(line).collect()
        }
        News::Definitions(graphs) => graphs
            .iter()
            .map(|graph| format!("{} ({})", graph.name, graph.unit))
            .collect(),
        News::Report(report) => {
            let status = report.finding.status.as_str();
            let message = report.finding.message.trim();
            vec![format!("{} {} {status}: {message}", report.at, report.name)]
        }
    }
}

#[tokio::test]
async fn each_plugin_fails_alone() {
    let folder = Folder::new();
    let mut plugins = plugins(
        &folder,
        r#"
  metrics:
    good: {command: 'printf "a.b\t1.5\t0\nc NaN 0\nd 2 0\n"; exit 7'}
    absent: {command: [/no/such/program]}
    stuck: {command: 'echo e 1 0; sleep 1000', timeoutSeconds: 1}
    noisy: {command: 'echo oh >&2; echo nothing'}
  checks:
    fine: {command: 'echo all is well'}
    warning: {command: 'echo so so; exit 1'}
    critical: {command: 'echo broken; exit 2'}
    odd: {command: 'echo what; exit 99'}
    killed: {command: 'kill -9 $$'}
    absent: {command: [/no/such/program]}
    stuck: {command: 'echo well; sleep 1000', timeoutSeconds: 1}
"#,
    );
    let lines = round(&mut plugins, 60).await;
    assert_eq!(
        lines,
        [
            "60 absent UNKNOWN: can't start /no/such/program: No such file or directory (os error 2)",
            "60 critical CRITICAL: broken",
            "60 custom.a.b 1.5",
            "60 custom.d 2",
            "60 fine OK: all is well",
            "60 killed UNKNOWN: the check was ended by signal 9",
            "60 odd UNKNOWN: what",
            "60 stuck UNKNOWN: command timed out",
            "60 warning WARNING: so so",
        ]
    );
}

/// The definitions of a plugin are asked for at first, and again before Mackerel forgets them.
#[tokio::test]
async fn definitions_are_asked_for_again() {
    let folder = Folder::new();
    folder.write(
        "meta",
        "# mackerel-agent-plugin\n{\"graphs\":{\"web.#\":{\"metrics\":[{\"name\":\"ok\"}]}}}\n",
    );
    let mut plugins = plugins(
        &folder,
        r#"
  metrics:
    web: {command: 'if [ "$MACKEREL_AGENT_PLUGIN_META" = 1 ]; then cat $D/meta; else echo web.a.ok 1 0; fi'}
"#,
    );
    let values = |at: i64| format!("{at} custom.web.a.ok 1");
    let with_definitions = |at: i64| vec![values(at), "custom.web.# (float)".to_owned()];
    assert_eq!(round(&mut plugins, 0).await, with_definitions(0));
    assert_eq!(round(&mut plugins, 60).await, [values(60)]);
    assert_eq!(round(&mut plugins, 10_740).await, [values(10_740)]);
    assert_eq!(round(&mut plugins, 10_800).await, with_definitions(10_800));
    assert_eq!(round(&mut plugins, 10_860).await, [values(10_860)]);
}

/// Definitions that could not be had are asked for in the next round.
#[tokio::test]
async fn definitions_that_fail_are_tried_again() {
    let folder = Folder::new();
    folder.write("meta", "# mackerel-agent-plugin\nnot json");
    let mut plugins = plugins(&folder, "\n  metrics: {a: {command: cat $D/meta}}\n");
    assert!(round(&mut plugins, 0).await.is_empty());
    let meta = "# mackerel-agent-plugin\n{\"graphs\":{\"a\":{\"metrics\":[{\"name\":\"b\"}]}}}\n";
    folder.write("meta", meta);
    assert_eq!(round(&mut plugins, 60).await, ["custom.a (float)"]);
    assert!(round(&mut plugins, 120).await.is_empty());
}

/// The slow plugin waits for a pipe that the test opens when it likes.
#[tokio::test]
async fn a_slow_plugin_runs_once_at_a_time_and_holds_nobody_up() {
    let folder = Folder::new();
    let pipe = folder.0.join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let mut plugins = plugins(
        &folder,
        r#"
  metrics:
    fast: {command: 'echo fast 1 0'}
    slow: {command: 'test -n "$MACKEREL_AGENT_PLUGIN_META" || { echo run >> $D/runs; cat $D/pipe; }'}
"#,
    );
    for at in [0, 60, 120] {
        plugins.start(at);
        let news = plugins.next().await;
        assert_eq!(told(&news[0]), [format!("{at} custom.fast 1")]);
    }
    let write = {
        let pipe = pipe.clone();
        move || std::fs::write(&pipe, "slow 2 0\n").unwrap()
    };
    tokio::task::spawn_blocking(write.clone()).await.unwrap();
    let news = plugins.next().await;
    assert_eq!(told(&news[0]), ["0 custom.slow 2"]);
    assert_eq!(folder.read("runs"), "run\n");
    plugins.start(180);
    tokio::task::spawn_blocking(write).await.unwrap();
    let mut lines = Vec::new();
    while !plugins.is_idle() {
        lines.extend(plugins.next().await.iter().flat_map(told));
    }
    lines.sort();
    assert_eq!(lines, ["180 custom.fast 1", "180 custom.slow 2"]);
    assert_eq!(folder.read("runs"), "run\nrun\n");
}

#[tokio::test]
async fn checks_report_what_is_new_or_bad() {
    let folder = Folder::new();
    let mut plugins = plugins(
        &folder,
        "\n  checks: {a: {command: 'cat $D/said; exit $(cat $D/status)', notificationInterval: 30, \
         maxCheckAttempts: 2}}\n",
    );
    let rounds = [
        ("well", "0", Some("OK: well")),
        ("well", "0", None),
        ("quite well", "0", Some("OK: quite well")),
        ("broken", "2", Some("CRITICAL: broken")),
        ("broken", "2", Some("CRITICAL: broken")),
        ("well", "0", Some("OK: well")),
        ("well", "0", None),
    ];
    for (index, (said, status, expected)) in rounds.into_iter().enumerate() {
        folder.write("said", said);
        folder.write("status", status);
        let at = 60 * i64::try_from(index).unwrap();
        let expected: Vec<String> = expected
            .iter()
            .map(|text| format!("{at} a {text}"))
            .collect();
        assert_eq!(round(&mut plugins, at).await, expected);
    }
    folder.write("status", "2");
    folder.write("said", &"é".repeat(2000));
    plugins.start(600);
    let news = plugins.next().await;
    let [News::Report(report)] = news.as_slice() else {
        panic!("{news:?}");
    };
    assert_eq!(report.finding.status, CheckStatus::Critical);
    assert_eq!(report.finding.message, "é".repeat(1024));
    assert_eq!(report.notification_interval, Some(30));
    assert_eq!(report.max_check_attempts, Some(2));
}

#[tokio::test]
async fn the_api_key_is_not_a_plugin_s() {
    let folder = Folder::new();
    let mut plugins = plugins(
        &folder,
        "\n  checks: {a: {command: 'env | grep -c -e canary -e MACKEREL'}}\n",
    );
    assert_eq!(round(&mut plugins, 0).await, ["0 a WARNING: 0"]);
}

/// What runs at the end is ended, its children with it.
#[tokio::test]
async fn nothing_outlives_the_plugins() {
    let folder = Folder::new();
    let mut plugins = plugins(
        &folder,
        "\n  checks: {a: {command: 'trap \"\" TERM; sleep 1000 & echo $! $$ > $D/new; mv $D/new $D/pids; wait'}}\n",
    );
    plugins.start(0);
    let pids = loop {
        tokio::select! {
            biased;
            news = plugins.next() => panic!("{news:?}"),
            () = tokio::time::sleep(std::time::Duration::from_millis(5)) => {}
        }
        match folder.read("pids") {
            pids if pids.is_empty() => {}
            pids => break pids,
        }
    };
    drop(plugins);
    for pid in pids.split_whitespace() {
        let stat = format!("/proc/{pid}/stat");
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// No plugins, no news: waiting for some waits.
#[tokio::test(start_paused = true)]
async fn without_plugins_there_is_nothing_to_wait_for() {
    let mut plugins = Plugins::new(&[], &[]);
    plugins.start(0);
    assert!(plugins.is_idle());
    let wait = tokio::time::timeout(std::time::Duration::from_secs(3600), plugins.next());
    assert!(wait.await.is_err());
}
