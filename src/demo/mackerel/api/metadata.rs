//! The calls about metadata, any JSON under a namespace of a host, a service or a role.
//! The path's parameters tell which of the three it belongs to.

use serde_json::{Value, json};

use crate::demo::mackerel::api::{host, service};
use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::{Owner, metadata};

/// `GET .../metadata`: the namespaces.
pub fn list(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let owner = owner_to_read(call, context)?;
    let namespaces = metadata::namespaces(context.sql, owner)?;
    let list: Vec<Value> = namespaces
        .into_iter()
        .map(|namespace| json!({ "namespace": namespace }))
        .collect();
    Ok(Answer::json(&json!({ "metadata": list })))
}

/// `GET .../metadata/<namespace>`: the JSON as it was sent, with the time of its last change in `Last-Modified`.
pub fn get(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let owner = owner_to_read(call, context)?;
    let (text, modified_at) =
        metadata::get(context.sql, owner, call.param("namespace"))?.ok_or_else(no_metadata)?;
    Ok(Answer {
        last_modified: Some(modified_at),
        ..Answer::text("application/json", text)
    })
}

/// `PUT .../metadata/<namespace>`: any JSON up to 100 KB, in at most 50 namespaces, 10 for a role.
pub fn put(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let owner = owner_to_write(call, context)?;
    let namespace = call.param("namespace");
    if !rule::is_namespace(namespace) {
        return Err(Refusal::bad_request(
            "the namespace must be of [-a-zA-Z0-9_]+ and must not start with `mackerel`",
        ));
    }
    if call.body.len() > rule::METADATA_MAX_BYTES {
        return Err(Refusal::too_large("metadata must be at most 100 KB"));
    }
    call.json()?;
    let text = String::from_utf8_lossy(&call.body);
    let namespaces = metadata::namespaces(context.sql, owner)?;
    let most = if matches!(owner, Owner::Role(..)) {
        10
    } else {
        50
    };
    if namespaces.len() >= most && !namespaces.iter().any(|known| known == namespace) {
        return Err(Refusal::bad_request(format!(
            "there can be at most {most} namespaces"
        )));
    }
    metadata::put(context.sql, owner, namespace, &text, context.now)?;
    Ok(Answer::success())
}

/// `DELETE .../metadata/<namespace>`.
pub fn delete(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let owner = owner_to_write(call, context)?;
    if metadata::delete(context.sql, owner, call.param("namespace"))? {
        Ok(Answer::success())
    } else {
        Err(no_metadata())
    }
}

fn owner_to_read<'a>(call: &'a Call, context: &Context<'_>) -> Result<Owner<'a>, Refusal> {
    let owner = owner(call);
    if let Owner::Host(id) = owner {
        let retired_at = host::find(id, context)?.retired_at;
        if retired_at
            .is_some_and(|retired_at| context.now - retired_at > rule::RETIRED_METADATA_SECONDS)
        {
            return Err(Refusal::bad_request(
                "the host was retired more than a week ago",
            ));
        }
    }
    check_group(owner, context)
}

fn owner_to_write<'a>(call: &'a Call, context: &Context<'_>) -> Result<Owner<'a>, Refusal> {
    let owner = owner(call);
    if let Owner::Host(id) = owner {
        host::find_living(id, context)?;
    }
    check_group(owner, context)
}

fn check_group<'a>(owner: Owner<'a>, context: &Context<'_>) -> Result<Owner<'a>, Refusal> {
    match owner {
        Owner::Host(_) => {}
        Owner::Service(name) => drop(service::find(name, context)?),
        Owner::Role(service, name) => drop(service::find_role(service, name, context)?),
    }
    Ok(owner)
}

fn owner(call: &Call) -> Owner<'_> {
    match (call.param("id"), call.param("service"), call.param("role")) {
        ("", service, "") => Owner::Service(service),
        ("", service, role) => Owner::Role(service, role),
        (id, _, _) => Owner::Host(id),
    }
}

fn no_metadata() -> Refusal {
    Refusal::not_found("metadata not found")
}
