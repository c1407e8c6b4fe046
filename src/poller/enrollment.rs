//! The hosts of a Region's clusters, and what is kept on Mackerel with them.

use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::cluster::Work;
use super::{Place, Shared};
use crate::mackerel::client::Client as Mackerel;
use crate::mackerel::error::{Error, Kind};
use crate::map::graph::graph_defs;
use crate::map::host::wanted;
use crate::model::host::Wanted;
use crate::model::id::ClusterArn;
use crate::model::role::RoleFullname;
use crate::model::trouble::Trouble;
use crate::post::graph;
use crate::post::host::{Graphs, enroll, write_notes};

/// How many hosts are made sure of at once.
const HOSTS_AT_ONCE: usize = 8;

/// Makes sure of all hosts of the Region of this place; the roles are for clusters whose tags name none.
pub(super) async fn enroll_all(
    mackerel: &Mackerel,
    works: &mut [Work],
    shared: &Shared,
    (place, roles): (Place, &[RoleFullname]),
    now: DateTime<Utc>,
    deadline: Instant,
    troubles: &mut Vec<Trouble>,
) {
    let enrolling: Vec<Result<Result<_, Error>, Error>> = stream::iter(works.iter())
        .map(|work| async move {
            let (wanted, complaint) = wanted(&work.observed.cluster, &shared.config.host, roles);
            shared.claim(&wanted, &work.observed.cluster.arn, place)?;
            let known = work.state.enrolled.as_ref();
            let beginning = work.state.beginning(now, &shared.config.poll);
            let enrolled = enroll(mackerel, wanted, known, beginning, now, deadline).await;
            Ok(enrolled.map(|enrolled| (enrolled, complaint)))
        })
        .buffered(HOSTS_AT_ONCE)
        .collect()
        .await;
    for (work, result) in works.iter_mut().zip(enrolling) {
        let arn = &work.observed.cluster.arn;
        match result {
            Ok(Ok((enrolled, complaint))) => {
                if let Some(complaint) = complaint {
                    troubles.push(Trouble::of_cluster(arn, complaint).as_warning());
                }
                work.state.enrolled(enrolled, now, &shared.config.poll);
            }
            // An id from an earlier poll is still good while Mackerel does not answer, or refuses what a
            // proxy makes of the request. A cluster that never got a host and is refused one keeps no
            // counts for it.
            Ok(Err(error)) => {
                troubles.push(Trouble::of_cluster(arn, error.message));
                if error.kind == Kind::Rejected && work.state.enrolled.is_none() {
                    work.refused += work.state.pending.len();
                    work.state.pending.clear();
                }
            }
            // The host is another's, also where this cluster had it before.
            Err(taken) => {
                troubles.push(Trouble::of_cluster(arn, taken.message));
                work.state.enrolled = None;
                work.refused += work.state.pending.len();
                work.state.pending.clear();
            }
        }
    }
}

impl Shared {
    /// Two clusters with one custom identifier would mix their numbers in one host, and a cluster that
    /// two targets have would be posted twice.
    fn claim(&self, wanted: &Wanted, arn: &ClusterArn, place: Place) -> Result<(), Error> {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let (holder, its_place) = claims
            .entry(wanted.custom_identifier.clone())
            .or_insert_with(|| (arn.clone(), place));
        if holder == arn && *its_place == place {
            return Ok(());
        }
        if holder == arn {
            return Err(Error {
                kind: Kind::Rejected,
                message:
                    "another target polls this cluster already; leave its Region, or the cluster, \
                          out of one of them"
                        .into(),
            });
        }
        Err(Error {
            kind: Kind::Rejected,
            message: format!(
                "{arn} and {holder} have the same custom identifier `{}`; put {{arn}} into \
                 host.custom_identifier",
                wanted.custom_identifier
            ),
        })
    }

    /// Gives the identifiers free of a Region's clusters that are polled no longer.
    pub(super) fn release_claims(&self, region: Place, is_polled: impl Fn(&ClusterArn) -> bool) {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.retain(|_, (holder, place)| *place != region || is_polled(holder));
    }
}

/// Posts the graph definitions when they are due, and notes it on the Region's first host.
pub(super) async fn keep_graphs(
    mackerel: &Mackerel,
    works: &mut [Work],
    shared: &Shared,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<(), Error> {
    let Some(keeper) = works
        .iter_mut()
        .find_map(|work| work.state.enrolled.as_mut())
    else {
        return Ok(());
    };
    let graphs = graph_defs();
    let edition = graph::edition(&graphs);
    let noted = keeper
        .notes
        .graphs
        .as_ref()
        .filter(|graphs| graphs.edition == edition)
        .and_then(|graphs| DateTime::from_timestamp(graphs.posted_at, 0));
    // Another Region that is at it does it for this one too.
    let Ok(mut posted) = shared.graphs_posted.try_lock() else {
        return Ok(());
    };
    if graph::is_due(*posted, now) {
        if !graph::is_due(noted, now) {
            *posted = noted;
            return Ok(());
        }
        graph::post(mackerel, &graphs, deadline).await?;
        *posted = Some(now);
    }
    if graph::is_due(noted, now) {
        keeper.notes.graphs = posted.map(|posted| Graphs {
            edition,
            posted_at: posted.timestamp(),
        });
        write_notes(mackerel, keeper, deadline).await?;
    }
    Ok(())
}
