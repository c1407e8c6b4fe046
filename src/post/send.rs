//! Posts points: many hosts in one request, in requests of a bounded size. A point that Mackerel
//! refuses for good is found by halving its request, and dropped; the rest goes through.

use tokio::time::Instant;

use super::retry::retrying;
use crate::mackerel::client::Client;
use crate::mackerel::error::{Error, Kind};
use crate::mackerel::payload::MetricValue;
use crate::model::id::HostId;
use crate::model::progress::{Progress, Stage};
use crate::model::sample::Sample;

/// How many points one request holds. Mackerel documents no limit; its own tools post from 50 to
/// some hundreds.
const BATCH: usize = 500;

/// How many points may be found by halving and dropped in one poll: each costs some twenty requests.
/// What is left after that many is left for the next poll.
const MOST_REFUSED: usize = 50;

/// A point on its way.
#[derive(Debug, Clone)]
pub struct Point {
    /// The place of its host among those that are posted to.
    pub place: usize,
    /// What is posted.
    pub sample: Sample,
}

/// What became of the points that were not accepted.
#[derive(Debug, Default)]
pub struct Sent {
    /// Those that Mackerel refuses for good, each with its reason.
    pub refused: Vec<(Point, Error)>,
    /// The error that ended posting, with the points that are still to be posted.
    pub unsent: Option<(Error, Vec<Point>)>,
}

/// Until when points may be sent.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// As long as Mackerel has taken none; no later than the other.
    pub unanswered: Instant,
    /// When it takes them.
    pub last: Instant,
}

/// Posts all points to their hosts, in the order given, until one request fails for another reason than
/// its points, or too many points are refused one by one. Tells of each point that is accepted.
pub async fn send(
    client: &Client,
    hosts: &[HostId],
    points: Vec<Point>,
    deadline: Deadline,
    progress: &Progress,
    mut accepted: impl FnMut(&Point),
) -> Sent {
    let mut sent = Sent::default();
    let mut nothing_accepted = true;
    // How many points and hosts were found by halving.
    let mut found = 0;
    progress.expect(Stage::Points, points.len());
    let mut rest = points.into_iter();
    // Halves of a request that was refused, the next one last.
    let mut requests: Vec<Vec<Point>> = Vec::new();
    let stopped = loop {
        let next = requests.pop();
        let mut request = next.unwrap_or_else(|| rest.by_ref().take(BATCH).collect());
        if request.is_empty() {
            break None;
        }
        let by = match nothing_accepted {
            true => deadline.unanswered,
            false => deadline.last,
        };
        let error = match post(client, hosts, &request, by).await {
            Ok(()) => {
                progress.finish(Stage::Points, request.len());
                nothing_accepted = false;
                request.iter().for_each(&mut accepted);
                continue;
            }
            Err(error) => error,
        };
        let about_points = matches!(error.kind, Kind::Rejected | Kind::NotFound);
        if !about_points || found >= MOST_REFUSED {
            requests.push(request);
            break Some(error);
        }
        if request.len() > 1 {
            let second = request.split_off(request.len() / 2);
            requests.push(second);
            requests.push(request);
            continue;
        }
        found += 1;
        if let (Kind::NotFound, Some(point)) = (error.kind, request.first()) {
            // The host is gone, and all that is on its way to it is refused like this one.
            let place = point.place;
            let mut take_gone = |points: Vec<Point>| {
                let (gone, others): (Vec<Point>, Vec<Point>) =
                    points.into_iter().partition(|point| point.place == place);
                request.extend(gone);
                others
            };
            rest = take_gone(rest.collect()).into_iter();
            requests = requests.into_iter().map(take_gone).collect();
            requests.retain(|request| !request.is_empty());
        }
        progress.finish(Stage::Points, request.len());
        let refused = request.into_iter().map(|point| (point, error.clone()));
        sent.refused.extend(refused);
    };
    // A refusal of everything is about something else than the points.
    let rejected = |(_, error): &(Point, Error)| error.kind == Kind::Rejected;
    let everything = nothing_accepted && sent.refused.iter().any(rejected);
    let stopped = match (stopped, everything, sent.refused.first()) {
        (None, true, Some((_, error))) => Some(error.clone()),
        (stopped, ..) => stopped,
    };
    if let Some(error) = stopped {
        let mut unsent: Vec<Point> = requests.into_iter().rev().flatten().chain(rest).collect();
        if everything {
            unsent.extend(sent.refused.drain(..).map(|(point, _)| point));
        }
        sent.unsent = Some((error, unsent));
    }
    sent
}

async fn post(
    client: &Client,
    hosts: &[HostId],
    points: &[Point],
    deadline: Instant,
) -> Result<(), Error> {
    let names: Vec<String> = points
        .iter()
        .map(|point| point.sample.series.name())
        .collect();
    let values: Vec<MetricValue<'_>> = points
        .iter()
        .zip(&names)
        .map(|(point, name)| MetricValue {
            host_id: hosts[point.place].as_str(),
            name,
            time: point.sample.minute.start(),
            value: point.sample.value,
        })
        .collect();
    retrying(deadline, async || client.post_values(&values).await).await
}
