//! Keeps the task's host on Mackerel: found or made once the task has started, brought up to date
//! after five minutes, each hour and when the setting changes, retired at the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Sidecar;
use super::graph::graph_defs;
use super::host::{Extent, Surroundings, host_param, identifier, is_of_a_task};
use super::identity::IdFile;
use super::metadata::Task;
use super::setting::Setting;
use crate::mackerel::client::Client;
use crate::mackerel::error::{Error, Kind};
use crate::mackerel::payload::{Host, HostParam};
use crate::model::id::HostId;
use crate::pace::backoff::Backoff;
use crate::post::retry::retrying;

/// The waits while the task is starting: from a second to ten.
const STARTING: Backoff = Backoff {
    first: Duration::from_secs(3),
    most: Duration::from_secs(10),
    attempts: u32::MAX,
};

/// The waits while the host can't be registered.
const REGISTERING: Backoff = Backoff {
    first: Duration::from_secs(2),
    most: Duration::from_secs(600),
    attempts: u32::MAX,
};

/// The least wait after a refusal: somebody has to mend something first.
const REFUSED: Duration = Duration::from_secs(60);

/// When the host is brought up to date the first time, and again after a failure: all containers
/// have been started by then.
const FIRST_REFRESH: Duration = Duration::from_secs(5 * 60);

/// The time from then on.
const REFRESH: Duration = Duration::from_secs(60 * 60);

/// How long what is done besides may go on being tried.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every how many refreshes the graph definitions are posted again. Mackerel drops those with
/// wildcards after some six hours without points, as after an outage.
const GRAPHS_EVERY: u32 = 4;

impl Sidecar {
    /// Makes the task a host and keeps it one.
    pub(super) async fn belong(&self) {
        let mut settings = self.settings.clone();
        self.wait_for_start().await;
        wait_for_readiness(&mut settings).await;
        loop {
            let id = self.register(&mut settings).await;
            self.host.send_replace(Some(id.clone()));
            self.stay(&id, &mut settings).await;
            tracing::warn!(host = %id, "the host is gone from Mackerel; making a new one");
            self.host.send_replace(None);
            IdFile::of(&self.setting()).remove();
        }
    }

    /// Asks about the task until all its containers have been started.
    async fn wait_for_start(&self) {
        let mut asked = 0;
        loop {
            self.ask_task().await;
            let task = self.task.borrow().clone();
            if task.is_some_and(|task| task.has_started()) {
                return;
            }
            asked += 1;
            let wait = STARTING.wait(asked, Some(Duration::from_secs(1)), fastrand::f64());
            self.clock.sleep(wait.unwrap_or_default()).await;
        }
    }

    /// Registers the host, however long that takes.
    async fn register(&self, settings: &mut watch::Receiver<Arc<Setting>>) -> HostId {
        let mut failed = 0;
        loop {
            settings.mark_unchanged();
            let error = match self.try_to_register().await {
                Ok(id) => {
                    self.is_fine("register");
                    tracing::info!(host = %id, "the task is a host on Mackerel");
                    return id;
                }
                Err(error) => error,
            };
            failed += 1;
            let least = match error.kind {
                Kind::Passing { retry_after } => retry_after,
                _ => Some(REFUSED),
            };
            self.complain("register", format!("can't register the host: {error}"));
            let wait = REGISTERING.wait(failed, least, fastrand::f64());
            tokio::select! {
                () = self.clock.sleep(wait.unwrap_or_default()) => {}
                Ok(()) = settings.changed() => failed = 0,
            }
        }
    }

    async fn try_to_register(&self) -> Result<HostId, Error> {
        let (client, setting) = (self.client()?, self.setting());
        let task = self.task.borrow().clone().unwrap_or_default();
        let file = IdFile::of(&setting);
        let mut wanted = host_param(&task, &self.surroundings(), &setting, Extent::All);
        let mut found = find(&client, &file, &task).await?;
        if found.is_none() {
            self.has_begun_to_register.set(true);
            match client.create_host(&wanted).await {
                Ok(id) => return self.registered(&client, &file, id).await,
                // Somebody may have made it in between.
                Err(error) if error.kind == Kind::Rejected => {
                    found = find(&client, &file, &task).await?;
                    if found.is_none() {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let host = found.unwrap_or_default();
        keep_identifier(&mut wanted, &host);
        let id = HostId::new(&host.id);
        client.update_host(&id, &wanted).await?;
        self.registered(&client, &file, id).await
    }

    async fn registered(
        &self,
        client: &Client,
        file: &IdFile,
        id: HostId,
    ) -> Result<HostId, Error> {
        file.save(&id);
        if let Some(status) = self.setting().status_on_start {
            let by = Instant::now() + PATIENCE;
            let set = async || client.set_status(&id, status.as_str()).await;
            if let Err(error) = retrying(by, set).await {
                self.complain("status", format!("can't set the host's status: {error}"));
            }
        }
        Ok(id)
    }

    /// Keeps the host up to date until it turns out to be gone.
    async fn stay(&self, id: &HostId, settings: &mut watch::Receiver<Arc<Setting>>) {
        let mut told = self.setting();
        let mut refreshed = 0_u32;
        let mut graphs_are_due = true;
        let mut wait = FIRST_REFRESH;
        loop {
            if graphs_are_due {
                graphs_are_due = !self.post_graphs().await;
            }
            tokio::select! {
                () = self.clock.sleep(wait) => {}
                Ok(()) = settings.changed() => {}
                () = self.gone.notified() => {}
                () = self.defined.notified() => {
                    graphs_are_due = true;
                    continue;
                }
            }
            let setting = Arc::clone(&settings.borrow_and_update());
            self.ask_task().await;
            match self.update(id, &told, &setting).await {
                Ok(true) => self.is_fine("update"),
                Ok(false) => return,
                Err(error) => {
                    self.complain("update", format!("can't update the host: {error}"));
                    wait = FIRST_REFRESH;
                    continue;
                }
            }
            refreshed = refreshed.wrapping_add(1);
            wait = REFRESH;
            graphs_are_due |= told != setting || refreshed.is_multiple_of(GRAPHS_EVERY);
            told = setting;
        }
    }

    /// Tells Mackerel how the host is; all of it where the setting has changed. False where there
    /// is no such host any more.
    async fn update(&self, id: &HostId, told: &Setting, setting: &Setting) -> Result<bool, Error> {
        let client = self.client()?;
        let task = self.task.borrow().clone().unwrap_or_default();
        let Some(host) = client.host(id).await?.filter(|host| !host.is_retired) else {
            return Ok(false);
        };
        let extent = match told == setting {
            true => Extent::Facts,
            false => Extent::All,
        };
        let mut wanted = host_param(&task, &self.surroundings(), setting, extent);
        keep_identifier(&mut wanted, &host);
        client.update_host(id, &wanted).await?;
        // An update only adds roles. Those that the setting named before and does not any more go;
        // those that a person gave the host stay.
        let named = |setting: &Setting, name: &str| {
            let mut roles = setting.roles.iter();
            roles.any(|role| role.as_str() == name)
        };
        let is_over = |name: &String| named(told, name) && !named(setting, name);
        if host.role_fullnames().any(|name| is_over(&name)) {
            let left = host.role_fullnames().filter(|name| !is_over(name));
            let new = setting.roles.iter().map(|role| role.as_str().to_owned());
            let roles: Vec<String> = left.chain(new).collect();
            client.set_roles(id, &roles).await?;
        }
        Ok(true)
    }

    /// Says how the custom metrics are drawn. False where it has to be tried again.
    async fn post_graphs(&self) -> bool {
        let mut graphs = graph_defs(self.setting().extra_metrics);
        graphs.extend(self.graphs.borrow().values().cloned());
        if graphs.is_empty() {
            return true;
        }
        let posted = async {
            let (client, by) = (self.client()?, Instant::now() + PATIENCE);
            retrying(by, async || client.post_graph_defs(&graphs).await).await
        };
        match posted.await {
            Ok(()) => self.is_fine("graphs"),
            Err(error) => {
                let complaint = format!("can't post the graph definitions: {error}");
                self.complain("graphs", complaint);
                return !matches!(error.kind, Kind::Passing { .. });
            }
        }
        true
    }

    /// Retires the host, also one that was made without our knowing.
    pub(super) async fn retire(&self, by: Instant) {
        let retired = async {
            let client = self.client()?;
            let known = self.host.borrow().clone();
            let id = match known {
                Some(id) => Some(id),
                None if self.has_begun_to_register.get() => {
                    let task = self.task.borrow().clone().unwrap_or_default();
                    let found = async || by_identifier(&client, &task).await;
                    let found = retrying(by, found).await?;
                    found.map(|host| HostId::new(&host.id))
                }
                None => None,
            };
            if let Some(id) = id {
                retrying(by, async || client.retire_host(&id).await).await?;
                tracing::info!(host = %id, "the host is retired");
            }
            IdFile::of(&self.setting()).remove();
            Ok::<_, Error>(())
        };
        if let Err(error) = retired.await {
            tracing::error!("can't retire the host, which stays on Mackerel: {error}");
        }
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            execution: self.execution.clone(),
            cpus: self.machine.cpus(),
            interfaces: self.machine.interfaces(),
            machine_name: self.machine.name(),
        }
    }
}

/// Waits for the probe, if there is one; for another one as soon as that is set.
async fn wait_for_readiness(settings: &mut watch::Receiver<Arc<Setting>>) {
    loop {
        let Some(probe) = settings.borrow().readiness_probe.clone() else {
            return;
        };
        let is_other = |setting: &Arc<Setting>| setting.readiness_probe.as_ref() != Some(&probe);
        tokio::select! {
            () = probe.wait() => return,
            Ok(_) = settings.wait_for(is_other) => {}
        }
    }
}

/// The host that is ours already: the one whose id is kept, unless it is retired or another task's,
/// else the one that has the task's custom identifier.
async fn find(client: &Client, file: &IdFile, task: &Task) -> Result<Option<Host>, Error> {
    if let Some(id) = file.load() {
        let host = match client.host(&id).await {
            // An id that Mackerel does not take for one is nobody's.
            Err(error) if error.kind == Kind::Rejected => None,
            other => other?,
        };
        let is_ours = |host: &Host| {
            let own = host.custom_identifier.as_deref();
            !host.is_retired && (own == identifier(task) || !own.is_some_and(is_of_a_task))
        };
        match host.filter(is_ours) {
            Some(host) => return Ok(Some(host)),
            None => tracing::info!(host = %id, "the host whose id is kept is not this task's"),
        }
    }
    by_identifier(client, task).await
}

async fn by_identifier(client: &Client, task: &Task) -> Result<Option<Host>, Error> {
    let Some(identifier) = identifier(task) else {
        return Ok(None);
    };
    let host = client.host_by_custom_identifier(identifier).await?;
    Ok(host.filter(|host| !host.is_retired))
}

/// An identifier that somebody else gave the host stays.
fn keep_identifier(wanted: &mut HostParam, host: &Host) {
    let own = host.custom_identifier.as_ref();
    if let Some(own) = own.filter(|own| !own.is_empty()) {
        wanted.custom_identifier = Some(own.clone());
    }
}
