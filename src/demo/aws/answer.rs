//! From an operation's result to an HTTP response in the protocol of the request.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use futures_util::{StreamExt, stream};

use crate::demo::aws::cbor;
use crate::demo::aws::error::AwsError;
use crate::demo::aws::request::Protocol;
use crate::demo::aws::value::Value;

/// What an operation answers.
#[derive(Debug)]
pub enum Answer {
    /// A JSON document, as ECS answers.
    Json(Vec<u8>),
    /// A structure for either protocol of CloudWatch.
    Tree(Value),
    /// The inside of an XML response of STS or EC2: the operation's name and its result element.
    Xml(&'static str, String),
}

const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const EC2_NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// An answer as a response with status 200.
pub fn success(protocol: Protocol, answer: Answer, id: &str) -> Response<Body> {
    let body = match answer {
        Answer::Json(bytes) => bytes,
        Answer::Tree(tree) => written(protocol, tree),
        Answer::Xml(operation, result) if protocol == Protocol::Ec2Query => format!(
            "<{operation}Response xmlns=\"{EC2_NAMESPACE}\"><requestId>{id}</requestId>{result}\
             </{operation}Response>"
        )
        .into_bytes(),
        Answer::Xml(operation, result) => format!(
            "<{operation}Response xmlns=\"{STS_NAMESPACE}\">{result}<ResponseMetadata>\
             <RequestId>{id}</RequestId></ResponseMetadata></{operation}Response>"
        )
        .into_bytes(),
    };
    respond(protocol, 200, body, id)
}

/// An error as a response.
pub fn failure(protocol: Protocol, error: &AwsError, id: &str) -> Response<Body> {
    let side = if error.status < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    let body = match protocol {
        Protocol::StsQuery => format!(
            "<ErrorResponse xmlns=\"{STS_NAMESPACE}\"><Error><Type>{side}</Type><Code>{}</Code>\
             <Message>{}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>",
            error.query_code,
            escaped(&error.message),
        )
        .into_bytes(),
        Protocol::Ec2Query => format!(
            "<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>\
             <RequestID>{id}</RequestID></Response>",
            error.ec2_code(),
            escaped(&error.message),
        )
        .into_bytes(),
        _ => {
            let kind = match protocol {
                Protocol::EcsJson => error.kind.into(),
                _ => format!("com.amazonaws.cloudwatch#{}", error.kind),
            };
            // Refusals by IAM spell the member with a capital.
            let member = match error.kind {
                "AccessDeniedException" => "Message",
                _ => "message",
            };
            let message = Value::text_of(error.message.clone());
            let fields = [("__type", Value::text_of(kind)), (member, message)];
            written(protocol, Value::map(fields))
        }
    };
    let mut response = respond(protocol, error.status, body, id);
    if matches!(
        protocol,
        Protocol::CloudWatchCbor | Protocol::CloudWatchJson
    ) && let Ok(value) = HeaderValue::try_from(format!("{};{side}", error.query_code))
    {
        let name = HeaderName::from_static("x-amzn-query-error");
        response.headers_mut().insert(name, value);
    }
    response
}

/// The web page of a proxy that could not reach the service.
pub fn web_page() -> Response<Body> {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center>\
                <h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    let html = HeaderValue::from_static("text/html");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

/// A response with status 200 and no body.
pub fn nothing(protocol: Protocol, id: &str) -> Response<Body> {
    respond(protocol, 200, Vec::new(), id)
}

/// The same response, of which the connection brings only the first half.
pub async fn cut(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await;
    let whole = whole.unwrap_or_default();
    let length = HeaderValue::from(whole.len().max(2));
    parts.headers.insert(CONTENT_LENGTH, length);
    let half = whole.slice(..whole.len() / 2);
    let first = stream::once(async move { Ok::<Bytes, std::io::Error>(half) });
    let end = stream::once(async {
        // Lets the first half out before the connection ends.
        tokio::task::yield_now().await;
        Err(std::io::ErrorKind::ConnectionReset.into())
    });
    Response::from_parts(parts, Body::from_stream(first.chain(end)))
}

/// Text with the five characters that mean something in XML replaced.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

fn written(protocol: Protocol, tree: Value) -> Vec<u8> {
    match protocol {
        Protocol::CloudWatchCbor => cbor::encode(&tree).unwrap_or_default(),
        _ => tree.into_json().to_string().into_bytes(),
    }
}

fn respond(protocol: Protocol, status: u16, body: Vec<u8>, id: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = match protocol {
        Protocol::EcsJson => "application/x-amz-json-1.1",
        Protocol::CloudWatchJson => "application/x-amz-json-1.0",
        Protocol::CloudWatchCbor => "application/cbor",
        Protocol::StsQuery => "text/xml",
        Protocol::Ec2Query => "text/xml;charset=UTF-8",
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if protocol == Protocol::CloudWatchCbor {
        let name = HeaderName::from_static("smithy-protocol");
        headers.insert(name, HeaderValue::from_static("rpc-v2-cbor"));
    }
    response
}
