//! The command `task`: the sidecar, with what it needs of the environment.

use super::Failure;
use crate::cli::TaskArgs;
use crate::run::{Stop, real_time};
use crate::task::clock::Clock;
use crate::task::endpoint::{Endpoint, Location};
use crate::task::machine::Machine;
use crate::task::setting::load::Loader;
use crate::task::{Setup, run};
use crate::transport::Transport;

/// Says what the task runs on.
const EXECUTION_VARIABLE: &str = "AWS_EXECUTION_ENV";

/// Runs the sidecar until a signal comes.
pub(super) async fn task(
    args: &TaskArgs,
    environment: &[(String, String)],
    mut stop: Stop,
) -> Result<u8, Failure> {
    let setup = tokio::select! {
        setup = setup(environment, "/proc", clock(args)) => setup?,
        _ = stop.wait_for(|signals| *signals >= 1) => return Ok(0),
    };
    run(setup, stop).await;
    Ok(0)
}

/// A sidecar in an environment, on the machine whose `/proc` is there.
pub(super) async fn setup(
    environment: &[(String, String)],
    proc: &str,
    clock: Clock,
) -> Result<Setup, Failure> {
    let transport = Transport::network();
    let loader = Loader::new(environment, transport.clone()).map_err(Failure::Mistakes)?;
    let setting = loader.start().await.map_err(Failure::Mistakes)?;
    let execution = environment
        .iter()
        .find(|(name, value)| name == EXECUTION_VARIABLE && !value.is_empty());
    Ok(Setup {
        settings: loader.watch(setting)?,
        endpoint: Endpoint::new(Location::find(environment), Transport::local()),
        machine: Machine::new(proc),
        execution: execution.map(|(_, value)| value.clone()),
        transport,
        clock,
    })
}

#[cfg(not(feature = "demo"))]
fn clock(_: &TaskArgs) -> Clock {
    Clock::new(real_time, 1)
}

/// The real time, or one that the benchmark makes pass faster.
#[cfg(feature = "demo")]
fn clock(args: &TaskArgs) -> Clock {
    match args.hurry {
        None => Clock::new(real_time, 1),
        Some(hurry) => Clock::new(move || hurry.time(real_time()), hurry.factor),
    }
}
