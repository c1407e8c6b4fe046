//! What can be typed: the commands and their flags, as typed, with no meaning yet.

mod inject;
mod plan;

use std::ffi::OsString;
#[cfg(feature = "demo")]
use std::net::SocketAddr;
use std::path::PathBuf;
#[cfg(feature = "demo")]
use std::str::FromStr;
#[cfg(feature = "demo")]
use std::time::Duration;

#[cfg(feature = "demo")]
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::load::Flag;
#[cfg(feature = "demo")]
use crate::demo::mackerel::option::ApiKey;
pub use inject::InjectArgs;
pub use plan::PlanArgs;

/// Amazon ECS on Mackerel, without an agent.
#[derive(Debug, Parser)]
#[command(name = "mackerel-ecs", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How it is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Poll ECS and CloudWatch and post to Mackerel, every minute or once
    Poll(PollArgs),
    /// Make the ECS task that this runs in a host on Mackerel: a sidecar
    Task(TaskArgs),
    /// Try all that polling needs, with calls that change nothing: permissions, key, clock
    Check(CheckArgs),
    /// Tell what polling comes to: calls, time, costs, metrics of each host
    Plan(PlanArgs),
    /// Print the least IAM policy that the configuration needs
    IamPolicy(IamPolicyArgs),
    /// Add the sidecar to a task definition, or update it there
    Inject(InjectArgs),
    /// Ask the poller that runs here whether it is well, for a container's health check
    Health(HealthArgs),
    /// Show it all on this machine, with a simulated AWS and a local Mackerel: no account, no key
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// Run the local Mackerel alone: a server of the Mackerel API for tests and trials
    #[cfg(feature = "demo")]
    Serve(ServeArgs),
}

/// How it is logged, always to standard error.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// The least that is logged [default: info]
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "MACKEREL_ECS_LOG",
        hide_env = true
    )]
    pub log_level: Option<LogLevel>,
    /// Lines for people or for machines
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        env = "MACKEREL_ECS_LOG_FORMAT",
        hide_env = true
    )]
    pub log_format: LogFormat,
}

/// What was typed, or `task` where nothing was and mackerel-container-agent's own variable stands in
/// the environment: so that nothing of a task definition has to change but the image.
pub fn arguments(
    typed: impl Iterator<Item = OsString>,
    environment: &[(String, String)],
) -> Vec<OsString> {
    let mut typed: Vec<OsString> = typed.collect();
    let is_agents = |(name, _): &(String, String)| name == "MACKEREL_CONTAINER_PLATFORM";
    if typed.len() == 1 && environment.iter().any(is_agents) {
        typed.push("task".into());
    }
    typed
}

impl Cli {
    /// The least that is logged. The sidecar takes it from the variable of mackerel-container-agent
    /// as well.
    pub fn log_level(&self, environment: &[(String, String)]) -> LogLevel {
        let agents = || {
            let mut variables = environment.iter();
            let (_, level) = variables.find(|(name, _)| name == "MACKEREL_LOG_LEVEL")?;
            LogLevel::of_agent(level)
        };
        let is_sidecar = matches!(self.command, Command::Task(_));
        let level = self
            .log
            .log_level
            .or_else(|| agents().filter(|_| is_sidecar));
        level.unwrap_or(LogLevel::Info)
    }
}

impl LogLevel {
    /// A level by mackerel-container-agent's name.
    fn of_agent(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "TRACE" => Some(LogLevel::Trace),
            "DEBUG" => Some(LogLevel::Debug),
            "INFO" => Some(LogLevel::Info),
            "WARNING" => Some(LogLevel::Warn),
            "ERROR" | "CRITICAL" => Some(LogLevel::Error),
            _ => None,
        }
    }
}

/// The least that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Someone must act.
    Error,
    /// Data is late or something should be mended.
    Warn,
    /// One line a poll.
    Info,
    /// Each step.
    Debug,
    /// Everything.
    Trace,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Flags of `poll`.
#[derive(Debug, Args)]
pub struct PollArgs {
    /// Poll once and leave; the exit status tells how it went
    #[arg(long)]
    pub once: bool,
    /// Read AWS once, print what would be posted, and send nothing to Mackerel
    #[arg(long)]
    pub dry_run: bool,
    /// What to print of each poll; a table on a terminal, else nothing but the log
    #[arg(long, value_name = "FORM")]
    pub output: Option<Output>,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Lines for people, or one JSON document
    #[arg(long, value_name = "FORM", default_value = "table")]
    pub output: Form,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// How what is found is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Table,
    /// One JSON document.
    Json,
}

/// Flags of `iam-policy`.
#[derive(Debug, Args)]
pub struct IamPolicyArgs {
    /// Whose policy
    #[arg(long = "for", value_name = "ROLE", default_value = "poll")]
    pub of: PolicyFor,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Whose policy is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyFor {
    /// The role that the poller runs with.
    Poll,
    /// The role of a task that has the sidecar.
    Task,
    /// The role in another account that the poller assumes.
    Reader,
}

/// Flags of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// What is printed of each poll on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A line per cluster.
    Table,
    /// One JSON document.
    Json,
    /// Nothing.
    None,
}

/// Flags that stand for keys of the configuration, and win over the file and the environment.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration (YAML): a file, or a URL with http://, https:// or s3://
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The metrics to post: compact, standard or full
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The time between two polls, such as 1m
    #[arg(long, value_name = "DURATION")]
    pub interval: Option<String>,
    /// A pattern for the names of the clusters to poll; may be given several times
    #[arg(long = "cluster", value_name = "PATTERN")]
    pub clusters: Vec<String>,
    /// Poll only this part of the clusters, such as 0/4; job/4 takes the index from an array job of
    /// AWS Batch or an indexed Job of Kubernetes
    #[arg(long, value_name = "INDEX/COUNT")]
    pub shard: Option<String>,
}

impl ConfigArgs {
    /// The flags as keys of the configuration.
    pub fn flags(&self) -> Vec<Flag> {
        let one = |value: &Option<String>| value.iter().cloned().collect();
        vec![
            Flag {
                name: "--profile",
                key: "metrics.profile",
                values: one(&self.profile),
            },
            Flag {
                name: "--interval",
                key: "poll.interval",
                values: one(&self.interval),
            },
            Flag {
                name: "--cluster",
                key: "clusters.include",
                values: self.clusters.clone(),
            },
            Flag {
                name: "--shard",
                key: "shard",
                values: one(&self.shard),
            },
        ]
    }
}

/// Flags of `task`. What it does is set in the environment and the file that it names, as for
/// mackerel-container-agent.
#[derive(Debug, Args)]
pub struct TaskArgs {
    /// Let the time run so many times as fast from a moment on, for the benchmark
    #[cfg(feature = "demo")]
    #[arg(long, hide = true, value_name = "FACTOR@SECONDS")]
    pub hurry: Option<Hurry>,
}

/// A time that passes faster than the real one from a moment on.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hurry {
    /// How many times as fast.
    pub factor: u32,
    /// From when on, in seconds since the Unix epoch.
    pub since: i64,
}

#[cfg(feature = "demo")]
impl Hurry {
    /// The time that it is, at a real time.
    pub fn time(self, real: DateTime<Utc>) -> DateTime<Utc> {
        let since = DateTime::from_timestamp(self.since, 0).unwrap_or(real);
        since + (real - since) * i32::try_from(self.factor).unwrap_or(1)
    }
}

#[cfg(feature = "demo")]
impl FromStr for Hurry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('@');
        let parts = parts.and_then(|(factor, since)| {
            let factor = factor.parse().ok().filter(|factor| *factor > 0)?;
            Some((factor, since.parse().ok()?))
        });
        let (factor, since) = parts.ok_or("write it as FACTOR@SECONDS")?;
        Ok(Hurry { factor, since })
    }
}

/// Flags of `demo`.
#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Leave after this many polls; without it the demo goes on until it is interrupted
    #[arg(long, value_name = "N")]
    pub cycles: Option<u64>,
    /// A made-up fleet of this many services in place of the small one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub services: Option<u32>,
    /// Start the servers only, and print what to set to poll them with the real command
    #[arg(long, conflicts_with = "cycles")]
    pub servers_only: bool,
    /// Leave out the simulated AWS's documented request limits
    #[arg(long)]
    pub no_limits: bool,
    /// Let the time run so many times as fast from a moment on, for the benchmark
    #[arg(long, hide = true, value_name = "FACTOR@SECONDS")]
    pub hurry: Option<Hurry>,
    /// One simulated task of so many containers in place of the two, for the benchmark
    #[arg(long, hide = true, value_name = "N")]
    pub containers: Option<u32>,
    /// The port of the local Mackerel; any free one unless given
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub mackerel_port: u16,
    /// The port of the simulated AWS; any free one unless given
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub aws_port: u16,
    /// Keep the local Mackerel's data in this SQLite file
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
}

/// Flags of `serve`.
#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen; port 0 is any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Keep everything in this SQLite file, and go on with what it holds; in memory unless given
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
    /// A key that may read and write, or what stands behind a colon: KEY:read, KEY:write; may be given several times
    #[arg(
        long = "api-key",
        value_name = "KEY[:PERMISSION]",
        default_value = ServeArgs::DEFAULT_KEY,
        env = "MACKEREL_ECS_SERVE_API_KEYS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub api_keys: Vec<ApiKey>,
    /// How long points are kept, such as 30d; as long as Mackerel keeps them unless given
    #[arg(long, value_name = "DURATION", default_value = "460d", value_parser = humantime::parse_duration)]
    pub retention: Duration,
}

#[cfg(feature = "demo")]
impl ServeArgs {
    /// The key where none is given.
    pub const DEFAULT_KEY: &str = "local";
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_sidecar_knows_the_agents_log_level() {
        let check = |arguments: &[&str], level: &str, expected: LogLevel| {
            let cli = Cli::parse_from([&["mackerel-ecs"], arguments].concat());
            let environment = [("MACKEREL_LOG_LEVEL".to_owned(), level.to_owned())];
            assert_eq!(
                cli.log_level(&environment),
                expected,
                "{arguments:?} {level}"
            );
        };
        check(&["task"], "WARNING", LogLevel::Warn);
        check(&["task"], "critical", LogLevel::Error);
        check(&["task"], "odd", LogLevel::Info);
        check(&["task", "--log-level", "debug"], "ERROR", LogLevel::Debug);
        check(&["poll"], "ERROR", LogLevel::Info);
    }
}
