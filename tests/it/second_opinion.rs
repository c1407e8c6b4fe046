//! The program between moto and a local Mackerel: what arrives there, value by value and minute by
//! minute, what was asked for it, and what the program says of both.

mod polled;

use std::collections::{BTreeMap, BTreeSet};

use mackerel_ecs::demo::mackerel::LocalMackerel;
use serde_json::{Value, json};

use crate::support::bridge::Seen;
use polled::{Estate, Points, minute_of, poll_fleet, polled};

/// Whether the values of a metric come from the ECS API.
fn is_count(name: &str) -> bool {
    let graph = name.strip_prefix("custom.ecs.").unwrap_or(name);
    let counted = [
        "running_task.",
        "cluster_task.",
        "cluster_service.",
        "container_instance.",
    ];
    counted.iter().any(|prefix| graph.starts_with(prefix))
}

#[tokio::test]
async fn datapoints_arrive_as_they_are_at_their_minute() {
    let polled = polled().await;
    for host in ["web", "pool"] {
        let mut points = polled.points(host);
        points.retain(|name, _| !is_count(name));
        assert_eq!(points, polled.expected(host), "{host}");
    }
}

/// Beside the tables: what never arrives, whichever minute the program started in.
#[tokio::test]
async fn no_minute_arrives_that_is_old_or_not_complete_or_was_never_there() {
    let polled = polled().await;
    let cpu = &polled.points("web")["custom.ecs.service_cpu_utilization.api.average"];
    let ago = |minutes: i64| polled.made_at - 60 * minutes;
    assert!(cpu.contains(&(ago(30), 15.25)) && cpu.contains(&(ago(29), 0.0)));
    for minute in [62, 28, 0] {
        assert!(!cpu.iter().any(|(at, _)| *at == ago(minute)), "{minute}");
    }
}

#[tokio::test]
async fn counts_arrive_at_the_minute_of_the_poll() {
    let polled = polled().await;
    // Moto's own: it counts no services of a cluster, and lets the tasks that are wanted and do
    // not run be pending.
    let expected = [
        (
            "web",
            &[
                ("cluster_service.active", 0.0),
                ("cluster_service.below_desired", 1.0),
                ("cluster_service.without_tasks", 1.0),
                ("cluster_task.pending", 2.0),
                ("cluster_task.running", 4.0),
                ("container_instance.registered", 0.0),
                ("running_task.api.count", 3.0),
                ("running_task.api.desired", 3.0),
                ("running_task.api.pending", 0.0),
                ("running_task.batch.count", 0.0),
                ("running_task.batch.desired", 2.0),
                ("running_task.batch.pending", 2.0),
                ("running_task.quiet.count", 1.0),
                ("running_task.quiet.desired", 1.0),
                ("running_task.quiet.pending", 0.0),
            ][..],
        ),
        (
            "pool",
            &[
                ("cluster_service.active", 0.0),
                ("cluster_service.below_desired", 0.0),
                ("cluster_service.without_tasks", 0.0),
                ("cluster_task.pending", 0.0),
                ("cluster_task.running", 5.0),
                ("container_instance.registered", 2.0),
                ("running_task.api.count", 1.0),
                ("running_task.api.desired", 1.0),
                ("running_task.api.pending", 0.0),
                ("running_task.worker.count", 4.0),
                ("running_task.worker.desired", 4.0),
                ("running_task.worker.pending", 0.0),
            ],
        ),
    ];
    for (host, counts) in expected {
        let mut points = polled.points(host);
        points.retain(|name, _| is_count(name));
        let counts = counts
            .iter()
            .map(|(name, value)| (format!("custom.ecs.{name}"), vec![(polled.minute, *value)]));
        assert_eq!(points, Points::from_iter(counts), "{host}");
    }
}

#[tokio::test]
async fn each_living_cluster_is_one_host() {
    let polled = polled().await;
    let mut hosts = polled.estate.mackerel.hosts();
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    let account = &polled.estate.account;
    let role = |service: &str, role: &str| (service.to_owned(), role.to_owned());
    let expected = [
        ("pool", vec![role("ecs", "cluster")]),
        ("web", vec![role("shop", "batch"), role("shop", "web")]),
    ];
    assert_eq!(hosts.len(), expected.len(), "{hosts:?}");
    for (host, (name, roles)) in hosts.iter().zip(expected) {
        let arn = format!("arn:aws:ecs:ap-northeast-1:{account}:cluster/{name}");
        assert_eq!(host.name, name);
        assert_eq!(host.custom_identifier.as_ref(), Some(&arn));
        let display = format!("{name} in ap-northeast-1");
        assert_eq!(host.display_name, Some(display));
        assert_eq!(host.memo, "By mackerel-ecs.");
        assert_eq!(host.roles, roles);
        assert_eq!(
            (host.status.as_str(), host.size.as_str()),
            ("working", "standard")
        );
        assert_eq!(host.retired_at, None);
    }
    let version = env!("CARGO_PKG_VERSION");
    // Moto tells no statistics of a cluster and gives it no capacity provider.
    let expected = json!({
        "agent-name": format!("mackerel-ecs/{version}"),
        "agent-version": version,
        "cloud": {"provider": "ecs", "metadata": {
            "cluster_arn": format!("arn:aws:ecs:ap-northeast-1:{account}:cluster/web"),
            "cluster": "web",
            "region": "ap-northeast-1",
            "account": account,
            "status": "ACTIVE",
            "capacity_providers": [],
            "container_insights": "enabled",
            "running_tasks": 4,
            "pending_tasks": 2,
            "active_services": 0,
            "registered_container_instances": 0,
            "statistics": {},
        }},
    });
    assert_eq!(polled.host("web").meta, expected);
}

#[tokio::test]
async fn every_graph_is_defined() {
    let graphs = polled().await.estate.mackerel.graph_defs();
    let known: BTreeMap<&str, &str> = graphs
        .iter()
        .map(|graph| (graph.name.as_str(), graph.unit.as_str()))
        .collect();
    let expected = [
        ("custom.ecs.running_task.#", "integer"),
        ("custom.ecs.service_cpu_utilization.#", "percentage"),
        ("custom.ecs.service_memory_utilization.#", "percentage"),
        ("custom.ecs.cpu_utilization", "percentage"),
        ("custom.ecs.memory_utilization", "percentage"),
        ("custom.ecs.cpu_reservation", "percentage"),
        ("custom.ecs.memory_reservation", "percentage"),
        ("custom.ecs.cluster_task", "integer"),
        ("custom.ecs.cluster_service", "integer"),
        ("custom.ecs.highest_service_utilization", "percentage"),
        ("custom.ecs.container_instance", "integer"),
        ("custom.ecs.deployment.#", "integer"),
        ("custom.ecs.insights.cpu_units.#", "float"),
        ("custom.ecs.insights.memory_megabytes.#", "float"),
        ("custom.ecs.insights.network.#", "bytes/sec"),
        ("custom.ecs.insights.ephemeral_storage_gigabytes.#", "float"),
        ("custom.ecs.insights.cpu_utilization.#", "percentage"),
        ("custom.ecs.insights.memory_utilization.#", "percentage"),
        (
            "custom.ecs.insights.ephemeral_storage_utilization.#",
            "percentage",
        ),
    ];
    assert_eq!(known, BTreeMap::from(expected));
}

/// How many queries the other side saw.
fn queries(bridge: &[Seen]) -> usize {
    bridge.iter().map(|seen| seen.queries).sum()
}

/// How often each API was called, as the other sides saw it, named as the document names it.
fn calls(bridge: &[Seen], mackerel: &LocalMackerel) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    for seen in bridge {
        let service = match seen.operation.as_str() {
            "GetMetricData" => "cloudwatch",
            _ => "ecs",
        };
        *calls
            .entry(format!("{service}:{}", seen.operation))
            .or_default() += 1;
    }
    for (call, count) in mackerel.requests().counts {
        let call = call
            .replace("/api/v0", "")
            .replace("{identifier}", "<id>")
            .replace('{', "<")
            .replace('}', ">");
        calls.insert(format!("mackerel:{call}"), count);
    }
    calls
}

#[tokio::test]
async fn the_document_tells_what_both_sides_saw() {
    let polled = polled().await;
    let account = &polled.estate.account;
    let cluster = |name: &str, services: u64, running: u64, desired: u64| {
        let points: usize = polled.points(name).values().map(Vec::len).sum();
        json!({
            "target": "default",
            "region": "ap-northeast-1",
            "cluster": name,
            "arn": format!("arn:aws:ecs:ap-northeast-1:{account}:cluster/{name}"),
            "host_id": polled.host(name).id,
            "size": "standard",
            "services": services,
            "running": running,
            "desired": desired,
            "points": points,
            "refused": 0,
            "failed": false,
            "troubles": [],
        })
    };
    let [request] = &polled.estate.bridge.seen_of("GetMetricData")[..] else {
        panic!("all queries fit in one request");
    };
    let asked = request.input["MetricDataQueries"]
        .as_array()
        .unwrap()
        .iter();
    let metrics: BTreeSet<String> = asked
        .map(|query| query["MetricStat"]["Metric"].to_string())
        .collect();
    let cost = &polled.document["cloudwatch_usd_a_month"];
    let (lower, upper) = (cost[0].as_f64().unwrap(), cost[1].as_f64().unwrap());
    assert!(0.0 < lower && lower < upper, "{cost}");
    let expected = json!({
        "started_at": polled.document["started_at"],
        "dry_run": false,
        "clusters": [cluster("pool", 2, 5, 5), cluster("web", 3, 4, 6)],
        "troubles": [],
        "calls": calls(&polled.estate.bridge.seen(), &polled.estate.mackerel),
        "throttled": {},
        "cloudwatch_metrics_requested": queries(&polled.estate.bridge.seen()),
        "cloudwatch_metrics_requested_least": metrics.len(),
        "cloudwatch_usd_a_month": cost,
        "dropped": 0,
        "behind_seconds": 0,
        "behind_seconds_by_target": {"default": 0},
    });
    assert_eq!(polled.document, expected);
}

#[tokio::test]
async fn nothing_is_asked_that_can_have_no_answer() {
    let polled = polled().await;
    let bridge = &polled.estate.bridge;
    let [request] = &bridge.seen_of("GetMetricData")[..] else {
        panic!("all queries fit in one request");
    };
    assert_eq!(
        request.input["StartTime"],
        json!((polled.minute - 61 * 60) as f64)
    );
    assert_eq!(request.input["EndTime"], json!((polled.minute - 60) as f64));
    let asked: BTreeSet<String> = request.input["MetricDataQueries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|query| {
            let stat = &query["MetricStat"];
            let metric = &stat["Metric"];
            assert_eq!(metric["Namespace"], "AWS/ECS");
            assert_eq!(stat["Period"], 60);
            let dimensions = metric["Dimensions"].as_array().unwrap().iter();
            let dimensions: Vec<String> = dimensions
                .map(|one| format!("{}={}", one["Name"], one["Value"]))
                .collect();
            let name = format!(
                "{} {} {}",
                metric["MetricName"],
                dimensions.join(" "),
                stat["Stat"]
            );
            name.replace('"', "")
        })
        .collect();
    let per_service = ["CPUUtilization", "MemoryUtilization"];
    let per_cluster = [
        "CPUUtilization",
        "MemoryUtilization",
        "CPUReservation",
        "MemoryReservation",
    ];
    let mut expected = BTreeSet::new();
    for (metrics, dimensions) in [
        (&per_service[..], "ClusterName=web ServiceName=api"),
        (&per_service, "ClusterName=web ServiceName=batch"),
        (&per_service, "ClusterName=web ServiceName=quiet"),
        (&per_service, "ClusterName=pool ServiceName=api"),
        (&per_service, "ClusterName=pool ServiceName=worker"),
        (&per_cluster, "ClusterName=pool"),
    ] {
        for metric in metrics {
            for statistic in ["Minimum", "Average", "Maximum"] {
                expected.insert(format!("{metric} {dimensions} {statistic}"));
            }
        }
    }
    // The hour before the first look is read with the number of samples of each service.
    for service in [
        "web api",
        "web batch",
        "web quiet",
        "pool api",
        "pool worker",
    ] {
        let (cluster, service) = service.split_once(' ').unwrap();
        let dimensions = format!("ClusterName={cluster} ServiceName={service}");
        expected.insert(format!("CPUUtilization {dimensions} SampleCount"));
    }
    assert_eq!(asked, expected);
    assert_eq!(request.queries, expected.len(), "each is asked once");

    let arn = |name: &str| {
        let account = &polled.estate.account;
        format!("arn:aws:ecs:ap-northeast-1:{account}:cluster/{name}")
    };
    assert_eq!(bridge.seen_of("ListClusters").len(), 1);
    let described: Vec<Value> = bridge
        .seen_of("DescribeClusters")
        .into_iter()
        .map(|seen| seen.input["clusters"].clone())
        .collect();
    assert_eq!(
        described,
        [json!([arn("gone"), arn("pool"), arn("web")])],
        "moto lists what is deleted"
    );
    for operation in ["ListServices", "DescribeServices"] {
        let clusters: BTreeSet<String> = bridge
            .seen_of(operation)
            .iter()
            .map(|seen| seen.input["cluster"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(clusters, BTreeSet::from([arn("pool"), arn("web")]));
        assert_eq!(bridge.seen_of(operation).len(), 2, "{operation}");
    }
}

#[tokio::test]
async fn a_second_run_posts_to_the_same_host() {
    let estate = Estate::new(&json!({"clusters": [
        {"name": "web", "services": [{"name": "api", "desired": 1, "running": 1}]},
    ]}))
    .await;
    let first = estate.poll_once().run().await.expect_status(0).json();
    let hosts = estate.mackerel.hosts();
    assert_eq!(hosts.len(), 1);
    let asked_before = estate.bridge.seen().len();
    estate.mackerel.reset_requests();

    let second = estate.poll_once().run().await.expect_status(0).json();
    assert_eq!(estate.mackerel.hosts(), hosts);
    for document in [&first, &second] {
        assert_eq!(document["clusters"][0]["host_id"], hosts[0].id.as_str());
        assert_eq!(document["clusters"][0]["points"], 9);
    }
    let asked = estate.bridge.seen().split_off(asked_before);
    assert_eq!(second["calls"], json!(calls(&asked, &estate.mackerel)));
    assert_eq!(second["cloudwatch_metrics_requested"], queries(&asked));
    let expected = [
        "GET /api/v0/hosts-by-custom-identifier/{identifier}",
        "GET /api/v0/hosts/{id}/metadata/{namespace}",
        "POST /api/v0/tsdb",
    ];
    let requests = estate.mackerel.requests();
    let requests: Vec<&String> = requests.counts.keys().collect();
    assert_eq!(requests, expected, "nothing is made or told anew");
    let minutes: BTreeSet<i64> = [&first, &second]
        .iter()
        .map(|document| minute_of(document["started_at"].as_str().unwrap().parse().unwrap()))
        .collect();
    let count = "custom.ecs.running_task.api.count";
    let points = estate.mackerel.points(&hosts[0].id, count);
    assert_eq!(
        points,
        minutes.iter().map(|at| (*at, 1.0)).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_deleted_cluster_alone_is_none_at_all() {
    let estate = Estate::new(&json!({"clusters": [{"name": "gone", "deleted": true}]})).await;
    let ended = estate.poll_once().run().await.expect_status(0);
    assert_eq!(estate.bridge.seen_of("DescribeClusters").len(), 1);
    assert_eq!(estate.mackerel.hosts(), []);
    let document = ended.json();
    assert_eq!(document["clusters"], json!([]));
    let expected = json!([{
        "target": "default",
        "severity": "warning",
        "message": "ap-northeast-1: there is no ECS cluster; check the Region and the account",
        "clusters": [],
    }]);
    assert_eq!(document["troubles"], expected);
}

/// The other call brings the same from moto. Moto answers it with series that have more dimensions
/// than those that are asked for, as AWS does not, so that clusters' own figures are left out.
#[tokio::test]
async fn get_metric_statistics_brings_the_same() {
    let polled = poll_fleet("cloudwatch: {reader: get_metric_statistics}").await;
    for host in ["web", "pool"] {
        let of_services = |mut points: Points| {
            points.retain(|name, _| name.starts_with("custom.ecs.service_"));
            points
        };
        let arrived = of_services(polled.points(host));
        assert!(!arrived.is_empty());
        assert_eq!(arrived, of_services(polled.expected(host)), "{host}");
    }
    assert!(polled.document["calls"]["cloudwatch:GetMetricData"].is_null());
}
