//! Task definitions before and after, and those that are refused.

use serde_json::{Value, json};

use super::*;

const KEY: &str = "arn:aws:ssm:ap-northeast-1:111122223333:parameter/mackerel/apikey";

fn sidecar() -> Sidecar {
    Sidecar {
        name: "mackerel-ecs".into(),
        image: "example.com/mackerel-ecs:0.1.0".into(),
        api_key_arn: KEY.into(),
        roles: Some("shop:web".into()),
        environment: Vec::new(),
        memory: 64,
        cpu: 0,
    }
}

/// What describe-task-definition prints, with its fields in AWS's order.
fn described() -> Value {
    json!({
        "taskDefinition": {
            "taskDefinitionArn": "arn:aws:ecs:ap-northeast-1:111122223333:task-definition/web:7",
            "containerDefinitions": [{
                "name": "web",
                "image": "nginx:1.29",
                "cpu": 0,
                "memory": 256,
                "portMappings": [{ "containerPort": 80, "hostPort": 80, "protocol": "tcp" }],
                "essential": true,
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": { "awslogs-group": "/ecs/web", "awslogs-stream-prefix": "web" }
                }
            }],
            "family": "web",
            "executionRoleArn": "arn:aws:iam::111122223333:role/web-execution",
            "networkMode": "awsvpc",
            "revision": 7,
            "volumes": [],
            "status": "ACTIVE",
            "requiresAttributes": [{ "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18" }],
            "compatibilities": ["EC2", "FARGATE"],
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "registeredAt": "2026-11-22T12:00:00+09:00",
            "registeredBy": "arn:aws:iam::111122223333:user/ops"
        },
        "tags": [{ "key": "Team", "value": "shop" }]
    })
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_description_becomes_what_can_be_registered_in_its_order() {
    let after = inject(&described(), &sidecar()).unwrap();
    assert_eq!(
        keys(&after),
        [
            "containerDefinitions",
            "family",
            "executionRoleArn",
            "networkMode",
            "volumes",
            "requiresCompatibilities",
            "cpu",
            "memory",
            "tags"
        ]
    );
    assert_eq!(
        after["containerDefinitions"][0],
        described()["taskDefinition"]["containerDefinitions"][0]
    );
    assert_eq!(
        after["containerDefinitions"][1],
        json!({
            "name": "mackerel-ecs",
            "image": "example.com/mackerel-ecs:0.1.0",
            "command": ["task"],
            "essential": false,
            "cpu": 0,
            "memory": 64,
            "environment": [
                { "name": "MACKEREL_CONTAINER_PLATFORM", "value": "ecs" },
                { "name": "MACKEREL_ROLES", "value": "shop:web" }
            ],
            "secrets": [{ "name": "MACKEREL_APIKEY", "valueFrom": KEY }],
            "user": "65532:65532",
            "readonlyRootFilesystem": true,
            "linuxParameters": { "capabilities": { "drop": ["ALL"] } },
            "stopTimeout": 30,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": { "awslogs-group": "/ecs/web", "awslogs-stream-prefix": "mackerel-ecs" }
            }
        })
    );
}

#[test]
fn what_came_out_comes_out_again() {
    let once = printed(&inject(&described(), &sidecar()).unwrap());
    let again = printed(&inject(&serde_json::from_str(&once).unwrap(), &sidecar()).unwrap());
    assert_eq!(once, again);
    assert_eq!(diff(&once, &again), "");
}

/// What AWS adds to what was registered is no change.
#[test]
fn a_description_of_what_was_registered_stays_as_it_is() {
    let mut registered = inject(&described(), &sidecar()).unwrap();
    for name in [
        "portMappings",
        "mountPoints",
        "volumesFrom",
        "systemControls",
    ] {
        registered["containerDefinitions"][1][name] = json!([]);
    }
    registered["revision"] = json!(8);
    registered["status"] = json!("ACTIVE");
    let described = json!({ "taskDefinition": registered, "tags": [] });
    assert_eq!(
        inject(&described, &sidecar()).unwrap(),
        registrable(&described)
    );
}

#[test]
fn a_new_image_is_all_that_changes() {
    let before = inject(&described(), &sidecar()).unwrap();
    let newer = Sidecar {
        image: "example.com/mackerel-ecs:0.2.0".into(),
        ..sidecar()
    };
    let after = inject(&before, &newer).unwrap();
    let diff = diff(&printed(&before), &printed(&after));
    let changed: Vec<&str> = diff
        .lines()
        .skip(2)
        .filter(|line| line.starts_with(['+', '-']))
        .collect();
    assert_eq!(
        changed,
        [
            "-      \"image\": \"example.com/mackerel-ecs:0.1.0\",",
            "+      \"image\": \"example.com/mackerel-ecs:0.2.0\",",
        ]
    );
}

#[test]
fn a_list_of_containers_stays_a_list() {
    let list = json!([{ "name": "web", "image": "nginx" }]);
    let after = inject(&list, &sidecar()).unwrap();
    assert_eq!(after.as_array().unwrap().len(), 2);
    assert_eq!(after[0], list[0]);
    assert_eq!(inject(&after, &sidecar()).unwrap(), after);
}

#[test]
fn the_agent_gives_way_and_its_settings_stay() {
    let list = json!([
        {
            "name": "agent",
            "image": "mackerel/mackerel-container-agent:v0.13.2",
            "essential": true,
            "memory": 128,
            "environment": [
                { "name": "MACKEREL_CONTAINER_PLATFORM", "value": "fargate" },
                { "name": "MACKEREL_APIKEY", "value": "in plain text" },
                { "name": "MACKEREL_IGNORE_CONTAINER", "value": "^proxy$" },
                { "name": "MACKEREL_ROLES", "value": "old:role" }
            ],
            "user": "root"
        },
        { "name": "web", "image": "nginx" }
    ]);
    let after = inject(&list, &sidecar()).unwrap();
    assert_eq!(after.as_array().unwrap().len(), 2);
    let agent = &after[0];
    assert_eq!(agent["name"], "agent");
    assert_eq!(agent["image"], "example.com/mackerel-ecs:0.1.0");
    assert_eq!(agent["essential"], false);
    assert_eq!(agent["user"], "root");
    assert_eq!(
        agent["environment"],
        json!([
            { "name": "MACKEREL_CONTAINER_PLATFORM", "value": "fargate" },
            { "name": "MACKEREL_IGNORE_CONTAINER", "value": "^proxy$" },
            { "name": "MACKEREL_ROLES", "value": "shop:web" }
        ])
    );
    assert!(!after.to_string().contains("in plain text"));
    // It is known again under its name, also with another image.
    assert_eq!(inject(&after, &sidecar()).unwrap(), after);
    let newer = Sidecar {
        image: "example.com/tools/mackerel-ecs@sha256:00".into(),
        ..sidecar()
    };
    let again = inject(&after, &newer).unwrap();
    let mut by_hand = after.clone();
    by_hand[0].as_object_mut().unwrap().remove("command");
    assert_eq!(
        inject(&by_hand, &newer).unwrap().as_array().unwrap().len(),
        2
    );
    // The poller's container is another matter.
    let mut poller = after;
    poller[0]["command"] = json!(["poll"]);
    assert_eq!(
        inject(&poller, &newer).unwrap().as_array().unwrap().len(),
        3
    );
    assert_eq!(again.as_array().unwrap().len(), 2);
    assert_eq!(again[0]["image"], newer.image);
}

#[test]
fn a_task_outside_of_aws_has_its_own_platform() {
    let mut document = described();
    document["taskDefinition"]["requiresCompatibilities"] = json!(["EXTERNAL"]);
    let after = inject(&document, &sidecar()).unwrap();
    assert_eq!(
        after["containerDefinitions"][1]["environment"][0]["value"],
        "ecs_anywhere"
    );
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut Value), reason: &str) {
    let mut document = described();
    change(&mut document["taskDefinition"]);
    let refusal = inject(&document, &sidecar()).unwrap_err();
    assert!(refusal.contains(reason), "{refusal}");
}

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    check_refused(
        |task| {
            task["runtimePlatform"] =
                json!({ "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE" });
        },
        "runs on WINDOWS_SERVER_2022_CORE",
    );
    check_refused(
        |task| task["networkMode"] = json!("none"),
        "network mode is `none`",
    );
    check_refused(
        |task| task["executionRoleArn"] = Value::Null,
        "no executionRoleArn",
    );
    check_refused(
        |task| task["containerDefinitions"] = json!({}),
        "no list `containerDefinitions`",
    );
    check_refused(
        |task| task["containerDefinitions"][0]["memory"] = json!(449),
        "take 449 of 512 MiB and the sidecar 64",
    );
    check_refused(
        |task| task["memory"] = json!("0.25 GB"),
        "take 256 of 256 MiB and the sidecar 64",
    );
    check_refused(
        |task| task["containerDefinitions"][0]["cpu"] = json!(300),
        "take 300 of 256 units",
    );
    check_refused(|task| task["memory"] = json!("much"), "`much` is no size");
    check_refused(
        |task| {
            let one = task["containerDefinitions"][0].clone();
            task["containerDefinitions"] = Value::Array(vec![one; 10]);
        },
        "10 containers already",
    );
    assert!(inject(&json!("web"), &sidecar()).is_err());
}

#[test]
fn a_task_that_is_just_large_enough_is_taken() {
    let mut document = described();
    document["taskDefinition"]["containerDefinitions"][0]["memory"] = json!(448);
    assert!(inject(&document, &sidecar()).is_ok());
    document["taskDefinition"]["memory"] = Value::Null;
    document["taskDefinition"]["containerDefinitions"][0]["memory"] = json!(4096);
    assert!(inject(&document, &sidecar()).is_ok());
}
