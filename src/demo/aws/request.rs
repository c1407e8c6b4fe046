//! From an HTTP request to an operation and its input, whichever protocol it came in.

use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::demo::aws::cbor;
use crate::demo::aws::error::AwsError;
use crate::demo::aws::value::Value;

const ECS_TARGET: &str = "AmazonEC2ContainerServiceV20141113";
const CLOUDWATCH_TARGET: &str = "GraniteServiceVersion20100801";
/// The version of the API, by which a form of EC2 is told from one of STS.
const EC2_VERSION: &str = "2016-11-15";

/// A wire protocol, which also tells the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// ECS: JSON 1.1.
    EcsJson,
    /// CloudWatch: Smithy RPC v2 CBOR.
    CloudWatchCbor,
    /// CloudWatch: JSON 1.0.
    CloudWatchJson,
    /// STS: forms and XML.
    StsQuery,
    /// EC2: likewise, with another form of XML.
    Ec2Query,
}

impl Protocol {
    /// The name of the service in a signature's scope.
    pub fn signing_name(self) -> &'static str {
        match self {
            Protocol::EcsJson => "ecs",
            Protocol::CloudWatchCbor | Protocol::CloudWatchJson => "monitoring",
            Protocol::StsQuery => "sts",
            Protocol::Ec2Query => "ec2",
        }
    }

    /// The status of a refusal for want of authority.
    pub fn refusal_status(self) -> u16 {
        match self {
            Protocol::EcsJson => 400,
            _ => 403,
        }
    }

    fn iam_prefix(self) -> &'static str {
        match self {
            Protocol::EcsJson => "ecs",
            Protocol::CloudWatchCbor | Protocol::CloudWatchJson => "cloudwatch",
            Protocol::StsQuery => "sts",
            Protocol::Ec2Query => "ec2",
        }
    }
}

/// An operation that is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// ECS ListClusters.
    ListClusters,
    /// ECS DescribeClusters.
    DescribeClusters,
    /// ECS ListServices.
    ListServices,
    /// ECS DescribeServices.
    DescribeServices,
    /// ECS DescribeServiceRevisions.
    DescribeServiceRevisions,
    /// CloudWatch GetMetricData.
    GetMetricData,
    /// CloudWatch GetMetricStatistics.
    GetMetricStatistics,
    /// CloudWatch ListMetrics.
    ListMetrics,
    /// STS GetCallerIdentity.
    GetCallerIdentity,
    /// STS AssumeRole.
    AssumeRole,
    /// EC2 DescribeRegions.
    DescribeRegions,
}

impl Operation {
    fn find(action: &str) -> Option<Operation> {
        Some(match action {
            "ecs:ListClusters" => Operation::ListClusters,
            "ecs:DescribeClusters" => Operation::DescribeClusters,
            "ecs:ListServices" => Operation::ListServices,
            "ecs:DescribeServices" => Operation::DescribeServices,
            "ecs:DescribeServiceRevisions" => Operation::DescribeServiceRevisions,
            "cloudwatch:GetMetricData" => Operation::GetMetricData,
            "cloudwatch:GetMetricStatistics" => Operation::GetMetricStatistics,
            "cloudwatch:ListMetrics" => Operation::ListMetrics,
            "sts:GetCallerIdentity" => Operation::GetCallerIdentity,
            "sts:AssumeRole" => Operation::AssumeRole,
            "ec2:DescribeRegions" => Operation::DescribeRegions,
            _ => return None,
        })
    }
}

/// A request as it was typed, before anything is decided about it.
#[derive(Debug)]
pub struct Request<'a> {
    /// How it was written.
    pub protocol: Protocol,
    /// The IAM action: the service and the operation's name, known or not.
    pub action: String,
    /// Whom and where the signature names, or why it does not.
    pub credential: Result<Credential<'a>, AwsError>,
    body: &'a [u8],
}

/// The credential scope of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential<'a> {
    /// The access key id.
    pub access_key: &'a str,
    /// The region.
    pub region: &'a str,
}

impl<'a> Request<'a> {
    /// Reads the request line, the headers and what else tells the operation.
    pub fn read(parts: &'a Parts, body: &'a [u8]) -> Request<'a> {
        let (protocol, operation) = protocol(parts, body);
        Request {
            protocol,
            action: format!("{}:{operation}", protocol.iam_prefix()),
            credential: credential(&parts.headers, protocol),
            body,
        }
    }

    /// The operation. Errors: there is none of this name.
    pub fn operation(&self) -> Result<Operation, AwsError> {
        let status = match self.protocol {
            Protocol::CloudWatchCbor => 404,
            _ => 400,
        };
        let name = self.action.split(':').nth(1).unwrap_or_default();
        let known = Operation::find(&self.action);
        known.ok_or_else(|| AwsError::unknown_operation(status, name))
    }

    /// The input. Errors: it is not of the protocol's format, or not a structure.
    pub fn input(&self) -> Result<Value, AwsError> {
        let value = match self.protocol {
            _ if self.body.is_empty() => Value::Map(Vec::new()),
            Protocol::CloudWatchCbor => cbor::decode(self.body)
                .map_err(|error| AwsError::malformed(format!("invalid CBOR: {error}")))?,
            Protocol::EcsJson | Protocol::CloudWatchJson => serde_json::from_slice(self.body)
                .map(Value::from_json)
                .map_err(|error| AwsError::malformed(format!("invalid JSON: {error}")))?,
            Protocol::StsQuery | Protocol::Ec2Query => Value::Map(
                form(self.body)
                    .map(|(name, value)| (name.into(), Value::text_of(value)))
                    .collect(),
            ),
        };
        match value {
            Value::Map(_) => Ok(value),
            _ => Err(AwsError::malformed("the input is not a structure".into())),
        }
    }
}

fn protocol(parts: &Parts, body: &[u8]) -> (Protocol, String) {
    let path = parts.uri.path();
    if path.starts_with("/service/") || header(&parts.headers, "smithy-protocol").is_some() {
        let call = path.strip_prefix("/service/");
        let operation = call.and_then(|call| {
            let (service, operation) = call.split_once("/operation/")?;
            (service == CLOUDWATCH_TARGET).then_some(operation)
        });
        let operation = operation.unwrap_or_default().to_owned();
        return (Protocol::CloudWatchCbor, operation);
    }
    match header(&parts.headers, "x-amz-target") {
        Some(target) => match target.split_once('.') {
            Some((ECS_TARGET, operation)) => (Protocol::EcsJson, operation.to_owned()),
            Some((CLOUDWATCH_TARGET, name)) => (Protocol::CloudWatchJson, name.to_owned()),
            _ => (Protocol::EcsJson, target.to_owned()),
        },
        None => {
            let field = |wanted: &str| {
                let found = form(body).find(|(name, _)| name == wanted);
                found.map(|(_, value)| value).unwrap_or_default()
            };
            let protocol = match field("Version").as_str() {
                EC2_VERSION => Protocol::Ec2Query,
                _ => Protocol::StsQuery,
            };
            (protocol, field("Action"))
        }
    }
}

fn credential(headers: &HeaderMap, protocol: Protocol) -> Result<Credential<'_>, AwsError> {
    let status = protocol.refusal_status();
    let Some(authorization) = header(headers, "authorization") else {
        return Err(AwsError::missing_token(status));
    };
    let scope = authorization
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .and_then(|rest| {
            rest.split(',')
                .map(str::trim)
                .find_map(|part| part.strip_prefix("Credential="))
        })
        .and_then(|scope| {
            let mut parts = scope.rsplit('/');
            let end = parts.next().filter(|end| *end == "aws4_request");
            let (service, region, _date) = (parts.next()?, parts.next()?, parts.next()?);
            end.and(parts.next())
                .map(|access_key| (service, Credential { access_key, region }))
        });
    match scope {
        None => Err(AwsError::incomplete_signature(
            status,
            format!(
                "Authorization header requires 'Credential' of five parts. Authorization={authorization}"
            ),
        )),
        Some((service, credential)) if service == protocol.signing_name() => Ok(credential),
        Some(_) => Err(AwsError::wrong_scope(status, protocol.signing_name())),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The fields of an `application/x-www-form-urlencoded` body.
fn form(body: &[u8]) -> impl Iterator<Item = (String, String)> + '_ {
    body.split(|byte| *byte == b'&').map(|field| {
        let mut halves = field.splitn(2, |byte| *byte == b'=');
        let mut half = || unescaped(halves.next().unwrap_or_default());
        (half(), half())
    })
}

fn unescaped(mut text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    loop {
        text = match text {
            [] => return String::from_utf8_lossy(&bytes).into_owned(),
            [b'%', high, low, rest @ ..] => {
                let digit = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0) as u8;
                bytes.push(digit(*high) * 16 + digit(*low));
                rest
            }
            [b'+', rest @ ..] => {
                bytes.push(b' ');
                rest
            }
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
}
