//! What only the demo's servers know.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;

use crate::demo::mackerel::option::ApiKey;

/// A time that passes faster than the real one from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hurry {
    /// How many times as fast.
    pub factor: u32,
    /// From when on, in seconds since the Unix epoch.
    pub since: i64,
}

impl Hurry {
    /// The time that it is, at a real time.
    pub fn time(self, real: DateTime<Utc>) -> DateTime<Utc> {
        let since = DateTime::from_timestamp(self.since, 0).unwrap_or(real);
        since + (real - since) * i32::try_from(self.factor).unwrap_or(1)
    }
}

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
    /// Take host metrics and store none, for the benchmark
    #[arg(long, hide = true, requires = "servers_only")]
    pub sink: bool,
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

impl ServeArgs {
    /// The key where none is given.
    pub const DEFAULT_KEY: &str = "local";
}
