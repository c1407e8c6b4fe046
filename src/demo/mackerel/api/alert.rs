//! The calls about alerts: they are listed, read, given a memo, closed by hand, and their logs are read.
//! Asking for them is also a look at the clock, so that silence shows without waiting for the next minute.

use serde_json::{Map, Value, json};

use crate::demo::mackerel::api::host;
use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::Fields;
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::alert::{self, StoredAlert, StoredLog, Trigger, Which};
use crate::demo::mackerel::store::{check, monitor};
use crate::demo::mackerel::watch;

/// `GET /alerts?withClosed&nextId&limit`: newest first.
pub fn list(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let limit = call.limit()?;
    watch::look(context.sql, context.now)?;
    let which = match call.query_first("withClosed") {
        Some("true") => Which::All,
        _ => Which::Open,
    };
    let before = call.next_id();
    let mut alerts = alert::page(context.sql, which, before, limit + 1)?;
    let more = alerts.len() > limit;
    alerts.truncate(limit);
    let list: Vec<Value> = alerts.iter().map(to_json).collect();
    let mut answer = json!({ "alerts": list });
    if let (true, Some(last)) = (more, alerts.last()) {
        answer["nextId"] = json!(last.id);
    }
    Ok(Answer::json(&answer))
}

/// `GET /alerts/<id>`.
pub fn get(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    watch::look(context.sql, context.now)?;
    Ok(Answer::json(&to_json(&find(call, context)?)))
}

/// `PUT /alerts/<id>`: writes the memo.
pub fn update(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let mut found = find(call, context)?;
    let body = call.json()?;
    let memo = Fields::of_body(&body)?.text("memo")?;
    if memo.len() > rule::ALERT_MEMO_MAX_BYTES {
        return Err(Refusal::too_large("`memo` must be at most 80 KB"));
    }
    found.memo = Some(memo.to_owned());
    alert::put(context.sql, &found)?;
    Ok(Answer::json(&json!({ "id": found.id, "memo": memo })))
}

/// `POST /alerts/<id>/close`: closes it and returns it. That one which is closed already stays as it is
/// is an assumption.
pub fn close(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let mut found = find(call, context)?;
    let body = call.json()?;
    let reason = Fields::of_body(&body)?.text("reason")?;
    if found.closed_at.is_none() {
        found.reason = Some(reason.to_owned());
        found = watch::close(context.sql, found, Trigger::Manual, context.now)?;
    }
    Ok(Answer::json(&to_json(&found)))
}

/// `GET /alerts/<id>/logs?nextId&limit`: newest first.
pub fn logs(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let limit = call.limit()?;
    watch::look(context.sql, context.now)?;
    let found = find(call, context)?;
    let before = call.next_id();
    let mut logs = alert::logs(context.sql, &found.id, before, limit + 1)?;
    let more = logs.len() > limit;
    logs.truncate(limit);
    let mut list = Vec::with_capacity(logs.len());
    for log in &logs {
        list.push(log_json(log, &found, context)?);
    }
    let mut answer = json!({ "logs": list });
    if let (true, Some(last)) = (more, logs.last()) {
        answer["nextId"] = json!(last.id);
    }
    Ok(Answer::json(&answer))
}

/// `GET /hosts/<id>/monitored-statuses`: what the checks and the monitors that have judged the host say of it.
pub fn monitored_statuses(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    watch::look(context.sql, context.now)?;
    let host = host::find(call.param("id"), context)?;
    let mut statuses: Vec<Value> = watch::levels_of_host(context.sql, &host)?
        .into_iter()
        .map(|(monitor, level)| json!({ "monitorId": monitor, "status": level.as_str() }))
        .collect();
    for check in check::of_host(context.sql, &host.id)? {
        let mut detail = json!({ "type": "check", "message": check.message });
        if !check.memo.is_empty() {
            detail["memo"] = json!(check.memo);
        }
        statuses.push(json!({
            "monitorId": check.id,
            "status": check.status.as_str(),
            "detail": detail,
        }));
    }
    Ok(Answer::json(&json!({ "monitoredStatuses": statuses })))
}

fn find(call: &Call, context: &Context<'_>) -> Result<StoredAlert, Refusal> {
    alert::by_id(context.sql, call.param("id"))?
        .ok_or_else(|| Refusal::not_found("alert not found"))
}

fn to_json(alert: &StoredAlert) -> Value {
    let optional = [
        (
            "hostId",
            (!alert.target.is_empty()).then(|| json!(alert.target)),
        ),
        ("value", alert.value.map(|value| json!(value))),
        ("message", alert.message.as_ref().map(|text| json!(text))),
        ("reason", alert.reason.as_ref().map(|text| json!(text))),
        ("memo", alert.memo.as_ref().map(|text| json!(text))),
        ("closedAt", alert.closed_at.map(|time| json!(time))),
    ];
    let mut object = Map::from_iter(
        optional
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?))),
    );
    for (key, value) in [
        ("id", json!(alert.id)),
        ("status", json!(alert.status.as_str())),
        ("monitorId", json!(alert.monitor)),
        ("type", json!(alert.kind)),
        ("openedAt", json!(alert.opened_at)),
    ] {
        object.insert(key.to_owned(), value);
    }
    Value::Object(object)
}

/// The monitor is named only while it is as it was when the entry was written.
fn log_json(log: &StoredLog, alert: &StoredAlert, context: &Context<'_>) -> Result<Value, Refusal> {
    let (id, revision) = &log.monitor;
    let check = match alert.kind.as_str() {
        "check" => check::by_id(context.sql, id)?,
        _ => None,
    };
    let unchanged = check.is_some()
        || monitor::by_id(context.sql, id)?.is_some_and(|monitor| monitor.revision == *revision);
    let detail = (alert.kind == "check").then(|| {
        let memo = check.map(|check| check.memo).unwrap_or_default();
        json!({ "type": "check", "detail": { "message": log.message, "memo": memo } })
    });
    Ok(json!({
        "id": log.id,
        "status": log.status.as_str(),
        "trigger": log.trigger.as_str(),
        "monitorId": unchanged.then_some(id),
        "targetValue": log.value,
        "statusDetail": detail,
        "createdAt": log.created_at,
    }))
}
