//! Ends a poller in the middle of its work, at a request of the scenario's choice.

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::network::Network;

/// Kills a poller at a request, or tells it to stop.
#[derive(Debug)]
pub(super) struct Crash {
    /// From when on requests are counted, in seconds.
    pub(super) from: i64,
    /// How many more are let through.
    pub(super) requests: u32,
    /// What befalls it then.
    pub(super) blow: Blow,
}

/// What befalls a poller at a request.
#[derive(Debug)]
pub(super) enum Blow {
    /// It is killed.
    Death {
        /// Whether it dies before the other side sees the request.
        before: bool,
        /// The poller's task.
        task: Option<AbortHandle>,
    },
    /// It gets a signal to stop.
    Signal(watch::Sender<u32>),
}

impl Network {
    /// Whether the poller dies at this request, and whether before it is served.
    pub(super) fn crash_now(&self) -> Option<bool> {
        let mut crash = self.crash.lock().unwrap();
        let plan = crash.as_mut()?;
        if self.world.millis() < plan.from * 1000 {
            return None;
        }
        if plan.requests > 0 {
            plan.requests -= 1;
            return None;
        }
        match &plan.blow {
            Blow::Death { before, .. } => Some(*before),
            Blow::Signal(stop) => {
                stop.send_replace(1);
                let now = self.world.millis();
                self.world.ledger().signalled.insert(self.life, now);
                *crash = None;
                None
            }
        }
    }

    pub(super) async fn die(&self) -> ! {
        let plan = self.crash.lock().unwrap().take();
        if let Some(Crash {
            blow: Blow::Death {
                task: Some(task), ..
            },
            ..
        }) = plan
        {
            task.abort();
        }
        std::future::pending().await
    }
}
