//! Waiting times between attempts: exponential with full jitter, as pure functions.

use std::time::Duration;

/// A schedule of attempts.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The upper bound of the first wait.
    pub first: Duration,
    /// The upper bound of any wait.
    pub most: Duration,
    /// How many attempts are made in all.
    pub attempts: u32,
}

impl Backoff {
    /// The wait after this many failed attempts, or none when no attempt is left. `chance` is in
    /// 0..1: full jitter takes any wait up to the bound, so that pollers which failed together
    /// don't come back together. The other side's own wish, `Retry-After`, is obeyed beneath.
    pub fn wait(
        &self,
        failed: u32,
        retry_after: Option<Duration>,
        chance: f64,
    ) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let doublings = failed.saturating_sub(1).min(16);
        let bound = self.first.saturating_mul(1 << doublings).min(self.most);
        let jittered = bound.mul_f64(chance.clamp(0.0, 1.0));
        Some(jittered.max(retry_after.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Backoff = Backoff {
        first: Duration::from_secs(1),
        most: Duration::from_secs(5),
        attempts: 5,
    };

    #[test]
    fn doubles_up_to_the_bound_and_ends() {
        let waits: Vec<_> = (1..=5).map(|n| SCHEDULE.wait(n, None, 1.0)).collect();
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(
            waits,
            [seconds(1), seconds(2), seconds(4), seconds(5), None]
        );
    }

    #[test]
    fn jitter_is_full() {
        assert_eq!(SCHEDULE.wait(3, None, 0.0), Some(Duration::ZERO));
        assert_eq!(
            SCHEDULE.wait(3, None, 0.25),
            Some(Duration::from_millis(1000))
        );
    }

    #[test]
    fn retry_after_is_a_floor() {
        let wish = Some(Duration::from_secs(30));
        assert_eq!(SCHEDULE.wait(1, wish, 0.5), wish);
    }
}
