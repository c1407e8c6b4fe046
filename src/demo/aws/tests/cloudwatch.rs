//! CloudWatch as a client reads it, against the truth of the fleet.

use serde_json::{Value as Json, json};

use crate::demo::aws::SimulatedAws;
use crate::demo::aws::fleet::Fleet;
use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::fleet::service::Service;
use crate::demo::aws::fleet::statistics::{Metric, Statistic, StatisticSet};
use crate::demo::aws::options::{Lateness, Options};
use crate::demo::aws::tests::client::{
    ACCOUNT, Hands, REGION, assert_same, at, cloudwatch, cpu, data, metric, points, query, same,
};

fn fleet() -> Fleet {
    let web = Cluster::fargate("web")
        .service(Service::steady("api", 4))
        .service(Service::steady("fast", 2).twenty_seconds())
        .service(Service::crash_looping("crash", 2))
        .service(Service::stopped("worker", 2))
        .service(Service::steady("gone", 1).deleted_at(at(-300)))
        .service(Service::steady("gone", 3).created_at(at(-120)));
    let batch = Cluster::ec2("batch", 2).service(Service::steady("agent", 2));
    Fleet::new(ACCOUNT)
        .cluster(REGION, web)
        .cluster(REGION, batch)
}

/// A server at 30 seconds past the minute.
pub(super) fn simulated(lateness: Lateness) -> (SimulatedAws, Hands) {
    let hands = Hands::default();
    hands.set(30);
    let options = Options::new(hands.clock()).lateness(lateness);
    (SimulatedAws::new(fleet(), options), hands)
}

fn truth(aws: &SimulatedAws, service: &str, minute: i64) -> Option<StatisticSet> {
    let cluster = aws.fleet().any_cluster("web").unwrap();
    let service = cluster.service_at(service, at(minute))?;
    service.statistics(Metric::CpuUtilization, at(minute))
}

#[tokio::test]
async fn every_point_is_the_truth_of_its_minute() {
    let (aws, _) = simulated(Lateness::SETTLED);
    for service in ["api", "fast", "crash", "worker", "gone"] {
        for statistic in Statistic::ALL {
            let found = points(&aws, cpu("a", service, statistic.name()), -3600, 60).await;
            let expected: Vec<(i64, f64)> = (-60..0)
                .filter_map(|minute| Some((minute * 60, truth(&aws, service, minute * 60)?)))
                .map(|(time, set)| (time, set.get(statistic)))
                .collect();
            assert_same(
                &found,
                &expected,
                &format!("{service} {}", statistic.name()),
            );
        }
    }
}

#[tokio::test]
async fn clusters_have_metrics_only_with_instances() {
    let (aws, _) = simulated(Lateness::SETTLED);
    for metric_name in Metric::ALL.map(Metric::name) {
        let of = |cluster| query("a", metric(metric_name, cluster, None), "Average", 60);
        assert_eq!(
            points(&aws, of("batch"), -600, 0).await.len(),
            10,
            "{metric_name}"
        );
        assert_eq!(points(&aws, of("web"), -600, 0).await, []);
    }
    let reservation = metric("CPUReservation", "batch", Some("agent"));
    assert_eq!(
        points(&aws, query("a", reservation, "Sum", 60), -600, 0).await,
        []
    );
}

#[tokio::test]
async fn dimensions_match_exactly() {
    let (aws, _) = simulated(Lateness::SETTLED);
    let mut three = metric("CPUUtilization", "web", Some("api"));
    let more = json!({ "Name": "TaskId", "Value": "1" });
    three["Dimensions"].as_array_mut().unwrap().push(more);
    let mut elsewhere = metric("CPUUtilization", "web", Some("api"));
    elsewhere["Namespace"] = "ECS/ContainerInsights".into();
    let mut bare = metric("CPUUtilization", "web", None);
    bare["Dimensions"] = json!([]);
    for metric in [
        three,
        elsewhere,
        bare,
        metric("CPUUtilization", "web", Some("API")),
        metric("CPUUtilization", "none", Some("api")),
        metric("DiskUtilization", "web", Some("api")),
    ] {
        assert_eq!(
            points(&aws, query("a", metric, "Sum", 60), -600, 0).await,
            []
        );
    }
}

#[tokio::test]
async fn the_window_includes_its_start_and_not_its_end() {
    let (aws, _) = simulated(Lateness::SETTLED);
    let times = async |from, to| {
        let found = points(&aws, cpu("a", "api", "Sum"), from, to).await;
        found.into_iter().map(|(time, _)| time).collect::<Vec<_>>()
    };
    assert_eq!(times(-180, -60).await, [-180, -120]);
    assert_eq!(
        times(-150, -60).await,
        [-180, -120],
        "rounded down to the minute"
    );
    assert_eq!(times(-180, -59).await, [-180, -120, -60]);
    assert!(times(60, 120).await.is_empty(), "the future");
}

#[tokio::test]
async fn longer_periods_sum_up_minutes() {
    let (aws, _) = simulated(Lateness::SETTLED);
    for statistic in Statistic::ALL {
        let asked = query(
            "a",
            metric("CPUUtilization", "web", Some("crash")),
            statistic.name(),
            300,
        );
        let found = points(&aws, asked, -900, 0).await;
        let expected: Vec<(i64, f64)> = [-900, -600, -300]
            .into_iter()
            .map(|start| {
                let minutes = (0..5).filter_map(|minute| truth(&aws, "crash", start + 60 * minute));
                let sum = minutes.reduce(StatisticSet::merge).unwrap();
                (start, sum.get(statistic))
            })
            .collect();
        assert_same(&found, &expected, statistic.name());
    }
}

#[tokio::test]
async fn minutes_are_kept_for_fifteen_days_and_longer_periods_longer() {
    let (aws, _) = simulated(Lateness::SETTLED);
    let day = 86_400;
    let count = async |period, days: i64| {
        let asked = query(
            "a",
            metric("CPUUtilization", "web", Some("api")),
            "Sum",
            period,
        );
        points(&aws, asked, -days * day, -days * day + 3600)
            .await
            .len()
    };
    assert_eq!(count(60, 14).await, 60);
    assert_eq!(count(60, 16).await, 0);
    assert_eq!(count(300, 16).await, 12);
    assert_eq!(count(300, 64).await, 0);
    assert_eq!(count(3600, 64).await, 1);
    assert_eq!(count(3600, 456).await, 0);
}

#[tokio::test]
async fn the_minute_in_progress_fills_up() {
    let (aws, hands) = simulated(Lateness::LIVE);
    let mut counts = Vec::new();
    for seconds in [0, 29, 30, 59, 60] {
        hands.set(seconds);
        let found = points(&aws, cpu("a", "api", "SampleCount"), 0, 60).await;
        counts.push(found.first().map_or(0.0, |(_, count)| *count));
    }
    assert_eq!(counts, [0.0, 2.0, 3.0, 3.0, 4.0]);
    assert_eq!(
        counts.last(),
        truth(&aws, "api", 0)
            .map(|set| set.get(Statistic::SampleCount))
            .as_ref()
    );
}

#[tokio::test]
async fn realistic_lateness_ends_in_the_truth() {
    let (aws, hands) = simulated(Lateness::REALISTIC);
    for service in ["api", "fast"] {
        let mut before = 0.0;
        let mut seen = Vec::new();
        for seconds in (0..=180).step_by(5) {
            hands.set(seconds);
            let found = points(&aws, cpu("a", service, "SampleCount"), 0, 60).await;
            let count = found.first().map_or(0.0, |(_, count)| *count);
            assert!(count >= before && (count == 0.0 || seconds >= 60));
            if count != before {
                seen.push(count);
            }
            before = count;
        }
        assert!(seen.len() > 1, "it arrived in parts: {seen:?}");
        let found = points(&aws, cpu("a", service, "Average"), 0, 60).await;
        let expected = truth(&aws, service, 0).unwrap().average();
        assert_same(&found, &[(0, expected)], service);
    }
}

/// All pages of the last eleven minutes, asked for from second 30 on and ten seconds apart.
async fn all_pages(
    (aws, hands): &(SimulatedAws, Hands),
    queries: &[Json],
    most: usize,
) -> Vec<Json> {
    let mut input = json!({
        "MetricDataQueries": queries,
        "StartTime": at(-600).timestamp(),
        "EndTime": at(60).timestamp(),
        "MaxDatapoints": most,
    });
    let mut pages = Vec::new();
    loop {
        hands.set(30 + 10 * pages.len() as i64);
        let answer = cloudwatch(aws, "GetMetricData", input.clone()).await.json();
        let token = answer.get("NextToken").cloned();
        pages.push(answer);
        match token {
            Some(token) => input["NextToken"] = token,
            None => return pages,
        }
    }
}

#[tokio::test]
async fn pages_join_to_the_answer_as_it_was_at_the_first() {
    let aws = simulated(Lateness::LIVE);
    let queries = ["api", "worker", "crash", "none"].map(|name| cpu(name, name, "Average"));
    let whole = all_pages(&aws, &queries, 100_000).await;
    assert_eq!(whole.len(), 1);
    for most in 1..=17 {
        let pages = all_pages(&aws, &queries, most).await;
        for result in whole[0]["MetricDataResults"].as_array().unwrap() {
            let parts: Vec<&Json> = pages
                .iter()
                .flat_map(|page| page["MetricDataResults"].as_array().unwrap())
                .filter(|part| part["Id"] == result["Id"])
                .collect();
            let (last, before) = parts.split_last().unwrap();
            assert_eq!(last["StatusCode"], "Complete");
            assert!(
                before
                    .iter()
                    .all(|part| part["StatusCode"] == "PartialData")
            );
            let joined: Vec<&Json> = parts
                .iter()
                .flat_map(|part| part["Values"].as_array().unwrap())
                .collect();
            let values: Vec<&Json> = result["Values"].as_array().unwrap().iter().collect();
            assert_eq!(joined, values, "{most} a page");
        }
    }
}

#[tokio::test]
async fn newest_first_unless_asked_otherwise() {
    let aws = simulated(Lateness::SETTLED);
    let pages = all_pages(&aws, &[cpu("a", "api", "Sum")], 1000).await;
    let times = pages[0]["MetricDataResults"][0]["Timestamps"]
        .as_array()
        .unwrap();
    let times: Vec<i64> = times
        .iter()
        .map(|time| time.as_f64().unwrap() as i64)
        .collect();
    assert_eq!(times.first(), Some(&at(-60).timestamp()));
    assert_eq!(times.last(), Some(&at(-600).timestamp()));
}

#[tokio::test]
async fn wrong_queries_are_refused() {
    let (aws, _) = simulated(Lateness::SETTLED);
    let many = |count: usize| {
        (0..count)
            .map(|one| cpu(&format!("q{one}"), "api", "Sum"))
            .collect()
    };
    let with = |change: fn(&mut Json)| {
        let mut query = cpu("a", "api", "Sum");
        change(&mut query);
        vec![query]
    };
    let refused = "ValidationError;Sender";
    let missing = "MissingParameter;Sender";
    let check = async |queries: Vec<Json>, from, to, expected: &str| {
        let reply = data(&aws, &queries, from, to).await;
        assert_eq!(
            reply.header("x-amzn-query-error"),
            expected,
            "{}",
            reply.text()
        );
    };
    check(many(500), -60, 0, "").await;
    check(many(501), -60, 0, refused).await;
    check(Vec::new(), -60, 0, missing).await;
    check(vec![cpu("a", "api", "Sum"); 2], -60, 0, refused).await;
    check(many(1), 0, 0, refused).await;
    check(many(1), 0, -60, refused).await;
    check(with(|one| one["Id"] = "1a".into()), -60, 0, refused).await;
    check(
        with(|one| one["Id"] = "a".repeat(256).into()),
        -60,
        0,
        refused,
    )
    .await;
    check(
        with(|one| one["Expression"] = "SUM(m1)".into()),
        -60,
        0,
        refused,
    )
    .await;
    check(
        with(|one| one["ReturnData"] = false.into()),
        -60,
        0,
        refused,
    )
    .await;
    check(with(|one| one["AccountId"] = "999".into()), -60, 0, refused).await;
    check(
        with(|one| one["MetricStat"]["Period"] = 61.into()),
        -60,
        0,
        refused,
    )
    .await;
    check(
        with(|one| one["MetricStat"]["Period"] = 0.into()),
        -60,
        0,
        refused,
    )
    .await;
    check(
        with(|one| one["MetricStat"]["Period"] = Json::Null),
        -60,
        0,
        missing,
    )
    .await;
    check(
        with(|one| one["MetricStat"]["Stat"] = "p99".into()),
        -60,
        0,
        refused,
    )
    .await;
    check(
        with(|one| one["MetricStat"]["Metric"]["MetricName"] = "".into()),
        -60,
        0,
        refused,
    )
    .await;
    let long = |one: &mut Json| {
        let value = "x".repeat(1025);
        one["MetricStat"]["Metric"]["Dimensions"][0]["Value"] = value.into();
    };
    check(with(long), -60, 0, refused).await;
    let reply = cloudwatch(
        &aws,
        "GetMetricData",
        json!({
            "MetricDataQueries": many(1),
            "StartTime": 0, "EndTime": 1, "NextToken": "0123456789abcdef00",
        }),
    );
    assert_eq!(
        reply.await.header("x-amzn-query-error"),
        "InvalidNextToken;Sender"
    );
}

#[tokio::test]
async fn statistics_are_answered_together_in_no_order() {
    let (aws, _) = simulated(Lateness::SETTLED);
    let mut input = metric("CPUUtilization", "web", Some("fast"));
    input["StartTime"] = at(-600).timestamp().into();
    input["EndTime"] = at(0).timestamp().into();
    input["Period"] = 60.into();
    input["Statistics"] = Statistic::ALL.map(Statistic::name).to_vec().into();
    let answer = cloudwatch(&aws, "GetMetricStatistics", input.clone())
        .await
        .json();
    let points = answer["Datapoints"].as_array().unwrap();
    assert_eq!(points.len(), 10);
    let mut times = Vec::new();
    for point in points {
        let time = point["Timestamp"].as_f64().unwrap() as i64 - at(0).timestamp();
        let set = truth(&aws, "fast", time).unwrap();
        for statistic in Statistic::ALL {
            let value = point[statistic.name()].as_f64().unwrap();
            assert!(same(value, set.get(statistic)));
        }
        assert_eq!(point["Unit"], "Percent");
        times.push(time);
    }
    assert!(!times.is_sorted() && !times.is_sorted_by(|one, next| one > next));
    let refused = async |name: &str, value: Json| {
        let mut input = input.clone();
        input[name] = value;
        let reply = cloudwatch(&aws, "GetMetricStatistics", input).await;
        reply.header("x-amzn-query-error").to_owned()
    };
    let combination = "InvalidParameterCombination;Sender";
    assert_eq!(
        refused("StartTime", at(-86_400).timestamp().into()).await,
        ""
    );
    assert_eq!(
        refused("StartTime", at(-86_460).timestamp().into()).await,
        combination
    );
    assert_eq!(
        refused("ExtendedStatistics", json!(["p99"])).await,
        combination
    );
    assert_eq!(
        refused("Statistics", json!(["Median"])).await,
        "InvalidParameterValue;Sender"
    );
    assert_eq!(
        refused("EndTime", at(-600).timestamp().into()).await,
        "InvalidParameterValue;Sender"
    );
    assert_eq!(refused("Unit", "Bytes".into()).await, "");
}
