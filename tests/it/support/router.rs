//! A network without sockets: a request is handed to the router that stands for its host. No virtual
//! time passes while an answer is on its way, however busy the machine is.

use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::Body;
use mackerel_ecs::transport::Transport;
use tower::ServiceExt;

/// The routers by the names of their hosts.
#[derive(Debug, Clone)]
struct Routers(BTreeMap<&'static str, Router>);

/// A transport to these hosts alone.
pub fn transport<const N: usize>(routers: [(&'static str, Router); N]) -> Transport {
    Transport::over(Routers(routers.into()))
}

impl HttpConnector for Routers {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = request.try_into_http1x().unwrap();
        let host = request.uri().host().unwrap_or_default();
        let router = self.0.get(host).cloned();
        HttpConnectorFuture::new(async move {
            let Some(router) = router else {
                return Err(ConnectorError::io("there is no such host".into()));
            };
            let request = request.map(|body| Body::from(body.bytes().unwrap().to_vec()));
            let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?;
            let response = http::Response::from_parts(parts, SdkBody::from(body.to_vec()));
            Ok(HttpResponse::try_from(response).unwrap())
        })
    }
}
