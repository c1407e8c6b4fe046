//! What the server remembers of the requests it received, for tests that count calls:
//! a count per call, and the newest requests with their bodies where these are small.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

/// How many requests are kept; older ones remain in the counts.
pub const KEPT_REQUESTS: usize = 2_000;

/// Bodies up to this many bytes are kept as JSON.
pub const KEPT_BODY_BYTES: usize = 64 * 1024;

/// The requests since the server was opened or the log was reset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Requests {
    /// How often each call came, by method and path template: `POST /api/v0/hosts/{id}/status`.
    /// A path that is no call counts under itself.
    pub counts: BTreeMap<String, u64>,
    /// The newest requests, the oldest of them first.
    pub records: VecDeque<RequestRecord>,
}

/// One request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord {
    /// The HTTP method.
    pub method: String,
    /// The path of the call with its parameters in braces, such as `/api/v0/hosts/{id}`.
    pub template: String,
    /// The path as it came, still percent-encoded.
    pub path: String,
    /// The query as it came, without the question mark; empty where there is none.
    pub query: String,
    /// The status of the answer; absent where none was sent.
    pub status: Option<u16>,
    /// The size of the body in bytes.
    pub body_bytes: usize,
    /// The body, where it is JSON and small.
    pub json: Option<Value>,
}

impl Requests {
    /// How often a call came, such as `POST /api/v0/tsdb`.
    pub fn count(&self, call: &str) -> u64 {
        self.counts.get(call).copied().unwrap_or(0)
    }

    /// Counts a call.
    pub fn count_one(&mut self, method: &str, template: &str) {
        let call = format!("{method} {template}");
        *self.counts.entry(call).or_insert(0) += 1;
    }

    /// Counts a request, keeps it, and forgets the oldest beyond the bound.
    pub fn add(&mut self, record: RequestRecord) {
        self.count_one(&record.method, &record.template);
        if self.records.len() == KEPT_REQUESTS {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_records_are_forgotten_and_stay_counted() {
        let mut requests = Requests::default();
        for number in 0..KEPT_REQUESTS + 1 {
            requests.add(RequestRecord {
                method: "POST".to_owned(),
                template: "/api/v0/tsdb".to_owned(),
                path: "/api/v0/tsdb".to_owned(),
                query: String::new(),
                status: Some(200),
                body_bytes: number,
                json: None,
            });
        }
        assert_eq!(
            requests.count("POST /api/v0/tsdb"),
            KEPT_REQUESTS as u64 + 1
        );
        assert_eq!(
            (requests.records.len(), requests.records[0].body_bytes),
            (KEPT_REQUESTS, 1)
        );
    }
}
