//! Readiness probes: whether what the task is for has come up.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::config::secret::Secret;
use crate::task::plugin::Command;
use crate::task::plugin::command::End;
use crate::transport::Transport;

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
    /// The URL of the proxy to go through, which may hold a password; none for no proxy.
    pub proxy: Option<Secret>,
}

/// How a try is told to who answers it.
const USER_AGENT: &str = concat!("mackerel-ecs/", env!("CARGO_PKG_VERSION"));

impl Probe {
    /// Waits until a try succeeds, and tells why one did not whenever the reason changes.
    pub async fn wait(&self) {
        sleep(self.initial_delay).await;
        let mut told = String::new();
        while let Err(why) = self.ready().await {
            if why != told {
                tracing::info!("not ready yet: {why}");
                told = why;
            }
            sleep(self.period).await;
        }
        tracing::info!("the readiness probe succeeded");
    }

    /// Tries once. The error says what was tried and what came of it.
    pub async fn ready(&self) -> Result<(), String> {
        match &self.attempt {
            Attempt::Exec(command) => exec(command).await,
            Attempt::Http(attempt) => {
                let result = attempt.send(self.timeout).await;
                result.map_err(|why| format!("{} {}: {why}", attempt.method, attempt.url))
            }
            Attempt::Tcp { host, port } => {
                let connecting = timeout(self.timeout, TcpStream::connect((host.as_str(), *port)));
                let why = match connecting.await {
                    Ok(Ok(_)) => return Ok(()),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "no answer in time".into(),
                };
                Err(format!("connection to {host}:{port}: {why}"))
            }
        }
    }
}

async fn exec(command: &Command) -> Result<(), String> {
    let output = command.run(None).await?;
    let why = match output.end {
        End::Status(0) => return Ok(()),
        End::Status(status) => format!("exit status {status}"),
        End::Signal(signal) => format!("an end by signal {signal}"),
        End::TimedOut => "no end in time".into(),
    };
    let stderr = match output.stderr.trim() {
        "" => String::new(),
        text => format!(", and {text:?} on standard error"),
    };
    Err(format!("{}: {why}{stderr}", command.words.join(" ")))
}

impl HttpAttempt {
    /// Any status from 200 to 399 is a success; a redirect is not followed. The environment's
    /// proxies have no say: what is probed is in the same task.
    async fn send(&self, timeout: Duration) -> Result<(), String> {
        let mut request = http::Request::builder()
            .method(self.method.as_str())
            .uri(self.url.as_str());
        let has_name = |(name, _): &(String, Secret)| name.eq_ignore_ascii_case("user-agent");
        if !self.headers.iter().any(has_name) {
            request = request.header("User-Agent", USER_AGENT);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value.reveal());
        }
        let request = request
            .body(Vec::new())
            .map_err(|error| error.to_string())?;
        let transport = Transport::direct(self.proxy.as_ref().map(Secret::reveal))?;
        match transport.status(request, timeout).await {
            Ok(status) if (200..400).contains(&status.as_u16()) => Ok(()),
            Ok(status) => Err(format!("the answer is {}", status.as_u16())),
            Err(error) => Err(error.to_string()),
        }
    }
}
