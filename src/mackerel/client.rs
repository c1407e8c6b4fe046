//! The client: a base URL, a key, and one method per thing that the poller wants.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::{Error, Kind};
use super::payload::{
    AGENT_NAME, CheckReport, GraphDef, Host, HostParam, MetricValue, ServiceMetricValue,
};
use crate::model::calls::Calls;
use crate::model::id::HostId;
use crate::transport::Transport;

/// How long one request may take. Mackerel's own clients wait 30 s; with half of that a request that
/// hangs leaves time for another one in the same minute.
const TIMEOUT: Duration = Duration::from_secs(14);

/// The longest that Mackerel is taken at its word when it says when to come back, in seconds.
const MOST_RETRY_AFTER: u64 = 3600;

/// What must be escaped in one segment of a path: all but the unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A client for one organization.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    base: String,
    key: HeaderValue,
    calls: Calls,
}

#[derive(Deserialize)]
struct HostAnswer {
    /// Mackerel says 404 for an unknown identifier; its own clients allow for a null as well.
    host: Option<Host>,
}

#[derive(Deserialize)]
struct HostsAnswer {
    hosts: Vec<Host>,
}

#[derive(Deserialize)]
struct IdAnswer {
    id: String,
}

impl Client {
    /// A client for the API at `base` (without a final slash) with a key. The key is checked for
    /// what a header can carry; a key that it can't carry is none of Mackerel's.
    pub fn new(transport: Transport, base: &str, key: &str, calls: Calls) -> Result<Self, Error> {
        let mut key = HeaderValue::from_str(key).map_err(|_| Error {
            kind: Kind::Setup,
            message: "the API key holds a character that no key has; check MACKEREL_APIKEY".into(),
        })?;
        key.set_sensitive(true);
        Ok(Client {
            transport,
            base: base.to_owned(),
            key,
            calls,
        })
    }

    /// The host that has this custom identifier and is not retired.
    pub async fn host_by_custom_identifier(&self, identifier: &str) -> Result<Option<Host>, Error> {
        let path = format!("/hosts-by-custom-identifier/{}", escape(identifier));
        let answer: Result<HostAnswer, Error> = self
            .ask("GET", "/hosts-by-custom-identifier/<id>", &path, None)
            .await;
        match answer {
            Ok(answer) => Ok(answer.host),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The host of this id, retired or not.
    pub async fn host(&self, id: &HostId) -> Result<Option<Host>, Error> {
        let path = format!("/hosts/{}", escape(id.as_str()));
        let answer: Result<HostAnswer, Error> = self.ask("GET", "/hosts/<id>", &path, None).await;
        match answer {
            Ok(answer) => Ok(answer.host),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All hosts that are not retired, whatever their status.
    pub async fn hosts(&self) -> Result<Vec<Host>, Error> {
        // Unless asked, Mackerel lists only working and standby ones.
        let path = "/hosts?status=working&status=standby&status=maintenance&status=poweroff";
        let answer: HostsAnswer = self.ask("GET", "/hosts", path, None).await?;
        Ok(answer.hosts)
    }

    /// Creates a host.
    pub async fn create_host(&self, host: &HostParam) -> Result<HostId, Error> {
        let answer: IdAnswer = self
            .ask("POST", "/hosts", "/hosts", Some(json!(host)))
            .await?;
        Ok(HostId::new(&answer.id))
    }

    /// Updates a host.
    pub async fn update_host(&self, id: &HostId, host: &HostParam) -> Result<(), Error> {
        let path = format!("/hosts/{}", escape(id.as_str()));
        self.tell("PUT", "/hosts/<id>", &path, json!(host)).await
    }

    /// Sets a host's status.
    pub async fn set_status(&self, id: &HostId, status: &str) -> Result<(), Error> {
        let path = format!("/hosts/{}/status", escape(id.as_str()));
        let body = json!({ "status": status });
        self.tell("POST", "/hosts/<id>/status", &path, body).await
    }

    /// Sets all roles of a host; roles that are not named are taken away.
    pub async fn set_roles(&self, id: &HostId, roles: &[String]) -> Result<(), Error> {
        let path = format!("/hosts/{}/role-fullnames", escape(id.as_str()));
        let body = json!({ "roleFullnames": roles });
        self.tell("PUT", "/hosts/<id>/role-fullnames", &path, body)
            .await
    }

    /// Retires a host, for good.
    pub async fn retire_host(&self, id: &HostId) -> Result<(), Error> {
        let path = format!("/hosts/{}/retire", escape(id.as_str()));
        self.tell("POST", "/hosts/<id>/retire", &path, json!({}))
            .await
    }

    /// What was kept in a namespace of a host's metadata.
    pub async fn metadata(&self, id: &HostId, namespace: &str) -> Result<Option<Value>, Error> {
        let path = metadata_path(id, namespace);
        match self
            .ask("GET", "/hosts/<id>/metadata/<namespace>", &path, None)
            .await
        {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a value in a namespace of a host's metadata.
    pub async fn set_metadata(
        &self,
        id: &HostId,
        namespace: &str,
        value: Value,
    ) -> Result<(), Error> {
        let path = metadata_path(id, namespace);
        self.tell("PUT", "/hosts/<id>/metadata/<namespace>", &path, value)
            .await
    }

    /// Says how graphs are drawn; definitions of the same name are replaced.
    pub async fn post_graph_defs(&self, graphs: &[GraphDef]) -> Result<(), Error> {
        let path = "/graph-defs/create";
        self.tell("POST", path, path, json!(graphs)).await
    }

    /// Posts points of any number of hosts.
    pub async fn post_values(&self, values: &[MetricValue<'_>]) -> Result<(), Error> {
        // Straight to text: a tree of these would be several times as large.
        let body = serde_json::to_vec(values).map_err(|error| Error {
            kind: Kind::Rejected,
            message: format!("points that are no JSON: {error}"),
        })?;
        self.send("POST", "/tsdb", "/tsdb", Some(body)).await?;
        Ok(())
    }

    /// Reports what checks found; at most a hundred in one call.
    pub async fn report_checks(&self, reports: &[CheckReport]) -> Result<(), Error> {
        let path = "/monitoring/checks/report";
        self.tell("POST", path, path, json!({ "reports": reports }))
            .await
    }

    /// Posts points of a service's own metrics.
    pub async fn post_service_values(
        &self,
        service: &str,
        values: &[ServiceMetricValue],
    ) -> Result<(), Error> {
        let path = format!("/services/{}/tsdb", escape(service));
        self.tell("POST", "/services/<service>/tsdb", &path, json!(values))
            .await
    }

    pub(super) async fn tell(
        &self,
        method: &str,
        name: &str,
        path: &str,
        body: Value,
    ) -> Result<(), Error> {
        let body = body.to_string().into_bytes();
        self.send(method, name, path, Some(body)).await?;
        Ok(())
    }

    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        name: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, Error> {
        let body = body.map(|json| json.to_string().into_bytes());
        let answer = self.send(method, name, path, body).await?;
        parsed(method, name, answer.body())
    }

    /// `name` is the path with its variable parts as words, for the count and for messages.
    pub(super) async fn send(
        &self,
        method: &str,
        name: &str,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, Error> {
        let call = format!("{method} {name}");
        self.calls.add(&format!("mackerel:{call}"));
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v0{path}", self.base))
            .header("X-Api-Key", &self.key)
            .header(USER_AGENT, AGENT_NAME)
            .header(ACCEPT, "application/json");
        if method != "GET" {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(body.unwrap_or_default())
            .map_err(|error| Error {
                kind: Kind::Rejected,
                message: format!("can't make the request {call}: {error}; check MACKEREL_APIBASE"),
            })?;
        let response = self
            .transport
            .send(request, TIMEOUT)
            .await
            .map_err(|error| Error {
                kind: Kind::Passing { retry_after: None },
                message: format!(
                    "can't reach Mackerel at {} for {call}; check MACKEREL_APIBASE, the network and the proxy: {error}",
                    self.base
                ),
            })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status == http::StatusCode::TOO_MANY_REQUESTS {
            self.calls.add_throttled(&format!("mackerel:{call}"));
        }
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(|seconds: u64| Duration::from_secs(seconds.min(MOST_RETRY_AFTER)));
        Err(Error::from_answer(
            &call,
            status.as_u16(),
            retry_after,
            response.body(),
        ))
    }
}

/// What an answer's body says.
pub(super) fn parsed<T: DeserializeOwned>(
    method: &str,
    name: &str,
    body: &[u8],
) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error {
        kind: Kind::Passing { retry_after: None },
        message: format!(
            "{method} {name} got an answer that is not Mackerel's ({error}); check \
             MACKEREL_APIBASE and the proxy"
        ),
    })
}

fn metadata_path(id: &HostId, namespace: &str) -> String {
    format!(
        "/hosts/{}/metadata/{}",
        escape(id.as_str()),
        escape(namespace)
    )
}

/// A text as one segment of a path.
pub(super) fn escape(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}
