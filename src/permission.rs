//! Which permissions on AWS a configuration needs: the one table of actions, and the IAM policies
//! made of it. The Terraform module and the CloudFormation templates have the same lists, which a
//! test keeps equal; `check` tries each of them.

use serde::Serialize;

use crate::config::{Config, Target};
use crate::model::catalog::{self, MetricId, Source};
use crate::model::reader::Reader;
use crate::model::region::Regions;

/// An action on AWS, as IAM names it, and when it is needed.
struct Reading {
    action: &'static str,
    needed: fn(&Config, &Target) -> bool,
}

/// What reading an account takes, in the order of the names.
const READING: [Reading; 8] = [
    Reading {
        action: Reader::Data.action(),
        needed: |config, target| may_be_read_with(config, target, Reader::Data),
    },
    Reading {
        action: Reader::Statistics.action(),
        needed: |config, target| may_be_read_with(config, target, Reader::Statistics),
    },
    // Tells which Regions are enabled.
    Reading {
        action: "ec2:DescribeRegions",
        needed: |_, target| target.regions == Regions::All,
    },
    Reading {
        action: "ecs:DescribeClusters",
        needed: |_, _| true,
    },
    // Tells how many samples a task sends, from which counts that were missed are restored.
    Reading {
        action: "ecs:DescribeServiceRevisions",
        needed: |_, target| may_be_posted(target, catalog::running_count()),
    },
    Reading {
        action: "ecs:DescribeServices",
        needed: |_, _| true,
    },
    Reading {
        action: "ecs:ListClusters",
        needed: |_, _| true,
    },
    Reading {
        action: "ecs:ListServices",
        needed: |_, _| true,
    },
];

/// The actions that a role needs to be one of these targets' of the configuration.
pub fn reading(config: &Config, targets: &[&Target]) -> Vec<&'static str> {
    READING
        .iter()
        .filter(|one| targets.iter().any(|target| (one.needed)(config, target)))
        .map(|one| one.action)
        .collect()
}

fn may_be_read_with(config: &Config, target: &Target, reader: Reader) -> bool {
    let wanted = config.cloudwatch.reader;
    wanted.is_none_or(|wanted| wanted == reader)
        && MetricId::all().any(|id| is_of_cloudwatch(id) && may_be_posted(target, id))
}

fn is_of_cloudwatch(id: MetricId) -> bool {
    // A running count that was missed is restored from CloudWatch.
    matches!(id.metric().source, Source::CloudWatch { .. }) || id == catalog::running_count()
}

/// Whether a metric may be posted of some service. A pattern that names a service can't be told
/// from one that leaves all out by one made-up name, so two that share no letter are tried.
fn may_be_posted(target: &Target, id: MetricId) -> bool {
    let named = |service: &str| id.metric().pattern().replace('#', service);
    let selects = |service: &str| target.metrics.selects(id, || named(service));
    selects("web") || selects("k0") || !target.metrics.include.is_empty()
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
    let (others, own) = by_account(config);
    let roles: Vec<String> = others
        .iter()
        .filter_map(|target| Some(target.role.as_ref()?.arn.clone()))
        .collect();
    let mut statements = Vec::new();
    if !own.is_empty() {
        statements.push(read(config, &own));
    }
    if !roles.is_empty() {
        statements.push(allow("ReadOtherAccounts", vec!["sts:AssumeRole"], roles));
    }
    statements.extend(configuration(location));
    Policy::new(statements)
}

/// The policy of a role in another account that the poller assumes; what any of the targets that
/// have such a role needs, or would need, where there is none yet.
pub fn of_reader(config: &Config) -> Policy {
    let (others, own) = by_account(config);
    let targets = if others.is_empty() { own } else { others };
    Policy::new(vec![read(config, &targets)])
}

/// The targets of other accounts, and those of the poller's own.
fn by_account(config: &Config) -> (Vec<&Target>, Vec<&Target>) {
    let targets = config.targets.iter();
    targets.partition(|target| target.role.is_some())
}

/// The policy of a task's role that the sidecar needs: none but for a configuration in S3.
pub fn of_task(location: Option<&str>) -> Policy {
    Policy::new(configuration(location).into_iter().collect())
}

/// CloudWatch can't be narrowed at all, and of ECS everything is listed.
fn read(config: &Config, targets: &[&Target]) -> Statement {
    allow("Read", reading(config, targets), vec!["*".into()])
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

    fn all_of(config: &Config) -> Vec<&'static str> {
        reading(config, &config.targets.iter().collect::<Vec<_>>())
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
    fn regions_are_listed_only_for_all_of_them() {
        let role = "arn:aws:iam::444455556666:role/reader";
        let config = config(&format!(
            "targets: [{{name: own}}, {{role_arn: \"{role}\", regions: all}}]"
        ));
        let mut with_regions = ALL.to_vec();
        with_regions.insert(2, "ec2:DescribeRegions");
        check(of_reader(&config), &[("Read", &with_regions, &["*"])]);
        check(
            of_poller(&config, None),
            &[
                ("Read", ALL, &["*"]),
                ("ReadOtherAccounts", &["sts:AssumeRole"], &[role]),
            ],
        );
    }

    #[test]
    fn what_is_not_posted_is_not_allowed() {
        let without = |exclude: &str| {
            let config = config(&format!("metrics: {{exclude: [{exclude}]}}"));
            let mut missing = ALL.to_vec();
            missing.retain(|action| !all_of(&config).contains(action));
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
        assert!(!all_of(&config).contains(&"cloudwatch:GetMetricStatistics"));
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
