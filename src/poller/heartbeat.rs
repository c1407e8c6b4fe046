//! Says on Mackerel that the poller is alive.

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::Poller;
use super::deadline::MOMENT;
use crate::mackerel::error::Kind;
use crate::mackerel::payload::ServiceMetricValue;
use crate::model::trouble::Trouble;
use crate::post::retry::retrying;
use crate::report::Report;

impl Poller {
    /// Posts that the poller is alive and how far it is behind, where the config names a service
    /// for it. Neither the next poll nor a Region that is not done yet waits for it.
    pub(super) async fn heartbeat(
        &self,
        report: &Report,
        now: DateTime<Utc>,
        until: Option<Instant>,
    ) -> Option<Trouble> {
        let deadline = match until {
            Some(until) if self.polls.is_empty() => until.min(self.shared.deadline()),
            Some(until) => until.min(Instant::now() + MOMENT),
            None => self.shared.deadline(),
        };
        let service = self.shared.config.heartbeat.as_ref()?;
        let mackerel = self.shared.mackerel.as_ref()?;
        let value = |name: &str, value: f64| ServiceMetricValue {
            name: match self.shared.config.shard {
                // Each is missed for itself.
                Some(shard) => format!("mackerel_ecs.shard-{}.{name}", shard.index),
                None => format!("mackerel_ecs.{name}"),
            },
            time: now.timestamp(),
            value,
        };
        let values = [
            value("alive", 1.0),
            value("behind_seconds", report.behind_seconds as f64),
        ];
        let call = async || mackerel.post_service_values(service, &values).await;
        let error = retrying(deadline, call).await.err()?;
        let message = match error.kind {
            Kind::NotFound => format!(
                "there is no service `{service}` on Mackerel for the heartbeat; make it, or leave \
                 heartbeat.service out"
            ),
            _ => error.message,
        };
        Some(Trouble::of_target(message).as_warning())
    }
}
