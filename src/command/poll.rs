//! `poll`: the poller with what it needs, which follows its configuration while it runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::{Failure, load_config, mackerel_client};
use crate::aws::Access;
use crate::cli::PollArgs;
use crate::config::load::{Flag, Sources, named};
use crate::config::{Config, Mistake};
use crate::model::calls::Calls;
use crate::poller::Poller;
use crate::pulse::Pulse;
use crate::pulse::listen::listen;
use crate::reload::{self, Outcome, Source};
use crate::run::{Plan, Stop, real_time, run};
use crate::source::Location;
use crate::terminal::standard_output;
use crate::transport::Transport;

/// How often a file is looked at for changes, unless the configuration says otherwise.
const LOOK_AT_FILE: Duration = Duration::from_secs(10);

/// Polls until the plan is done or a signal comes.
pub(super) async fn poll(
    args: PollArgs,
    environment: &[(String, String)],
    stop: Stop,
) -> Result<u8, Failure> {
    let transport = Transport::network();
    let written = Written {
        file: args.config.config.clone(),
        environment: environment.into(),
        flags: args.config.flags(),
        transport: transport.clone(),
        needs_api_key: !args.dry_run,
        pulse: None,
    };
    let config = written.load().await.map_err(Failure::Mistakes)?;
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
    let plan = Plan::of(&args, standard_output(environment));
    let listening = match config.listen {
        Some(address) => Some(start_listening(address, &pulse).await?),
        None => None,
    };
    let poller = Poller::new(config.clone(), access, mackerel);
    let configs = match plan.polls {
        // It leaves before anything could change.
        Some(_) => watch::channel(Arc::new(config)).1,
        None => {
            let written = Written {
                pulse: Some(pulse.clone()),
                ..written
            };
            let configs = reload::watch(written, config).context("listening for SIGHUP")?;
            tokio::spawn(keep_listening(configs.clone(), listening, pulse.clone()));
            configs
        }
    };
    let outcome = run(configs, poller, plan, &pulse, stop, real_time).await?;
    Ok(outcome.exit_status())
}

async fn start_listening(address: SocketAddr, pulse: &Pulse) -> anyhow::Result<AbortHandle> {
    let listened = listen(address, pulse.clone()).await;
    let (address, listening) = listened.with_context(|| {
        format!(
            "can't listen at {address}; choose another address with MACKEREL_ECS_LISTEN or http.listen"
        )
    })?;
    tracing::info!(%address, "listening");
    Ok(listening)
}

/// Listens where the configuration says, whenever it says so anew.
async fn keep_listening(
    mut configs: watch::Receiver<Arc<Config>>,
    mut listening: Option<AbortHandle>,
    pulse: Pulse,
) {
    let mut address = configs.borrow_and_update().listen;
    while configs.changed().await.is_ok() {
        let wanted = configs.borrow_and_update().listen;
        if wanted == address {
            continue;
        }
        if let Some(listening) = listening.take() {
            listening.abort();
        }
        if let Some(wanted) = wanted {
            match start_listening(wanted, &pulse).await {
                Ok(started) => listening = Some(started),
                Err(error) => tracing::error!("{error:#}; health and metrics are not told"),
            }
        }
        address = wanted;
    }
}

/// The configuration as it was written down, to be read again.
struct Written {
    file: Option<PathBuf>,
    environment: Arc<[(String, String)]>,
    flags: Vec<Flag>,
    transport: Transport,
    needs_api_key: bool,
    pulse: Option<Pulse>,
}

impl Written {
    fn sources(&self) -> Sources<'_> {
        Sources {
            file: self.file.clone(),
            environment: &self.environment,
            flags: self.flags.clone(),
        }
    }

    async fn load(&self) -> Result<Config, Vec<Mistake>> {
        load_config(&self.sources(), &self.transport, self.needs_api_key).await
    }
}

impl Source for Written {
    type Setting = Config;

    async fn load(&self) -> Result<(Config, Vec<Mistake>), Vec<Mistake>> {
        Ok((Written::load(self).await?, Vec::new()))
    }

    fn period(&self, now: &Config) -> Option<Duration> {
        // What only the environment says can't change.
        let (_, place) = named(&self.sources())?;
        match now.reload {
            Some(period) => Some(period),
            None => Location::parse(&place)
                .ok()?
                .is_file()
                .then_some(LOOK_AT_FILE),
        }
    }

    fn looked(&self, outcome: Outcome) {
        if let Some(pulse) = &self.pulse {
            pulse.looked(outcome);
        }
    }
}
