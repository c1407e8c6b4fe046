//! The alerts as the page's scripts read them: each with the names of its monitor and of its host or
//! service, the open ones first, of the closed ones the newest.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::page::host::title;
use crate::demo::mackerel::store::alert::{self, StoredAlert, Which};
use crate::demo::mackerel::store::{check, host, monitor};

/// At most this many open alerts, and as many of the newest.
const ALERTS_MAX: usize = 500;

/// The alerts.
pub fn list(_: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let mut alerts = alert::page(context.sql, Which::Open, None, ALERTS_MAX)?;
    let newest = alert::page(context.sql, Which::All, None, ALERTS_MAX)?;
    alerts.extend(newest.into_iter().filter(|alert| alert.closed_at.is_some()));
    let alerts = alerts.iter().map(|alert| described(context.sql, alert));
    Ok(Answer::json(&json!({
        "now": context.now,
        "alerts": alerts.collect::<rusqlite::Result<Vec<Value>>>()?,
    })))
}

fn described(sql: &Connection, alert: &StoredAlert) -> rusqlite::Result<Value> {
    let monitor = monitor::by_id(sql, &alert.monitor)?;
    // A check is its own monitor. One that was deleted is known by its id alone.
    let name = match &monitor {
        Some(monitor) => Some(monitor.text("name").to_owned()),
        None => check::by_id(sql, &alert.monitor)?.map(|check| check.name),
    };
    let host = host::by_id(sql, &alert.target)?;
    Ok(json!({
        "id": alert.id,
        "status": if alert.closed_at.is_some() { "closed" } else { alert.status.as_str() },
        "monitor": name.unwrap_or_else(|| alert.monitor.clone()),
        "type": alert.kind,
        "host": host.map(|host| json!({ "id": host.id, "title": title(&host) })),
        "service": monitor.as_ref().map(|monitor| monitor.text("service")).filter(|name| !name.is_empty()),
        "metric": monitor.as_ref().map(|monitor| monitor.text("metric")).filter(|name| !name.is_empty()),
        "value": alert.value,
        "message": alert.message,
        "reason": alert.reason,
        "openedAt": alert.opened_at,
        "closedAt": alert.closed_at,
    }))
}
