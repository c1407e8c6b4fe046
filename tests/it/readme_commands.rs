//! Every command that README.md shows is run here, or stands in a list with the reason why not.

use std::path::Path;

use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;

use crate::support::world::{ACCOUNT, REGION, World};

/// How commands begin that are not run, and why. One that ends in a full stop is the whole command.
const NOT_RUN: &[(&str, &str)] = &[
    (
        "make ",
        "it takes long, or is how this test is run; the target must be there",
    ),
    ("export ", "the test sets its own key and Region"),
    ("mackerel-ecs poll.", "it goes on until it is stopped"),
    ("read -rs KEY ", "it needs an AWS account"),
    ("aws ", "it needs an AWS account"),
    ("docker ", "it needs Docker and a registry"),
    ("cd terraform/", "tests/deploy applies the examples"),
    ("terraform ", "tests/deploy applies the examples"),
    ("eval ", "it needs an AWS account"),
];

/// The commands in the page's console blocks, each on one line.
fn commands() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = std::fs::read_to_string(path).unwrap().replace("\\\n", " ");
    let mut commands = Vec::new();
    let mut in_console = false;
    for line in page.lines().map(str::trim) {
        match line {
            "```console" => in_console = true,
            "```" => in_console = false,
            _ => {
                if let (true, Some(command)) = (in_console, line.strip_prefix("$ ")) {
                    commands.push(command.to_owned());
                }
            }
        }
    }
    commands
}

fn reason(command: &str) -> Option<&'static str> {
    let is = |start: &str| match start.strip_suffix('.') {
        Some(whole) => command == whole,
        None => command.starts_with(start),
    };
    NOT_RUN
        .iter()
        .find(|(start, _)| is(start))
        .map(|(_, why)| *why)
}

#[tokio::test]
async fn every_command_runs_or_says_why_not() {
    let cluster = Cluster::fargate("shop").service(Service::steady("web", 2));
    let world = World::real(Fleet::new(ACCOUNT).cluster(REGION, cluster)).await;
    let folder = std::env::temp_dir().join(format!("mackerel-ecs-readme-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // What `aws ecs describe-task-definition` leaves there.
    let web = r#"{"taskDefinition": {"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "requiresCompatibilities": ["FARGATE"], "executionRoleArn": "arn:aws:iam::111122223333:role/e",
        "containerDefinitions": [{"name": "web", "image": "nginx", "essential": true}]}}"#;
    std::fs::write(folder.join("web.json"), web).unwrap();
    let program = env!("CARGO_BIN_EXE_mackerel-ecs");
    let mut script = format!(
        "cd {}\nmackerel-ecs() {{ {program} \"$@\"; }}\n",
        folder.display()
    );
    let (mut run, mut not_run) = (Vec::new(), Vec::new());
    for command in commands() {
        match reason(&command) {
            Some(why) => not_run.push((command, why)),
            None => {
                script.push_str(&format!(
                    "echo '+ {}'\n{command}\n",
                    command.replace('\'', "")
                ));
                run.push(command);
            }
        }
    }
    let makefile = include_str!("../../Makefile");
    for (command, _) in not_run
        .iter()
        .filter(|(command, _)| command.starts_with("make "))
    {
        let target = command.split_whitespace().nth(1).unwrap();
        assert!(makefile.contains(&format!("\n{target}:")), "{command}");
    }
    assert!(run.len() >= 5, "{run:#?}");
    assert!(run.len() + not_run.len() >= 20, "{not_run:#?}");
    let ended = world
        .program("")
        .inside("bash", &["-euc", &script])
        .run()
        .await;
    let ended = ended.expect_status(0);
    assert!(
        ended.stdout.contains("ok    ") && ended.stdout.contains("CLUSTER"),
        "{}",
        ended.stdout
    );
    assert_eq!(world.mackerel.hosts().len(), 1);
    let made = std::fs::read_to_string(folder.join("new.json")).unwrap();
    assert!(made.contains("/mackerel-ecs:0.1.0"), "{made}");
    std::fs::remove_dir_all(&folder).unwrap();
}
