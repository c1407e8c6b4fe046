//! The truth about load: what CloudWatch has of a service or a cluster for one minute.
//!
//! Each task gives a value every 20 seconds. At one-minute resolution a task's sample is the mean
//! of its values in the minute and `SampleCount` is the number of tasks; at 20 seconds every value
//! is a sample. Minimum and maximum are of the 20-second values, as the ECS guide says.

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::fleet::noise;
use crate::demo::aws::fleet::service::{Resolution, Service};

/// The 20-second moments of a minute.
pub const MOMENTS: u8 = 3;

/// A metric of the namespace `AWS/ECS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// `CPUUtilization`, in percent of what is reserved.
    CpuUtilization,
    /// `MemoryUtilization`, in percent of what is reserved.
    MemoryUtilization,
    /// `CPUReservation` of a cluster, in percent of its instances.
    CpuReservation,
    /// `MemoryReservation` of a cluster, in percent of its instances.
    MemoryReservation,
}

impl Metric {
    /// Every metric, in the order of ListMetrics.
    pub const ALL: [Metric; 4] = [
        Metric::CpuUtilization,
        Metric::MemoryUtilization,
        Metric::CpuReservation,
        Metric::MemoryReservation,
    ];

    /// The metric's CloudWatch name.
    pub fn name(self) -> &'static str {
        match self {
            Metric::CpuUtilization => "CPUUtilization",
            Metric::MemoryUtilization => "MemoryUtilization",
            Metric::CpuReservation => "CPUReservation",
            Metric::MemoryReservation => "MemoryReservation",
        }
    }

    /// Whether only clusters have it, never services.
    pub fn is_reservation(self) -> bool {
        matches!(self, Metric::CpuReservation | Metric::MemoryReservation)
    }
}

/// A CloudWatch statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Statistic {
    /// Sum divided by SampleCount.
    Average,
    /// The least value.
    Minimum,
    /// The greatest value.
    Maximum,
    /// The sum of the samples.
    Sum,
    /// The number of samples.
    SampleCount,
}

impl Statistic {
    /// Every statistic.
    pub const ALL: [Statistic; 5] = [
        Statistic::Average,
        Statistic::Minimum,
        Statistic::Maximum,
        Statistic::Sum,
        Statistic::SampleCount,
    ];

    /// The statistic's CloudWatch name.
    pub fn name(self) -> &'static str {
        match self {
            Statistic::Average => "Average",
            Statistic::Minimum => "Minimum",
            Statistic::Maximum => "Maximum",
            Statistic::Sum => "Sum",
            Statistic::SampleCount => "SampleCount",
        }
    }
}

/// All samples of a period, summed up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StatisticSet {
    /// The least value.
    pub minimum: f64,
    /// The greatest value.
    pub maximum: f64,
    /// The sum of the samples.
    pub sum: f64,
    /// The number of samples, never 0.
    pub sample_count: u32,
}

impl StatisticSet {
    /// One statistic of the set.
    pub fn get(&self, statistic: Statistic) -> f64 {
        match statistic {
            Statistic::Average => self.average(),
            Statistic::Minimum => self.minimum,
            Statistic::Maximum => self.maximum,
            Statistic::Sum => self.sum,
            Statistic::SampleCount => f64::from(self.sample_count),
        }
    }

    /// The mean of the samples.
    pub fn average(&self) -> f64 {
        self.sum / f64::from(self.sample_count)
    }

    /// Both sets as one, as CloudWatch aggregates minutes to longer periods.
    pub fn merge(self, other: StatisticSet) -> StatisticSet {
        StatisticSet {
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
            sum: self.sum + other.sum,
            sample_count: self.sample_count + other.sample_count,
        }
    }

    /// A set that is only being gathered: it has no sample yet.
    pub(crate) fn gathering() -> StatisticSet {
        StatisticSet {
            minimum: f64::INFINITY,
            maximum: f64::NEG_INFINITY,
            sum: 0.0,
            sample_count: 0,
        }
    }

    pub(crate) fn see(&mut self, value: f64) {
        self.minimum = self.minimum.min(value);
        self.maximum = self.maximum.max(value);
    }

    pub(crate) fn add(&mut self, sample: f64) {
        self.sum += sample;
        self.sample_count += 1;
    }

    pub(crate) fn finished(self) -> Option<StatisticSet> {
        (self.sample_count > 0).then_some(self)
    }
}

impl Service {
    /// What CloudWatch has of a whole minute, given by its start. None when no task ran in it, and
    /// for the metrics that only clusters have.
    pub fn statistics(&self, metric: Metric, minute: DateTime<Utc>) -> Option<StatisticSet> {
        self.statistics_so_far(metric, minute, MOMENTS)
    }

    /// What CloudWatch has of a minute of which only the first `moments` (1 to 3) 20-second values
    /// have arrived. At one-minute resolution a third of the tasks reports with each.
    pub fn statistics_so_far(
        &self,
        metric: Metric,
        minute: DateTime<Utc>,
        moments: u8,
    ) -> Option<StatisticSet> {
        if metric.is_reservation() {
            return None;
        }
        let moments = moments.min(MOMENTS);
        let mut running = [0; MOMENTS as usize];
        for (moment, tasks) in (0..moments).zip(running.iter_mut()) {
            *tasks = self.running(minute + TimeDelta::seconds(20 * i64::from(moment)));
        }
        let load = Load::new(self.seed, metric, minute);
        let mut set = StatisticSet::gathering();
        for task in 0..running.into_iter().max().unwrap_or(0) {
            let late = task % u32::from(MOMENTS) >= u32::from(moments);
            if self.resolution == Resolution::Minute && late {
                continue;
            }
            let (mut sum, mut values) = (0.0, 0.0);
            for (moment, tasks) in (0..moments).zip(running) {
                if task < tasks {
                    let value = load.value(task, moment);
                    set.see(value);
                    sum += value;
                    values += 1.0;
                    if self.resolution == Resolution::TwentySeconds {
                        set.add(value);
                    }
                }
            }
            if self.resolution == Resolution::Minute && values > 0.0 {
                set.add(sum / values);
            }
        }
        set.finished()
    }
}

/// The load of one service or cluster in one minute, from which its values are drawn.
pub(crate) struct Load {
    seed: u64,
    level: f64,
}

impl Load {
    pub(crate) fn new(seed: u64, metric: Metric, minute: DateTime<Utc>) -> Load {
        let (number, low, spread, swing) = match metric {
            Metric::CpuUtilization => (1, 8.0, 40.0, 0.45),
            _ => (2, 25.0, 45.0, 0.08),
        };
        let own = noise::mix(seed, number);
        let minutes = minute.timestamp().div_euclid(60);
        let turn = minutes.rem_euclid(24 * 60) as f64 / (24.0 * 60.0) + noise::unit(own) / 6.0;
        let wave = 1.0 - swing * (turn * std::f64::consts::TAU).cos();
        let seed = noise::mix(own, minutes.unsigned_abs());
        let gust = 0.9 + 0.2 * noise::unit(seed);
        Load {
            seed,
            level: (low + spread * noise::unit(noise::mix(own, 7))) * wave * gust,
        }
    }

    /// The value of a task (or an instance) at one of the three moments, in percent.
    pub(crate) fn value(&self, task: u32, moment: u8) -> f64 {
        let seed = noise::mix(self.seed, u64::from(task) * 4 + u64::from(moment) + 1);
        (self.level * (0.8 + 0.4 * noise::unit(seed))).min(100.0)
    }
}
