//! How the loop is: each finished poll is a beat, and a loop whose last beat is too long ago is
//! stuck. What polls did is summed up in a [`tally`], which `/metrics` tells in the form of
//! [`exposition`]; [`listen`] answers whoever asks at the configured address.

pub mod exposition;
pub mod listen;
pub mod tally;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::reload::Outcome;
use crate::report::Report;
use tally::Tally;

/// The beats of a loop and what it did, shared with those who ask.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    last: Instant,
    bound: Duration,
    tally: Tally,
}

impl Pulse {
    /// A loop that polls at this interval and has just begun, which counts as a beat.
    pub fn new(interval: Duration) -> Self {
        Pulse(Arc::new(Mutex::new(State {
            last: Instant::now(),
            bound: bound(interval),
            tally: Tally::default(),
        })))
    }

    /// A poll was finished, however it went: what ails AWS or Mackerel is mended by no restart.
    pub fn beat(&self, report: &Report, took: Duration) {
        let mut state = self.state();
        state.last = Instant::now();
        state.tally.add(report, took);
    }

    /// Polls come at another interval from now on.
    pub fn set_interval(&self, interval: Duration) {
        self.state().bound = bound(interval);
    }

    /// The configuration's source was looked at for changes.
    pub fn looked(&self, outcome: Outcome) {
        self.state().tally.looked(outcome);
    }

    /// The time since the last beat, and after how long the loop is stuck.
    pub fn silence(&self) -> (Duration, Duration) {
        let state = self.state();
        (state.last.elapsed(), state.bound)
    }

    /// What the loop did so far.
    pub fn tally(&self) -> Tally {
        self.state().tally.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A loop is stuck when two polls in a row have not been finished, and two minutes more have passed.
fn bound(interval: Duration) -> Duration {
    interval * 2 + Duration::from_secs(120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_without_beats_is_stuck_until_the_next_one() {
        let pulse = Pulse::new(Duration::from_secs(60));
        let is_stuck = || {
            let (silent, bound) = pulse.silence();
            silent > bound
        };
        tokio::time::advance(Duration::from_secs(240)).await;
        assert!(!is_stuck());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(is_stuck());
        pulse.beat(&Report::default(), Duration::ZERO);
        assert!(!is_stuck());
    }
}
