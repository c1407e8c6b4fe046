//! What can be typed: the commands and their flags, as typed, with no meaning yet.

pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
mod example;
mod plan;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use config::{ConfigArgs, ConfigCommand};
#[cfg(feature = "demo")]
use demo::{DemoArgs, Hurry, ServeArgs};
pub use plan::PlanArgs;

/// Amazon ECS on Mackerel, without an agent.
#[derive(Debug, Parser)]
#[command(
    name = "mackerel-ecs",
    version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("MACKEREL_ECS_BUILT"), ")"),
    disable_help_subcommand = true,
    after_help = example::PROGRAM
)]
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
    #[command(after_help = example::POLL)]
    Poll(PollArgs),
    /// Make the ECS task that this runs in a host on Mackerel: a sidecar
    #[command(after_help = example::TASK)]
    Task(TaskArgs),
    /// Try all that polling needs, with calls that change nothing: permissions, key, clock
    #[command(after_help = example::CHECK)]
    Check(CheckArgs),
    /// Tell what polling comes to: calls, time, costs, metrics of each host
    #[command(after_help = example::PLAN)]
    Plan(PlanArgs),
    /// Show, check, describe or begin a configuration
    #[command(subcommand, after_help = example::CONFIG)]
    Config(ConfigCommand),
    /// Print the least IAM policy that the configuration needs
    #[command(after_help = example::IAM_POLICY)]
    IamPolicy(IamPolicyArgs),
    /// Add the sidecar to a task definition, or update it there
    #[command(after_help = example::INJECT)]
    Inject(InjectArgs),
    /// Ask the poller that runs here whether it is well, for a container's health check
    #[command(after_help = example::HEALTH)]
    Health(HealthArgs),
    /// Show it all on this machine, with a simulated AWS and a local Mackerel: no account, no key
    #[cfg(feature = "demo")]
    #[command(after_help = example::DEMO)]
    Demo(DemoArgs),
    /// Run the local Mackerel alone: a server of the Mackerel API for tests and trials
    #[cfg(feature = "demo")]
    #[command(after_help = example::SERVE)]
    Serve(ServeArgs),
    /// Print a script that lets a shell complete commands and flags
    #[command(after_help = example::COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands into a folder
    #[command(after_help = example::MAN)]
    Man {
        /// The folder, which must be there
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
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

/// Flags of `inject`.
#[derive(Debug, Args)]
pub struct InjectArgs {
    /// The task definition (JSON): what describe-task-definition prints, what
    /// register-task-definition takes, or a list of container definitions; standard input unless given
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The image of mackerel-ecs
    #[arg(long, value_name = "IMAGE")]
    pub image: String,
    /// The ARN of the secret or SSM parameter that holds the Mackerel API key
    #[arg(long, value_name = "ARN")]
    pub api_key_arn: String,
    /// A role of the task's host, `service:role`; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// Another variable of the sidecar, `NAME=VALUE`; may be given several times
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub environment: Vec<String>,
    /// The name of the sidecar's container
    #[arg(long, value_name = "NAME", default_value = "mackerel-ecs")]
    pub name: String,
    /// The most memory that the sidecar may use, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(32..))]
    pub memory: u64,
    /// The CPU units that the sidecar reserves
    #[arg(long, value_name = "UNITS", default_value_t = 0)]
    pub cpu: u64,
    /// Print no task definition but what would change; exit status 1 if anything would
    #[arg(long)]
    pub check: bool,
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

/// Flags of `task`. What it does is set in the environment and the file that it names, as for
/// mackerel-container-agent.
#[derive(Debug, Args)]
pub struct TaskArgs {
    /// Let the time run so many times as fast from a moment on, for the benchmark
    #[cfg(feature = "demo")]
    #[arg(long, hide = true, value_name = "FACTOR@SECONDS")]
    pub hurry: Option<Hurry>,
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
