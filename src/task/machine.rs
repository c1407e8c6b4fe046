//! What can be seen of the machine from inside a container: `/proc` and our own interfaces.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use super::host::Cpu;
use super::{meter, network};
use crate::mackerel::payload::Interface;

/// The machine as this process sees it.
#[derive(Debug, Clone)]
pub struct Machine {
    proc: PathBuf,
    cores: Option<u64>,
    memory: Option<u64>,
}

impl Machine {
    /// The machine whose `/proc` is there. What does not change is read once: on a large machine
    /// the list of CPUs is long and takes the kernel a while.
    pub fn new(proc: impl Into<PathBuf>) -> Self {
        let mut machine = Machine {
            proc: proc.into(),
            cores: None,
            memory: None,
        };
        let cores = machine.cpus().len() as u64;
        machine.cores = (cores > 0).then_some(cores);
        machine.memory = machine.read("meminfo").as_deref().and_then(total_memory);
        machine
    }

    /// What is measured against it. What can't be read is absent.
    pub fn reading(&self) -> meter::Machine {
        meter::Machine {
            cores: self.cores,
            memory: self.memory,
            interfaces: network::interfaces(&self.read("net/dev").unwrap_or_default()),
        }
    }

    /// Its CPUs.
    pub fn cpus(&self) -> Vec<Cpu> {
        let text = self.read("cpuinfo").unwrap_or_default();
        text.split("\n\n")
            .filter(|block| block.contains("processor"))
            .map(cpu)
            .collect()
    }

    /// Our interfaces that have an address, the loopback left out.
    pub fn interfaces(&self) -> Vec<Interface> {
        let mut interfaces: BTreeMap<String, Interface> = BTreeMap::new();
        let addresses = getifaddrs().into_iter().flatten();
        for own in addresses.filter(|own| !own.flags.contains(InterfaceFlags::IFF_LOOPBACK)) {
            let Some(address) = own.address else { continue };
            let interface = interfaces.entry(own.interface_name).or_default();
            if let Some(address) = address.as_sockaddr_in() {
                interface.ipv4_addresses.push(address.ip().to_string());
            } else if let Some(address) = address.as_sockaddr_in6() {
                interface.ipv6_addresses.push(address.ip().to_string());
            } else if let Some(bytes) = address.as_link_addr().and_then(|link| link.addr()) {
                interface.mac_address = Some(mac_address(bytes));
            }
        }
        interfaces
            .into_iter()
            .map(|(name, mut interface)| {
                interface.name = name;
                interface.ip_address = interface.ipv4_addresses.first().cloned();
                interface
            })
            .filter(|own| !own.ipv4_addresses.is_empty() || !own.ipv6_addresses.is_empty())
            .filter(|own| own.mac_address.is_some())
            .collect()
    }

    /// The machine's name.
    pub fn name(&self) -> Option<String> {
        let name = self.read("sys/kernel/hostname")?;
        let name = name.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }

    fn read(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.proc.join(file)).ok()
    }
}

fn mac_address(bytes: [u8; 6]) -> String {
    let mut text = String::with_capacity(17);
    for byte in bytes {
        let colon = if text.is_empty() { "" } else { ":" };
        let _ = write!(text, "{colon}{byte:02x}");
    }
    text
}

/// `MemTotal` in bytes.
fn total_memory(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibi: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibi.checked_mul(1024)
}

/// One block of `/proc/cpuinfo`, under the names that mackerel-container-agent gives.
fn cpu(block: &str) -> Cpu {
    const KEYS: [(&str, &str); 10] = [
        ("vendor_id", "vendor_id"),
        ("model", "model"),
        ("stepping", "stepping"),
        ("physical id", "physical_id"),
        ("core id", "core_id"),
        ("cpu cores", "cores"),
        ("model name", "model_name"),
        ("cpu MHz", "mhz"),
        ("cache size", "cache_size"),
        ("cpu family", "family"),
    ];
    block
        .lines()
        .filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            let (_, name) = KEYS.iter().find(|(known, _)| *known == key.trim())?;
            Some((*name, value.trim().to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proc_says() {
        assert_eq!(
            total_memory("MemTotal:       2048 kB\nMemFree: 1 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(total_memory("MemFree: 1 kB\n"), None);
        let cpu = cpu(
            "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu MHz\t\t: 2500.000\nflags\t: a b\ncache size\t: 56320 KB",
        );
        let expected = [
            ("cache_size", "56320 KB"),
            ("mhz", "2500.000"),
            ("vendor_id", "GenuineIntel"),
        ];
        assert_eq!(cpu, expected.map(|(k, v)| (k, v.to_owned())).into());
        assert_eq!(mac_address([2, 0, 10, 0, 0xff, 1]), "02:00:0a:00:ff:01");
        assert_eq!(
            Machine::new("/nonexistent").reading(),
            meter::Machine::default()
        );
    }
}
