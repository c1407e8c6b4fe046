//! A sidecar in this process, between a simulated task metadata endpoint and a local Mackerel, in
//! virtual time.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mackerel_ecs::demo::mackerel::LocalMackerel;
use mackerel_ecs::demo::mackerel::fault::{Fault, FaultKind};
use mackerel_ecs::demo::mackerel::store::host::StoredHost;
use mackerel_ecs::demo::task::SimulatedTasks;
use mackerel_ecs::demo::task::model::{Container, NetworkMode, Platform, Task};
use mackerel_ecs::task::clock::Clock;
use mackerel_ecs::task::endpoint::{Endpoint, Location};
use mackerel_ecs::task::machine::Machine;
use mackerel_ecs::task::setting::Setting;
use mackerel_ecs::task::setting::load::Loader;
use mackerel_ecs::task::{self, Setup};
use mackerel_ecs::transport::Transport;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::support::router;
use crate::support::world::{API_KEY, NOON, at, mackerel_in_memory};

/// Where the stand-ins seem to be.
const METADATA_URL: &str = "http://metadata.sim";
const MACKEREL_URL: &str = "http://mackerel.sim";

/// What CPU usage of the container `app` is called.
pub const APP_CPU: &str = "container.cpu.app.usage";

/// The stand-ins of a task and what its sidecar is told.
pub struct Place {
    /// The local Mackerel.
    pub mackerel: LocalMackerel,
    /// The simulated endpoint.
    pub tasks: SimulatedTasks,
    /// The environment of the sidecar.
    pub environment: Vec<(String, String)>,
    /// Which version of the endpoint it finds.
    pub version: &'static str,
    network: Transport,
    started: Instant,
}

/// A sidecar that runs.
pub struct Sidecar {
    settings: watch::Sender<Arc<Setting>>,
    stop: watch::Sender<u32>,
    task: tokio::task::JoinHandle<()>,
}

/// A task on Fargate that has been running for a minute.
pub fn fargate() -> Task {
    let began = at(NOON) - TimeDelta::seconds(60);
    Task::new("web", Platform::Fargate, NetworkMode::Awsvpc, began)
        .container(Container::new("app", 0.2, 200).limited(512))
        .container(Container::new("sidecar", 0.01, 10))
}

impl Place {
    /// A place for tasks at noon. Must be made with tokio's clock paused.
    pub fn new(tasks: Vec<Task>) -> Self {
        let started = Instant::now();
        let clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync> =
            Arc::new(move || time_since(started));
        let mackerel = mackerel_in_memory(clock.clone(), |options| options);
        let tasks = SimulatedTasks::new(tasks, clock);
        let network = router::transport([
            ("metadata.sim", tasks.router()),
            ("mackerel.sim", mackerel.router()),
        ]);
        let environment = [
            ("MACKEREL_CONTAINER_PLATFORM", "ecs"),
            ("MACKEREL_APIKEY", API_KEY),
            ("MACKEREL_APIBASE", MACKEREL_URL),
            ("MACKEREL_HOST_ID_STORE", "memory"),
        ];
        Place {
            mackerel,
            tasks,
            environment: environment
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            version: "v4",
            network,
            started,
        }
    }

    /// The time at this place, in seconds since noon.
    pub fn seconds(&self) -> i64 {
        time_since(self.started).timestamp() - NOON
    }

    /// Sets a variable of the sidecar's environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(other, _)| other != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// What the environment sets.
    pub async fn setting(&self) -> Setting {
        let loader = Loader::new(&self.environment, self.network.clone()).unwrap();
        loader.load().await.unwrap().setting
    }

    /// Starts the sidecar of a task. Must be called within a `LocalSet`.
    pub async fn start(&self, id: &str) -> Sidecar {
        self.start_with(id, self.setting().await)
    }

    /// Starts the sidecar of a task with another setting than the environment's.
    pub fn start_with(&self, id: &str, setting: Setting) -> Sidecar {
        let (settings, receiver) = watch::channel(Arc::new(setting));
        let (stop, stopped) = watch::channel(0);
        let base = format!("{METADATA_URL}/{}/{id}", self.version);
        let location = match self.version {
            "v2" => Location::version_2(&format!("{METADATA_URL}/v2")),
            "v3" => Location::find(&[("ECS_CONTAINER_METADATA_URI".into(), base)]),
            _ => Location::find(&[("ECS_CONTAINER_METADATA_URI_V4".into(), base)]),
        };
        let started = self.started;
        let setup = Setup {
            settings: receiver,
            endpoint: Endpoint::new(location, self.network.clone()),
            machine: Machine::new("/nonexistent"),
            execution: Some("AWS_ECS_FARGATE".to_owned()),
            transport: self.network.clone(),
            clock: Clock::new(move || time_since(started), 1),
        };
        Sidecar {
            settings,
            stop,
            task: tokio::task::spawn_local(task::run(setup, stopped)),
        }
    }

    /// The hosts that are not retired.
    pub fn living(&self) -> Vec<StoredHost> {
        let mut hosts = self.mackerel.hosts();
        hosts.retain(|host| host.retired_at.is_none());
        hosts
    }

    /// The one host that is not retired.
    #[track_caller]
    pub fn host(&self) -> StoredHost {
        let mut hosts = self.living();
        assert_eq!(hosts.len(), 1, "{hosts:#?}");
        hosts.remove(0)
    }

    /// The minutes after noon of which a host has points of a metric.
    pub fn minutes(&self, host: &str, metric: &str) -> Vec<i64> {
        let points = self.mackerel.points(host, metric);
        points.iter().map(|(time, _)| (time - NOON) / 60).collect()
    }

    /// Lets a call to Mackerel hang from now on.
    pub fn hang(&self, method: &str, path: &str) {
        self.mackerel.inject(Fault {
            method: Some(method.to_owned()),
            path_prefix: format!("/api/v0{path}"),
            kind: FaultKind::Hang,
            times: None,
        });
    }

    /// A person's call to Mackerel, which must succeed.
    pub async fn call(&self, method: &str, path: &str) -> serde_json::Value {
        self.call_with(method, path, "{}").await
    }

    /// Makes a host as somebody else.
    pub async fn create_host(&self, body: &str) -> String {
        let answer = self.call_with("POST", "/hosts", body).await;
        answer["id"].as_str().unwrap().to_owned()
    }

    async fn call_with(&self, method: &str, path: &str, body: &str) -> serde_json::Value {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{MACKEREL_URL}/api/v0{path}"))
            .header("X-Api-Key", API_KEY)
            .header("Content-Type", "application/json")
            .body(body.as_bytes().to_vec())
            .unwrap();
        let timeout = Duration::from_secs(10);
        let answer = self.network.send(request, timeout).await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}");
        serde_json::from_slice(answer.body()).unwrap()
    }

    /// Lets a call to Mackerel fail with a status from now on.
    pub fn fail(&self, method: &str, path: &str, code: u16, times: Option<u32>) {
        self.mackerel.inject(Fault {
            method: Some(method.to_owned()),
            path_prefix: format!("/api/v0{path}"),
            kind: FaultKind::Status {
                code,
                retry_after: None,
                body: r#"{"error":{"message":"injected"}}"#.to_owned(),
            },
            times,
        });
    }
}

impl Sidecar {
    /// Changes the setting while it runs.
    pub fn change(&self, setting: Setting) {
        self.settings.send_replace(Arc::new(setting));
    }

    /// Sends the first signal and waits for the end.
    pub async fn stop(self) {
        self.stop.send_replace(1);
        self.task.await.unwrap();
    }

    /// Ends it as SIGKILL does.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Lets the time pass.
pub async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Runs a test whose sidecars live on its own thread.
pub async fn locally<T>(test: impl Future<Output = T>) -> T {
    tokio::task::LocalSet::new().run_until(test).await
}

fn time_since(started: Instant) -> DateTime<Utc> {
    at(NOON) + started.elapsed()
}
