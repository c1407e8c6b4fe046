//! Reads the task once a minute, always at the same second, which depends on the task alone: the
//! tasks of a machine don't all ask their common endpoint at once, nor post to Mackerel at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Sidecar;
use super::check::ContainerChecks;
use super::endpoint::Error;
use super::host::identifier;
use super::meter::{Meter, Round, Watch};
use super::setting::Setting;
use super::stats::Reading;
use crate::model::hash::stable_hash;
use crate::pace::backoff::Backoff;
use crate::schedule;

/// The time from one reading to the next.
const MINUTE: Duration = Duration::from_secs(60);

/// The seconds of a minute that the moment is taken from. The endpoint's figures may be 20 seconds
/// old: read later than that, they are always of the minute that they are read in, and none is
/// left without a point.
const SECONDS: std::ops::Range<u64> = 22..58;

/// The least time between the first reading, at the start, and the next one.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(30);

/// When the endpoint has too many requests, the same reading is tried three times.
const THROTTLED: Backoff = Backoff {
    first: Duration::from_secs(4),
    most: Duration::from_secs(8),
    attempts: 3,
};

/// What is remembered from one reading to the next.
#[derive(Debug, Default)]
pub(super) struct Readings {
    meter: Meter,
    checks: ContainerChecks,
    /// Which containers had statistics when the task was last asked about.
    containers: BTreeSet<String>,
    /// Whether what is known of the task may have changed.
    is_stale: bool,
}

impl Sidecar {
    /// Reads at once, and then in each minute.
    pub(super) async fn read_minutes(&self) {
        self.knows_task().await;
        self.read().await;
        let mut at = self.slot_after(self.clock.now().time + FIRST_WAIT);
        loop {
            self.clock.sleep_until(at).await;
            self.read().await;
            at = self.slot_after(self.clock.now().time.max(at));
        }
    }

    /// Waits until the endpoint has told of the task.
    pub(super) async fn knows_task(&self) {
        let mut task = self.task.subscribe();
        // The sender is our own and lives as long.
        let _ = task.wait_for(Option::is_some).await;
    }

    /// The next moment that is the task's own.
    pub(super) fn slot_after(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        let task = self.task.borrow().clone().unwrap_or_default();
        let width = SECONDS.end - SECONDS.start;
        let second = SECONDS.start + stable_hash(identifier(&task).unwrap_or_default()) % width;
        schedule::next(time, MINUTE, Duration::from_secs(second))
    }

    /// Reads once and queues what comes of it.
    pub(super) async fn read(&self) {
        let readings = match self.stats().await {
            Ok(readings) => readings,
            Err(error) => return self.complain("stats", error.to_string()),
        };
        self.is_fine("stats");
        let setting = self.setting();
        let must_ask = self.must_ask(&readings, &setting);
        let is_told = !must_ask || self.ask_task().await;
        let Some(task) = self.task.borrow().clone() else {
            return;
        };
        let (at, machine) = (self.clock.now(), self.machine.reading());
        let ignored = setting.ignore_container.as_ref();
        let mut state = self.readings.borrow_mut();
        let round = Round {
            at,
            task: &task,
            readings: &readings,
            machine: &machine,
        };
        let watch = Watch {
            ignored,
            memory: setting.memory_formula,
            extra: setting.extra_metrics,
        };
        let measured = state.meter.measure(&round, watch);
        // Where the endpoint did not tell, it is asked again in the next minute.
        state.is_stale = measured.restarted || !is_told;
        state.containers = readings.keys().cloned().collect();
        self.add_points(measured.samples);
        if setting.container_checks {
            let reports = state.checks.round(&task, ignored, at.time);
            self.add_reports(reports);
        }
    }

    async fn stats(&self) -> Result<BTreeMap<String, Reading>, Error> {
        let mut failed = 0;
        loop {
            let error = match self.endpoint.stats().await {
                Ok(readings) => return Ok(readings),
                Err(error) => error,
            };
            failed += 1;
            let wait = THROTTLED.wait(failed, None, fastrand::f64());
            match wait.filter(|_| error == Error::Throttled) {
                Some(wait) => self.clock.sleep(wait).await,
                None => return Err(error),
            }
        }
    }

    /// Asks the endpoint about the task; what was known stays where it does not answer. Whether it
    /// did.
    pub(super) async fn ask_task(&self) -> bool {
        match self.endpoint.task().await {
            Ok(task) => {
                self.is_fine("task");
                self.task.send_replace(Some(Arc::new(task)));
                true
            }
            Err(error) => {
                self.complain("task", error.to_string());
                false
            }
        }
    }

    /// Whether the statistics alone don't do: containers have come or gone or been restarted, or
    /// something is wanted that only the task's own document tells.
    fn must_ask(&self, readings: &BTreeMap<String, Reading>, setting: &Setting) -> bool {
        let state = self.readings.borrow();
        state.is_stale
            || setting.container_checks
            || setting.extra_metrics.ephemeral_storage
            || !state.containers.iter().eq(readings.keys())
    }
}
