//! Reads one object of S3 into memory: a signed GET, sent again to the Region that S3 names where
//! the bucket turns out to be elsewhere.

use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_types::region::Region;
use http::{Request, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::sign::{Scope, signed};
use crate::transport::{Transport, chain};

/// Where S3 names the Region of a bucket.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// What may stand in a path as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where an object is.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key without a slash in front.
    pub key: &'a str,
    /// A server in the place of S3; none for S3 itself.
    pub endpoint: Option<&'a str>,
    /// The Region that is tried first.
    pub region: &'a str,
}

/// Reads an object of at most `limit` bytes with the credentials that the environment has. An error
/// says what was refused and what would mend it.
pub async fn read(
    transport: &Transport,
    object: Object<'_>,
    timeout: Duration,
    limit: usize,
) -> Result<Vec<u8>, String> {
    let (credentials, now) = credentials(transport, object.region).await?;
    let ask = |method: &'static str, region: String| {
        let request = request(method, object, &region, &credentials, now);
        async move {
            let answer = transport.send_bounded(request?, timeout, limit).await;
            answer.map_err(|error| error.to_string())
        }
    };
    let mut answer = ask("GET", object.region.to_owned()).await?;
    if answer.status() != StatusCode::OK {
        let region = match elsewhere(&answer, object.region) {
            Some(region) => Some(region),
            // Not every refusal names the Region; that of a HEAD does.
            None if answer.status() == StatusCode::BAD_REQUEST => {
                elsewhere(&ask("HEAD", object.region.to_owned()).await?, object.region)
            }
            None => None,
        };
        if let Some(region) = region {
            answer = ask("GET", region).await?;
        }
    }
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        status => Err(refusal(status, answer.body())),
    }
}

/// The credentials, and the time of day as the SDK has it.
async fn credentials(
    transport: &Transport,
    region: &str,
) -> Result<(Credentials, SystemTime), String> {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(transport.sdk_client())
        .region(Region::new(region.to_owned()))
        .load()
        .await;
    let (Some(provider), Some(clock)) = (config.credentials_provider(), config.time_source())
    else {
        return Err("there are no AWS credentials".into());
    };
    let credentials = provider.provide_credentials().await;
    let credentials = credentials.map_err(|error| {
        format!(
            "no AWS credentials, which the task role would give: {}",
            chain(&error)
        )
    })?;
    Ok((credentials, clock.now()))
}

/// A request with its signature.
fn request(
    method: &'static str,
    object: Object<'_>,
    region: &str,
    credentials: &Credentials,
    time: SystemTime,
) -> Result<Request<Vec<u8>>, String> {
    let request = Request::builder()
        .method(method)
        .uri(url(object, region))
        .body(Vec::new())
        .map_err(|error| error.to_string())?;
    let scope = Scope {
        service: "s3",
        region,
        time,
    };
    signed(request, scope, credentials)
}

/// The bucket is part of the host's name, where no certificate stands against it.
fn url(object: Object<'_>, region: &str) -> String {
    let Object { bucket, key, .. } = object;
    let key = utf8_percent_encode(key, KEPT);
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    match object.endpoint {
        Some(endpoint) => format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/')),
        None if bucket.contains('.') => format!("https://s3.{region}.{domain}/{bucket}/{key}"),
        None => format!("https://{bucket}.s3.{region}.{domain}/{key}"),
    }
}

/// The Region that an answer names, if it is another.
fn elsewhere(answer: &Response<Vec<u8>>, region: &str) -> Option<String> {
    let named = answer.headers().get(REGION_HEADER)?.to_str().ok()?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (named != region && !named.is_empty() && named.chars().all(is_name)).then(|| named.to_owned())
}

/// What a refusal says: S3's own code and what it mostly comes from.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let code = body
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map(|(code, _)| code.trim())
        .filter(|code| code.len() < 100 && code.chars().all(|c| c.is_ascii_alphanumeric()));
    let mend = match status {
        StatusCode::FORBIDDEN => "; grant s3:GetObject on it to the task role",
        StatusCode::NOT_FOUND => "; is the bucket's and the key's name right?",
        _ => "",
    };
    match code {
        Some(code) => format!("S3 answered {} ({code}){mend}", status.as_u16()),
        None => format!("S3 answered {}{mend}", status.as_u16()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bucket: &str, key: &str, endpoint: Option<&str>, region: &str, expected: &str) {
        let object = Object {
            bucket,
            key,
            endpoint,
            region,
        };
        assert_eq!(url(object, region), expected);
    }

    #[test]
    fn the_url_names_bucket_and_region() {
        check(
            "web",
            "a/b c+d.yml",
            None,
            "eu-west-1",
            "https://web.s3.eu-west-1.amazonaws.com/a/b%20c%2Bd.yml",
        );
        check(
            "web.example",
            "a",
            None,
            "cn-north-1",
            "https://s3.cn-north-1.amazonaws.com.cn/web.example/a",
        );
        check("web", "a", Some("http://x:1/"), "r", "http://x:1/web/a");
    }

    #[test]
    fn a_region_is_only_followed_where_it_is_a_name() {
        let answer = |region: &str| {
            let response = Response::builder().header(REGION_HEADER, region);
            response.body(Vec::new()).unwrap()
        };
        assert_eq!(
            elsewhere(&answer("eu-west-1"), "us-east-1").unwrap(),
            "eu-west-1"
        );
        assert_eq!(elsewhere(&answer("us-east-1"), "us-east-1"), None);
        assert_eq!(elsewhere(&answer("evil.example/"), "us-east-1"), None);
    }

    #[test]
    fn a_refusal_says_what_to_grant() {
        let text = refusal(
            StatusCode::FORBIDDEN,
            b"<Error><Code>AccessDenied</Code></Error>",
        );
        assert_eq!(
            text,
            "S3 answered 403 (AccessDenied); grant s3:GetObject on it to the task role"
        );
    }
}
