//! A cluster's host on Mackerel: found or created, and updated when something changed.
//!
//! What has to be known from one run to the next is kept in the host's own metadata on Mackerel,
//! so that the poller needs no disk and may run on another machine each time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::retry::retrying;
use super::role::role_change;
use crate::mackerel::client::Client;
use crate::mackerel::error::{Error, Kind};
use crate::mackerel::payload::{Host, HostParam};
use crate::model::host::Wanted;
use crate::model::id::HostId;

/// The metadata namespace. Mackerel reserves names that begin with its own.
const NAMESPACE: &str = "ecs-poller";

/// How often figures among the host's facts are brought up to date, and how often a long-running
/// poller looks whether the host is still as it left it.
const REFRESH: TimeDelta = TimeDelta::hours(1);

/// A host that points can be posted to.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// Its id.
    pub id: HostId,
    /// `standard` or `micro`, as Mackerel decides; empty where it does not say.
    pub size: String,
    /// What is kept on Mackerel.
    pub notes: Notes,
    /// What was last asked for.
    wanted: Wanted,
    /// When Mackerel was last asked how the host is.
    looked_at: DateTime<Utc>,
}

/// What is kept in the host's metadata. Unknown keys of a newer version are dropped, missing ones
/// of an older version are filled in.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Notes {
    /// What the host was last told to be, but for its figures.
    applied: Value,
    /// The figures that it was last told, and when.
    figures: Value,
    applied_at: i64,
    /// The roles that are the poller's to take away.
    roles: BTreeSet<String>,
    /// Which graph definitions were last posted, and when, noted on one host per Region.
    pub graphs: Option<Graphs>,
    /// How far posting has come.
    pub progress: Progress,
    /// When DescribeClusters first said that the cluster is gone, if nothing spoke against it since;
    /// in seconds since the Unix epoch.
    pub gone_since: Option<i64>,
}

/// How far posting has come, in minutes that are given by their start in seconds since the Unix
/// epoch. It is never ahead of what Mackerel accepted, but may lie somewhat behind it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// CloudWatch was read and posted to just before this minute.
    pub read_until: Option<i64>,
    /// The counts of this minute, and of all before it but the missed ones, are on Mackerel.
    pub counted_until: Option<i64>,
    /// Minutes whose counts were missed and may yet be restored, each with the first and the one
    /// after the last.
    pub missed: Vec<(i64, i64)>,
    /// What was posted of the minutes that will be read again: a number each, as text, for no JSON
    /// number is sure to keep all of its bits.
    pub posted: BTreeMap<i64, String>,
}

/// A posting of graph definitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graphs {
    /// Which definitions.
    pub edition: String,
    /// When, in seconds since the Unix epoch.
    pub posted_at: i64,
}

impl Enrolled {
    /// Has the host looked up again when it is next made sure of.
    pub fn doubt(&mut self) {
        self.looked_at = DateTime::UNIX_EPOCH;
    }
}

/// Makes sure of a cluster's host. `known` is what an earlier poll of this process knows of it,
/// `beginning` what is noted as progress on a host that has no notes.
pub async fn enroll(
    client: &Client,
    wanted: Wanted,
    known: Option<&Enrolled>,
    beginning: Progress,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<Enrolled, Error> {
    if let Some(known) = known
        && known.wanted.roles == wanted.roles
        && told(&known.wanted) == told(&wanted)
        && now - known.looked_at < REFRESH
    {
        return Ok(known.clone());
    }
    let call = async || {
        let identifier = &wanted.custom_identifier;
        client.host_by_custom_identifier(identifier).await
    };
    let (host, created) = match retrying(deadline, call).await? {
        Some(host) => (host, false),
        None => create(client, &wanted, deadline).await?,
    };
    let id = HostId::new(&host.id);
    let kept = match created {
        true => None,
        false => read_notes(client, &id, deadline).await?,
    };
    // A host of ours without notes is one whose making was cut short.
    let is_new = created || (kept.is_none() && is_own(&host));
    if is_new && host.status != wanted.status {
        let call = async || client.set_status(&id, wanted.status).await;
        retrying(deadline, call).await?;
    }
    let before = match created {
        true => Notes {
            applied: told(&wanted),
            figures: wanted.figures.clone(),
            applied_at: now.timestamp(),
            progress: beginning,
            ..Notes::default()
        },
        false => kept.unwrap_or_else(|| Notes {
            progress: beginning,
            ..Notes::default()
        }),
    };
    let mut notes = reconcile(client, &id, &host, &wanted, before.clone(), now, deadline).await?;
    notes.gone_since = None;
    let enrolled = Enrolled {
        size: host.size.clone().unwrap_or_default(),
        notes,
        wanted,
        looked_at: now,
        id,
    };
    if created || enrolled.notes != before {
        write_notes(client, &enrolled, deadline).await?;
    }
    Ok(enrolled)
}

/// Notes on Mackerel what an enrolled host's notes hold now.
pub async fn write_notes(
    client: &Client,
    enrolled: &Enrolled,
    deadline: Instant,
) -> Result<(), Error> {
    save_notes(client, &enrolled.id, &enrolled.notes, deadline).await
}

/// Keeps notes with a host.
pub async fn save_notes(
    client: &Client,
    id: &HostId,
    notes: &Notes,
    deadline: Instant,
) -> Result<(), Error> {
    let call = async || client.set_metadata(id, NAMESPACE, json!(notes)).await;
    retrying(deadline, call).await
}

/// What is kept with a host, if anything is.
pub async fn read_notes(
    client: &Client,
    id: &HostId,
    deadline: Instant,
) -> Result<Option<Notes>, Error> {
    let kept = retrying(deadline, async || client.metadata(id, NAMESPACE).await).await?;
    Ok(kept.map(Notes::from_json))
}

impl Notes {
    /// Reads each note for itself: one that can't be understood is told and counts as none, and the
    /// others stand.
    fn from_json(mut json: Value) -> Self {
        fn take<T: DeserializeOwned + Default>(json: &mut Value, key: &str) -> T {
            let Some(value) = json.get_mut(key).map(Value::take) else {
                return T::default();
            };
            serde_json::from_value(value).unwrap_or_else(|error| {
                tracing::warn!("the note `{key}` on a host can't be read: {error}");
                T::default()
            })
        }
        Notes {
            applied: take(&mut json, "applied"),
            figures: take(&mut json, "figures"),
            applied_at: take(&mut json, "applied_at"),
            roles: take(&mut json, "roles"),
            graphs: take(&mut json, "graphs"),
            progress: take(&mut json, "progress"),
            gone_since: take(&mut json, "gone_since"),
        }
    }
}

/// Whether a host was made by this program.
pub fn is_own(host: &Host) -> bool {
    let agent = host.meta.get("agent-name").and_then(Value::as_str);
    agent.is_some_and(|agent| agent.starts_with("mackerel-ecs/"))
}

/// Creates the host, without roles: those are given once it is noted that they are ours. Where
/// another poller was a moment faster, its host is taken and ours, which never had a point, is
/// retired: a cluster has one host. Gives the host and whether it is the one that was created.
async fn create(
    client: &Client,
    wanted: &Wanted,
    deadline: Instant,
) -> Result<(Host, bool), Error> {
    let identifier = &wanted.custom_identifier;
    let param = host_param(wanted, wanted.memo.clone(), Vec::new());
    let made = match retrying(deadline, async || client.create_host(&param).await).await {
        Ok(id) => Some(id),
        // Perhaps the identifier is in use by now; the look-up tells.
        Err(error) if error.kind == Kind::Rejected => {
            tracing::debug!(error = %error, "creating a host");
            None
        }
        Err(error) => return Err(error),
    };
    let found = retrying(deadline, async || {
        client.host_by_custom_identifier(identifier).await
    })
    .await?;
    match (made, found) {
        (Some(made), Some(found)) if made.as_str() == found.id => Ok((found, true)),
        (Some(made), Some(found)) => {
            tracing::warn!(
                host = %found.id, duplicate = %made,
                "another poller created the host at the same time; retiring the duplicate"
            );
            retrying(deadline, async || client.retire_host(&made).await).await?;
            Ok((found, false))
        }
        (None, Some(found)) => Ok((found, false)),
        (made, None) => Err(Error {
            kind: Kind::Rejected,
            message: match made {
                Some(made) => format!("host {made} was created but can't be found by {identifier}"),
                None => format!("Mackerel refused to create a host for {identifier}"),
            },
        }),
    }
}

/// Changes on Mackerel what differs; gives what is then to be noted. The order matters for a crash
/// in between: a role is noted as ours no later than it is given, and forgotten only after it was
/// seen to be gone.
async fn reconcile(
    client: &Client,
    id: &HostId,
    host: &Host,
    wanted: &Wanted,
    mut notes: Notes,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<Notes, Error> {
    let has: BTreeSet<String> = host.role_fullnames().collect();
    let change = match &wanted.roles {
        Some(roles) => role_change(&has, &roles.iter().cloned().collect(), &notes.roles),
        None => role_change(&has, &has, &notes.roles),
    };
    if change.ours.difference(&notes.roles).next().is_some() {
        notes.roles = &notes.roles | &change.ours;
        let json = json!(notes);
        retrying(deadline, async || {
            client.set_metadata(id, NAMESPACE, json.clone()).await
        })
        .await?;
    }
    notes.roles = change.ours;

    let age = now.timestamp() - notes.applied_at;
    let figures_due = notes.figures != wanted.figures && !(0..REFRESH.num_seconds()).contains(&age);
    let differs = notes.applied != told(wanted) || host.name != wanted.name;
    if differs || figures_due || !change.add.is_empty() {
        let memo = wanted.memo.clone().or(host.memo.clone());
        let param = host_param(wanted, memo, change.add.iter().cloned().collect());
        retrying(deadline, async || client.update_host(id, &param).await).await?;
        notes.applied = told(wanted);
        notes.figures = wanted.figures.clone();
        notes.applied_at = now.timestamp();
    }
    if !change.remove.is_empty() {
        let all: BTreeSet<String> = &(&has | &change.add) - &change.remove;
        let roles: Vec<String> = all.into_iter().collect();
        retrying(deadline, async || client.set_roles(id, &roles).await).await?;
    }
    Ok(notes)
}

/// What a host is told to be, but for its figures and roles.
fn told(wanted: &Wanted) -> Value {
    json!({
        "name": wanted.name,
        "displayName": wanted.display_name,
        "memo": wanted.memo,
        "meta": wanted.meta,
    })
}

fn host_param(wanted: &Wanted, memo: Option<String>, role_fullnames: Vec<String>) -> HostParam {
    HostParam {
        name: wanted.name.clone(),
        display_name: wanted.display_name.clone(),
        custom_identifier: Some(wanted.custom_identifier.clone()),
        meta: wanted.full_meta(),
        memo,
        role_fullnames,
        interfaces: Vec::new(),
        checks: None,
    }
}
