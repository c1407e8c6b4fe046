//! A web server of a test's own on a free port, which answers as the test says and keeps what it
//! was asked.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;

/// A running server.
#[derive(Debug, Clone)]
pub struct Web {
    /// Its address without a final slash.
    pub url: String,
    asked: Arc<Mutex<Vec<http::request::Parts>>>,
}

impl Web {
    /// Starts a server; `answer` is given each request's head and the number of those before it.
    pub async fn start(
        answer: impl Fn(&http::request::Parts, usize) -> Response<Body> + Send + Sync + Clone + 'static,
    ) -> Self {
        let asked: Arc<Mutex<Vec<http::request::Parts>>> = Arc::default();
        let kept = asked.clone();
        let router = axum::Router::new().fallback(move |request: Request| async move {
            let head = request.into_parts().0;
            let mut kept = kept.lock().unwrap();
            let response = answer(&head, kept.len());
            kept.push(head);
            response
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Web { url, asked }
    }

    /// The heads of all requests so far.
    pub fn asked(&self) -> Vec<http::request::Parts> {
        self.asked.lock().unwrap().clone()
    }
}

/// An answer with a status and a text.
pub fn text(status: u16, text: impl Into<String>) -> Response<Body> {
    let body = Body::from(text.into());
    Response::builder().status(status).body(body).unwrap()
}
