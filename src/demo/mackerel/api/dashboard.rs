//! The calls about dashboards: they are kept and given back, with their widgets as they were sent.

use serde_json::{Value, json};

use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::Fields;
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::dashboard::{self, StoredDashboard};
use crate::demo::mackerel::store::id;
use crate::demo::mackerel::widget;

/// So many dashboards an organization on the Standard plan can have.
const MOST: usize = 100;

/// `GET /dashboards`.
pub fn list(_: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let list: Vec<Value> = dashboard::all(context.sql)?.iter().map(to_json).collect();
    Ok(Answer::json(&json!({ "dashboards": list })))
}

/// `POST /dashboards`: adds one and returns it.
pub fn create(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let dashboard = StoredDashboard {
        id: id::next(context.sql)?,
        created_at: context.now,
        ..read(call, context)?
    };
    if dashboard::all(context.sql)?.len() >= MOST {
        return Err(Refusal::forbidden_because(
            "there can be at most 100 dashboards",
        ));
    }
    put(&dashboard, context)
}

/// `GET /dashboards/<id>`.
pub fn get(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::json(&to_json(&find(call, context)?)))
}

/// `PUT /dashboards/<id>`: writes it anew and returns it.
pub fn update(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let found = find(call, context)?;
    let dashboard = StoredDashboard {
        id: found.id,
        created_at: found.created_at,
        ..read(call, context)?
    };
    put(&dashboard, context)
}

/// `DELETE /dashboards/<id>`: deletes it and returns it as it was.
pub fn delete(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let found = find(call, context)?;
    dashboard::delete(context.sql, &found.id)?;
    Ok(Answer::json(&to_json(&found)))
}

fn find(call: &Call, context: &Context<'_>) -> Result<StoredDashboard, Refusal> {
    dashboard::by_id(context.sql, call.param("id"))?
        .ok_or_else(|| Refusal::not_found("dashboard not found"))
}

fn put(dashboard: &StoredDashboard, context: &Context<'_>) -> Result<Answer, Refusal> {
    let holder = dashboard::id_at(context.sql, &dashboard.url_path)?;
    if holder.is_some_and(|holder| holder != dashboard.id) {
        return Err(Refusal::conflict(format!(
            "`urlPath` {:?} is already used by a dashboard",
            dashboard.url_path
        )));
    }
    dashboard::put(context.sql, dashboard)?;
    Ok(Answer::json(&to_json(dashboard)))
}

/// What a client sent, without an id. That an omitted memo is empty is an assumption.
fn read(call: &Call, context: &Context<'_>) -> Result<StoredDashboard, Refusal> {
    let body = call.json()?;
    let fields = Fields::of_body(&body)?;
    let url_path = fields.text("urlPath")?;
    if !rule::is_dashboard_path(url_path) {
        return Err(fields.refuse(
            "urlPath",
            "must be segments of a-z, A-Z, 0-9, _ and -, joined by /, none of which begins with -",
        ));
    }
    widget::check(&fields)?;
    Ok(StoredDashboard {
        id: String::new(),
        title: fields.text("title")?.to_owned(),
        memo: fields.optional_text("memo")?.unwrap_or_default().to_owned(),
        url_path: url_path.to_owned(),
        widgets: json!(fields.list("widgets")?),
        created_at: context.now,
        updated_at: context.now,
    })
}

fn to_json(dashboard: &StoredDashboard) -> Value {
    json!({
        "id": dashboard.id,
        "title": dashboard.title,
        "memo": dashboard.memo,
        "urlPath": dashboard.url_path,
        "widgets": dashboard.widgets,
        "createdAt": dashboard.created_at,
        "updatedAt": dashboard.updated_at,
    })
}
