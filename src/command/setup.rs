//! `setup`: brings monitors and a dashboard to Mackerel and prints what became of each.

use anyhow::anyhow;
use serde_json::json;

use super::{Failure, load_config, mackerel_client};
use crate::aws::Access;
use crate::cli::CheckOutput;
use crate::cli::setup::SetupArgs;
use crate::config::load::Sources;
use crate::model::calls::Calls;
use crate::run::say;
use crate::setup::{Choice, Done, Fate, Manner, set_up};
use crate::transport::Transport;

/// Sets up. The exit status is 1 where Mackerel refuses something.
pub(super) async fn setup(
    args: SetupArgs,
    environment: &[(String, String)],
) -> Result<u8, Failure> {
    let sources = Sources {
        file: args.config.config.clone(),
        environment,
        flags: args.config.flags(),
    };
    let transport = Transport::network();
    let config = load_config(&sources, &transport, true).await;
    let config = config.map_err(Failure::Mistakes)?;
    let access = Access {
        transport,
        calls: Calls::default(),
        local: None,
        rate_share: None,
        clock: None,
    };
    let client = mackerel_client(&config, &access)?;
    let client = client.ok_or_else(|| anyhow!("no API key"))?;
    let manner = Manner {
        dry_run: args.dry_run,
        remove: args.remove,
        force: args.force,
    };
    let choice = Choice {
        cpu: args.cpu.0,
        memory: args.memory.0,
        behind: args.behind.0,
        silent: args.silent.0,
        attempts: args.minutes,
        scopes: args.scopes,
        dashboard: !args.no_dashboard,
    };
    let done = set_up(&client, &config, &choice, manner).await?;
    let fails = done.iter().any(|one| one.fate == Fate::Failed);
    match args.output {
        CheckOutput::Table => say(table(&done, manner).trim_end())?,
        CheckOutput::Json => {
            let document = json!({ "ok": !fails, "dry_run": manner.dry_run, "things": done });
            say(&serde_json::to_string_pretty(&document)?)?;
        }
    }
    Ok(u8::from(fails))
}

/// A line for each thing, with the reason below where there is one.
fn table(done: &[Done], manner: Manner) -> String {
    let mut text = String::new();
    for one in done {
        let fate = match one.fate {
            Fate::Made => "made",
            Fate::Updated => "updated",
            Fate::Unchanged => "unchanged",
            Fate::Kept => "kept",
            Fate::Removed => "removed",
            Fate::Skipped => "skipped",
            Fate::Failed => "FAILED",
        };
        text.push_str(&format!("{fate:9}  {:9}  {}\n", one.kind, one.name));
        if let Some(why) = &one.why {
            text.push_str(&format!("           {why}\n"));
        }
    }
    if done.is_empty() {
        text.push_str("nothing to do\n");
    }
    if manner.dry_run {
        text.push_str("a dry run: nothing was written\n");
    }
    text
}
