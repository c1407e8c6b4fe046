//! Configurations from elsewhere than a file: web servers, and S3 as moto has it.

use http::StatusCode;
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::source::{Location, fetch};
use mackerel_ecs::transport::Transport;
use serde_json::json;

use crate::support::moto::{Moto, botocore_signature};
use crate::support::program::Program;
use crate::support::web::{Web, text};
use crate::support::world::{ACCOUNT, REGION, SECRET_KEY, World, program};

/// Reads from a URL, with nothing set in the environment.
async fn read(url: &str) -> Result<String, String> {
    let location = Location::parse(url).unwrap();
    fetch(&location, &Transport::direct(None).unwrap(), &[]).await
}

#[tokio::test]
async fn a_web_server_s_answer_counts_only_where_it_is_one() {
    let web = Web::start(|head, _| match head.uri.path() {
        "/agent.yml" => text(200, "memo: a\n"),
        "/large" => text(200, "#".repeat((1 << 20) + 1)),
        "/bytes" => axum::response::Response::new(vec![0xff, 0xfe].into()),
        "/moved" => text(302, "memo: b\n"),
        _ => text(404, "memo: not found\n"),
    })
    .await;
    assert_eq!(
        read(&format!("{}/agent.yml", web.url)).await.unwrap(),
        "memo: a\n"
    );
    let host = web.url.strip_prefix("http://").unwrap();
    for (path, why) in [
        (
            "none.yml?token=canary",
            "the server answered 404; check the URL, and who may read it",
        ),
        (
            "moved",
            "the server answered 302; check the URL, and who may read it",
        ),
        ("large", "the answer is larger than 1 MiB"),
        ("bytes", "it is not text in UTF-8"),
    ] {
        let error = read(&format!("http://me:canary@{host}/{path}"))
            .await
            .unwrap_err();
        assert!(error.ends_with(why), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
    let error = read("http://127.0.0.1:1/agent.yml").await.unwrap_err();
    assert!(
        error.starts_with("can't read http://127.0.0.1:1/agent.yml: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_has_a_bound_too() {
    let error = read("/dev/zero").await.unwrap_err();
    assert_eq!(error, "can't read /dev/zero: it is larger than 1 MiB");
}

/// Puts an object into a new bucket of moto.
async fn put(bucket: &str, key: &str, body: &str) {
    let transport = Transport::direct(None).unwrap();
    for (path, body) in [(bucket.to_owned(), ""), (format!("{bucket}/{key}"), body)] {
        let request = http::Request::put(format!("{}/{path}", Moto::shared().url()))
            .body(body.as_bytes().to_vec())
            .unwrap();
        let answer = transport
            .send(request, std::time::Duration::from_secs(60))
            .await;
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn the_poller_is_configured_from_s3() {
    put(
        "poller",
        "prod/ecs%20poller.yaml",
        "clusters: {include: [web]}\n",
    )
    .await;
    put("typo", "ecs.yaml", "\ncluster: {}\n").await;
    let fleet = Fleet::new(ACCOUNT)
        .cluster(REGION, Cluster::fargate("web"))
        .cluster(REGION, Cluster::fargate("other"));
    let world = World::real(fleet).await;
    let moto = Moto::shared().url();
    world
        .program("poll --once --output json")
        .without("MACKEREL_ECS_CONFIG_YAML")
        .env("AWS_ENDPOINT_URL_S3", moto)
        .env("MACKEREL_ECS_CONFIG", "s3://poller/prod/ecs poller.yaml")
        .run()
        .await
        .expect_status(0);
    assert_eq!(world.mackerel.hosts().len(), 1);
    for (name, said) in [
        (
            "s3://typo/ecs.yaml",
            "mackerel-ecs: s3://typo/ecs.yaml:2:1: unknown key `cluster`",
        ),
        (
            "s3://typo/none.yaml",
            "flag --config: can't read s3://typo/none.yaml: S3 answered 404 (NoSuchKey); is the \
             bucket's and the key's name right?",
        ),
        ("s3://no-such-bucket/a", "S3 answered 404 (NoSuchBucket)"),
        (
            "s3://typo",
            "flag --config: is `s3://typo`, but must be s3://BUCKET/KEY",
        ),
    ] {
        let program = program(&format!("poll --once --config {name}"), moto, moto);
        program.run().await.expect_status(2).expect_said(said);
    }
}

/// A program that is to read its configuration from this server in the place of S3.
fn reader(web: &Web, location: &str) -> Program {
    program("poll --once", "http://127.0.0.1:1", "http://127.0.0.1:1")
        .env("AWS_ENDPOINT_URL_S3", &web.url)
        .env("AWS_SESSION_TOKEN", "canary-token")
        .env("MACKEREL_ECS_CONFIG", location)
}

#[tokio::test]
async fn the_signature_is_the_one_that_botocore_makes() {
    let web = Web::start(|_, _| text(200, "none: 1")).await;
    let ended = reader(&web, "s3://my.bucket/a b/ü+(1)~.yml").run().await;
    ended.expect_status(2).expect_said("unknown key `none`");
    let asked = web.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].uri.path(),
        "/my.bucket/a%20b/%C3%BC%2B%281%29~.yml"
    );
    let header = |name: &str| asked[0].headers[name].to_str().unwrap();
    let signature = botocore_signature(&json!({
        "url": format!("{}{}", web.url, asked[0].uri),
        "region": "ap-northeast-1",
        "keyId": "AKIATEST",
        "secret": SECRET_KEY,
        "token": "canary-token",
        "date": header("x-amz-date"),
    }));
    let plain = |text: &str| text.replace(", ", ",");
    assert_eq!(plain(header("authorization")), plain(&signature.unwrap()));
    assert_eq!(header("x-amz-security-token"), "canary-token");
}

#[tokio::test]
async fn a_bucket_elsewhere_is_asked_in_its_own_region() {
    let named = |status: u16| {
        let mut answer = text(status, "<Error><Code>PermanentRedirect</Code></Error>");
        let region = http::HeaderValue::from_static("eu-west-1");
        answer.headers_mut().insert("x-amz-bucket-region", region);
        answer
    };
    let at_once = Web::start(move |_, before| match before {
        0 => named(301),
        _ => text(200, "none: 1"),
    })
    .await;
    let at_head = Web::start(move |_, before| match before {
        0 => text(
            400,
            "<Error><Code>AuthorizationHeaderMalformed</Code></Error>",
        ),
        1 => named(301),
        _ => text(200, "none: 1"),
    })
    .await;
    for (web, methods) in [(at_once, "GET GET"), (at_head, "GET HEAD GET")] {
        let ended = reader(&web, "s3://bucket/key").run().await;
        ended.expect_status(2).expect_said("unknown key `none`");
        let asked = web.asked();
        let words: Vec<&str> = asked.iter().map(|head| head.method.as_str()).collect();
        assert_eq!(words.join(" "), methods);
        let last = asked.last().unwrap().headers["authorization"]
            .to_str()
            .unwrap();
        assert!(last.contains("/eu-west-1/s3/aws4_request"), "{last}");
    }
}

#[tokio::test]
async fn a_refusal_of_s3_says_what_to_grant_and_no_secret() {
    let web = Web::start(|_, _| text(403, "<Error><Code>AccessDenied</Code></Error>")).await;
    let ended = reader(&web, "s3://bucket/key").run().await.expect_status(2);
    let ended = ended.expect_said(
        "environment variable MACKEREL_ECS_CONFIG: can't read s3://bucket/key: S3 answered 403 \
         (AccessDenied); grant s3:GetObject on it to the task role",
    );
    assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
    let without = reader(&web, "s3://bucket/key")
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    let ended = without.run().await.expect_status(2);
    ended.expect_said("no AWS credentials, which the task role would give");
}
