//! `iam-policy`: prints the least policy that the effective configuration needs.

use super::{Failure, load_config};
use crate::cli::{IamPolicyArgs, PolicyFor};
use crate::config::load::{FILE_VARIABLE, Sources};
use crate::permission::{of_poller, of_reader, of_task};
use crate::run::say;
use crate::transport::Transport;

/// Names the sidecar's configuration.
const TASK_VARIABLE: &str = "MACKEREL_AGENT_CONFIG";

/// Prints a policy as JSON.
pub async fn iam_policy(
    args: IamPolicyArgs,
    environment: &[(String, String)],
) -> Result<u8, Failure> {
    let variable = |wanted: &str| {
        let (_, value) = environment.iter().find(|(name, _)| name == wanted)?;
        Some(value.as_str())
    };
    let sources = Sources {
        file: args.config.config.clone(),
        environment,
        flags: args.config.flags(),
    };
    let config = async || {
        let config = load_config(&sources, &Transport::network(), false).await;
        config.map_err(Failure::Mistakes)
    };
    let policy = match args.of {
        PolicyFor::Task => of_task(variable(TASK_VARIABLE)),
        PolicyFor::Reader => of_reader(&config().await?),
        PolicyFor::Poll => {
            let config = config().await?;
            let flag = args.config.config.as_deref().and_then(|path| path.to_str());
            of_poller(&config, flag.or(variable(FILE_VARIABLE)))
        }
    };
    if policy.is_empty() {
        tracing::info!("it calls nothing of AWS: its role needs no policy");
    }
    say(&serde_json::to_string_pretty(&policy)?)?;
    Ok(0)
}
