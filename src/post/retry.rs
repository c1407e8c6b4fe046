//! Tries a call to Mackerel again where that may help.

use std::time::Duration;

use tokio::time::Instant;

use crate::mackerel::error::{Error, Kind};
use crate::pace::backoff::Backoff;

/// Five attempts, the waits at the most 1, 2, 4 and 8 seconds: together below the interval.
const SCHEDULE: Backoff = Backoff {
    first: Duration::from_secs(1),
    most: Duration::from_secs(8),
    attempts: 5,
};

/// Makes a call until it succeeds, is refused for good, or no attempt or time is left. No call
/// begins or goes on past the deadline.
pub async fn retrying<T>(
    deadline: Instant,
    mut call: impl AsyncFnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut failed = 0;
    loop {
        if Instant::now() >= deadline {
            return Err(late());
        }
        let error = match tokio::time::timeout_at(deadline, call()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(_) => return Err(late()),
        };
        let Kind::Passing { retry_after } = error.kind else {
            return Err(error);
        };
        failed += 1;
        let Some(wait) = SCHEDULE.wait(failed, retry_after, fastrand::f64()) else {
            return Err(error);
        };
        if Instant::now() + wait >= deadline {
            return Err(error);
        }
        tracing::debug!(error = %error, wait_ms = wait.as_millis() as u64, "trying again");
        tokio::time::sleep(wait).await;
    }
}

fn late() -> Error {
    Error {
        kind: Kind::Passing { retry_after: None },
        message: "Mackerel did not answer in time".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_call_begins_when_the_time_is_over() {
        let mut calls = 0;
        let mut call = async || {
            calls += 1;
            Ok(())
        };
        let now = Instant::now();
        assert!(retrying(now, &mut call).await.is_err());
        assert!(
            retrying(now + Duration::from_secs(1), &mut call)
                .await
                .is_ok()
        );
        assert_eq!(calls, 1);
    }
}
