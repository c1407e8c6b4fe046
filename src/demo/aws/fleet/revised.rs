//! Minutes that change once more after they had settled, because their last samples came late.
//!
//! Such a minute first has what its first two 20-second values give, and from a moment of its own
//! on what all three give. Which minutes, and when, depends on seeds only.

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::fleet::noise;
use crate::demo::aws::fleet::service::Service;
use crate::demo::aws::fleet::statistics::{MOMENTS, Metric, StatisticSet};

/// How many minutes are revised, and when. AWS gives no figures; users report that values change
/// for some minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revised {
    /// Of a hundred minutes of a series, how many are revised.
    pub percent: u32,
    /// Seconds from the start of a minute until it is revised, at least. When the minute has not
    /// settled by then, it settles with its final values.
    pub earliest: u32,
    /// Seconds from the start of a minute until it is revised, at most.
    pub latest: u32,
}

impl Revised {
    /// A tenth of all minutes, 150 to 400 seconds after their start.
    pub const SOME: Revised = Revised {
        percent: 10,
        earliest: 150,
        latest: 400,
    };

    fn after(self, seed: u64, metric: Metric, minute: DateTime<Utc>) -> Option<u32> {
        let minutes = minute.timestamp().div_euclid(60).unsigned_abs();
        let own = noise::mix(noise::mix(seed, 61 + metric as u64), minutes);
        let is_revised = noise::between(own, 0, 99) < u64::from(self.percent);
        let (earliest, latest) = (u64::from(self.earliest), u64::from(self.latest));
        let after = noise::between(noise::mix(own, 1), earliest, latest);
        is_revised.then(|| u32::try_from(after).unwrap_or(self.earliest))
    }
}

/// How many of a minute's 20-second values have arrived at a time: those that arrived in the
/// ordinary way, but for the last of a minute that is still to be revised.
pub fn moments_seen(
    arrived: u8,
    minute: DateTime<Utc>,
    revised_after: Option<u32>,
    now: DateTime<Utc>,
) -> u8 {
    match revised_after {
        Some(after) if now < minute + TimeDelta::seconds(after.into()) => arrived.min(MOMENTS - 1),
        _ => arrived,
    }
}

impl Service {
    /// Seconds from the start of a minute until its statistics change once more; none when they
    /// stay as they settled.
    pub fn revised_after(
        &self,
        metric: Metric,
        minute: DateTime<Utc>,
        revised: Option<Revised>,
    ) -> Option<u32> {
        revised?.after(self.seed, metric, minute)
    }

    /// What CloudWatch has of a settled minute until it is revised. The final values are those of
    /// [`Service::statistics`], and the same when the minute is not revised.
    pub fn first_statistics(
        &self,
        metric: Metric,
        minute: DateTime<Utc>,
        revised: Option<Revised>,
    ) -> Option<StatisticSet> {
        let after = self.revised_after(metric, minute, revised);
        let moments = moments_seen(MOMENTS, minute, after, minute);
        self.statistics_so_far(metric, minute, moments)
    }
}

impl Cluster {
    /// Seconds from the start of a minute until the cluster's own statistics change once more;
    /// none when they stay as they settled.
    pub fn revised_after(
        &self,
        metric: Metric,
        minute: DateTime<Utc>,
        revised: Option<Revised>,
    ) -> Option<u32> {
        revised?.after(noise::seed_of(&self.name), metric, minute)
    }

    /// What CloudWatch has of a settled minute by `ClusterName` alone until it is revised. The
    /// final values are those of [`Cluster::statistics`], and the same when the minute is not
    /// revised. A reservation only changes with the number of tasks.
    pub fn first_statistics(
        &self,
        metric: Metric,
        minute: DateTime<Utc>,
        revised: Option<Revised>,
    ) -> Option<StatisticSet> {
        let after = self.revised_after(metric, minute, revised);
        let moments = moments_seen(MOMENTS, minute, after, minute);
        self.statistics_so_far(metric, minute, moments)
    }
}
