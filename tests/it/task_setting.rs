//! The per-task mode's setting from where it lies, and what of its changes is noticed.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mackerel_ecs::config::yaml;
use mackerel_ecs::task::setting::load::Loader;
use mackerel_ecs::task::setting::read::read;
use mackerel_ecs::task::setting::{Loaded, Setting};
use mackerel_ecs::transport::Transport;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::subscriber::DefaultGuard;

use crate::support::web::{Web, text};

/// Longer than any time between two looks.
const LONG: Duration = Duration::from_secs(24 * 3600);

fn loader(location: &str, minutes: &str) -> Result<Loader, Vec<String>> {
    let environment = [
        ("MACKEREL_APIKEY", "k"),
        ("MACKEREL_CONTAINER_PLATFORM", "fargate"),
        ("MACKEREL_AGENT_CONFIG", location),
        ("MACKEREL_AGENT_CONFIG_POLLING_DURATION_MINUTES", minutes),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Loader::new(&environment, Transport::direct(None).unwrap()).map_err(sentences)
}

fn sentences(mistakes: Vec<mackerel_ecs::config::Mistake>) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}

/// A file of a test's own, gone with it.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mackerel-ecs-setting-{}-{count}.yml", std::process::id());
        let file = File(std::env::temp_dir().join(name));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    fn location(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What is logged in this thread while it lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> (Self, DefaultGuard) {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The lines since the last time.
    fn lines(&self) -> Vec<String> {
        let text = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(text).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn watched(loader: Loader) -> watch::Receiver<Arc<Setting>> {
    let setting = loader.start().await.unwrap();
    loader.watch(setting).unwrap()
}

fn memo(receiver: &mut watch::Receiver<Arc<Setting>>) -> String {
    receiver
        .borrow_and_update()
        .memo
        .clone()
        .unwrap_or_default()
}

/// Waits for as long as anything may take; whether a change came.
async fn changes(receiver: &mut watch::Receiver<Arc<Setting>>) -> bool {
    timeout(LONG, receiver.changed()).await.is_ok()
}

#[tokio::test]
async fn the_setting_is_read_from_a_file_and_from_the_web() {
    let web = Web::start(|head, _| match head.uri.path() {
        "/agent.yml" => text(200, "memo: of the web\nnone: 1\n"),
        _ => text(404, "memo: a page that says sorry\n"),
    })
    .await;
    let load = async |location: &str| -> Result<Loaded, Vec<String>> {
        loader(location, "")
            .unwrap()
            .load()
            .await
            .map_err(sentences)
    };
    let file = File::new("memo: of the file\n");
    let loaded = load(file.location()).await.unwrap();
    assert_eq!(loaded.setting.memo.as_deref(), Some("of the file"));
    let location = format!("{}/agent.yml", web.url);
    let loaded = load(&location).await.unwrap();
    assert_eq!(loaded.setting.memo.as_deref(), Some("of the web"));
    assert!(sentences(loaded.warnings)[0].starts_with(&format!("{location}:2:1: unknown key")));
    let location = format!("{}/gone.yml", web.url);
    assert_eq!(
        load(&location).await.unwrap_err(),
        [format!(
            "environment variable MACKEREL_AGENT_CONFIG: can't read {location}: the server \
             answered 404"
        )]
    );
    assert!(load("").await.unwrap().setting.memo.is_none());
}

#[test]
fn where_and_when_to_look_is_checked_at_once() {
    assert_eq!(
        loader("ftp://x/a.yml", "often").unwrap_err(),
        [
            "environment variable MACKEREL_AGENT_CONFIG: is `ftp://x/a.yml`, but must be a file or \
             begin with http://, https:// or s3://",
            "environment variable MACKEREL_AGENT_CONFIG_POLLING_DURATION_MINUTES: is `often`, but \
             must be a whole number of minutes",
        ]
    );
    loader("", "0").unwrap();
    loader("", "-1").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_change_is_told_and_only_a_change() {
    let (log, _guard) = Log::start();
    let file = File::new("memo: a\n");
    let mut receiver = watched(loader(file.location(), "2").unwrap()).await;
    let before = tokio::time::Instant::now();
    assert!(!changes(&mut receiver).await);
    assert!(log.lines().is_empty());
    file.write("# The same in other words.\nmemo: 'a'\n");
    assert!(!changes(&mut receiver).await);
    let looked = tokio::time::Instant::now();
    assert!(looked - before > LONG);
    file.write("memo: b\nmemmo: c\n");
    assert!(changes(&mut receiver).await);
    assert!(looked.elapsed() <= Duration::from_secs(122));
    assert_eq!(memo(&mut receiver), "b");
    let lines = log.lines();
    assert_eq!(lines[0], "INFO the configuration has changed");
    assert!(lines[1].starts_with("WARN") && lines[1].contains("unknown key `memmo`"));
    assert!(!changes(&mut receiver).await);
    assert!(log.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_keeps_what_was_there_and_is_told_once() {
    let (log, _guard) = Log::start();
    let file = File::new("memo: a\n");
    let mut receiver = watched(loader(file.location(), "1").unwrap()).await;
    file.write("memo: b\nroles: [wrong]\n");
    assert!(!changes(&mut receiver).await);
    assert_eq!(memo(&mut receiver), "a");
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("WARN the configuration stays as it was: "),
        "{lines:?}"
    );
    assert!(lines[0].contains(":2:9: roles[0] is wrong"), "{lines:?}");
    std::fs::remove_file(&file.0).unwrap();
    assert!(!changes(&mut receiver).await);
    assert_eq!(log.lines().len(), 1);
    file.write("memo: a\n");
    assert!(!changes(&mut receiver).await);
    assert_eq!(log.lines(), ["INFO the configuration can be loaded again"]);
    file.write("memo: c\n");
    assert!(changes(&mut receiver).await);
    assert_eq!(memo(&mut receiver), "c");
}

/// The agent writes into the probe that it keeps, and takes every look for a change.
#[tokio::test(start_paused = true)]
async fn a_probe_that_has_run_is_no_change() {
    let file = File::new("readinessProbe: {http: {host: 127.0.0.1, port: 1, path: /}}\n");
    let mut receiver = watched(loader(file.location(), "1").unwrap()).await;
    let probe = receiver.borrow().readiness_probe.clone().unwrap();
    probe.ready().await.unwrap_err();
    assert!(!changes(&mut receiver).await);
}

#[tokio::test(start_paused = true)]
async fn a_sighup_is_a_look_as_well() {
    let (log, _guard) = Log::start();
    let file = File::new("memo: a\n");
    let mut receiver = watched(loader(file.location(), "").unwrap()).await;
    file.write("memo: b\n");
    assert!(!changes(&mut receiver).await);
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGHUP).unwrap();
    tokio::time::resume();
    receiver.changed().await.unwrap();
    assert_eq!(memo(&mut receiver), "b");
    assert!(log.lines()[0].contains("SIGHUP"));
}

/// What is read with a key and these lines; the sentences where something is said.
fn said(lines: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let root = yaml::parse("agent.yml", lines).unwrap();
    let key = [("MACKEREL_APIKEY", "k")];
    let environment: Vec<_> = key
        .iter()
        .chain(variables)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    sentences(read(root, &environment).map_or_else(|mistakes| mistakes, |loaded| loaded.warnings))
}

/// Every key and variable is in the document, as the program itself names them.
#[test]
fn the_document_names_all_that_can_be_set() {
    let document = include_str!("../../docs/task-setting.md");
    let probe = |kind: &str| format!("readinessProbe: {{{kind}, 0: 0}}");
    let sections = [
        "0: 0".to_owned(),
        "ecsTask: {0: 0}".to_owned(),
        "plugin: {metrics: {a: {command: a, 0: 0}}}".to_owned(),
        "plugin: {checks: {a: {command: a, 0: 0}}}".to_owned(),
        probe("tcp: {port: 1}"),
        probe("tcp: {port: 1, 0: 0}"),
        probe("exec: {command: a, 0: 0}"),
        probe("http: {path: /, 0: 0}"),
        probe("http: {path: /, headers: [{name: a, value: b, 0: 0}]}"),
    ];
    let mut told: Vec<String> = sections.iter().flat_map(|lines| said(lines, &[])).collect();
    told.extend(said("", &[("MACKEREL_ECS_TASK_0", "0")]));
    let mut count = 0;
    for sentence in told {
        let (_, known) = sentence.split_once("; known are ").expect(&sentence);
        for name in known.split(", ") {
            let forms = [format!("`{name}`"), format!("`{name}.")];
            let is_named = forms.iter().any(|form| document.contains(form));
            assert!(is_named, "no {name} in the document");
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn the_document_s_example_says_nothing_wrong() {
    let document = include_str!("../../docs/task-setting.md");
    let (_, example) = document.split_once("```yaml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    assert!(said(example, &[]).is_empty());
}
