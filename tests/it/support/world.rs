//! A world in which a poller works: a simulated AWS and a local Mackerel on ports of their own,
//! with one clock for both, which stands still until the test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use mackerel_ecs::aws::{Access, Keys};
use mackerel_ecs::config::Config;
use mackerel_ecs::config::load::{Sources, load};
use mackerel_ecs::demo::aws::SimulatedAws;
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::options::{Lateness, Options as AwsOptions};
use mackerel_ecs::demo::mackerel::LocalMackerel;
use mackerel_ecs::demo::mackerel::fault::{Fault as MackerelFault, FaultKind as MackerelFaultKind};
use mackerel_ecs::demo::mackerel::option::{
    ApiKey, DuplicateIdentifiers, Journaling, Options as MackerelOptions, UnknownHosts,
};
use mackerel_ecs::demo::mackerel::store::Storage;
use mackerel_ecs::demo::serve::serve;
use mackerel_ecs::mackerel::client::Client as MackerelClient;
use mackerel_ecs::model::calls::Calls;
use mackerel_ecs::poller::Poller;
use mackerel_ecs::report::Report;
use mackerel_ecs::transport::Transport;

use super::program::{Program, each_minute};

/// The account of the tests' fleets.
pub const ACCOUNT: &str = "111122223333";

/// Their Region.
pub const REGION: &str = "ap-northeast-1";

/// The key of the local Mackerel; a word that is looked for wherever no secret may be.
pub const API_KEY: &str = "canary-mackerel-key";

/// The secret access key; likewise.
pub const SECRET_KEY: &str = "canary-aws-secret";

/// 2026-11-22 12:00:00 UTC, when the clock of most worlds stands at first.
pub const NOON: i64 = 1_795_348_800;

/// The stand-ins.
pub struct World {
    /// The simulated AWS.
    pub aws: SimulatedAws,
    /// The local Mackerel.
    pub mackerel: LocalMackerel,
    /// Where the simulated AWS listens.
    pub aws_url: String,
    /// Where the local Mackerel listens.
    pub mackerel_url: String,
    clock: Clock,
}

#[derive(Clone)]
enum Clock {
    /// Seconds since the Unix epoch, for the test to move.
    Set(Arc<AtomicI64>),
    /// The real time, for runs of the program.
    Real,
}

impl Clock {
    fn now(&self) -> DateTime<Utc> {
        match self {
            Clock::Set(seconds) => at(seconds.load(Ordering::SeqCst)),
            Clock::Real => real_now(),
        }
    }

    fn shared(&self) -> Arc<dyn Fn() -> DateTime<Utc> + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// A moment in seconds since the Unix epoch.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// A local Mackerel on a port of its own, and its URL.
pub async fn local_mackerel(
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    change: impl FnOnce(MackerelOptions) -> MackerelOptions,
) -> (LocalMackerel, String) {
    let mackerel = mackerel_in_memory(clock, change);
    let address = serve(mackerel.router(), 0).await.unwrap();
    (mackerel, format!("http://{address}"))
}

/// A local Mackerel that is on no port.
pub fn mackerel_in_memory(
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    change: impl FnOnce(MackerelOptions) -> MackerelOptions,
) -> LocalMackerel {
    let mut options = MackerelOptions::new(clock, vec![ApiKey::read_write(API_KEY)]);
    options.journal = Journaling::On;
    LocalMackerel::open(&Storage::Memory, change(options)).unwrap()
}

/// The program between an AWS and a Mackerel.
pub fn program(arguments: &str, aws_url: &str, mackerel_url: &str) -> Program {
    Program::new(arguments)
        .env("AWS_ENDPOINT_URL", aws_url)
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "AKIATEST")
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("MACKEREL_APIBASE", mackerel_url)
        .env("MACKEREL_APIKEY", API_KEY)
}

/// The real time.
pub fn real_now() -> DateTime<Utc> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the program under test lives in it"
    )]
    Utc::now()
}

impl World {
    /// A world whose clock stands at [`NOON`], and whose CloudWatch shows each minute as soon as it
    /// is over.
    pub async fn new(fleet: Fleet) -> Self {
        Self::build(
            fleet,
            Clock::Set(Arc::new(AtomicI64::new(NOON))),
            |o| o,
            |o| o,
        )
        .await
    }

    /// The same, but a minute is seen from its start and fills up while it lasts and after.
    pub async fn filling(fleet: Fleet) -> Self {
        let lateness = Lateness {
            settled_after: 150,
            jitter: 20,
            ..Lateness::LIVE
        };
        let clock = Clock::Set(Arc::new(AtomicI64::new(NOON)));
        Self::build(fleet, clock, |o| o.lateness(lateness), |o| o).await
    }

    /// The same as [`World::new`], with a Mackerel that refuses a custom identifier that is in use,
    /// or one that makes a second host of it.
    pub async fn with_duplicate_identifiers(fleet: Fleet, refused: bool) -> Self {
        let clock = Clock::Set(Arc::new(AtomicI64::new(NOON)));
        let option = |mut options: MackerelOptions| {
            options.duplicate_identifiers = match refused {
                true => DuplicateIdentifiers::Refuse,
                false => DuplicateIdentifiers::Accept,
            };
            options
        };
        Self::build(fleet, clock, |o| o, option).await
    }

    /// The same as [`World::new`], with a Mackerel that takes points for a retired host without a
    /// word, and drops them.
    pub async fn silent_on_retired_hosts(fleet: Fleet) -> Self {
        let clock = Clock::Set(Arc::new(AtomicI64::new(NOON)));
        let option = |mut options: MackerelOptions| {
            options.unknown_hosts = UnknownHosts::Ignore;
            options
        };
        Self::build(fleet, clock, |o| o, option).await
    }

    /// A world in the real time, for runs of the program.
    pub async fn real(fleet: Fleet) -> Self {
        Self::build(fleet, Clock::Real, |o| o, |o| o).await
    }

    /// A world in the real time with other options.
    pub async fn real_with(
        fleet: Fleet,
        aws: impl FnOnce(AwsOptions) -> AwsOptions,
        mackerel: impl FnOnce(MackerelOptions) -> MackerelOptions,
    ) -> Self {
        Self::build(fleet, Clock::Real, aws, mackerel).await
    }

    async fn build(
        fleet: Fleet,
        clock: Clock,
        aws: impl FnOnce(AwsOptions) -> AwsOptions,
        mackerel: impl FnOnce(MackerelOptions) -> MackerelOptions,
    ) -> Self {
        let options = AwsOptions::new(clock.shared()).lateness(Lateness::SETTLED);
        let aws = SimulatedAws::new(fleet, aws(options));
        let (mackerel, mackerel_url) = local_mackerel(clock.shared(), mackerel).await;
        let aws_address = serve(aws.router(), 0).await.unwrap();
        World {
            aws,
            mackerel,
            aws_url: format!("http://{aws_address}"),
            mackerel_url,
            clock,
        }
    }

    /// The time in this world.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the clock.
    pub fn pass(&self, seconds: i64) {
        match &self.clock {
            Clock::Set(clock) => clock.fetch_add(seconds, Ordering::SeqCst),
            Clock::Real => panic!("the real time passes by itself"),
        };
    }

    /// Has Mackerel answer everything with 503 until its faults are cleared.
    pub fn mackerel_is_down(&self) {
        self.mackerel.inject(MackerelFault {
            method: None,
            path_prefix: "/api".into(),
            kind: MackerelFaultKind::Status {
                code: 503,
                retry_after: None,
                body: String::new(),
            },
            times: None,
        });
    }

    /// The program with this world as its AWS and its Mackerel.
    pub fn program(&self, arguments: &str) -> Program {
        program(arguments, &self.aws_url, &self.mackerel_url).config("")
    }

    /// A poller in this process, configured by YAML, as fast as may be unless that says otherwise.
    pub fn poller(&self, yaml: &str) -> Poller {
        let config = match yaml.contains("aws:") {
            true => self.config(yaml),
            false => self.config(&format!("aws: {{rate_share: off}}\n{yaml}")),
        };
        let access = self.access(&config);
        let mackerel = MackerelClient::new(
            access.transport.clone(),
            &config.mackerel.api_base,
            API_KEY,
            access.calls.clone(),
        );
        Poller::new(config, access, Some(mackerel.unwrap()))
    }

    /// How this world's AWS is reached.
    pub fn access(&self, config: &Config) -> Access {
        Access {
            transport: Transport::network(),
            calls: Calls::default(),
            local: Some(Keys {
                endpoint: self.aws_url.clone(),
                region: REGION.to_owned(),
                access_key_id: "AKIATEST".to_owned(),
            }),
            rate_share: config.aws.rate_share,
            clock: None,
        }
    }

    /// What YAML means in this world.
    pub fn config(&self, yaml: &str) -> Config {
        let environment = [
            ("MACKEREL_ECS_CONFIG_YAML", each_minute(yaml).as_str()),
            ("MACKEREL_APIKEY", API_KEY),
            ("MACKEREL_APIBASE", &self.mackerel_url),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sources = Sources {
            file: None,
            environment: &environment,
            flags: Vec::new(),
        };
        load(&sources, true).unwrap()
    }

    /// Polls once at this world's time.
    pub async fn poll(&self, poller: &mut Poller) -> Report {
        poller.tick(self.now(), None).await
    }

    /// The id of the host of this name; there must be one that is not retired.
    #[track_caller]
    pub fn host(&self, name: &str) -> String {
        let hosts = self.mackerel.hosts();
        let mut named = hosts
            .iter()
            .filter(|host| host.name == name && host.retired_at.is_none());
        match (named.next(), named.next()) {
            (Some(host), None) => host.id.clone(),
            (None, _) => panic!("no host {name}"),
            _ => panic!("several hosts {name}"),
        }
    }

    /// The points of a metric of the host of this name, oldest first.
    #[track_caller]
    pub fn points(&self, host: &str, metric: &str) -> Vec<(i64, f64)> {
        self.mackerel.points(&self.host(host), metric)
    }
}

/// One call to the local Mackerel's API as a person's tool makes it. It must succeed.
pub async fn api(
    world: &World,
    method: &str,
    path: &str,
    body: serde_json::Value,
) -> serde_json::Value {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{}/api/v0/{path}", world.mackerel_url))
        .header("X-Api-Key", API_KEY)
        .header("Content-Type", "application/json")
        .body(match body {
            serde_json::Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        })
        .unwrap();
    let timeout = std::time::Duration::from_secs(10);
    let answer = Transport::network().send(request, timeout).await.unwrap();
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    assert!(answer.status().is_success(), "{method} {path}: {text}");
    serde_json::from_str(&text).unwrap()
}
