//! A bucket of requests that refills at a rate: the client side of AWS's token buckets, on
//! tokio's clock so that tests can pause it.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// A token bucket as AWS documents them for one group of APIs.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// How many requests may come at once.
    pub burst: u32,
    /// How many come back each second.
    pub per_second: f64,
}

impl Rate {
    /// How many tokens of a share of it come back in a time; none without a limit.
    pub fn within(self, share: Option<f64>, time: Duration) -> Option<usize> {
        Some((self.per_second * share? * time.as_secs_f64()) as usize)
    }

    /// How long it takes to spend so many tokens of a share of it, from a full bucket on.
    pub fn time_for(self, tokens: usize, share: Option<f64>) -> Duration {
        let Some(share) = share else {
            return Duration::ZERO;
        };
        let waited_for = tokens.saturating_sub(self.burst_of(share) as usize);
        self.refill(waited_for, Some(share))
    }

    /// How long so many tokens of a share of it take to come back; no time without a limit.
    pub fn refill(self, tokens: usize, share: Option<f64>) -> Duration {
        let seconds = |share: f64| tokens as f64 / (self.per_second * share).max(0.001);
        share.map_or(Duration::ZERO, |share| {
            Duration::from_secs_f64(seconds(share))
        })
    }

    fn burst_of(self, share: f64) -> u32 {
        (f64::from(self.burst) * share).max(1.0) as u32
    }
}

/// A bucket; those who ask wait until it has a token.
#[derive(Debug)]
pub struct Bucket {
    /// None for no limit.
    limiter: Option<Limiter>,
    rate: Rate,
    share: Option<f64>,
    /// Until when the bucket gives only every second token.
    slowed_until: Mutex<Option<Instant>>,
}

/// How long a bucket is slowed down after the other side has throttled a request.
const SLOWED_FOR: Duration = Duration::from_secs(60);

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

impl Bucket {
    /// A bucket with a share, above 0 and up to 1, of a documented rate, or without limit.
    pub fn new(rate: Rate, share: Option<f64>) -> Self {
        let limiter = share.and_then(|share| {
            let period = Duration::from_secs_f64(1.0 / (rate.per_second * share).max(0.001));
            let quota =
                Quota::with_period(period)?.allow_burst(NonZeroU32::new(rate.burst_of(share))?);
            Some(RateLimiter::direct_with_clock(quota, TokioClock::new()))
        });
        Bucket {
            limiter,
            rate,
            share,
            slowed_until: Mutex::new(None),
        }
    }

    /// Slows the bucket down to half its rate for a minute: somebody else is using up the rate that
    /// all share, and the other side has said so.
    pub fn slow_down(&self) {
        let until = Instant::now() + SLOWED_FOR;
        *self.slowed_until() = Some(until);
    }

    fn slowed_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.slowed_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How many tokens come back in a time; none without a limit.
    pub fn within(&self, time: Duration) -> Option<usize> {
        self.rate.within(self.share, time)
    }

    /// The share of its rate that it gives; none without a limit.
    pub fn share(&self) -> Option<f64> {
        self.share
    }

    /// Waits for a token and takes it.
    pub async fn take(&self) {
        self.take_many(1).await;
    }

    /// Waits for a token and takes it, but no longer than until then; gives whether it was taken.
    pub async fn take_until(&self, until: Option<Instant>) -> bool {
        let Some(until) = until else {
            self.take().await;
            return true;
        };
        Instant::now() < until && tokio::time::timeout_at(until, self.take()).await.is_ok()
    }

    /// Waits for so many tokens and takes them; as many as the bucket holds where that are fewer.
    pub async fn take_many(&self, tokens: usize) {
        let (Some(limiter), Some(share)) = (&self.limiter, self.share) else {
            return;
        };
        let most = self.rate.burst_of(share);
        let tokens = u32::try_from(tokens).unwrap_or(most).min(most);
        let Some(tokens) = NonZeroU32::new(tokens) else {
            return;
        };
        let slowed = self
            .slowed_until()
            .is_some_and(|until| Instant::now() < until);
        for _ in 0..if slowed { 2 } else { 1 } {
            while let Ok(Err(not_yet)) = limiter.check_n(tokens) {
                tokio::time::sleep(not_yet.wait_time_from(limiter.clock().now())).await;
            }
        }
    }
}

/// The time since the bucket was made.
#[derive(Debug, Clone)]
struct TokioClock(Instant);

impl TokioClock {
    fn new() -> Self {
        TokioClock(Instant::now())
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
        let start = Instant::now();
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
        let told = bucket.rate.time_for(70, Some(0.5));
        assert_eq!(told, Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn takes_many_and_never_waits_for_more_than_it_holds() {
        let rate = Rate {
            burst: 100,
            per_second: 100.0,
        };
        let start = Instant::now();
        let bucket = Bucket::new(rate, Some(1.0));
        bucket.take_many(60).await;
        assert_eq!(start.elapsed().as_millis(), 0);
        bucket.take_many(60).await;
        let passed = start.elapsed().as_secs_f64();
        assert!((0.19..0.22).contains(&passed), "{passed}");
        bucket.take_many(1000).await;
        let passed = start.elapsed().as_secs_f64();
        assert!((1.19..1.22).contains(&passed), "{passed}");
        assert_eq!(rate.refill(250, Some(1.0)).as_millis(), 2500);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_no_longer_than_it_may() {
        let rate = Rate {
            burst: 1,
            per_second: 1.0,
        };
        let start = Instant::now();
        let after = |millis| Some(start + Duration::from_millis(millis));
        let bucket = Bucket::new(rate, Some(1.0));
        assert!(bucket.take_until(after(1)).await);
        assert!(!bucket.take_until(after(500)).await);
        assert_eq!(start.elapsed().as_millis() / 10, 50);
        assert!(bucket.take_until(after(1500)).await);
        assert!(!bucket.take_until(after(1)).await);
        assert!(bucket.take_until(None).await);
    }

    #[tokio::test(start_paused = true)]
    async fn is_slowed_down_for_a_minute_and_recovers() {
        let rate = Rate {
            burst: 1,
            per_second: 10.0,
        };
        let bucket = Bucket::new(rate, Some(1.0));
        let spend = async |tokens: u32| {
            let start = Instant::now();
            for _ in 0..tokens {
                bucket.take().await;
            }
            start.elapsed().as_secs_f64()
        };
        spend(1).await;
        bucket.slow_down();
        let slowed = spend(100).await;
        assert!((19.9..20.2).contains(&slowed), "{slowed}");
        tokio::time::sleep(SLOWED_FOR).await;
        let recovered = spend(100).await;
        assert!((9.8..10.1).contains(&recovered), "{recovered}");
    }
}
