//! What an estate comes to, before it is polled: calls and the time that they take, what CloudWatch
//! costs, how many metrics each host gets, and what another profile or interval would change. It is
//! computed with the code that polls: the catalogue, the batches, the prices and the rates.

pub mod host;
pub mod offline;
pub mod page;
pub mod survey;

use std::time::Duration;

use serde::Serialize;

use crate::aws::{
    CLUSTER_READS, MAX_QUERIES, METRIC_READS, SERVICE_READS, STATISTICS_READS, reading_time,
};
use crate::config::Config;
use crate::config::selection::Selection;
use crate::model::catalog::Profile;
use crate::model::inventory::Observed;
use crate::model::pass::Pass;
use crate::model::reader::Reader;
use crate::model::time::{Minute, Window};
use crate::pace::bucket::Rate;
use crate::plan::batch::{Reading, batches, load};
use crate::plan::cost::{FREE_REQUESTS, INTERVALS, Load, Loads, bill, interval, reader};
use crate::plan::history::History;
use crate::plan::pass;
use crate::plan::window::minutes;
use host::Hosts;

/// One Region of a target, as it was read or made up.
#[derive(Debug)]
pub struct Part {
    /// The target's name.
    pub target: String,
    /// The Region.
    pub region: String,
    /// The chosen clusters with their chosen services.
    pub clusters: Vec<Observed>,
    /// What it takes to read them.
    pub pass: Pass,
    /// Which metrics are posted of them.
    pub metrics: Selection,
}

/// What an estate comes to.
#[derive(Debug, Serialize)]
pub struct Forecast {
    /// Every how many minutes it is polled, and CloudWatch read.
    pub poll_minutes: i64,
    /// Likewise of CloudWatch.
    pub cloudwatch_minutes: i64,
    /// The share of AWS's rates that the poller allows itself; none for no limit.
    pub rate_share: Option<f64>,
    /// The Regions, by target.
    pub regions: Vec<RegionForecast>,
    /// What CloudWatch comes to in a month.
    pub cloudwatch: CloudWatchForecast,
    /// The hosts on Mackerel.
    pub hosts: Hosts,
    /// What it would come to otherwise.
    pub choices: Vec<Choice>,
}

/// One Region of a target.
#[derive(Debug, Serialize)]
pub struct RegionForecast {
    /// The target's name.
    pub target: String,
    /// The Region.
    pub region: String,
    /// How many clusters are polled.
    pub clusters: usize,
    /// How many services.
    pub services: usize,
    /// How many of these run a task: CloudWatch has nothing of the others.
    pub services_with_tasks: usize,
    /// Calls in a pass over all of them, and a minute, by the APIs that share a rate.
    pub calls: Vec<Calls>,
    /// How many seconds the rates make a pass over ECS take.
    pub pass_seconds: f64,
    /// How many polls the rates make a pass over ECS take.
    pub pass_polls: usize,
    /// The call that reads CloudWatch.
    pub reader: &'static str,
    /// Metrics that one reading asks for: each once, and each of its statistics.
    pub metrics: usize,
    /// See `metrics`.
    pub statistics: usize,
    /// Units that AWS charges for in a month.
    pub units: Range,
}

/// Calls of the APIs that share one of AWS's rates.
#[derive(Debug, Serialize)]
pub struct Calls {
    /// The APIs.
    pub apis: &'static str,
    /// How many calls one pass takes, or one reading of CloudWatch.
    pub each: usize,
    /// How many a minute that is, on the average.
    pub per_minute: f64,
    /// How many a minute the poller allows itself; none for no limit.
    pub allowed_per_minute: Option<f64>,
}

/// What CloudWatch comes to in a month of 730 hours.
#[derive(Debug, Serialize)]
pub struct CloudWatchForecast {
    /// Requests of GetMetricStatistics and metrics asked of GetMetricData.
    pub units: Range,
    /// How many of these the free tier carries.
    pub free_units: f64,
    /// US dollars.
    pub usd: Range,
}

/// A figure that AWS's counting leaves open: if the statistics of a metric count as one, and if each
/// counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// If they count as one.
    pub lower: f64,
    /// If each counts.
    pub upper: f64,
}

/// What a profile would come to.
#[derive(Debug, Serialize)]
pub struct Choice {
    /// The profile's name.
    pub profile: &'static str,
    /// Whether it is the one that is configured, for all targets.
    pub is_configured: bool,
    /// Metrics of all hosts together.
    pub metrics: usize,
    /// US dollars a month by the minutes between two readings.
    pub usd: Vec<(i64, Range)>,
}

impl From<(f64, f64)> for Range {
    fn from((lower, upper): (f64, f64)) -> Self {
        Range { lower, upper }
    }
}

/// Forecasts the polling of some Regions as the config has it. A service that runs no task now is
/// taken for one that never does.
pub fn forecast(parts: &[Part], config: &Config) -> Forecast {
    let readings: Vec<Readings> = parts
        .iter()
        .map(|part| Readings::of(part, &part.metrics, config))
        .collect();
    let poll_minutes = minutes(config.poll.interval);
    let loads = shared(config, &readings);
    // A reading takes place in a poll, however often it is wanted.
    let every = interval(loads, &config.cloudwatch).max(poll_minutes);
    let bill = bill(loads, every);
    let regions = parts.iter().zip(&readings);
    Forecast {
        poll_minutes,
        cloudwatch_minutes: every,
        rate_share: config.rate_share(),
        regions: regions
            .map(|(part, reading)| region(part, reading, config, every))
            .collect(),
        cloudwatch: CloudWatchForecast {
            units: Range {
                lower: bill.requests + bill.metrics.0,
                upper: bill.requests + bill.metrics.1,
            },
            free_units: bill.requests.min(FREE_REQUESTS),
            usd: bill.usd.into(),
        },
        hosts: Hosts::of(parts),
        choices: choices(parts, config),
    }
}

/// What readings of a Region's CloudWatch ask for, as they go on.
struct Readings {
    reader: Reader,
    load: Load,
    calls: usize,
}

impl Readings {
    fn of(part: &Part, metrics: &Selection, config: &Config) -> Readings {
        let histories: Vec<History> = part.clusters.iter().map(history).collect();
        let readings: Vec<Reading<'_>> = part
            .clusters
            .iter()
            .zip(&histories)
            .map(|(observed, history)| reading(observed, history))
            .collect();
        let load = load(&readings, metrics);
        let allowed = STATISTICS_READS.within(config.rate_share(), config.poll.reading_time());
        let reader = reader(load, config.cloudwatch.reader, allowed);
        Readings {
            reader,
            load,
            calls: match reader {
                Reader::Statistics => load.metrics,
                Reader::Data => batches(&readings, metrics, MAX_QUERIES).len(),
            },
        }
    }
}

/// The minute in which the estate was looked at; which one does not matter.
const SEEN: Minute = Minute::of_seconds(0);

fn history(observed: &Observed) -> History {
    let mut history = History::default();
    history.observe(&observed.cluster, &observed.services);
    history
}

/// The reading of a minute after the first look, when it is known what has data.
fn reading<'a>(observed: &'a Observed, history: &'a History) -> Reading<'a> {
    Reading {
        cluster: &observed.cluster,
        services: &observed.services,
        window: Window {
            from: SEEN.plus(1),
            to: SEEN.plus(2),
        },
        history,
        with_sample_count: false,
    }
}

/// The loads of all Regions, the other shards' included, which are taken for as large.
fn shared(config: &Config, readings: &[Readings]) -> Loads {
    let shards = config.shard.map_or(1, |shard| shard.count as usize);
    Loads::of(readings.iter().map(|one| (one.reader, one.load))).times(shards)
}

fn region(part: &Part, readings: &Readings, config: &Config, every: i64) -> RegionForecast {
    let share = config.rate_share();
    let poll_minutes = minutes(config.poll.interval);
    let calls = |apis, each: usize, minutes: i64, rate: Rate| Calls {
        apis,
        each,
        per_minute: each as f64 / minutes as f64,
        allowed_per_minute: share.map(|share| rate.per_second * 60.0 * share),
    };
    let reads = match readings.reader {
        Reader::Statistics => STATISTICS_READS,
        Reader::Data => METRIC_READS,
    };
    let Pass {
        cluster_reads,
        service_reads,
    } = part.pass;
    let services = || part.clusters.iter().flat_map(|one| &one.services);
    let loads = Loads::of([(readings.reader, readings.load)]);
    let bill = bill(loads, every);
    let groups = [
        (cluster_reads, CLUSTER_READS),
        (service_reads, SERVICE_READS),
    ];
    let pass: Duration = groups.map(|(n, rate)| rate.time_for(n, share)).iter().sum();
    let (metrics, queries) = (readings.load.metrics, readings.load.queries);
    let read_again = minutes(config.poll.overlap).unsigned_abs() as usize + 1;
    let reading = reading_time(readings.reader, share, metrics, queries, read_again);
    let reading = (every, reading.min(config.poll.reading_time()));
    let within = |time| SERVICE_READS.within(share, time);
    RegionForecast {
        target: part.target.clone(),
        region: part.region.clone(),
        clusters: part.clusters.len(),
        services: services().count(),
        services_with_tasks: services().filter(|one| one.running > 0).count(),
        calls: vec![
            calls(
                "ecs:ListClusters, ecs:DescribeClusters",
                cluster_reads,
                poll_minutes,
                CLUSTER_READS,
            ),
            calls(
                "ecs:ListServices, ecs:DescribeServices",
                service_reads,
                poll_minutes,
                SERVICE_READS,
            ),
            calls(readings.reader.action(), readings.calls, every, reads),
        ],
        pass_seconds: pass.as_secs_f64(),
        pass_polls: pass::polls(service_reads, config.poll.interval, reading, within),
        reader: readings.reader.call(),
        metrics,
        statistics: queries,
        units: Range {
            lower: bill.requests + bill.metrics.0,
            upper: bill.requests + bill.metrics.1,
        },
    }
}

/// Each profile at each interval that the polls allow; patterns work on top as they do now.
fn choices(parts: &[Part], config: &Config) -> Vec<Choice> {
    let poll_minutes = minutes(config.poll.interval);
    let mut intervals = INTERVALS.to_vec();
    intervals.retain(|minutes| *minutes >= poll_minutes);
    if intervals.is_empty() {
        intervals.push(poll_minutes);
    }
    Profile::NAMES
        .iter()
        .map(|(name, profile)| {
            let with = |part: &Part| Selection {
                profile: *profile,
                ..part.metrics.clone()
            };
            let readings: Vec<Readings> = parts
                .iter()
                .map(|part| Readings::of(part, &with(part), config))
                .collect();
            let loads = shared(config, &readings);
            let hosts = parts.iter().flat_map(|part| {
                let metrics = with(part);
                let clusters = part.clusters.iter();
                clusters.map(move |one| host::metrics(one, &metrics))
            });
            Choice {
                profile: name,
                is_configured: parts.iter().all(|part| part.metrics.profile == *profile),
                metrics: hosts.sum(),
                usd: intervals
                    .iter()
                    .map(|minutes| (*minutes, bill(loads, *minutes).usd.into()))
                    .collect(),
            }
        })
        .collect()
}
