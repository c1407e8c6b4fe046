//! DescribeServiceRevisions, and the summaries of revisions in the answers of DescribeServices.
//!
//! Every deployment has a revision, whose ARN ends in the number of the deployment's id. Services
//! with ARNs of the old format have none (an assumption: they were made before there were
//! revisions).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use crate::demo::aws::answer::Answer;
use crate::demo::aws::ecs::services::{balancers, is_described, launch, task_definition};
use crate::demo::aws::ecs::{event, seconds};
use crate::demo::aws::error::AwsError;
use crate::demo::aws::fleet::arn::{self, Revision};
use crate::demo::aws::fleet::behaviour::Deployment;
use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::fleet::noise;
use crate::demo::aws::fleet::service::{Resolution, Service};
use crate::demo::aws::fleet::statistics::Metric;
use crate::demo::aws::place::Place;
use crate::demo::aws::value::Value;

const MOST_DESCRIBED: usize = 20;
const LOG_ROUTER: &str = "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable";

/// A revision that there is.
struct Found<'a> {
    cluster: &'a Cluster,
    service: &'a Service,
    /// The number of its deployment.
    number: u64,
    created_at: DateTime<Utc>,
}

/// The summaries of a service's revisions, one for each deployment; none for a service without
/// revisions. All simulated services have the deployment controller `ECS`; those of the others
/// would have no such list.
pub fn current(
    place: &Place,
    cluster: &Cluster,
    service: &Service,
    deployments: &[Deployment],
) -> Option<Json> {
    let summary = |one: &Deployment| {
        json!({
            "arn": revision_arn(place, cluster, service, one.number),
            "requestedTaskCount": one.counts.desired,
            "runningTaskCount": one.counts.running,
            "pendingTaskCount": one.counts.pending,
        })
    };
    (!service.old_arn).then(|| deployments.iter().map(summary).collect())
}

/// DescribeServiceRevisions: the revisions of services that are still described; the others are
/// failures, also when their cluster is gone (an assumption: the API has an error for that, but
/// one call may name revisions of many clusters). AWS promises no order, so the answer has one of
/// its own. Errors: no ARN, more than 20, or one that is not of a revision.
pub fn describe(place: &Place, input: &Value) -> Result<Answer, AwsError> {
    let arns = input.texts("serviceRevisionArns")?;
    if arns.is_empty() {
        let message = "Service revision ARNs cannot be empty.";
        return Err(AwsError::invalid_parameter(message));
    }
    if arns.len() > MOST_DESCRIBED {
        let message = "Service revision ARNs cannot have more than 20 elements.";
        return Err(AwsError::invalid_parameter(message));
    }
    let (mut found, mut failures): (Vec<Found>, Vec<Json>) = Default::default();
    for (index, arn) in arns.iter().enumerate() {
        let named = Revision::parse(arn).ok_or_else(|| {
            let message = format!("Invalid identifier: {arn} is not of a service revision");
            AwsError::invalid_parameter(message)
        })?;
        if arns.iter().take(index).any(|before| before == arn) {
            continue;
        }
        match find(place, named) {
            Some(revision) => found.push(revision),
            None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
        }
    }
    found.sort_by_key(|one| event::deployment_id(one.service.seed, one.number));
    let revisions: Vec<Json> = found.iter().map(|one| described(place, one)).collect();
    let answer = json!({ "serviceRevisions": revisions, "failures": failures });
    Ok(Answer::Json(answer.to_string().into_bytes()))
}

fn find<'a>(place: &Place<'a>, named: Revision) -> Option<Found<'a>> {
    if named.place != (place.region, place.account) {
        return None;
    }
    let cluster = place.content?.cluster_at(named.cluster, place.now)?;
    let service = cluster.service_at(named.service, place.now)?;
    if service.old_arn || !is_described(place, service) {
        return None;
    }
    let id: u64 = named.id.parse().ok()?;
    let mut numbers = (1..=service.newest_deployment(place.now)).rev();
    let number = numbers.find(|number| event::deployment_id(service.seed, *number) == id)?;
    let created_at = service.deployed_at(number);
    (created_at >= first_kept()).then_some(Found {
        cluster,
        service,
        number,
        created_at,
    })
}

fn described(place: &Place, one: &Found) -> Json {
    let Found {
        cluster,
        service,
        number,
        created_at,
    } = *one;
    let (account, region) = (place.account, place.region);
    let balancers = balancers(place, service);
    let targets = balancers.as_array().into_iter().flatten();
    let targets = targets.map(|one| json!({ "targetGroupArn": one["targetGroupArn"] }));
    let targets: Json = targets.collect();
    let mut answer = launch(place, cluster, service);
    if answer.contains_key("platformVersion") {
        // A revision has what LATEST was when it was made.
        answer.insert("platformVersion".into(), "1.4.0".into());
    }
    let image = format!("{account}.dkr.ecr.{region}.amazonaws.com/{}", service.name);
    if let Json::Object(fields) = json!({
        "serviceRevisionArn": revision_arn(place, cluster, service, number),
        "serviceArn": service.arn(account, region, &cluster.name),
        "clusterArn": arn::cluster(account, region, &cluster.name),
        "taskDefinition": task_definition(place, service, number),
        "loadBalancers": balancers,
        "serviceRegistries": [],
        "containerImages": [
            container("app", &format!("{image}:{number}"), noise::mix(service.seed, number)),
            container("log-router", LOG_ROUTER, 31),
        ],
        "guardDutyEnabled": false,
        "serviceConnectConfiguration": { "enabled": false },
        "volumeConfigurations": [],
        "createdAt": seconds(created_at),
        "vpcLatticeConfigurations": [],
        "resolvedConfiguration": { "loadBalancers": targets },
    }) {
        answer.extend(fields);
    }
    if service.resolution == Resolution::TwentySeconds {
        let names = [Metric::CpuUtilization, Metric::MemoryUtilization].map(Metric::name);
        let configuration = json!({ "metricNames": names, "resolutionSeconds": 20 });
        let monitoring = json!({ "metricConfigurations": [configuration] });
        answer.insert("monitoring".into(), monitoring);
    }
    answer.into()
}

fn container(name: &str, image: &str, seed: u64) -> Json {
    let (high, low) = (noise::hex_id(seed), noise::hex_id(noise::mix(seed, 41)));
    let digest = format!("sha256:{high}{low}");
    json!({ "containerName": name, "imageDigest": digest, "image": image })
}

fn revision_arn(place: &Place, cluster: &Cluster, service: &Service, number: u64) -> String {
    let id = event::deployment_id(service.seed, number);
    let resource = format!("service-revision/{}/{}/{id}", cluster.name, service.name);
    arn::ecs(place.account, place.region, &resource)
}

/// 2024-10-25 00:00 UTC: AWS documents that older revisions cannot be described.
fn first_kept() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_729_814_400)
}
