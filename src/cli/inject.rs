//! The flags of `inject`.

use std::path::PathBuf;

use clap::Args;

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
