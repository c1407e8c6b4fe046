//! One ECS cluster: its services, its capacity, its tags as they change, and its own metrics.

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::fleet::noise;
use crate::demo::aws::fleet::service::{Compute, DRAIN_SECONDS, Service, ServiceStatus, long_ago};
use crate::demo::aws::fleet::statistics::{Load, MOMENTS, Metric, StatisticSet};

/// What a cluster's tasks can run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// Fargate only: the cluster has no metrics of its own.
    Fargate,
    /// Container instances only.
    Ec2 {
        /// How many are registered.
        instances: u32,
    },
    /// Container instances and Fargate.
    Mixed {
        /// How many are registered.
        instances: u32,
    },
}

/// The setting of Container Insights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerInsights {
    /// `disabled`, the default.
    Disabled,
    /// `enabled`.
    Enabled,
    /// `enhanced`.
    Enhanced,
}

/// Tags by key.
pub type Tags = Vec<(Box<str>, Box<str>)>;

/// Task and service totals of a cluster, as DescribeClusters reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Running tasks on container instances.
    pub running_ec2: u32,
    /// Running tasks on Fargate.
    pub running_fargate: u32,
    /// Pending tasks on container instances.
    pub pending_ec2: u32,
    /// Pending tasks on Fargate.
    pub pending_fargate: u32,
    /// Active services on container instances.
    pub active_ec2: u32,
    /// Active services on Fargate.
    pub active_fargate: u32,
    /// Draining services on container instances.
    pub draining_ec2: u32,
    /// Draining services on Fargate.
    pub draining_fargate: u32,
}

/// A simulated cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its name, unique in its account and region at any one time.
    pub name: Box<str>,
    /// What its tasks can run on.
    pub capacity: Capacity,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it is deleted, if ever.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Its Container Insights setting.
    pub container_insights: ContainerInsights,
    /// All its tags, each list from its moment on, oldest first.
    tags: Vec<(DateTime<Utc>, Tags)>,
    /// By name, then by creation.
    services: Vec<Service>,
}

impl Cluster {
    /// A cluster that has existed since 2025-01-01 and is never deleted.
    pub fn new(name: &str, capacity: Capacity) -> Cluster {
        Cluster {
            name: name.into(),
            capacity,
            created_at: long_ago(),
            deleted_at: None,
            container_insights: ContainerInsights::Disabled,
            tags: vec![(DateTime::UNIX_EPOCH, Vec::new())],
            services: Vec::new(),
        }
    }

    /// A cluster without container instances.
    pub fn fargate(name: &str) -> Cluster {
        Cluster::new(name, Capacity::Fargate)
    }

    /// A cluster of container instances.
    pub fn ec2(name: &str, instances: u32) -> Cluster {
        Cluster::new(name, Capacity::Ec2 { instances })
    }

    /// A cluster of container instances and Fargate, whose services use capacity providers of
    /// Fargate unless they say otherwise.
    pub fn mixed(name: &str, instances: u32) -> Cluster {
        Cluster::new(name, Capacity::Mixed { instances })
    }

    /// Sets when it is created. No service is older than it.
    pub fn created_at(mut self, time: DateTime<Utc>) -> Cluster {
        self.created_at = time;
        for service in &mut self.services {
            bound(service, time, None);
        }
        self
    }

    /// Sets when it is deleted. A cluster can only be deleted when nothing runs in it, so its
    /// services are deleted a minute before.
    pub fn deleted_at(mut self, time: DateTime<Utc>) -> Cluster {
        self.deleted_at = Some(time);
        for service in &mut self.services {
            bound(service, self.created_at, self.deleted_at);
        }
        self
    }

    /// Sets Container Insights.
    pub fn container_insights(mut self, setting: ContainerInsights) -> Cluster {
        self.container_insights = setting;
        self
    }

    /// Adds a tag that it has from the start.
    pub fn tag(mut self, key: &str, value: &str) -> Cluster {
        for (_, tags) in &mut self.tags {
            tags.push((key.into(), value.into()));
        }
        self
    }

    /// Replaces all its tags from a moment on.
    pub fn tags_from(mut self, time: DateTime<Utc>, tags: &[(&str, &str)]) -> Cluster {
        let tags = tags
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect();
        self.tags.push((time, tags));
        self.tags.sort_by_key(|(from, _)| *from);
        self
    }

    /// Adds a service. Its load is made from its own seed and the cluster's name. Two services may
    /// have one name when the first is deleted before the second is created.
    pub fn service(mut self, mut service: Service) -> Cluster {
        service.seed = noise::mix(service.seed, noise::seed_of(&self.name));
        bound(&mut service, self.created_at, self.deleted_at);
        let at = self.services.partition_point(|other| {
            (&other.name, other.created_at) <= (&service.name, service.created_at)
        });
        self.services.insert(at, service);
        self
    }

    /// Every service that ever exists, by name.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Every service of this name, by creation.
    pub fn services_named(&self, name: &str) -> &[Service] {
        let from = self.services.partition_point(|other| *other.name < *name);
        let rest = self.services.get(from..).unwrap_or_default();
        let count = rest.partition_point(|other| *other.name == *name);
        rest.get(..count).unwrap_or_default()
    }

    /// The service of this name at a moment: the one that was last created, even if it is deleted.
    pub fn service_at(&self, name: &str, time: DateTime<Utc>) -> Option<&Service> {
        let named = self.services_named(name);
        named
            .iter()
            .rev()
            .find(|service| service.created_at <= time)
    }

    /// Whether it exists at a moment.
    pub fn exists(&self, time: DateTime<Utc>) -> bool {
        self.created_at <= time && self.deleted_at.is_none_or(|deleted| time < deleted)
    }

    /// Its tags at a moment.
    pub fn tags(&self, time: DateTime<Utc>) -> &[(Box<str>, Box<str>)] {
        let current = self.tags.iter().rev().find(|(from, _)| *from <= time);
        current.map_or(&[], |(_, tags)| tags)
    }

    /// How many container instances are registered while it exists.
    pub fn instances(&self) -> u32 {
        match self.capacity {
            Capacity::Fargate => 0,
            Capacity::Ec2 { instances } | Capacity::Mixed { instances } => instances,
        }
    }

    /// What the tasks of one of its services run on.
    pub fn compute_of(&self, service: &Service) -> Compute {
        service.compute.unwrap_or(match self.capacity {
            Capacity::Fargate => Compute::Fargate,
            Capacity::Ec2 { .. } => Compute::Ec2,
            Capacity::Mixed { .. } => Compute::FargateProviders,
        })
    }

    /// Its task and service totals at a moment; all 0 when it does not exist.
    pub fn totals(&self, time: DateTime<Utc>) -> Totals {
        let mut totals = Totals::default();
        if !self.exists(time) {
            return totals;
        }
        for service in &self.services {
            let counts = service.counts(time);
            let active = u32::from(service.status(time) == Some(ServiceStatus::Active));
            let draining = u32::from(service.status(time) == Some(ServiceStatus::Draining));
            if self.compute_of(service).is_ec2() {
                totals.running_ec2 += counts.running;
                totals.pending_ec2 += counts.pending;
                totals.active_ec2 += active;
                totals.draining_ec2 += draining;
            } else {
                totals.running_fargate += counts.running;
                totals.pending_fargate += counts.pending;
                totals.active_fargate += active;
                totals.draining_fargate += draining;
            }
        }
        totals
    }

    /// What CloudWatch has by `ClusterName` alone of a whole minute. None for a cluster without
    /// container instances or in a minute in which no task ran on them.
    pub fn statistics(&self, metric: Metric, minute: DateTime<Utc>) -> Option<StatisticSet> {
        self.statistics_so_far(metric, minute, MOMENTS)
    }

    /// What CloudWatch has by `ClusterName` alone of a minute of which the first `moments` (1 to 3)
    /// 20-second values have arrived. Utilization has one sample an instance, reservation one in
    /// all (an assumption: AWS does not say).
    pub fn statistics_so_far(
        &self,
        metric: Metric,
        minute: DateTime<Utc>,
        moments: u8,
    ) -> Option<StatisticSet> {
        let instances = self.instances();
        if instances == 0 {
            return None;
        }
        let mut set = StatisticSet::gathering();
        let moments = moments.min(MOMENTS);
        if metric.is_reservation() {
            let mut values = Vec::with_capacity(usize::from(moments));
            for moment in 0..moments {
                let tasks = self.ec2_tasks(minute + TimeDelta::seconds(20 * i64::from(moment)));
                if tasks > 0 {
                    let value = reserved(metric, tasks, instances);
                    set.see(value);
                    values.push(value);
                }
            }
            if !values.is_empty() {
                set.add(values.iter().sum::<f64>() / values.len() as f64);
            }
            return set.finished();
        }
        if !self.has_ec2_task(minute) {
            return None;
        }
        let load = Load::new(noise::seed_of(&self.name), metric, minute);
        for instance in (0..instances).filter(|one| one % 3 < u32::from(moments)) {
            let mut sum = 0.0;
            for moment in 0..moments {
                let value = load.value(instance, moment);
                set.see(value);
                sum += value;
            }
            set.add(sum / f64::from(moments.max(1)));
        }
        set.finished()
    }

    fn ec2_services(&self) -> impl Iterator<Item = &Service> {
        let services = self.services.iter();
        services.filter(|service| self.compute_of(service).is_ec2())
    }

    fn ec2_tasks(&self, time: DateTime<Utc>) -> u32 {
        if !self.exists(time) {
            return 0;
        }
        self.ec2_services().map(|one| one.running(time)).sum()
    }

    fn has_ec2_task(&self, time: DateTime<Utc>) -> bool {
        self.exists(time) && self.ec2_services().any(|one| one.running(time) > 0)
    }
}

/// Percent of the instances (2,048 CPU units and 7,680 MiB each) that the tasks (256 CPU units and
/// 512 MiB each) reserve.
fn reserved(metric: Metric, tasks: u32, instances: u32) -> f64 {
    let share = match metric {
        Metric::CpuReservation => 256.0 / 2048.0,
        _ => 512.0 / 7680.0,
    };
    (100.0 * share * f64::from(tasks) / f64::from(instances)).min(100.0)
}

/// Keeps the life of a service within that of its cluster.
fn bound(service: &mut Service, created: DateTime<Utc>, deleted: Option<DateTime<Utc>>) {
    service.created_at = service.created_at.max(created);
    if let Some(deleted) = deleted {
        let drained = deleted - TimeDelta::seconds(DRAIN_SECONDS);
        let own = service.deleted_at;
        service.deleted_at = Some(own.map_or(drained, |own| own.min(drained)));
    }
}
