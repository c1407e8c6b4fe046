//! What a poll brings to Mackerel, and what it asks for: values, minutes, hosts, calls.

use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::fleet::statistics::{Metric, Statistic};

use crate::support::world::{ACCOUNT, NOON, REGION, World, at};

fn fleet(cluster: Cluster) -> Fleet {
    Fleet::new(ACCOUNT).cluster(REGION, cluster)
}

/// Every value posted is the one that AWS has for that minute and statistic, at the minute's start.
#[tokio::test]
async fn values_and_minutes_are_those_of_the_source() {
    let world = World::new(fleet(
        Cluster::ec2("web", 2)
            .service(Service::steady("api", 3))
            .service(Service::scale_out("front", 2, 9)),
    ))
    .await;
    let mut poller = world.poller("poll: {lookback: 30m}");
    world.poll(&mut poller).await;

    let cluster = world.aws.fleet().any_cluster("web").unwrap();
    let statistics = [
        ("minimum", Statistic::Minimum),
        ("average", Statistic::Average),
        ("maximum", Statistic::Maximum),
    ];
    // A minute is taken as complete a minute after its end.
    let minutes = || (NOON - 31 * 60..NOON - 60).step_by(60);
    let mut compared = 0;
    for (leaf, statistic) in statistics {
        for service in cluster.services() {
            for (graph, metric) in [
                ("service_cpu_utilization", Metric::CpuUtilization),
                ("service_memory_utilization", Metric::MemoryUtilization),
            ] {
                let name = format!("custom.ecs.{graph}.{}.{leaf}", service.name);
                let truth: Vec<(i64, f64)> = minutes()
                    .map(|minute| {
                        let set = service.statistics(metric, at(minute)).unwrap();
                        (minute, set.get(statistic))
                    })
                    .collect();
                assert_eq!(world.points("web", &name), truth, "{name}");
                compared += truth.len();
            }
        }
        for (graph, metric) in [
            ("cpu_utilization", Metric::CpuUtilization),
            ("memory_utilization", Metric::MemoryUtilization),
            ("cpu_reservation", Metric::CpuReservation),
            ("memory_reservation", Metric::MemoryReservation),
        ] {
            let name = format!("custom.ecs.{graph}.{leaf}");
            let truth: Vec<(i64, f64)> = minutes()
                .map(|minute| {
                    let set = cluster.statistics(metric, at(minute)).unwrap();
                    (minute, set.get(statistic))
                })
                .collect();
            assert_eq!(world.points("web", &name), truth, "{name}");
            compared += truth.len();
        }
    }
    assert_eq!(compared, 3 * 30 * (2 * 2 + 4));
}
