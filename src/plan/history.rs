//! What earlier polls saw of a cluster, as far as it decides what can have data: CloudWatch has
//! datapoints of a service only for minutes in which a task of it was RUNNING, and of a cluster
//! only while it has container instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::inventory::{Cluster, Service};
use crate::model::time::{Minute, Window};

/// Sightings of one cluster.
#[derive(Debug, Clone, Default)]
pub struct History {
    services: BTreeMap<Arc<str>, Sighting>,
    instances: Option<Sighting>,
}

/// For how many minutes Mackerel takes a point.
const KEPT: i64 = 24 * 60;

/// The most minutes between two looks at something that is watched without a break.
const WATCHED: i64 = 2;

#[derive(Debug, Clone, Copy)]
struct Sighting {
    /// Since when it has been watched without a break.
    first: Minute,
    /// When it was last seen at all.
    last: Minute,
    /// When it was last in a state that makes data, or may have been, for all that was seen.
    last_active: Option<Minute>,
    /// Whether it was so at the last look.
    active: bool,
    /// Whether it is there still.
    present: bool,
}

impl Sighting {
    fn update(seen: Option<Sighting>, active: bool, now: Minute) -> Sighting {
        // What happened between two looks that are far apart nobody knows.
        let watched = seen.filter(|seen| now.since(seen.last) <= WATCHED);
        Sighting {
            first: watched.map_or(now, |seen| seen.first),
            last: now,
            // If it stopped since the last look, perhaps in this very minute.
            last_active: match active || seen.is_some_and(|seen| seen.active) {
                true => Some(now),
                false => seen.and_then(|seen| seen.last_active),
            },
            active,
            present: true,
        }
    }

    /// Whether the window can hold data: it reaches back to the minute of the first sighting or goes on
    /// after the last one, so that nobody knows, or something was active in it.
    fn may_have_data(&self, window: Window) -> bool {
        window.from <= self.first
            || window.to.since(self.last) > WATCHED
            || self.active
            || self.last_active.is_some_and(|last| last >= window.from)
    }
}

impl History {
    /// Adds what a poll sees, and what those before it saw of services that are not due to be looked
    /// at again. Services that are gone are remembered for as long as their last minutes may still be
    /// read.
    pub fn observe(&mut self, cluster: &Cluster, services: &[Service]) {
        let now = cluster.read_at;
        for seen in self.services.values_mut() {
            seen.present = false;
        }
        self.instances = Some(Sighting::update(
            self.instances,
            cluster.container_instances > 0,
            now,
        ));
        for service in services {
            let seen = self.services.get(&service.name).copied();
            // A task that is being started may have run, and ended, by the next look.
            let active = service.running > 0 || service.pending > 0;
            let sighting = Sighting::update(seen, active, service.read_at);
            self.services.insert(service.name.clone(), sighting);
        }
        self.services.retain(|_, seen| {
            let active = seen.last_active.is_some_and(|last| now.since(last) < KEPT);
            seen.present || active
        });
    }

    /// Services that are no longer there, or could not be read of late, and had data in the window.
    pub fn departed(&self, window: Window) -> impl Iterator<Item = &Arc<str>> {
        let departed = self.services.iter().filter(|(_, seen)| !seen.present);
        departed
            .filter(move |(_, seen)| {
                seen.last_active
                    .is_some_and(|last| last.plus(1) >= window.from)
            })
            .map(|(name, _)| name)
    }

    /// Whether CloudWatch can have datapoints of the service in the window.
    pub fn service_may_have_data(&self, service: &str, window: Window) -> bool {
        let seen = self.services.get(service);
        seen.is_none_or(|seen| seen.may_have_data(window))
    }

    /// Whether CloudWatch can have datapoints of the cluster itself in the window.
    pub fn cluster_may_have_data(&self, cluster: &Cluster, window: Window) -> bool {
        // Before the first look at a cluster nobody knows whether it had instances, but a cluster
        // that has none now and is not built for them is taken for one that never had.
        let never = cluster.container_instances == 0
            && cluster
                .capacity_providers
                .iter()
                .all(|name| name.starts_with("FARGATE"))
            && self.instances.is_none_or(|seen| seen.last_active.is_none());
        !never && self.instances.is_none_or(|seen| seen.may_have_data(window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::ClusterArn;

    fn minute(n: i64) -> Minute {
        Minute::of_seconds(n * 60)
    }

    fn window(from: i64, to: i64) -> Window {
        Window {
            from: minute(from),
            to: minute(to),
        }
    }

    fn cluster(instances: i64, providers: &[&str]) -> Cluster {
        Cluster {
            arn: ClusterArn::new("arn:aws:ecs:r:a:cluster/web"),
            name: "web".into(),
            status: "ACTIVE".into(),
            running_tasks: 0,
            pending_tasks: 0,
            active_services: 0,
            container_instances: instances,
            capacity_providers: providers.iter().map(|p| p.to_string()).collect(),
            container_insights: None,
            statistics: Default::default(),
            tags: Default::default(),
            read_at: minute(100),
        }
    }

    fn service(running: i64) -> Service {
        Service {
            name: "api".into(),
            desired: 2,
            running,
            pending: 0,
            deployments: 1,
            failed_tasks: None,
            revisions: Vec::new(),
            read_at: minute(100),
        }
    }

    /// Looks at a cluster and its services in one minute.
    fn observe(history: &mut History, cluster: &Cluster, services: &[Service], at: i64) {
        let read_at = minute(at);
        let services: Vec<Service> = services
            .iter()
            .map(|service| Service {
                read_at,
                ..service.clone()
            })
            .collect();
        let cluster = Cluster {
            read_at,
            ..cluster.clone()
        };
        history.observe(&cluster, &services);
    }

    /// A service that this poll did not get to may run by now, and may have run in between.
    #[test]
    fn a_service_that_was_not_looked_at_of_late_is_asked() {
        let mut history = History::default();
        let fargate = cluster(0, &[]);
        observe(&mut history, &fargate, &[service(0)], 100);
        for at in 101..110 {
            let seen = Cluster {
                read_at: minute(at),
                ..fargate.clone()
            };
            history.observe(&seen, &[service(0)]);
        }
        assert!(!history.service_may_have_data("api", window(101, 102)));
        assert!(history.service_may_have_data("api", window(101, 103)));
        assert_eq!(history.departed(window(100, 110)).count(), 0);
        history.observe(&fargate, &[]);
        assert!(history.service_may_have_data("api", window(100, 110)));
    }

    #[test]
    fn a_service_that_stopped_is_read_while_its_last_minutes_are_in_the_window() {
        let mut history = History::default();
        let fargate = cluster(0, &[]);
        observe(&mut history, &fargate, &[service(1)], 100);
        observe(&mut history, &fargate, &[service(0)], 101);
        assert!(history.service_may_have_data("api", window(101, 102)));
        assert!(!history.service_may_have_data("api", window(102, 103)));
    }

    /// Tasks that end soon after they start may never be seen running.
    #[test]
    fn a_service_whose_tasks_are_being_started_is_asked() {
        let mut history = History::default();
        let fargate = cluster(0, &[]);
        let starting = Service {
            pending: 1,
            ..service(0)
        };
        observe(&mut history, &fargate, &[service(0)], 100);
        observe(&mut history, &fargate, &[starting], 101);
        observe(&mut history, &fargate, &[service(0)], 102);
        assert!(history.service_may_have_data("api", window(102, 103)));
        assert!(!history.service_may_have_data("api", window(103, 104)));
    }

    /// A look that failed leaves two minutes in which it may have stopped.
    #[test]
    fn a_service_that_stopped_between_two_looks_is_asked_up_to_the_second() {
        let mut history = History::default();
        let fargate = cluster(0, &[]);
        observe(&mut history, &fargate, &[service(1)], 100);
        observe(&mut history, &fargate, &[service(0)], 102);
        observe(&mut history, &fargate, &[service(0)], 103);
        assert!(history.service_may_have_data("api", window(102, 103)));
        assert!(!history.service_may_have_data("api", window(103, 104)));
    }

    #[test]
    fn what_was_never_watched_is_asked() {
        let mut history = History::default();
        observe(&mut history, &cluster(0, &[]), &[service(0)], 100);
        assert!(history.service_may_have_data("api", window(40, 100)));
        // It may have stopped in that very minute.
        assert!(history.service_may_have_data("api", window(100, 101)));
        assert!(!history.service_may_have_data("api", window(101, 102)));
        assert!(history.service_may_have_data("unseen", window(100, 101)));
    }

    #[test]
    fn what_happened_between_far_looks_is_asked() {
        let mut history = History::default();
        let fargate = cluster(0, &[]);
        for minute_seen in [100, 101, 102, 120] {
            observe(&mut history, &fargate, &[service(0)], minute_seen);
        }
        assert!(history.service_may_have_data("api", window(102, 119)));
        assert!(!history.service_may_have_data("api", window(121, 122)));
    }

    #[test]
    fn the_last_minutes_of_a_service_that_is_gone_are_asked() {
        let mut history = History::default();
        let fargate = cluster(0, &[]);
        let departed = |history: &History, window| history.departed(window).count();
        observe(&mut history, &fargate, &[service(1)], 100);
        assert_eq!(departed(&history, window(95, 99)), 0);
        observe(&mut history, &fargate, &[], 101);
        assert_eq!(departed(&history, window(95, 100)), 1);
        assert_eq!(departed(&history, window(102, 103)), 0);
        observe(&mut history, &fargate, &[], 100 + 24 * 60);
        assert_eq!(departed(&history, window(95, 100)), 0);
    }

    #[test]
    fn only_clusters_with_instances_have_figures_of_their_own() {
        let mut history = History::default();
        let fargate = cluster(0, &["FARGATE", "FARGATE_SPOT"]);
        observe(&mut history, &fargate, &[], 100);
        assert!(!history.cluster_may_have_data(&fargate, window(40, 100)));

        let mut history = History::default();
        let ec2 = cluster(3, &["asg"]);
        observe(&mut history, &ec2, &[], 100);
        assert!(history.cluster_may_have_data(&ec2, window(40, 100)));
        let drained = cluster(0, &["asg"]);
        observe(&mut history, &drained, &[], 101);
        assert!(history.cluster_may_have_data(&drained, window(101, 102)));
        assert!(!history.cluster_may_have_data(&drained, window(102, 103)));
    }
}
