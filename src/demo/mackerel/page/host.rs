//! The hosts as the page's scripts read them: a list of all, and one with its graphs and its meta.

use serde_json::{Value, json};

use crate::demo::mackerel::api;
use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::page::graph::{Graph, graphs};
use crate::demo::mackerel::page::known;
use crate::demo::mackerel::store::graph::{self, StoredGraph};
use crate::demo::mackerel::store::host::{self, StoredHost};
use crate::demo::mackerel::store::{Owner, alert, check, metadata, series};

/// Every host in the order of registration, the retired ones among them.
pub fn list(_: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let hosts = host::all(context.sql)?;
    let hosts = hosts.iter().map(|host| summary(host, context));
    Ok(Answer::json(&json!({
        "now": context.now,
        "organization": context.options.org_display_name.as_ref().unwrap_or(&context.options.org_name),
        "hosts": hosts.collect::<Result<Vec<Value>, Refusal>>()?,
    })))
}

/// One host.
pub fn get(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let host = api::host::find(call.param("id"), context)?;
    let owner = Owner::Host(&host.id);
    let mut namespaces = serde_json::Map::new();
    for namespace in metadata::namespaces(context.sql, owner)? {
        if let Some((text, _)) = metadata::get(context.sql, owner, &namespace)? {
            let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            namespaces.insert(namespace, value);
        }
    }
    let checks = check::of_host(context.sql, &host.id)?
        .into_iter()
        .map(|check| {
            json!({
                "name": check.name,
                "memo": check.memo,
                "status": check.status.as_str(),
                "message": check.message,
                "occurredAt": check.occurred_at,
            })
        });
    let checks: Vec<Value> = checks.collect();
    let graphs = graphs(&definitions(context)?, &series::names(context.sql, owner)?);
    let mut answer = summary(&host, context)?;
    answer["now"] = json!(context.now);
    answer["customIdentifier"] = json!(host.custom_identifier);
    answer["createdAt"] = json!(host.created_at);
    answer["memo"] = json!(host.memo);
    answer["meta"] = host.meta.clone();
    answer["interfaces"] = host.interfaces.clone();
    answer["metadata"] = Value::Object(namespaces);
    answer["checks"] = Value::Array(checks);
    answer["graphs"] = graphs.iter().map(listed).collect();
    Ok(Answer::json(&answer))
}

/// What a person calls a host.
pub fn title(host: &StoredHost) -> &str {
    host.display_name.as_deref().unwrap_or(&host.name)
}

/// A graph as it stands in a list: without its lines.
pub fn listed(graph: &Graph) -> Value {
    json!({ "name": graph.name, "title": graph.title, "unit": graph.unit, "lines": graph.lines.len() })
}

/// The posted definitions that have not vanished, and those that Mackerel knows itself.
pub fn definitions(context: &Context<'_>) -> Result<Vec<StoredGraph>, Refusal> {
    graph::expire(context.sql, context.now)?;
    let mut definitions = graph::all(context.sql)?;
    definitions.extend(known::definitions());
    Ok(definitions)
}

fn summary(host: &StoredHost, context: &Context<'_>) -> Result<Value, Refusal> {
    let (metrics, newest) = series::summary(context.sql, Owner::Host(&host.id))?;
    let text = |pointer: &str| host.meta.pointer(pointer).and_then(Value::as_str);
    Ok(json!({
        "id": host.id,
        "name": host.name,
        "title": title(host),
        "status": if host.retired_at.is_some() { "retired" } else { &host.status },
        "size": host.size,
        "provider": text("/cloud/provider"),
        "agent": text("/agent-name"),
        "roles": host.roles,
        "retiredAt": host.retired_at,
        "alerts": alert::open_of_host(context.sql, &host.id)?.len(),
        "metrics": metrics,
        "newest": newest,
    }))
}
