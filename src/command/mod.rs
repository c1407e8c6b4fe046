//! Carries out a command: builds what it needs, runs it, and gives the exit status. 0 is all done,
//! 1 failed, 2 a mistake in usage or configuration, 3 done in part.

mod check;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod health;
mod iam_policy;
mod inject;
mod manual;
mod plan;
#[cfg(feature = "demo")]
mod serve;
mod task;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::aws::Access;
use crate::cli::{Command, PollArgs};
use crate::config::load::{Gathered, Sources, named};
use crate::config::{Config, Mistake};
use crate::mackerel::client::Client as Mackerel;
use crate::model::calls::Calls;
use crate::poller::Poller;
use crate::pulse::{Pulse, listen};
use crate::run::{Plan, Stop, real_time, run};
use crate::source::{Location, fetch};
use crate::terminal::standard_output;
use crate::transport::Transport;

/// Why a command could not be carried out.
#[derive(Debug)]
pub enum Failure {
    /// The configuration is wrong in these ways.
    Mistakes(Vec<Mistake>),
    /// Something else.
    Other(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Other(error.into())
    }
}

/// Carries out a command and gives the exit status. What went wrong is told on standard error.
pub fn execute(command: Command, environment: &[(String, String)]) -> u8 {
    // One thread is enough for what waits nearly all of the time, and saves memory.
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report(Failure::from(error)),
    };
    let result = runtime.block_on(async {
        let stop = stop_signals()?;
        match command {
            Command::Poll(args) => poll(args, environment, stop).await,
            Command::Task(args) => task::task(&args, environment, stop).await,
            Command::Check(args) => check::check(args, environment).await,
            Command::Config(command) => config::config(command, environment).await,
            Command::Plan(args) => plan::plan(args, environment).await,
            Command::IamPolicy(args) => iam_policy::iam_policy(args, environment).await,
            Command::Inject(args) => inject::inject(&args),
            Command::Completions { shell } => manual::completions(shell),
            Command::Man { out } => manual::man(out.as_deref()),
            Command::Health(args) => health::health(args, environment).await,
            #[cfg(feature = "demo")]
            Command::Demo(args) => demo::demo(args, environment, stop).await,
            #[cfg(feature = "demo")]
            Command::Serve(args) => serve::serve(args, stop).await,
        }
    });
    // A look-up that hangs in the system's resolver must not hold the exit.
    runtime.shutdown_background();
    result.unwrap_or_else(report)
}

#[expect(
    clippy::print_stderr,
    reason = "mistakes are for the person, not for the log"
)]
fn report(failure: Failure) -> u8 {
    match failure {
        Failure::Mistakes(mistakes) => {
            for mistake in mistakes {
                eprintln!("mackerel-ecs: {mistake}");
            }
            2
        }
        Failure::Other(error) => {
            eprintln!("mackerel-ecs: {error:#}");
            1
        }
    }
}

async fn poll(args: PollArgs, environment: &[(String, String)], stop: Stop) -> Result<u8, Failure> {
    let sources = Sources {
        file: args.config.config.clone(),
        environment,
        flags: args.config.flags(),
    };
    let transport = Transport::network();
    let config = load_config(&sources, &transport, !args.dry_run).await;
    let config = config.map_err(Failure::Mistakes)?;
    let access = Access {
        transport,
        calls: Calls::default(),
        local: None,
        rate_share: config.rate_share(),
        clock: None,
    };
    let mackerel = match args.dry_run {
        true => None,
        false => mackerel_client(&config, &access)?,
    };
    let pulse = Pulse::new(config.poll.interval);
    if let Some(address) = config.listen {
        let listened = listen(address, pulse.clone()).await;
        let address = listened.with_context(|| format!("can't listen at {address}"))?;
        tracing::info!(%address, "listening");
    }
    let poller = Poller::new(config.clone(), access, mackerel);
    let outcome = run(
        &config,
        poller,
        Plan::of(&args, standard_output(environment)),
        &pulse,
        stop,
        real_time,
    )
    .await?;
    Ok(outcome.exit_status())
}

/// Loads the configuration from wherever the sources name. `needs_api_key` is false where nothing is
/// sent to Mackerel.
async fn load_config(
    sources: &Sources<'_>,
    transport: &Transport,
    needs_api_key: bool,
) -> Result<Config, Vec<Mistake>> {
    gather(sources, transport).await?.config(needs_api_key)
}

/// Gathers what the sources say, also where they name a URL.
async fn gather(sources: &Sources<'_>, transport: &Transport) -> Result<Gathered, Vec<Mistake>> {
    let Some((place, text)) = named(sources) else {
        return Gathered::of(sources, None);
    };
    let wrong = |why: String| vec![Mistake::at(Some(&place), why)];
    let location = Location::parse(&text).map_err(wrong)?;
    if location.is_file() {
        return Gathered::of(sources, None);
    }
    let fetched = fetch(&location, transport, sources.environment).await;
    let fetched = fetched.map_err(wrong)?;
    Gathered::of(sources, Some((&location.name(), &fetched)))
}

/// A client for the configured organization; none without a key.
pub fn mackerel_client(config: &Config, access: &Access) -> anyhow::Result<Option<Mackerel>> {
    let Some(key) = &config.mackerel.api_key else {
        return Ok(None);
    };
    let base = &config.mackerel.api_base;
    let client = Mackerel::new(
        access.transport.clone(),
        base,
        key.reveal(),
        access.calls.clone(),
    )?;
    Ok(Some(client))
}

/// Counts SIGTERM, SIGINT and SIGQUIT from now on.
fn stop_signals() -> anyhow::Result<Stop> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut quit = signal(SignalKind::quit()).context("listening for SIGQUIT")?;
    let (count, stop) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = quit.recv() => {}
            }
            count.send_modify(|signals| *signals += 1);
        }
    });
    Ok(stop)
}
