//! Flags and commands of the configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::example;
use crate::config::load::Flag;

/// The commands below `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the configuration in effect as YAML, each value with where it came from
    #[command(after_help = example::SHOW)]
    Show(ConfigArgs),
    /// Look for mistakes and print all of them; exit status 2 where there is one
    #[command(after_help = example::VALIDATE)]
    Validate(ConfigArgs),
    /// Print the JSON Schema of the configuration, for editors and validators
    #[command(after_help = example::SCHEMA)]
    Schema,
    /// Write a file with every key, commented; as it is, it changes nothing
    #[command(after_help = example::INIT)]
    Init {
        /// The file, which must not be there yet; `-` is standard output
        #[arg(value_name = "FILE", default_value = "mackerel-ecs.yaml")]
        file: PathBuf,
    },
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
