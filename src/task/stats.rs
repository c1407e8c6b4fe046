//! What the task metadata endpoint says of the containers' use: its JSON, a map of container ids to
//! the statistics of the container runtime, becomes a [`Reading`] each.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::metadata::{lenient, moment};

/// Counters and gauges of one container at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// When they were read, by the endpoint's own word; none where it does not say.
    pub read: Option<DateTime<Utc>>,
    /// The CPU time used, in nanoseconds.
    pub cpu: Option<u64>,
    /// How many CPUs the machine has.
    pub online_cpus: Option<u64>,
    /// The memory used.
    pub memory: Option<Memory>,
    /// The traffic by interface.
    pub networks: BTreeMap<String, Traffic>,
    /// The bytes read and written.
    pub block_io: Option<BlockIo>,
    /// The periods in which the CPU was rationed.
    pub throttling: Option<Throttling>,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// All of it, files that the kernel keeps at hand included.
    pub usage: u64,
    /// The page cache: only cgroup v1 has it.
    pub cache: Option<u64>,
    /// The part of the cache that has not been used of late; both versions have it.
    pub inactive_file: Option<u64>,
}

/// Bytes received and sent since the interface came up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Traffic {
    /// Received.
    #[serde(rename = "rx_bytes")]
    pub received: u64,
    /// Sent.
    #[serde(rename = "tx_bytes")]
    pub sent: u64,
}

/// Bytes read and written since the container was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockIo {
    /// Read.
    pub read: u64,
    /// Written.
    pub written: u64,
}

/// Periods of the CPU's scheduler since the container was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Throttling {
    /// All that had something to run.
    pub periods: u64,
    /// Those in which it had to wait.
    pub throttled: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    #[serde(deserialize_with = "lenient")]
    read: Option<String>,
    #[serde(deserialize_with = "lenient")]
    cpu_stats: Option<RawCpu>,
    #[serde(deserialize_with = "lenient")]
    memory_stats: Option<RawMemory>,
    #[serde(deserialize_with = "lenient")]
    networks: Option<BTreeMap<String, Traffic>>,
    #[serde(deserialize_with = "lenient")]
    blkio_stats: Option<RawBlockIo>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawCpu {
    #[serde(deserialize_with = "lenient")]
    cpu_usage: Option<RawCpuUsage>,
    #[serde(deserialize_with = "lenient")]
    online_cpus: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    throttling_data: Option<RawThrottling>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawCpuUsage {
    #[serde(deserialize_with = "lenient")]
    total_usage: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawThrottling {
    #[serde(deserialize_with = "lenient")]
    periods: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    throttled_periods: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMemory {
    #[serde(deserialize_with = "lenient")]
    usage: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    stats: Option<RawMemoryDetail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMemoryDetail {
    #[serde(deserialize_with = "lenient")]
    cache: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    total_inactive_file: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    inactive_file: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawBlockIo {
    #[serde(deserialize_with = "lenient")]
    io_service_bytes_recursive: Option<Vec<RawOperation>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawOperation {
    op: String,
    value: u64,
}

/// Reads the endpoint's answer. Containers without statistics, `null` or `{}`, have no reading; nor
/// has one whose statistics are of no known form. A part of another form is absent, and the others are
/// not.
pub fn parse(body: &[u8]) -> Result<BTreeMap<String, Reading>, String> {
    let answer: BTreeMap<String, &RawValue> =
        serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(answer
        .into_iter()
        .filter_map(|(id, text)| {
            let raw: Raw = serde_json::from_str(text.get()).ok()?;
            Some((id, raw.reading()?))
        })
        .collect())
}

impl Raw {
    /// None where there is nothing in it, or where the runtime says that it has not read it yet.
    fn reading(self) -> Option<Reading> {
        let read = match &self.read {
            None => None,
            Some(text) => Some(moment(text)?),
        };
        let cpu = self.cpu_stats.unwrap_or_default();
        let throttling = cpu.throttling_data.unwrap_or_default();
        let reading = Reading {
            read,
            cpu: cpu.cpu_usage.and_then(|usage| usage.total_usage),
            online_cpus: cpu.online_cpus.filter(|cpus| *cpus > 0),
            memory: self.memory_stats.and_then(RawMemory::memory),
            networks: self.networks.unwrap_or_default(),
            block_io: self.blkio_stats.and_then(RawBlockIo::block_io),
            throttling: throttling
                .periods
                .zip(throttling.throttled_periods)
                .map(|(periods, throttled)| Throttling { periods, throttled }),
        };
        let is_empty = reading.cpu.is_none() && reading.memory.is_none();
        (!is_empty).then_some(reading)
    }
}

impl RawMemory {
    fn memory(self) -> Option<Memory> {
        let detail = self.stats.unwrap_or_default();
        Some(Memory {
            usage: self.usage?,
            cache: detail.cache,
            // On cgroup v1 the figure with the children's is the one to take, as Docker does.
            inactive_file: detail.total_inactive_file.or(detail.inactive_file),
        })
    }
}

impl RawBlockIo {
    /// The sums over all devices; cgroup v1 writes `Read`, v2 `read`.
    fn block_io(self) -> Option<BlockIo> {
        let operations = self.io_service_bytes_recursive?;
        let sum = |name: &str| {
            operations
                .iter()
                .filter(|operation| operation.op.eq_ignore_ascii_case(name))
                .fold(0_u64, |sum, operation| sum.saturating_add(operation.value))
        };
        Some(BlockIo {
            read: sum("read"),
            written: sum("write"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_without_statistics_have_no_reading() {
        let body = br#"{"not started": null, "stopped": {}, "odd": 7, "older": {"memory_stats": {}},
            "restarted": {"read": "0001-01-01T00:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 1}}},
            "strange": {"cpu_stats": {"cpu_usage": {"total_usage": -1}}},
            "running": {"cpu_stats": {"cpu_usage": {"total_usage": 5}}, "networks": null}}"#;
        let readings = parse(body).unwrap();
        assert_eq!(readings.keys().collect::<Vec<_>>(), ["running"]);
        assert_eq!(readings["running"].cpu, Some(5));
        assert!(parse(b"null").is_err());
        assert!(parse(b"[").is_err());
    }

    #[test]
    fn a_strange_part_costs_no_other() {
        let body = br#"{"c": {"read": 7, "cpu_stats": {"cpu_usage": {"total_usage": 5},
            "online_cpus": "two", "throttling_data": []}, "memory_stats": {"usage": 9, "stats":
            {"cache": -1, "inactive_file": 2}}, "networks": {"eth0": {"rx_bytes": null}},
            "blkio_stats": {"io_service_bytes_recursive": [{"op": "read", "value": -3}]}}}"#;
        let readings = parse(body).unwrap();
        let expected = Reading {
            cpu: Some(5),
            memory: Some(Memory {
                usage: 9,
                cache: None,
                inactive_file: Some(2),
            }),
            ..Reading::default()
        };
        assert_eq!(readings["c"], expected);
    }

    #[test]
    fn block_io_is_summed_over_devices_whatever_the_cgroup_version() {
        for [read, write] in [["Read", "Write"], ["read", "write"]] {
            let body = format!(
                r#"{{"c": {{"memory_stats": {{"usage": 1}}, "blkio_stats": {{"io_service_bytes_recursive": [
                    {{"major": 259, "op": "{read}", "value": 10}}, {{"op": "{write}", "value": 3}},
                    {{"op": "{read}", "value": 7}}, {{"op": "Total", "value": 99}}]}}}}}}"#
            );
            let readings = parse(body.as_bytes()).unwrap();
            let expected = BlockIo {
                read: 17,
                written: 3,
            };
            assert_eq!(readings["c"].block_io, Some(expected));
        }
    }
}
