//! The containers' statistics as JSON, in the form of the Docker API, each container's under its id.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::{Map, Value, json};

use super::Version;
use super::document::moment;
use super::model::{Cgroup, NetworkMode, Platform, State, Task, Used};

/// The statistics of all containers. One that does not run has none: `{}` on EC2 in version 4, else
/// `null`.
pub fn of_task(task: &Task, version: Version, now: DateTime<Utc>) -> Value {
    // The agent has a sample a second.
    let now = now.trunc_subsecs(0);
    let mut map = Map::new();
    for container in &task.containers {
        let value = match task.state(container, now) {
            State::Running(since, _) => {
                let mut used = container.used(since, now);
                if task.network == NetworkMode::Awsvpc {
                    // Each container shows the traffic of the task.
                    used.traffic = task.traffic(now);
                }
                of_container(task, used, version, now)
            }
            _ if version == Version::V4 && task.platform != Platform::Fargate => json!({}),
            _ => Value::Null,
        };
        map.insert(task.docker_id(container), value);
    }
    Value::Object(map)
}

fn of_container(task: &Task, used: Used, version: Version, now: DateTime<Utc>) -> Value {
    let (cpu, memory) = match task.cgroup {
        Cgroup::V1 => (cpu_v1(used), memory_v1(used)),
        Cgroup::V2 => (cpu_v2(used), memory_v2(used)),
    };
    let mut stats = json!({
        "read": moment(now),
        "preread": moment(now - chrono::TimeDelta::seconds(1)),
        "num_procs": 0,
        "pids_stats": { "current": 7 },
        "blkio_stats": block_io(task, used),
        "storage_stats": {},
        "cpu_stats": cpu,
        "precpu_stats": {},
        "memory_stats": memory,
    });
    let Value::Object(map) = &mut stats else {
        return stats;
    };
    if task.network != NetworkMode::Host {
        let (rx, tx) = used.traffic;
        let interface = match task.platform {
            Platform::Fargate => "eth1",
            _ => "eth0",
        };
        let traffic = json!({
            "rx_bytes": rx, "rx_packets": rx / 900, "rx_errors": 0, "rx_dropped": 0,
            "tx_bytes": tx, "tx_packets": tx / 900, "tx_errors": 0, "tx_dropped": 0,
        });
        map.insert("networks".to_owned(), json!({ interface: traffic }));
        if version == Version::V4 {
            let rates = json!({ "rx_bytes_per_sec": 1.5, "tx_bytes_per_sec": 0.5 });
            map.insert("network_rate_stats".to_owned(), rates);
        }
    }
    stats
}

fn cpu_v1(used: Used) -> Value {
    let mut cpu = cpu_v2(used);
    if let Some(usage) = cpu.get_mut("cpu_usage") {
        usage["percpu_usage"] = json!([used.cpu / 2, used.cpu - used.cpu / 2]);
    }
    cpu
}

fn cpu_v2(used: Used) -> Value {
    let (periods, throttled) = used.throttling;
    json!({
        "cpu_usage": {
            "total_usage": used.cpu,
            "usage_in_kernelmode": used.cpu / 5,
            "usage_in_usermode": used.cpu - used.cpu / 5,
        },
        "system_cpu_usage": 9_007_199_254_740_000_u64,
        "online_cpus": 2,
        "throttling_data": {
            "periods": periods,
            "throttled_periods": throttled,
            "throttled_time": throttled * 1_000_000,
        },
    })
}

/// The older one knows the whole cache, with and without the children's.
fn memory_v1(used: Used) -> Value {
    let cache = used.idle_files * 2;
    json!({
        "usage": used.memory + used.idle_files,
        "max_usage": used.memory + cache,
        "failcnt": 0,
        "limit": 9_223_372_036_854_771_712_u64,
        "stats": {
            "cache": cache,
            "rss": used.memory - used.idle_files,
            "inactive_file": used.idle_files,
            "active_file": used.idle_files,
            "total_cache": cache,
            "total_inactive_file": used.idle_files,
            "total_active_file": used.idle_files,
        },
    })
}

/// The newer one has neither `cache` nor the totals.
fn memory_v2(used: Used) -> Value {
    json!({
        "usage": used.memory + used.idle_files,
        "limit": 2_073_653_248_u64,
        "stats": {
            "anon": used.memory - used.idle_files,
            "file": used.idle_files * 2,
            "inactive_file": used.idle_files,
            "active_file": used.idle_files,
            "inactive_anon": 0,
        },
    })
}

fn block_io(task: &Task, used: Used) -> Value {
    let (read, write) = match task.cgroup {
        Cgroup::V1 => ("Read", "Write"),
        Cgroup::V2 => ("read", "write"),
    };
    let operation =
        |name: &str, value: u64| json!({ "major": 259, "minor": 0, "op": name, "value": value });
    json!({
        "io_service_bytes_recursive": [
            operation(read, used.block_io.0),
            operation(write, used.block_io.1),
        ],
    })
}
