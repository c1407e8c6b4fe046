//! A local Mackerel with a clock that stands still, filled through its API.

use std::sync::Arc;

use chrono::DateTime;
use mackerel_ecs::demo::mackerel::LocalMackerel;
use mackerel_ecs::demo::mackerel::option::{ApiKey, Options};
use mackerel_ecs::demo::mackerel::store::Storage;
use mackerel_ecs::demo::serve::serve;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The graphs in view are drawn with what was asked for last.
pub const DRAWN: &str = "document.querySelector('.card canvas') && [...document.querySelectorAll('.card')].every((card) => \
    !card.card.isInView || (card.querySelector('canvas') && card.getAttribute('aria-busy') === 'false'))";

/// The end of a minute on which nothing else depends.
pub const NOW: i64 = 1_790_000_000;

/// A local Mackerel that the test fills through its API.
pub struct Server {
    /// The server itself.
    pub mackerel: LocalMackerel,
    /// Its address.
    pub url: String,
}

impl Server {
    /// Starts it, empty.
    pub async fn start() -> Server {
        let clock = Arc::new(|| DateTime::from_timestamp(NOW, 0).unwrap());
        let options = Options::new(clock, vec![ApiKey::read_write("key")]);
        let mackerel = LocalMackerel::open(&Storage::Memory, options).unwrap();
        let address = serve(mackerel.router(), 0).await.unwrap();
        Server {
            mackerel,
            url: format!("http://{address}"),
        }
    }

    /// Posts to the API and gives the answer to a success.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let request = http::Request::post(format!("/api/v0{path}"))
            .header("X-Api-Key", "key")
            .body(axum::body::Body::from(body.to_string()))
            .unwrap();
        let response = self.mackerel.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path} {body}");
        let body = http_body_util::BodyExt::collect(response.into_body()).await;
        serde_json::from_slice(&body.unwrap().to_bytes()).unwrap()
    }

    /// Registers a host and gives its id.
    pub async fn host(&self, body: Value) -> String {
        let host = self.post("/hosts", &body).await;
        host["id"].as_str().unwrap().to_owned()
    }

    /// Posts a value for each of the last minutes for which the function has one.
    pub async fn fill(
        &self,
        host: &str,
        name: &str,
        minutes: i64,
        value: impl Fn(i64) -> Option<f64>,
    ) {
        let points: Vec<Value> = (0..minutes)
            .filter_map(|age| {
                let value = value(age)?;
                Some(
                    json!({ "hostId": host, "name": name, "time": NOW - age * 60, "value": value }),
                )
            })
            .collect();
        self.post("/tsdb", &Value::Array(points)).await;
    }
}
