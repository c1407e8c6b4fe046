//! Another configuration in the middle of a poller's life: Regions of accounts that both have go on
//! with all that is remembered of them, and of those that are no more progress is noted.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::target::{RegionState, TargetState};
use super::{Place, Poller, Shared};
use crate::aws::Access;
use crate::config::Config;
use crate::mackerel::client::Client as Mackerel;
use crate::mackerel::error::Error;

impl Poller {
    /// Polls by another configuration from the next poll on. Polls that go on finish by the old one.
    /// An error means that everything stays as it was.
    pub fn reload(&mut self, config: &Config) -> Result<(), Error> {
        let old = Arc::clone(&self.shared);
        let access = Access {
            rate_share: config.rate_share(),
            ..old.access.clone()
        };
        let same_mackerel = config.mackerel == old.config.mackerel;
        let mackerel = match (&old.mackerel, &config.mackerel.api_key) {
            (Some(_), Some(key)) if !same_mackerel => Some(Mackerel::new(
                access.transport.clone(),
                &config.mackerel.api_base,
                key.reveal(),
                access.calls.clone(),
            )?),
            (old, _) => old.clone(),
        };
        let same_rate = access.rate_share == old.access.rate_share;
        let mut before = std::mem::take(&mut self.targets);
        // Those that stay as they are come first, so that no other one takes what is theirs.
        let kept: Vec<Option<TargetState>> = config
            .targets
            .iter()
            .map(|target| {
                let same = |state: &TargetState| {
                    state.target.role == target.role && state.target.regions == target.regions
                };
                let at = before.iter().position(|state| same_rate && same(state))?;
                let state = before.remove(at);
                Some(TargetState {
                    target: Arc::new(target.clone()),
                    ..state
                })
            })
            .collect();
        self.targets = kept
            .into_iter()
            .zip(&config.targets)
            .map(|(kept, target)| {
                kept.unwrap_or_else(|| {
                    let mut state = TargetState::new(target);
                    let account = target.account();
                    for other in &mut before {
                        if account == other.target.account() {
                            let wanted =
                                |region: &mut RegionState| target.regions.may_hold(&region.name);
                            for regions in [&mut other.regions, &mut other.inherited] {
                                state.inherited.extend(regions.extract_if(.., wanted));
                            }
                        }
                    }
                    state
                })
            })
            .collect();
        let posted = old.graphs_posted.try_lock().map(|posted| *posted);
        let places = self.wanted();
        old.held.keep(&places);
        old.keep_loads(&places);
        let loads = old.loads.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared = Arc::new(Shared {
            calls: access.calls.clone(),
            config: config.clone(),
            access,
            mackerel,
            progress: old.progress.clone(),
            held: old.held.clone(),
            edition: old.edition + u64::from(!same_mackerel),
            claims: Mutex::default(),
            graphs_posted: match posted {
                Ok(posted) if same_mackerel => tokio::sync::Mutex::new(posted),
                _ => tokio::sync::Mutex::default(),
            },
            loads: Mutex::new(loads.clone()),
        });
        let unwanted = before
            .into_iter()
            .flat_map(|target| target.regions.into_iter().chain(target.inherited));
        let idle = unwanted.filter_map(|state| state.idle);
        self.leaving
            .extend(idle.map(|region| (region, Arc::clone(&old))));
        Ok(())
    }

    /// The places of the Regions that the configuration has.
    fn wanted(&self) -> Vec<Place> {
        let states = self.targets.iter().flat_map(|target| {
            let own = target.regions.iter();
            own.chain(&target.inherited)
        });
        states.map(|state| state.place).collect()
    }

    /// Lets go of the Regions that a target has not taken over, if it is connected.
    pub(super) fn leave_behind(&mut self, target: usize) {
        let target = &mut self.targets[target];
        if target.regions.is_empty() {
            return;
        }
        let shared = &self.shared;
        let idle = target.inherited.drain(..);
        let idle = idle.filter_map(|state| state.idle);
        self.leaving
            .extend(idle.map(|region| (region, Arc::clone(shared))));
        let wanted = self.wanted();
        self.shared.keep_loads(&wanted);
        self.shared.held.keep(&wanted);
    }

    /// Notes the progress of the Regions that are no more, should they come back.
    pub(super) async fn take_leave(&mut self, now: DateTime<Utc>, deadline: Instant) {
        let leaving = std::mem::take(&mut self.leaving);
        join_all(leaving.into_iter().map(|(mut region, shared)| async move {
            region.save(&shared, now, deadline).await;
        }))
        .await;
    }
}
