//! What goes wrong around a sidecar: the endpoint, the registration, a restart of itself.

use std::time::Duration;

use mackerel_ecs::demo::task::fault::{Fault, FaultKind};
use mackerel_ecs::demo::task::model::Container;
use mackerel_ecs::task::plugin::Command;
use mackerel_ecs::task::probe::{Attempt, Probe};

use super::sidecar::{APP_CPU, Place, fargate, locally, pass};

#[tokio::test(start_paused = true)]
async fn a_registration_is_tried_until_it_succeeds() {
    locally(async {
        for code in [429, 500, 503] {
            let task = fargate();
            let place = Place::new(vec![task.clone()]);
            place.fail("POST", "/hosts", code, Some(4));
            let sidecar = place.start(&task.id).await;
            pass(180).await;
            let host = place.host();
            assert!(!place.minutes(&host.id, APP_CPU).is_empty(), "{code}");
            sidecar.stop().await;
        }
    })
    .await;
}

/// A key that is refused ends nobody: the sidecar waits for a change of the setting.
#[tokio::test(start_paused = true)]
async fn a_wrong_key_is_mended_by_a_change_of_the_setting() {
    locally(async {
        let task = fargate();
        let mut place = Place::new(vec![task.clone()]);
        let good = place.setting().await;
        place.set("MACKEREL_APIKEY", "wrong");
        let sidecar = place.start(&task.id).await;
        pass(1_500).await;
        assert_eq!(place.mackerel.hosts(), []);
        // Asked seldom, for somebody has to mend it first.
        let asked = place.mackerel.requests().records.len();
        assert!((2..=26).contains(&asked), "{asked}");
        sidecar.change(good);
        pass(30).await;
        let host = place.host();
        let minutes = place.minutes(&host.id, APP_CPU);
        assert_eq!(minutes, (minutes[0]..25).collect::<Vec<_>>());
        assert!(minutes[0] <= 1);
        sidecar.stop().await;
    })
    .await;
}

/// Killed and started again without the file, the task finds its host by its identifier.
#[tokio::test(start_paused = true)]
async fn a_restart_finds_the_host_again() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let first = place.start(&task.id).await;
        pass(180).await;
        let host = place.host();
        first.kill().await;
        let second = place.start(&task.id).await;
        pass(180).await;
        assert_eq!(place.host().id, host.id);
        second.stop().await;
        assert_eq!(place.living(), []);
    })
    .await;
}

/// The file with the id, as mackerel-container-agent leaves it.
#[tokio::test(start_paused = true)]
async fn the_file_with_the_id() {
    locally(async {
        let root = std::env::temp_dir().join(format!("mackerel-ecs-id-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let file = root.join("id");
        let task = fargate();
        let mut place = Place::new(vec![task.clone()]);
        place.set("MACKEREL_HOST_ID_STORE", "file");
        place.environment.push(("MACKEREL_AGENT_CONFIG".into(), {
            let config = root.join("config.yaml");
            std::fs::write(&config, format!("root: {}\n", root.display())).unwrap();
            config.display().to_string()
        }));

        // A host without an identifier, as the agent makes it, is taken over.
        let id = place
            .create_host(r#"{"name":"left by the agent","meta":{}}"#)
            .await;
        std::fs::write(&file, format!("{id}\r\n")).unwrap();
        let sidecar = place.start(&task.id).await;
        pass(60).await;
        let host = place.host();
        assert_eq!((&host.id, &host.name), (&id, &task.id));
        assert_eq!(host.custom_identifier, Some(task.arn()));
        sidecar.stop().await;
        assert!(!file.exists());
        assert_eq!(place.living(), []);

        // A retired host, another task's, an empty file, and what is no id: a new host each time.
        let other = place
            .create_host(
                r#"{"name":"b","meta":{},"customIdentifier":"arn:aws:ecs:r:1:task/c/other"}"#,
            )
            .await;
        for kept in [id.as_str(), other.as_str(), "", "no id\n"] {
            std::fs::write(&file, kept).unwrap();
            let sidecar = place.start(&task.id).await;
            pass(60).await;
            let mut hosts = place.living();
            hosts.retain(|host| host.id != other);
            assert_eq!(hosts.len(), 1, "{kept:?}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), hosts[0].id);
            sidecar.stop().await;
        }
        std::fs::remove_dir_all(&root).unwrap();
    })
    .await;
}

/// Each kind of failure costs the minute that it befalls and no other, and no value is strange.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_fails() {
    locally(async {
        let kinds = [
            FaultKind::Status(500),
            FaultKind::Status(404),
            FaultKind::Hang,
            FaultKind::Null,
            FaultKind::Empty,
            FaultKind::Cut,
        ];
        for kind in kinds {
            let task = fargate();
            let place = Place::new(vec![task.clone()]);
            let sidecar = place.start(&task.id).await;
            pass(300).await;
            place.tasks.inject(Fault::of("stats", kind).times(1));
            pass(300).await;
            let host = place.host();
            let points = place.mackerel.points(&host.id, APP_CPU);
            assert!(
                points.iter().all(|(_, value)| (1.0..=40.0).contains(value)),
                "{points:?}"
            );
            let minutes = place.minutes(&host.id, APP_CPU);
            let missing: Vec<i64> = (minutes[0]..10).filter(|m| !minutes.contains(m)).collect();
            assert_eq!(missing, [5], "{kind:?}");
            sidecar.stop().await;
        }
    })
    .await;
}

/// Too many requests: the same minute is tried again, a little later and not often.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_throttles() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(300).await;
        place
            .tasks
            .inject(Fault::of("stats", FaultKind::Throttle).times(2));
        pass(300).await;
        let host = place.host();
        let minutes = place.minutes(&host.id, APP_CPU);
        assert_eq!(minutes, (minutes[0]..10).collect::<Vec<_>>());
        let before = place.tasks.calls()[&format!("{}/stats", task.id)];
        place.tasks.inject(Fault::of("stats", FaultKind::Throttle));
        pass(600).await;
        let asked = place.tasks.calls()[&format!("{}/stats", task.id)] - before;
        assert_eq!(asked, 30);
        sidecar.stop().await;
    })
    .await;
}

/// A container that comes while the endpoint does not tell of the task is measured once it does.
#[tokio::test(start_paused = true)]
async fn a_container_that_comes_while_the_endpoint_throttles() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(900).await;
        place
            .tasks
            .inject(Fault::of("task", FaultKind::Throttle).times(2));
        let late = Container {
            starts_after: 960,
            ..Container::new("late", 0.1, 10)
        };
        place
            .tasks
            .change(&task.id, |task| task.containers.push(late));
        pass(300).await;
        let minutes = place.minutes(&place.host().id, "container.memory.late.usage");
        assert_eq!(
            minutes,
            [17, 18, 19],
            "two minutes were lost with the answers"
        );
        sidecar.stop().await;
    })
    .await;
}

/// A probe that waits for the wrong thing is mended by a change of the setting.
#[tokio::test(start_paused = true)]
async fn another_probe_takes_the_place_of_one_that_fails() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let attempt = |words: &[&str]| Probe {
            attempt: Attempt::Exec(Command {
                words: words.iter().map(|word| (*word).to_owned()).collect(),
                user: None,
                environment: Default::default(),
                timeout: Duration::from_secs(1),
            }),
            initial_delay: Duration::ZERO,
            period: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
        };
        let mut setting = place.setting().await;
        setting.readiness_probe = Some(attempt(&["/nonexistent"]));
        let sidecar = place.start_with(&task.id, setting.clone());
        pass(300).await;
        assert!(place.living().is_empty());
        setting.readiness_probe = None;
        sidecar.change(setting);
        pass(30).await;
        let host = place.host();
        assert!(
            place.minutes(&host.id, APP_CPU).len() >= 4,
            "readings are kept meanwhile"
        );
        sidecar.stop().await;
    })
    .await;
}

/// The endpoint may come up after the sidecar.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_late() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        place
            .tasks
            .inject(Fault::of("task", FaultKind::Status(404)).times(5));
        place
            .tasks
            .inject(Fault::of("task", FaultKind::Empty).times(1));
        let sidecar = place.start(&task.id).await;
        pass(180).await;
        assert!(!place.minutes(&place.host().id, APP_CPU).is_empty());
        sidecar.stop().await;
    })
    .await;
}

/// A container that is restarted again and again never makes a huge value.
#[tokio::test(start_paused = true)]
async fn restarts_yield_no_point() {
    locally(async {
        let restarted = Container {
            restarts_every: Some(150),
            ..Container::new("crash", 0.3, 50)
        };
        let task = fargate().container(restarted);
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(1_800).await;
        let host = place.host();
        let points = place.mackerel.points(&host.id, "container.cpu.crash.usage");
        assert!(points.len() > 10 && points.len() < 24, "{points:?}");
        assert!(
            points.iter().all(|(_, value)| (0.0..=50.0).contains(value)),
            "{points:?}"
        );
        let minutes = place.minutes(&host.id, APP_CPU);
        assert_eq!(minutes, (minutes[0]..30).collect::<Vec<_>>());
        sidecar.stop().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_task_of_which_all_is_ignored() {
    locally(async {
        let task = fargate();
        let mut place = Place::new(vec![task.clone()]);
        place.set("MACKEREL_IGNORE_CONTAINER", ".");
        let sidecar = place.start(&task.id).await;
        pass(180).await;
        let names = place.mackerel.metric_names(&place.host().id);
        assert_eq!(
            names,
            [
                "interface.eth1.rxBytes.delta",
                "interface.eth1.txBytes.delta"
            ]
        );
        sidecar.stop().await;
    })
    .await;
}
