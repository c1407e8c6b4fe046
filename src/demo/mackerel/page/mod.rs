//! The page for a person: one HTML document for every address, the scripts and styles it loads, all
//! embedded in the program, and the JSON that its scripts ask for. It needs no key and changes nothing that a client sent.
//! Which graphs there are and what their points are is decided here; the scripts only show it.

pub mod alert;
pub mod asset;
pub mod drawing;
pub mod graph;
pub mod host;
pub mod known;
pub mod service;
pub mod span;

use axum::routing::MethodFilter;

use crate::demo::mackerel::api::Route;
use crate::demo::mackerel::call::Function;

/// Every address of the page.
pub const ROUTES: &[Route] = &[
    get("/", asset::document),
    get("/hosts/{id}", asset::document),
    get("/services", asset::document),
    get("/services/{service}", asset::document),
    get("/services/{service}/{role}", asset::document),
    get("/alerts", asset::document),
    get("/page/{file}", asset::file),
    get("/page/data/alerts", alert::list),
    get("/page/data/hosts", host::list),
    get("/page/data/hosts/{id}", host::get),
    get("/page/data/hosts/{id}/graph", drawing::of_host),
    get("/page/data/services", service::list),
    get("/page/data/services/{service}", service::get),
    get("/page/data/services/{service}/graph", drawing::of_service),
];

const fn get(path: &'static str, function: Function) -> Route {
    Route {
        method: MethodFilter::GET,
        path,
        needs: None,
        function,
    }
}
