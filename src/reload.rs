//! Looks again at where settings come from, at each SIGHUP and every so often, and hands on what has
//! changed. What can't be used is told once, and what was there before stays.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::config::Mistake;

/// How long what was found changed must stay so: a file may be in the middle of being written.
const SETTLED: Duration = Duration::from_secs(1);

/// Where settings come from.
pub trait Source: Send + Sync + 'static {
    /// What is loaded.
    type Setting: PartialEq + Send + Sync + 'static;

    /// Loads it as it is now, with what is worth telling of it.
    fn load(
        &self,
    ) -> impl Future<Output = Result<(Self::Setting, Vec<Mistake>), Vec<Mistake>>> + Send;

    /// How long to wait until the next look; none to look at a SIGHUP only.
    fn period(&self, now: &Self::Setting) -> Option<Duration>;

    /// Is told how each look ended.
    fn looked(&self, _: Outcome) {}
}

/// How a look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Another setting is there, and was handed on.
    Changed,
    /// It is as it was.
    Same,
    /// What is there can't be used.
    Refused,
}

/// Goes on looking for changes of what was loaded, for as long as the receiver lives. What it
/// receives always differs from what was there before.
pub fn watch<S: Source>(
    source: S,
    first: S::Setting,
) -> std::io::Result<watch::Receiver<Arc<S::Setting>>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let (sender, receiver) = watch::channel(Arc::new(first));
    tokio::spawn(async move {
        let mut trouble = None;
        loop {
            let period = source.period(&sender.borrow());
            let at_once = tokio::select! {
                () = wait(period) => false,
                _ = hangup.recv() => {
                    tracing::info!("SIGHUP: loading the configuration again");
                    true
                }
                () = sender.closed() => return,
            };
            let outcome = look(&source, &sender, &mut trouble, at_once).await;
            if at_once && outcome == Outcome::Same {
                tracing::info!("the configuration has not changed");
            }
            source.looked(outcome);
        }
    });
    Ok(receiver)
}

/// Loads once more. A failure is told once for as long as it stays the same.
async fn look<S: Source>(
    source: &S,
    sender: &watch::Sender<Arc<S::Setting>>,
    trouble: &mut Option<Vec<Mistake>>,
    at_once: bool,
) -> Outcome {
    let mut loaded = source.load().await;
    let is_new = |setting: &S::Setting| **sender.borrow() != *setting;
    if !at_once && loaded.as_ref().is_ok_and(|(setting, _)| is_new(setting)) {
        sleep(SETTLED).await;
        loaded = source.load().await;
    }
    let (setting, warnings) = match loaded {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            // Who asks for it is told again.
            if at_once || trouble.as_ref() != Some(&mistakes) {
                for mistake in &mistakes {
                    tracing::warn!("the configuration stays as it was: {mistake}");
                }
            }
            *trouble = Some(mistakes);
            return Outcome::Refused;
        }
    };
    if trouble.take().is_some() {
        tracing::info!("the configuration can be loaded again");
    }
    if !is_new(&setting) {
        return Outcome::Same;
    }
    tracing::info!("the configuration has changed");
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    sender.send_replace(Arc::new(setting));
    Outcome::Changed
}

async fn wait(period: Option<Duration>) {
    match period {
        Some(period) => sleep(period).await,
        None => std::future::pending().await,
    }
}
