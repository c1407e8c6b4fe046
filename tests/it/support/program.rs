//! The program itself, run as its users run it: a process with arguments and an environment.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// How long a run may take before the test gives up on it.
const LIMIT: Duration = Duration::from_secs(60);

/// A run to make. Nothing of the test's own environment reaches it but `PATH`.
#[must_use]
#[derive(Debug)]
pub struct Program {
    command: Command,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Ended {
    /// The exit status; none when a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Program {
    /// The program with these arguments, separated by blanks.
    pub fn new(arguments: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mackerel-ecs"));
        command
            .args(arguments.split_whitespace())
            .env_clear()
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Program { command }
    }

    /// Runs another program in its place, in the same environment.
    pub fn inside(self, name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(name);
        for (name, value) in self.command.as_std().get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .args(arguments)
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Program { command }
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Unsets one.
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Hands the configuration over inline. CloudWatch is read each minute with GetMetricData
    /// unless it says otherwise.
    pub fn config(self, yaml: &str) -> Self {
        self.env("MACKEREL_ECS_CONFIG_YAML", &each_minute(yaml))
    }

    /// Starts it, for the test to end.
    pub fn start(mut self) -> Child {
        self.command.spawn().unwrap()
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> impl Future<Output = Ended> {
        end(self.start())
    }
}

/// Waits for a process to end.
pub async fn end(mut child: Child) -> Ended {
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    let finish = async {
        let (_, _, status) = tokio::join!(
            stdout.read_to_string(&mut out),
            stderr.read_to_string(&mut err),
            child.wait()
        );
        status.unwrap().code()
    };
    let status = tokio::time::timeout(LIMIT, finish).await;
    match status {
        Ok(status) => Ended {
            status,
            stdout: out,
            stderr: err,
        },
        Err(_) => panic!("still running after {LIMIT:?}"),
    }
}

impl Ended {
    /// Asserts the exit status, and shows what was said where it differs.
    #[track_caller]
    pub fn expect_status(self, status: i32) -> Self {
        assert_eq!(
            self.status,
            Some(status),
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts that standard error says something.
    #[track_caller]
    pub fn expect_said(self, part: &str) -> Self {
        assert!(
            self.stderr.contains(part),
            "`{part}` is not in:\n{}",
            self.stderr
        );
        self
    }

    /// Standard output as the one JSON document that it should be.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(json) => json,
            Err(error) => panic!("{error} in:\n{}\n{}", self.stdout, self.stderr),
        }
    }

    /// The lines of standard error that are errors or warnings of the log, or mistakes.
    pub fn complaints(&self) -> Vec<&str> {
        self.stderr
            .lines()
            .filter(|line| !line.contains(" INFO "))
            .collect()
    }
}

/// A configuration that reads CloudWatch each minute with GetMetricData, unless it says otherwise.
pub fn each_minute(yaml: &str) -> String {
    match yaml.contains("cloudwatch:") {
        true => yaml.to_owned(),
        false => format!("{yaml}\ncloudwatch: {{reader: get_metric_data, interval: 1m}}\n"),
    }
}
