//! The command `demo`: a simulated AWS and a local Mackerel, each on a port of its own, and the
//! real poller and the real sidecars of two tasks between them.

use std::sync::Arc;

use anyhow::Context;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Failure;
use crate::aws::{Access, Keys};
use crate::cli::Output;
use crate::cli::demo::DemoArgs;
use crate::config::load::{Sources, load};
use crate::demo::aws::SimulatedAws;
use crate::demo::aws::fleet::Fleet;
use crate::demo::aws::fleet::scenario::REGION;
use crate::demo::aws::options::{Lateness, Options as AwsOptions};
use crate::demo::mackerel::LocalMackerel;
use crate::demo::mackerel::option::{ApiKey, Names, Options as MackerelOptions, Recording};
use crate::demo::mackerel::store::Storage;
use crate::demo::serve::serve;
use crate::demo::sink::Sink;
use crate::demo::task::SimulatedTasks;
use crate::demo::task::model::{busy_task, demo_tasks};
use crate::model::calls::Calls;
use crate::poller::Poller;
use crate::pulse::Pulse;
use crate::run::{Plan, Stop, real_time, run, say};
use crate::task;
use crate::task::clock::Clock;
use crate::terminal::standard_output;
use crate::transport::Transport;

/// The local Mackerel's only key; it opens nothing else.
const API_KEY: &str = "demo";

/// The simulated AWS takes any key.
const ACCESS_KEY_ID: &str = "AKIADEMO";

/// The roles of the simulated tasks' hosts.
const ROLES: [&str; 2] = ["tasks:web", "tasks:batch"];

/// The seed of a made-up fleet.
const SEED: u64 = 1;

/// What the demo's poller is told: to read a day back at first, so that there is something to see.
const CONFIG: &str = include_str!("../../config/demo.yaml");

/// Runs the demo.
pub(super) async fn demo(
    args: DemoArgs,
    outside: &[(String, String)],
    mut stop: Stop,
) -> Result<u8, Failure> {
    let hurry = args.hurry;
    let time = move || hurry.map_or_else(real_time, |hurry| hurry.time(real_time()));
    let fleet = match args.services {
        Some(services) => Fleet::sized(SEED, services as usize),
        None => Fleet::demo(real_time()),
    };
    let options = AwsOptions::new(Arc::new(real_time)).lateness(Lateness::REALISTIC);
    let options = match args.no_limits {
        true => options,
        false => options.limited(),
    };
    let aws = SimulatedAws::new(fleet, options);
    let storage = match args.database {
        Some(file) => Storage::File(file),
        None => Storage::Memory,
    };
    let keys = vec![ApiKey::read_write(API_KEY)];
    let mut options = MackerelOptions::new(Arc::new(time), keys);
    options.recording = Recording::Counts;
    options.names = Names::Local;
    options.patience = Some(super::serve::PATIENCE);
    let mackerel = LocalMackerel::open(&storage, options).context("opening the database")?;
    if args.services.is_none() && mackerel.monitors().is_empty() {
        let added = mackerel.add_monitor(&monitor());
        added.map_err(|refusal| anyhow::anyhow!(refusal.message))?;
    }
    let aws = serve(aws.router(), args.aws_port)
        .await
        .context("starting the simulated AWS")?;
    tokio::spawn(super::serve::tend(mackerel.clone()));
    let sink = args.sink.then(Sink::default);
    let router = match &sink {
        Some(sink) => sink.before(mackerel.router()),
        None => mackerel.router(),
    };
    let mackerel = serve(router, args.mackerel_port)
        .await
        .context("starting the local Mackerel")?;
    let tasks = match args.containers {
        Some(containers) => vec![busy_task(time(), containers)],
        None => demo_tasks(time()),
    };
    let ids: Vec<String> = tasks.iter().map(|task| task.id.clone()).collect();
    let tasks = SimulatedTasks::new(tasks, Arc::new(time));
    let metadata = serve(tasks.router(), 0)
        .await
        .context("starting the simulated task metadata endpoint")?;
    let metadata: Vec<String> = ids
        .iter()
        .map(|id| format!("http://{metadata}/v4/{id}"))
        .collect();

    say(&format!(
        "The local Mackerel: http://{mackerel}/ (hosts and their metrics, in a browser)\n\
         The simulated AWS:  http://{aws}/ (ECS, CloudWatch, STS, the metadata of {} tasks)",
        ids.len()
    ))?;
    if args.servers_only {
        say(&format!(
            "To poll them, in another terminal:\n\n  \
             export AWS_ENDPOINT_URL=http://{aws} AWS_REGION={REGION}\n  \
             export AWS_ACCESS_KEY_ID={ACCESS_KEY_ID} AWS_SECRET_ACCESS_KEY=demo\n  \
             export MACKEREL_APIBASE=http://{mackerel} MACKEREL_APIKEY={API_KEY}\n  \
             mackerel-ecs poll --once --output table\n\n\
             To be the sidecar of a task:\n\n  \
             export ECS_CONTAINER_METADATA_URI_V4={}\n  \
             MACKEREL_HOST_ID_STORE=memory mackerel-ecs task\n",
            metadata.join("\n  export ECS_CONTAINER_METADATA_URI_V4=")
        ))?;
        let _ = stop.wait_for(|signals| *signals >= 1).await;
        if let Some(sink) = sink {
            say(&sink.text())?;
        }
        return Ok(0);
    }
    say("Each minute the poller reads the one and posts to the other; Ctrl-C ends it.\n")?;

    let environment = [
        ("MACKEREL_ECS_CONFIG_YAML", CONFIG.to_owned()),
        ("MACKEREL_APIKEY", API_KEY.to_owned()),
        ("MACKEREL_APIBASE", format!("http://{mackerel}")),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let sources = Sources {
        file: None,
        environment: &environment,
        flags: Vec::new(),
    };
    let config = load(&sources, true).map_err(Failure::Mistakes)?;
    let access = Access {
        transport: Transport::network(),
        calls: Calls::default(),
        local: Some(Keys {
            endpoint: format!("http://{aws}"),
            region: REGION.to_owned(),
            access_key_id: ACCESS_KEY_ID.to_owned(),
        }),
        rate_share: config.rate_share(),
        clock: None,
    };
    let client = super::mackerel_client(&config, &access)?;
    let poller = Poller::new(config.clone(), access, client);
    let plan = Plan {
        polls: args.cycles,
        output: Output::Table,
        look: standard_output(outside),
    };
    // The sidecars end after the poller, with a signal of their own.
    let (end, ended) = watch::channel(0);
    let mut sidecars = Vec::new();
    for (metadata, role) in metadata.iter().zip(ROLES) {
        let base = format!("http://{mackerel}");
        let setup = sidecar(metadata, &base, role).await?;
        sidecars.push(task::run(setup, ended.clone()));
    }
    let polling = async {
        let pulse = Pulse::new(config.poll.interval);
        let (_, configs) = watch::channel(Arc::new(config));
        let outcome = run(configs, poller, plan, &pulse, stop, real_time).await;
        end.send_replace(1);
        outcome
    };
    let (outcome, _) = tokio::join!(polling, join_all(sidecars));
    Ok(outcome?.exit_status())
}

/// The alert that Mackerel's own integration cannot give: on a service of which no task runs.
fn monitor() -> Value {
    json!({
        "type": "host", "name": "No task of recommendations runs", "duration": 1,
        "metric": "custom.ecs.running_task.recommendations.count", "operator": "<", "critical": 1,
    })
}

/// A sidecar of a simulated task.
async fn sidecar(metadata: &str, api_base: &str, role: &str) -> Result<task::Setup, Failure> {
    let environment = [
        ("MACKEREL_CONTAINER_PLATFORM", "ecs"),
        ("MACKEREL_APIKEY", API_KEY),
        ("MACKEREL_APIBASE", api_base),
        ("MACKEREL_ROLES", role),
        ("MACKEREL_HOST_ID_STORE", "memory"),
        ("ECS_CONTAINER_METADATA_URI_V4", metadata),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    // This machine is not the task's: without its `/proc`, all comes from the simulation.
    super::task::setup(&environment, "/nonexistent", Clock::new(real_time, 1)).await
}
