//! The calls of the API as one table: method, path, the permission that a key needs, and the function.
//! A path or method that is not in it does not exist and is answered with 404.

pub mod alert;
pub mod annotation;
pub mod check;
pub mod dashboard;
pub mod graph;
pub mod host;
pub mod metadata;
pub mod metric;
pub mod monitor;
pub mod service;

use axum::routing::MethodFilter;
use serde_json::json;

use crate::demo::mackerel::call::{Answer, Call, Context, Function};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::option::Permission;

/// One call of the server.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: MethodFilter,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// What the key must be allowed to do; absent where no key is needed.
    pub needs: Option<Permission>,
    /// What the call does.
    pub function: Function,
}

/// Each call of the server. Replacing roles is the one write that the documentation asks only Write for.
pub const ROUTES: &[Route] = &[
    get("/api/v0/org", organization),
    get("/api/v0/hosts", host::list),
    get("/api/v0/hosts.json", host::list),
    post("/api/v0/hosts", host::create),
    get("/api/v0/hosts/{id}", host::get),
    put("/api/v0/hosts/{id}", host::update),
    post("/api/v0/hosts/{id}/status", host::set_status),
    Route {
        needs: Some(Permission::Write),
        ..put("/api/v0/hosts/{id}/role-fullnames", host::replace_roles)
    },
    post("/api/v0/hosts/{id}/retire", host::retire),
    post("/api/v0/hosts/bulk-retire", host::bulk_retire),
    post("/api/v0/hosts/bulk-update-statuses", host::bulk_set_status),
    get(
        "/api/v0/hosts-by-custom-identifier/{identifier}",
        host::by_custom_identifier,
    ),
    post("/api/v0/tsdb", metric::post_host_values),
    get("/api/v0/tsdb/latest", metric::latest),
    get("/api/v0/hosts/{id}/metrics", metric::host_values),
    get("/api/v0/hosts/{id}/metric-names", metric::host_names),
    post("/api/v0/graph-defs/create", graph::create),
    delete("/api/v0/graph-defs", graph::delete),
    post("/api/v0/monitoring/checks/report", check::report),
    get("/api/v0/monitoring/checks", check::list),
    get("/api/v0/monitoring/checks/{id}", check::get),
    get(
        "/api/v0/hosts/{id}/monitored-statuses",
        alert::monitored_statuses,
    ),
    get("/api/v0/monitors", monitor::list),
    post("/api/v0/monitors", monitor::create),
    get("/api/v0/monitors/{id}", monitor::get),
    put("/api/v0/monitors/{id}", monitor::update),
    delete("/api/v0/monitors/{id}", monitor::delete),
    get("/api/v0/alerts", alert::list),
    get("/api/v0/alerts/{id}", alert::get),
    put("/api/v0/alerts/{id}", alert::update),
    post("/api/v0/alerts/{id}/close", alert::close),
    get("/api/v0/alerts/{id}/logs", alert::logs),
    get("/api/v0/services", service::list),
    post("/api/v0/services", service::create),
    delete("/api/v0/services/{service}", service::delete),
    get("/api/v0/services/{service}/roles", service::list_roles),
    post("/api/v0/services/{service}/roles", service::create_role),
    delete(
        "/api/v0/services/{service}/roles/{role}",
        service::delete_role,
    ),
    post(
        "/api/v0/services/{service}/tsdb",
        metric::post_service_values,
    ),
    get("/api/v0/services/{service}/metrics", metric::service_values),
    get(
        "/api/v0/services/{service}/metric-names",
        metric::service_names,
    ),
    delete(
        "/api/v0/services/{service}/graph-defs/{name}",
        metric::delete_service_graph,
    ),
    post("/api/v0/graph-annotations", annotation::create),
    get("/api/v0/graph-annotations", annotation::list),
    put("/api/v0/graph-annotations/{id}", annotation::update),
    delete("/api/v0/graph-annotations/{id}", annotation::delete),
    get("/api/v0/dashboards", dashboard::list),
    post("/api/v0/dashboards", dashboard::create),
    get("/api/v0/dashboards/{id}", dashboard::get),
    put("/api/v0/dashboards/{id}", dashboard::update),
    delete("/api/v0/dashboards/{id}", dashboard::delete),
    get("/api/v0/hosts/{id}/metadata", metadata::list),
    get("/api/v0/hosts/{id}/metadata/{namespace}", metadata::get),
    put("/api/v0/hosts/{id}/metadata/{namespace}", metadata::put),
    delete("/api/v0/hosts/{id}/metadata/{namespace}", metadata::delete),
    get("/api/v0/services/{service}/metadata", metadata::list),
    get(
        "/api/v0/services/{service}/metadata/{namespace}",
        metadata::get,
    ),
    put(
        "/api/v0/services/{service}/metadata/{namespace}",
        metadata::put,
    ),
    delete(
        "/api/v0/services/{service}/metadata/{namespace}",
        metadata::delete,
    ),
    get(
        "/api/v0/services/{service}/roles/{role}/metadata",
        metadata::list,
    ),
    get(
        "/api/v0/services/{service}/roles/{role}/metadata/{namespace}",
        metadata::get,
    ),
    put(
        "/api/v0/services/{service}/roles/{role}/metadata/{namespace}",
        metadata::put,
    ),
    delete(
        "/api/v0/services/{service}/roles/{role}/metadata/{namespace}",
        metadata::delete,
    ),
];

const fn get(path: &'static str, function: Function) -> Route {
    Route {
        method: MethodFilter::GET,
        path,
        needs: Some(Permission::Read),
        function,
    }
}

const fn post(path: &'static str, function: Function) -> Route {
    Route {
        method: MethodFilter::POST,
        path,
        needs: Some(Permission::ReadWrite),
        function,
    }
}

const fn put(path: &'static str, function: Function) -> Route {
    Route {
        method: MethodFilter::PUT,
        path,
        needs: Some(Permission::ReadWrite),
        function,
    }
}

const fn delete(path: &'static str, function: Function) -> Route {
    Route {
        method: MethodFilter::DELETE,
        path,
        needs: Some(Permission::ReadWrite),
        function,
    }
}

fn organization(_: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::json(
        &json!({ "name": context.options.org_name, "displayName": context.options.org_display_name }),
    ))
}
