//! The figure of the fullest service against those of all services.

use mackerel_ecs::demo::aws::fleet::statistics::{MOMENTS, Metric};

use super::case::{Case, Points};
use super::ledger::clock;
use super::truth::{Series, service_loads};
use super::verdict::{Invariant, Verdict};
use crate::support::world::{NOON, at};

/// How long before a poller last saw a service that is deleted, or before what it had read by then,
/// the figure is not judged, in seconds: a process that begins afterwards reads from there and can't
/// find the service any more.
const GOING: i64 = 1500;

impl Case<'_> {
    /// Where all services of a minute have their final values, the highest is theirs.
    pub(super) fn check_highest(&self, verdict: &mut Verdict) {
        if self.world.scenario.profile == "compact" {
            return;
        }
        let minutes = self.minutes();
        let services = self.services();
        for (leaf, metric) in [
            ("cpu", Metric::CpuUtilization),
            ("memory", Metric::MemoryUtilization),
        ] {
            let name = format!("custom.ecs.highest_service_utilization.{leaf}");
            let there = self.points(&name);
            let averages: Vec<(String, Points)> = services
                .iter()
                .flat_map(|service| service_loads("compact", service))
                .filter(|name| {
                    let series = Series::parse(name);
                    matches!(series, Some(Series::Load { metric: own, .. }) if own == metric)
                })
                .map(|name| {
                    let points = self.points(&name);
                    (name, points)
                })
                .collect();
            for minute in &minutes {
                let (value, host) = there.get(minute).copied().unzip();
                let Some(highest) = self.highest(*minute, &averages, host) else {
                    continue;
                };
                verdict.figures.expected += 1;
                if value == Some(highest) {
                    continue;
                }
                let unsettled = match value {
                    Some(_) => 900 + self.world.scenario.waiting(),
                    None => 0,
                };
                if self.is_excused(&name, *minute, unsettled, &there) {
                    verdict.figures.expected -= 1;
                    verdict.figures.excused += 1;
                    continue;
                }
                if value.is_some() && self.was_overtaken(&name, *minute, highest) {
                    verdict.figures.expected -= 1;
                    verdict.figures.overtaken += 1;
                    continue;
                }
                let (invariant, sum) = match value {
                    Some(_) => (Invariant::NothingStale, &mut verdict.figures.wrong),
                    None => (Invariant::NothingMissing, &mut verdict.figures.missing),
                };
                *sum += 1;
                verdict.fail(invariant, || {
                    let when = clock(*minute);
                    format!("{}/{name} at {when}: {value:?} of {highest}", self.name)
                });
            }
        }
    }

    /// Up to where a poller had noted CloudWatch as read, at a second.
    fn read_until(&self, second: i64) -> i64 {
        let notes = self.ledger.notes.iter().rev();
        let mut own = notes.filter(|note| {
            note.at <= second * 1000 && self.hosts.iter().any(|host| host.id == note.host)
        });
        let until = own.find_map(|note| note.progress.read_until);
        until.map_or(second, |until| until - NOON)
    }

    /// The highest of a minute's averages, if all that there must be are on Mackerel with their final
    /// values, on the same host as the figure: one that takes the place of another has nothing of the
    /// services that are gone by then.
    fn highest(
        &self,
        minute: i64,
        averages: &[(String, Points)],
        host: Option<usize>,
    ) -> Option<f64> {
        let cluster = self.truth.cluster(at(NOON + minute))?;
        let second = |time: chrono::DateTime<chrono::Utc>| time.timestamp() - NOON;
        let waiting = self.world.scenario.waiting();
        let goes = |seen: i64, gone: i64| (seen - GOING - waiting..gone + 60).contains(&minute);
        let of_cluster = cluster.deleted_at.map(second);
        let mut services = cluster.services().iter();
        let any_goes = services.any(|service| {
            let gone = service.deleted_at.map(second);
            let seen = |gone| self.last_counted(&service.name, second(service.created_at)..=gone);
            gone.is_some_and(|gone| {
                let seen = seen(gone).unwrap_or(gone);
                goes(seen.min(self.read_until(seen)), gone)
            })
        });
        if any_goes || of_cluster.is_some_and(|gone| goes(gone, gone)) {
            return None;
        }
        let mut highest: Option<f64> = None;
        for (name, points) in averages {
            let series = Series::parse(name)?;
            let value = self.truth.load(series, at(NOON + minute), MOMENTS);
            let (there, place) = points.get(&minute).copied().unzip();
            if value != there || (there.is_some() && host.is_some() && place != host) {
                return None;
            }
            highest = highest.into_iter().chain(value).reduce(f64::max);
        }
        highest
    }
}
