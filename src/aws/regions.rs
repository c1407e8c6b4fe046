//! Which Regions are enabled in an account: DescribeRegions of EC2, the one call that tells it with one
//! permission that every partition and VPC endpoint has. The SDK's client of EC2 would be larger than
//! the whole program, so that the call is made and its answer read here.

use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use http::header::CONTENT_TYPE;
use http::{Request, Response};

use super::connect::Access;
use super::error::{Error, Kind, of_credentials};
use super::sign::{Scope, signed};
use crate::pace::backoff::Backoff;

const ACTION: &str = "ec2:DescribeRegions";

/// Without `AllRegions` the answer has those that are enabled: for every account, or opted in.
const BODY: &str = "Action=DescribeRegions&Version=2016-11-15";

const TIMEOUT: Duration = Duration::from_secs(8);

/// As often as the SDK tries a call.
const SCHEDULE: Backoff = Backoff {
    first: Duration::from_secs(1),
    most: Duration::from_secs(4),
    attempts: 3,
};

/// The Regions that are enabled in the account of a configuration, by name. `home` is the one that is
/// asked.
pub(super) async fn enabled(
    config: &SdkConfig,
    home: &str,
    access: &Access,
) -> Result<Vec<String>, Error> {
    let mut failed = 0;
    loop {
        let error = match ask(config, home, access).await {
            Ok(regions) => return Ok(regions),
            Err(error) => error,
        };
        failed += 1;
        let passing = matches!(error.kind, Kind::Passing | Kind::Throttled);
        match SCHEDULE.wait(failed, None, fastrand::f64()) {
            Some(wait) if passing => tokio::time::sleep(wait).await,
            _ => return Err(error),
        }
    }
}

async fn ask(config: &SdkConfig, home: &str, access: &Access) -> Result<Vec<String>, Error> {
    let (Some(provider), Some(clock)) = (config.credentials_provider(), config.time_source())
    else {
        return Err(Error::new(
            Kind::Setup,
            ACTION,
            "there are no AWS credentials",
        ));
    };
    let credentials = provider.provide_credentials().await;
    let credentials = credentials.map_err(|error| of_credentials(ACTION, &error))?;
    let rejected = |why: String| Error::new(Kind::Rejected, ACTION, format!("{ACTION}: {why}"));
    let request = Request::post(endpoint(config, home))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(BODY.as_bytes().to_vec())
        .map_err(|error| rejected(error.to_string()))?;
    let scope = Scope {
        service: "ec2",
        region: home,
        time: clock.now(),
    };
    let request = signed(request, scope, &credentials).map_err(rejected)?;
    access.calls.add(ACTION);
    let answer = access.transport.send(request, TIMEOUT).await;
    let answer = answer.map_err(|error| {
        let message = format!(
            "can't reach AWS for {ACTION}; check the network (security group, NAT or VPC endpoints, \
             proxy) and AWS_ENDPOINT_URL, or name the target's `regions`"
        );
        Error {
            detail: Some(error.to_string()),
            ..Error::new(Kind::Passing, ACTION, message)
        }
    })?;
    read(&answer)
}

/// The endpoint that the SDK's own settings name for EC2, else AWS's.
fn endpoint(config: &SdkConfig, region: &str) -> String {
    let key = ServiceConfigKey::builder()
        .service_id("EC2")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok();
    let of_service = config
        .service_config()
        .zip(key)
        .and_then(|(settings, key)| settings.load_config(key));
    let named = of_service.or_else(|| config.endpoint_url().map(str::to_owned));
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    let url = named.unwrap_or_else(|| format!("https://ec2.{region}.{domain}"));
    format!("{}/", url.trim_end_matches('/'))
}

fn read(answer: &Response<Vec<u8>>) -> Result<Vec<String>, Error> {
    let body = String::from_utf8_lossy(answer.body());
    let status = answer.status();
    if !status.is_success() {
        let code = elements(&body, "Code").next().unwrap_or_default();
        let said = elements(&body, "Message").next();
        let request = elements(&body, "RequestID").next();
        return Err(Error::of_answer(
            ACTION,
            &code,
            status.as_u16(),
            said,
            request.map(|id| format!("request id {id}")),
        ));
    }
    let is_name = |name: &String| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !name.is_empty() && name.chars().all(fits)
    };
    let mut regions: Vec<String> = elements(&body, "regionName").filter(is_name).collect();
    regions.sort();
    if regions.is_empty() {
        let message = format!(
            "{ACTION} got an answer (HTTP {}) that is not AWS's; check the proxy and AWS_ENDPOINT_URL",
            status.as_u16()
        );
        return Err(Error::new(Kind::Passing, ACTION, message));
    }
    Ok(regions)
}

/// The texts of all elements of a name, the few characters that XML escapes put back.
fn elements(xml: &str, name: &str) -> impl Iterator<Item = String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str())
        .skip(1)
        .filter_map(move |rest| Some(rest.split_once(close.as_str())?.0.to_owned()))
        .map(|text| {
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&apos;", "'")
                .replace("&amp;", "&")
        })
        .collect::<Vec<String>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expected: Result<&[&str], (Kind, &str)>) {
        let answer = Response::builder().status(status);
        let answer = answer.body(body.as_bytes().to_vec()).unwrap();
        let read = read(&answer);
        match (read, expected) {
            (Ok(regions), Ok(expected)) => assert_eq!(regions, expected),
            (Err(error), Err((kind, part))) => {
                assert_eq!(error.kind, kind, "{error}");
                let whole = format!("{error} {}", error.detail.as_deref().unwrap_or_default());
                assert!(whole.contains(part), "{whole}");
            }
            (read, expected) => panic!("{read:?} is not {expected:?}"),
        }
    }

    /// The shapes are those of the EC2 API Reference (DescribeRegions, "API error response").
    #[test]
    fn answers_are_read() {
        check(
            200,
            "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
             <requestId>1</requestId><regionInfo>\
             <item><regionName>us-east-1</regionName>\
             <regionEndpoint>ec2.us-east-1.amazonaws.com</regionEndpoint></item>\
             <item><regionName>eu-west-1</regionName></item></regionInfo>\
             </DescribeRegionsResponse>",
            Ok(&["eu-west-1", "us-east-1"]),
        );
        let refused = |code: &str| {
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>No &quot;you&quot; may \
                 not.</Message></Error></Errors><RequestID>7</RequestID></Response>"
            )
        };
        check(
            403,
            &refused("UnauthorizedOperation"),
            Err((Kind::Denied, "No \"you\" may not.; request id 7")),
        );
        check(
            503,
            &refused("RequestLimitExceeded"),
            Err((Kind::Throttled, "throttled")),
        );
        check(
            401,
            &refused("AuthFailure"),
            Err((Kind::Setup, "does not accept the credentials")),
        );
        check(200, "<html></html>", Err((Kind::Passing, "not AWS's")));
    }

    #[test]
    fn the_endpoint_is_that_of_the_region_or_the_one_that_is_set() {
        let plain = SdkConfig::builder().build();
        let of = |region| endpoint(&plain, region);
        assert_eq!(of("eu-west-1"), "https://ec2.eu-west-1.amazonaws.com/");
        assert_eq!(of("cn-north-1"), "https://ec2.cn-north-1.amazonaws.com.cn/");
        let set = SdkConfig::builder()
            .endpoint_url("http://127.0.0.1:1")
            .build();
        assert_eq!(endpoint(&set, "eu-west-1"), "http://127.0.0.1:1/");
    }
}
