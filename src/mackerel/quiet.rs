//! Which calls Mackerel has asked to leave alone for a while (`Retry-After`): remembered, so that no
//! later poll comes too early either.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::DateTime;
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use tokio::time::Instant;

/// The longest that Mackerel is taken at its word.
const MOST: Duration = Duration::from_secs(3600);

/// Until when each call is left alone; copies share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Quiet(Arc<Mutex<HashMap<String, Instant>>>);

impl Quiet {
    /// Leaves a call alone for a time.
    pub(super) fn keep(&self, call: &str, wait: Duration) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = calls.entry(call.to_owned()).or_insert_with(Instant::now);
        // Of calls that were under way at once, the longest wait holds.
        *until = (*until).max(Instant::now() + wait);
    }

    /// How long a call is to be left alone yet.
    pub(super) fn left(&self, call: &str) -> Option<Duration> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = calls.get(call)?.duration_since(Instant::now());
        if left.is_zero() {
            calls.remove(call);
            return None;
        }
        Some(left)
    }
}

/// How long an answer asks to wait: so many seconds, or until a date, which is compared with the
/// answer's own.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    let wait = match asked.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = |text| DateTime::parse_from_rfc2822(text).ok();
            let wait = date(asked)? - date(text(DATE)?)?;
            wait.to_std().unwrap_or_default()
        }
    };
    Some(wait.min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_or_a_date() {
        let check = |after: &str, date: Option<&str>, expected: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, after.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            assert_eq!(
                retry_after(&headers),
                expected.map(Duration::from_secs),
                "{after}"
            );
        };
        check("30", None, Some(30));
        check(" 30 ", None, Some(30));
        check("99999", None, Some(3600));
        check("-1", None, None);
        let now = Some("Fri, 27 Nov 2026 12:00:00 GMT");
        check("Fri, 27 Nov 2026 12:02:00 GMT", now, Some(120));
        check("Fri, 27 Nov 2026 11:00:00 GMT", now, Some(0));
        check("Fri, 27 Nov 2026 12:02:00 GMT", None, None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_left_alone_until_then_and_others_are_not() {
        let quiet = Quiet::default();
        quiet.keep("POST /tsdb", Duration::from_secs(90));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(quiet.left("POST /tsdb"), Some(Duration::from_secs(30)));
        assert_eq!(quiet.left("GET /hosts"), None);
        quiet.keep("POST /tsdb", Duration::from_secs(10));
        assert_eq!(quiet.left("POST /tsdb"), Some(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(quiet.left("POST /tsdb"), None);
    }
}
