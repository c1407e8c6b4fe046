//! One target: who the poller is there, and each permission that its configuration needs.

use chrono::{DateTime, Utc};

use super::{Check, Finding, Mark, clock};
use crate::aws::{self, Client, Error, Kind, Query};
use crate::config::Target;
use crate::model::id::ClusterArn;
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
    clusters: Vec<String>,
    cluster: ClusterArn,
    services: Vec<String>,
    revision: String,
}

/// Tries a target in all of its Regions.
pub async fn check(
    what: &Check<'_>,
    target: &Target,
    wall_clock: &impl Fn() -> DateTime<Utc>,
) -> Vec<Finding> {
    let role = target.role.as_ref().map(|role| aws::Role {
        arn: &role.arn,
        external_id: role.external_id.as_deref(),
        session_name: &role.session_name,
    });
    let clients = match aws::connect(what.access, role, &target.regions).await {
        Ok(clients) => clients,
        Err(error) if error.kind == Kind::Denied => {
            let identity = role.map_or("the poller's role", |role| role.arn);
            return vec![denied(&target.name, error.action, identity, &error)];
        }
        Err(error) => return vec![failed(&target.name, "credentials", error)],
    };
    let mut findings = Vec::new();
    if target.regions == Regions::All {
        let found = format!("{} Regions", clients.len());
        let finding = Finding::new(Mark::Ok, &target.name, LIST_REGIONS, found);
        findings.push(finding);
    }
    for client in &clients {
        let place = format!("{} {}", target.name, client.region());
        let (identity, date) = client.identity().await;
        findings.extend(clock(&place, date, wall_clock()));
        let arn = match identity {
            Ok(arn) => arn,
            Err(error) => {
                findings.push(failed(&place, "identity", error));
                continue;
            }
        };
        findings.push(Finding::new(Mark::Ok, &place, "identity", &arn));
        let mut subject = Subject::made_up(&arn, client.region());
        let needed = permission::reading(what.config, &[target]);
        for action in ORDER.iter().filter(|action| needed.contains(action)) {
            let tried = subject.ask(client, target, action, wall_clock()).await;
            findings.push(match tried {
                Ok(found) => Finding::new(Mark::Ok, &place, action, found),
                // Refused for what was asked, and not for who asked.
                Err(error) if matches!(error.kind, Kind::Gone | Kind::Rejected) => {
                    Finding::new(Mark::Ok, &place, action, "allowed")
                }
                Err(error) if error.kind == Kind::Denied => denied(&place, action, &arn, &error),
                Err(error) => failed(&place, action, error),
            });
        }
    }
    findings
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
        target: &Target,
        action: &str,
        now: DateTime<Utc>,
    ) -> Result<String, Error> {
        match action {
            "ecs:ListClusters" => {
                self.clusters = client.list_clusters().await?;
                let count = self.clusters.len();
                let arns = self.clusters.iter().map(|arn| ClusterArn::new(arn));
                let chosen: Vec<ClusterArn> = arns
                    .filter(|arn| target.clusters.names.accepts(arn.name()))
                    .collect();
                if let Some(first) = chosen.first() {
                    self.cluster = first.clone();
                }
                Ok(match chosen.len() {
                    chosen if chosen == count => format!("{count} clusters"),
                    chosen => format!("{count} clusters, {chosen} of them chosen by name"),
                })
            }
            "ecs:DescribeClusters" => {
                let arns = [self.cluster.as_str().to_owned()];
                client.describe_clusters(&arns).await?;
                Ok("allowed".into())
            }
            "ecs:ListServices" => {
                let services = client.list_services(&self.cluster).await?;
                let count = services.len();
                if let Some(first) = services.into_iter().next() {
                    self.services = vec![first];
                }
                Ok(format!("{count} services in {}", self.cluster.name()))
            }
            "ecs:DescribeServices" => {
                let tags = target.services.asks_for_tags();
                let answer = client
                    .describe_services(&self.cluster, &self.services, tags)
                    .await?;
                let revisions = answer.found.into_iter().flat_map(|(one, _)| one.revisions);
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
                    namespace: "AWS/ECS",
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
    Finding::new(Mark::Fail, place, action, format!("access denied to {missing}{by}")).mend(format!(
        "allow {missing} in the IAM policy of {identity}; `mackerel-ecs iam-policy` prints all of it"
    ))
}

fn failed(place: &str, subject: &str, error: Error) -> Finding {
    let finding = Finding::new(Mark::Fail, place, subject, error.message);
    match error.detail {
        Some(detail) => finding.mend(format!("AWS says: {detail}")),
        None => finding,
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
