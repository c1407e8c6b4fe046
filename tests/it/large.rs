//! A large account, whose services can't all be described in each poll: ECS's documented rates are
//! enforced, time is virtual, and what is judged is what Mackerel received and what AWS was asked.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::Body;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use mackerel_ecs::aws::{Access, Clock, Keys};
use mackerel_ecs::config::load::{Sources, load};
use mackerel_ecs::demo::aws::SimulatedAws;
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::options::{Lateness, Options as AwsOptions};
use mackerel_ecs::demo::mackerel::LocalMackerel;
use mackerel_ecs::demo::mackerel::option::{ApiKey, Options as MackerelOptions};
use mackerel_ecs::demo::mackerel::store::Storage;
use mackerel_ecs::mackerel::client::Client as MackerelClient;
use mackerel_ecs::model::calls::Calls;
use mackerel_ecs::poller::Poller;
use mackerel_ecs::transport::Transport;
use serde_json::Value;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::support::world::{ACCOUNT, API_KEY, NOON, REGION, at};

/// How long an answer takes.
const ANSWER: Duration = Duration::from_millis(30);

/// Minutes from the beginning at which things change.
const CREATED: i64 = 24;
const ZEROED: i64 = 27;
const DELETED: i64 = 29;
const END: i64 = 50;

/// From when on each settled minute must have its count, and how many minutes before the end that is
/// no longer due.
const WELL: i64 = 5;

/// How many polls at first read back an hour of everything, and may take longer than a minute.
const FIRST: u32 = 10;

/// An estate and what its poller is allowed.
struct Case {
    clusters: usize,
    services_each: usize,
    rate_share: f64,
    /// Over how many polls a pass may be spread, and must be.
    polls: std::ops::RangeInclusive<i64>,
}

fn minute(after: i64) -> DateTime<Utc> {
    at(NOON) + TimeDelta::minutes(after)
}

/// Services of all kinds: most of them steady.
fn service(number: usize) -> Service {
    let name = format!("s{number:05}");
    match number % 25 {
        3 => Service::stopped(&name, 2),
        7 => Service::steady(&name, 2).twenty_seconds(),
        11 => Service::scale_to_zero(&name, 3, minute(ZEROED)),
        13 => Service::steady(&name, 1).created_at(minute(CREATED)),
        17 => Service::steady(&name, 2).deleted_at(minute(DELETED)),
        other => Service::steady(&name, 1 + other as u32 % 3),
    }
}

fn fleet(case: &Case) -> Fleet {
    (0..case.clusters).fold(Fleet::new(ACCOUNT), |fleet, place| {
        let first = place * case.services_each;
        let cluster = Cluster::fargate(&format!("c{place:03}"));
        let services = first..first + case.services_each;
        fleet.cluster(
            REGION,
            services.map(service).fold(cluster, Cluster::service),
        )
    })
}

/// What the network saw.
#[derive(Default)]
struct Seen {
    /// Counts of tasks that Mackerel was sent, by service and minute: how many run.
    running: HashMap<String, BTreeMap<i64, f64>>,
    /// When each service was described, in seconds from the beginning.
    described: BTreeMap<String, Vec<i64>>,
    throttled: usize,
}

/// A network without sockets, with ears.
#[derive(Clone)]
struct Network {
    aws: Router,
    mackerel: Router,
    began: Instant,
    seen: Arc<Mutex<Seen>>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let network = self.clone();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(ANSWER).await;
            Ok(network.answer(request).await)
        })
    }
}

impl Network {
    async fn answer(&self, request: HttpRequest) -> HttpResponse {
        let request = request.try_into_http1x().unwrap();
        let body = request.body().bytes().unwrap().to_vec();
        let target = request.headers().get("x-amz-target");
        let describes = target.is_some_and(|name| name.as_bytes().ends_with(b".DescribeServices"));
        if describes {
            let input: Value = serde_json::from_slice(&body).unwrap();
            let second = self.began.elapsed().as_secs() as i64;
            let mut seen = self.seen.lock().unwrap();
            for arn in input["services"].as_array().unwrap() {
                let name = arn.as_str().unwrap().rsplit('/').next().unwrap();
                let times = seen.described.entry(name.to_owned()).or_default();
                times.push(second);
            }
        }
        let is_mackerel = request.uri().host() == Some("mackerel.sim");
        let (parts, _) = request.into_parts();
        // Points are looked at here, for the millions of them would take the store its time.
        if is_mackerel && parts.uri.path() == "/api/v0/tsdb" {
            self.receive(&body);
            return answer(StatusCode::OK, b"{\"success\":true}".to_vec());
        }
        let router = match is_mackerel {
            true => self.mackerel.clone(),
            false => self.aws.clone(),
        };
        let request = http::Request::from_parts(parts, Body::from(body));
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        if parts.status == StatusCode::BAD_REQUEST && !is_mackerel {
            assert!(
                String::from_utf8_lossy(&body).contains("hrottl"),
                "{body:?}"
            );
            self.seen.lock().unwrap().throttled += 1;
        }
        let mut response = http::Response::new(SdkBody::from(body.to_vec()));
        *response.status_mut() = parts.status;
        *response.headers_mut() = parts.headers;
        HttpResponse::try_from(response).unwrap()
    }

    fn receive(&self, body: &[u8]) {
        let points: Vec<Value> = serde_json::from_slice(body).unwrap();
        let mut seen = self.seen.lock().unwrap();
        for point in points {
            let name = point["name"].as_str().unwrap();
            let Some(rest) = name.strip_prefix("custom.ecs.running_task.") else {
                continue;
            };
            if let Some(service) = rest.strip_suffix(".count") {
                let time = (point["time"].as_i64().unwrap() - NOON) / 60;
                let value = point["value"].as_f64().unwrap();
                let before = seen
                    .running
                    .entry(service.to_owned())
                    .or_default()
                    .insert(time, value);
                assert!(
                    before.is_none_or(|before| before == value),
                    "{name} at {time}"
                );
            }
        }
    }
}

fn answer(status: StatusCode, body: Vec<u8>) -> HttpResponse {
    let mut response = http::Response::new(SdkBody::from(body));
    *response.status_mut() = status;
    HttpResponse::try_from(response).unwrap()
}

/// Polls each minute for an hour; gives what was seen. Each report must tell of the spread and of
/// nothing else.
async fn drive(case: &Case) -> Seen {
    let began = Instant::now();
    let time = move || at(NOON) + TimeDelta::milliseconds(began.elapsed().as_millis() as i64);
    let mut options = AwsOptions::new(Arc::new(time)).lateness(Lateness::SETTLED);
    options.most_events = 0;
    let aws = SimulatedAws::new(fleet(case), options.limited());
    let options = MackerelOptions::new(Arc::new(time), vec![ApiKey::read_write(API_KEY)]);
    let mackerel = LocalMackerel::open(&Storage::Memory, options).unwrap();
    let network = Network {
        aws: aws.router(),
        mackerel: mackerel.router(),
        began,
        seen: Arc::default(),
    };
    let yaml = format!(
        "aws: {{rate_share: {}}}\ncloudwatch: {{interval: 1m}}\nhost: {{retire_after: 10m}}\n\
         metrics: {{profile: compact}}\npoll: {{lookback: 10m}}\n",
        case.rate_share
    );
    let environment = [
        ("MACKEREL_ECS_CONFIG_YAML", yaml.as_str()),
        ("MACKEREL_APIKEY", API_KEY),
        ("MACKEREL_APIBASE", "http://mackerel.sim"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let sources = Sources {
        file: None,
        environment: &environment,
        flags: Vec::new(),
    };
    let config = load(&sources, true).unwrap();
    let access = Access {
        transport: Transport::over(network.clone()),
        calls: Calls::default(),
        local: Some(Keys {
            endpoint: "http://aws.sim".to_owned(),
            region: REGION.to_owned(),
            access_key_id: "AKIATEST".to_owned(),
        }),
        rate_share: config.rate_share(),
        clock: Some(Clock(Arc::new(move || SystemTime::from(time())))),
    };
    let client = MackerelClient::new(
        access.transport.clone(),
        &config.mackerel.api_base,
        API_KEY,
        access.calls.clone(),
    );
    let mut poller = Poller::new(config, access, Some(client.unwrap()));
    for number in 0..END as u32 {
        let start = began + Duration::from_secs(5) + Duration::from_secs(60) * number;
        tokio::time::sleep_until(start).await;
        let report = poller
            .tick(time(), Some(start + Duration::from_secs(59)))
            .await;
        let told: Vec<&str> = report.troubles.iter().map(|one| &*one.message).collect();
        if number < FIRST && told.iter().any(|one| one.contains("takes longer than")) {
            continue;
        }
        let polls = match told[..] {
            [one] => spread(one).unwrap_or_else(|| panic!("minute {number}: {one}")),
            _ => panic!("minute {number}: {told:?}"),
        };
        assert!(case.polls.contains(&polls), "{told:?}");
        assert_eq!(report.outcome().exit_status(), 0);
        assert_eq!(report.clusters.len(), case.clusters);
    }
    let retired = mackerel
        .hosts()
        .iter()
        .filter(|host| host.retired_at.is_some())
        .count();
    assert_eq!(retired, 0);
    assert_eq!(mackerel.hosts().len(), case.clusters);
    std::mem::take(&mut *network.seen.lock().unwrap())
}

/// Over how many polls a report says that the services are described.
fn spread(message: &str) -> Option<i64> {
    let (_, rest) = message.split_once("all of them in about ")?;
    rest.split_once(':')?.0.parse().ok()
}

fn judge(case: &Case, seen: &Seen) {
    assert_eq!(seen.throttled, 0, "AWS throttled");
    let none = BTreeMap::new();
    // So late may a service be described for the first time, or again, in seconds.
    let late = (case.polls.end() + 1) * 60;
    let restored_after = 1 + (10).max(*case.polls.end()) + case.polls.end();
    for number in 0..case.clusters * case.services_each {
        let service = service(number);
        let name = &*service.name;
        let running = seen.running.get(name).unwrap_or(&none);
        let truth = |minute: i64| service.counts(at(NOON + minute * 60)).running as f64;
        let (from, to) = match number % 25 {
            13 => (CREATED, END),
            17 => (0, DELETED),
            _ => (0, END),
        };
        let times = seen
            .described
            .get(name)
            .unwrap_or_else(|| panic!("{name} was never seen"));
        let bounds = [&[from * 60], &times[..], &[to * 60]].concat();
        for pair in bounds.windows(2) {
            let gone = pair[0] >= to * 60;
            assert!(gone || pair[1] - pair[0] <= late, "{name}: {times:?}");
        }
        for pair in times.windows(2) {
            assert!(
                pair[1] - pair[0] >= 30,
                "{name} was described twice: {times:?}"
            );
        }
        for minute in from.max(WELL)..(to - restored_after).max(from) {
            let posted = running.get(&minute).copied();
            match truth(minute) {
                // Only a look at the service tells that nothing runs.
                0.0 => assert!(
                    matches!(posted, None | Some(0.0)),
                    "{name} at {minute}: {posted:?}"
                ),
                // In this minute the simulated tasks stop.
                _ if number % 25 == 11 && minute >= ZEROED - 1 => {}
                expected => assert_eq!(
                    posted,
                    Some(expected),
                    "{name} at {minute}: {:?} {times:?}",
                    running.keys()
                ),
            }
        }
        for (minute, value) in running {
            let lives = (from..=to).contains(minute) || from == 0 && *minute < to;
            assert!(lives, "{name} has {value} at {minute}");
            assert!(
                *value != 0.0 || truth(*minute) == 0.0,
                "{name}: a false zero at {minute}"
            );
        }
        if number % 25 == 11 {
            let zero = |minute: i64| running.get(&minute) == Some(&0.0);
            let told = (ZEROED..=ZEROED + late / 60).any(zero);
            assert!(told, "{name}: that nothing runs was not told");
        }
    }
}

fn check(case: &Case) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let seen = runtime.block_on(drive(case));
    judge(case, &seen);
}

#[test]
fn services_are_described_in_parts() {
    check(&Case {
        clusters: 8,
        services_each: 25,
        rate_share: 0.01,
        polls: 4..=8,
    });
}

/// The same with ECS's documented rates at their default share.
#[test]
#[ignore = "it takes minutes; `make simulate-large` runs it"]
fn twenty_thousand_services() {
    check(&Case {
        clusters: 40,
        services_each: 500,
        rate_share: 0.5,
        polls: 5..=9,
    });
}
