//! ECS as a client reads it.

use serde_json::{Value as Json, json};

use crate::demo::aws::SimulatedAws;
use crate::demo::aws::fleet::Fleet;
use crate::demo::aws::fleet::cluster::{Cluster, ContainerInsights};
use crate::demo::aws::fleet::service::{Compute, Service};
use crate::demo::aws::options::Options;
use crate::demo::aws::tests::client::{ACCOUNT, Hands, REGION, at, aws, ecs};

fn numbered(clusters: usize, services: usize) -> SimulatedAws {
    let fleet = (0..clusters).fold(Fleet::new(ACCOUNT), |fleet, number| {
        let mut cluster = Cluster::fargate(&format!("cluster-{number:03}"));
        for service in 0..services {
            cluster = cluster.service(Service::steady(&format!("service-{service:03}"), 1));
        }
        fleet.cluster(REGION, cluster)
    });
    aws(fleet)
}

async fn pages(aws: &SimulatedAws, operation: &str, list: &str, mut input: Json) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let answer = ecs(aws, operation, input.clone()).await.json();
        let arns = answer[list].as_array().unwrap();
        sizes.push(arns.len());
        seen.extend(arns.iter().map(Json::to_string));
        match answer.get("nextToken") {
            Some(token) => input["nextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(seen.len(), sizes.iter().sum::<usize>(), "an ARN came twice");
    sizes
}

#[tokio::test]
async fn lists_come_in_pages_of_the_documented_sizes() {
    let aws = numbered(101, 25);
    let clusters = pages(&aws, "ListClusters", "clusterArns", json!({})).await;
    assert_eq!(clusters, [100, 1]);
    let input = json!({ "cluster": "cluster-000" });
    assert_eq!(
        pages(&aws, "ListServices", "serviceArns", input).await,
        [10, 10, 5]
    );
    let input = json!({ "cluster": "cluster-000", "maxResults": 100 });
    assert_eq!(
        pages(&aws, "ListServices", "serviceArns", input).await,
        [25]
    );
    let input = json!({ "cluster": "cluster-000", "maxResults": 5 });
    assert_eq!(
        pages(&aws, "ListServices", "serviceArns", input).await,
        [5; 5]
    );
}

#[tokio::test]
async fn wrong_input_is_refused() {
    let aws = numbered(2, 11);
    let token = ecs(&aws, "ListServices", json!({ "cluster": "cluster-000" })).await;
    let token = token.json()["nextToken"].clone();
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let eleven: Vec<&String> = many.iter().take(11).collect();
    let invalid = "InvalidParameterException";
    let gone = "ClusterNotFoundException";
    let web = "cluster-000";
    for (operation, input, kind) in [
        ("ListClusters", json!({ "maxResults": 0 }), invalid),
        ("ListClusters", json!({ "maxResults": 101 }), invalid),
        ("ListClusters", json!({ "nextToken": "0" }), invalid),
        ("ListClusters", json!({ "nextToken": token }), invalid),
        (
            "ListServices",
            json!({ "cluster": "cluster-001", "nextToken": token }),
            invalid,
        ),
        (
            "ListServices",
            json!({ "cluster": web, "launchType": "LAMBDA" }),
            invalid,
        ),
        ("ListServices", json!({ "cluster": "none" }), gone),
        ("ListServices", json!({}), gone),
        ("DescribeClusters", json!({ "clusters": many }), invalid),
        (
            "DescribeClusters",
            json!({ "include": ["EVERYTHING"] }),
            invalid,
        ),
        (
            "DescribeServices",
            json!({ "cluster": web, "services": eleven }),
            invalid,
        ),
        ("DescribeServices", json!({ "cluster": web }), invalid),
        (
            "DescribeServices",
            json!({ "cluster": "none", "services": ["a"] }),
            gone,
        ),
        (
            "DescribeServices",
            json!({ "cluster": 1, "services": ["a"] }),
            "SerializationException",
        ),
    ] {
        let reply = ecs(&aws, operation, input.clone()).await;
        assert_eq!(reply.status, 400, "{operation} {input}");
        assert_eq!(reply.json()["__type"], kind, "{operation} {input}");
    }
}

#[tokio::test]
async fn a_cluster_is_described_with_what_is_included() {
    let cluster = Cluster::ec2("batch", 3)
        .tag("mackerel-integration", "shop: batch")
        .tags_from(at(60), &[("team", "b")])
        .container_insights(ContainerInsights::Enhanced)
        .service(Service::steady("a", 4))
        .service(Service::stopped("b", 2))
        .service(Service::steady("c", 1).compute(Compute::FargateProviders));
    let hands = Hands::default();
    let fleet = Fleet::new(ACCOUNT).cluster(REGION, cluster);
    let aws = SimulatedAws::new(fleet, Options::new(hands.clock()));
    let describe = async |include: &[&str]| {
        let input = json!({ "clusters": ["batch"], "include": include });
        ecs(&aws, "DescribeClusters", input).await.json()["clusters"][0].clone()
    };
    let plain = describe(&[]).await;
    assert_eq!(plain["status"], "ACTIVE");
    assert_eq!(plain["runningTasksCount"], 5);
    assert_eq!(plain["activeServicesCount"], 3);
    assert_eq!(plain["registeredContainerInstancesCount"], 3);
    for part in ["tags", "settings", "statistics"] {
        assert_eq!(plain[part], json!([]), "{part}");
    }
    let full = describe(&["TAGS", "SETTINGS", "STATISTICS"]).await;
    assert_eq!(
        full["tags"],
        json!([{ "key": "mackerel-integration", "value": "shop: batch" }])
    );
    assert_eq!(
        full["settings"],
        json!([{ "name": "containerInsights", "value": "enhanced" }])
    );
    let statistics = full["statistics"].as_array().unwrap();
    assert!(statistics.contains(&json!({ "name": "runningEC2TasksCount", "value": "4" })));
    assert!(statistics.contains(&json!({ "name": "RunningFargateTasksCount", "value": "1" })));
    hands.set(60);
    assert_eq!(
        describe(&["TAGS"]).await["tags"],
        json!([{ "key": "team", "value": "b" }])
    );
}

#[tokio::test]
async fn a_deleted_cluster_is_inactive_then_missing_and_never_listed() {
    let cluster = Cluster::fargate("web")
        .created_at(at(-60))
        .deleted_at(at(60));
    let hands = Hands::default();
    let fleet = Fleet::new(ACCOUNT).cluster(REGION, cluster);
    let aws = SimulatedAws::new(fleet, Options::new(hands.clock()));
    let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/web");
    let missing = json!([{ "arn": arn, "reason": "MISSING" }]);
    for (seconds, status, listed) in [
        (-61, None, false),
        (0, Some("ACTIVE"), true),
        (60, Some("INACTIVE"), false),
        (60 + 3599, Some("INACTIVE"), false),
        (60 + 3600, None, false),
    ] {
        hands.set(seconds);
        let clusters = ecs(&aws, "ListClusters", json!({})).await.json();
        assert_eq!(
            clusters["clusterArns"].as_array().unwrap().len() == 1,
            listed
        );
        for name in ["web", &arn] {
            let input = json!({ "clusters": [name] });
            let answer = ecs(&aws, "DescribeClusters", input).await.json();
            assert_eq!(
                answer["clusters"][0]["status"].as_str(),
                status,
                "at {seconds}"
            );
            let failures = if status.is_none() {
                missing.clone()
            } else {
                json!([])
            };
            assert_eq!(answer["failures"], failures);
        }
        let reply = ecs(&aws, "ListServices", json!({ "cluster": "web" })).await;
        assert_eq!(reply.status == 200, listed);
    }
}

#[tokio::test]
async fn services_are_found_by_name_and_both_kinds_of_arn() {
    let cluster = Cluster::fargate("web")
        .service(Service::steady("old", 1).old_arn())
        .service(Service::steady("new", 1));
    let fleet = Fleet::new(ACCOUNT).cluster(REGION, cluster).cluster(
        REGION,
        Cluster::fargate("other").service(Service::steady("new", 3)),
    );
    let aws = aws(fleet);
    let base = format!("arn:aws:ecs:{REGION}:{ACCOUNT}");
    let listed = ecs(
        &aws,
        "ListServices",
        json!({ "cluster": format!("{base}:cluster/web") }),
    );
    let listed = listed.await.json()["serviceArns"].clone();
    let (old, new) = (
        format!("{base}:service/old"),
        format!("{base}:service/web/new"),
    );
    assert_eq!(listed, json!([new, old]));
    for (asked, found) in [
        ("new", true),
        (&new, true),
        (&old, true),
        (&format!("{base}:service/other/new"), false),
        (
            &format!("arn:aws:ecs:us-east-1:{ACCOUNT}:service/web/new"),
            false,
        ),
        (&format!("{base}:cluster/web"), false),
        ("", false),
    ] {
        let input = json!({ "cluster": "web", "services": [asked] });
        let answer = ecs(&aws, "DescribeServices", input).await.json();
        let count = answer["services"].as_array().unwrap().len();
        assert_eq!(count == 1, found, "{asked}");
        assert_eq!(answer["failures"].as_array().unwrap().len(), 1 - count);
    }
}

#[tokio::test]
async fn a_service_is_described_as_large_as_a_real_one() {
    let cluster = Cluster::mixed("web", 1)
        .service(Service::crash_looping("crash", 2).tag("team", "a"))
        .service(Service::steady("daemon", 1).compute(Compute::Ec2).daemon())
        .service(Service::deploying("search", 4).created_at(at(-60 * 184)));
    let aws = aws(Fleet::new(ACCOUNT).cluster(REGION, cluster));
    let names = ["crash", "daemon", "search"];
    let input = json!({ "cluster": "web", "services": names, "include": ["TAGS"] });
    let answer = ecs(&aws, "DescribeServices", input).await.json();
    let services = answer["services"].as_array().unwrap();
    let find = |name: &str| {
        services
            .iter()
            .find(|one| one["serviceName"] == name)
            .unwrap()
    };
    let (crash, daemon, search) = (find("crash"), find("daemon"), find("search"));
    assert_eq!(crash["tags"], json!([{ "key": "team", "value": "a" }]));
    assert!(crash.get("launchType").is_none());
    assert_eq!(
        crash["capacityProviderStrategy"][0]["capacityProvider"],
        "FARGATE"
    );
    assert_eq!(daemon["launchType"], "EC2");
    assert!(daemon.get("capacityProviderStrategy").is_none());
    assert_eq!(daemon["schedulingStrategy"], "DAEMON");
    assert!(crash["deployments"][0]["failedTasks"].as_u64().unwrap() > 0);
    let deployments = search["deployments"].as_array().unwrap();
    assert_eq!(deployments.len(), 2);
    assert_eq!(deployments[0]["status"], "PRIMARY");
    assert_eq!(deployments[0]["rolloutState"], "IN_PROGRESS");
    assert_eq!(deployments[1]["status"], "ACTIVE");
    assert!(search["pendingCount"].as_u64().unwrap() > 0);
    let events = crash["events"].as_array().unwrap();
    assert_eq!(events.len(), 100);
    let times: Vec<f64> = events
        .iter()
        .map(|one| one["createdAt"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted_by(|one, next| one > next), "newest first");
    let ids: std::collections::HashSet<_> = events.iter().map(|one| one["id"].as_str()).collect();
    assert_eq!(ids.len(), 100);
}

#[tokio::test]
async fn counts_are_those_of_the_fleet_at_every_moment() {
    let cluster = Cluster::fargate("web")
        .service(Service::crash_looping("crash", 2))
        .service(Service::scale_out("wave", 1, 9))
        .service(Service::scale_to_zero("zero", 3, at(90)))
        .service(Service::idle("idle"));
    let hands = Hands::default();
    let fleet = Fleet::new(ACCOUNT).cluster(REGION, cluster);
    let aws = SimulatedAws::new(fleet, Options::new(hands.clock()));
    let truth = aws.fleet().any_cluster("web").unwrap();
    for seconds in (0..1800).step_by(30) {
        hands.set(seconds);
        let input = json!({ "cluster": "web", "services": ["crash", "wave", "zero", "idle"] });
        let answer = ecs(&aws, "DescribeServices", input).await.json();
        for service in answer["services"].as_array().unwrap() {
            let name = service["serviceName"].as_str().unwrap();
            let counts = truth
                .service_at(name, at(seconds))
                .unwrap()
                .counts(at(seconds));
            assert_eq!(service["desiredCount"], counts.desired);
            assert_eq!(service["runningCount"], counts.running);
            assert_eq!(service["pendingCount"], counts.pending);
        }
    }
}
