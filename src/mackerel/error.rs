//! An error of Mackerel as a decision for the caller and a sentence for a person.

use std::fmt;
use std::time::Duration;

/// What went wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What the caller should do about it.
    pub kind: Kind,
    /// What happened and what mends it.
    pub message: String,
}

/// What the caller should do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The key is wrong or may not do this, or what answers is not Mackerel: nothing will work until
    /// a person mends it.
    Setup,
    /// What was named does not exist (any more).
    NotFound,
    /// The request as it is will never be accepted.
    Rejected,
    /// It may work later: a network error, a 5xx, or too many requests.
    Passing {
        /// How long Mackerel asks to wait.
        retry_after: Option<Duration>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl Error {
    /// Translates an answer that is no success.
    pub(super) fn from_answer(
        call: &str,
        status: u16,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Self {
        let said = match said(body) {
            text if text.is_empty() => String::new(),
            text => format!(": {text}"),
        };
        let (kind, message) = match status {
            401 => (
                Kind::Setup,
                format!(
                    "Mackerel does not accept the API key ({call}, HTTP 401); check MACKEREL_APIKEY{said}"
                ),
            ),
            403 => (
                Kind::Setup,
                format!(
                    "Mackerel forbids {call} (HTTP 403); the API key needs read and write \
                     permission, from this network, within the plan{said}"
                ),
            ),
            404 => (
                Kind::NotFound,
                format!("{call} found nothing (HTTP 404){said}"),
            ),
            408 | 429 | 500..=599 => (
                Kind::Passing { retry_after },
                format!("{call} failed on Mackerel's side for now (HTTP {status}){said}"),
            ),
            300..=399 => (
                Kind::Setup,
                format!("{call} was sent elsewhere (HTTP {status}); check MACKEREL_APIBASE"),
            ),
            // Those are about what was sent.
            400 | 409 | 413 | 422 => (
                Kind::Rejected,
                format!("Mackerel refused {call} (HTTP {status}){said}"),
            ),
            _ => (
                Kind::Setup,
                format!(
                    "{call} was refused (HTTP {status}), as Mackerel does not; check \
                     MACKEREL_APIBASE and the proxy{said}"
                ),
            ),
        };
        Error { kind, message }
    }
}

/// The message in an error's body: `{"error":{"message":…}}`, the older `{"error":…}`, or the raw
/// text, cut to one short line.
fn said(body: &[u8]) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = parsed.as_ref().and_then(|json| {
        let error = json.get("error")?;
        error.get("message").unwrap_or(error).as_str()
    });
    let text = match message {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(body).into_owned(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_error_shapes_and_plain_text() {
        assert_eq!(said(br#"{"error":{"message":"bad"}}"#), "bad");
        assert_eq!(said(br#"{"error":"bad"}"#), "bad");
        assert_eq!(said(b"<html>\n  bad </html>"), "<html> bad </html>");
        assert_eq!(said(b""), "");
        assert_eq!(said("é".repeat(300).as_bytes()).chars().count(), 201);
    }

    #[test]
    fn a_status_is_a_decision() {
        let kind = |status| Error::from_answer("GET /org", status, None, b"").kind;
        assert_eq!(kind(401), Kind::Setup);
        assert_eq!(kind(404), Kind::NotFound);
        assert_eq!(kind(400), Kind::Rejected);
        assert_eq!(kind(302), Kind::Setup);
        assert_eq!(kind(407), Kind::Setup);
        assert_eq!(kind(413), Kind::Rejected);
        assert_eq!(kind(429), Kind::Passing { retry_after: None });
        assert_eq!(kind(503), Kind::Passing { retry_after: None });
    }
}
