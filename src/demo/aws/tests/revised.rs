//! Minutes that change once after they had settled, against what the fleet says of both values.

use crate::demo::aws::SimulatedAws;
use crate::demo::aws::fleet::revised::Revised;
use crate::demo::aws::fleet::statistics::{Metric, Statistic, StatisticSet};
use crate::demo::aws::options::Lateness;
use crate::demo::aws::tests::client::{at, cpu, metric, points, query, same};
use crate::demo::aws::tests::cloudwatch::simulated;

const CPU: Metric = Metric::CpuUtilization;

/// The first and the final truth of a minute, and after how many seconds the one gives way to the
/// other.
type Truth = (Option<u32>, Option<StatisticSet>, Option<StatisticSet>);

fn truth_of_service(aws: &SimulatedAws, name: &str, minute: i64, revised: Revised) -> Truth {
    let cluster = aws.fleet().any_cluster("web").unwrap();
    let service = cluster.service_at(name, at(minute)).unwrap();
    (
        service.revised_after(CPU, at(minute), Some(revised)),
        service.first_statistics(CPU, at(minute), Some(revised)),
        service.statistics(CPU, at(minute)),
    )
}

fn truth_of_cluster(aws: &SimulatedAws, minute: i64, revised: Revised) -> Truth {
    let cluster = aws.fleet().any_cluster("batch").unwrap();
    (
        cluster.revised_after(CPU, at(minute), Some(revised)),
        cluster.first_statistics(CPU, at(minute), Some(revised)),
        cluster.statistics(CPU, at(minute)),
    )
}

#[tokio::test]
async fn a_revised_minute_changes_once_at_its_moment() {
    let revised = Revised {
        percent: 50,
        ..Revised::SOME
    };
    let (aws, hands) = simulated(Lateness::SETTLED.revised(revised));
    let mut changed = 0;
    for minute in (-1200..0).step_by(60) {
        for name in ["api", "fast"] {
            let (after, first, last) = truth_of_service(&aws, name, minute, revised);
            for statistic in Statistic::ALL {
                for passed in (60..=420).step_by(10) {
                    hands.set(minute + passed);
                    let asked = cpu("a", name, statistic.name());
                    let found = points(&aws, asked, minute, minute + 60).await;
                    let is_last = after.is_none_or(|after| passed >= i64::from(after));
                    let set = if is_last { last } else { first };
                    let expected = set.unwrap().get(statistic);
                    assert!(same(found[0].1, expected), "{name} after {passed} s");
                }
            }
            changed += u32::from(first != last);
            assert_eq!(after.is_some(), first != last);
            assert!(after.is_none_or(|after| (150..=400).contains(&after)));
        }
    }
    assert!((10..=30).contains(&changed), "{changed} of 40");
}

#[tokio::test]
async fn clusters_and_statistics_over_longer_periods_are_revised_too() {
    let all = Revised {
        percent: 100,
        ..Revised::SOME
    };
    let (aws, hands) = simulated(Lateness::SETTLED.revised(all));
    let (after, first, last) = truth_of_cluster(&aws, 0, all);
    let after = i64::from(after.unwrap());
    assert_ne!(first, last);
    for (passed, set) in [(after - 1, first), (after, last)] {
        hands.set(passed);
        let asked = query("a", metric("CPUUtilization", "batch", None), "Sum", 60);
        let found = points(&aws, asked, 0, 60).await;
        assert!(same(found[0].1, set.unwrap().sum), "after {passed} s");
    }
    let sum = |last: bool| {
        let minutes = (0..5).map(|minute| truth_of_service(&aws, "api", minute * 60, all));
        let sets = minutes.map(|(_, first, final_one)| if last { final_one } else { first });
        sets.map(|set| set.unwrap().sum).sum::<f64>()
    };
    hands.set(3600);
    let asked = query(
        "a",
        metric("CPUUtilization", "web", Some("api")),
        "Sum",
        300,
    );
    let found = points(&aws, asked, 0, 300).await;
    assert!(same(found[0].1, sum(true)));
    assert!(!same(sum(true), sum(false)));
}

#[tokio::test]
async fn a_revision_before_a_minute_settles_is_not_seen() {
    let early = Revised {
        percent: 100,
        earliest: 0,
        latest: 100,
    };
    let (aws, hands) = simulated(Lateness::REALISTIC.revised(early));
    let (_, _, last) = truth_of_service(&aws, "api", 0, early);
    for passed in [170, 250, 400] {
        hands.set(passed);
        let found = points(&aws, cpu("a", "api", "Sum"), 0, 60).await;
        assert!(same(found[0].1, last.unwrap().sum));
    }
}

#[test]
fn as_many_minutes_are_revised_as_are_to_be() {
    let (aws, _) = simulated(Lateness::SETTLED);
    for (percent, least, most) in [(0, 0, 0), (10, 150, 250), (100, 2000, 2000)] {
        let revised = Revised {
            percent,
            ..Revised::SOME
        };
        let minutes = (0..2000).map(|minute| truth_of_service(&aws, "api", minute * 60, revised));
        let count = minutes.filter(|(after, _, _)| after.is_some()).count();
        assert!((least..=most).contains(&count), "{count} of 2000");
    }
    let cluster = aws.fleet().any_cluster("web").unwrap();
    let api = cluster.service_at("api", at(0)).unwrap();
    assert_eq!(api.revised_after(CPU, at(0), None), None);
    assert_eq!(
        api.first_statistics(CPU, at(0), None),
        api.statistics(CPU, at(0))
    );
}
