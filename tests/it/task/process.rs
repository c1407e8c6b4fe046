//! The program itself as a sidecar: a process with an environment, a file and signals.

use std::sync::Arc;
use std::time::Duration;

use mackerel_ecs::demo::serve::serve;
use mackerel_ecs::demo::task::SimulatedTasks;
use tokio::process::Child;

use super::sidecar::fargate;
use crate::support::program::{Program, end};
use crate::support::web::{Web, text};
use crate::support::world::{API_KEY, at, local_mackerel, real_now};

/// How much faster than real the time passes.
const SPEED: i64 = 120;

const CONFIG: &str = r#"
roles: ["shop:web"]
ignoreContainer: ^sidecar$
plugin:
  metrics:
    queue:
      command: 'test -z "$MACKEREL_AGENT_PLUGIN_META" && printf "jobs.waiting\t7\t0\njobs.odd\tnan\t0\n"'
    broken:
      command: [/nonexistent]
  checks:
    disk:
      command: echo almost full; exit 1
      memo: how full the disk is
rolez: {}
"#;

#[tokio::test]
async fn a_sidecar_with_plugins_from_its_start_to_sigterm() {
    let since = real_now().timestamp();
    let clock = Arc::new(move || at(since) + (real_now() - at(since)) * SPEED as i32);
    let (mackerel, mackerel_url) = local_mackerel(clock.clone(), |options| options).await;
    let mut task = fargate();
    task.began = at(since - 600);
    let id = task.id.clone();
    let tasks = SimulatedTasks::new(vec![task], clock);
    let address = serve(tasks.router(), 0).await.unwrap();
    let folder = std::env::temp_dir().join(format!("mackerel-ecs-sidecar-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let config = folder.join("agent.yaml");
    std::fs::write(&config, format!("root: {}\n{CONFIG}", folder.display())).unwrap();

    let child = Program::new(&format!("task --hurry {SPEED}@{since}"))
        .env(
            "ECS_CONTAINER_METADATA_URI_V4",
            &format!("http://{address}/v4/{id}"),
        )
        .env("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")
        .env("MACKEREL_CONTAINER_PLATFORM", "ecs")
        .env("MACKEREL_APIKEY", API_KEY)
        .env(
            "MACKEREL_APIBASE",
            &mackerel_url.replace("127.0.0.1", "localhost"),
        )
        .env("MACKEREL_AGENT_CONFIG", &config.display().to_string())
        // Nothing listens there: the endpoint must be asked directly, whatever it is called.
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("NO_PROXY", "localhost")
        .start();
    let points = |name: &str| {
        let hosts = mackerel.hosts();
        hosts
            .first()
            .map_or(0, |host| mackerel.points(&host.id, name).len())
    };
    let wait = async {
        while points("container.cpu.app.usage") < 3 || points("custom.jobs.waiting") < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(40), wait).await;
    let host = mackerel.hosts().into_iter().next();
    // Mackerel forgets a host's checks with the host.
    let checks = host.as_ref().map(|host| mackerel.checks(&host.id));
    let checks = checks.unwrap_or_default();
    let kept = std::fs::read_to_string(folder.join("id")).unwrap_or_default();
    terminate(&child);
    let ended = end(child).await.expect_status(0);
    assert!(waited.is_ok(), "{}", ended.stderr);
    let host = host.unwrap();
    assert_eq!(kept, host.id);
    assert!(!folder.join("id").exists());
    assert!(mackerel.hosts()[0].retired_at.is_some());
    let names = mackerel.metric_names(&host.id);
    assert!(
        !names
            .iter()
            .any(|name| name.contains("sidecar") || name.contains("odd"))
    );
    let check = checks.iter().find(|check| check.name == "disk").unwrap();
    let said = (check.status.as_str(), &*check.message);
    assert_eq!(said, ("WARNING", "almost full\n"));
    assert_eq!(check.memo, "how full the disk is");
    ended.expect_said("did you mean `roles`?");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Sends SIGTERM.
fn terminate(child: &Child) {
    let id = child.id().unwrap().to_string();
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-s", "TERM", &id]).status().unwrap().success());
}

#[tokio::test]
async fn a_mistake_is_told_before_anything_is_done() {
    let ended = Program::new("task").run().await.expect_status(2);
    ended.expect_said("MACKEREL_APIKEY");
    // A task definition of mackerel-container-agent with another image names no command.
    let ended = Program::new("")
        .env("MACKEREL_APIKEY", API_KEY)
        .env("MACKEREL_CONTAINER_PLATFORM", "kubernetes")
        .run()
        .await
        .expect_status(2);
    let ended = ended.expect_said("kubernetes");
    assert!(!ended.stderr.contains(API_KEY));
}

/// A configuration that a server does not give yet is waited for, but not by a signal.
#[tokio::test]
async fn a_signal_while_the_configuration_is_waited_for() {
    let web = Web::start(|_, _| text(503, "")).await;
    let child = Program::new("task")
        .env("MACKEREL_APIKEY", API_KEY)
        .env("MACKEREL_AGENT_CONFIG", &format!("{}/agent.yaml", web.url))
        .start();
    while web.asked().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    terminate(&child);
    end(child)
        .await
        .expect_status(0)
        .expect_said("trying again");
}
