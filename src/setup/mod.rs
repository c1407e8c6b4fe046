//! Makes monitors and a dashboard on Mackerel, changes what it made before, and takes it away again;
//! what a person made or changed is left alone.

pub mod dashboard;
pub mod mark;
pub mod monitor;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::mackerel::client::Client;
use crate::mackerel::error::Error;
use crate::mackerel::payload::Host;
use crate::mackerel::watching::Kind;
use crate::post::host::is_own;
use mark::{Mark, digest, mark_of};

/// What is chosen of what could be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Percent of CPU that are a warning and critical; none for no such monitor.
    pub cpu: Option<(f64, f64)>,
    /// Percent of memory, likewise.
    pub memory: Option<(f64, f64)>,
    /// Seconds behind, likewise.
    pub behind: Option<(f64, f64)>,
    /// Minutes of silence that are critical; none for no such monitor.
    pub silent: Option<u64>,
    /// How many minutes in a row tasks must be missing.
    pub attempts: u8,
    /// Services and roles that monitors of hosts are limited to; none for all hosts.
    pub scopes: Vec<String>,
    /// Whether there is a dashboard.
    pub dashboard: bool,
}

/// How it is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// Nothing is written.
    pub dry_run: bool,
    /// All that was made goes.
    pub remove: bool,
    /// What a person changed is written over, or goes as well.
    pub force: bool,
}

/// A thing as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    key: String,
    thing: Map<String, Value>,
    /// Why it can't be.
    obstacle: Option<String>,
}

impl Wanted {
    fn new(key: &str, thing: Map<String, Value>) -> Self {
        Wanted {
            key: key.to_owned(),
            thing,
            obstacle: None,
        }
    }

    /// The same, but it can't be made if something is so.
    fn unless(mut self, is_so: bool, obstacle: impl FnOnce() -> String) -> Self {
        if is_so {
            self.obstacle = Some(obstacle());
        }
        self
    }
}

/// What became of a thing, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It was not there.
    Made,
    /// It was made otherwise before.
    Updated,
    /// It is as it should be.
    Unchanged,
    /// A person changed it.
    Kept,
    /// It is wanted no more.
    Removed,
    /// It can't be made for a reason that does no harm.
    Skipped,
    /// Mackerel refuses it.
    Failed,
}

/// A thing and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Done {
    /// `monitor` or `dashboard`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
    /// Why, where that is not plain.
    pub why: Option<String>,
}

/// What is to be done with one thing.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    fate: Fate,
    name: String,
    id: Option<String>,
    thing: Map<String, Value>,
    why: Option<String>,
}

/// Brings Mackerel to what is chosen. An error means that it could not even be read.
pub async fn set_up(
    client: &Client,
    config: &Config,
    choice: &Choice,
    manner: Manner,
) -> Result<Vec<Done>, Error> {
    let mut done = Vec::new();
    let monitors = client.things(Kind::Monitor).await?;
    let mut wanted = monitor::wanted(choice, config);
    if let Some(service) = config.heartbeat.as_ref().filter(|_| !manner.remove) {
        let services = client.services().await?;
        let is_there = services.iter().any(|one| one.name == *service);
        wanted = wanted
            .into_iter()
            .map(|one| {
                let is_of_it = one.thing.get("service").is_some_and(|own| own == service);
                one.unless(is_of_it && !is_there, || {
                    format!("there is no service {service}; make it on Mackerel, or name another one as heartbeat.service")
                })
            })
            .collect();
    }
    for step in steps(wanted, &monitors, manner) {
        done.push(carry_out(client, Kind::Monitor, step, manner).await);
    }
    let dashboards = dashboards(client).await?;
    let wanted = match choice.dashboard && !manner.remove {
        true => {
            let hosts = client.hosts().await?.into_iter();
            let hosts: Vec<Host> = hosts.filter(is_cluster).collect();
            let none = hosts.is_empty();
            let wanted = dashboard::wanted(&hosts, config);
            vec![wanted.unless(none, || {
                "there is no host of a cluster yet; run it again after the first poll".into()
            })]
        }
        false => Vec::new(),
    };
    for step in steps(wanted, &dashboards, manner) {
        done.push(carry_out(client, Kind::Dashboard, step, manner).await);
    }
    Ok(done)
}

/// Our own dashboards as a whole; the listing may leave the widgets out.
async fn dashboards(client: &Client) -> Result<Vec<Map<String, Value>>, Error> {
    let mut own = Vec::new();
    for listed in client.things(Kind::Dashboard).await? {
        if let (Some(_), Some(id)) = (mark_of(&listed), id_of(&listed)) {
            own.push(client.thing(Kind::Dashboard, &id).await?);
        }
    }
    Ok(own)
}

/// Whether a host stands for a cluster, and not for a task.
fn is_cluster(host: &Host) -> bool {
    is_own(host) && host.meta.pointer("/cloud/metadata/cluster_arn").is_some()
}

/// Compares what is wanted with what is there.
fn steps(wanted: Vec<Wanted>, there: &[Map<String, Value>], manner: Manner) -> Vec<Step> {
    let mut own: Vec<(Mark, &Map<String, Value>)> = there
        .iter()
        .filter_map(|thing| Some((mark_of(thing)?, thing)))
        .collect();
    let mut steps = Vec::new();
    let is_kept =
        |mark: &Mark, thing: &Map<String, Value>| !manner.force && mark.digest != digest(thing);
    let kept = |thing: &Map<String, Value>| Step {
        fate: Fate::Kept,
        name: name_of(thing),
        id: None,
        thing: Map::new(),
        why: Some("a person changed it; --force does it all the same".into()),
    };
    for wanted in wanted.into_iter().filter(|_| !manner.remove) {
        let at = own.iter().position(|(mark, _)| mark.key == wanted.key);
        let found = at.map(|at| own.remove(at));
        let digest_then = digest(&wanted.thing);
        let step = |fate, id| Step {
            fate,
            name: name_of(&wanted.thing),
            id,
            thing: mark::mark(wanted.thing.clone(), &wanted.key),
            why: wanted.obstacle.clone(),
        };
        steps.push(match found {
            _ if wanted.obstacle.is_some() => step(Fate::Skipped, None),
            None => step(Fate::Made, None),
            Some((mark, thing)) if is_kept(&mark, thing) => kept(thing),
            Some((_, thing)) if digest(thing) == digest_then => step(Fate::Unchanged, None),
            Some((_, thing)) => step(Fate::Updated, id_of(thing)),
        });
    }
    steps.extend(
        own.into_iter()
            .map(|(mark, thing)| match is_kept(&mark, thing) {
                true => kept(thing),
                false => Step {
                    fate: Fate::Removed,
                    name: name_of(thing),
                    id: id_of(thing),
                    thing: Map::new(),
                    why: None,
                },
            }),
    );
    steps
}

async fn carry_out(client: &Client, kind: Kind, step: Step, manner: Manner) -> Done {
    let written = match (step.fate, &step.id) {
        _ if manner.dry_run => Ok(()),
        (Fate::Made, _) => client.make(kind, step.thing).await,
        (Fate::Updated, Some(id)) => client.change(kind, id, step.thing).await,
        (Fate::Removed, Some(id)) => client.delete(kind, id).await,
        _ => Ok(()),
    };
    let (fate, why) = match written {
        Ok(()) => (step.fate, step.why),
        Err(error) => (Fate::Failed, Some(error.message)),
    };
    Done {
        kind: kind.as_str(),
        name: step.name,
        fate,
        why,
    }
}

fn id_of(thing: &Map<String, Value>) -> Option<String> {
    thing.get("id")?.as_str().map(str::to_owned)
}

fn name_of(thing: &Map<String, Value>) -> String {
    let name = thing.get("name").or_else(|| thing.get("title"));
    name.and_then(Value::as_str).unwrap_or_default().to_owned()
}
