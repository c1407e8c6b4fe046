//! `check`: prints what [`crate::check`] finds.

use serde_json::json;

use super::{Failure, load_config, mackerel_client};
use crate::aws::Access;
use crate::check::{Check, Mark, check as try_all, table};
use crate::cli::{CheckArgs, Form};
use crate::config::load::Sources;
use crate::model::calls::Calls;
use crate::run::{real_time, say};
use crate::terminal::standard_output;
use crate::transport::Transport;

/// Tries everything and prints it. The exit status is 1 where something fails.
pub async fn check(args: CheckArgs, environment: &[(String, String)]) -> Result<u8, Failure> {
    let sources = Sources {
        file: args.config.config.clone(),
        environment,
        flags: args.config.flags(),
    };
    let transport = Transport::network();
    let config = load_config(&sources, &transport, false).await;
    let config = config.map_err(Failure::Mistakes)?;
    let access = Access {
        transport,
        calls: Calls::default(),
        local: None,
        rate_share: config.rate_share(),
        clock: None,
    };
    let mackerel = mackerel_client(&config, &access)?;
    let what = Check {
        config: &config,
        access: &access,
        mackerel: mackerel.as_ref(),
    };
    let findings = try_all(&what, real_time).await;
    let fails = findings.iter().any(|one| one.mark == Mark::Fail);
    match args.output {
        Form::Table => say(table(&findings, standard_output(environment)).trim_end())?,
        Form::Json => {
            let document = json!({ "ok": !fails, "findings": findings });
            say(&serde_json::to_string_pretty(&document)?)?;
        }
    }
    Ok(u8::from(fails))
}
