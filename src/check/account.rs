//! One target: who the poller is there, each permission that its configuration needs, and the
//! clusters that it would poll.

use chrono::{DateTime, Utc};

use super::{Check, Finding, Mark, clock};
use crate::aws::{self, Client, Error, Kind, Query};
use crate::config::{Config, Target};
use crate::model::calls::DESCRIBE_CLUSTERS;
use crate::model::id::ClusterArn;
use crate::model::inventory::{Cluster, INACTIVE};
use crate::model::origin::Origin;
use crate::model::region::Regions;
use crate::model::time::{Minute, Window};
use crate::permission;

/// The actions in the order in which they are tried, so that what one finds is asked of the next.
const ORDER: [&str; 7] = [
    "ecs:ListClusters",
    "ecs:DescribeClusters",
    "ecs:ListServices",
    "ecs:DescribeServices",
    "ecs:DescribeServiceRevisions",
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
];

/// Is tried where the Regions are listed.
const LIST_REGIONS: &str = "ec2:DescribeRegions";

/// What is asked about: what the account has, or names that nothing has, which AWS answers as well
/// once it has judged the permission.
struct Subject {
    /// The clusters that are chosen by name.
    chosen: Vec<String>,
    /// Those of them that are polled, described.
    clusters: Vec<Cluster>,
    cluster: ClusterArn,
    services: Vec<String>,
    revision: String,
}

/// Tries a target in all of its Regions. Gives its clusters as well.
pub async fn check(
    what: &Check<'_>,
    target: &Target,
    wall_clock: &impl Fn() -> DateTime<Utc>,
) -> (Vec<Finding>, Vec<Cluster>) {
    let role = target.role.as_ref().map(|role| aws::Role {
        arn: &role.arn,
        external_id: role.external_id.as_deref(),
        session_name: &role.session_name,
    });
    let clients = match aws::connect(what.access, role, &target.regions).await {
        Ok(clients) => clients,
        Err(error) => {
            let finding = unconnected(what, target, error);
            return (vec![finding], Vec::new());
        }
    };
    let mut findings = Vec::new();
    let mut clusters = Vec::new();
    if target.regions == Regions::All {
        let found = format!("{} Regions", clients.len());
        let finding = Finding::new(Mark::Ok, &target.name, LIST_REGIONS, found);
        findings.push(finding);
    }
    for client in &clients {
        let region = client.region();
        let place = format!("{} {region}", target.name);
        // The way to each of AWS's services is the same but for rare settings.
        let url = format!("https://ecs.{region}.amazonaws.com");
        let failed = |subject: &str, error: Error| {
            let is_unreached = matches!(error.kind, Kind::Passing | Kind::TimedOut);
            let finding = failed(&place, subject, error);
            match is_unreached {
                true => what.way(finding, &url),
                false => finding,
            }
        };
        match client.credentials_expire().await {
            Ok(expiry) => {
                let message = match expiry {
                    Some(at) => format!("temporary, until {}", at.format("%Y-%m-%d %H:%M:%S UTC")),
                    None => "a long-lived access key".to_owned(),
                };
                findings.push(Finding::new(Mark::Ok, &place, "credentials", message));
            }
            Err(error) => {
                findings.push(failed("credentials", error));
                continue;
            }
        }
        let (identity, date) = client.identity().await;
        findings.extend(clock(&place, date, wall_clock()));
        let arn = match identity {
            Ok(arn) => arn,
            Err(error) => {
                findings.push(failed("identity", error));
                continue;
            }
        };
        findings.push(Finding::new(Mark::Ok, &place, "identity", &arn));
        let mut subject = Subject::made_up(&arn, client.region());
        let needed = permission::reading(what.config, &[target]);
        for action in ORDER.iter().filter(|action| needed.contains(action)) {
            let tried = subject.ask(client, (what.config, target), action, wall_clock());
            findings.push(match tried.await {
                Ok(found) => Finding::new(Mark::Ok, &place, action, found),
                // Refused for what was asked, and not for who asked.
                Err(error) if matches!(error.kind, Kind::Gone | Kind::Rejected) => {
                    Finding::new(Mark::Ok, &place, action, "allowed")
                }
                Err(error) if error.kind == Kind::Denied => denied(&place, action, &arn, &error),
                Err(error) => failed(action, error),
            });
        }
        if target.metrics.container_insights {
            findings.push(insights(&place, &subject.clusters));
        }
        clusters.extend(subject.clusters);
    }
    (findings, clusters)
}

impl Subject {
    /// Names in the account of an identity's ARN that nothing has.
    fn made_up(identity: &str, region: &str) -> Self {
        let mut parts = identity.split(':');
        let partition = parts.nth(1).unwrap_or("aws");
        let account = parts.nth(2).unwrap_or_default();
        let arn = |what: &str| format!("arn:{partition}:ecs:{region}:{account}:{what}");
        let name = "mackerel-ecs-check";
        Subject {
            chosen: Vec::new(),
            clusters: Vec::new(),
            cluster: ClusterArn::new(&arn(&format!("cluster/{name}"))),
            services: vec![arn(&format!("service/{name}/{name}"))],
            revision: arn(&format!(
                "service-revision/{name}/{name}/0000000000000000000"
            )),
        }
    }

    /// Makes the call of an action once; what it finds is asked of the next ones.
    async fn ask(
        &mut self,
        client: &Client,
        (config, target): (&Config, &Target),
        action: &str,
        now: DateTime<Utc>,
    ) -> Result<String, Error> {
        match action {
            "ecs:ListClusters" => {
                self.chosen = client.list_clusters().await?;
                let count = self.chosen.len();
                self.chosen.retain(|arn| {
                    let arn = ClusterArn::new(arn);
                    target.clusters.names.accepts(arn.name())
                        && config.shard.is_none_or(|shard| shard.holds(&arn))
                });
                if let Some(first) = self.chosen.first() {
                    self.cluster = ClusterArn::new(first);
                }
                Ok(match self.chosen.len() {
                    chosen if chosen == count => format!("{count} clusters"),
                    chosen => format!("{count} clusters, {chosen} of them chosen"),
                })
            }
            "ecs:DescribeClusters" => {
                if self.chosen.is_empty() {
                    let nobody = [self.cluster.to_string()];
                    client.describe_clusters(&nobody).await?;
                }
                for batch in self.chosen.chunks(DESCRIBE_CLUSTERS) {
                    let described = client.describe_clusters(batch).await?;
                    self.clusters.extend(described.found);
                }
                let described = self.clusters.len();
                self.clusters.retain(|cluster| {
                    cluster.status != INACTIVE && target.clusters.accepts_tags(&cluster.tags)
                });
                // Of a cluster that is polled the next calls find out more.
                if let Some(first) = self.clusters.first() {
                    self.cluster = first.arn.clone();
                }
                Ok(match described - self.clusters.len() {
                    0 => "allowed".into(),
                    left_out => format!("{left_out} clusters are left out by their tags"),
                })
            }
            "ecs:ListServices" => {
                let services = client
                    .list_services(&self.cluster, None)
                    .await?
                    .unwrap_or_default();
                let count = services.len();
                if let Some(first) = services.into_iter().next() {
                    self.services = vec![first];
                }
                Ok(format!("{count} services in {}", self.cluster.name()))
            }
            "ecs:DescribeServices" => {
                let tags = target.services.asks_for_tags();
                let answer = client
                    .describe_services(&self.cluster, &self.services, tags, None)
                    .await?;
                let found = answer.into_iter().flat_map(|answer| answer.found);
                let revisions = found.flat_map(|(one, _)| one.revisions);
                if let Some(first) = revisions.into_iter().next() {
                    self.revision = first;
                }
                Ok("allowed".into())
            }
            "ecs:DescribeServiceRevisions" => {
                let revisions = [self.revision.clone()];
                client.resolutions(&revisions, "CPUUtilization").await?;
                Ok("allowed".into())
            }
            _ => {
                let query = Query {
                    namespace: Origin::Ecs.namespace(),
                    metric: "CPUUtilization",
                    statistic: "Average",
                    cluster: self.cluster.name(),
                    service: Some("mackerel-ecs-check"),
                };
                let to = Minute::of(now);
                let from = to.plus(-5);
                let window = Window { from, to };
                match action {
                    "cloudwatch:GetMetricData" => client.metric_data(&[query], window).await?,
                    _ => client.metric_statistics(&[query], window).await?,
                };
                Ok("allowed".into())
            }
        }
    }
}

/// Which of the clusters send what the configuration asks of Container Insights.
fn insights(place: &str, clusters: &[Cluster]) -> Finding {
    let count = |origin: Origin| {
        let sends = |one: &&Cluster| origin.sends(one.container_insights.as_deref());
        clusters.iter().filter(sends).count()
    };
    let (on, enhanced) = (count(Origin::Insights), count(Origin::EnhancedInsights));
    let message = format!(
        "{on} of {} clusters have it on, {enhanced} of them enhanced",
        clusters.len()
    );
    let subject = "Container Insights";
    if on > 0 || clusters.is_empty() {
        return Finding::new(Mark::Ok, place, subject, message);
    }
    Finding::new(Mark::Warn, place, subject, message).mend(
        "switch it on for a cluster (its setting containerInsights; AWS charges for it), or take \
         metrics.container_insights out",
    )
}

/// A permission that is missing. AWS's own words name another action where the call needs two.
fn denied(place: &str, action: &str, identity: &str, error: &Error) -> Finding {
    let said = error.detail.as_deref().unwrap_or_default();
    let named = said.split("perform: ").nth(1).and_then(|rest| {
        let word = rest.split_whitespace().next()?;
        word.contains(':').then_some(word)
    });
    let missing = named.unwrap_or(action);
    let by = match said.contains("explicit deny") {
        true => "; a policy of the organization, a boundary or the role itself denies it",
        false => "",
    };
    let finding = Finding::new(
        Mark::Fail,
        place,
        action,
        format!("access denied to {missing}{by}"),
    );
    Finding {
        said: error.detail.clone(),
        ..finding.mend(format!(
            "allow {missing} in the IAM policy of {identity}; `mackerel-ecs iam-policy` prints all of it"
        ))
    }
}

/// Why there is no client of a target: the Regions that it has can't be listed, or there is no way to it.
fn unconnected(what: &Check<'_>, target: &Target, error: Error) -> Finding {
    let place = &target.name;
    match error.kind {
        Kind::Denied => {
            let role = target.role.as_ref();
            let identity = role.map_or("the poller's role", |role| &role.arn);
            denied(place, error.action, identity, &error)
        }
        Kind::Setup => failed(place, "credentials", error),
        _ => what.way(
            failed(place, error.action, error),
            "https://ec2.amazonaws.com",
        ),
    }
}

fn failed(place: &str, subject: &str, error: Error) -> Finding {
    Finding {
        said: error.detail,
        ..Finding::new(Mark::Fail, place, subject, error.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::{Sources, load};

    #[test]
    fn every_permission_that_is_needed_is_tried() {
        let sources = Sources {
            file: None,
            environment: &[],
            flags: Vec::new(),
        };
        let config = load(&sources, false).unwrap();
        let mut needed = permission::reading(&config, &[&config.targets[0]]);
        needed.sort_unstable();
        let mut tried = ORDER.to_vec();
        tried.sort_unstable();
        assert_eq!(tried, needed);
    }

    #[test]
    fn made_up_names_are_of_the_account_and_the_partition() {
        let subject = Subject::made_up(
            "arn:aws-cn:sts::111122223333:assumed-role/a/b",
            "cn-north-1",
        );
        assert_eq!(
            subject.cluster.as_str(),
            "arn:aws-cn:ecs:cn-north-1:111122223333:cluster/mackerel-ecs-check"
        );
    }
}
