//! The calls about services and their roles, which group hosts. Posting a name that exists already
//! is answered with 400, which is an assumption: only that it fails is documented.

use serde_json::{Value, json};

use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::Fields;
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::role::{self, StoredRole, StoredService};
use crate::demo::mackerel::watch;

/// `GET /services`.
pub fn list(_: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let services: Vec<Value> = role::services(context.sql)?
        .iter()
        .map(service_json)
        .collect();
    Ok(Answer::json(&json!({ "services": services })))
}

/// `POST /services`: adds a service and returns it.
pub fn create(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let (name, memo) = name_and_memo(call)?;
    if role::service(context.sql, &name)?.is_some() {
        return Err(Refusal::bad_request(format!(
            "`name` {name:?} is already used by a service"
        )));
    }
    role::ensure_service(context.sql, &name, &memo)?;
    Ok(Answer::json(&service_json(&StoredService {
        name,
        memo,
        roles: Vec::new(),
    })))
}

/// `DELETE /services/<service>`: deletes it with all that hangs on it and returns it as it was.
pub fn delete(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let service = find(call.param("service"), context)?;
    role::delete_service(context.sql, &service)?;
    watch::group_deleted(context.sql, &service.name, None, context.now)?;
    Ok(Answer::json(&service_json(&service)))
}

/// `GET /services/<service>/roles`.
pub fn list_roles(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let service = find(call.param("service"), context)?;
    let roles: Vec<Value> = role::roles(context.sql, &service.name)?
        .iter()
        .map(role_json)
        .collect();
    Ok(Answer::json(&json!({ "roles": roles })))
}

/// `POST /services/<service>/roles`: adds a role and returns it.
pub fn create_role(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let service = find(call.param("service"), context)?;
    let (name, memo) = name_and_memo(call)?;
    if service.roles.contains(&name) {
        return Err(Refusal::bad_request(format!(
            "`name` {name:?} is already used by a role of the service"
        )));
    }
    role::ensure_role(context.sql, &service.name, &name, &memo)?;
    Ok(Answer::json(&role_json(&StoredRole { name, memo })))
}

/// `DELETE /services/<service>/roles/<role>`: deletes it, takes it from its hosts, and returns it as it was.
pub fn delete_role(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let service = call.param("service");
    let found = find_role(service, call.param("role"), context)?;
    role::delete_role(context.sql, service, &found.name)?;
    watch::group_deleted(context.sql, service, Some(&found.name), context.now)?;
    Ok(Answer::json(&role_json(&found)))
}

/// The service of this name, or 404.
pub fn find(name: &str, context: &Context<'_>) -> Result<StoredService, Refusal> {
    role::service(context.sql, name)?.ok_or_else(|| Refusal::not_found("service not found"))
}

/// The role of this service and name, or 404.
pub fn find_role(service: &str, name: &str, context: &Context<'_>) -> Result<StoredRole, Refusal> {
    find(service, context)?;
    let roles = role::roles(context.sql, service)?;
    roles
        .into_iter()
        .find(|role| role.name == name)
        .ok_or_else(|| Refusal::not_found("role not found"))
}

fn name_and_memo(call: &Call) -> Result<(String, String), Refusal> {
    let body = call.json()?;
    let fields = Fields::of_body(&body)?;
    let name = fields.text("name")?;
    if !rule::is_service_or_role_name(name) {
        return Err(fields.refuse("name", "must be 2 to 63 of the characters a-z, A-Z, 0-9, _ and -, and start with a letter or digit"));
    }
    Ok((
        name.to_owned(),
        fields.optional_text("memo")?.unwrap_or_default().to_owned(),
    ))
}

fn service_json(service: &StoredService) -> Value {
    json!({ "name": service.name, "memo": service.memo, "roles": service.roles })
}

fn role_json(role: &StoredRole) -> Value {
    json!({ "name": role.name, "memo": role.memo })
}
