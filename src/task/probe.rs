//! Readiness probes: whether what the task is for has come up.

use std::time::Duration;

use crate::config::secret::Secret;
use crate::task::plugin::Command;

/// What is tried, and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// What is tried.
    pub attempt: Attempt,
    /// The wait before the first try.
    pub initial_delay: Duration,
    /// The time from one try to the next.
    pub period: Duration,
    /// How long a try may take.
    pub timeout: Duration,
}

/// What is tried.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// A program that ends well.
    Exec(Command),
    /// A request that is answered with a status from 200 to 399.
    Http(HttpAttempt),
    /// A connection that can be made.
    Tcp {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
}

/// A request to be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAttempt {
    /// `GET`, `HEAD` and the like.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Headers, whose values may be secrets; `Host` in place of the URL's.
    pub headers: Vec<(String, Secret)>,
    /// The proxy to go through; none for none.
    pub proxy: Option<String>,
}
