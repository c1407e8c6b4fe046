//! Sends what waits: the newest points first where there is more than one request of them, then the
//! oldest, so that nothing new waits for hours behind what is old. What Mackerel refuses for good
//! is found by halving its request and dropped, and never holds up the rest.

use std::time::Duration;

use super::Sidecar;
use super::meter::Sample;
use super::plugin::round::Report;
use super::queue::{Batch, End};
use crate::mackerel::client::Client;
use crate::mackerel::error::{Error, Kind};
use crate::mackerel::payload::{CheckReport, CheckSource, MetricValue};
use crate::model::id::HostId;
use crate::pace::backoff::Backoff;

/// How many points one request holds. Mackerel documents no limit.
const BATCH: usize = 500;

/// How many reports one request holds: Mackerel's limit.
const REPORTS: usize = 100;

/// How long is waited for more after the first of a minute has come, so that all that is read at
/// once is sent at once.
const GATHERING: Duration = Duration::from_secs(3);

/// The pause between two requests while there is much to send.
const PAUSE: Duration = Duration::from_secs(1);

/// The waits while nothing can be sent.
const FAILING: Backoff = Backoff {
    first: Duration::from_secs(5),
    most: Duration::from_secs(120),
    attempts: u32::MAX,
};

/// How often a refused request is halved in one go. Finding one point costs some twenty requests;
/// after so many, what is refused is dropped whole.
const MOST_HALVINGS: u32 = 60;

/// Why sending stopped.
enum Stopped {
    /// The host is gone.
    Gone,
    /// A request failed for another reason than what it held.
    Failed(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Stopped::Failed(error)
    }
}

impl Sidecar {
    /// Sends what comes, whenever it comes.
    pub(super) async fn send_for_ever(&self) {
        let mut host = self.host.subscribe();
        let mut failed = 0;
        loop {
            // The sender is our own and lives as long.
            let Ok(id) = host.wait_for(Option::is_some).await.map(|id| id.clone()) else {
                return;
            };
            let Some(id) = id else { continue };
            while self.queue.borrow().is_empty() {
                self.arrived.notified().await;
            }
            if failed == 0 {
                self.clock.sleep(GATHERING).await;
            }
            match self.send(&id).await {
                Ok(()) => {
                    self.is_fine("send");
                    failed = 0;
                }
                Err(Stopped::Gone) => {
                    self.gone.notify_one();
                    let is_other = |now: &Option<HostId>| now.as_ref() != Some(&id);
                    tokio::select! {
                        _ = host.wait_for(is_other) => {}
                        () = self.clock.sleep(FAILING.most) => {}
                    }
                }
                Err(Stopped::Failed(error)) => {
                    failed += 1;
                    self.complain("send", format!("nothing can be sent for now: {error}"));
                    let least = match error.kind {
                        Kind::Passing { retry_after } => retry_after,
                        _ => Some(FAILING.most),
                    };
                    let wait = FAILING.wait(failed, least, fastrand::f64());
                    self.clock.sleep(wait.unwrap_or_default()).await;
                }
            }
        }
    }

    /// Sends what waits at the end, as long as there is time.
    pub(super) async fn send_the_rest(&self) {
        let Some(id) = self.host.borrow().clone() else {
            return;
        };
        while !self.queue.borrow().is_empty() {
            match self.send(&id).await {
                Ok(()) => {}
                Err(Stopped::Failed(error)) if matches!(error.kind, Kind::Passing { .. }) => {
                    self.complain("send", format!("nothing can be sent for now: {error}"));
                    tokio::time::sleep(PAUSE).await;
                }
                Err(Stopped::Gone | Stopped::Failed(_)) => return,
            }
        }
    }

    /// Sends until nothing waits.
    async fn send(&self, host: &HostId) -> Result<(), Stopped> {
        let client = self.client()?;
        let mut refusals = Refusals::default();
        if self.queue.borrow().points() > BATCH {
            let newest = self.queue.borrow().points_from(End::Newest, BATCH);
            self.post(&client, host, newest, &mut refusals).await?;
        }
        loop {
            let oldest = self.queue.borrow().points_from(End::Oldest, BATCH);
            if oldest.is_empty() {
                break;
            }
            self.post(&client, host, oldest, &mut refusals).await?;
            if self.queue.borrow().points() > 0 {
                self.clock.sleep(PAUSE).await;
            }
        }
        loop {
            let reports = self.queue.borrow().reports(REPORTS);
            if reports.is_empty() {
                return Ok(());
            }
            self.report(&client, host, reports, &mut refusals).await?;
        }
    }

    async fn post(
        &self,
        client: &Client,
        host: &HostId,
        batch: Batch<Sample>,
        refusals: &mut Refusals,
    ) -> Result<(), Stopped> {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            let values: Vec<MetricValue<'_>> = part
                .iter()
                .map(|(_, sample)| MetricValue {
                    host_id: host.as_str(),
                    name: &sample.name,
                    time: sample.time,
                    value: sample.value,
                })
                .collect();
            if let Err(error) = client.post_values(&values).await {
                refusals.are_about_content(client, host, &error).await?;
                if part.len() > 1 && refusals.may_halve() {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                    continue;
                }
                let name = part.first().map_or("", |(_, sample)| &sample.name);
                let points = part.len();
                tracing::warn!(points, "dropped what Mackerel refuses, `{name}`: {error}");
            }
            self.queue.borrow_mut().points_done(&part);
        }
        Ok(())
    }

    async fn report(
        &self,
        client: &Client,
        host: &HostId,
        batch: Batch<Report>,
        refusals: &mut Refusals,
    ) -> Result<(), Stopped> {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            let reports: Vec<CheckReport> = part
                .iter()
                .map(|(_, report)| payload(report, host))
                .collect();
            if let Err(error) = client.report_checks(&reports).await {
                refusals.are_about_content(client, host, &error).await?;
                if part.len() > 1 && refusals.may_halve() {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                    continue;
                }
                let name = part.first().map_or("", |(_, report)| &report.name);
                let reports = part.len();
                tracing::warn!(reports, "dropped what Mackerel refuses, `{name}`: {error}");
            }
            self.queue.borrow_mut().reports_done(&part);
        }
        Ok(())
    }
}

/// What was refused in one go.
#[derive(Default)]
struct Refusals {
    halvings: u32,
    /// Whether the host is known to be there.
    host_is_there: bool,
}

impl Refusals {
    /// Makes sure that a request was refused for what it held. Where the host is gone, or the error
    /// is another, that is the answer.
    async fn are_about_content(
        &mut self,
        client: &Client,
        host: &HostId,
        error: &Error,
    ) -> Result<(), Stopped> {
        if !matches!(error.kind, Kind::Rejected | Kind::NotFound) {
            return Err(Stopped::Failed(error.clone()));
        }
        if !self.host_is_there {
            let host = client.host(host).await?;
            if host.is_none_or(|host| host.is_retired) {
                return Err(Stopped::Gone);
            }
            self.host_is_there = true;
        }
        Ok(())
    }

    fn may_halve(&mut self) -> bool {
        self.halvings += 1;
        self.halvings <= MOST_HALVINGS
    }
}

fn payload(report: &Report, host: &HostId) -> CheckReport {
    CheckReport {
        source: CheckSource {
            host_id: host.as_str().to_owned(),
        },
        name: report.name.clone(),
        status: report.finding.status.as_str(),
        message: report.finding.message.clone(),
        occurred_at: report.at,
        notification_interval: report.notification_interval,
        max_check_attempts: report.max_check_attempts,
    }
}
