//! What ECS says that exists: clusters and services as the poller needs them, free of the SDK.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::id::ClusterArn;
use super::time::Minute;

/// An ECS cluster as DescribeClusters gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its ARN, the identity.
    pub arn: ClusterArn,
    /// Its name, unique per account and Region; also the value of the `ClusterName` dimension.
    pub name: String,
    /// ACTIVE, PROVISIONING, DEPROVISIONING, FAILED, INACTIVE, or a word that is newer than this.
    pub status: String,
    /// Tasks in RUNNING.
    pub running_tasks: i64,
    /// Tasks in PENDING.
    pub pending_tasks: i64,
    /// Services in ACTIVE.
    pub active_services: i64,
    /// Registered container instances, ACTIVE and DRAINING.
    pub container_instances: i64,
    /// Names of the capacity providers.
    pub capacity_providers: Vec<String>,
    /// The setting `containerInsights`, where the cluster tells it.
    pub container_insights: Option<String>,
    /// Running and pending tasks and services by launch type, named as ECS names them.
    pub statistics: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The minute in which it was read.
    pub read_at: Minute,
}

/// The status of a cluster or service that was deleted, and is still described for a while.
pub const INACTIVE: &str = "INACTIVE";

/// An ECS service as DescribeServices gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name, unique in its cluster; also the value of the `ServiceName` dimension.
    pub name: Arc<str>,
    /// How many tasks are wanted.
    pub desired: i64,
    /// How many run.
    pub running: i64,
    /// How many are on their way.
    pub pending: i64,
    /// Deployments (or task sets, where another deployment controller is used) under way or done.
    pub deployments: i64,
    /// Tasks that failed to start in a row, over all deployments; none where ECS tells none.
    pub failed_tasks: Option<i64>,
    /// The ARNs of its current service revisions, which tell its monitoring configuration.
    pub revisions: Vec<String>,
    /// The minute in which it was read: a large Region takes minutes, or several polls.
    pub read_at: Minute,
}

/// A cluster with its chosen services, by name.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The cluster.
    pub cluster: Cluster,
    /// The services that could be described, in this poll or in one of those before it that its rates
    /// spread the walk over.
    pub services: Vec<Service>,
    /// Whether those are all that there are.
    pub whole: bool,
    /// Whether all of them were listed and described in this poll.
    pub afresh: bool,
}
