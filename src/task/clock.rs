//! The time of day and the waiting that goes with it. Both can be made to run faster than real, so
//! that the benchmark can let the program live through a day in a minute.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::meter::Moment;

/// A clock; copies tell the same time.
#[derive(Clone)]
pub struct Clock {
    time: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    started: Instant,
    speed: u32,
}

impl Clock {
    /// A clock that tells this time, which runs so many times faster than tokio's.
    pub fn new(time: impl Fn() -> DateTime<Utc> + Send + Sync + 'static, speed: u32) -> Self {
        Clock {
            time: Arc::new(time),
            started: Instant::now(),
            speed: speed.max(1),
        }
    }

    /// Now.
    pub fn now(&self) -> Moment {
        Moment {
            time: (self.time)(),
            elapsed: self.started.elapsed() * self.speed,
        }
    }

    /// Waits so long.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / self.speed).await;
    }

    /// Waits until this time of day.
    pub async fn sleep_until(&self, time: DateTime<Utc>) {
        let wait = (time - (self.time)()).to_std().unwrap_or_default();
        self.sleep(wait).await;
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("speed", &self.speed).finish()
    }
}
