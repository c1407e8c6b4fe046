//! Plugins: programs of the user that print metrics or check something, once a minute.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::secret::Secret;

/// A program with its arguments and surroundings.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The program and its arguments; never empty.
    pub words: Vec<String>,
    /// The user that it runs as; none for our own.
    pub user: Option<String>,
    /// Its whole environment: values may be secrets.
    pub environment: BTreeMap<String, Secret>,
    /// How long it may take.
    pub timeout: Duration,
}

/// A program that prints metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPlugin {
    /// What it is called in the configuration.
    pub name: String,
    /// What is run.
    pub command: Command,
}

/// A program that checks something.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckPlugin {
    /// The check's name on Mackerel.
    pub name: String,
    /// What is run.
    pub command: Command,
    /// A memo, shown with the host's checks.
    pub memo: Option<String>,
    /// Minutes until a state that stays bad is notified again; none for never.
    pub notification_interval: Option<u64>,
    /// How often in a row it must be bad until there is an alert; none for once.
    pub max_check_attempts: Option<u64>,
}
