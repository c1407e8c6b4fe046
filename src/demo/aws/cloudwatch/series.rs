//! One metric of one service or cluster, minute by minute, as far as CloudWatch has it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::cloudwatch::query::Window;
use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::fleet::insight::Insight;
use crate::demo::aws::fleet::noise;
use crate::demo::aws::fleet::revised::moments_seen;
use crate::demo::aws::fleet::statistics::{MOMENTS, Metric, StatisticSet};
use crate::demo::aws::options::Lateness;
use crate::demo::aws::place::Place;

/// The namespace of the free metrics of ECS.
pub const NAMESPACE: &str = "AWS/ECS";
/// The namespace of Container Insights.
const INSIGHTS: &str = "ECS/ContainerInsights";

/// For how many days CloudWatch keeps points, and of which period in seconds.
const RETENTION: [(i64, i64); 3] = [(15, 60), (63, 300), (455, 3600)];

/// A series: what to ask each minute of.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// All clusters of the name, one after the other in time.
    clusters: &'a [Cluster],
    /// None for the cluster's own metric.
    service: Option<&'a str>,
    what: What,
}

/// Whose metric it is.
#[derive(Debug, Clone, Copy)]
enum What {
    Own(Metric),
    Insight(Insight),
}

/// The series of exactly these dimensions; none when there never is one.
pub fn find<'a>(
    place: &Place<'a>,
    namespace: &str,
    metric: &str,
    dimensions: &[(&'a str, &'a str)],
) -> Option<Series<'a>> {
    let what = match namespace {
        NAMESPACE => What::Own(Metric::ALL.into_iter().find(|one| one.name() == metric)?),
        INSIGHTS => What::Insight(Insight::find(metric)?),
        _ => return None,
    };
    let value_of = |name| {
        let mut named = dimensions.iter().filter(|(own, _)| *own == name);
        named.next().map(|(_, value)| *value)
    };
    let cluster = value_of("ClusterName")?;
    let service = value_of("ServiceName");
    let exact = dimensions.len() == 1 + usize::from(service.is_some());
    let clusters = place.content?.clusters_named(cluster);
    exact.then_some(Series {
        clusters,
        service,
        what,
    })
}

impl Series<'_> {
    /// All points of a window in a period, oldest first, as they are known now. A point stands for
    /// the minutes from its time on, counted from the start of the window.
    pub fn points(
        &self,
        window: Window,
        period: i64,
        place: &Place,
    ) -> Vec<(DateTime<Utc>, StatisticSet)> {
        let age = |days| place.now - TimeDelta::days(days);
        let kept = RETENTION.iter().rev();
        let kept = kept.filter(|(_, every)| period >= 60 && period % every == 0);
        let Some(oldest) = kept.map(|(days, _)| age(*days)).next() else {
            return Vec::new();
        };
        let visibility = Visibility::new(place.lateness, self.seed());
        let mut points: Vec<(DateTime<Utc>, StatisticSet)> = Vec::new();
        let end = window.end.min(place.now);
        let skipped = (oldest - window.start).num_seconds().max(0);
        let mut minute = window.start + TimeDelta::minutes((skipped + 59).div_euclid(60));
        while minute < end {
            let moments = visibility.moments(minute, place.now);
            if moments > 0
                && let Some(set) = self.at(minute, moments, place)
            {
                let passed = (minute - window.start).num_seconds();
                let time = window.start + TimeDelta::seconds(passed - passed % period);
                match points.last_mut() {
                    Some((last, sum)) if *last == time => *sum = sum.merge(set),
                    _ => points.push((time, set)),
                }
            }
            minute += TimeDelta::minutes(1);
        }
        points
    }

    /// The samples of a minute, of which so many 20-second moments have arrived unless the minute
    /// is still to be revised.
    fn at(&self, minute: DateTime<Utc>, arrived: u8, place: &Place) -> Option<StatisticSet> {
        let seen = |revised_after| moments_seen(arrived, minute, revised_after, place.now);
        let revised = place.lateness.revised;
        let newest_first = self.clusters.iter().rev();
        let mut existing = newest_first.filter(|cluster| cluster.exists(minute));
        let cluster = existing.next()?;
        let moments_end = minute + TimeDelta::seconds(59);
        let metric = match self.what {
            What::Own(metric) => metric,
            What::Insight(insight) => {
                let service = match self.service {
                    None => None,
                    Some(name) => Some(cluster.service_at(name, moments_end)?),
                };
                return cluster.insight(insight, service, minute);
            }
        };
        match self.service {
            None => {
                let moments = seen(cluster.revised_after(metric, minute, revised));
                cluster.statistics_so_far(metric, minute, moments)
            }
            Some(name) => {
                let service = cluster.service_at(name, moments_end)?;
                let moments = seen(service.revised_after(metric, minute, revised));
                service.statistics_so_far(metric, minute, moments)
            }
        }
    }

    fn seed(&self) -> u64 {
        let cluster = self.clusters.first().map_or("", |cluster| &cluster.name);
        let what = match self.what {
            What::Own(metric) => metric as u64,
            What::Insight(insight) => 100 + insight as u64,
        };
        let seed = noise::mix(noise::seed_of(cluster), what);
        noise::mix(seed, noise::seed_of(self.service.unwrap_or_default()))
    }
}

/// When the samples of a minute of one series are seen.
struct Visibility {
    lateness: Lateness,
    jitter: i64,
}

impl Visibility {
    fn new(lateness: Lateness, seed: u64) -> Visibility {
        let jitter = noise::between(seed, 0, u64::from(lateness.jitter));
        Visibility {
            lateness,
            jitter: i64::try_from(jitter).unwrap_or(0),
        }
    }

    /// How many of the three moments of a minute have arrived at a time.
    fn moments(&self, minute: DateTime<Utc>, now: DateTime<Utc>) -> u8 {
        let passed = (now - minute).num_seconds() - self.jitter;
        let first = i64::from(self.lateness.visible_after);
        let spread = i64::from(self.lateness.settled_after) - first;
        let steps = i64::from(MOMENTS) - 1;
        let arrived = |moment: &u8| passed >= first + spread.max(0) * i64::from(*moment) / steps;
        let count = (0..MOMENTS).take_while(arrived).count();
        u8::try_from(count).unwrap_or(MOMENTS)
    }
}
