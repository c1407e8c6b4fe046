//! The calls about check monitoring: a report changes what is known of a check of a host, and checks
//! are listed. A check that nobody declared is made by its first report.

use serde_json::{Value, json};

use crate::demo::mackerel::api::host;
use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::Fields;
use crate::demo::mackerel::judge::Level;
use crate::demo::mackerel::option::UnknownHosts;
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::check::{self, StoredCheck};
use crate::demo::mackerel::store::host::StoredHost;
use crate::demo::mackerel::store::{alert, id};
use crate::demo::mackerel::watch;

/// At most this many reports are in one post.
const REPORTS_MAX: usize = 100;

/// A report this many seconds old is ignored.
const REPORT_AGE_SECONDS: i64 = 6 * 60 * 60;

/// One result of a check as it was posted.
struct Report<'a> {
    host: &'a str,
    name: &'a str,
    status: Level,
    message: &'a str,
    occurred_at: i64,
    max_check_attempts: i64,
}

/// `POST /monitoring/checks/report`. That a report which is older than the newest of its check changes
/// nothing is documented for one of the same time, and an assumption for the rest.
pub fn report(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let fields = Fields::of_body(&body)?;
    fields.list("reports")?;
    let reports = fields.optional_elements("reports")?;
    if reports.len() > REPORTS_MAX {
        return Err(fields.refuse("reports", "must be at most 100"));
    }
    let reports: Vec<Report<'_>> = reports.iter().map(read).collect::<Result<_, _>>()?;
    for report in &reports {
        let living = host::find_living(report.host, context);
        match (living, context.options.unknown_hosts) {
            (Ok(host), _)
                if context.now.saturating_sub(report.occurred_at) < REPORT_AGE_SECONDS =>
            {
                take(report, &host, context)?;
            }
            (Ok(_), _) | (Err(_), UnknownHosts::Ignore) => {}
            (Err(refusal), UnknownHosts::Refuse) => return Err(refusal),
        }
    }
    Ok(Answer::success())
}

/// `GET /monitoring/checks?nextId&limit`: the checks of all hosts in the order in which they were made.
pub fn list(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let limit = call.limit()?;
    let mut checks = check::page(context.sql, call.next_id(), limit + 1)?;
    let more = checks.len() > limit;
    checks.truncate(limit);
    let list: Vec<Value> = checks.iter().map(to_json).collect();
    let mut answer = json!({ "checks": list });
    if let (true, Some(last)) = (more, checks.last()) {
        answer["nextId"] = json!(last.id);
    }
    Ok(Answer::json(&answer))
}

/// `GET /monitoring/checks/<id>`.
pub fn get(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let found = check::by_id(context.sql, call.param("id"))?
        .ok_or_else(|| Refusal::not_found("check monitor not found"))?;
    Ok(Answer::json(&json!({ "check": to_json(&found) })))
}

/// Makes the checks of a host those that it declares. One that is no longer declared is deleted,
/// unless its alert is open.
pub fn declare(host: &str, declared: &[Value], context: &Context<'_>) -> Result<(), Refusal> {
    let declared: Vec<(&str, &str)> = declared
        .iter()
        .map(|check| (text(check, "name"), text(check, "memo")))
        .collect();
    for known in check::of_host(context.sql, host)? {
        let wanted = declared.iter().any(|(name, _)| *name == known.name);
        if !wanted && alert::open(context.sql, &known.id, host)?.is_none() {
            check::delete(context.sql, &known.id)?;
        }
    }
    for (name, memo) in declared {
        let mut stored = find_or_make(host, name, context)?;
        memo.clone_into(&mut stored.memo);
        check::put(context.sql, &stored)?;
    }
    Ok(())
}

fn text<'a>(check: &'a Value, key: &str) -> &'a str {
    check.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn read<'a>(fields: &Fields<'a>) -> Result<Report<'a>, Refusal> {
    let source = fields.nested("source")?;
    if source.text("type")? != "host" {
        return Err(source.refuse("type", "must be `host`"));
    }
    let status = Level::from_word(fields.text("status")?)
        .ok_or_else(|| fields.refuse("status", "must be one of OK, CRITICAL, WARNING, UNKNOWN"))?;
    let message = fields.text("message")?;
    if message.chars().count() > rule::CHECK_MESSAGE_MAX_CHARS {
        return Err(fields.refuse("message", "must be at most 1024 characters"));
    }
    let max_check_attempts = fields.optional_whole("maxCheckAttempts")?.unwrap_or(1);
    if !(1..=10).contains(&max_check_attempts) {
        return Err(fields.refuse("maxCheckAttempts", "must be from 1 to 10"));
    }
    let interval = fields.optional_whole("notificationInterval")?;
    if interval.is_some_and(|minutes| minutes < 0) {
        return Err(fields.refuse("notificationInterval", "must not be negative"));
    }
    let name = fields.text("name")?;
    if name.is_empty() {
        return Err(fields.refuse("name", "must not be empty"));
    }
    Ok(Report {
        host: source.text("hostId")?,
        name,
        status,
        message,
        occurred_at: fields.time("occurredAt")?,
        max_check_attempts,
    })
}

fn take(report: &Report<'_>, host: &StoredHost, context: &Context<'_>) -> Result<(), Refusal> {
    let mut stored = find_or_make(report.host, report.name, context)?;
    if stored
        .occurred_at
        .is_some_and(|newest| report.occurred_at <= newest)
    {
        return Ok(());
    }
    let gap = report
        .occurred_at
        .saturating_sub(stored.occurred_at.unwrap_or(i64::MIN));
    stored.attempts = match report.status {
        Level::Ok => 0,
        _ if gap < REPORT_AGE_SECONDS => stored.attempts + 1,
        _ => 1,
    };
    stored.status = report.status;
    stored.message = report.message.to_owned();
    stored.occurred_at = Some(report.occurred_at);
    check::put(context.sql, &stored)?;
    if watch::is_watched(host) {
        let most = report.max_check_attempts;
        watch::check_reported(context.sql, &stored, most, context.now)?;
    }
    Ok(())
}

fn find_or_make(host: &str, name: &str, context: &Context<'_>) -> Result<StoredCheck, Refusal> {
    if let Some(found) = check::by_name(context.sql, host, name)? {
        return Ok(found);
    }
    Ok(StoredCheck {
        id: id::next(context.sql)?,
        host: host.to_owned(),
        name: name.to_owned(),
        memo: String::new(),
        status: Level::Ok,
        message: String::new(),
        occurred_at: None,
        attempts: 0,
    })
}

fn to_json(check: &StoredCheck) -> Value {
    json!({ "id": check.id, "name": check.name })
}
