//! `inject` and `iam-policy`, as a person types them.

use serde_json::{Value, json};

use crate::support::program::Program;

const KEY: &str = "arn:aws:ssm:ap-northeast-1:111122223333:parameter/mackerel/apikey";

fn inject(path: &std::path::Path, more: &str) -> Program {
    let path = path.to_str().unwrap();
    Program::new(&format!(
        "inject {path} --image mackerel-ecs:1 --api-key-arn {KEY} {more}"
    ))
}

#[tokio::test]
async fn a_task_definition_gets_the_sidecar_and_then_nothing_changes() {
    let folder = std::env::temp_dir().join(format!("mackerel-ecs-inject-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("task.json");
    let before = json!([{ "name": "web", "image": "nginx" }]);
    std::fs::write(&path, before.to_string()).unwrap();
    let ended = inject(&path, "--role shop:web --check")
        .run()
        .await
        .expect_status(1);
    assert!(
        ended.stdout.contains("+    \"name\": \"mackerel-ecs\","),
        "{}",
        ended.stdout
    );
    let ended = inject(&path, "--role shop:web")
        .run()
        .await
        .expect_status(0);
    std::fs::write(&path, &ended.stdout).unwrap();
    let ended = inject(&path, "--role shop:web --check")
        .run()
        .await
        .expect_status(0);
    assert_eq!(ended.stdout, "");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn the_key_itself_is_refused() {
    let program = Program::new("inject /dev/null --image a:1 --api-key-arn abcdefgh");
    let ended = program.run().await.expect_status(1);
    ended.expect_said("the task definition is no JSON");
    let path = std::env::temp_dir().join(format!("mackerel-ecs-key-{}.json", std::process::id()));
    std::fs::write(&path, "[]").unwrap();
    let program = Program::new(&format!(
        "inject {} --image a:1 --api-key-arn abcdefgh",
        path.display()
    ));
    let ended = program.run().await.expect_status(1);
    assert!(!ended.stderr.contains("abcdefgh"), "{}", ended.stderr);
    ended.expect_said("never the key itself");
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn the_policy_is_that_of_the_effective_configuration() {
    let role = "arn:aws:iam::444455556666:role/reader";
    let sids = |policy: &Value| -> Vec<String> {
        let statements = policy["Statement"].as_array().unwrap();
        let sid = |one: &Value| one["Sid"].as_str().unwrap().to_owned();
        statements.iter().map(sid).collect()
    };
    let policy = Program::new("iam-policy")
        .run()
        .await
        .expect_status(0)
        .json();
    assert_eq!(sids(&policy), ["Read"]);
    let program = Program::new("iam-policy").config(&format!("targets: [{{role_arn: '{role}'}}]"));
    let policy = program.run().await.expect_status(0).json();
    assert_eq!(sids(&policy), ["ReadOtherAccounts"]);
    assert_eq!(policy["Statement"][0]["Resource"], json!([role]));
    let ended = Program::new("iam-policy --for task")
        .run()
        .await
        .expect_status(0);
    assert!(sids(&ended.json()).is_empty());
    let program = Program::new("iam-policy --for task");
    let program = program.env("MACKEREL_AGENT_CONFIG", "s3://settings/task.yaml");
    let policy = program.run().await.expect_status(0).json();
    assert_eq!(
        policy["Statement"][0]["Resource"],
        json!(["arn:aws:s3:::settings/task.yaml"])
    );
}
