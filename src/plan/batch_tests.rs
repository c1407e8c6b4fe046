use super::*;
use crate::config::pattern::Patterns;
use crate::model::catalog::Profile;
use crate::model::id::ClusterArn;
use crate::model::time::Minute;
use std::collections::HashSet;

fn cluster(name: &str, instances: i64) -> Cluster {
    Cluster {
        arn: ClusterArn::new(&format!("arn:aws:ecs:r:a:cluster/{name}")),
        name: name.into(),
        status: "ACTIVE".into(),
        running_tasks: 0,
        pending_tasks: 0,
        active_services: 0,
        container_instances: instances,
        capacity_providers: Vec::new(),
        container_insights: None,
        statistics: Default::default(),
        tags: Default::default(),
        read_at: minute(99),
    }
}

fn services(count: usize, running: i64) -> Vec<Service> {
    (0..count)
        .map(|n| Service {
            name: format!("s{n}").into(),
            desired: 1,
            running,
            pending: 0,
            deployments: 1,
            failed_tasks: None,
            revisions: Vec::new(),
            read_at: minute(99),
        })
        .collect()
}

fn minute(n: i64) -> Minute {
    Minute::of_seconds(n * 60)
}

/// Plans clusters that are all seen at minute 100 for the first time and read from `from`.
fn plan(
    clusters: &[(Cluster, Vec<Service>)],
    profile: Profile,
    from: i64,
    limit: usize,
) -> Vec<Batch> {
    let histories: Vec<History> = clusters
        .iter()
        .map(|(cluster, services)| {
            let mut history = History::default();
            history.observe(cluster, services);
            history
        })
        .collect();
    let readings: Vec<Reading<'_>> = clusters
        .iter()
        .zip(&histories)
        .map(|((cluster, services), history)| Reading {
            cluster,
            services,
            window: Window {
                from: minute(from),
                to: minute(101),
            },
            history,
            with_sample_count: false,
        })
        .collect();
    let selection = Selection {
        profile,
        container_insights: false,
        include: Patterns::default(),
        exclude: Patterns::default(),
    };
    batches(&readings, &selection, limit)
}

fn sizes(batches: &[Batch]) -> Vec<usize> {
    batches.iter().map(|batch| batch.series.len()).collect()
}

#[test]
fn every_request_is_full_but_the_last() {
    let fleet = [(cluster("web", 0), services(2_000, 1))];
    let sizes = sizes(&plan(&fleet, Profile::Compact, 100, 500));
    assert_eq!(sizes, [500; 8]);
}

#[test]
fn statistics_of_a_metric_are_never_torn_apart() {
    let fleet = [(cluster("web", 0), services(2_000, 1))];
    let batches = plan(&fleet, Profile::Standard, 100, 500);
    // Threes in 500: 166 metrics and two places that no whole metric fits in.
    assert_eq!(sizes(&batches)[..24], [498; 24]);
    assert_eq!(sizes(&batches)[24..], [12_000 - 24 * 498]);
    let mut home = std::collections::HashMap::new();
    for (number, batch) in batches.iter().enumerate() {
        for (_, series) in &batch.series {
            let Source::CloudWatch { metric, .. } = series.metric.metric().source else {
                panic!("{series:?} is not of CloudWatch");
            };
            let key = (series.service.clone(), metric);
            assert_eq!(*home.entry(key).or_insert(number), number);
        }
    }
}

#[test]
fn nothing_is_lost_and_nothing_asked_twice() {
    let fleet = [
        (cluster("web", 2), services(7, 1)),
        (cluster("db", 0), services(11, 1)),
    ];
    let batches = plan(&fleet, Profile::Full, 100, 10);
    let asked: Vec<_> = batches.iter().flat_map(|batch| &batch.series).collect();
    let distinct: HashSet<_> = asked.iter().collect();
    assert_eq!(asked.len(), distinct.len());
    assert_eq!(asked.len(), 12 + 7 * 6 + 11 * 6);
    assert!(sizes(&batches).iter().all(|size| *size <= 10));
}

#[test]
fn what_has_no_running_task_is_not_asked() {
    let fleet = [(cluster("web", 0), services(5, 0))];
    assert_eq!(plan(&fleet, Profile::Full, 100, 500), []);
}

#[test]
fn clusters_with_other_windows_get_requests_of_their_own() {
    let (web, db) = (cluster("web", 0), cluster("db", 0));
    let services = services(1, 1);
    let history = History::default();
    let reading = |cluster, from| Reading {
        cluster,
        services: &services,
        window: Window {
            from: minute(from),
            to: minute(101),
        },
        history: &history,
        with_sample_count: false,
    };
    let selection = Selection {
        profile: Profile::Compact,
        container_insights: false,
        include: Patterns::default(),
        exclude: Patterns::default(),
    };
    let batches = batches(&[reading(&web, 90), reading(&db, 40)], &selection, 500);
    let windows: Vec<i64> = batches.iter().map(|b| b.window.minutes()).collect();
    assert_eq!(windows, [61, 11]);
}

/// The number of samples travels with the CPU's statistics, whatever else is selected.
#[test]
fn the_number_of_samples_is_one_more_statistic() {
    let web = cluster("web", 0);
    let services = services(3, 1);
    let history = History::default();
    let reading = Reading {
        cluster: &web,
        services: &services,
        window: Window {
            from: minute(90),
            to: minute(101),
        },
        history: &history,
        with_sample_count: true,
    };
    for (profile, exclude, size) in [
        (Profile::Compact, "", 3),
        (Profile::Standard, "", 7),
        (Profile::Standard, "*.service_*", 1),
        (Profile::Standard, "*.running_task.*.count", 6),
    ] {
        let exclude = match exclude {
            "" => Patterns::default(),
            text => Patterns::new(vec![crate::config::pattern::Pattern::parse(text).unwrap()]),
        };
        let selection = Selection {
            profile,
            container_insights: false,
            include: Patterns::default(),
            exclude,
        };
        let planned = batches(std::slice::from_ref(&reading), &selection, 500);
        let asked: usize = sizes(&planned).iter().sum();
        assert_eq!(asked, 3 * size, "{profile:?}");
    }
}
