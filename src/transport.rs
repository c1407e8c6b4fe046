//! The one HTTP stack of the program, under the AWS SDK and the Mackerel client alike: one TLS
//! set-up, one pool, one way through a proxy, and one place to put another network in.

use std::fmt;
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};
use hyper_util::client::proxy::matcher::Matcher;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the first byte of an answer may take.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// The most that is read of an answer's body, in bytes.
const BODY_LIMIT: usize = 32 << 20;

/// A handle on the HTTP stack, cheap to clone.
#[derive(Clone, Debug)]
pub struct Transport(SharedHttpConnector);

/// Why no answer came.
#[derive(Debug)]
pub enum TransportError {
    /// The host could not be reached, or hung up.
    Unreachable(String),
    /// No answer in time.
    TimedOut,
    /// The answer is larger than so many bytes, which is more than anything that is expected.
    TooLarge(usize),
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransportError::Unreachable(why) => f.write_str(why),
            TransportError::TimedOut => f.write_str("no answer in time"),
            TransportError::TooLarge(limit) => {
                write!(f, "the answer is larger than {} MiB", limit >> 20)
            }
        }
    }
}

impl Transport {
    /// Real sockets, verified TLS with the system's certificates, proxies as `HTTPS_PROXY`,
    /// `HTTP_PROXY` and `NO_PROXY` name them.
    pub fn network() -> Self {
        Self::over(Network {
            outside: builder().proxy_config(ProxyConfig::from_env()).tls(),
            local: plain(),
        })
    }

    /// Real sockets without TLS and without a proxy: for what this machine itself answers.
    pub fn local() -> Self {
        Self::over(plain())
    }

    /// Real sockets and verified TLS, through this proxy alone, or through none.
    pub fn direct(proxy: Option<&str>) -> Result<Self, String> {
        let proxy = match proxy {
            Some(url) => ProxyConfig::all(url).map_err(|error| chain(&error))?,
            None => ProxyConfig::disabled(),
        };
        Ok(Self::over(builder().proxy_config(proxy).tls()))
    }

    /// Another network: anything that answers HTTP requests.
    pub fn over(connector: impl HttpConnector + 'static) -> Self {
        Transport(SharedHttpConnector::new(connector))
    }

    /// The stack as the AWS SDK takes it.
    pub fn sdk_client(&self) -> SharedHttpClient {
        let connector = self.0.clone();
        http_client_fn(move |_, _| connector.clone())
    }

    /// Sends one request and reads the whole answer, within a time.
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        timeout: Duration,
    ) -> Result<http::Response<Vec<u8>>, TransportError> {
        self.send_bounded(request, timeout, BODY_LIMIT).await
    }

    /// Sends one request and reads the whole answer, whose body may have so many bytes.
    pub async fn send_bounded(
        &self,
        request: http::Request<Vec<u8>>,
        timeout: Duration,
        limit: usize,
    ) -> Result<http::Response<Vec<u8>>, TransportError> {
        let exchange = async {
            let (parts, body) = self.open(request).await?.into_parts();
            let body = match Limited::new(body, limit).collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                    return Err(TransportError::TooLarge(limit));
                }
                Err(error) => return Err(TransportError::Unreachable(chain(error.as_ref()))),
            };
            Ok(http::Response::from_parts(parts, body.to_vec()))
        };
        within(timeout, exchange).await
    }

    /// Sends one request and reads no more of the answer than its status.
    pub async fn status(
        &self,
        request: http::Request<Vec<u8>>,
        timeout: Duration,
    ) -> Result<http::StatusCode, TransportError> {
        let answer = within(timeout, self.open(request)).await?;
        Ok(answer.status())
    }

    async fn open(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<SdkBody>, TransportError> {
        let unreachable = |error: HttpError| TransportError::Unreachable(error.to_string());
        let request = HttpRequest::try_from(request.map(SdkBody::from)).map_err(unreachable)?;
        let response = self.0.call(request).await.map_err(|e| failure(&e))?;
        response.try_into_http1x().map_err(unreachable)
    }
}

async fn within<T>(
    timeout: Duration,
    exchange: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    match tokio::time::timeout(timeout, exchange).await {
        Ok(result) => result,
        Err(_) => Err(TransportError::TimedOut),
    }
}

/// The proxy that a request to this URL goes through, as `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
/// `NO_PROXY` have it, without its password; none for none.
pub fn proxy_of(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    if LOCAL.iter().any(|start| url.starts_with(start)) {
        return None;
    }
    let proxy = Matcher::from_env().intercept(&uri)?.uri().clone();
    let authority = proxy.authority()?.as_str();
    let host = authority.rsplit('@').next().unwrap_or_default();
    Some(format!("{}://{host}", proxy.scheme_str().unwrap_or("http")))
}

/// How the addresses begin of this machine, and of the credentials and metadata endpoints of ECS and
/// EC2.
const LOCAL: [&str; 3] = ["http://169.254.", "http://127.", "http://[::1]"];

/// Real sockets.
#[derive(Debug)]
struct Network {
    outside: Connector,
    /// Without a proxy: what is [`LOCAL`] is no proxy's business, whatever `NO_PROXY` forgets.
    local: Connector,
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if LOCAL.iter().any(|start| request.uri().starts_with(start)) {
            self.local.call(request)
        } else {
            self.outside.call(request)
        }
    }
}

fn builder() -> ConnectorBuilder {
    Connector::builder().connector_settings(
        HttpConnectorSettings::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build(),
    )
}

fn plain() -> Connector {
    let direct = builder().proxy_config(ProxyConfig::disabled());
    direct.build_http()
}

trait WithTls {
    fn tls(self) -> Connector;
}

impl WithTls for ConnectorBuilder {
    fn tls(self) -> Connector {
        self.tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build()
    }
}

fn failure(error: &ConnectorError) -> TransportError {
    if error.is_timeout() {
        TransportError::TimedOut
    } else {
        TransportError::Unreachable(chain(error))
    }
}

/// An error and its causes on one line, without saying anything twice.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
