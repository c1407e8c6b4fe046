//! `plan`: prints what [`crate::forecast`] computes of the estate that there is, or of a made-up one.

use super::{Failure, load_config, mackerel_client};
use crate::aws::Access;
use crate::cli::{CheckOutput, PlanArgs};
use crate::config::Config;
use crate::config::load::Sources;
use crate::forecast::offline::Figures;
use crate::forecast::page::page;
use crate::forecast::survey::{sizes, survey};
use crate::forecast::{Forecast, forecast};
use crate::model::calls::Calls;
use crate::model::trouble::Severity;
use crate::run::say;
use crate::terminal::standard_output;
use crate::transport::Transport;

/// Prints the forecast. The exit status is 1 where nothing could be read, and 3 where something
/// could not.
pub async fn plan(args: PlanArgs, environment: &[(String, String)]) -> Result<u8, Failure> {
    let sources = Sources {
        file: args.config.config.clone(),
        environment,
        flags: args.config.flags(),
    };
    let transport = Transport::network();
    let config = load_config(&sources, &transport, false).await;
    let config = config.map_err(Failure::Mistakes)?;
    let (forecast, status) = match &args.offline {
        Some(figures) => (made_up(figures, &config), 0),
        None => read(&config, transport).await?,
    };
    match args.output {
        CheckOutput::Table => say(page(&forecast, standard_output(environment)).trim_end())?,
        CheckOutput::Json => say(&serde_json::to_string_pretty(&forecast)?)?,
    }
    Ok(status)
}

fn made_up(figures: &Figures, config: &Config) -> Forecast {
    let targets = config.targets.first();
    let parts = targets.map(|first| figures.estate(&first.name, &first.metrics));
    forecast(&parts.unwrap_or_default(), config)
}

async fn read(config: &Config, transport: Transport) -> Result<(Forecast, u8), Failure> {
    let access = Access {
        transport,
        calls: Calls::default(),
        local: None,
        rate_share: config.rate_share(),
        clock: None,
    };
    let (parts, troubles) = survey(config, &access).await;
    for trouble in &troubles {
        match trouble.severity {
            Severity::Failure => tracing::error!("{}", trouble.line_with_detail()),
            Severity::Warning => tracing::warn!("{}", trouble.line_with_detail()),
        }
    }
    let mut forecast = forecast(&parts, config);
    if let Some(mackerel) = mackerel_client(config, &access)? {
        match sizes(&mackerel, config, &parts).await {
            Ok(sizes) => forecast.hosts.sizes = Some(sizes),
            Err(error) => tracing::warn!("the hosts on Mackerel are not known: {}", error.message),
        }
    }
    let failed = troubles.iter().any(|one| one.severity == Severity::Failure);
    let status = match (failed, parts.is_empty()) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => 3,
    };
    Ok((forecast, status))
}
