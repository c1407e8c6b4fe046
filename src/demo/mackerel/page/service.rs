//! The services as the page's scripts read them: a list of all, and one, or one of its roles, with its
//! hosts and the graphs over them.

use serde_json::{Value, json};

use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::page::graph::graphs;
use crate::demo::mackerel::page::host::{definitions, listed, title};
use crate::demo::mackerel::store::host::{self, StoredHost};
use crate::demo::mackerel::store::role::{self, StoredService};
use crate::demo::mackerel::store::{Owner, series};

/// Every service with its roles and the number of hosts that each has.
pub fn list(_: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let hosts = living(context)?;
    let count = |service: &str, role: Option<&str>| {
        hosts.iter().filter(|host| has(host, service, role)).count()
    };
    let mut services = Vec::new();
    for service in role::services(context.sql)? {
        let (metrics, newest) = series::summary(context.sql, Owner::Service(&service.name))?;
        let roles = service.roles.iter();
        let roles: Vec<Value> = roles
            .map(|role| json!({ "name": role, "hosts": count(&service.name, Some(role)) }))
            .collect();
        services.push(json!({
            "name": service.name,
            "memo": service.memo,
            "roles": roles,
            "hosts": count(&service.name, None),
            "metrics": metrics,
            "newest": newest,
        }));
    }
    Ok(Answer::json(
        &json!({ "now": context.now, "services": services }),
    ))
}

/// One service, or with `role` in the query one of its roles.
pub fn get(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let service = find(call, context)?;
    let hosts = members(call, context)?;
    let described = hosts.iter().map(|host| {
        json!({ "id": host.id, "title": title(host), "status": host.status, "roles": host.roles })
    });
    let mut names = Vec::new();
    for host in &hosts {
        names.extend(series::names(context.sql, Owner::Host(&host.id))?);
    }
    names.sort();
    names.dedup();
    let definitions = definitions(context)?;
    let own = match call.query_first("role") {
        Some(_) => Vec::new(),
        None => series::names(context.sql, Owner::Service(&service.name))?,
    };
    Ok(Answer::json(&json!({
        "now": context.now,
        "name": service.name,
        "memo": service.memo,
        "roles": service.roles,
        "hosts": described.collect::<Vec<Value>>(),
        "graphs": graphs(&definitions, &names).iter().map(listed).collect::<Vec<Value>>(),
        "serviceGraphs": graphs(&[], &own).iter().map(listed).collect::<Vec<Value>>(),
    })))
}

/// The service that the path names.
pub fn find(call: &Call, context: &Context<'_>) -> Result<StoredService, Refusal> {
    role::service(context.sql, call.param("service"))?
        .ok_or_else(|| Refusal::not_found("service not found"))
}

/// The living hosts of the service that the path names, or of the role that the query names.
pub fn members(call: &Call, context: &Context<'_>) -> Result<Vec<StoredHost>, Refusal> {
    let (service, role) = (find(call, context)?, call.query_first("role"));
    if role.is_some_and(|role| !service.roles.iter().any(|known| known == role)) {
        return Err(Refusal::not_found("role not found"));
    }
    let mut hosts = living(context)?;
    hosts.retain(|host| has(host, &service.name, role));
    Ok(hosts)
}

fn living(context: &Context<'_>) -> Result<Vec<StoredHost>, Refusal> {
    let mut hosts = host::all(context.sql)?;
    hosts.retain(|host| host.retired_at.is_none());
    Ok(hosts)
}

fn has(host: &StoredHost, service: &str, role: Option<&str>) -> bool {
    let mut roles = host.roles.iter();
    roles.any(|(of, name)| of == service && role.is_none_or(|role| role == name))
}
