//! What the user wants, valid and typed: a [`Config`] is built from a file, environment variables
//! and flags, in this order, or not at all, and then with every mistake at once.

pub mod example;
pub mod key;
pub mod load;
pub mod node;
pub mod pattern;
pub mod read;
pub mod reader;
pub mod schema;
pub mod secret;
pub mod selection;
pub mod show;
pub mod table;
mod target;
pub mod template;
pub mod variable;
pub mod yaml;

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::model::reader::Reader;
use crate::model::region::Regions;
use crate::model::role::RoleFullname;
use crate::model::shard::Shard;
use node::Place;
use pattern::{NameFilter, Patterns};
use secret::Secret;
use selection::Selection;
use template::Template;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where points go.
    pub mackerel: Mackerel,
    /// Where they come from; never empty.
    pub targets: Vec<Target>,
    /// How a cluster looks as a host.
    pub host: Host,
    /// When and how far back is read.
    pub poll: Poll,
    /// How AWS is asked.
    pub aws: Aws,
    /// How CloudWatch is read.
    pub cloudwatch: CloudWatch,
    /// Which part of the clusters is polled; none for all of them.
    pub shard: Option<Shard>,
    /// The Mackerel service that the poller's own metrics go to; none for none.
    pub heartbeat: Option<String>,
    /// Where the poller tells its health; none for nowhere.
    pub listen: Option<SocketAddr>,
    /// How often the configuration's source is looked at for changes, besides at a SIGHUP; none for a
    /// file every now and then, and anything else never.
    pub reload: Option<Duration>,
}

impl Config {
    /// The share of AWS's rates that one process takes: shards share it.
    pub fn rate_share(&self) -> Option<f64> {
        let shards = self.shard.map_or(1, |shard| shard.count);
        Some(self.aws.rate_share? / f64::from(shards))
    }
}

/// The Mackerel organization.
#[derive(Debug, Clone, PartialEq)]
pub struct Mackerel {
    /// The API key, with read and write permission. Absent only in a dry run.
    pub api_key: Option<Secret>,
    /// The API's base without a final slash, `https://api.mackerelio.com` by default.
    pub api_base: String,
}

/// An account with some Regions of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What it is called in logs and reports.
    pub name: String,
    /// The role to assume in the account; none for the poller's own credentials.
    pub role: Option<AssumedRole>,
    /// The Regions.
    pub regions: Regions,
    /// Which of its clusters are polled.
    pub clusters: Filter,
    /// Which of their services.
    pub services: Filter,
    /// Which metrics of these.
    pub metrics: Selection,
    /// Roles of a cluster whose tags name none.
    pub roles: Vec<RoleFullname>,
}

impl Target {
    /// The account as far as the configuration tells it: none for the poller's own.
    pub fn account(&self) -> Option<&str> {
        self.role.as_ref()?.arn.split(':').nth(4)
    }
}

/// A role in another account.
#[derive(Debug, Clone, PartialEq)]
pub struct AssumedRole {
    /// Its ARN.
    pub arn: String,
    /// The external id that its trust policy asks for.
    pub external_id: Option<String>,
    /// The session's name, as CloudTrail shows it.
    pub session_name: String,
}

/// A choice of clusters or services.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// By name.
    pub names: NameFilter,
    /// Tags that it must have, all of them, each with a pattern for its value.
    pub tags: Vec<(String, Patterns)>,
    /// Tags of which it must have none.
    pub exclude_tags: Vec<(String, Patterns)>,
}

impl Filter {
    /// Whether what has these tags is chosen, as far as tags tell.
    pub fn accepts_tags(&self, tags: &BTreeMap<String, String>) -> bool {
        let has = |(key, values): &(String, Patterns)| {
            tags.get(key).is_some_and(|value| values.matches(value))
        };
        self.tags.iter().all(has) && !self.exclude_tags.iter().any(has)
    }

    /// Whether tags have a say at all.
    pub fn asks_for_tags(&self) -> bool {
        !self.tags.is_empty() || !self.exclude_tags.is_empty()
    }
}

/// How a cluster looks as a host.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// The identity, `{arn}` by default.
    pub custom_identifier: Template,
    /// The display name; where it is absent, whatever is on Mackerel stays.
    pub display_name: Option<Template>,
    /// The memo; where it is absent, whatever is on Mackerel stays.
    pub memo: Option<Template>,
    /// The status that a new host gets: `working`, `standby`, `maintenance` or `poweroff`.
    pub status: &'static str,
    /// How long a cluster must have been deleted, seen so at both ends, until its host is retired;
    /// none to retire no host.
    pub retire_after: Option<Duration>,
}

/// When and how far back is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// The time between two polls, whole minutes.
    pub interval: Duration,
    /// How long after its end a minute of CloudWatch is taken as complete.
    pub settle: Duration,
    /// How far back minutes are read again in case they were revised.
    pub overlap: Duration,
    /// How far back a cluster is read that is seen for the first time; the overlap at least.
    pub lookback: Duration,
    /// How long a poll in hand may take after a signal to stop.
    pub grace: Duration,
}

impl Poll {
    /// How long it may take to read CloudWatch in a poll.
    pub fn reading_time(&self) -> Duration {
        self.interval / 3
    }
}

/// How AWS is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Aws {
    /// The share of the documented request rates, shared by everything in an account and Region,
    /// that the poller allows itself, above 0 and up to 1; none for no limit of its own.
    pub rate_share: Option<f64>,
}

/// How CloudWatch is read, which is what the poller costs on AWS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CloudWatch {
    /// With which call; none for the cheaper one that keeps up.
    pub reader: Option<Reader>,
    /// Every how many minutes; none for the shortest time that the budget allows.
    pub interval: Option<i64>,
    /// What reading may cost a month, in US dollars, beyond what the free tier carries.
    pub monthly_budget_usd: f64,
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it was written; none for what is missing.
    pub place: Option<Place>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Mistake {
    /// A mistake at a place.
    pub fn at(place: Option<&Place>, message: impl Into<String>) -> Self {
        Mistake {
            place: place.cloned(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
