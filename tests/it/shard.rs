//! Several pollers share the clusters: each is one poller's, whatever tells who is who.

use std::collections::BTreeSet;

use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;

use crate::support::program::{Ended, Program};
use crate::support::world::{ACCOUNT, REGION, World};

const CLUSTERS: usize = 20;

async fn world() -> World {
    let cluster = |number| Cluster::fargate(&format!("c{number}")).service(Service::steady("s", 1));
    let fleet = (0..CLUSTERS).fold(Fleet::new(ACCOUNT), |fleet, number| {
        fleet.cluster(REGION, cluster(number))
    });
    World::real(fleet).await
}

fn polled(ended: &Ended) -> BTreeSet<String> {
    let json = ended.json();
    let clusters = json["clusters"].as_array().unwrap().iter();
    clusters
        .map(|cluster| cluster["cluster"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn each_cluster_is_polled_by_one() {
    let world = world().await;
    let mut seen = BTreeSet::new();
    for index in 0..3 {
        world.aws.reset_calls();
        let program = world.program(&format!("poll --once --output json --shard {index}/3"));
        let ended = program.run().await.expect_status(0);
        let own = polled(&ended);
        // Nothing is asked of the others but their names.
        assert_eq!(
            world.aws.calls().count("ecs:ListServices"),
            own.len() as u64
        );
        assert!(seen.is_disjoint(&own));
        seen.extend(own);
    }
    assert_eq!(seen.len(), CLUSTERS);
    assert_eq!(world.mackerel.hosts().len(), CLUSTERS);
}

#[tokio::test]
async fn a_job_tells_which_one_it_is() {
    let world = world().await;
    let run = |change: fn(Program) -> Program| {
        change(world.program("poll --dry-run --output json")).run()
    };
    let plain = run(|one| one.env("MACKEREL_ECS_SHARD", "1/4")).await;
    let batch = run(|one| {
        let one = one.env("AWS_BATCH_JOB_ARRAY_INDEX", "1");
        one.env("AWS_BATCH_JOB_ARRAY_SIZE", "4")
    });
    let kubernetes = run(|one| {
        let one = one.env("JOB_COMPLETION_INDEX", "1");
        one.env("MACKEREL_ECS_SHARD", "job/4")
    });
    let expected = polled(&plain.expect_status(0));
    assert!((1..CLUSTERS).contains(&expected.len()));
    for ended in [batch.await, kubernetes.await] {
        assert_eq!(polled(&ended.expect_status(0)), expected);
    }
}

#[tokio::test]
async fn what_is_no_shard_is_told() {
    for (written, said) in [
        (
            "4/4",
            "shard is `4/4`, but must be INDEX/COUNT, the index from 0",
        ),
        ("1", "shard is `1`, but must be INDEX/COUNT"),
        ("-1/2", "shard is `-1/2`, but must be INDEX/COUNT"),
        (
            "job/4",
            "shard is `job/4`, but no job tells its index: neither AWS_BATCH_JOB_ARRAY_INDEX nor",
        ),
    ] {
        let program = Program::new("poll --once").env("MACKEREL_ECS_SHARD", written);
        let ended = program.env("MACKEREL_APIKEY", "k").run().await;
        ended
            .expect_status(2)
            .expect_said(&format!("environment variable MACKEREL_ECS_SHARD: {said}"));
    }
}
