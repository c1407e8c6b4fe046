//! Loads a setting from where `MACKEREL_AGENT_CONFIG` says, and goes on looking there for changes.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::read::{PLATFORM_VARIABLE, read};
use super::{Loaded, Setting};
use crate::config::node::{Node, Place};
use crate::config::variable::set_in;
use crate::config::{Mistake, yaml};
use crate::pace::backoff::Backoff;
use crate::source::{Location, fetch};
use crate::transport::Transport;

/// Names the configuration: a file, `http(s)://` or `s3://`.
pub const FILE_VARIABLE: &str = "MACKEREL_AGENT_CONFIG";

/// Says how often it is looked at again, in minutes.
pub const POLLING_VARIABLE: &str = "MACKEREL_AGENT_CONFIG_POLLING_DURATION_MINUTES";

/// The waits at the start while a server does not give the configuration: about a minute in all, as
/// the network and the role of a task that is starting may take.
const STARTING: Backoff = Backoff {
    first: Duration::from_secs(4),
    most: Duration::from_secs(15),
    attempts: 8,
};

/// The least of them.
const LEAST_WAIT: Duration = Duration::from_secs(2);

/// Where a setting comes from.
#[derive(Debug, Clone)]
pub struct Loader {
    environment: Arc<[(String, String)]>,
    transport: Transport,
    location: Option<Location>,
    polling: Option<Duration>,
}

impl Loader {
    /// Reads from the environment where the configuration is.
    pub fn new(
        environment: &[(String, String)],
        transport: Transport,
    ) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut wrong = |name, why: String| {
            mistakes.push(Mistake::at(Some(&Place::Variable(name)), why));
        };
        let location = set_in(environment, FILE_VARIABLE).map(Location::parse);
        let location = location.transpose().unwrap_or_else(|why| {
            wrong(FILE_VARIABLE, why);
            None
        });
        let polling = set_in(environment, POLLING_VARIABLE).and_then(|text| {
            match text.trim().parse::<i32>() {
                Ok(minutes) => u64::try_from(minutes).ok().filter(|minutes| *minutes > 0),
                Err(_) => {
                    let why = format!("is `{text}`, but must be a whole number of minutes");
                    wrong(POLLING_VARIABLE, why);
                    None
                }
            }
        });
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Loader {
            environment: environment.into(),
            transport,
            location,
            polling: polling.map(|minutes| Duration::from_secs(60 * minutes)),
        })
    }

    /// Loads the setting as it is now.
    pub async fn load(&self) -> Result<Loaded, Vec<Mistake>> {
        let text = self.text().await.map_err(|mistake| vec![mistake])?;
        self.judged(text.as_deref())
    }

    /// What is written where the configuration is; none where no place is named.
    async fn text(&self) -> Result<Option<String>, Mistake> {
        let Some(location) = &self.location else {
            return Ok(None);
        };
        let text = fetch(location, &self.transport, &self.environment).await;
        let wrong = |why| Mistake::at(Some(&Place::Variable(FILE_VARIABLE)), why);
        text.map(Some).map_err(wrong)
    }

    fn judged(&self, text: Option<&str>) -> Result<Loaded, Vec<Mistake>> {
        let root = match self.location.as_ref().zip(text) {
            None => Node::empty(&Arc::from("")),
            Some((location, text)) => {
                yaml::parse(&location.name(), text).map_err(|mistake| vec![mistake])?
            }
        };
        read(root, &self.environment)
    }

    /// Loads the setting at the start and says what is worth telling of it. A server that does not
    /// give it is asked again for a while; what is wrong in it is told at once.
    pub async fn start(&self) -> Result<Setting, Vec<Mistake>> {
        let mut failed = 0;
        let text = loop {
            let mistake = match self.text().await {
                Ok(text) => break text,
                Err(mistake) => mistake,
            };
            failed += 1;
            let wait = STARTING.wait(failed, Some(LEAST_WAIT), fastrand::f64());
            let is_far = self.location.as_ref().is_some_and(|place| !place.is_file());
            let Some(wait) = wait.filter(|_| is_far) else {
                return Err(vec![mistake]);
            };
            if failed == 1 {
                tracing::warn!("trying again for a while: {mistake}");
            }
            sleep(wait).await;
        };
        let loaded = self.judged(text.as_deref())?;
        if set_in(&self.environment, PLATFORM_VARIABLE).is_none() {
            tracing::info!("{PLATFORM_VARIABLE} is not set; it is taken as `ecs`");
        }
        tell(&loaded);
        Ok(loaded.setting)
    }

    /// Goes on looking for changes of what was loaded, as often as the environment says and at each
    /// SIGHUP, for as long as the receiver lives. What it receives always differs from what was
    /// there before; where loading fails, that stays.
    pub fn watch(self, setting: Setting) -> std::io::Result<watch::Receiver<Arc<Setting>>> {
        let mut hangup = signal(SignalKind::hangup())?;
        let (sender, receiver) = watch::channel(Arc::new(setting));
        tokio::spawn(async move {
            let mut trouble = None;
            loop {
                let due = self.polling.map(|period| Instant::now() + period);
                tokio::select! {
                    () = wait_until(due) => {}
                    _ = hangup.recv() => tracing::info!("SIGHUP: loading the configuration again"),
                    () = sender.closed() => return,
                }
                self.look_again(&sender, &mut trouble).await;
            }
        });
        Ok(receiver)
    }

    /// Loads again. A failure is told once for as long as it stays the same.
    async fn look_again(
        &self,
        sender: &watch::Sender<Arc<Setting>>,
        trouble: &mut Option<Vec<Mistake>>,
    ) {
        match self.load().await {
            Err(mistakes) if trouble.as_ref() == Some(&mistakes) => {}
            Err(mistakes) => {
                for mistake in &mistakes {
                    tracing::warn!("the configuration stays as it was: {mistake}");
                }
                *trouble = Some(mistakes);
            }
            Ok(loaded) => {
                if trouble.take().is_some() {
                    tracing::info!("the configuration can be loaded again");
                }
                if loaded.setting != **sender.borrow() {
                    tracing::info!("the configuration has changed");
                    tell(&loaded);
                    sender.send_replace(Arc::new(loaded.setting));
                }
            }
        }
    }
}

fn tell(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
