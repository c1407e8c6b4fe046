//! One ECS service: a name, a behaviour and what does not change.
//!
//! A service is small (its events and deployments are made when they are asked for), so that a
//! fleet of 100,000 fits in a few tens of megabytes.

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::fleet::arn;
use crate::demo::aws::fleet::behaviour::{Behaviour, Counts, Deployment};
use crate::demo::aws::fleet::noise;

/// How often CloudWatch gets a sample of each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// One sample a task and minute, the default.
    Minute,
    /// Three samples a task and minute (the `monitoring` setting of a service revision).
    TwentySeconds,
}

/// What a service's tasks run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compute {
    /// Launch type `FARGATE`.
    Fargate,
    /// Launch type `EC2`.
    Ec2,
    /// A capacity provider strategy of `FARGATE` and `FARGATE_SPOT`, without a launch type.
    FargateProviders,
    /// A capacity provider strategy of an Auto Scaling group, without a launch type.
    Ec2Provider,
}

impl Compute {
    /// Whether the tasks run on container instances of the account.
    pub fn is_ec2(self) -> bool {
        matches!(self, Compute::Ec2 | Compute::Ec2Provider)
    }
}

/// The state of a service: what DescribeServices says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceStatus {
    /// It exists.
    Active,
    /// It was deleted less than a minute ago and its tasks still run.
    Draining,
    /// It was deleted.
    Inactive,
}

/// How long the tasks of a deleted service still run, in seconds.
pub const DRAIN_SECONDS: i64 = 60;

/// A service of a simulated cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name, unique in its cluster at any one time.
    pub name: Box<str>,
    /// How its task counts change.
    pub behaviour: Behaviour,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it is deleted, if ever.
    pub deleted_at: Option<DateTime<Utc>>,
    /// What its tasks run on; none means what the cluster has.
    pub compute: Option<Compute>,
    /// How often its tasks are sampled.
    pub resolution: Resolution,
    /// Whether its ARN is of the old format, without the cluster's name.
    pub old_arn: bool,
    /// Whether its scheduling strategy is `DAEMON`, else it is `REPLICA`.
    pub daemon: bool,
    /// Its tags, by key.
    pub tags: Vec<(Box<str>, Box<str>)>,
    /// What its load, ids and lateness are made from.
    pub seed: u64,
}

impl Service {
    /// A service that has existed since 2025-01-01 and is never deleted.
    pub fn new(name: &str, behaviour: Behaviour) -> Service {
        Service {
            name: name.into(),
            behaviour,
            created_at: long_ago(),
            deleted_at: None,
            compute: None,
            resolution: Resolution::Minute,
            old_arn: false,
            daemon: false,
            tags: Vec::new(),
            seed: noise::seed_of(name),
        }
    }

    /// A service whose tasks all run.
    pub fn steady(name: &str, tasks: u32) -> Service {
        Service::new(name, Behaviour::Steady { tasks })
    }

    /// A service that wants tasks and runs none.
    pub fn stopped(name: &str, desired: u32) -> Service {
        Service::new(name, Behaviour::Stopped { desired })
    }

    /// A service that wants no task and runs none.
    pub fn idle(name: &str) -> Service {
        Service::new(name, Behaviour::Idle)
    }

    /// A service that is scaled to zero at a moment.
    pub fn scale_to_zero(name: &str, tasks: u32, at: DateTime<Utc>) -> Service {
        Service::new(name, Behaviour::ScaleToZero { tasks, at })
    }

    /// A service with a daily wave of tasks.
    pub fn scale_out(name: &str, low: u32, high: u32) -> Service {
        Service::new(name, Behaviour::ScaleOut { low, high })
    }

    /// A service that is deployed for ten minutes of every hour.
    pub fn deploying(name: &str, tasks: u32) -> Service {
        Service::new(
            name,
            Behaviour::Deploying {
                tasks,
                every_minutes: 60,
                lasts_minutes: 10,
            },
        )
    }

    /// A service whose tasks die again and again.
    pub fn crash_looping(name: &str, desired: u32) -> Service {
        Service::new(name, Behaviour::CrashLooping { desired })
    }

    /// A service with exactly these counts, each from its moment on.
    pub fn scripted(
        name: &str,
        steps: impl IntoIterator<Item = (DateTime<Utc>, Counts)>,
    ) -> Service {
        let mut steps: Vec<_> = steps.into_iter().collect();
        steps.sort_by_key(|(from, _)| *from);
        Service::new(name, Behaviour::Scripted(steps.into()))
    }

    /// Sets when it is created.
    pub fn created_at(mut self, time: DateTime<Utc>) -> Service {
        self.created_at = time;
        self
    }

    /// Sets when it is deleted.
    pub fn deleted_at(mut self, time: DateTime<Utc>) -> Service {
        self.deleted_at = Some(time);
        self
    }

    /// Sets what its tasks run on.
    pub fn compute(mut self, compute: Compute) -> Service {
        self.compute = Some(compute);
        self
    }

    /// Has CloudWatch sample each task three times a minute.
    pub fn twenty_seconds(mut self) -> Service {
        self.resolution = Resolution::TwentySeconds;
        self
    }

    /// Gives it an ARN of the old format.
    pub fn old_arn(mut self) -> Service {
        self.old_arn = true;
        self
    }

    /// Makes its scheduling strategy `DAEMON`.
    pub fn daemon(mut self) -> Service {
        self.daemon = true;
        self
    }

    /// Adds a tag.
    pub fn tag(mut self, key: &str, value: &str) -> Service {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// Its ARN in a cluster.
    pub fn arn(&self, account: &str, region: &str, cluster: &str) -> String {
        if self.old_arn {
            arn::ecs(account, region, &format!("service/{}", self.name))
        } else {
            arn::ecs(account, region, &format!("service/{cluster}/{}", self.name))
        }
    }

    /// What the service is at a moment; none before its creation.
    pub fn status(&self, time: DateTime<Utc>) -> Option<ServiceStatus> {
        if time < self.created_at {
            return None;
        }
        match self.deleted_at {
            Some(deleted) if time >= deleted + TimeDelta::seconds(DRAIN_SECONDS) => {
                Some(ServiceStatus::Inactive)
            }
            Some(deleted) if time >= deleted => Some(ServiceStatus::Draining),
            _ => Some(ServiceStatus::Active),
        }
    }

    /// Its task counts at a moment: none before its creation and after it has drained.
    pub fn counts(&self, time: DateTime<Utc>) -> Counts {
        match (self.status(time), self.deleted_at) {
            (Some(ServiceStatus::Active), _) => self.behaviour.counts(self.created_at, time),
            (Some(ServiceStatus::Draining), Some(deleted)) => {
                let last = deleted - TimeDelta::seconds(1);
                let running = self.behaviour.counts(self.created_at, last).running;
                Counts::new(0, running, 0)
            }
            _ => Counts::default(),
        }
    }

    /// The number of tasks it wants at a moment.
    pub fn desired(&self, time: DateTime<Utc>) -> u32 {
        self.counts(time).desired
    }

    /// The number of tasks that run at a moment.
    pub fn running(&self, time: DateTime<Utc>) -> u32 {
        self.counts(time).running
    }

    /// The number of tasks that are being started at a moment.
    pub fn pending(&self, time: DateTime<Utc>) -> u32 {
        self.counts(time).pending
    }

    /// Its deployments at a moment, newest first; none once it is deleted.
    pub fn deployments(&self, time: DateTime<Utc>) -> Vec<Deployment> {
        match self.status(time) {
            Some(ServiceStatus::Active) => self.behaviour.deployments(self.created_at, time),
            _ => Vec::new(),
        }
    }

    /// The number of the newest deployment at a moment, or at its deletion when that was before.
    pub fn newest_deployment(&self, time: DateTime<Utc>) -> u64 {
        let last = self.deleted_at.map(|at| at - TimeDelta::seconds(1));
        let time = last.map_or(time, |last| last.min(time));
        let deployments = self.behaviour.deployments(self.created_at, time);
        deployments.first().map_or(1, |newest| newest.number)
    }

    /// When the deployment of a number, which counts from 1, begins.
    pub fn deployed_at(&self, number: u64) -> DateTime<Utc> {
        self.behaviour.deployed_at(self.created_at, number)
    }
}

/// 2025-01-01 00:00 UTC, when things begin that were given no other time.
pub fn long_ago() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_735_689_600)
}
