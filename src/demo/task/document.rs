//! The task's metadata as JSON. What is optional is left out rather than null, as the agent does.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::Version;
use super::model::{Container, NetworkMode, Platform, State, Task};

/// The metadata of a task and its containers.
pub fn task(task: &Task, version: Version, now: DateTime<Utc>) -> Value {
    let status = match task.is_running(now) {
        true => "RUNNING",
        false => "PENDING",
    };
    let containers: Vec<Value> = task
        .containers
        .iter()
        .map(|own| container(task, own, version, now))
        .collect();
    let mut document = json!({
        "Cluster": task.cluster_as_told(),
        "TaskARN": task.arn(),
        "Family": task.family,
        "Revision": "7",
        "DesiredStatus": "RUNNING",
        "KnownStatus": status,
        "PullStartedAt": moment(task.began),
        "PullStoppedAt": moment(task.began),
        "AvailabilityZone": "ap-northeast-1a",
        "Containers": containers,
    });
    let mut add = |name: &str, value: Value| {
        if let Value::Object(map) = &mut document {
            map.insert(name.to_owned(), value);
        }
    };
    if let Some((cpu, memory)) = task.limits {
        add("Limits", json!({ "CPU": cpu, "Memory": memory }));
    }
    if let Some(ends) = task.ends.filter(|ends| *ends <= now) {
        add("DesiredStatus", json!("STOPPED"));
        add("ExecutionStoppedAt", json!(moment(ends)));
    }
    if version == Version::V4 {
        let launch_type = match task.platform {
            Platform::Fargate => "FARGATE",
            Platform::Ec2 => "EC2",
            Platform::ManagedInstances => "MANAGED_INSTANCES",
            Platform::Anywhere => "EXTERNAL",
        };
        add("LaunchType", json!(launch_type));
        if task.platform == Platform::Fargate {
            let storage = json!({ "Utilized": 261, "Reserved": 20_496 });
            add("EphemeralStorageMetrics", storage);
            let drift =
                json!({ "ClockErrorBound": 0.5, "ClockSynchronizationStatus": "SYNCHRONIZED" });
            add("ClockDrift", drift);
        }
    }
    document
}

fn container(task: &Task, container: &Container, version: Version, now: DateTime<Utc>) -> Value {
    let docker_id = task.docker_id(container);
    let mut map = Map::new();
    let mut add = |name: &str, value: Value| _ = map.insert(name.to_owned(), value);
    add("DockerId", json!(docker_id));
    add("Name", json!(container.name));
    let docker_name = format!("ecs-{}-7-{}", task.family, container.name);
    add("DockerName", json!(docker_name));
    let image = match container.is_pause {
        true => "amazon/amazon-ecs-pause:0.1.0".to_owned(),
        false => format!("example/{}:1.0", container.name),
    };
    add("Image", json!(image));
    add("ImageID", json!(""));
    let labels = json!({
        "com.amazonaws.ecs.cluster": task.cluster_as_told(),
        "com.amazonaws.ecs.container-name": container.name,
        "com.amazonaws.ecs.task-arn": task.arn(),
        "com.amazonaws.ecs.task-definition-family": task.family,
        "com.amazonaws.ecs.task-definition-version": "7",
    });
    add("Labels", labels);
    // A container without a CPU setting shows the least share, 2.
    let memory = container.memory_limit.unwrap_or(0);
    add("Limits", json!({ "CPU": 2, "Memory": memory }));
    let kind = match container.is_pause {
        true => "CNI_PAUSE",
        false => "NORMAL",
    };
    add("Type", json!(kind));
    let (mode, address) = match task.network {
        NetworkMode::Awsvpc => ("awsvpc", Some("10.0.2.106")),
        NetworkMode::Bridge => ("bridge", Some("172.17.0.2")),
        NetworkMode::Host => ("host", None),
    };
    let mut network = json!({ "NetworkMode": mode });
    if let (Some(address), Value::Object(network)) = (address, &mut network) {
        network.insert("IPv4Addresses".to_owned(), json!([address]));
    }
    add("Networks", json!([network]));
    let state = task.state(container, now);
    let known = match state {
        State::Pending => "PULLED",
        State::Running(..) => "RUNNING",
        State::Stopped(..) => "STOPPED",
    };
    add("DesiredStatus", json!("RUNNING"));
    add("KnownStatus", json!(known));
    if let State::Running(since, restarts) = state {
        add("CreatedAt", json!(moment(task.began)));
        add("StartedAt", json!(moment(since)));
        if version == Version::V4 && container.restarts_every.is_some() {
            add("RestartCount", json!(restarts));
        }
        if container.has_health_check {
            let health = json!({
                "status": "HEALTHY",
                "statusSince": moment(since),
                "output": "ok",
            });
            add("Health", health);
        }
    }
    if let State::Stopped(at, code) = state {
        add("CreatedAt", json!(moment(task.began)));
        add("StartedAt", json!(moment(task.began)));
        add("FinishedAt", json!(moment(at)));
        add("ExitCode", json!(code));
    }
    if version == Version::V4 && !container.is_pause {
        let arn = task.arn().replacen(":task/", ":container/", 1);
        add("ContainerARN", json!(format!("{arn}/{docker_id}")));
        add("LogDriver", json!("awslogs"));
    }
    Value::Object(map)
}

/// A time as the endpoint writes it.
pub fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}
