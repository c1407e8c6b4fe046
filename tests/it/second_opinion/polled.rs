//! A fleet in moto with figures written by hand, and one run of the program with it.
//!
//! The program lives in the real time, so a table counts in minutes before the one in which its
//! fleet was made; the window that is read is counted from the minute in which the program says
//! that it started.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use mackerel_ecs::demo::mackerel::LocalMackerel;
use mackerel_ecs::demo::mackerel::store::host::StoredHost;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::bridge::Bridge;
use crate::support::moto::Moto;
use crate::support::program::Program;
use crate::support::world::{REGION, local_mackerel, program, real_now};

/// A fleet in an account of moto's, with a bridge to it and an empty Mackerel.
pub(super) struct Estate {
    pub(super) account: String,
    pub(super) bridge: Bridge,
    pub(super) mackerel: LocalMackerel,
    mackerel_url: String,
}

impl Estate {
    pub(super) async fn new(fleet: &Value) -> Estate {
        let moto = Moto::shared();
        let account = moto.account();
        moto.make(&account, REGION, fleet).unwrap();
        let clock = Arc::new(real_now);
        let (mackerel, mackerel_url) = local_mackerel(clock, |options| options).await;
        Estate {
            bridge: Bridge::start(moto.url(), &account).unwrap(),
            account,
            mackerel,
            mackerel_url,
        }
    }

    pub(super) fn poll_once(&self) -> Program {
        program(
            "poll --once --output json",
            self.bridge.url(),
            &self.mackerel_url,
        )
        .config("")
    }
}

/// The start of the minute of a moment, in seconds since 1970.
pub(super) fn minute_of(moment: DateTime<Utc>) -> i64 {
    moment.timestamp() / 60 * 60
}

/// One datapoint: minutes before the fleet was made, sum and number of the samples, and their
/// minimum, average and maximum.
type Row = (i64, f64, f64, [f64; 3]);

/// One CloudWatch metric, and the host and graph in which it should arrive, if it should.
struct Series {
    metric: &'static str,
    dimensions: &'static [(&'static str, &'static str)],
    arrives: Option<(&'static str, &'static str)>,
    rows: &'static [Row],
}

const SERIES: &[Series] = &[
    Series {
        metric: "CPUUtilization",
        dimensions: &[("ClusterName", "web"), ("ServiceName", "api")],
        arrives: Some(("web", "service_cpu_utilization.api")),
        rows: &[
            (62, 182.0, 2.0, [90.0, 91.0, 92.0]),
            (61, 6.0, 3.0, [1.5, 2.0, 2.75]),
            (60, 7.5, 3.0, [2.25, 2.5, 2.75]),
            (30, 30.5, 2.0, [10.25, 15.25, 20.25]),
            (29, 0.0, 3.0, [0.0, 0.0, 0.0]),
            // There is nothing of minute 28.
            (27, 399.5, 4.0, [99.5, 99.875, 100.25]),
            (3, 0.375, 3.0, [0.0625, 0.125, 0.1875]),
            (2, 12.0, 3.0, [3.0, 4.0, 5.5]),
            // Over, but not yet taken as complete; then the minute in progress.
            (1, 150.0, 2.0, [70.0, 75.0, 80.0]),
            (0, 152.0, 2.0, [71.0, 76.0, 81.0]),
        ],
    },
    Series {
        metric: "MemoryUtilization",
        dimensions: &[("ClusterName", "web"), ("ServiceName", "api")],
        arrives: Some(("web", "service_memory_utilization.api")),
        rows: &[
            (30, 120.75, 3.0, [40.0, 40.25, 40.5]),
            (3, 123.75, 3.0, [41.0, 41.25, 41.5]),
        ],
    },
    // A service of the same name in another cluster.
    Series {
        metric: "CPUUtilization",
        dimensions: &[("ClusterName", "pool"), ("ServiceName", "api")],
        arrives: Some(("pool", "service_cpu_utilization.api")),
        rows: &[(30, 50.5, 1.0, [50.5, 50.5, 50.5])],
    },
    Series {
        metric: "CPUUtilization",
        dimensions: &[("ClusterName", "pool")],
        arrives: Some(("pool", "cpu_utilization")),
        rows: &[
            (45, 21.0, 2.0, [10.0, 10.5, 11.0]),
            (4, 25.0, 2.0, [12.0, 12.5, 13.0]),
        ],
    },
    Series {
        metric: "MemoryUtilization",
        dimensions: &[("ClusterName", "pool")],
        arrives: Some(("pool", "memory_utilization")),
        rows: &[(45, 41.0, 2.0, [20.0, 20.5, 21.0])],
    },
    Series {
        metric: "CPUReservation",
        dimensions: &[("ClusterName", "pool")],
        arrives: Some(("pool", "cpu_reservation")),
        rows: &[(45, 61.0, 2.0, [30.0, 30.5, 31.0])],
    },
    Series {
        metric: "MemoryReservation",
        dimensions: &[("ClusterName", "pool")],
        arrives: Some(("pool", "memory_reservation")),
        rows: &[(45, 81.0, 2.0, [40.0, 40.5, 41.0])],
    },
    // What AWS does not have, and what nobody should therefore ask for: figures of a cluster
    // without container instances, of a deleted service, of a deleted cluster.
    Series {
        metric: "CPUUtilization",
        dimensions: &[("ClusterName", "web")],
        arrives: None,
        rows: &[(30, 66.0, 1.0, [66.0, 66.0, 66.0])],
    },
    Series {
        metric: "CPUUtilization",
        dimensions: &[("ClusterName", "web"), ("ServiceName", "old")],
        arrives: None,
        rows: &[(30, 67.0, 1.0, [67.0, 67.0, 67.0])],
    },
    Series {
        metric: "CPUUtilization",
        dimensions: &[("ClusterName", "gone")],
        arrives: None,
        rows: &[(30, 68.0, 1.0, [68.0, 68.0, 68.0])],
    },
];

/// The fleet: moto runs all tasks of a service or none. `gone` and `old` are deleted; moto goes on
/// listing both.
fn fleet(made_at: i64) -> Value {
    let metrics: Vec<Value> = SERIES
        .iter()
        .map(|series| {
            let points = series
                .rows
                .iter()
                .map(|(ago, sum, samples, [minimum, _, maximum])| {
                    json!({"at": made_at - 60 * ago, "statistics": {
                        "Sum": sum, "SampleCount": samples, "Minimum": minimum, "Maximum": maximum,
                    }})
                });
            json!({
                "name": series.metric,
                "unit": "Percent",
                "dimensions": BTreeMap::from_iter(series.dimensions.iter().copied()),
                "points": points.collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "clusters": [
            {
                "name": "web",
                "tags": {"mackerel-integration": "shop: web / shop: batch", "team": "a"},
                "settings": {"containerInsights": "enabled"},
                "services": [
                    {"name": "api", "desired": 3, "running": 3, "launchType": "FARGATE"},
                    {"name": "batch", "desired": 2, "running": 0, "launchType": "FARGATE"},
                    {"name": "quiet", "desired": 1, "running": 1, "launchType": "FARGATE"},
                    {"name": "old", "desired": 1, "deleted": true},
                ],
            },
            {
                "name": "pool",
                "instances": 2,
                "services": [
                    {"name": "api", "desired": 1, "running": 1},
                    {"name": "worker", "desired": 4, "running": 4},
                ],
            },
            {"name": "gone", "deleted": true},
        ],
        "metrics": metrics,
    })
}

const CONFIG: &str = "host:
  display_name: '{cluster} in {region}'
  memo: 'By mackerel-ecs.'
  roles: ['ecs:cluster']
";

/// What the program did in one run with the fleet above. The tests only look at it.
pub(super) struct Polled {
    pub(super) estate: Estate,
    pub(super) made_at: i64,
    /// The minute of the poll.
    pub(super) minute: i64,
    pub(super) document: Value,
}

pub(super) async fn polled() -> &'static Polled {
    static POLLED: OnceCell<Polled> = OnceCell::const_new();
    POLLED.get_or_init(|| poll_fleet(CONFIG)).await
}

/// One run with the fleet above and a configuration.
pub(super) async fn poll_fleet(config: &str) -> Polled {
    // Started first, for it may take its time.
    Moto::shared();
    let made_at = minute_of(real_now());
    let estate = Estate::new(&fleet(made_at)).await;
    let ended = estate.poll_once().config(config).run().await;
    let document = ended.expect_status(0).json();
    let started = document["started_at"].as_str().unwrap();
    Polled {
        minute: minute_of(started.parse().unwrap()),
        made_at,
        estate,
        document,
    }
}

pub(super) type Points = BTreeMap<String, Vec<(i64, f64)>>;

impl Polled {
    pub(super) fn host(&self, name: &str) -> StoredHost {
        let hosts = self.estate.mackerel.hosts();
        hosts.into_iter().find(|host| host.name == name).unwrap()
    }

    /// Everything that a host holds, by metric.
    pub(super) fn points(&self, host: &str) -> Points {
        let id = self.host(host).id;
        let mackerel = &self.estate.mackerel;
        let names = mackerel.metric_names(&id).into_iter();
        names
            .map(|name| (name.clone(), mackerel.points(&id, &name)))
            .collect()
    }

    /// What CloudWatch should have brought to a host: the rows of the hour up to two minutes ago.
    pub(super) fn expected(&self, host: &str) -> Points {
        let window = self.minute - 61 * 60..=self.minute - 2 * 60;
        let mut points = Points::new();
        for series in SERIES {
            let Some((_, graph)) = series.arrives.filter(|(to, _)| *to == host) else {
                continue;
            };
            for (ago, _, _, values) in series.rows {
                let minute = self.made_at - 60 * ago;
                for (leaf, value) in ["minimum", "average", "maximum"].iter().zip(values) {
                    let name = format!("custom.ecs.{graph}.{leaf}");
                    if window.contains(&minute) {
                        points.entry(name).or_default().push((minute, *value));
                    }
                }
            }
        }
        for (highest, graph) in [("cpu", "service_cpu_"), ("memory", "service_memory_")] {
            let mut minutes: BTreeMap<i64, f64> = BTreeMap::new();
            let averages = points.iter().filter(|(name, _)| {
                name.starts_with(&format!("custom.ecs.{graph}")) && name.ends_with(".average")
            });
            for (minute, value) in averages.flat_map(|(_, values)| values) {
                let highest = minutes.entry(*minute).or_insert(*value);
                *highest = highest.max(*value);
            }
            let name = format!("custom.ecs.highest_service_utilization.{highest}");
            if !minutes.is_empty() {
                points.insert(name, minutes.into_iter().collect());
            }
        }
        points
    }
}
