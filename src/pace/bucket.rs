//! A bucket of requests that refills at a rate: the client side of AWS's token buckets, on
//! tokio's clock so that tests can pause it.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// A token bucket as AWS documents them for one group of APIs.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// How many requests may come at once.
    pub burst: u32,
    /// How many come back each second.
    pub per_second: f64,
}

/// A bucket; those who ask wait until it has a token.
#[derive(Debug)]
pub struct Bucket(Option<Limiter>);

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

impl Bucket {
    /// A bucket with a share, above 0 and up to 1, of a documented rate, or without limit.
    pub fn new(rate: Rate, share: Option<f64>) -> Self {
        let limiter = share.and_then(|share| {
            let burst = (f64::from(rate.burst) * share).max(1.0) as u32;
            let period = Duration::from_secs_f64(1.0 / (rate.per_second * share).max(0.001));
            let quota = Quota::with_period(period)?.allow_burst(NonZeroU32::new(burst)?);
            Some(RateLimiter::direct_with_clock(quota, TokioClock::new()))
        });
        Bucket(limiter)
    }

    /// Waits for a token and takes it.
    pub async fn take(&self) {
        let Some(limiter) = &self.0 else {
            return;
        };
        while let Err(not_yet) = limiter.check() {
            tokio::time::sleep(not_yet.wait_time_from(limiter.clock().now())).await;
        }
    }
}

/// The time since the bucket was made.
#[derive(Debug, Clone)]
struct TokioClock(tokio::time::Instant);

impl TokioClock {
    fn new() -> Self {
        TokioClock(tokio::time::Instant::now())
    }
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn spends_the_burst_at_once_and_then_the_rate() {
        let start = tokio::time::Instant::now();
        let bucket = Bucket::new(
            Rate {
                burst: 100,
                per_second: 20.0,
            },
            Some(0.5),
        );
        for _ in 0..50 {
            bucket.take().await;
        }
        assert_eq!(start.elapsed().as_millis(), 0);
        for _ in 0..20 {
            bucket.take().await;
        }
        let passed = start.elapsed().as_secs_f64();
        assert!((1.99..2.1).contains(&passed), "{passed}");
    }
}
