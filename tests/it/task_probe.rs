//! Readiness probes against real servers and programs.

use std::time::Duration;

use mackerel_ecs::config::yaml;
use mackerel_ecs::task::probe::Probe;
use mackerel_ecs::task::setting::read::read;
use tokio::net::TcpListener;

use crate::support::web::{Web, text};

/// The probe of a file that says this of it.
fn probe(written: &str) -> Probe {
    let file = format!("apikey: k\nreadinessProbe: {written}\n");
    let environment = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    let loaded = read(yaml::parse("agent.yml", &file).unwrap(), &environment).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    loaded.setting.readiness_probe.unwrap()
}

#[track_caller]
fn expect(result: Result<(), String>, expected: Result<(), &str>) {
    match (&result, expected) {
        (Ok(()), Ok(())) => {}
        (Err(why), Err(part)) if why.contains(part) => {}
        _ => panic!("{result:?}, but expected {expected:?}"),
    }
}

#[tokio::test]
async fn http_is_ready_from_200_to_399() {
    let web = Web::start(|head, _| {
        let status = head.uri.path().trim_start_matches('/').parse().unwrap();
        text(status, "x".repeat(3 << 20))
    })
    .await;
    let port = web.url.rsplit(':').next().unwrap();
    for (status, expected) in [
        (200, Ok(())),
        (204, Ok(())),
        (302, Ok(())),
        (399, Ok(())),
        (404, Err("/404: the answer is 404")),
        (500, Err("/500: the answer is 500")),
    ] {
        let probe = probe(&format!(
            "{{http: {{host: 127.0.0.1, port: {port}, path: /{status}}}, timeoutSeconds: 10}}"
        ));
        expect(probe.ready().await, expected);
    }
    let free = probe("{http: {host: 127.0.0.1, port: 1, path: /}, timeoutSeconds: 10}");
    expect(free.ready().await, Err("GET http://127.0.0.1:1/: "));
}

#[tokio::test]
async fn http_asks_as_it_is_told() {
    let web = Web::start(|_, _| text(200, "")).await;
    let port = web.url.rsplit(':').next().unwrap();
    let probe = probe(&format!(
        "{{timeoutSeconds: 10, http: {{method: head, host: 127.0.0.1, port: {port}, path: 'ok?a=b', \
         headers: [{{name: Host, value: a.example}}, {{name: X-A, value: '1'}}, \
         {{name: X-A, value: '2'}}]}}}}"
    ));
    probe.ready().await.unwrap();
    let asked = web.asked().remove(0);
    assert_eq!(asked.method, "HEAD");
    assert_eq!(asked.uri, "/ok?a=b");
    assert_eq!(asked.headers["host"], "a.example");
    let own: Vec<_> = asked.headers.get_all("x-a").iter().collect();
    assert_eq!(own, ["1", "2"]);
    let agent = asked.headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("mackerel-ecs/"), "{agent}");
}

#[tokio::test]
async fn http_goes_through_a_proxy_where_it_is_told_to() {
    let proxy = Web::start(|_, _| text(200, "")).await;
    let probe = probe(&format!(
        "{{http: {{host: app.invalid, path: /ok, proxy: '{}'}}, timeoutSeconds: 10}}",
        proxy.url
    ));
    probe.ready().await.unwrap();
    assert_eq!(proxy.asked()[0].uri, "http://app.invalid/ok");
}

#[tokio::test]
async fn tcp_is_ready_where_somebody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let probe = probe(&format!(
        "{{tcp: {{host: 127.0.0.1, port: {port}}}, timeoutSeconds: 10}}"
    ));
    expect(probe.ready().await, Ok(()));
    drop(listener);
    expect(
        probe.ready().await,
        Err(&format!("connection to 127.0.0.1:{port}: ")),
    );
}

#[tokio::test]
async fn exec_is_ready_where_the_program_ends_well() {
    let exec = |command: &str| {
        probe(&format!(
            "{{exec: {{command: [sh, -c, '{command}']}}, timeoutSeconds: 10}}"
        ))
    };
    expect(exec("true").ready().await, Ok(()));
    expect(
        exec("echo no >&2; exit 3").ready().await,
        Err("exit status 3, and \"no\" on standard error"),
    );
    let mut slow = exec("sleep 1000");
    let mackerel_ecs::task::probe::Attempt::Exec(command) = &mut slow.attempt else {
        panic!("{slow:?}");
    };
    command.timeout = Duration::from_millis(100);
    expect(slow.ready().await, Err("no end in time"));
}

/// The first try comes after the delay, the others a period apart, until one succeeds.
#[tokio::test]
async fn waiting_goes_on_until_a_try_succeeds() {
    let web = Web::start(|_, before| text(if before < 3 { 503 } else { 200 }, "")).await;
    let port = web.url.rsplit(':').next().unwrap();
    let mut probe = probe(&format!(
        "{{http: {{host: 127.0.0.1, port: {port}, path: /}}, timeoutSeconds: 10}}"
    ));
    probe.period = Duration::from_millis(1);
    probe.initial_delay = Duration::from_millis(1);
    probe.wait().await;
    assert_eq!(web.asked().len(), 4);
}
