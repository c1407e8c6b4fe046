//! `check`: prints what [`crate::check`] finds.

use serde_json::json;

use super::{Failure, load_config, mackerel_client};
use crate::aws::Access;
use crate::check::{Check, Finding, Mark, check as try_all, table};
use crate::cli::{CheckArgs, CheckOutput};
use crate::config::load::{INLINE_VARIABLE, Sources, named};
use crate::config::variable::set_in;
use crate::config::{Config, Mistake};
use crate::model::calls::Calls;
use crate::run::{real_time, say};
use crate::source::Location;
use crate::terminal::look::Look;
use crate::terminal::standard_output;
use crate::transport::{Transport, proxy_of};

/// What the findings about the configuration are of.
const PLACE: &str = "config";

/// Tries everything and prints it. The exit status is 1 where something fails, and 2 where already
/// the configuration is wrong.
pub async fn check(args: CheckArgs, environment: &[(String, String)]) -> Result<u8, Failure> {
    let sources = Sources {
        file: args.config.config.clone(),
        environment,
        flags: args.config.flags(),
    };
    let look = standard_output(environment);
    let transport = Transport::network();
    let config = match load_config(&sources, &transport, false).await {
        Ok(config) => config,
        Err(mistakes) if args.output == CheckOutput::Table => {
            return Err(Failure::Mistakes(mistakes));
        }
        Err(mistakes) => {
            let wrong = |one: &Mistake| Finding::new(Mark::Fail, PLACE, "mistake", one.to_string());
            let findings: Vec<Finding> = mistakes.iter().map(wrong).collect();
            print(&findings, args.output, look)?;
            return Ok(2);
        }
    };
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
        proxy_of,
    };
    let mut findings = vec![loaded(&config, &sources), proxy(&config)];
    findings.extend(try_all(&what, real_time).await);
    print(&findings, args.output, look)?;
    let fails = findings.iter().any(|one| one.mark == Mark::Fail);
    Ok(u8::from(fails))
}

fn print(findings: &[Finding], output: CheckOutput, look: Look) -> anyhow::Result<()> {
    match output {
        CheckOutput::Table => say(table(findings, look).trim_end()),
        CheckOutput::Json => {
            let ok = findings.iter().all(|one| one.mark != Mark::Fail);
            let document = json!({ "ok": ok, "findings": findings });
            say(&serde_json::to_string_pretty(&document)?)
        }
    }
}

/// Where the configuration comes from, and what it comes to.
fn loaded(config: &Config, sources: &Sources<'_>) -> Finding {
    let from = match named(sources) {
        Some((_, text)) => Location::parse(&text).map_or(text, |location| location.name()),
        None if set_in(sources.environment, INLINE_VARIABLE).is_some() => {
            INLINE_VARIABLE.to_owned()
        }
        None => "defaults and environment".to_owned(),
    };
    let targets = match config.targets.len() {
        1 => "1 target".to_owned(),
        count => format!("{count} targets"),
    };
    let message = format!("{from}: valid, {targets}");
    Finding::new(Mark::Ok, PLACE, "loaded", message)
}

/// Which proxies are in force.
fn proxy(config: &Config) -> Finding {
    let of_aws = proxy_of("https://ecs.amazonaws.com");
    let of_mackerel = proxy_of(&config.mackerel.api_base);
    let message = match (of_aws, of_mackerel) {
        (None, None) => "none".to_owned(),
        (Some(aws), Some(mackerel)) if aws == mackerel => aws,
        (aws, mackerel) => {
            let named = |proxy: Option<String>| proxy.unwrap_or_else(|| "none".to_owned());
            format!("{} to AWS, {} to Mackerel", named(aws), named(mackerel))
        }
    };
    Finding::new(Mark::Ok, PLACE, "proxy", message)
}
