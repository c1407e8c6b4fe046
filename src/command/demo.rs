//! The command `demo`: a simulated AWS and a local Mackerel, each on a port of its own, and the
//! real poller between them.

use std::sync::Arc;

use anyhow::Context;

use super::Failure;
use crate::aws::{Access, Keys};
use crate::cli::{DemoArgs, Output};
use crate::config::load::{Sources, load};
use crate::demo::aws::SimulatedAws;
use crate::demo::aws::fleet::Fleet;
use crate::demo::aws::fleet::scenario::REGION;
use crate::demo::aws::options::{Lateness, Options as AwsOptions};
use crate::demo::mackerel::LocalMackerel;
use crate::demo::mackerel::option::{ApiKey, Options as MackerelOptions};
use crate::demo::mackerel::store::Storage;
use crate::demo::serve::serve;
use crate::model::calls::Calls;
use crate::poller::Poller;
use crate::pulse::Pulse;
use crate::run::{Plan, Stop, real_time, run, say};
use crate::transport::Transport;

/// The local Mackerel's only key; it opens nothing else.
const API_KEY: &str = "demo";

/// The simulated AWS takes any key.
const ACCESS_KEY_ID: &str = "AKIADEMO";

/// The seed of a made-up fleet.
const SEED: u64 = 1;

/// What the demo's poller is told: to read a day back at first, so that there is something to see.
const CONFIG: &str = include_str!("../../config/demo.yaml");

/// Runs the demo.
pub(super) async fn demo(args: DemoArgs, mut stop: Stop) -> Result<u8, Failure> {
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
    let options = MackerelOptions::new(Arc::new(real_time), keys);
    let mackerel = LocalMackerel::open(&storage, options).context("opening the database")?;
    let aws = serve(aws.router(), args.aws_port)
        .await
        .context("starting the simulated AWS")?;
    let mackerel = serve(mackerel.router(), args.mackerel_port)
        .await
        .context("starting the local Mackerel")?;

    say(&format!(
        "The local Mackerel: http://{mackerel}/ (hosts and their metrics, in a browser)\n\
         The simulated AWS:  http://{aws}/ (ECS, CloudWatch, STS)"
    ))?;
    if args.servers_only {
        say(&format!(
            "To poll them, in another terminal:\n\n  \
             export AWS_ENDPOINT_URL=http://{aws} AWS_REGION={REGION}\n  \
             export AWS_ACCESS_KEY_ID={ACCESS_KEY_ID} AWS_SECRET_ACCESS_KEY=demo\n  \
             export MACKEREL_APIBASE=http://{mackerel} MACKEREL_APIKEY={API_KEY}\n  \
             mackerel-ecs poll --once --output table\n"
        ))?;
        let _ = stop.wait_for(|signals| *signals >= 1).await;
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
        rate_share: config.aws.rate_share,
        clock: None,
    };
    let client = super::mackerel_client(&config, &access)?;
    let poller = Poller::new(config.clone(), access, client);
    let plan = Plan {
        polls: args.cycles,
        output: Output::Table,
    };
    let pulse = Pulse::new(config.poll.interval);
    let outcome = run(&config, poller, plan, &pulse, stop, real_time).await?;
    Ok(outcome.exit_status())
}
