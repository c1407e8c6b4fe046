//! What a fleet says of itself: counts, deployments, statistics, and the ready-made fleets.

use chrono::TimeDelta;

use crate::demo::aws::fleet::Fleet;
use crate::demo::aws::fleet::behaviour::{Counts, DeploymentStatus};
use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::fleet::service::{DRAIN_SECONDS, Service, ServiceStatus};
use crate::demo::aws::fleet::statistics::{MOMENTS, Metric, Statistic};
use crate::demo::aws::tests::client::at;

fn every_behaviour() -> Vec<Service> {
    vec![
        Service::steady("steady", 3),
        Service::stopped("stopped", 2),
        Service::idle("idle"),
        Service::scale_to_zero("zero", 4, at(0)),
        Service::scale_out("wave", 2, 9),
        Service::deploying("deploying", 5),
        Service::crash_looping("crash", 2),
        Service::steady("fast", 3).twenty_seconds(),
    ]
}

#[test]
fn a_deployment_moves_tasks_and_keeps_the_sum() {
    let mut most = 0;
    for service in every_behaviour() {
        for minute in -200..200 {
            let time = at(minute * 60);
            let counts = service.counts(time);
            let deployments = service.deployments(time);
            let running: u32 = deployments.iter().map(|one| one.counts.running).sum();
            let pending: u32 = deployments.iter().map(|one| one.counts.pending).sum();
            let primary = deployments.first().unwrap();
            assert_eq!(primary.status, DeploymentStatus::Primary);
            assert_eq!(primary.counts.desired, counts.desired, "{}", service.name);
            assert!(counts.pending >= pending.min(counts.pending));
            assert_eq!(running, counts.running, "{} at {time}", service.name);
            most = most.max(deployments.len());
        }
    }
    assert_eq!(most, 3);
}

#[test]
fn sample_count_is_running_tasks_times_samples_a_minute() {
    for service in every_behaviour() {
        let samples = if &*service.name == "fast" { 3 } else { 1 };
        for minute in -1500..100 {
            let time = at(minute * 60);
            let found = service.statistics(Metric::CpuUtilization, time);
            let count = found.map_or(0, |set| set.sample_count);
            assert_eq!(count, service.running(time) * samples, "{}", service.name);
        }
    }
}

#[test]
fn statistics_are_in_order_and_only_grow_as_samples_arrive() {
    for service in every_behaviour() {
        for metric in [Metric::CpuUtilization, Metric::MemoryUtilization] {
            let mut before = 0;
            for moments in 1..=MOMENTS {
                let Some(set) = service.statistics_so_far(metric, at(-600), moments) else {
                    continue;
                };
                assert!(set.minimum <= set.average() && set.average() <= set.maximum);
                assert!(set.minimum > 0.0 && set.maximum <= 100.0);
                assert!(set.sample_count >= before);
                before = set.sample_count;
            }
        }
    }
}

#[test]
fn merged_sets_are_those_of_all_samples() {
    let service = Service::steady("api", 3);
    let minute = |number: i64| {
        let found = service.statistics(Metric::CpuUtilization, at(60 * number));
        found.unwrap()
    };
    let both = minute(0).merge(minute(1));
    assert_eq!(both.get(Statistic::SampleCount), 6.0);
    assert_eq!(both.sum, minute(0).sum + minute(1).sum);
    assert_eq!(both.maximum, minute(0).maximum.max(minute(1).maximum));
}

#[test]
fn a_deleted_service_drains_and_is_inactive() {
    let service = Service::steady("api", 2)
        .created_at(at(-600))
        .deleted_at(at(0));
    assert_eq!(service.status(at(-601)), None);
    assert_eq!(service.counts(at(-601)), Counts::default());
    assert_eq!(service.counts(at(-1)), Counts::new(2, 2, 0));
    assert_eq!(service.status(at(0)), Some(ServiceStatus::Draining));
    assert_eq!(service.counts(at(0)), Counts::new(0, 2, 0));
    assert_eq!(
        service.status(at(DRAIN_SECONDS)),
        Some(ServiceStatus::Inactive)
    );
    assert_eq!(service.counts(at(DRAIN_SECONDS)), Counts::default());
}

#[test]
fn a_service_lives_within_its_cluster() {
    let cluster = Cluster::fargate("web")
        .service(Service::steady("before", 1))
        .created_at(at(-600))
        .deleted_at(at(600))
        .service(Service::steady("after", 1));
    for service in cluster.services() {
        assert_eq!(service.created_at, at(-600));
        assert_eq!(service.running(at(599)), 1, "it drains in its last minute");
        assert_eq!(service.running(at(600)), 0);
    }
}

#[test]
fn a_script_is_followed_to_the_second() {
    let steps = [
        (at(0), Counts::new(2, 1, 1)),
        (at(70), Counts::new(2, 2, 0)),
    ];
    let service = Service::scripted("api", steps);
    assert_eq!(service.counts(at(-1)), Counts::default());
    assert_eq!(service.counts(at(69)), Counts::new(2, 1, 1));
    assert_eq!(service.counts(at(70)), Counts::new(2, 2, 0));
    let counts = |minute| {
        let found = service.statistics(Metric::CpuUtilization, at(minute));
        found.map(|set| set.sample_count)
    };
    assert_eq!(counts(-60), None);
    assert_eq!(counts(0), Some(1));
    assert_eq!(counts(60), Some(2));
}

#[test]
fn names_may_be_used_again() {
    let cluster = Cluster::fargate("web")
        .service(Service::steady("api", 5).created_at(at(0)))
        .service(
            Service::steady("api", 1)
                .created_at(at(-900))
                .deleted_at(at(-300)),
        );
    let running = |seconds| {
        let found = cluster.service_at("api", at(seconds));
        found.map(|service| service.running(at(seconds)))
    };
    assert_eq!(running(-901), None);
    assert_eq!(running(-301), Some(1));
    assert_eq!(running(-100), Some(0));
    assert_eq!(running(0), Some(5));
}

#[test]
fn only_clusters_with_instances_and_tasks_on_them_have_metrics() {
    let check = |cluster: Cluster, expected: bool| {
        for metric in Metric::ALL {
            let found = cluster.statistics(metric, at(0));
            assert_eq!(found.is_some(), expected, "{} {metric:?}", cluster.name);
        }
    };
    check(
        Cluster::fargate("a").service(Service::steady("api", 1)),
        false,
    );
    check(Cluster::ec2("b", 2), false);
    check(
        Cluster::ec2("c", 2).service(Service::stopped("api", 1)),
        false,
    );
    check(
        Cluster::ec2("d", 0).service(Service::steady("api", 1)),
        false,
    );
    check(
        Cluster::mixed("e", 2).service(Service::steady("api", 1)),
        false,
    );
    check(
        Cluster::ec2("f", 2).service(Service::steady("api", 1)),
        true,
    );
}

#[test]
fn a_sized_fleet_has_that_size_and_is_the_same_again() {
    for size in [0, 1, 57, 20_000] {
        let fleet = Fleet::sized(7, size);
        let regions = fleet.first_account().regions().values();
        let clusters: Vec<_> = regions.flat_map(|region| region.clusters()).collect();
        let services = clusters.iter().map(|cluster| cluster.services().len());
        assert_eq!(services.clone().sum::<usize>(), size);
        assert!(services.clone().all(|count| (1..=1000).contains(&count)));
        assert!(fleet == Fleet::sized(7, size));
        assert!(size < 2 || fleet != Fleet::sized(8, size));
    }
}

#[test]
fn the_demo_has_something_of_everything() {
    let fleet = Fleet::demo(at(30));
    let region = fleet.first_account().regions().values().next().unwrap();
    assert_eq!(region.clusters().len(), 4);
    let services: Vec<_> = region
        .clusters()
        .iter()
        .flat_map(|one| one.services())
        .collect();
    assert_eq!(services.len(), 20);
    let named = |name: &str| *services.iter().find(|one| &*one.name == name).unwrap();
    assert_eq!(named("recommendations").counts(at(0)), Counts::new(2, 0, 0));
    assert_eq!(named("search").deployments(at(30)).len(), 2);
    assert_eq!(named("campaign").running(at(0)), 3);
    assert_eq!(named("campaign").running(at(0) + TimeDelta::minutes(21)), 0);
    assert!((0..5).any(|minute| named("mailer").running(at(60 * minute)) == 0));
    assert_eq!(named("gateway").running(at(-86_340)), 6);
}
