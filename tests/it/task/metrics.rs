//! Two readings of each kind of task, and the values worked out by hand.

use std::path::Path;
use std::time::Duration;

use mackerel_ecs::task::metadata::Task;
use mackerel_ecs::task::meter::{Machine, Meter, Moment, Round, Sample, Watch};
use mackerel_ecs::task::setting::{ExtraMetrics, MemoryFormula, NamePattern};
use mackerel_ecs::task::stats::{self, Traffic};

use crate::support::world::{NOON, at};

const WATCH: Watch<'static> = Watch {
    ignored: None,
    memory: MemoryFormula::WorkingSet,
    extra: ExtraMetrics {
        block_io: false,
        ephemeral_storage: false,
        cpu_throttling: false,
    },
};

/// A fixture.
pub fn read(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/task/fixtures");
    std::fs::read(folder.join(path)).unwrap()
}

/// A machine of 8 GiB with one interface that has had so much traffic.
fn machine(traffic: Option<(u64, u64)>) -> Machine {
    let traffic = traffic.map(|(received, sent)| Traffic { received, sent });
    Machine {
        cores: Some(16),
        memory: Some(8 << 30),
        interfaces: traffic
            .map(|t| ("eth1".to_owned(), t))
            .into_iter()
            .collect(),
    }
}

/// What the second reading gives, 61 s after the first by our clock, as `name time-after-noon value`.
fn second(folder: &str, watch: Watch<'_>, machines: [Machine; 2]) -> Vec<String> {
    let task = Task::parse(&read(&format!("{folder}/task.json"))).unwrap();
    let mut meter = Meter::default();
    let mut samples = Vec::new();
    for (n, machine) in machines.iter().enumerate() {
        let stats = read(&format!("{folder}/stats-{}.json", n + 1));
        let moment = Moment {
            time: at(NOON + 11 + 60 * n as i64),
            elapsed: Duration::from_secs(3 + 60 * n as u64),
        };
        let round = Round {
            at: moment,
            task: &task,
            readings: &stats::parse(&stats).unwrap(),
            machine,
        };
        samples = meter.measure(&round, watch).samples;
    }
    let line = |sample: &Sample| format!("{} {} {}", sample.name, sample.time - NOON, sample.value);
    let mut lines: Vec<String> = samples.iter().map(line).collect();
    lines.sort();
    lines
}

#[track_caller]
fn check(folder: &str, watch: Watch<'_>, machines: [Machine; 2], expected: &[&str]) {
    let mut expected: Vec<&str> = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(second(folder, watch, machines), expected, "{folder}");
}

/// The traffic of the task is counted once, although each container shows it, from our own
/// namespace and by our own clock.
#[test]
fn fargate() {
    let machines = [
        machine(Some((1_000, 2_000))),
        machine(Some((61_000, 5_000))),
    ];
    check(
        "fargate",
        WATCH,
        machines,
        &[
            // 15 s of CPU time in 60 s.
            "container.cpu.app.usage 70 25",
            "container.cpu.app.limit 70 50",
            // 310 MB less the 90 MB of `total_inactive_file`.
            "container.memory.app.usage 70 220000000",
            "container.memory.app.limit 70 536870912",
            // 5 ms in 50 s, by its own time of reading.
            "container.cpu.mackerel-ecs.usage 60 0.01",
            "container.cpu.mackerel-ecs.limit 60 50",
            "container.memory.mackerel-ecs.usage 60 9000000",
            // The task's 1024 MiB.
            "container.memory.mackerel-ecs.limit 60 1073741824",
            "interface.eth1.rxBytes.delta 71 1000",
            "interface.eth1.txBytes.delta 71 50",
        ],
    );
}

#[test]
fn what_is_measured_besides_and_what_is_left_out() {
    let ignored = NamePattern::parse("^mackerel-").unwrap();
    let watch = Watch {
        ignored: Some(&ignored),
        memory: MemoryFormula::Agent,
        extra: ExtraMetrics {
            block_io: true,
            ephemeral_storage: true,
            cpu_throttling: true,
        },
    };
    check(
        "fargate",
        watch,
        [machine(None), machine(None)],
        &[
            "container.cpu.app.usage 70 25",
            "container.cpu.app.limit 70 50",
            // 310 MB less the 125 MB of `cache`.
            "container.memory.app.usage 70 185000000",
            "container.memory.app.limit 70 536870912",
            // From the statistics, of one container, where there is no `/proc`.
            "interface.eth1.rxBytes.delta 70 1000",
            "interface.eth1.txBytes.delta 70 50",
            // 60,000 and 600 bytes in 60 s.
            "custom.ecs.block_io.app.read 70 1000",
            "custom.ecs.block_io.app.write 70 10",
            // 150 of 600 periods.
            "custom.ecs.cpu_throttling.app.throttled 70 25",
            // 261 and 20,496 MiB.
            "custom.ecs.ephemeral_storage.utilized 71 273678336",
            "custom.ecs.ephemeral_storage.reserved 71 21491613696",
        ],
    );
}

/// The worker was restarted: none of its counters is compared with the one before.
#[test]
fn ec2_bridge_with_a_restart() {
    // Our own namespace is our own container's: its traffic is in the statistics already.
    let machines = [machine(Some((1, 1))), machine(Some((9_999, 9_999)))];
    check(
        "ec2-bridge",
        WATCH,
        machines,
        &[
            "container.cpu.worker.limit 60 400",
            "container.memory.worker.usage 60 90000000",
            "container.memory.worker.limit 60 268435456",
            // 1 s in 50 s.
            "container.cpu.statsd.usage 50 2",
            "container.cpu.statsd.limit 50 400",
            "container.memory.statsd.usage 50 11000000",
            // The machine's 8 GiB.
            "container.memory.statsd.limit 50 8589934592",
            // 500 bytes in 50 s; what was sent went back.
            "interface.statsd-eth0.rxBytes.delta 50 10",
        ],
    );
}

#[test]
fn ec2_host_network_on_the_newer_cgroup() {
    let machines = [machine(Some((0, 0))), machine(Some((120, 60)))];
    check(
        "ec2-host",
        WATCH,
        machines,
        &[
            // 118 s in 59 s: two CPUs.
            "container.cpu.proxy.usage 59 200",
            "container.cpu.proxy.limit 59 200",
            "container.memory.proxy.usage 59 24000000",
            "container.memory.proxy.limit 59 67108864",
            "interface.eth1.rxBytes.delta 71 2",
            "interface.eth1.txBytes.delta 71 1",
        ],
    );
}

/// The agent of that version tells no CPUs; the task's own limit is the limit all the same.
#[test]
fn ec2_awsvpc_with_a_pause_container() {
    let rest = [
        "container.cpu.api_v1.usage 60 5",
        "container.cpu.api_v1.limit 60 100",
        "container.memory.api_v1.limit 60 2147483648",
        "interface.eth0.rxBytes.delta 60 100",
        "interface.eth0.txBytes.delta 60 50",
    ];
    let with = |memory: &'static str| [&rest[..], &[memory]].concat();
    let machines = || [machine(None), machine(None)];
    let memory = "container.memory.api_v1.usage 60 60000000";
    check("ec2-awsvpc", WATCH, machines(), &with(memory));
    // mackerel-container-agent finds no `cache` there and takes nothing off.
    let agent = Watch {
        memory: MemoryFormula::Agent,
        ..WATCH
    };
    let memory = "container.memory.api_v1.usage 60 100000000";
    check("ec2-awsvpc", agent, machines(), &with(memory));
}

#[test]
fn anywhere() {
    check(
        "anywhere",
        WATCH,
        [machine(None), machine(None)],
        &[
            // 0.6 s in 60 s; a container's CPU shares are no limit.
            "container.cpu.probe.usage 60 1",
            "container.cpu.probe.limit 60 800",
            "container.memory.probe.usage 60 50000000",
            "container.memory.probe.limit 60 8589934592",
            "interface.probe-eth0.rxBytes.delta 60 20",
            "interface.probe-eth0.txBytes.delta 60 10",
        ],
    );
}

/// Readings of one container at these seconds, with these nanoseconds of CPU time used.
fn usage_of(readings: &[(i64, u64)]) -> Vec<(i64, f64)> {
    let task = br#"{"Containers":[{"DockerId":"c","Name":"app","Type":"NORMAL"}]}"#;
    let task = Task::parse(task).unwrap();
    let mut meter = Meter::default();
    let mut usage = Vec::new();
    for (second, cpu) in readings {
        let read = at(NOON + second).to_rfc3339();
        let text = format!(
            r#"{{"c":{{"read":"{read}","cpu_stats":{{"cpu_usage":{{"total_usage":{cpu}}}}}}}}}"#
        );
        let round = Round {
            at: Moment {
                time: at(NOON),
                elapsed: Duration::ZERO,
            },
            task: &task,
            readings: &stats::parse(text.as_bytes()).unwrap(),
            machine: &Machine::default(),
        };
        let samples = meter.measure(&round, WATCH).samples;
        let cpu = samples
            .into_iter()
            .filter(|sample| &*sample.name == "container.cpu.app.usage");
        usage.extend(cpu.map(|sample| (sample.time - NOON, sample.value)));
    }
    usage
}

#[test]
fn a_reading_that_was_there_before_gives_nothing() {
    let usage = usage_of(&[
        (0, 0),
        (60, 6_000_000_000),
        (60, 6_000_000_000),
        (120, 6_600_000_000),
    ]);
    assert_eq!(usage, [(60, 10.0), (120, 1.0)]);
}

#[test]
fn a_missed_minute_is_in_the_mean_and_a_long_gap_starts_again() {
    let second = 1_000_000_000;
    let usage = usage_of(&[
        (0, 0),
        (120, 12 * second),
        (721, 99 * second),
        (781, 105 * second),
    ]);
    assert_eq!(usage, [(120, 10.0), (781, 10.0)]);
}

#[test]
fn a_counter_or_a_clock_that_goes_back_gives_nothing() {
    let second = 1_000_000_000;
    let usage = usage_of(&[(0, 500 * second), (60, second), (120, 7 * second)]);
    assert_eq!(usage, [(120, 10.0)]);
    let usage = usage_of(&[(60, 0), (0, 5 * second), (60, 11 * second)]);
    assert_eq!(usage, [(60, 10.0)]);
    assert_eq!(usage_of(&[(0, u64::MAX), (60, 0)]), []);
}
