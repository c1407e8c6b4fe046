//! Service revisions as a client reads them, in DescribeServices and by themselves.

use serde_json::{Value as Json, json};

use crate::demo::aws::SimulatedAws;
use crate::demo::aws::fleet::Fleet;
use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::fleet::service::Service;
use crate::demo::aws::options::{Denial, Options};
use crate::demo::aws::tests::client::{ACCOUNT, Hands, REGION, at, ecs};

/// 2024-10-25, in seconds after [`at`]`(0)`.
const FIRST_KEPT: i64 = -42_552_000;

fn simulated() -> (SimulatedAws, Hands) {
    let web = Cluster::mixed("web", 2)
        .service(Service::steady("api", 3))
        .service(Service::steady("fast", 2).twenty_seconds())
        .service(Service::idle("idle"))
        .service(Service::steady("old", 1).old_arn())
        .service(Service::deploying("search", 4).created_at(at(-60 * 124)))
        .service(Service::steady("gone", 1).deleted_at(at(600)))
        .created_at(at(-90_000_000))
        .service(Service::steady("ancient", 1).created_at(at(FIRST_KEPT - 1)))
        .service(Service::steady("first", 1).created_at(at(FIRST_KEPT)));
    let batch = Cluster::ec2("batch", 2).service(Service::steady("agent", 2));
    let fleet = Fleet::new(ACCOUNT).cluster(REGION, web);
    let hands = Hands::default();
    let options = Options::new(hands.clock());
    let aws = SimulatedAws::new(fleet.cluster(REGION, batch), options);
    (aws, hands)
}

async fn service(aws: &SimulatedAws, cluster: &str, name: &str) -> Json {
    let input = json!({ "cluster": cluster, "services": [name] });
    ecs(aws, "DescribeServices", input).await.json()["services"][0].clone()
}

async fn arn(aws: &SimulatedAws, cluster: &str, name: &str) -> String {
    let service = service(aws, cluster, name).await;
    let arn = service["currentServiceRevisions"][0]["arn"].as_str();
    arn.unwrap().to_owned()
}

async fn describe(aws: &SimulatedAws, arns: &[&str]) -> Json {
    let input = json!({ "serviceRevisionArns": arns });
    let reply = ecs(aws, "DescribeServiceRevisions", input).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

#[tokio::test]
async fn a_service_names_a_revision_for_each_deployment() {
    let (aws, hands) = simulated();
    for (name, most) in [("api", 1), ("idle", 1), ("search", 3)] {
        let mut seen = 0;
        for minute in 0..60 {
            hands.set(minute * 60);
            let service = service(&aws, "web", name).await;
            let summaries: Vec<Json> = service["deployments"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| {
                    let id = one["id"].as_str().unwrap();
                    let id = id.strip_prefix("ecs-svc/").unwrap();
                    json!({
                        "arn": format!(
                            "arn:aws:ecs:{REGION}:{ACCOUNT}:service-revision/web/{name}/{id}"
                        ),
                        "requestedTaskCount": one["desiredCount"],
                        "runningTaskCount": one["runningCount"],
                        "pendingTaskCount": one["pendingCount"],
                    })
                })
                .collect();
            assert_eq!(service["currentServiceRevisions"], json!(summaries));
            seen = seen.max(summaries.len());
        }
        assert_eq!(seen, most, "{name}");
    }
}

#[tokio::test]
async fn a_service_with_an_old_arn_has_no_revisions() {
    let (aws, _) = simulated();
    let service = service(&aws, "web", "old").await;
    assert_eq!(service["serviceName"], "old");
    assert!(service.get("currentServiceRevisions").is_none());
}

#[tokio::test]
async fn a_revision_is_described_as_large_as_a_real_one() {
    let (aws, _) = simulated();
    let api = arn(&aws, "web", "api").await;
    let agent = arn(&aws, "batch", "agent").await;
    let answer = describe(&aws, &[&api, &agent, &api]).await;
    assert_eq!(answer["failures"], json!([]));
    let revisions = answer["serviceRevisions"].as_array().unwrap();
    assert_eq!(revisions.len(), 2, "an ARN that is named twice comes once");
    let find = |arn: &str| {
        let mut named = revisions
            .iter()
            .filter(|one| one["serviceRevisionArn"] == arn);
        named.next().unwrap()
    };
    let (api, agent) = (find(&api), find(&agent));
    let base = format!("arn:aws:ecs:{REGION}:{ACCOUNT}");
    assert_eq!(api["serviceArn"], format!("{base}:service/web/api"));
    assert_eq!(api["clusterArn"], format!("{base}:cluster/web"));
    assert_eq!(
        api["taskDefinition"],
        format!("{base}:task-definition/api:1")
    );
    assert_eq!(
        api["capacityProviderStrategy"][0]["capacityProvider"],
        "FARGATE"
    );
    assert_eq!(api["platformVersion"], "1.4.0");
    assert!(api["networkConfiguration"]["awsvpcConfiguration"].is_object());
    assert_eq!(agent["launchType"], "EC2");
    assert!(agent.get("platformVersion").is_none());
    for revision in [api, agent] {
        let digest = revision["containerImages"][0]["imageDigest"].as_str();
        assert_eq!(digest.unwrap().len(), "sha256:".len() + 64);
        assert!(revision["createdAt"].is_f64());
        assert!(revision.get("monitoring").is_none());
        let bytes = revision.to_string().len();
        assert!((900..2500).contains(&bytes), "{bytes} bytes");
    }
}

#[tokio::test]
async fn only_twenty_second_services_have_monitoring() {
    let (aws, _) = simulated();
    for (name, has) in [("api", false), ("fast", true), ("search", false)] {
        let answer = describe(&aws, &[&arn(&aws, "web", name).await]).await;
        let expected = json!({ "metricConfigurations": [{
            "metricNames": ["CPUUtilization", "MemoryUtilization"],
            "resolutionSeconds": 20,
        }]});
        let found = answer["serviceRevisions"][0].get("monitoring");
        assert_eq!(found, has.then_some(&expected), "{name}");
    }
}

#[tokio::test]
async fn each_revision_is_of_its_deployment_and_stays_described() {
    let (aws, hands) = simulated();
    let before = arn(&aws, "web", "search").await;
    hands.set(3600);
    let after = arn(&aws, "web", "search").await;
    assert_ne!(before, after);
    for (arn, definition, created) in [(before, 3, -60 * 4), (after, 4, 60 * 56)] {
        let answer = describe(&aws, &[&arn]).await;
        let revision = &answer["serviceRevisions"][0];
        let name = revision["taskDefinition"].as_str().unwrap();
        assert!(name.ends_with(&format!("/search:{definition}")), "{name}");
        assert_eq!(revision["createdAt"], at(created).timestamp() as f64);
    }
}

#[tokio::test]
async fn revisions_that_cannot_be_described_are_missing() {
    let (aws, hands) = simulated();
    let (api, gone) = (
        arn(&aws, "web", "api").await,
        arn(&aws, "web", "gone").await,
    );
    let is_missing = async |arn: &str| {
        let answer = describe(&aws, &[arn, &api]).await;
        let missing = json!([{ "arn": arn, "reason": "MISSING" }]);
        let failures = &answer["failures"];
        assert!(*failures == json!([]) || *failures == missing, "{failures}");
        *failures == missing
    };
    assert!(!is_missing(&api).await);
    for (part, other) in [
        (REGION, "us-east-1"),
        (ACCOUNT, "444455556666"),
        ("/web/", "/none/"),
        ("/web/", "/batch/"),
        ("/api/", "/none/"),
        ("/api/", "/fast/"),
        ("/api/", "/old/"),
        ("/api/", "/api/1"),
        ("/api/", "/api/x"),
    ] {
        assert!(is_missing(&api.replace(part, other)).await, "{other}");
    }
    assert!(!is_missing(&arn(&aws, "web", "first").await).await);
    assert!(is_missing(&arn(&aws, "web", "ancient").await).await);
    for (seconds, expected) in [(599, false), (600 + 3599, false), (600 + 3600, true)] {
        hands.set(seconds);
        assert_eq!(is_missing(&gone).await, expected, "at {seconds}");
    }
}

#[tokio::test]
async fn one_to_twenty_arns_of_revisions_are_accepted() {
    let (aws, _) = simulated();
    let api = arn(&aws, "web", "api").await;
    let many = |count: usize| {
        let arns = (0..count).map(|one| format!("{api}{one}"));
        json!({ "serviceRevisionArns": arns.collect::<Vec<_>>() })
    };
    let refused = "InvalidParameterException";
    for (input, kind) in [
        (many(20), None),
        (many(21), Some(refused)),
        (json!({}), Some(refused)),
        (json!({ "serviceRevisionArns": ["api"] }), Some(refused)),
        (
            json!({ "serviceRevisionArns": [api.replace("service-revision", "service")] }),
            Some(refused),
        ),
        (
            json!({ "serviceRevisionArns": api }),
            Some("SerializationException"),
        ),
    ] {
        let reply = ecs(&aws, "DescribeServiceRevisions", input.clone()).await;
        assert_eq!(reply.json()["__type"].as_str(), kind, "{input}");
        assert_eq!(reply.status == 200, kind.is_none());
    }
}

#[tokio::test]
async fn revisions_can_be_denied_on_one_cluster_and_are_recorded() {
    let (aws, _) = simulated();
    let api = arn(&aws, "web", "api").await;
    let agent = arn(&aws, "batch", "agent").await;
    aws.deny(Denial::on_cluster("ecs:DescribeServiceRevisions", "web"));
    let input = json!({ "serviceRevisionArns": [api] });
    let reply = ecs(&aws, "DescribeServiceRevisions", input).await;
    assert_eq!(reply.json()["__type"], "AccessDeniedException");
    let message = reply.json()["Message"].as_str().unwrap().to_owned();
    assert!(message.contains("ecs:DescribeServiceRevisions"));
    assert!(message.contains(&api), "{message}");
    describe(&aws, &[&agent]).await;
    let calls = aws.calls();
    let mut records = calls.of("ecs:DescribeServiceRevisions");
    assert_eq!(records.next().unwrap().items, [api]);
    assert_eq!(records.next().unwrap().items, [agent]);
}

#[tokio::test]
async fn revisions_are_limited_together_with_services() {
    let (aws, _) = simulated();
    let arns = [arn(&aws, "web", "api").await];
    let aws = SimulatedAws::new(aws.fleet().clone(), Options::at(at(0)).limited());
    let input = json!({ "serviceRevisionArns": arns });
    for _ in 0..100 {
        let reply = ecs(&aws, "DescribeServiceRevisions", input.clone()).await;
        assert_eq!(reply.status, 200);
    }
    let input = json!({ "cluster": "web" });
    let reply = ecs(&aws, "ListServices", input).await;
    assert_eq!(reply.json()["__type"], "ThrottlingException");
}
