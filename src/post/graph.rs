//! Keeps the graph definitions alive: Mackerel drops a definition with wildcards some hours after
//! its last matching point, so that they are posted again now and then.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::retry::retrying;
use crate::mackerel::client::Client;
use crate::mackerel::error::Error;
use crate::mackerel::payload::GraphDef;
use crate::model::hash::stable_hash;

/// How long a definition is trusted to live: half of what was seen of Mackerel (6 to 8 hours).
const TRUSTED: TimeDelta = TimeDelta::hours(3);

/// A text that differs where the definitions differ.
pub fn edition(graphs: &[GraphDef]) -> String {
    let json = serde_json::json!(graphs).to_string();
    format!("{:016x}", stable_hash(&json))
}

/// Whether definitions that were posted then have to be posted again.
pub fn is_due(posted: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    posted.is_none_or(|then| now - then >= TRUSTED || then > now)
}

/// Posts all definitions.
pub async fn post(client: &Client, graphs: &[GraphDef], deadline: Instant) -> Result<(), Error> {
    retrying(deadline, async || client.post_graph_defs(graphs).await).await
}
