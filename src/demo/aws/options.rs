//! How the simulated AWS behaves: its clock, its limits, its lateness, who may do what.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::fleet::revised::Revised;

/// Tells the time. The server never reads a clock of its own.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The settings of a simulated AWS.
#[derive(Clone)]
pub struct Options {
    /// The time.
    pub clock: Clock,
    /// Whether the documented rate limits are enforced.
    pub limits: RateLimits,
    /// How late CloudWatch is.
    pub lateness: Lateness,
    /// What is forbidden from the start. See also `SimulatedAws::deny`.
    pub denied: Vec<Denial>,
    /// Access keys that are not simply those of the first account.
    pub keys: HashMap<String, Key>,
    /// How long a deleted cluster or service is still described as INACTIVE. AWS names no time; an
    /// hour is an assumption.
    pub described_after_deletion: TimeDelta,
    /// The most events that a service is described with. AWS: 100, most of each answer's size.
    pub most_events: u32,
}

impl Options {
    /// No limits, no denials, every key valid, and minutes that fill up as they pass.
    pub fn new(clock: Clock) -> Options {
        Options {
            clock,
            limits: RateLimits::Off,
            lateness: Lateness::LIVE,
            denied: Vec::new(),
            keys: HashMap::new(),
            described_after_deletion: TimeDelta::hours(1),
            most_events: 100,
        }
    }

    /// The same with a clock that stands still.
    pub fn at(now: DateTime<Utc>) -> Options {
        Options::new(Arc::new(move || now))
    }

    /// Says something of an access key.
    pub fn key(mut self, access_key: &str, key: Key) -> Options {
        self.keys.insert(access_key.into(), key);
        self
    }

    /// Forbids an action.
    pub fn deny(mut self, denial: Denial) -> Options {
        self.denied.push(denial);
        self
    }

    /// Sets how late CloudWatch is.
    pub fn lateness(mut self, lateness: Lateness) -> Options {
        self.lateness = lateness;
        self
    }

    /// Enforces the documented rate limits.
    pub fn limited(mut self) -> Options {
        self.limits = RateLimits::Documented;
        self
    }
}

/// Whether requests are counted against token buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimits {
    /// Nothing is ever throttled, but for faults.
    Off,
    /// As AWS documents them, for each account, region and group of calls.
    Documented,
}

/// How late CloudWatch is. AWS gives no figures for this; [`Lateness::REALISTIC`] is an assumption
/// from what users report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lateness {
    /// Seconds from the start of a minute until its first samples are seen.
    pub visible_after: u32,
    /// Seconds from the start of a minute until all its samples are seen; between the two, its
    /// values change and its `SampleCount` grows.
    pub settled_after: u32,
    /// Each series is later than that by 0 to this many seconds, always the same.
    pub jitter: u32,
    /// Seconds from a series' first data until ListMetrics knows it (AWS: up to 15 minutes).
    pub listed_after: u32,
    /// Minutes that change once more after they have settled; none means that none does.
    pub revised: Option<Revised>,
}

impl Lateness {
    /// The same with minutes that change once more after they have settled.
    pub fn revised(self, revised: Revised) -> Lateness {
        Lateness {
            revised: Some(revised),
            ..self
        }
    }

    /// The minute in progress is seen from its start and fills up; past minutes are complete.
    pub const LIVE: Lateness = Lateness {
        visible_after: 0,
        settled_after: 60,
        jitter: 0,
        listed_after: 0,
        revised: None,
    };
    /// Only complete minutes are seen, each as soon as it is over.
    pub const SETTLED: Lateness = Lateness {
        visible_after: 60,
        settled_after: 60,
        jitter: 0,
        listed_after: 0,
        revised: None,
    };
    /// Minutes appear after one and are complete after two and a half, some series later.
    pub const REALISTIC: Lateness = Lateness {
        visible_after: 60,
        settled_after: 150,
        jitter: 20,
        listed_after: 900,
        revised: None,
    };
}

/// An action that is forbidden, everywhere or on one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The IAM action, such as `ecs:DescribeServices`.
    pub action: String,
    /// The name of the only cluster on which it is forbidden.
    pub cluster: Option<String>,
}

impl Denial {
    /// Forbids an action everywhere.
    pub fn of(action: &str) -> Denial {
        Denial {
            action: action.into(),
            cluster: None,
        }
    }

    /// Forbids an action on one cluster.
    pub fn on_cluster(action: &str, cluster: &str) -> Denial {
        Denial {
            action: action.into(),
            cluster: Some(cluster.into()),
        }
    }
}

/// What is known of an access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// It belongs to someone.
    Valid(Identity),
    /// It was temporary and is over.
    Expired,
    /// It never existed.
    Invalid,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's number.
    pub account: String,
    /// The ARN of the user or the assumed role.
    pub arn: String,
}

impl Identity {
    /// The session of an assumed role, as a task has it.
    pub fn assumed_role(account: &str, role: &str, session: &str) -> Identity {
        Identity {
            account: account.into(),
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
        }
    }

    /// An IAM user.
    pub fn user(account: &str, name: &str) -> Identity {
        Identity {
            account: account.into(),
            arn: format!("arn:aws:iam::{account}:user/{name}"),
        }
    }

    /// Whether this is an assumed role, whose own sessions last an hour at most.
    pub fn is_assumed(&self) -> bool {
        self.arn.contains(":assumed-role/")
    }
}
