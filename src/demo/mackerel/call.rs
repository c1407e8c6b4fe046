//! A call is a request whose path was recognised: its parameters, query and body as the API's functions
//! read them, the context they work in, and the answer they give.

use axum::body::Bytes;
use rusqlite::Connection;
use serde::Serialize;
use serde_json::{Value, json};

use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::option::Options;
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::series::{Journal, PostedPoint};

/// A function of the API: everything it changes is undone if it refuses.
pub type Function = fn(&Call, &mut Context<'_>) -> Result<Answer, Refusal>;

/// A test for points that a post must not hold.
pub type PointTest = dyn Fn(&PostedPoint<'_>) -> bool + Send + Sync;

/// What a recognised request says.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The parameters of the path, percent-decoded.
    pub params: Vec<(String, String)>,
    /// The query, percent-decoded; names repeat.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// A parameter of the path; empty for a name that the path does not have.
    pub fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// Each value of a query parameter.
    pub fn query_all(&self, name: &str) -> Vec<&str> {
        self.query
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The first value of a query parameter.
    pub fn query_first(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The parameter `nextId` of a list that comes in pages. An empty one asks for the first page, as `mkr` does.
    pub fn next_id(&self) -> Option<&str> {
        self.query_first("nextId").filter(|id| !id.is_empty())
    }

    /// The parameter `limit` of a list that comes in pages: 100 unless given. That 0 and what is no number
    /// are refused as well is an assumption.
    ///
    /// # Errors
    ///
    /// 400 where it is more than 100.
    pub fn limit(&self) -> Result<usize, Refusal> {
        let Some(text) = self.query_first("limit") else {
            return Ok(rule::PAGE_MAX);
        };
        text.parse()
            .ok()
            .filter(|limit| (1..=rule::PAGE_MAX).contains(limit))
            .ok_or_else(|| Refusal::bad_request("`limit` must be from 1 to 100"))
    }

    /// A required parameter of the query that is epoch seconds.
    ///
    /// # Errors
    ///
    /// 400 where it is missing or no whole number.
    pub fn time(&self, name: &str) -> Result<i64, Refusal> {
        self.query_first(name)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| {
                Refusal::bad_request(format!("`{name}` is required and must be epoch seconds"))
            })
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// 400 where it is none; NaN, infinities and numbers beyond a double are none.
    pub fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Refusal::bad_request(format!("the body is not JSON: {error}")))
    }
}

/// What a function of the API works with.
pub struct Context<'a> {
    /// The store, inside the transaction of this call.
    pub sql: &'a Connection,
    /// The switches of this server.
    pub options: &'a Options,
    /// The journal of posted points, where it is on.
    pub journal: Option<&'a mut Journal>,
    /// The points that are refused now, if any.
    pub refused_points: Option<&'a PointTest>,
    /// The present moment in epoch seconds.
    pub now: i64,
}

/// A successful answer, always 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The `Content-Type` header.
    pub content_type: &'static str,
    /// The `Last-Modified` header, in epoch seconds.
    pub last_modified: Option<i64>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A JSON value.
    pub fn json(value: &Value) -> Self {
        Self::text("application/json", value.to_string())
    }

    /// What serializes as JSON.
    ///
    /// # Errors
    ///
    /// 500 where it does not.
    pub fn serialized(value: &impl Serialize) -> Result<Self, Refusal> {
        let text = serde_json::to_string(value).map_err(|error| Refusal::failed(&error))?;
        Ok(Self::text("application/json", text))
    }

    /// `{"success":true}`.
    pub fn success() -> Self {
        Self::json(&json!({ "success": true }))
    }

    /// A body as it stands.
    pub fn text(content_type: &'static str, body: String) -> Self {
        Self {
            content_type,
            last_modified: None,
            body,
        }
    }
}
