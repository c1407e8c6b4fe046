//! `health`: asks the poller that runs here, as a container's health check does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::{Failure, load_config};
use crate::cli::HealthArgs;
use crate::config::load::Sources;
use crate::run::say;
use crate::transport::Transport;

/// Less than the 5 seconds that ECS gives a health check unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks, and prints the answer. The exit status is 1 where the poller is stuck or not there.
pub async fn health(args: HealthArgs, environment: &[(String, String)]) -> Result<u8, Failure> {
    let sources = Sources {
        file: args.config.config.clone(),
        environment,
        flags: args.config.flags(),
    };
    let transport = Transport::network();
    let config = load_config(&sources, &transport, false).await;
    let config = config.map_err(Failure::Mistakes)?;
    let address = config.listen.context(
        "the poller listens nowhere; set MACKEREL_ECS_LISTEN or http.listen to an address such as \
         127.0.0.1:9808, for both",
    )?;
    let url = format!("http://{}/healthz", reachable(address));
    let request = http::Request::get(&url).body(Vec::new())?;
    let answer = transport.send(request, PATIENCE).await;
    let answer = answer.map_err(|error| anyhow!("can't reach the poller at {url}: {error}"))?;
    say(String::from_utf8_lossy(answer.body()).trim_end())?;
    Ok(u8::from(!answer.status().is_success()))
}

/// Where a listener can be reached from this machine: one at every address is at its own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_at_every_address_is_asked_at_this_machines_own() {
        let reached = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:9808"), "127.0.0.1:9808");
        assert_eq!(reached("[::]:9808"), "[::1]:9808");
        assert_eq!(reached("10.0.0.1:80"), "10.0.0.1:80");
    }
}
