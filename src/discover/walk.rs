//! What is known of a Region's services from one poll to the next, and where the next one goes on:
//! where ECS's rates don't allow all services to be described in one poll, each describes the next
//! part. Nothing here waits.

use std::collections::{HashMap, HashSet};

use crate::config::Filter;
use crate::model::id::{ClusterArn, last_part};
use crate::model::inventory::{Cluster, Observed, Service};
use crate::model::pass::Pass;

/// What is known of a Region's services.
#[derive(Debug, Default)]
pub struct Walk {
    /// Which services are walked.
    filter: Option<Filter>,
    known: HashMap<ClusterArn, Known>,
    /// The first cluster that the last poll did not finish.
    next: Option<ClusterArn>,
}

/// What is known of a cluster's services.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// As they were last described.
    pub(super) services: Vec<Service>,
    /// The ARNs that were listed and are yet to be described.
    pub(super) rest: Vec<String>,
    /// Whether all that was listed before was described.
    pub(super) whole: bool,
}

/// A cluster after this poll's part of the walk.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) observed: Observed,
    /// The ARNs that were listed and are yet to be described.
    pub(super) rest: Vec<String>,
    /// Whether it was walked to its end.
    pub(super) finished: bool,
    /// What that asked of ECS.
    pub(super) pass: Pass,
}

impl Walk {
    /// The clusters in the order in which they are walked, each with what is known of it: from the
    /// first one that was not finished on, and then from the beginning. What was listed to choose
    /// other services is forgotten.
    pub(super) fn begin(
        &mut self,
        mut clusters: Vec<Cluster>,
        living: &HashSet<ClusterArn>,
        filter: &Filter,
    ) -> Vec<(Cluster, Known)> {
        if self.filter.as_ref() != Some(filter) {
            self.filter = Some(filter.clone());
            self.known.clear();
        }
        self.known.retain(|arn, _| living.contains(arn));
        let next = self.next.take();
        let first = next.map_or(0, |next| clusters.partition_point(|one| one.arn < next));
        clusters.rotate_left(first);
        let known = |cluster: Cluster| {
            let known = self.known.remove(&cluster.arn).unwrap_or_default();
            (cluster, known)
        };
        clusters.into_iter().map(known).collect()
    }

    /// Notes how far the walk came with a cluster; they come in the order in which they were walked.
    pub(super) fn walked(&mut self, walked: Walked) -> Observed {
        let Walked {
            observed,
            rest,
            finished,
            pass: _,
        } = walked;
        let arn = &observed.cluster.arn;
        if !finished && self.next.is_none() {
            self.next = Some(arn.clone());
        }
        let known = Known {
            services: Vec::new(),
            rest,
            whole: observed.whole,
        };
        self.known.insert(arn.clone(), known);
        observed
    }

    /// Keeps a cluster's services for the next poll.
    pub fn keep(&mut self, cluster: &ClusterArn, services: Vec<Service>) {
        if let Some(known) = self.known.get_mut(cluster) {
            known.services = services;
        }
    }
}

/// The services that were just described, and of the others those that `stays` tells of; by name.
pub(super) fn merge(
    mut fresh: Vec<Service>,
    known: Vec<Service>,
    stays: impl Fn(&str) -> bool,
) -> Vec<Service> {
    fresh.extend(known.into_iter().filter(|service| stays(&service.name)));
    fresh.sort_by(|a, b| a.name.cmp(&b.name));
    fresh.dedup_by(|a, b| a.name == b.name);
    fresh
}

/// The names of services.
pub(super) fn names(arns: &[String]) -> HashSet<&str> {
    arns.iter().map(|arn| last_part(arn)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::pattern::Patterns;
    use crate::model::time::Minute;

    fn cluster(name: &str) -> Cluster {
        Cluster {
            arn: ClusterArn::new(&format!("arn:aws:ecs:r:a:cluster/{name}")),
            name: name.into(),
            status: "ACTIVE".into(),
            running_tasks: 0,
            pending_tasks: 0,
            active_services: 0,
            container_instances: 0,
            capacity_providers: Vec::new(),
            container_insights: None,
            statistics: Default::default(),
            tags: Default::default(),
            read_at: Minute::of_seconds(0),
        }
    }

    fn service(name: &str, running: i64) -> Service {
        Service {
            name: name.into(),
            desired: 1,
            running,
            pending: 0,
            deployments: 1,
            failed_tasks: None,
            revisions: Vec::new(),
            read_at: Minute::of_seconds(0),
        }
    }

    /// Walks clusters of which each poll finishes so many; gives their order in each poll.
    fn orders(walk: &mut Walk, names: &[&str], finished: usize) -> String {
        let clusters = names.iter().map(|name| cluster(name)).collect();
        let order = walk.begin(clusters, &HashSet::new(), &Filter::default());
        let names: Vec<String> = order.iter().map(|(one, _)| one.name.clone()).collect();
        for (place, (cluster, known)) in order.into_iter().enumerate() {
            walk.walked(Walked {
                observed: Observed {
                    cluster,
                    services: known.services,
                    whole: true,
                    afresh: true,
                },
                rest: Vec::new(),
                finished: place < finished,
                pass: Pass::default(),
            });
        }
        names.concat()
    }

    #[test]
    fn each_poll_goes_on_where_the_last_one_ended() {
        let mut walk = Walk::default();
        let names = ["a", "b", "c", "d", "e"];
        assert_eq!(orders(&mut walk, &names, 2), "abcde");
        assert_eq!(orders(&mut walk, &names, 2), "cdeab");
        assert_eq!(orders(&mut walk, &names, 5), "eabcd");
        assert_eq!(orders(&mut walk, &names, 3), "abcde");
        // The one that was next is gone, and another has come.
        assert_eq!(orders(&mut walk, &["a", "b", "c", "dd", "e"], 5), "ddeabc");
        assert_eq!(orders(&mut walk, &names, 5), "abcde");
    }

    #[test]
    fn a_listing_is_forgotten_when_other_services_are_chosen() {
        let mut walk = Walk::default();
        let living = HashSet::from([cluster("a").arn]);
        let rest = |walk: &mut Walk, filter: &Filter| {
            let (cluster, known) = walk.begin(vec![cluster("a")], &living, filter).remove(0);
            let observed = Observed {
                cluster,
                services: Vec::new(),
                whole: true,
                afresh: true,
            };
            walk.walked(Walked {
                observed,
                rest: vec!["arn:x:service/a/b".to_owned()],
                finished: false,
                pass: Pass::default(),
            });
            known.rest.len()
        };
        let all = Filter::default();
        let some = Filter {
            tags: vec![("team".to_owned(), Patterns::default())],
            ..Filter::default()
        };
        assert_eq!(rest(&mut walk, &all), 0);
        assert_eq!(rest(&mut walk, &all), 1);
        assert_eq!(rest(&mut walk, &some), 0);
        assert_eq!(rest(&mut walk, &some), 1);
    }

    #[test]
    fn what_was_not_described_stays_as_it_was() {
        let known = ["a", "b", "c", "d"].map(|name| service(name, 1)).to_vec();
        let fresh = vec![service("b", 5), service("a", 5)];
        let rest = [
            "arn:x:service/web/c".to_owned(),
            "arn:x:service/e".to_owned(),
        ];
        let rest = names(&rest);
        let merged = merge(fresh, known, |name| rest.contains(name));
        let merged: Vec<(&str, i64)> = merged.iter().map(|one| (&*one.name, one.running)).collect();
        assert_eq!(merged, [("a", 5), ("b", 5), ("c", 1)]);
    }
}
