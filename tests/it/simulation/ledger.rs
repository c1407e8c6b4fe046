//! What the network saw: which attempts left the pollers, what each side refused, which points
//! were accepted and when, and what each poller knows to have been accepted. The invariants are
//! checked against this and the stand-ins' own truth.

use std::collections::{BTreeMap, HashMap};

/// A series on Mackerel, as a number.
pub(super) type Series = u32;

/// Everything that was seen in one run. Times are milliseconds since its start.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    numbers: HashMap<(String, String), Series>,
    /// What became of each minute of a series on Mackerel.
    pub(super) recorded: HashMap<(Series, i64), Recorded>,
    /// Of each life, what it knows Mackerel to have accepted.
    accepted: HashMap<usize, HashMap<(Series, i64), f64>>,
    /// The number of points in all posts that Mackerel accepted.
    pub(super) posted: u64,
    /// The most points in one post.
    pub(super) largest_post: usize,
    /// Points that a life posted again although it knew them accepted, with the same value.
    pub(super) repeated: Vec<String>,
    /// Requests that broke a documented limit.
    pub(super) refused: Vec<String>,
    /// Until when Mackerel has asked a life to leave a call alone.
    quiet: HashMap<(usize, String), i64>,
    /// Requests that came before Mackerel had asked for them.
    pub(super) hasty: Vec<String>,
    /// When each life was told to stop, and when it left by itself.
    pub(super) signalled: HashMap<usize, i64>,
    pub(super) left: HashMap<usize, i64>,
    /// What the pollers noted on Mackerel of their progress, in the order in which it was stored.
    pub(super) notes: Vec<Note>,
    /// The most counts that any life kept.
    pub(super) most_held: usize,
    /// When each life was last seen to have dropped counts, and how many.
    pub(super) dropped: HashMap<usize, (u64, i64)>,
    /// Attempts by life, Region and group of calls: when, and whether it is the first of its call.
    pub(super) attempts: BTreeMap<(usize, String, Group), Vec<(i64, bool)>>,
    /// When each life began to poll a Region.
    pub(super) began: BTreeMap<(usize, String), Vec<i64>>,
    /// When services of a cluster were listed.
    pub(super) listed: BTreeMap<String, Vec<i64>>,
    /// Counts that were read: the life, the cluster, the service and the minute.
    pub(super) observed: Vec<Observation>,
    /// When each life last had points of a host accepted: host, then life.
    pub(super) last_post: BTreeMap<(String, usize), i64>,
    /// Before which minute of a host a life could know everything to be done.
    pub(super) done: HashMap<(usize, String), i64>,
    /// When the poll in hand of each life and Region began, and whether it has gone past its first
    /// call.
    polls: HashMap<(usize, String), (i64, bool)>,
    /// Mishaps and weather that befell requests, by kind.
    pub(super) mishaps: BTreeMap<&'static str, u64>,
}

/// A minute of a series on Mackerel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Recorded {
    /// The value that it was last given.
    pub(super) value: f64,
    /// Since when it has had that value.
    pub(super) since: i64,
    /// Since when it has had any.
    pub(super) first: i64,
    /// The life that gave it that value.
    pub(super) by: usize,
    /// The value before and since when it had had it, if another life gave it that.
    pub(super) before: Option<(f64, i64)>,
}

/// What a poller noted on Mackerel of its progress.
#[derive(Debug, Clone)]
pub(super) struct Note {
    /// The host.
    pub(super) host: String,
    /// The poller.
    pub(super) life: usize,
    /// When.
    pub(super) at: i64,
    /// What it said.
    pub(super) progress: Progress,
}

/// Progress as it stands in a host's metadata, in seconds since the Unix epoch.
#[derive(Debug, Clone, serde::Deserialize)]
pub(super) struct Progress {
    /// CloudWatch was read and posted to just before this minute.
    pub(super) read_until: Option<i64>,
    /// Counts were posted up to this minute, but for those that were missed.
    pub(super) counted_until: Option<i64>,
    /// Minutes that were missed: the first, and the one after the last.
    pub(super) missed: Vec<(i64, i64)>,
}

/// Calls that share a documented rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// ListClusters and DescribeClusters.
    Clusters,
    /// ListServices and DescribeServices.
    Services,
    /// GetMetricData.
    Metrics,
    /// GetMetricStatistics.
    Statistics,
}

impl Group {
    /// The group of an IAM action, if its rate is documented.
    pub(super) fn of(action: &str) -> Option<Group> {
        match action {
            "ecs:ListClusters" | "ecs:DescribeClusters" => Some(Group::Clusters),
            "ecs:ListServices" | "ecs:DescribeServices" => Some(Group::Services),
            "cloudwatch:GetMetricData" => Some(Group::Metrics),
            "cloudwatch:GetMetricStatistics" => Some(Group::Statistics),
            _ => None,
        }
    }

    /// The documented burst and rate a second.
    pub(super) fn limits(self) -> (f64, f64) {
        match self {
            Group::Clusters => (50.0, 20.0),
            Group::Services => (100.0, 20.0),
            Group::Metrics => (50.0, 50.0),
            Group::Statistics => (400.0, 400.0),
        }
    }
}

/// A service's counts as a poller has read them.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    /// The poller.
    pub(super) life: usize,
    /// The cluster's name.
    pub(super) cluster: String,
    /// The service's name.
    pub(super) service: String,
    /// The minute, as its start in seconds since the run's.
    pub(super) minute: i64,
    /// When.
    pub(super) at: i64,
}

/// A point as it was posted, time in seconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Point {
    /// The host.
    pub(super) host_id: String,
    /// The metric.
    pub(super) name: String,
    /// The minute's start.
    pub(super) time: i64,
    /// The value.
    pub(super) value: f64,
}

impl Ledger {
    /// The number of a series, if it ever had a point.
    pub(super) fn series(&self, host: &str, name: &str) -> Option<Series> {
        self.numbers
            .get(&(host.to_owned(), name.to_owned()))
            .copied()
    }

    /// Counts something that went wrong.
    pub(super) fn mishap(&mut self, kind: &'static str) {
        *self.mishaps.entry(kind).or_default() += 1;
    }

    /// Notes that a request leaves for AWS.
    pub(super) fn attempt(
        &mut self,
        (life, region): (usize, &str),
        action: &str,
        is_first: bool,
        at: i64,
    ) {
        if let Some(group) = Group::of(action) {
            let bucket = (life, region.to_owned(), group);
            let attempts = self.attempts.entry(bucket).or_default();
            attempts.push((at, is_first));
        }
        if action == "ecs:ListClusters" && is_first {
            let polls = self.began.entry((life, region.to_owned()));
            polls.or_default().push(at);
        }
        let poll = self.polls.entry((life, region.to_owned()));
        let poll = poll.or_insert((at, false));
        if action == "ecs:ListClusters" {
            if poll.1 {
                *poll = (at, false);
            }
        } else {
            poll.1 = true;
        }
    }

    /// Notes that a poller has got the counts of services.
    pub(super) fn observe(
        &mut self,
        (life, region): (usize, &str),
        cluster: &str,
        services: &[String],
        at: i64,
    ) {
        let poll = self.polls.get(&(life, region.to_owned()));
        let began = poll.map_or(at, |poll| poll.0);
        let minute = at.div_euclid(60_000) * 60;
        if began.div_euclid(60_000) * 60 != minute {
            return;
        }
        self.observed
            .extend(services.iter().map(|service| Observation {
                life,
                cluster: cluster.to_owned(),
                service: service.clone(),
                minute,
                at,
            }));
    }

    /// Notes that Mackerel has stored a post; gives the series of its points.
    pub(super) fn record(&mut self, life: usize, points: &[Point], at: i64) -> Vec<Series> {
        self.posted += points.len() as u64;
        self.largest_post = self.largest_post.max(points.len());
        let mut series = Vec::with_capacity(points.len());
        for point in points {
            let next = self.numbers.len() as Series;
            let key = (point.host_id.clone(), point.name.clone());
            let number = *self.numbers.entry(key).or_insert(next);
            series.push(number);
            let recorded = self.recorded.entry((number, point.time));
            let recorded = recorded.or_insert(Recorded {
                value: point.value,
                since: at,
                first: at,
                by: life,
                before: None,
            });
            if recorded.value != point.value {
                let before = (recorded.value, recorded.since);
                recorded.before = (recorded.by != life).then_some(before);
                (recorded.value, recorded.since) = (point.value, at);
            }
            recorded.by = life;
        }
        series
    }

    /// Notes that a poller sends points, and whether it should know better.
    pub(super) fn send(&mut self, life: usize, points: &[Point], at: i64) {
        let Some(accepted) = self.accepted.get(&life) else {
            return;
        };
        for point in points {
            let key = (point.host_id.clone(), point.name.clone());
            let known = self
                .numbers
                .get(&key)
                .and_then(|series| accepted.get(&(*series, point.time)));
            if known == Some(&point.value) {
                let repeated = format!(
                    "life {life} at {}: {} of minute {} again",
                    clock(at / 1000),
                    point.name,
                    clock(point.time - crate::support::world::NOON),
                );
                self.repeated.push(repeated);
            }
        }
    }

    /// Notes that a poller has heard that its points were accepted.
    pub(super) fn accept(&mut self, life: usize, points: &[Point], series: &[Series], at: i64) {
        let accepted = self.accepted.entry(life).or_default();
        for (point, number) in points.iter().zip(series) {
            accepted.insert((*number, point.time), point.value);
        }
        let mut last: Option<&str> = None;
        for point in points {
            if last != Some(&point.host_id) {
                self.last_post.insert((point.host_id.clone(), life), at);
                last = Some(&point.host_id);
            }
        }
    }

    /// Notes until when Mackerel asks a life to leave a call alone, if it does.
    pub(super) fn put_off(&mut self, life: usize, call: &str, until: Option<i64>) {
        if let Some(until) = until {
            self.quiet.insert((life, call.to_owned()), until);
        }
    }

    /// Notes that a life makes a call of Mackerel, and whether it should wait yet.
    pub(super) fn check_patience(&mut self, life: usize, call: &str, at: i64) {
        let until = self.quiet.get(&(life, call.to_owned()));
        if let Some(until) = until.filter(|until| at < **until) {
            let when = (clock(at / 1000), clock(until / 1000));
            let hasty = format!("life {life} at {}: {call} before {}", when.0, when.1);
            self.hasty.push(hasty);
        }
    }

    /// Notes how many counts a life keeps, and how many it has dropped.
    pub(super) fn hold(&mut self, life: usize, counts: usize, dropped: u64, at: i64) {
        self.most_held = self.most_held.max(counts);
        let last = self.dropped.entry(life).or_default();
        if dropped > last.0 {
            *last = (dropped, at);
        }
    }

    /// Notes what Mackerel has stored, if it is a poller's progress.
    pub(super) fn note(&mut self, life: usize, call: &str, body: &[u8], at: i64) {
        let host = call
            .strip_prefix("PUT /api/v0/hosts/")
            .and_then(|rest| rest.strip_suffix("/metadata/ecs-poller"));
        let Some(host) = host else {
            return;
        };
        #[derive(serde::Deserialize)]
        struct Metadata {
            progress: Progress,
        }
        let metadata: Metadata = serde_json::from_slice(body).unwrap();
        self.notes.push(Note {
            host: host.to_owned(),
            life,
            at,
            progress: metadata.progress,
        });
    }

    /// Notes that a life is over.
    pub(super) fn over(&mut self, life: usize) {
        self.accepted.remove(&life);
        self.quiet.retain(|(own, _), _| *own != life);
        self.polls.retain(|(own, _), _| *own != life);
        self.done.retain(|(own, _), _| *own != life);
    }
}

/// A moment of a run for people: hours, minutes and seconds since its start.
pub(super) fn clock(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.abs();
    format!(
        "{sign}{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
