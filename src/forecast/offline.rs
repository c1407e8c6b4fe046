//! An estate that is made up from a few figures, for a forecast without an account:
//! `services=20000,clusters=100`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Part;
use crate::config::reader::unknown;
use crate::config::selection::Selection;
use crate::model::id::ClusterArn;
use crate::model::inventory::{Cluster, Observed, Service};
use crate::model::pass::Pass;
use crate::model::time::Minute;

/// More of anything than anybody has.
const MOST: usize = 1_000_000;

/// The figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How many accounts.
    accounts: usize,
    /// How many Regions of each.
    regions: usize,
    /// How many clusters in all.
    clusters: usize,
    /// How many services in all.
    services: usize,
    /// Which share of the clusters has EC2 capacity.
    ec2_share: f64,
    /// Which share of the services runs tasks.
    running: f64,
    /// Which share of the clusters has Container Insights on, the enhanced one, which is the most that
    /// there can be. It counts where the config asks for it.
    insights_share: f64,
}

impl Figures {
    /// The keys, as they are typed.
    const KEYS: [&'static str; 7] = [
        "accounts",
        "regions",
        "clusters",
        "services",
        "ec2_share",
        "running",
        "insights_share",
    ];

    /// Reads `KEY=VALUE,KEY=VALUE`. What is not given is one account, one Region, one cluster, ten
    /// services, all on Fargate and all running, with Container Insights. An error says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Figures, String> {
        let mut figures = Figures {
            accounts: 1,
            regions: 1,
            clusters: 1,
            services: 10,
            ec2_share: 0.0,
            running: 1.0,
            insights_share: 1.0,
        };
        let mut seen: Vec<&str> = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(format!(
                    "`{pair}` has no value; write it as services=20000,clusters=100"
                ));
            };
            let (key, value) = (key.trim(), value.trim());
            match key {
                "accounts" => figures.accounts = count(key, value, 1)?,
                "regions" => figures.regions = count(key, value, 1)?,
                "clusters" => figures.clusters = count(key, value, 0)?,
                "services" => figures.services = count(key, value, 0)?,
                "ec2_share" => figures.ec2_share = share(key, value)?,
                "running" => figures.running = share(key, value)?,
                "insights_share" => figures.insights_share = share(key, value)?,
                _ => return Err(unknown(&format!("key `{key}`"), "", key, &Self::KEYS)),
            }
            if seen.contains(&key) {
                return Err(format!("{key} is given twice"));
            }
            seen.push(key);
        }
        if figures.clusters == 0 && figures.services > 0 {
            return Err("services need a cluster: clusters must be 1 or more".into());
        }
        Ok(figures)
    }

    /// The estate: everything is spread evenly. `target` is the name of the first account.
    pub fn estate(&self, target: &str, metrics: &Selection) -> Vec<Part> {
        let places = self.accounts * self.regions;
        let ec2_clusters = part_of(self.clusters, self.ec2_share);
        let running = part_of(self.services, self.running);
        let with_insights = part_of(self.clusters, self.insights_share);
        let mut parts: Vec<Part> = (0..places)
            .map(|place| Part {
                target: match self.accounts {
                    1 => target.to_owned(),
                    _ => format!("account-{}", place / self.regions + 1),
                },
                region: format!("region-{}", place % self.regions + 1),
                clusters: Vec::new(),
                pass: Pass::default(),
                metrics: metrics.clone(),
            })
            .collect();
        for number in 0..self.clusters {
            // The nth of several equal parts, of the services that are there and of those that run.
            let range = |of: usize| of * number / self.clusters..of * (number + 1) / self.clusters;
            let of_ec2 = range(ec2_clusters);
            let running = range(running).len();
            let of_insights = range(with_insights);
            let services: Vec<Service> = range(self.services)
                .enumerate()
                .map(|(place, number)| service(number, place < running))
                .collect();
            let part = &mut parts[number * places / self.clusters];
            let cluster = Cluster {
                container_insights: (!of_insights.is_empty()).then(|| "enhanced".into()),
                ..cluster(part, number, !of_ec2.is_empty(), &services)
            };
            part.pass += Pass::of_services(services.len(), services.len());
            part.clusters.push(Observed {
                cluster,
                services,
                whole: true,
                afresh: true,
            });
        }
        for part in &mut parts {
            let clusters = part.clusters.len();
            part.pass += Pass::of_clusters(clusters, clusters);
        }
        parts
    }
}

fn part_of(count: usize, share: f64) -> usize {
    (count as f64 * share).round() as usize
}

fn cluster(part: &Part, number: usize, has_ec2: bool, services: &[Service]) -> Cluster {
    let name = format!("cluster-{:04}", number + 1);
    Cluster {
        arn: ClusterArn::new(&format!(
            "arn:aws:ecs:{}:{}:cluster/{name}",
            part.region, part.target
        )),
        name,
        status: "ACTIVE".into(),
        running_tasks: services.iter().map(|service| service.running).sum(),
        pending_tasks: 0,
        active_services: services.len() as i64,
        container_instances: i64::from(has_ec2),
        capacity_providers: match has_ec2 {
            true => Vec::new(),
            false => vec!["FARGATE".into()],
        },
        container_insights: None,
        statistics: BTreeMap::new(),
        tags: BTreeMap::new(),
        read_at: Minute::EPOCH,
    }
}

fn service(number: usize, runs: bool) -> Service {
    Service {
        name: Arc::from(format!("service-{:06}", number + 1)),
        desired: 1,
        running: i64::from(runs),
        pending: 0,
        deployments: 1,
        failed_tasks: Some(0),
        revisions: Vec::new(),
        read_at: Minute::EPOCH,
    }
}

fn count(key: &str, text: &str, least: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (least..=MOST).contains(&count) => Ok(count),
        _ => Err(format!(
            "{key} is `{text}`, but must be a whole number from {least} to {MOST}"
        )),
    }
}

fn share(key: &str, text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!(
            "{key} is `{text}`, but must be a share from 0 to 1, such as 0.3"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::pattern::Patterns;
    use crate::model::catalog::Profile;

    fn estate(text: &str) -> Vec<Part> {
        let metrics = Selection {
            profile: Profile::Standard,
            container_insights: false,
            include: Patterns::default(),
            exclude: Patterns::default(),
        };
        Figures::parse(text).unwrap().estate("default", &metrics)
    }

    /// Everything that is made up is spread evenly and adds up to what was asked for.
    #[test]
    fn figures_become_an_estate() {
        let parts =
            estate("services=1001, clusters=10, accounts=2, regions=2, ec2_share=0.3, running=0.9");
        let places: Vec<String> = parts
            .iter()
            .map(|part| format!("{} {} {}", part.target, part.region, part.clusters.len()))
            .collect();
        assert_eq!(
            places,
            [
                "account-1 region-1 3",
                "account-1 region-2 2",
                "account-2 region-1 3",
                "account-2 region-2 2"
            ]
        );
        let clusters: Vec<&Observed> = parts.iter().flat_map(|part| &part.clusters).collect();
        let sizes = clusters.iter().map(|one| one.services.len());
        assert_eq!(sizes.clone().sum::<usize>(), 1001);
        assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
        let with_ec2 = clusters
            .iter()
            .filter(|one| one.cluster.container_instances > 0);
        assert_eq!(with_ec2.count(), 3);
        let services = clusters.iter().flat_map(|one| &one.services);
        assert_eq!(services.filter(|one| one.running > 0).count(), 901);
        // One page each of three clusters, and 101 or 100 services in tens.
        let pass = parts[0].pass;
        assert_eq!(pass.cluster_reads, 2);
        assert!((33..=39).contains(&pass.service_reads), "{pass:?}");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(Figures::parse(text).unwrap_err(), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        check_refused(
            "service=3",
            "unknown key `service`; did you mean `services`?",
        );
        check_refused(
            "services",
            "`services` has no value; write it as services=20000,clusters=100",
        );
        check_refused(
            "services=-1",
            "services is `-1`, but must be a whole number from 0 to 1000000",
        );
        check_refused(
            "running=2",
            "running is `2`, but must be a share from 0 to 1, such as 0.3",
        );
        check_refused("regions=1,regions=2", "regions is given twice");
        check_refused(
            "clusters=0",
            "services need a cluster: clusters must be 1 or more",
        );
    }
}
