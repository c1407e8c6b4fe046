//! Which permissions on AWS a configuration needs: the one table of actions, and the IAM policies
//! made of it. The Terraform module and the CloudFormation templates have the same lists, which a
//! test keeps equal; `check` tries each of them.

use serde::Serialize;

use crate::config::Config;
use crate::model::catalog::{self, MetricId, Source};
use crate::model::reader::Reader;

/// An action on AWS, as IAM names it, and when it is needed.
struct Reading {
    action: &'static str,
    needed: fn(&Config) -> bool,
}

/// What reading an account takes, in the order of the names.
const READING: [Reading; 7] = [
    Reading {
        action: Reader::Data.action(),
        needed: |config| may_be_read_with(config, Reader::Data),
    },
    Reading {
        action: Reader::Statistics.action(),
        needed: |config| may_be_read_with(config, Reader::Statistics),
    },
    Reading {
        action: "ecs:DescribeClusters",
        needed: |_| true,
    },
    // Tells how many samples a task sends, from which counts that were missed are restored.
    Reading {
        action: "ecs:DescribeServiceRevisions",
        needed: |config| may_be_posted(config, catalog::running_count()),
    },
    Reading {
        action: "ecs:DescribeServices",
        needed: |_| true,
    },
    Reading {
        action: "ecs:ListClusters",
        needed: |_| true,
    },
    Reading {
        action: "ecs:ListServices",
        needed: |_| true,
    },
];

/// The actions that a role needs to read its account with this configuration.
pub fn reading(config: &Config) -> Vec<&'static str> {
    READING
        .iter()
        .filter(|one| (one.needed)(config))
        .map(|one| one.action)
        .collect()
}

fn may_be_read_with(config: &Config, reader: Reader) -> bool {
    let wanted = config.cloudwatch.reader;
    wanted.is_none_or(|wanted| wanted == reader)
        && MetricId::all().any(|id| is_of_cloudwatch(id) && may_be_posted(config, id))
}

fn is_of_cloudwatch(id: MetricId) -> bool {
    // A running count that was missed is restored from CloudWatch.
    matches!(id.metric().source, Source::CloudWatch { .. }) || id == catalog::running_count()
}

/// Whether a metric may be posted of some service. A pattern that names a service can't be told
/// from one that leaves all out by one made-up name, so two that share no letter are tried.
fn may_be_posted(config: &Config, id: MetricId) -> bool {
    let named = |service: &str| id.metric().pattern().replace('#', service);
    let selects = |service: &str| config.metrics.selects(id, || named(service));
    selects("web") || selects("k0") || !config.metrics.include.is_empty()
}

/// An IAM policy.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

impl Policy {
    fn new(statement: Vec<Statement>) -> Self {
        Policy {
            version: "2012-10-17",
            statement,
        }
    }

    /// Whether it allows nothing, as IAM takes no policy to be.
    pub fn is_empty(&self) -> bool {
        self.statement.is_empty()
    }
}

/// A statement that allows actions on resources.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: Vec<&'static str>,
    resource: Vec<String>,
}

fn allow(sid: &'static str, action: Vec<&'static str>, resource: Vec<String>) -> Statement {
    Statement {
        sid,
        effect: "Allow",
        action,
        resource,
    }
}

/// The policy of the role that the poller runs with: it reads its own account if a target has no
/// role, and assumes the roles of the others. `location` is where its configuration comes from.
pub fn of_poller(config: &Config, location: Option<&str>) -> Policy {
    let roles: Vec<String> = config
        .targets
        .iter()
        .filter_map(|target| Some(target.role.as_ref()?.arn.clone()))
        .collect();
    let mut statements = Vec::new();
    if roles.len() < config.targets.len() {
        statements.push(read(config));
    }
    if !roles.is_empty() {
        statements.push(allow("ReadOtherAccounts", vec!["sts:AssumeRole"], roles));
    }
    statements.extend(configuration(location));
    Policy::new(statements)
}

/// The policy of the role in another account that the poller assumes.
pub fn of_reader(config: &Config) -> Policy {
    Policy::new(vec![read(config)])
}

/// The policy of a task's role that the sidecar needs: none but for a configuration in S3.
pub fn of_task(location: Option<&str>) -> Policy {
    Policy::new(configuration(location).into_iter().collect())
}

/// CloudWatch can't be narrowed at all, and of ECS everything is listed.
fn read(config: &Config) -> Statement {
    allow("Read", reading(config), vec!["*".into()])
}

/// To read the one object, for a configuration in S3.
fn configuration(location: Option<&str>) -> Option<Statement> {
    let object = location?.strip_prefix("s3://")?;
    let resource = format!("arn:aws:s3:::{object}");
    Some(allow("Config", vec!["s3:GetObject"], vec![resource]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::{INLINE_VARIABLE, Sources, load};

    fn config(yaml: &str) -> Config {
        let sources = Sources {
            file: None,
            environment: &[(INLINE_VARIABLE.to_owned(), yaml.to_owned())],
            flags: Vec::new(),
        };
        load(&sources, false).unwrap()
    }

    #[track_caller]
    fn check(policy: Policy, expected: &[(&str, &[&str], &[&str])]) {
        let statements: Vec<(&str, Vec<&str>, Vec<&str>)> = policy
            .statement
            .iter()
            .map(|one| {
                let resources = one.resource.iter().map(String::as_str).collect();
                (one.sid, one.action.clone(), resources)
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(sid, actions, resources)| (*sid, actions.to_vec(), resources.to_vec()))
            .collect();
        assert_eq!(statements, expected);
    }

    const ALL: &[&str] = &[
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "ecs:DescribeClusters",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeServices",
        "ecs:ListClusters",
        "ecs:ListServices",
    ];

    #[test]
    fn the_poller_reads_its_own_account_unless_told_otherwise() {
        check(of_poller(&config("{}"), None), &[("Read", ALL, &["*"])]);
    }

    #[test]
    fn a_poller_of_other_accounts_alone_assumes_roles_and_reads_nothing() {
        let role = "arn:aws:iam::444455556666:role/reader";
        let config = config(&format!("targets: [{{role_arn: \"{role}\"}}]"));
        check(
            of_poller(&config, None),
            &[("ReadOtherAccounts", &["sts:AssumeRole"], &[role])],
        );
        check(of_reader(&config), &[("Read", ALL, &["*"])]);
    }

    #[test]
    fn a_poller_of_both_does_both() {
        let role = "arn:aws:iam::444455556666:role/reader";
        let config = config(&format!(
            "targets: [{{name: own}}, {{role_arn: \"{role}\"}}]"
        ));
        check(
            of_poller(&config, Some("s3://settings/poller.yaml")),
            &[
                ("Read", ALL, &["*"]),
                ("ReadOtherAccounts", &["sts:AssumeRole"], &[role]),
                (
                    "Config",
                    &["s3:GetObject"],
                    &["arn:aws:s3:::settings/poller.yaml"],
                ),
            ],
        );
    }

    #[test]
    fn what_is_not_posted_is_not_allowed() {
        let without = |exclude: &str| {
            let config = config(&format!("metrics: {{exclude: [{exclude}]}}"));
            let mut missing = ALL.to_vec();
            missing.retain(|action| !reading(&config).contains(action));
            missing
        };
        assert_eq!(
            without("\"*.running_task.*.count\""),
            ["ecs:DescribeServiceRevisions"]
        );
        assert_eq!(
            without("\"*utilization*\", \"*reservation*\", \"*.running_task.*.count\""),
            [
                "cloudwatch:GetMetricData",
                "cloudwatch:GetMetricStatistics",
                "ecs:DescribeServiceRevisions"
            ]
        );
        let config = config("cloudwatch: {reader: get_metric_data}");
        assert!(!reading(&config).contains(&"cloudwatch:GetMetricStatistics"));
        // It is posted of all services but one.
        assert!(without("\"*.running_task.web.count\"").is_empty());
    }

    #[test]
    fn the_sidecar_needs_nothing_but_its_configuration() {
        assert!(of_task(None).is_empty());
        assert!(of_task(Some("/etc/task.yaml")).is_empty());
        check(
            of_task(Some("s3://settings/task.yaml")),
            &[(
                "Config",
                &["s3:GetObject"],
                &["arn:aws:s3:::settings/task.yaml"],
            )],
        );
    }
}
