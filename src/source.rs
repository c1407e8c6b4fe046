//! Fetches a configuration's text from wherever it is: a file, a web server, or S3.

use std::path::PathBuf;
use std::time::Duration;

use crate::aws::object::{self, Object};
use crate::transport::Transport;

/// How long an answer may take; what is wanted is small, and a start waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How large a configuration may be, in bytes.
const LIMIT: usize = 1 << 20;

/// The Region that is tried first where the environment names none; S3 tells the right one.
const FIRST_REGION: &str = "ap-northeast-1";

/// Where a configuration is.
#[derive(Debug, Clone, PartialEq)]
pub enum Location {
    /// A file.
    File(PathBuf),
    /// A web server, by the whole URL.
    Web(String),
    /// An object of S3.
    Object {
        /// The bucket.
        bucket: String,
        /// The key without a slash in front.
        key: String,
    },
}

impl Location {
    /// Reads a path, `http://`, `https://`, `s3://` or `file://`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => (String::new(), text),
        };
        match scheme.as_str() {
            "" | "file" => Ok(Location::File(rest.into())),
            "http" | "https" => match text.parse::<http::Uri>() {
                Ok(url) if url.host().is_some() => Ok(Location::Web(text.to_owned())),
                _ => Err(format!("is `{}`, which is no URL", bare(text))),
            },
            "s3" => match rest.split_once('/') {
                Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                    Ok(Location::Object {
                        bucket: bucket.to_owned(),
                        key: key.to_owned(),
                    })
                }
                _ => Err(format!("is `{text}`, but must be s3://BUCKET/KEY")),
            },
            _ => Err(format!(
                "is `{}`, but must be a file or begin with http://, https:// or s3://",
                bare(text)
            )),
        }
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        matches!(self, Location::File(_))
    }

    /// What it is called in messages: without user, password and query, which may be secrets.
    pub fn name(&self) -> String {
        match self {
            Location::File(path) => path.display().to_string(),
            Location::Web(url) => bare(url),
            Location::Object { bucket, key } => format!("s3://{bucket}/{key}"),
        }
    }
}

/// A URL without what may be secret in it.
fn bare(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = authority.rsplit('@').next().unwrap_or_default();
            let slash = if rest.contains('/') { "/" } else { "" };
            format!("{scheme}://{host}{slash}{path}")
        }
        None => url.to_owned(),
    }
}

/// Reads the whole text. Of the environment only the variables count that name S3's Region and
/// endpoint; credentials come from where the AWS SDK finds them.
pub async fn fetch(
    location: &Location,
    transport: &Transport,
    environment: &[(String, String)],
) -> Result<String, String> {
    let result = match location {
        Location::File(path) => read_file(path),
        Location::Web(url) => get(url, transport).await,
        Location::Object { bucket, key } => {
            let set = |names: &[&str]| {
                names.iter().find_map(|name| {
                    let found = environment.iter().find(|(key, _)| key == name);
                    found
                        .map(|(_, value)| value.as_str())
                        .filter(|v| !v.is_empty())
                })
            };
            let object = Object {
                bucket,
                key,
                endpoint: set(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
                region: set(&["AWS_REGION", "AWS_DEFAULT_REGION"]).unwrap_or(FIRST_REGION),
            };
            object::read(transport, object, TIMEOUT, LIMIT).await
        }
    };
    let name = location.name();
    let bytes = result.map_err(|why| format!("can't read {name}: {why}"))?;
    String::from_utf8(bytes).map_err(|_| format!("can't read {name}: it is not text in UTF-8"))
}

fn read_file(path: &std::path::Path) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let limit = LIMIT as u64;
    std::fs::File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    match bytes.len() > LIMIT {
        true => Err(format!("it is larger than {} MiB", LIMIT >> 20)),
        false => Ok(bytes),
    }
}

/// Anything but a 200 is an error: the page that tells of it is no configuration.
async fn get(url: &str, transport: &Transport) -> Result<Vec<u8>, String> {
    let request = http::Request::get(url)
        .header(
            "User-Agent",
            concat!("mackerel-ecs/", env!("CARGO_PKG_VERSION")),
        )
        .body(Vec::new())
        .map_err(|_| "it is no URL".to_owned())?;
    let answer = transport.send_bounded(request, TIMEOUT, LIMIT).await;
    let answer = answer.map_err(|error| error.to_string())?;
    match answer.status() {
        http::StatusCode::OK if answer.body().trim_ascii_start().starts_with(b"<") => {
            Err("it is a web page, no YAML; check the URL, and whether it wants a login".to_owned())
        }
        http::StatusCode::OK => Ok(answer.into_body()),
        status => Err(format!(
            "the server answered {}; check the URL, and who may read it",
            status.as_u16()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(Location, &str), &str>) {
        let parsed = Location::parse(text);
        match expected {
            Ok((location, name)) => {
                assert_eq!(parsed.as_ref(), Ok(&location));
                assert_eq!(location.name(), name);
            }
            Err(part) => {
                let message = parsed.unwrap_err();
                assert!(message.contains(part), "{message}");
            }
        }
    }

    #[test]
    fn a_location_is_a_path_or_a_url() {
        let file = |path: &str| Location::File(path.into());
        check(
            "/etc/agent.yml",
            Ok((file("/etc/agent.yml"), "/etc/agent.yml")),
        );
        check("file:///etc/a.yml", Ok((file("/etc/a.yml"), "/etc/a.yml")));
        check("agent.yml", Ok((file("agent.yml"), "agent.yml")));
        let object = Location::Object {
            bucket: "b".into(),
            key: "a/c.yml".into(),
        };
        check("s3://b/a/c.yml", Ok((object, "s3://b/a/c.yml")));
        check("s3://b", Err("must be s3://BUCKET/KEY"));
        check("ftp://x/y", Err("must be a file or begin with"));
        check("https://", Err("no URL"));
    }

    #[test]
    fn secrets_of_a_url_are_not_in_its_name() {
        let url = "https://me:canary@conf.example/a.yml?sig=canary";
        let location = Location::Web(url.into());
        check(url, Ok((location, "https://conf.example/a.yml")));
        check("gopher://me:canary@x/?canary", Err("is `gopher://x/`"));
    }
}
