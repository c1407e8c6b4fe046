//! A target with its Regions, as the poller knows it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Place;
use super::region::{Region, RegionReport};
use crate::aws::{self, Access, Client, Role};
use crate::config::Target;
use crate::model::trouble::Trouble;
use crate::report::{Report, gather};

#[derive(Debug)]
pub(super) struct TargetState {
    pub(super) target: Arc<Target>,
    pub(super) regions: Vec<RegionState>,
    /// When this process first tried it.
    pub(super) tried_since: Option<DateTime<Utc>>,
    /// Why its clients could not be made.
    pub(super) trouble: Option<Trouble>,
    /// Regions as another configuration had them, to be taken over.
    pub(super) inherited: Vec<RegionState>,
}

#[derive(Debug)]
pub(super) struct RegionState {
    pub(super) place: Place,
    pub(super) name: String,
    /// None while it is being polled.
    pub(super) idle: Option<Region>,
    /// When its last poll began, and how far behind it was before.
    pub(super) began: DateTime<Utc>,
    pub(super) behind: i64,
    /// The client to go on with when it is idle again.
    pub(super) renewed: Option<Client>,
}

impl TargetState {
    pub(super) fn new(target: &Target) -> Self {
        TargetState {
            target: Arc::new(target.clone()),
            regions: Vec::new(),
            tried_since: None,
            trouble: None,
            inherited: Vec::new(),
        }
    }

    /// How many Regions it has, or has at least where it is yet to be connected.
    pub(super) fn size(&self) -> usize {
        let named = self.target.regions.named().len();
        self.regions.len().max(named).max(1)
    }

    /// Its Regions, those too that it is to take over.
    pub(super) fn states_mut(&mut self) -> impl Iterator<Item = &mut RegionState> {
        self.regions.iter_mut().chain(&mut self.inherited)
    }

    /// Takes its clients, or why there are none. Regions that are new take the next places.
    pub(super) fn connected(
        &mut self,
        clients: Result<Vec<Client>, aws::Error>,
        now: DateTime<Utc>,
        places: &mut Place,
    ) {
        self.trouble = match clients {
            Ok(clients) => {
                let clients = clients.into_iter();
                self.regions = clients
                    .map(|client| self.inherit(client, now, places))
                    .collect();
                None
            }
            Err(error) => Some(Trouble::of_target(error.message).with_detail(error.detail)),
        };
    }

    /// A Region with its client, as it was before if it was.
    fn inherit(&mut self, client: Client, now: DateTime<Utc>, places: &mut Place) -> RegionState {
        let mut known = self.inherited.iter();
        let Some(at) = known.position(|state| state.name == client.region()) else {
            let place = *places;
            *places += 1;
            return RegionState {
                place,
                name: client.region().to_owned(),
                idle: Some(Region::new(client)),
                began: now,
                behind: 0,
                renewed: None,
            };
        };
        let mut state = self.inherited.remove(at);
        match &mut state.idle {
            Some(region) => region.renew(client),
            None => state.renewed = Some(client),
        }
        state
    }

    /// Adds what the polls of the target's Regions did to the report.
    pub(super) fn tell(
        &self,
        now: DateTime<Utc>,
        polled: &mut HashMap<Place, RegionReport>,
        report: &mut Report,
    ) {
        let mut troubles: Vec<Trouble> = self.trouble.iter().cloned().collect();
        if self.regions.is_empty() && troubles.is_empty() {
            let message = "it takes longer than the interval to connect to AWS; the next poll tries \
                           again; check the network to STS and EC2, or name the target's `regions`";
            troubles.push(Trouble::of_target(message));
        }
        let seconds_since = |then: DateTime<Utc>| (now - then).num_seconds();
        let mut behind = match self.tried_since {
            Some(since) if self.regions.is_empty() => seconds_since(since),
            _ => 0,
        };
        for region in &self.regions {
            let own = polled.remove(&region.place);
            let own = own.unwrap_or_else(|| region.unfinished(now));
            behind = behind.max(own.behind);
            report.dropped += own.dropped as u64;
            for mut cluster in own.clusters {
                cluster.target.clone_from(&self.target.name);
                report.clusters.push(cluster);
            }
            troubles.extend(own.troubles);
        }
        report.behind_seconds = report.behind_seconds.max(behind);
        report
            .behind_seconds_by_target
            .insert(self.target.name.clone(), behind);
        report.troubles.extend(gather(&self.target.name, troubles));
    }
}

impl RegionState {
    /// What there is to say of a Region whose poll goes on.
    fn unfinished(&self, now: DateTime<Utc>) -> RegionReport {
        let message = format!(
            "{}: a poll takes longer than the interval; it goes on, and the minutes in between are \
             read after it",
            self.name
        );
        RegionReport {
            behind: self.behind + (now - self.began).num_seconds(),
            troubles: vec![Trouble::of_target(message)],
            ..RegionReport::default()
        }
    }
}

/// Makes a client for each Region of a target.
pub(super) async fn connect(access: &Access, target: &Target) -> Result<Vec<Client>, aws::Error> {
    let role = target.role.as_ref().map(|role| Role {
        arn: &role.arn,
        external_id: role.external_id.as_deref(),
        session_name: &role.session_name,
    });
    aws::connect(access, role, &target.regions).await
}
