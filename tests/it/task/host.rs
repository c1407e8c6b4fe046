//! What Mackerel is told of the host.

use mackerel_ecs::task::host::{Extent, Surroundings, host_param};
use mackerel_ecs::task::metadata::Task;
use mackerel_ecs::task::setting::Setting;
use mackerel_ecs::task::setting::load::Loader;
use mackerel_ecs::transport::Transport;
use serde_json::{Value, json};

use super::metrics::read;

async fn setting(variables: &[(&str, &str)]) -> Setting {
    let mut environment = vec![("MACKEREL_APIKEY".to_owned(), "key".to_owned())];
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    environment.extend(variables.iter().map(owned));
    let loader = Loader::new(&environment, Transport::local()).unwrap();
    loader.load().await.unwrap().setting
}

fn told(folder: &str, execution: Option<&str>, setting: &Setting, extent: Extent) -> Value {
    let task = Task::parse(&read(&format!("{folder}/task.json"))).unwrap();
    let surroundings = Surroundings {
        execution: execution.map(str::to_owned),
        machine_name: Some("machine".to_owned()),
        ..Surroundings::default()
    };
    json!(host_param(&task, &surroundings, setting, extent))
}

/// The whole of it, literally: under the names of mackerel-container-agent, without labels that
/// are not ECS's own and without the containers that are left out.
#[tokio::test]
async fn a_task_on_fargate() {
    let setting = setting(&[
        ("MACKEREL_ROLES", "shop:web"),
        ("MACKEREL_MEMO", "a memo"),
        ("MACKEREL_IGNORE_CONTAINER", "^(late|mackerel-ecs)$"),
        ("MACKEREL_ECS_TASK_CONTAINER_CHECKS", "true"),
    ])
    .await;
    let mut host = told("fargate", Some("AWS_ECS_FARGATE"), &setting, Extent::All);
    let agent = host["meta"].as_object_mut().unwrap().remove("agent-name");
    assert!(
        agent
            .unwrap()
            .as_str()
            .unwrap()
            .starts_with("mackerel-ecs/")
    );
    host["meta"]
        .as_object_mut()
        .unwrap()
        .remove("agent-version");
    let arn = "arn:aws:ecs:us-east-1:111122223333:task/prod/0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    let container = json!({
        "docker_id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9-0000000001",
        "docker_name": "app",
        "name": "app",
        "image": "example/web:7",
        "image_id": "sha256:1111",
        "labels": {"com.amazonaws.ecs.container-name": "app"},
        "desired_status": "RUNNING",
        "known_status": "RUNNING",
        "limits": {"cpu": 2.0, "memory": 512.0},
        "created_at": "2026-11-22T11:50:10Z",
        "started_at": "2026-11-22T11:50:11Z",
        "type": "NORMAL",
        "networks": [{"network_mode": "awsvpc", "ipv4_addresses": ["10.0.2.106"]}],
        "health": {"status": 1, "status_since": "2026-11-22T11:51:00Z", "output": "ok"},
    });
    let cloud = json!({"provider": "fargate", "metadata": {
        "cluster": "arn:aws:ecs:us-east-1:111122223333:cluster/prod",
        "task": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "task_arn": arn,
        "task_family": "web",
        "task_version": "7",
        "desired_status": "RUNNING",
        "known_status": "RUNNING",
        "pull_started_at": "2026-11-22T11:50:00.1Z",
        "pull_stopped_at": "2026-11-22T11:50:09.2Z",
        "limits": {"cpu": 0.5, "memory": 1024.0},
        "containers": [container],
    }});
    let expected = json!({
        "name": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "customIdentifier": arn,
        "memo": "a memo",
        "roleFullnames": ["shop:web"],
        "checks": [
            {"name": "container-run-app", "memo": "whether the container runs, without a restart"},
            {"name": "container-health-app", "memo": "the container's own health check"},
        ],
        "meta": {"cpu": [], "cloud": cloud},
    });
    assert_eq!(host, expected);
}

/// An update of facts has nothing that people may have changed on Mackerel.
#[tokio::test]
async fn an_update_of_facts() {
    let variables = [("MACKEREL_ROLES", "shop:web"), ("MACKEREL_MEMO", "a memo")];
    let setting = setting(&variables).await;
    let host = told("fargate", None, &setting, Extent::Facts);
    for name in ["roleFullnames", "memo", "displayName"] {
        assert_eq!(host[name], Value::Null, "{name}");
    }
    assert_ne!(host["meta"]["cloud"]["metadata"], Value::Null);
}

/// The environment's word counts, if it is a known one; else the endpoint's; else, without either,
/// it is a machine elsewhere, as mackerel-container-agent has it.
#[tokio::test]
async fn the_platform() {
    let setting = setting(&[]).await;
    let provider = |folder: &str, execution: Option<&str>| {
        let host = told(folder, execution, &setting, Extent::All);
        host["meta"]["cloud"]["provider"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(provider("ec2-bridge", Some("AWS_ECS_EC2")), "ecs");
    assert_eq!(provider("fargate", Some("AWS_ECS_FARGATE")), "fargate");
    let managed = Some("AWS_ECS_MANAGED_INSTANCES");
    assert_eq!(provider("ec2-host", managed), "ecs-managed");
    assert_eq!(provider("ec2-bridge", None), "ecs-anywhere");
    assert_eq!(provider("anywhere", None), "ecs-anywhere");
    assert_eq!(provider("fargate", None), "fargate");
    assert_eq!(provider("fargate", Some("AWS_ECS_NEWER")), "fargate");
    assert_eq!(provider("ec2-bridge", Some("AWS_ECS_NEWER")), "ecs");
}
