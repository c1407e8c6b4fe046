//! `/healthz` and `health`: the poller tells that it is well, through the program alone.

use tokio::io::{AsyncBufReadExt, BufReader};

use mackerel_ecs::demo::aws::fleet::Fleet;

use crate::support::program::Program;
use crate::support::world::{ACCOUNT, World};

#[tokio::test]
async fn a_poller_that_polls_is_well_and_one_that_is_gone_is_not() {
    let world = World::real(Fleet::new(ACCOUNT)).await;
    let program = world.program("poll --log-format json");
    let mut child = program.env("MACKEREL_ECS_LISTEN", "127.0.0.1:0").start();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        if json["message"] == "listening" {
            break json["address"].as_str().unwrap().to_owned();
        }
    };
    let ask = || Program::new("health").env("MACKEREL_ECS_LISTEN", &address);
    let well = ask().env("HTTP_PROXY", "http://127.0.0.1:9").run().await;
    let json = well.expect_status(0).json();
    assert_eq!(json["status"], "ok");
    assert_eq!(json["bound_seconds"], 240);
    child.kill().await.unwrap();
    ask()
        .run()
        .await
        .expect_status(1)
        .expect_said("can't reach the poller at http://127.0.0.1:");
}

#[tokio::test]
async fn without_an_address_it_says_what_to_set() {
    let ended = Program::new("health").run().await.expect_status(1);
    ended.expect_said("set MACKEREL_ECS_LISTEN");
    let program = Program::new("health").env("MACKEREL_ECS_LISTEN", "9808");
    program
        .run()
        .await
        .expect_status(2)
        .expect_said("127.0.0.1:9808");
}

#[tokio::test]
async fn an_address_that_is_taken_ends_the_poller() {
    let world = World::real(Fleet::new(ACCOUNT)).await;
    let taken = world.aws_url.strip_prefix("http://").unwrap().to_owned();
    let program = world.program("poll").env("MACKEREL_ECS_LISTEN", &taken);
    program
        .run()
        .await
        .expect_status(1)
        .expect_said("can't listen at");
}
