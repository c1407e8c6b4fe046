//! How a poll's time is divided where ECS's and CloudWatch's rates don't let it read a Region whole:
//! how long services are described, and how much of CloudWatch is read.

use std::time::Duration;

use super::reading::Room;
use crate::aws::Client;
use crate::discover::Discovery;
use crate::model::inventory::Observed;
use crate::model::reader::Reader;
use crate::model::trouble::Trouble;
use crate::plan::cost::Load;
use crate::plan::pass;

/// What the division depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    pub(super) interval: Duration,
    /// The longest that a poll reads CloudWatch where another one comes after it, which reads the
    /// rest.
    pub(super) longest_reading: Duration,
    /// How many minutes are read again.
    pub(super) overlap: i64,
    /// With which call CloudWatch is read, and every how many minutes.
    pub(super) reading: (Reader, i64),
    /// How much a reading asks for.
    pub(super) load: Load,
}

impl Spread {
    /// For how long a poll describes services, which reads CloudWatch or does not.
    pub(super) fn walk_time(self, client: &Client, reads: bool) -> Duration {
        let reading = match (reads, self.load == Load::default()) {
            (false, _) => Duration::ZERO,
            // What there is to read is not known yet.
            (true, true) => self.longest_reading,
            (true, false) => self.reading_time(client),
        };
        pass::walk_time(self.interval, reading)
    }

    /// Over how many polls a pass over all services is spread, those that read CloudWatch taken
    /// together with the others.
    pub(super) fn polls(self, client: &Client, discovery: &Discovery) -> usize {
        let services = |observed: &Observed| {
            let active = usize::try_from(observed.cluster.active_services).unwrap_or_default();
            active.max(observed.services.len())
        };
        let calls = pass::calls(discovery.clusters.iter().map(services));
        let reading = (self.reading.1, self.reading_time(client));
        let within = |time| client.service_reads_within(time);
        pass::polls(calls, self.interval, reading, within)
    }

    /// How many calls may ask after services' revisions where services are described in parts: few
    /// beside those that describe them.
    pub(super) fn revisions(self, client: &Client) -> Option<usize> {
        let calls = client.service_reads_within(self.interval / 12)?;
        Some(calls.max(1))
    }

    /// How much of CloudWatch a poll reads. The last poll reads all that there is.
    pub(super) fn room(self, client: &Client, goes_on: bool, regions: usize) -> Room {
        let (reader, _) = self.reading;
        match goes_on {
            true => Room::bounded(client.points_within(reader, self.longest_reading), regions),
            false => Room::ENDLESS,
        }
    }

    /// How long a reading takes at least.
    fn reading_time(self, client: &Client) -> Duration {
        let minutes = self.overlap.unsigned_abs() as usize + 1;
        let (metrics, queries) = (self.load.metrics, self.load.queries);
        let time = client.reading_time(self.reading.0, metrics, queries, minutes);
        time.min(self.longest_reading)
    }
}

/// What there is to say of a Region whose services are described in parts.
pub(super) fn trouble(region: &str, polls: usize) -> Trouble {
    if polls <= 1 {
        return Trouble::of_target(format!(
            "{region}: AWS answers too slowly for all services to be described in one poll; the next \
             one goes on with the rest, and running counts in between are restored from CloudWatch"
        ));
    }
    let message = format!(
        "{region}: ECS's rates allow a part of the services to be described in each poll, all of them \
         in about {polls}: so late new services are seen; running counts in between are restored from \
         CloudWatch; aws.rate_share is the part of the rates that is used"
    );
    Trouble::of_target(message).as_warning()
}
