//! The life of a sidecar from the start of its task to the end.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use mackerel_ecs::demo::task::model::{Container, NetworkMode, Platform, Task};
use serde_json::json;

use super::sidecar::{APP_CPU, Place, fargate, locally, pass};
use crate::support::world::{NOON, at};

/// The names that mackerel-container-agent has for the values of such a task.
const NAMES: [&str; 10] = [
    "container.cpu.app.limit",
    "container.cpu.app.usage",
    "container.cpu.sidecar.limit",
    "container.cpu.sidecar.usage",
    "container.memory.app.limit",
    "container.memory.app.usage",
    "container.memory.sidecar.limit",
    "container.memory.sidecar.usage",
    "interface.eth1.rxBytes.delta",
    "interface.eth1.txBytes.delta",
];

#[tokio::test(start_paused = true)]
async fn a_task_is_a_host_from_its_start_to_its_end() {
    locally(async {
        let task = fargate();
        let mut place = Place::new(vec![task.clone()]);
        place.set("MACKEREL_ROLES", "shop:web, shop:all");
        place.set("MACKEREL_DISPLAY_NAME", "the web");
        place.set("MACKEREL_MEMO", "a memo");
        place.set("MACKEREL_HOST_STATUS_ON_START", "standby");
        let sidecar = place.start(&task.id).await;
        pass(600).await;
        let host = place.host();
        assert_eq!(host.name, task.id);
        assert_eq!(host.custom_identifier, Some(task.arn()));
        assert_eq!(host.display_name.as_deref(), Some("the web"));
        assert_eq!((&*host.memo, &*host.status), ("a memo", "standby"));
        let roles = [("shop", "all"), ("shop", "web")];
        assert_eq!(host.roles, roles.map(|(s, r)| (s.to_owned(), r.to_owned())));
        let agent = host.meta["agent-name"].as_str().unwrap();
        assert!(agent.starts_with("mackerel-ecs/"), "{agent}");
        assert_eq!(host.meta["cloud"]["provider"], "fargate");
        let facts = &host.meta["cloud"]["metadata"];
        assert_eq!(facts["task"], json!(task.id));
        assert_eq!(facts["limits"], json!({ "cpu": 0.5, "memory": 1024.0 }));
        assert_eq!(facts["containers"][0]["limits"]["memory"], 512.0);
        assert_eq!(facts["containers"][0]["type"], "NORMAL");

        assert_eq!(place.mackerel.metric_names(&host.id), NAMES);
        // Memory from the first reading on; what is a difference, from the second.
        let memory = place.minutes(&host.id, "container.memory.app.usage");
        let cpu = place.minutes(&host.id, APP_CPU);
        assert_eq!(memory.first(), Some(&0));
        assert_eq!(cpu, (*cpu.first().unwrap()..10).collect::<Vec<_>>());
        assert!(cpu.len() >= 9, "{cpu:?}");
        // One post a minute; one look at the statistics a minute, one at the task when needed.
        let posts = place.mackerel.requests().count("POST /api/v0/tsdb");
        assert!((10..=11).contains(&posts), "{posts}");
        let calls = place.tasks.calls();
        assert!((10..=11).contains(&calls[&format!("{}/stats", task.id)]));
        // At the start, with the first statistics, and for the refresh.
        assert_eq!(calls[&format!("{}/task", task.id)], 3);

        let second = place.seconds();
        sidecar.stop().await;
        assert!(place.seconds() - second <= 5);
        let host = &place.mackerel.hosts()[0];
        assert!(host.retired_at.is_some());
        // The last reading went out before that.
        let last = place.mackerel.points(&host.id, APP_CPU).last().unwrap().0;
        assert!(last >= NOON + second - 1, "{last}");
    })
    .await;
}

/// The values are those that the task's counters say.
#[tokio::test(start_paused = true)]
async fn the_values_are_the_tasks_own() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(1_800).await;
        let host = place.host();
        let app = &task.containers[0];
        let started = task.began + TimeDelta::seconds(app.starts_after);
        // Mackerel keeps minutes; what was posted has the second of the reading.
        let posted: Vec<(i64, f64)> = place
            .mackerel
            .requests()
            .records
            .iter()
            .filter(|request| request.template == "/api/v0/tsdb")
            .flat_map(|request| request.json.clone().unwrap().as_array().unwrap().clone())
            .filter(|point| point["hostId"] == json!(host.id) && point["name"] == APP_CPU)
            .map(|point| {
                (
                    point["time"].as_i64().unwrap(),
                    point["value"].as_f64().unwrap(),
                )
            })
            .collect();
        assert!(posted.len() > 25);
        // The first one is over less than a minute.
        for (time, value) in &posted[1..] {
            let used = |time| app.used(started, at(time)).cpu as f64;
            let expected = (used(*time) - used(*time - 60)) / 60e7;
            assert!((value - expected).abs() < 1e-6, "{value} {expected}");
        }
        sidecar.stop().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_version_of_the_endpoint() {
    locally(async {
        for version in ["v2", "v3", "v4"] {
            let task = fargate();
            let mut place = Place::new(vec![task.clone()]);
            place.version = version;
            let sidecar = place.start(&task.id).await;
            pass(180).await;
            let names = place.mackerel.metric_names(&place.host().id);
            assert_eq!(names, NAMES, "{version}");
            sidecar.stop().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_host_is_made_when_all_containers_have_started() {
    locally(async {
        let late = Container {
            starts_after: 400,
            ..Container::new("late", 0.1, 10)
        };
        let task = fargate().container(late);
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(330).await;
        assert_eq!(place.mackerel.hosts(), []);
        pass(150).await;
        let host = place.host();
        // What was read meanwhile has been kept.
        let minutes = place.minutes(&host.id, APP_CPU);
        assert_eq!(minutes[1..], (minutes[1]..8).collect::<Vec<_>>());
        assert!(minutes[0] <= 1);
        assert!(
            !place
                .minutes(&host.id, "container.memory.late.usage")
                .is_empty()
        );
        sidecar.stop().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn network_modes_on_ec2() {
    locally(async {
        let began = at(NOON) - TimeDelta::minutes(5);
        let task = |name: &str, mode| {
            Task::new(name, Platform::Ec2, mode, began)
                .container(Container::new("app", 0.2, 100))
                .container(Container::new("log", 0.1, 10))
        };
        let awsvpc = Task {
            containers: [
                vec![Container::pause()],
                task("c", NetworkMode::Awsvpc).containers,
            ]
            .concat(),
            ..task("c", NetworkMode::Awsvpc)
        };
        let cases = [
            (
                task("a", NetworkMode::Bridge),
                vec!["interface.app-eth0", "interface.log-eth0"],
            ),
            (task("b", NetworkMode::Host), vec![]),
            (awsvpc, vec!["interface.eth0"]),
        ];
        for (task, expected) in cases {
            let place = Place::new(vec![task.clone()]);
            let sidecar = place.start(&task.id).await;
            pass(180).await;
            let host = place.host();
            let names = place.mackerel.metric_names(&host.id);
            let interfaces: BTreeSet<&str> = names
                .iter()
                .filter_map(|name| name.strip_suffix(".rxBytes.delta"))
                .collect();
            assert_eq!(interfaces, expected.into_iter().collect());
            assert!(
                !names.iter().any(|name| name.contains("pause")),
                "{names:?}"
            );
            sidecar.stop().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_host_may_be_kept() {
    locally(async {
        let task = fargate();
        let mut place = Place::new(vec![task.clone()]);
        place.set("MACKEREL_ECS_TASK_RETIRE", "false");
        let sidecar = place.start(&task.id).await;
        pass(90).await;
        let host = place.host();
        sidecar.stop().await;
        assert_eq!(place.host().id, host.id);
    })
    .await;
}

/// A change of roles and names, and of what is measured, without a new host and without a gap.
#[tokio::test(start_paused = true)]
async fn a_change_of_the_setting_applies_at_once() {
    locally(async {
        let task = fargate();
        let mut place = Place::new(vec![task.clone()]);
        place.set("MACKEREL_ROLES", "shop:web,shop:all");
        let sidecar = place.start(&task.id).await;
        pass(240).await;
        let host = place.host();
        place.set("MACKEREL_ROLES", "shop:all,shop:new");
        place.set("MACKEREL_DISPLAY_NAME", "another");
        place.set(
            "MACKEREL_ECS_TASK_EXTRA_METRICS",
            "blockIo,ephemeralStorage",
        );
        sidecar.change(place.setting().await);
        pass(240).await;
        let changed = place.host();
        assert_eq!(changed.id, host.id);
        assert_eq!(changed.display_name.as_deref(), Some("another"));
        let roles = [("shop", "all"), ("shop", "new")];
        assert_eq!(
            changed.roles,
            roles.map(|(s, r)| (s.to_owned(), r.to_owned()))
        );
        let minutes = place.minutes(&host.id, APP_CPU);
        assert_eq!(minutes, (minutes[0]..8).collect::<Vec<_>>());
        let graphs: Vec<String> = place
            .mackerel
            .graph_defs()
            .into_iter()
            .map(|g| g.name)
            .collect();
        assert_eq!(
            graphs,
            ["custom.ecs.block_io.#", "custom.ecs.ephemeral_storage"]
        );
        for name in [
            "custom.ecs.block_io.app.read",
            "custom.ecs.ephemeral_storage.utilized",
        ] {
            assert!(!place.minutes(&host.id, name).is_empty(), "{name}");
        }
        sidecar.stop().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn containers_are_checked_where_that_is_asked_for() {
    locally(async {
        let restarted = Container {
            restarts_every: Some(900),
            ..Container::new("worker", 0.1, 50)
        };
        let task = fargate()
            .container(restarted)
            .container(Container::new("web", 0.1, 50).with_health_check());
        let mut place = Place::new(vec![task.clone()]);
        place.set("MACKEREL_ECS_TASK_CONTAINER_CHECKS", "true");
        let sidecar = place.start(&task.id).await;
        pass(300).await;
        let host = place.host();
        let state = |name: &str| {
            let checks = place.mackerel.checks(&host.id);
            let check = checks.into_iter().find(|check| check.name == name);
            check.map(|check| check.status.as_str())
        };
        assert_eq!(state("container-run-worker"), Some("OK"));
        assert_eq!(state("container-health-web"), Some("OK"));
        assert_eq!(state("container-health-app"), None);
        pass(660).await;
        assert_eq!(state("container-run-worker"), Some("WARNING"));
        pass(600).await;
        assert_eq!(state("container-run-worker"), Some("OK"));
        sidecar.stop().await;
    })
    .await;
}

/// Tasks that start together don't ask and post together.
#[tokio::test(start_paused = true)]
async fn each_task_has_a_second_of_its_own() {
    locally(async {
        let tasks: Vec<Task> = ["a", "b", "c", "d"]
            .map(|family| Task {
                id: format!("{family}000"),
                ..fargate()
            })
            .into();
        let place = Place::new(tasks.clone());
        let mut sidecars = Vec::new();
        for task in &tasks {
            sidecars.push(place.start(&task.id).await);
        }
        pass(600).await;
        let mut seconds: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        for request in place.mackerel.requests().records {
            let Some(point) = request.json.as_ref().and_then(|json| json.get(0)) else {
                continue;
            };
            let time = point["time"].as_i64().unwrap();
            // The first reading is at the start.
            if time > NOON + 120 {
                let host = point["hostId"].as_str().unwrap().to_owned();
                seconds.entry(host).or_default().insert(time % 60);
            }
        }
        assert_eq!(seconds.len(), 4);
        assert!(
            seconds.values().all(|seconds| seconds.len() == 1),
            "{seconds:?}"
        );
        let different: BTreeSet<i64> = seconds.into_values().flatten().collect();
        assert_eq!(different.len(), 4, "{different:?}");
        assert!(different.iter().all(|second| (21..58).contains(second)));
        for sidecar in sidecars {
            sidecar.stop().await;
        }
    })
    .await;
}
