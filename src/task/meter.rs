//! Two readings become samples: CPU and traffic from the difference of counters over the difference
//! of the readings' own times, memory and limits as they are. A counter that went back (a container
//! that was restarted) yields nothing; nor does a reading that was there before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::metadata::{Container, Task, segment};
use super::network::{self, Source};
use super::setting::{ExtraMetrics, MemoryFormula, NamePattern};
use super::stats::{Memory, Reading, Traffic};

/// Readings that lie further apart start again: a mean over so long a time says nothing of now.
const LONGEST_GAP: f64 = 600.0;

/// MiB in bytes.
const MEBI: f64 = 1_048_576.0;

/// One value of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric's full name.
    pub name: Arc<str>,
    /// Seconds since the Unix epoch.
    pub time: i64,
    /// The value.
    pub value: f64,
}

/// What a container or an interface is measured against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Watch<'a> {
    /// Containers that are left out.
    pub ignored: Option<&'a NamePattern>,
    /// What counts as used memory.
    pub memory: MemoryFormula,
    /// What is measured besides.
    pub extra: ExtraMetrics,
}

/// What this machine, or what we see of it, says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Machine {
    /// How many CPUs it has.
    pub cores: Option<u64>,
    /// How much memory it has, in bytes.
    pub memory: Option<u64>,
    /// The traffic of our network namespace; empty where that can't be read.
    pub interfaces: BTreeMap<String, Traffic>,
}

/// A moment on two clocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// The time of day.
    pub time: DateTime<Utc>,
    /// The time since the start, on a clock that nobody sets.
    pub elapsed: Duration,
}

/// What was read at one moment.
#[derive(Debug)]
pub struct Round<'a> {
    /// When.
    pub at: Moment,
    /// The task.
    pub task: &'a Task,
    /// Its containers' readings.
    pub readings: &'a BTreeMap<String, Reading>,
    /// The machine's.
    pub machine: &'a Machine,
}

/// What is remembered from one reading to the next.
#[derive(Debug, Default)]
pub struct Meter {
    containers: BTreeMap<String, Past>,
    interfaces: Option<Counters>,
}

#[derive(Debug)]
struct Past {
    at: DateTime<Utc>,
    reading: Reading,
}

/// Traffic, and when it was counted: in seconds on a clock of its source, and as a timestamp.
#[derive(Debug)]
struct Counters {
    seconds: f64,
    time: i64,
    traffic: BTreeMap<String, Traffic>,
}

/// What a round gave.
#[derive(Debug, Default)]
pub struct Measured {
    /// The samples.
    pub samples: Vec<Sample>,
    /// Whether a container seems to have been restarted.
    pub restarted: bool,
}

impl Measured {
    fn add(&mut self, name: String, time: i64, value: f64) {
        self.samples.push(Sample {
            name: name.into(),
            time,
            value,
        });
    }
}

impl Meter {
    /// Turns what was read into samples, and remembers it for the next time.
    pub fn measure(&mut self, round: &Round<'_>, watch: Watch<'_>) -> Measured {
        let mut measured = Measured::default();
        let source = network::source(round.task);
        for container in round.task.watched(watch.ignored) {
            let Some(reading) = round.readings.get(&container.docker_id) else {
                continue;
            };
            let now = Past {
                at: reading.read.unwrap_or(round.at.time),
                reading: reading.clone(),
            };
            let before = self.containers.get(&container.docker_id);
            if before.is_some_and(|before| before.at == now.at) {
                continue;
            }
            let name = segment(container.name());
            levels(&mut measured, &name, container, &now, round, watch);
            let step = before.and_then(|before| Step::between(before, &now));
            if let Some(step) = step {
                if step.is_restart() {
                    measured.restarted = true;
                } else {
                    rates(&mut measured, &name, &step, source, watch.extra);
                }
            }
            self.containers.insert(container.docker_id.clone(), now);
        }
        self.containers.retain(|id, _| {
            let mut containers = round.task.containers.iter();
            containers.any(|container| container.docker_id == *id)
        });
        if source == Source::Namespace {
            self.namespace(&mut measured, round);
        }
        if watch.extra.ephemeral_storage {
            storage(&mut measured, round);
        }
        measured
    }

    /// The traffic of the task as a whole.
    fn namespace(&mut self, measured: &mut Measured, round: &Round<'_>) {
        let repeated = || {
            let mut readings = round.readings.values();
            readings.find(|reading| !reading.networks.is_empty())
        };
        let now = if !round.machine.interfaces.is_empty() {
            Counters {
                seconds: round.at.elapsed.as_secs_f64(),
                time: round.at.time.timestamp(),
                traffic: round.machine.interfaces.clone(),
            }
        } else if let Some(reading) = repeated() {
            let at = reading.read.unwrap_or(round.at.time);
            Counters {
                seconds: at.timestamp_micros() as f64 / 1e6,
                time: at.timestamp(),
                traffic: reading.networks.clone(),
            }
        } else {
            return;
        };
        if let Some(before) = &self.interfaces
            && let Some(seconds) = gap(now.seconds - before.seconds)
        {
            let (old, new) = (&before.traffic, &now.traffic);
            traffic(measured, "", old, new, seconds, now.time);
        }
        self.interfaces = Some(now);
    }
}

/// From one reading of a container to the next.
struct Step<'a> {
    before: &'a Reading,
    now: &'a Reading,
    seconds: f64,
    time: i64,
}

impl<'a> Step<'a> {
    fn between(before: &'a Past, now: &'a Past) -> Option<Self> {
        let micros = (now.at - before.at).num_microseconds()?;
        Some(Step {
            before: &before.reading,
            now: &now.reading,
            seconds: gap(micros as f64 / 1e6)?,
            time: now.at.timestamp(),
        })
    }

    /// The CPU counter starts at zero with the container; the others may live on.
    fn is_restart(&self) -> bool {
        self.before.cpu > self.now.cpu && self.now.cpu.is_some()
    }
}

/// The seconds between two readings, where a mean over them makes sense.
fn gap(seconds: f64) -> Option<f64> {
    (seconds > 0.0 && seconds <= LONGEST_GAP).then_some(seconds)
}

/// How far a counter went in a second, unless it went back.
fn rate(before: u64, now: u64, seconds: f64) -> Option<f64> {
    Some(now.checked_sub(before)? as f64 / seconds)
}

/// What needs no earlier reading.
fn levels(
    measured: &mut Measured,
    name: &str,
    container: &Container,
    now: &Past,
    round: &Round<'_>,
    watch: Watch<'_>,
) {
    let time = now.at.timestamp();
    let limits = |limit: fn(&super::metadata::Limits) -> Option<f64>| {
        let own = container.limits.as_ref().and_then(limit);
        let task = round.task.limits.as_ref().and_then(limit);
        let set = |limit: &f64| *limit > 0.0;
        (own.filter(set), task.filter(set))
    };
    // A container's own CPU figure is a share, not a limit.
    let (_, task_cpu) = limits(|limits| limits.cpu);
    let cores = now.reading.online_cpus.or(round.machine.cores);
    let cpus = task_cpu.or(cores.map(|cores| cores as f64));
    if let (Some(cpus), Some(_)) = (cpus, now.reading.cpu) {
        let name = format!("container.cpu.{name}.limit");
        measured.add(name, time, cpus * 100.0);
    }
    let Some(memory) = now.reading.memory else {
        return;
    };
    let used = used_memory(memory, watch.memory);
    measured.add(format!("container.memory.{name}.usage"), time, used as f64);
    let (own, task) = limits(|limits| limits.memory);
    let limit = own.or(task).map(|mebi| mebi * MEBI);
    let limit = limit.or(round.machine.memory.map(|bytes| bytes as f64));
    if let Some(limit) = limit {
        measured.add(format!("container.memory.{name}.limit"), time, limit);
    }
}

/// The memory that counts as used. A cache that is larger than the usage, as in the middle of a
/// change, is not subtracted.
fn used_memory(memory: Memory, formula: MemoryFormula) -> u64 {
    let idle = match formula {
        MemoryFormula::WorkingSet => memory.inactive_file,
        MemoryFormula::Agent => memory.cache,
    };
    memory
        .usage
        .checked_sub(idle.unwrap_or(0))
        .unwrap_or(memory.usage)
}

/// What is the difference between two readings.
fn rates(
    measured: &mut Measured,
    name: &str,
    step: &Step<'_>,
    source: Source,
    extra: ExtraMetrics,
) {
    let Step { before, now, .. } = step;
    let cpu = before.cpu.zip(now.cpu);
    if let Some(rate) = cpu.and_then(|(before, now)| rate(before, now, step.seconds)) {
        // Nanoseconds in a second, as a percentage of one CPU.
        let name = format!("container.cpu.{name}.usage");
        measured.add(name, step.time, rate / 1e7);
    }
    if source == Source::Containers {
        let (old, new) = (&before.networks, &now.networks);
        let prefix = format!("{name}-");
        traffic(measured, &prefix, old, new, step.seconds, step.time);
    }
    if let (true, Some(old), Some(new)) = (extra.block_io, before.block_io, now.block_io) {
        for (kind, before, now) in [
            ("read", old.read, new.read),
            ("write", old.written, new.written),
        ] {
            if let Some(rate) = rate(before, now, step.seconds) {
                let name = format!("custom.ecs.block_io.{name}.{kind}");
                measured.add(name, step.time, rate);
            }
        }
    }
    if let (true, Some(old), Some(new)) = (extra.cpu_throttling, before.throttling, now.throttling)
    {
        let periods = new.periods.checked_sub(old.periods).filter(|n| *n > 0);
        let throttled = new.throttled.checked_sub(old.throttled);
        if let (Some(periods), Some(throttled)) = (periods, throttled) {
            let name = format!("custom.ecs.cpu_throttling.{name}.throttled");
            let share = throttled as f64 / periods as f64;
            measured.add(name, step.time, share * 100.0);
        }
    }
}

/// Bytes in a second of each interface that was there before as well.
fn traffic(
    measured: &mut Measured,
    prefix: &str,
    before: &BTreeMap<String, Traffic>,
    now: &BTreeMap<String, Traffic>,
    seconds: f64,
    time: i64,
) {
    for (interface, new) in now {
        let Some(old) = before.get(interface) else {
            continue;
        };
        let interface = segment(interface);
        for (kind, before, now) in [
            ("rxBytes", old.received, new.received),
            ("txBytes", old.sent, new.sent),
        ] {
            if let Some(rate) = rate(before, now, seconds) {
                let name = format!("interface.{prefix}{interface}.{kind}.delta");
                measured.add(name, time, rate);
            }
        }
    }
}

/// The task's ephemeral storage, at the moment of the round: the endpoint gives no other.
fn storage(measured: &mut Measured, round: &Round<'_>) {
    let Some(storage) = round.task.ephemeral_storage_metrics else {
        return;
    };
    for (kind, mebi) in [
        ("utilized", storage.utilized),
        ("reserved", storage.reserved),
    ] {
        if let Some(mebi) = mebi {
            let name = format!("custom.ecs.ephemeral_storage.{kind}");
            measured.add(name, round.at.time.timestamp(), mebi * MEBI);
        }
    }
}
