//! The per-task mode: a sidecar that makes its ECS task a host on Mackerel and posts what the
//! task's containers use, in the place of mackerel-container-agent.
//!
//! Four things go on side by side until a signal comes: the task is read once a minute
//! (`reading`), the user's programs are run (`program`), the host is kept on Mackerel
//! (`membership`), and what waits is sent (`sending`). They share a `Sidecar`.

pub mod setting;

pub mod endpoint;
pub mod machine;
pub mod metadata;
pub mod network;
pub mod stats;

pub mod check;
pub mod meter;
pub mod plugin;
pub mod probe;

pub mod graph;
pub mod host;
pub mod identity;
pub mod queue;

pub mod clock;
mod membership;
mod program;
mod reading;
mod sending;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use crate::mackerel::client::Client;
use crate::mackerel::error::Error;
use crate::mackerel::payload::GraphDef;
use crate::model::calls::Calls;
use crate::model::id::HostId;
use crate::transport::Transport;
use clock::Clock;
use endpoint::Endpoint;
use machine::Machine;
use metadata::Task;
use meter::Sample;
use plugin::round::Report;
use queue::Queue;
use reading::Readings;
use setting::Setting;

/// How much of the grace time is kept for the retirement of the host, at most.
const KEPT_FOR_RETIREMENT: Duration = Duration::from_secs(5);

/// What the mode needs of the world.
#[derive(Debug)]
pub struct Setup {
    /// What the user wants, now and whenever it changes.
    pub settings: watch::Receiver<Arc<Setting>>,
    /// The task metadata endpoint.
    pub endpoint: Endpoint,
    /// The machine as it is seen from here.
    pub machine: Machine,
    /// What the environment says of the platform, `AWS_EXECUTION_ENV`.
    pub execution: Option<String>,
    /// The way to Mackerel.
    pub transport: Transport,
    /// The time.
    pub clock: Clock,
}

/// Lives with the task until the first signal, and then leaves within the grace time: a last
/// reading, what waits is sent, the host is retired. A second signal leaves at once.
pub async fn run(setup: Setup, mut stop: watch::Receiver<u32>) {
    let sidecar = Sidecar::new(setup);
    let life = async {
        tokio::join!(
            sidecar.read_minutes(),
            sidecar.run_programs(),
            sidecar.belong(),
            sidecar.send_for_ever(),
        )
    };
    tokio::select! {
        _ = life => {}
        _ = stop.wait_for(|signals| *signals >= 1) => {}
    }
    let grace = sidecar.setting().grace;
    tracing::info!(grace_s = grace.as_secs(), "stopping");
    let by = Instant::now() + grace;
    tokio::select! {
        _ = timeout_at(by, sidecar.leave(by, grace)) => {}
        _ = stop.wait_for(|signals| *signals >= 2) => {}
    }
    match sidecar.queue.borrow().points() {
        0 => tracing::info!("stopped"),
        unsent => tracing::warn!(unsent, "stopped before all was sent"),
    }
}

/// What the parts share. All live on one thread; nothing is borrowed over a wait.
struct Sidecar {
    settings: watch::Receiver<Arc<Setting>>,
    endpoint: Endpoint,
    machine: Machine,
    execution: Option<String>,
    transport: Transport,
    clock: Clock,
    calls: Calls,
    /// The task as it was last told; none before the endpoint has answered.
    task: watch::Sender<Option<Arc<Task>>>,
    /// The host; none before it is registered.
    host: watch::Sender<Option<HostId>>,
    /// Whether a host may have been made whose id never reached us.
    has_begun_to_register: Cell<bool>,
    readings: RefCell<Readings>,
    queue: RefCell<Queue>,
    /// Something was put into the queue.
    arrived: Notify,
    /// The host has turned out to be gone.
    gone: Notify,
    /// How the plugins' metrics are drawn, by the graphs' names.
    graphs: RefCell<BTreeMap<String, GraphDef>>,
    /// There are new ones.
    defined: Notify,
    /// What was last complained about, by topic.
    complaints: RefCell<BTreeMap<&'static str, String>>,
}

impl Sidecar {
    fn new(setup: Setup) -> Self {
        Sidecar {
            settings: setup.settings,
            endpoint: setup.endpoint,
            machine: setup.machine,
            execution: setup.execution,
            transport: setup.transport,
            clock: setup.clock,
            calls: Calls::default(),
            task: watch::Sender::new(None),
            host: watch::Sender::new(None),
            has_begun_to_register: Cell::new(false),
            readings: RefCell::default(),
            queue: RefCell::default(),
            arrived: Notify::new(),
            gone: Notify::new(),
            graphs: RefCell::default(),
            defined: Notify::new(),
            complaints: RefCell::default(),
        }
    }

    fn setting(&self) -> Arc<Setting> {
        Arc::clone(&self.settings.borrow())
    }

    fn client(&self) -> Result<Client, Error> {
        let setting = self.setting();
        let (base, key) = (&setting.api_base, setting.api_key.reveal());
        Client::new(self.transport.clone(), base, key, self.calls.clone())
    }

    fn add_points(&self, samples: Vec<Sample>) {
        let now = self.clock.now().time.timestamp();
        self.queue.borrow_mut().add_points(samples, now);
        self.arrived.notify_one();
    }

    fn add_reports(&self, reports: Vec<Report>) {
        let now = self.clock.now().time.timestamp();
        self.queue.borrow_mut().add_reports(reports, now);
        self.arrived.notify_one();
    }

    /// Logs a complaint when it is new, and not again while it stays the same.
    fn complain(&self, topic: &'static str, complaint: String) {
        let mut complaints = self.complaints.borrow_mut();
        if complaints.get(topic) != Some(&complaint) {
            tracing::warn!("{complaint}");
            complaints.insert(topic, complaint);
        }
    }

    /// Says that what was complained about is over.
    fn is_fine(&self, topic: &'static str) {
        if let Some(complaint) = self.complaints.borrow_mut().remove(topic) {
            tracing::info!("no longer: {complaint}");
        }
    }

    /// Does what is left to do at the end.
    async fn leave(&self, by: Instant, grace: Duration) {
        let sent_by = by - KEPT_FOR_RETIREMENT.min(grace / 3);
        let last = async {
            self.read().await;
            self.send_the_rest().await;
        };
        let _ = timeout_at(sent_by, last).await;
        if self.setting().retire {
            self.retire(by).await;
        }
    }
}
