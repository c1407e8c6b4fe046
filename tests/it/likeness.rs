//! The simulated AWS beside moto, which others wrote: the same fleet in both, the product's own
//! calls to both, and the answers compared in what the product makes of them, in their JSON, and
//! in their errors.

mod members;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mackerel_ecs::aws::{Access, Client, Error, Keys, Kind, Query, connect};
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::behaviour::Counts;
use mackerel_ecs::demo::aws::fleet::cluster::{Cluster, ContainerInsights};
use mackerel_ecs::demo::aws::fleet::service::{Compute, Service, long_ago};
use mackerel_ecs::demo::aws::fleet::statistics::Metric;
use mackerel_ecs::model::calls::Calls;
use mackerel_ecs::model::id::ClusterArn;
use mackerel_ecs::model::region::Regions;
use mackerel_ecs::model::time::{Minute, Window};
use mackerel_ecs::transport::Transport;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::bridge::Bridge;
use crate::support::moto::Moto;
use crate::support::world::{NOON, REGION, World, at};
use members::{EXCEPTIONS, READ, types};

/// The minutes whose datapoints both have.
fn window() -> Window {
    Window {
        from: Minute::of_seconds(NOON - 600),
        to: Minute::of_seconds(NOON - 60),
    }
}

const QUERIES: [Query<'_>; 3] = [
    query("Average", "api"),
    query("Maximum", "api"),
    query("Minimum", "down"),
];

const fn query(statistic: &'static str, service: &'static str) -> Query<'static> {
    Query {
        namespace: "AWS/ECS",
        metric: "CPUUtilization",
        statistic,
        cluster: "web",
        service: Some(service),
    }
}

/// The fleet, as the simulation has it.
fn simulated(account: &str) -> Fleet {
    let down = [(long_ago(), Counts::new(2, 0, 2))];
    let deleted = at(NOON - 600);
    let web = Cluster::fargate("web")
        .tag("team", "a")
        .container_insights(ContainerInsights::Enabled)
        .service(Service::steady("api", 3).tag("env", "prod"))
        .service(Service::scripted("down", down).compute(Compute::Ec2))
        .service(Service::steady("old", 1).deleted_at(deleted));
    let pool = Cluster::ec2("pool", 2).service(Service::steady("worker", 4));
    let gone = Cluster::fargate("gone").deleted_at(deleted);
    [web, pool, gone]
        .into_iter()
        .fold(Fleet::new(account), |fleet, cluster| {
            fleet.cluster(REGION, cluster)
        })
}

/// The same fleet for moto; the datapoints are those of the simulation.
fn in_moto(fleet: &Fleet) -> Value {
    let api = &fleet.any_cluster("web").unwrap().services_named("api")[0];
    let points: Vec<Value> = (0..window().minutes())
        .map(|number| {
            let minute = window().from.plus(number).start();
            let set = api.statistics(Metric::CpuUtilization, at(minute)).unwrap();
            json!({"at": minute, "statistics": {
                "Sum": set.sum, "SampleCount": set.sample_count,
                "Minimum": set.minimum, "Maximum": set.maximum,
            }})
        })
        .collect();
    json!({
        "clusters": [
            {
                "name": "web",
                "tags": {"team": "a"},
                "settings": {"containerInsights": "enabled"},
                "services": [
                    {"name": "api", "desired": 3, "running": 3, "launchType": "FARGATE",
                        "tags": {"env": "prod"}},
                    {"name": "down", "desired": 2, "running": 0},
                    {"name": "old", "desired": 1, "deleted": true},
                ],
            },
            {"name": "pool", "instances": 2, "services": [
                {"name": "worker", "desired": 4, "running": 4},
            ]},
            {"name": "gone", "deleted": true},
        ],
        "metrics": [{
            "name": "CPUUtilization",
            "unit": "Percent",
            "dimensions": {"ClusterName": "web", "ServiceName": "api"},
            "points": points,
        }],
    })
}

/// Both, with the same account number and hence the same ARNs.
struct Pair {
    account: String,
    moto: Bridge,
    simulation: World,
}

impl Pair {
    async fn new() -> Pair {
        static ACCOUNT: OnceCell<String> = OnceCell::const_new();
        let moto = Moto::shared();
        let make = async || {
            let account = moto.account();
            let fleet = in_moto(&simulated(&account));
            moto.make(&account, REGION, &fleet).unwrap();
            account
        };
        let account = ACCOUNT.get_or_init(make).await.clone();
        Pair {
            moto: Bridge::start(moto.url(), &account).unwrap(),
            simulation: World::new(simulated(&account)).await,
            account,
        }
    }

    /// Moto first.
    fn urls(&self) -> [&str; 2] {
        [self.moto.url(), &self.simulation.aws_url]
    }

    fn arn(&self, cluster: &str) -> ClusterArn {
        let account = &self.account;
        ClusterArn::new(&format!("arn:aws:ecs:{REGION}:{account}:cluster/{cluster}"))
    }

    fn service_arn(&self, service: &str) -> String {
        let account = &self.account;
        format!("arn:aws:ecs:{REGION}:{account}:service/web/{service}")
    }
}

async fn client(url: &str) -> Client {
    let access = Access {
        transport: Transport::network(),
        calls: Calls::default(),
        local: Some(Keys {
            endpoint: url.to_owned(),
            region: REGION.to_owned(),
            access_key_id: "AKIATEST".to_owned(),
        }),
        rate_share: None,
        clock: None,
    };
    connect(&access, None, &Regions::Home)
        .await
        .unwrap()
        .remove(0)
}

/// The product's five calls to one of them, each as text that can be compared.
async fn walk(pair: &Pair, url: &str) -> Result<BTreeMap<&'static str, String>, Error> {
    let client = client(url).await;
    let web = pair.arn("web");
    let named = |names: [&str; 4]| names.map(|name| pair.arn(name).to_string());
    let clusters = client
        .describe_clusters(&named(["web", "pool", "gone", "none"]))
        .await?;
    let mut found: Vec<String> = clusters
        .found
        .iter()
        .map(|one| {
            format!(
                "{} {} {} running, {} pending, {} instances, {:?} {:?}",
                one.arn,
                one.status,
                one.running_tasks,
                one.pending_tasks,
                one.container_instances,
                one.container_insights,
                one.tags
            )
        })
        .collect();
    found.sort();
    let services = ["api", "down", "old", "none"].map(|name| pair.service_arn(name));
    let services = client
        .describe_services(&web, &services, true, None)
        .await?
        .unwrap();
    let mut described: Vec<String> = services
        .found
        .iter()
        .map(|(one, tags)| {
            format!(
                "{} {} of {}, {} pending, {tags:?}",
                one.name, one.running, one.desired, one.pending
            )
        })
        .collect();
    described.sort();
    let reasons: Vec<&String> = services.failures.iter().map(|(_, reason)| reason).collect();
    // Moto's own: it lists what is deleted.
    let mut cluster_arns = client.list_clusters().await?;
    cluster_arns.retain(|arn| !arn.ends_with("/gone"));
    cluster_arns.sort();
    let mut service_arns = client.list_services(&web, None).await?.unwrap();
    service_arns.retain(|arn| !arn.ends_with("/old"));
    service_arns.sort();
    let data = client.metric_data(&QUERIES, window()).await?;
    Ok(BTreeMap::from([
        ("clusters", format!("{cluster_arns:?}")),
        ("services", format!("{service_arns:?}")),
        ("described clusters", format!("{found:#?}")),
        ("cluster failures", format!("{:?}", clusters.failures)),
        ("described services", format!("{described:#?}")),
        ("service failures", format!("{reasons:?}")),
        ("data", format!("{:?} {:?}", data.series, data.notes)),
    ]))
}

#[tokio::test]
async fn the_product_makes_the_same_of_both() {
    let pair = Pair::new().await;
    let [moto, simulation] = pair.urls();
    let moto = walk(&pair, moto).await.unwrap();
    let simulation = walk(&pair, simulation).await.unwrap();
    for (what, of_moto) in &moto {
        assert_eq!(of_moto, &simulation[what], "{what}");
    }
    // So that not two empty answers are compared.
    assert!(moto["described services"].contains("api 3 of 3"));
    assert_eq!(moto["data"].matches("Minute(").count(), 2 * 9);
}

/// An answer as it came.
struct Answer {
    status: u16,
    code: String,
    json: Value,
}

/// Makes a call in the JSON protocol, which both understand for ECS and CloudWatch alike.
async fn ask(url: &str, operation: &str, input: &Value) -> Answer {
    let (service, target) = match operation {
        "GetMetricData" => ("monitoring", "GraniteServiceVersion20100801"),
        _ => ("ecs", "AmazonEC2ContainerServiceV20141113"),
    };
    let credential = format!("Credential=AKIATEST/20261122/{REGION}/{service}/aws4_request");
    let request = http::Request::post(url)
        .header("Content-Type", "application/x-amz-json-1.1")
        .header("X-Amz-Target", format!("{target}.{operation}"))
        .header(
            "Authorization",
            format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"),
        )
        .body(input.to_string().into_bytes())
        .unwrap();
    let network = Transport::network();
    let answer = network
        .send(request, Duration::from_secs(10))
        .await
        .unwrap();
    let json: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let header = answer.headers().get("x-amzn-query-error");
    let code = match header.and_then(|value| value.to_str().ok()?.split(';').next()) {
        Some(code) => code,
        None => json["__type"].as_str().unwrap_or_default(),
    };
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let status = answer.status().as_u16();
    Answer { status, code, json }
}

#[tokio::test]
async fn answers_have_the_same_members() {
    let pair = Pair::new().await;
    let [moto, simulation] = pair.urls();
    walk(&pair, moto).await.unwrap();
    let mut differences = BTreeMap::new();
    for (operation, read) in READ {
        let [asked] = &pair.moto.seen_of(operation)[..] else {
            panic!("the product calls {operation} once");
        };
        let [mut of_moto, mut of_simulation] = [BTreeMap::new(), BTreeMap::new()];
        for (url, found) in [(moto, &mut of_moto), (simulation, &mut of_simulation)] {
            let answer = ask(url, operation, &asked.input).await;
            assert_eq!(answer.status, 200, "{operation} of {url}: {}", answer.json);
            types(&answer.json, "", found);
        }
        // Where both give what nobody reads, they should agree on it as well.
        let both = of_moto
            .keys()
            .filter(|key| of_simulation.contains_key(*key));
        let keys: BTreeSet<&str> = both
            .map(String::as_str)
            .chain(read.iter().copied())
            .collect();
        for key in keys {
            let (moto, simulation) = (of_moto.get(key), of_simulation.get(key));
            if moto.is_none() || moto != simulation {
                let difference = format!("{moto:?} in moto, {simulation:?} in the simulation");
                differences.insert((*operation, key.to_owned()), difference);
            }
        }
    }
    for (operation, key, reason) in EXCEPTIONS {
        let difference = differences.remove(&(*operation, (*key).to_owned()));
        assert!(
            difference.is_some(),
            "{operation} {key}: no longer {reason}"
        );
    }
    assert_eq!(differences, BTreeMap::new());
}

#[tokio::test]
async fn errors_are_the_same() {
    let pair = Pair::new().await;
    let [moto, simulation] = pair.urls();
    let metric = json!({
        "StartTime": NOON, "EndTime": NOON, "MetricDataQueries": [{
            "Id": "a", "MetricStat": {"Period": 60, "Stat": "Average", "Metric": {
                "Namespace": "AWS/ECS", "MetricName": "CPUUtilization",
            }},
        }],
    });
    for (operation, input, code) in [
        (
            "ListServices",
            json!({"cluster": "none"}),
            "ClusterNotFoundException",
        ),
        (
            "DescribeServices",
            json!({"cluster": "none", "services": ["api"]}),
            "ClusterNotFoundException",
        ),
        ("GetMetricData", metric, "ValidationError"),
    ] {
        for url in [moto, simulation] {
            let answer = ask(url, operation, &input).await;
            let got = (answer.status, answer.code.as_str());
            assert_eq!(got, (400, code), "{operation} {input} of {url}");
        }
    }
    let input = json!({"clusters": ["none"]});
    let [of_moto, of_simulation] = [
        ask(moto, "DescribeClusters", &input).await.json,
        ask(simulation, "DescribeClusters", &input).await.json,
    ];
    assert_eq!(of_moto["failures"], of_simulation["failures"]);
    assert_eq!(of_simulation["failures"][0]["reason"], "MISSING");

    for url in [moto, simulation] {
        let error = client(url)
            .await
            .list_services(&pair.arn("none"), None)
            .await;
        assert_eq!(error.unwrap_err().kind, Kind::Gone);
    }
}
