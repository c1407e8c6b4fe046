//! The four reads of ECS: which clusters and services there are, and what they are doing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_ecs::types::{self, ClusterField, ServiceField};
use tokio::time::Instant;

use super::Client;
use super::error::Error;
use crate::model::calls::{DESCRIBE_REVISIONS, LIST_PAGE};
use crate::model::id::{ClusterArn, last_part};
use crate::model::inventory::{Cluster, INACTIVE, Service};
use crate::model::time::Minute;

/// The resolution of a service's metrics where its revision asks for none, in seconds.
const DEFAULT_RESOLUTION: i32 = 60;

/// When it was read is for the caller to say, who knows the time of day.
const UNREAD: Minute = Minute::EPOCH;

/// More pages than any quota allows; a listing that goes on is no listing.
const MAX_PAGES: usize = 1_000;

/// What a Describe call answered: what there is, and what it could not describe.
#[derive(Debug)]
pub struct Described<T> {
    /// What was described.
    pub found: Vec<T>,
    /// What was not: its ARN and AWS's reason, `MISSING` for what does not exist.
    pub failures: Vec<(String, String)>,
}

impl Client {
    /// The ARNs of all clusters.
    pub async fn list_clusters(&self) -> Result<Vec<String>, Error> {
        const ACTION: &str = "ecs:ListClusters";
        let mut arns = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            self.cluster_reads.take().await;
            let page = self
                .ecs
                .list_clusters()
                .max_results(LIST_PAGE as i32)
                .set_next_token(token.take())
                .send()
                .await
                .map_err(|error| Error::of_call(ACTION, error, &self.cluster_reads))?;
            arns.extend(present(ACTION, page.cluster_arns)?);
            match page.next_token.filter(|token| !token.is_empty()) {
                Some(next) => token = Some(next),
                None => return Ok(arns),
            }
        }
        Err(endless(ACTION))
    }

    /// Describes up to [`DESCRIBE_CLUSTERS`](crate::model::calls::DESCRIBE_CLUSTERS) clusters with
    /// their tags, settings and statistics.
    pub async fn describe_clusters(&self, arns: &[String]) -> Result<Described<Cluster>, Error> {
        const ACTION: &str = "ecs:DescribeClusters";
        self.cluster_reads.take().await;
        let answer = self
            .ecs
            .describe_clusters()
            .set_clusters(Some(arns.to_vec()))
            .include(ClusterField::Tags)
            .include(ClusterField::Settings)
            .include(ClusterField::Statistics)
            .send()
            .await
            .map_err(|error| Error::of_call(ACTION, error, &self.cluster_reads))?;
        Ok(Described {
            found: present(ACTION, answer.clusters)?
                .into_iter()
                .filter_map(cluster)
                .collect(),
            failures: failures(answer.failures),
        })
    }

    /// The ARNs of a cluster's services; none where the rates don't allow the call until then.
    pub async fn list_services(
        &self,
        cluster: &ClusterArn,
        until: Option<Instant>,
    ) -> Result<Option<Vec<String>>, Error> {
        const ACTION: &str = "ecs:ListServices";
        let mut arns = Vec::new();
        let mut token: Option<String> = None;
        for page in 0..MAX_PAGES {
            let until = until.filter(|_| page == 0);
            if !self.service_reads.take_until(until).await {
                return Ok(None);
            }
            let page = self
                .ecs
                .list_services()
                .cluster(cluster.as_str())
                .max_results(LIST_PAGE as i32)
                .set_next_token(token.take())
                .send()
                .await
                .map_err(|error| Error::of_call(ACTION, error, &self.service_reads))?;
            arns.extend(present(ACTION, page.service_arns)?);
            match page.next_token.filter(|token| !token.is_empty()) {
                Some(next) => token = Some(next),
                None => return Ok(Some(arns)),
            }
        }
        Err(endless(ACTION))
    }

    /// Describes up to [`DESCRIBE_SERVICES`](crate::model::calls::DESCRIBE_SERVICES) services of a
    /// cluster, with their tags where those are asked for; none where the rates don't allow the call
    /// until then.
    pub async fn describe_services(
        &self,
        cluster: &ClusterArn,
        arns: &[String],
        with_tags: bool,
        until: Option<Instant>,
    ) -> Result<Option<Described<(Service, BTreeMap<String, String>)>>, Error> {
        const ACTION: &str = "ecs:DescribeServices";
        if !self.service_reads.take_until(until).await {
            return Ok(None);
        }
        let answer = self
            .ecs
            .describe_services()
            .cluster(cluster.as_str())
            .set_services(Some(arns.to_vec()))
            .set_include(with_tags.then(|| vec![ServiceField::Tags]))
            .send()
            .await
            .map_err(|error| Error::of_call(ACTION, error, &self.service_reads))?;
        Ok(Some(Described {
            found: present(ACTION, answer.services)?
                .into_iter()
                .filter_map(service)
                .collect(),
            failures: failures(answer.failures),
        }))
    }
}

impl Client {
    /// How often a task of each revision sends a metric, in seconds. Revisions that are gone are
    /// left out.
    pub async fn resolutions(
        &self,
        revisions: &[String],
        metric: &str,
    ) -> Result<HashMap<String, i32>, Error> {
        let mut resolutions = HashMap::new();
        for batch in revisions.chunks(DESCRIBE_REVISIONS) {
            self.service_reads.take().await;
            let answer = self
                .ecs
                .describe_service_revisions()
                .set_service_revision_arns(Some(batch.to_vec()))
                .send()
                .await
                .map_err(|error| {
                    Error::of_call("ecs:DescribeServiceRevisions", error, &self.service_reads)
                })?;
            for revision in answer.service_revisions.unwrap_or_default() {
                let configured = revision.monitoring.and_then(|monitoring| {
                    let mut settings = monitoring.metric_configurations.into_iter().flatten();
                    settings.find(|one| one.metric_names.iter().any(|name| name == metric))
                });
                let seconds = configured.map_or(DEFAULT_RESOLUTION, |one| one.resolution_seconds);
                if let Some(arn) = revision.service_revision_arn {
                    resolutions.insert(arn, seconds);
                }
            }
        }
        Ok(resolutions)
    }
}

/// The list that an answer always has, be it empty. An answer without it is not AWS's, and must not
/// be taken for one that says that there is nothing.
fn present<T>(action: &'static str, list: Option<Vec<T>>) -> Result<Vec<T>, Error> {
    list.ok_or_else(|| {
        Error::new(
            super::error::Kind::Passing,
            action,
            format!(
                "{action} got an answer that says nothing, as AWS's does not; check the proxy and \
                 AWS_ENDPOINT_URL"
            ),
        )
    })
}

fn endless(action: &'static str) -> Error {
    Error::new(
        super::error::Kind::Rejected,
        action,
        format!("{action} gave more than {MAX_PAGES} pages; its answers were not used"),
    )
}

fn failures(failures: Option<Vec<types::Failure>>) -> Vec<(String, String)> {
    failures
        .unwrap_or_default()
        .into_iter()
        .map(|failure| {
            (
                failure.arn.unwrap_or_default(),
                failure.reason.unwrap_or_default(),
            )
        })
        .collect()
}

fn tags(tags: Option<Vec<types::Tag>>) -> BTreeMap<String, String> {
    tags.unwrap_or_default()
        .into_iter()
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .collect()
}

/// A cluster without an ARN has no identity and is dropped.
fn cluster(cluster: types::Cluster) -> Option<Cluster> {
    let arn = ClusterArn::new(&cluster.cluster_arn?);
    let insights = cluster.settings.unwrap_or_default().into_iter().find(|s| {
        s.name
            .as_ref()
            .is_some_and(|name| name.as_str() == "containerInsights")
    });
    Some(Cluster {
        name: cluster
            .cluster_name
            .unwrap_or_else(|| arn.name().to_owned()),
        arn,
        status: cluster.status.unwrap_or_default(),
        running_tasks: cluster.running_tasks_count.into(),
        pending_tasks: cluster.pending_tasks_count.into(),
        active_services: cluster.active_services_count.into(),
        container_instances: cluster.registered_container_instances_count.into(),
        capacity_providers: cluster.capacity_providers.unwrap_or_default(),
        container_insights: insights.and_then(|setting| setting.value),
        statistics: cluster
            .statistics
            .unwrap_or_default()
            .into_iter()
            .filter_map(|pair| Some((pair.name?, pair.value.unwrap_or_default())))
            .collect(),
        tags: tags(cluster.tags),
        read_at: UNREAD,
    })
}

/// A service that was deleted is described for a while as INACTIVE; it is no service any more.
fn service(service: types::Service) -> Option<(Service, BTreeMap<String, String>)> {
    if service.status.as_deref() == Some(INACTIVE) {
        return None;
    }
    let name = match (service.service_name, service.service_arn) {
        (Some(name), _) => name,
        (None, Some(arn)) => last_part(&arn).to_owned(),
        (None, None) => return None,
    };
    let deployments = service.deployments.unwrap_or_default();
    let task_sets = service.task_sets.unwrap_or_default();
    let failed: Vec<i64> = deployments
        .iter()
        .map(|deployment| deployment.failed_tasks.into())
        .collect();
    let described = Service {
        name: Arc::from(name),
        desired: service.desired_count.into(),
        running: service.running_count.into(),
        pending: service.pending_count.into(),
        deployments: deployments.len().max(task_sets.len()) as i64,
        failed_tasks: (!failed.is_empty()).then(|| failed.iter().sum()),
        revisions: service
            .current_service_revisions
            .unwrap_or_default()
            .into_iter()
            .filter_map(|revision| revision.arn)
            .collect(),
        read_at: UNREAD,
    };
    Some((described, tags(service.tags)))
}
