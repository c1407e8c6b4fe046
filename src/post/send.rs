//! Posts points: many hosts in one request, in requests of a bounded size. A point that Mackerel
//! refuses for good is found by halving its request, and dropped; the rest goes through.

use tokio::time::Instant;

use super::retry::retrying;
use crate::mackerel::client::Client;
use crate::mackerel::error::{Error, Kind};
use crate::mackerel::payload::MetricValue;
use crate::model::id::HostId;
use crate::model::sample::Sample;

/// How many points one request holds. Mackerel documents no limit; its own tools post from 50 to
/// some hundreds.
const BATCH: usize = 500;

/// A point on its way.
#[derive(Debug, Clone)]
pub struct Point {
    /// The host.
    pub host: HostId,
    /// The place of the cluster among those that are posted together.
    pub place: usize,
    /// What is posted.
    pub sample: Sample,
}

/// What became of the points.
#[derive(Debug, Default)]
pub struct Sent {
    /// Those that Mackerel accepted.
    pub accepted: Vec<Point>,
    /// Those that it refuses for good, each with its reason.
    pub refused: Vec<(Point, Error)>,
    /// The error that ended posting, with the points that are still to be posted.
    pub unsent: Option<(Error, Vec<Point>)>,
}

/// Posts all points, in the order given, until one request fails for another reason than its
/// points.
pub async fn send(client: &Client, points: Vec<Point>, deadline: Instant) -> Sent {
    let mut sent = Sent::default();
    // Requests to make, the next one last.
    let mut requests: Vec<Vec<Point>> = points.chunks(BATCH).rev().map(<[Point]>::to_vec).collect();
    drop(points);
    while let Some(mut request) = requests.pop() {
        match post(client, &request, deadline).await {
            Ok(()) => sent.accepted.append(&mut request),
            Err(error) if matches!(error.kind, Kind::Rejected | Kind::NotFound) => {
                match request.len() {
                    1 => sent
                        .refused
                        .extend(request.into_iter().map(|point| (point, error.clone()))),
                    length => {
                        let second = request.split_off(length / 2);
                        requests.push(second);
                        requests.push(request);
                    }
                }
            }
            Err(error) => {
                let rest = requests.into_iter().rev().flatten();
                let unsent = request.into_iter().chain(rest).collect();
                sent.unsent = Some((error, unsent));
                break;
            }
        }
    }
    sent
}

async fn post(client: &Client, points: &[Point], deadline: Instant) -> Result<(), Error> {
    let names: Vec<String> = points
        .iter()
        .map(|point| point.sample.series.name())
        .collect();
    let values: Vec<MetricValue<'_>> = points
        .iter()
        .zip(&names)
        .map(|(point, name)| MetricValue {
            host_id: point.host.as_str(),
            name,
            time: point.sample.minute.start(),
            value: point.sample.value,
        })
        .collect();
    retrying(deadline, async || client.post_values(&values).await).await
}
