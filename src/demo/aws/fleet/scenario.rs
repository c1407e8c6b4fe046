//! Ready-made fleets: the one of the demo, and one of any size for benchmarks.

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::fleet::behaviour::Behaviour;
use crate::demo::aws::fleet::cluster::{Cluster, ContainerInsights};
use crate::demo::aws::fleet::service::{Compute, Service};
use crate::demo::aws::fleet::{Fleet, noise};

/// The account of ready-made fleets.
pub const ACCOUNT: &str = "111122223333";
/// The region of ready-made fleets.
pub const REGION: &str = "ap-northeast-1";
/// The tag that names the Mackerel roles of a cluster.
pub const ROLE_TAG: &str = "mackerel-integration";

impl Fleet {
    /// The demo's fleet: four clusters and about twenty services, with a day of history before
    /// `now`. One service runs nothing, one is being deployed, one crashes, one is scaled to zero
    /// twenty minutes from `now`, one comes and one goes.
    pub fn demo(now: DateTime<Utc>) -> Fleet {
        let yesterday = minute_of(now - TimeDelta::hours(24));
        let ago = |minutes: i64| minute_of(now - TimeDelta::minutes(minutes));
        let service = |one: Service| one.created_at(yesterday);
        let shop = Cluster::fargate("shop-web")
            .tag(ROLE_TAG, "shop: web")
            .service(service(Service::scale_out("storefront", 4, 12)))
            .service(service(Service::steady("checkout", 3)))
            .service(Service::deploying("search", 4).created_at(ago(60 * 7 + 4)))
            .service(service(Service::steady("images", 2).twenty_seconds()))
            .service(service(Service::stopped("recommendations", 2)))
            .service(service(Service::scale_to_zero(
                "campaign",
                3,
                minute_of(now + TimeDelta::minutes(20)),
            )))
            .service(service(Service::idle("blue-green-standby")));
        let batch = Cluster::ec2("shop-batch", 3)
            .tag(ROLE_TAG, "shop: batch")
            .service(service(Service::steady("log-router", 3).daemon()))
            .service(service(Service::steady("orders-worker", 4).old_arn()))
            .service(service(Service::scale_out("invoice-worker", 1, 5)))
            .service(service(Service::crash_looping("mailer", 2)))
            .service(service(Service::steady("stock-sync", 1)));
        let platform = Cluster::mixed("platform", 2)
            .tag(ROLE_TAG, "platform: api / platform: all")
            .container_insights(ContainerInsights::Enabled)
            .service(service(Service::steady("auth", 3)))
            .service(service(Service::steady("gateway", 6)))
            .service(service(
                Service::steady("cache", 2).compute(Compute::Ec2Provider),
            ))
            .service(service(
                Service::steady("metrics-agent", 2)
                    .compute(Compute::Ec2)
                    .daemon(),
            ))
            .service(Service::steady("feature-flags", 1).created_at(ago(90)));
        let staging = Cluster::fargate("staging")
            .tag("environment", "staging")
            .service(service(Service::steady("storefront", 1)))
            .service(service(Service::steady("checkout", 1)))
            .service(
                service(Service::steady("preview-1234", 1))
                    .deleted_at(minute_of(now + TimeDelta::minutes(30))),
            );
        [shop, batch, platform, staging]
            .into_iter()
            .fold(Fleet::new(ACCOUNT), |fleet, cluster| {
                fleet.cluster(REGION, cluster.created_at(yesterday))
            })
    }

    /// A fleet of exactly this many services in clusters of a few to 1,000: most of them steady,
    /// some that scale, deploy, crash or run nothing. The same seed gives the same fleet.
    pub fn sized(seed: u64, services: usize) -> Fleet {
        let mut fleet = Fleet::new(ACCOUNT);
        let (mut made, mut number) = (0, 0);
        while made < services {
            let own = noise::mix(seed, number);
            let size = cluster_size(own).min(services - made);
            let name = format!("cluster-{number:05}");
            let mut cluster = match own % 10 {
                0 => Cluster::ec2(&name, 1 + size as u32 / 4),
                1 => Cluster::mixed(&name, 1 + size as u32 / 8),
                _ => Cluster::fargate(&name),
            };
            cluster = cluster.tag(ROLE_TAG, &format!("fleet: group{}", number % 10));
            for index in 0..size {
                let own = noise::mix(own, index as u64 + 1);
                let name = format!("service-{:06}", made + index);
                cluster = cluster.service(sized_service(own, &name));
            }
            fleet = fleet.cluster(REGION, cluster);
            made += size;
            number += 1;
        }
        fleet
    }
}

fn cluster_size(seed: u64) -> usize {
    let draw = noise::mix(seed, 11);
    let size = match draw % 10 {
        0..=3 => noise::between(draw / 10, 3, 15),
        4..=6 => noise::between(draw / 10, 10, 60),
        7 | 8 => noise::between(draw / 10, 50, 300),
        _ => noise::between(draw / 10, 200, 1000),
    };
    usize::try_from(size).unwrap_or(1000)
}

fn sized_service(seed: u64, name: &str) -> Service {
    let tasks = noise::between(noise::mix(seed, 1), 1, 8) as u32;
    let behaviour = match seed % 100 {
        0..=7 => Behaviour::ScaleOut {
            low: tasks,
            high: tasks * 3,
        },
        8..=11 => Behaviour::Deploying {
            tasks,
            every_minutes: 240,
            lasts_minutes: 10,
        },
        12 | 13 => Behaviour::CrashLooping { desired: tasks },
        14..=16 => Behaviour::Stopped { desired: tasks },
        17..=19 => Behaviour::Idle,
        _ => Behaviour::Steady { tasks },
    };
    let age = TimeDelta::minutes(noise::between(noise::mix(seed, 2), 0, 1440) as i64);
    let service = Service::new(name, behaviour);
    let created_at = service.created_at + age;
    Service {
        created_at,
        seed,
        ..service
    }
}

fn minute_of(time: DateTime<Utc>) -> DateTime<Utc> {
    time - TimeDelta::seconds(time.timestamp().rem_euclid(60))
        - TimeDelta::nanoseconds(i64::from(time.timestamp_subsec_nanos()))
}
