//! ListServices and DescribeServices.

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::demo::aws::answer::Answer;
use crate::demo::aws::ecs::event::{self, Event};
use crate::demo::aws::ecs::{cluster_of, page, revisions, seconds, tags};
use crate::demo::aws::error::AwsError;
use crate::demo::aws::fleet::arn::{self, Reference};
use crate::demo::aws::fleet::behaviour::{Deployment, DeploymentStatus};
use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::fleet::noise;
use crate::demo::aws::fleet::service::{Compute, Service, ServiceStatus};
use crate::demo::aws::place::Place;
use crate::demo::aws::value::Value;

const DEFAULT_PAGE: usize = 10;
const MOST_DESCRIBED: usize = 10;
const LAUNCH_TYPES: [&str; 4] = ["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"];
const STRATEGIES: [&str; 2] = ["REPLICA", "DAEMON"];
const MANAGEMENT_TYPES: [&str; 2] = ["CUSTOMER", "ECS"];

/// ListServices: the ARNs of the services of a cluster that are not deleted, by name.
pub fn list(place: &Place, input: &Value) -> Result<Answer, AwsError> {
    let cluster = cluster_of(place, input)?;
    let launch_type = choice(input, "launchType", &LAUNCH_TYPES)?;
    let strategy = choice(input, "schedulingStrategy", &STRATEGIES)?;
    let management = choice(input, "resourceManagementType", &MANAGEMENT_TYPES)?;
    let active = cluster.services().iter().filter(|service| {
        service.status(place.now) == Some(ServiceStatus::Active)
            && launch_type.is_none_or(|only| launched_on(cluster, service) == Some(only))
            && strategy.is_none_or(|only| only == strategy_of(service))
            && management.is_none_or(|only| only == "CUSTOMER")
    });
    let named = active.map(|service| {
        let arn = service.arn(place.account, place.region, &cluster.name);
        (&*service.name, arn)
    });
    let scope = format!(
        "ListServices {} {} {} {launch_type:?} {strategy:?} {management:?}",
        place.account, place.region, cluster.name
    );
    let (arns, next) = page(input, &scope, DEFAULT_PAGE, named)?;
    let mut answer = json!({ "serviceArns": arns });
    if let Some(next) = next {
        answer["nextToken"] = next.into();
    }
    Ok(Answer::Json(answer.to_string().into_bytes()))
}

/// DescribeServices: services that exist and those that were deleted not long ago; the others are
/// failures. AWS promises no order, so the answer has one of its own.
pub fn describe(place: &Place, input: &Value) -> Result<Answer, AwsError> {
    let named = input.texts("services")?;
    if named.is_empty() {
        return Err(AwsError::invalid_parameter("Services cannot be empty."));
    }
    if named.len() > MOST_DESCRIBED {
        let message = "Services cannot have more than 10 elements.";
        return Err(AwsError::invalid_parameter(message));
    }
    let include = input.texts("include")?;
    if let Some(unknown) = include.iter().find(|one| **one != "TAGS") {
        let message = format!("Unknown include value: {unknown}");
        return Err(AwsError::invalid_parameter(message));
    }
    let cluster = cluster_of(place, input)?;
    let (mut found, mut failures): (Vec<&Service>, Vec<Json>) = Default::default();
    for name in named {
        let reference = Reference::parse(name, "service");
        let service = reference
            .filter(|one| one.is_in(place.account, place.region))
            .filter(|one| one.cluster.is_none_or(|own| own == &*cluster.name))
            .and_then(|one| cluster.service_at(one.name, place.now))
            .filter(|service| is_described(place, service));
        match service {
            Some(service) if found.contains(&service) => {}
            Some(service) => found.push(service),
            None => {
                let arn = if name.starts_with("arn:") {
                    name.to_owned()
                } else {
                    let resource = format!("service/{}/{name}", cluster.name);
                    arn::ecs(place.account, place.region, &resource)
                };
                failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            }
        }
    }
    found.sort_by_key(|service| service.seed);
    let services = found.iter().map(|service| Described {
        known: described(place, cluster, service, !include.is_empty()),
        events: event::of(service, place),
    });
    let answer = Description {
        services: services.collect(),
        failures,
    };
    let bytes = serde_json::to_vec(&answer);
    bytes.map(Answer::Json).map_err(|_| AwsError::failed(500))
}

#[derive(Serialize)]
struct Description {
    services: Vec<Described>,
    failures: Vec<Json>,
}

/// A service as JSON, with its many events kept apart because they are quicker to write so.
#[derive(Serialize)]
struct Described {
    #[serde(flatten)]
    known: serde_json::Map<String, Json>,
    events: Vec<Event>,
}

/// Whether a service exists or was deleted not long ago.
pub(super) fn is_described(place: &Place, service: &Service) -> bool {
    let kept = place.described_after_deletion;
    let deleted = service.deleted_at;
    deleted.is_none_or(|deleted| place.now < deleted + kept)
}

fn described(
    place: &Place,
    cluster: &Cluster,
    service: &Service,
    with_tags: bool,
) -> serde_json::Map<String, Json> {
    let (account, region) = (place.account, place.region);
    let counts = service.counts(place.now);
    let deployments = service.deployments(place.now);
    let Json::Object(mut answer) = json!({
        "serviceArn": service.arn(account, region, &cluster.name),
        "serviceName": service.name,
        "clusterArn": arn::cluster(account, region, &cluster.name),
        "loadBalancers": balancers(place, service),
        "serviceRegistries": [],
        "status": match service.status(place.now) {
            Some(ServiceStatus::Draining) => "DRAINING",
            Some(ServiceStatus::Inactive) => "INACTIVE",
            _ => "ACTIVE",
        },
        "desiredCount": counts.desired,
        "runningCount": counts.running,
        "pendingCount": counts.pending,
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": { "enable": false, "rollback": false },
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "strategy": "ROLLING",
            "bakeTimeInMinutes": 0,
        },
        "deployments": deployments
            .iter()
            .map(|one| deployment(place, cluster, service, one))
            .collect::<Vec<Json>>(),
        "createdAt": seconds(service.created_at),
        "createdBy": format!("arn:{}:iam::{account}:role/deployer", arn::partition(region)),
        "placementConstraints": [],
        "placementStrategy": [],
        "healthCheckGracePeriodSeconds": 0,
        "schedulingStrategy": strategy_of(service),
        "deploymentController": { "type": "ECS" },
        "enableECSManagedTags": true,
        "propagateTags": "NONE",
        "enableExecuteCommand": false,
        "availabilityZoneRebalancing": "DISABLED",
    }) else {
        return serde_json::Map::new();
    };
    let newest = service.newest_deployment(place.now);
    answer.insert(
        "taskDefinition".into(),
        task_definition(place, service, newest).into(),
    );
    if let Some(current) = revisions::current(place, cluster, service, &deployments) {
        answer.insert("currentServiceRevisions".into(), current);
    }
    answer.extend(launch(place, cluster, service));
    if with_tags {
        answer.insert("tags".into(), tags(&service.tags));
    }
    answer
}

/// The load balancers of a service: one for about half of them.
pub(super) fn balancers(place: &Place, service: &Service) -> Json {
    let (account, region) = (place.account, place.region);
    if service.daemon || !service.seed.is_multiple_of(2) {
        return json!([]);
    }
    let target_group = format!(
        "arn:{}:elasticloadbalancing:{region}:{account}:targetgroup/{}/{:016x}",
        arn::partition(region),
        service.name,
        noise::mix(service.seed, 21),
    );
    json!([{ "targetGroupArn": target_group, "containerName": "app", "containerPort": 8080 }])
}

fn deployment(place: &Place, cluster: &Cluster, service: &Service, one: &Deployment) -> Json {
    let id = event::deployment_id(service.seed, one.number);
    let state = if one.completed {
        "COMPLETED"
    } else {
        "IN_PROGRESS"
    };
    let mut answer = json!({
        "id": format!("ecs-svc/{id}"),
        "status": match one.status {
            DeploymentStatus::Primary => "PRIMARY",
            DeploymentStatus::Active => "ACTIVE",
        },
        "taskDefinition": task_definition(place, service, one.number),
        "desiredCount": one.counts.desired,
        "pendingCount": one.counts.pending,
        "runningCount": one.counts.running,
        "failedTasks": one.failed_tasks,
        "createdAt": seconds(one.created_at),
        "updatedAt": seconds(one.updated_at),
        "rolloutState": state,
        "rolloutStateReason": format!(
            "ECS deployment ecs-svc/{id} {}.",
            if one.completed { "completed" } else { "in progress" },
        ),
    });
    if let Json::Object(fields) = &mut answer {
        fields.extend(launch(place, cluster, service));
    }
    answer
}

/// What a service, its deployments and its revisions say of what tasks run on and in which network.
pub(super) fn launch(
    place: &Place,
    cluster: &Cluster,
    service: &Service,
) -> serde_json::Map<String, Json> {
    let mut fields = serde_json::Map::new();
    let compute = cluster.compute_of(service);
    match compute {
        Compute::Fargate | Compute::Ec2 => {
            let launch_type = launched_on(cluster, service);
            fields.insert("launchType".into(), launch_type.into());
        }
        Compute::FargateProviders => {
            let strategy = json!([
                { "capacityProvider": "FARGATE", "weight": 1, "base": 1 },
                { "capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 0 },
            ]);
            fields.insert("capacityProviderStrategy".into(), strategy);
        }
        Compute::Ec2Provider => {
            let strategy = json!([{ "capacityProvider": "on-demand-asg", "weight": 1, "base": 0 }]);
            fields.insert("capacityProviderStrategy".into(), strategy);
        }
    }
    if !compute.is_ec2() {
        fields.insert("platformVersion".into(), "LATEST".into());
        fields.insert("platformFamily".into(), "Linux".into());
        let subnet = noise::seed_of(place.region);
        let network = json!({ "awsvpcConfiguration": {
            "subnets": [
                format!("subnet-{:017x}", noise::mix(subnet, 1) >> 4),
                format!("subnet-{:017x}", noise::mix(subnet, 2) >> 4),
            ],
            "securityGroups": [format!("sg-{:017x}", noise::mix(service.seed, 3) >> 4)],
            "assignPublicIp": "DISABLED",
        }});
        fields.insert("networkConfiguration".into(), network);
    }
    fields
}

/// The ARN of a service's task definition.
pub(super) fn task_definition(place: &Place, service: &Service, revision: u64) -> String {
    let resource = format!("task-definition/{}:{revision}", service.name);
    arn::ecs(place.account, place.region, &resource)
}

fn launched_on(cluster: &Cluster, service: &Service) -> Option<&'static str> {
    match cluster.compute_of(service) {
        Compute::Fargate => Some("FARGATE"),
        Compute::Ec2 => Some("EC2"),
        Compute::FargateProviders | Compute::Ec2Provider => None,
    }
}

fn strategy_of(service: &Service) -> &'static str {
    if service.daemon { "DAEMON" } else { "REPLICA" }
}

/// A member that must be one of a few words. Errors: it is another.
fn choice<'a>(input: &'a Value, name: &str, words: &[&str]) -> Result<Option<&'a str>, AwsError> {
    let chosen = input.text(name)?;
    match chosen.filter(|word| !words.contains(word)) {
        None => Ok(chosen),
        Some(word) => Err(AwsError::invalid_parameter(format!(
            "Unknown {name}: {word}. Valid values: {words:?}"
        ))),
    }
}
