//! Whose traffic is counted. In bridge mode each container has interfaces of its own, and the
//! statistics hold them. In every other mode the task has one set of interfaces for all containers,
//! ours included: the kernel's own counters of this network namespace (`/proc/net/dev`) are the
//! task's, once, under the names that mackerel-container-agent gives them. The statistics repeat
//! the task's traffic at each container there; they are taken, once, where there is no `/proc`.

use std::collections::BTreeMap;

use super::metadata::Task;
use super::stats::Traffic;

/// Where the traffic is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// In the statistics, of each container.
    Containers,
    /// In our own network namespace, of the task.
    Namespace,
}

/// Where the traffic of a task is read, by its network mode.
pub fn source(task: &Task) -> Source {
    match task.network_mode() {
        Some("bridge" | "default") => Source::Containers,
        _ => Source::Namespace,
    }
}

/// The counters in `/proc/net/dev`, without the loopback and the ends of containers' pairs.
pub fn interfaces(text: &str) -> BTreeMap<String, Traffic> {
    text.lines()
        .filter_map(|line| {
            let (name, counters) = line.split_once(':')?;
            let mut counters = counters.split_whitespace().map(str::parse);
            let received = counters.next()?.ok()?;
            // Seven other counters of what was received lie between.
            let sent = counters.nth(7)?.ok()?;
            Some((name.trim().to_owned(), Traffic { received, sent }))
        })
        .filter(|(name, _)| name != "lo" && !name.starts_with("veth"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_the_namespace() {
        let text = "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:   11000     120    0    0    0     0          0         0    11000     120    0    0    0     0       0          0
  eth1:1234567    8901    0    0    0     0          0         0   765432    4321    0    0    0     0       0          0
veth12:      1       1    0    0    0     0          0         0        1       1    0    0    0     0       0          0
  odd: x y\n";
        let expected = Traffic {
            received: 1_234_567,
            sent: 765_432,
        };
        assert_eq!(interfaces(text), [("eth1".to_owned(), expected)].into());
    }
}
