//! The calls about monitors. Those of host metrics, service metrics and connectivity are judged; external,
//! expression, query and anomaly detection monitors are checked and kept, and never open an alert.

use serde_json::{Map, Value, json};

use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::Fields;
use crate::demo::mackerel::monitor::{Known, read};
use crate::demo::mackerel::store::alert::Trigger;
use crate::demo::mackerel::store::monitor::{self, StoredMonitor};
use crate::demo::mackerel::store::{id, role};
use crate::demo::mackerel::watch;

/// `GET /monitors`: by type and name.
pub fn list(_: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let monitors: Vec<Value> = monitor::all(context.sql)?.iter().map(to_json).collect();
    Ok(Answer::json(&json!({ "monitors": monitors })))
}

/// `POST /monitors`: adds a monitor and returns it.
pub fn create(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let monitor = StoredMonitor {
        body: validated(call, context, None)?,
        id: id::next(context.sql)?,
        revision: 0,
    };
    monitor::put(context.sql, &monitor)?;
    Ok(Answer::json(&to_json(&monitor)))
}

/// `GET /monitors/<id>`.
pub fn get(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let found = find(call, context)?;
    Ok(Answer::json(&json!({ "monitor": to_json(&found) })))
}

/// `PUT /monitors/<id>`: replaces every field. Alerts that are open stay as they are
/// until the next value is judged.
pub fn update(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let mut found = find(call, context)?;
    found.body = validated(call, context, Some(&found.body))?;
    found.revision += 1;
    monitor::put(context.sql, &found)?;
    Ok(Answer::json(&to_json(&found)))
}

/// `DELETE /monitors/<id>`: deletes it, closes its alerts, and returns it as it was.
pub fn delete(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let found = find(call, context)?;
    watch::delete_monitor(context.sql, &found.id, Trigger::MonitorDelete, context.now)?;
    Ok(Answer::json(&to_json(&found)))
}

fn find(call: &Call, context: &Context<'_>) -> Result<StoredMonitor, Refusal> {
    monitor::by_id(context.sql, call.param("id"))?
        .ok_or_else(|| Refusal::not_found("monitor not found"))
}

fn validated(
    call: &Call,
    context: &Context<'_>,
    before: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, Refusal> {
    let body = call.json()?;
    let services = role::services(context.sql)?;
    let known = Known {
        services: &services,
        now: context.now,
    };
    read(&Fields::of_body(&body)?, known, before)
}

fn to_json(monitor: &StoredMonitor) -> Value {
    let mut object = monitor.body.clone();
    object.insert("id".to_owned(), json!(monitor.id));
    Value::Object(object)
}
