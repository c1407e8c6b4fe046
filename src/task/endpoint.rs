//! Asks the task metadata endpoint: which version there is, and its two documents. It is shared by
//! all tasks of a machine and answers so many requests a second, so it is asked as seldom as may be.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::metadata::Task;
use super::stats::{self, Reading};
use crate::transport::Transport;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The most that is read of an answer, in bytes. Statistics of a container are some 5 KB.
const BODY_LIMIT: usize = 4 << 20;

/// Where version 2 is, which no variable names.
const VERSION_2: &str = "http://169.254.170.2/v2";

/// Where the endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    task: String,
    stats: String,
}

impl Location {
    /// The newest version that the environment of the container names: 4, else 3, else 2, which has
    /// a fixed address (in network mode `awsvpc` only).
    pub fn find(environment: &[(String, String)]) -> Self {
        let variable = |name: &str| {
            let mut variables = environment.iter();
            let (_, value) = variables.find(|(key, value)| key == name && !value.is_empty())?;
            Some(value.trim_end_matches('/'))
        };
        let named = variable("ECS_CONTAINER_METADATA_URI_V4")
            .or_else(|| variable("ECS_CONTAINER_METADATA_URI"));
        match named {
            Some(base) => Location {
                task: format!("{base}/task"),
                stats: format!("{base}/task/stats"),
            },
            None => Self::version_2(VERSION_2),
        }
    }

    /// Version 2 at this base.
    pub fn version_2(base: &str) -> Self {
        Location {
            task: format!("{base}/metadata"),
            stats: format!("{base}/stats"),
        }
    }
}

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Too many requests, of all tasks of the machine together.
    Throttled,
    /// Anything else.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Throttled => f.write_str(
                "the task metadata endpoint has too many requests (HTTP 429); its limit is \
                 ECS_TASK_METADATA_RPS_LIMIT of the ECS agent",
            ),
            Error::Failed(why) => f.write_str(why),
        }
    }
}

/// The endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    location: Location,
    transport: Transport,
}

impl Endpoint {
    /// The endpoint there. The transport must not go through a proxy.
    pub fn new(location: Location, transport: Transport) -> Self {
        Endpoint {
            location,
            transport,
        }
    }

    /// What it says of the task.
    pub async fn task(&self) -> Result<Task, Error> {
        let url = &self.location.task;
        let body = self.get(url).await?;
        Task::parse(&body).map_err(|why| strange(url, &why))
    }

    /// What it says of the containers' use, by container id.
    pub async fn stats(&self) -> Result<BTreeMap<String, Reading>, Error> {
        let url = &self.location.stats;
        let body = self.get(url).await?;
        stats::parse(&body).map_err(|why| strange(url, &why))
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, Error> {
        let request = http::Request::builder()
            .uri(url)
            .body(Vec::new())
            .map_err(|error| Error::Failed(format!("can't ask {url}: {error}")))?;
        let answer = self
            .transport
            .send_bounded(request, TIMEOUT, BODY_LIMIT)
            .await;
        let answer = answer.map_err(|error| {
            Error::Failed(format!(
                "can't reach the task metadata endpoint at {url}; this must run in a container of an \
                 ECS task: {error}"
            ))
        })?;
        match answer.status().as_u16() {
            200 => Ok(answer.into_body()),
            429 => Err(Error::Throttled),
            status => Err(Error::Failed(format!(
                "the task metadata endpoint at {url} failed (HTTP {status})"
            ))),
        }
    }
}

fn strange(url: &str, why: &str) -> Error {
    Error::Failed(format!(
        "the task metadata endpoint at {url} answered something else than documented: {why}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &[(&str, &str)], task: &str, stats: &str) {
        let environment: Vec<(String, String)> = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let location = Location::find(&environment);
        assert_eq!((&*location.task, &*location.stats), (task, stats));
    }

    #[test]
    fn the_newest_version_that_is_named() {
        let v3 = ("ECS_CONTAINER_METADATA_URI", "http://169.254.170.2/v3/a");
        let v4 = (
            "ECS_CONTAINER_METADATA_URI_V4",
            "http://169.254.170.2/v4/a/",
        );
        let (task, stats) = (
            "http://169.254.170.2/v4/a/task",
            "http://169.254.170.2/v4/a/task/stats",
        );
        check(&[v3, v4], task, stats);
        let empty = ("ECS_CONTAINER_METADATA_URI_V4", "");
        let (task, stats) = (
            "http://169.254.170.2/v3/a/task",
            "http://169.254.170.2/v3/a/task/stats",
        );
        check(&[empty, v3], task, stats);
        let (task, stats) = (
            "http://169.254.170.2/v2/metadata",
            "http://169.254.170.2/v2/stats",
        );
        check(&[], task, stats);
    }
}
