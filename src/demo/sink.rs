//! A far side that takes points and keeps none, for benchmarks: in front of the local Mackerel it
//! answers the posts of host metrics itself, so that storing them is no part of what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;

/// What came; clones share one count.
#[derive(Debug, Clone, Default)]
pub struct Sink(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    posts: AtomicU64,
    points: AtomicU64,
    bytes: AtomicU64,
}

impl Sink {
    /// Puts the sink in front of a local Mackerel.
    pub fn before(&self, mackerel: Router) -> Router {
        let sink = Router::new()
            .route("/api/v0/tsdb", post(take))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(self.clone());
        sink.fallback_service(mackerel)
    }

    /// What came, in words.
    pub fn text(&self) -> String {
        let count = |one: &AtomicU64| one.load(Ordering::Relaxed);
        format!(
            "The sink took {} points in {} posts of {} bytes.",
            count(&self.0.points),
            count(&self.0.posts),
            count(&self.0.bytes)
        )
    }
}

async fn take(State(sink): State<Sink>, body: Bytes) -> &'static str {
    const POINT: &[u8] = b"\"hostId\":";
    let points = body.windows(POINT.len()).filter(|part| *part == POINT);
    let add = |one: &AtomicU64, amount: usize| one.fetch_add(amount as u64, Ordering::Relaxed);
    add(&sink.0.points, points.count());
    add(&sink.0.posts, 1);
    add(&sink.0.bytes, body.len());
    "{\"success\":true}"
}
