//! What can be typed: the commands and their flags, as typed, with no meaning yet.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::load::Flag;

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
    /// Try all that polling needs, with calls that change nothing: permissions, key, clock
    Check(CheckArgs),
    /// Print the least IAM policy that the configuration needs
    IamPolicy(IamPolicyArgs),
    /// Add the sidecar to a task definition, or update it there
    Inject(InjectArgs),
    /// Ask the poller that runs here whether it is well, for a container's health check
    Health(HealthArgs),
    /// Show it all on this machine, with a simulated AWS and a local Mackerel: no account, no key
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
}

/// How it is logged, always to standard error.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// The least that is logged
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        default_value = "info",
        env = "MACKEREL_ECS_LOG",
        hide_env = true
    )]
    pub log_level: LogLevel,
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
    pub output: CheckOutput,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// A line for each.
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

/// Flags that stand for keys of the configuration, and win over the file and the environment.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration file (YAML)
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
        ]
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_well_formed() {
        Cli::command().debug_assert();
    }
}
