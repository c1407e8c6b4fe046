//! `inject`: reads a task definition, prints it with the sidecar or what would change.

use std::io::Read;

use anyhow::{Context, anyhow, bail};
use serde_json::Value;

use super::Failure;
use crate::cli::InjectArgs;
use crate::inject::{Sidecar, diff, inject as with_sidecar, printed, registrable};
use crate::model::role::RoleFullname;
use crate::run::say;

/// Prints the task definition. With `--check` the exit status is 1 where something would change.
pub fn inject(args: &InjectArgs) -> Result<u8, Failure> {
    let text = read(args)?;
    let before: Value = serde_json::from_str(&text)
        .context("the task definition is no JSON; give what describe-task-definition prints")?;
    let after = with_sidecar(&before, &sidecar(args)?)
        .map_err(|why| anyhow!("the sidecar can't be added: {why}"))?;
    if !args.check {
        say(printed(&after).trim_end())?;
        return Ok(0);
    }
    let changes = diff(&printed(&registrable(&before)), &printed(&after));
    if changes.is_empty() {
        return Ok(0);
    }
    say(changes.trim_end())?;
    Ok(1)
}

fn read(args: &InjectArgs) -> anyhow::Result<String> {
    if let Some(path) = &args.file {
        return std::fs::read_to_string(path)
            .with_context(|| format!("can't read {}", path.display()));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("can't read standard input")?;
    Ok(text)
}

fn sidecar(args: &InjectArgs) -> anyhow::Result<Sidecar> {
    if !args.api_key_arn.starts_with("arn:") {
        bail!(
            "--api-key-arn takes the ARN of a secret or an SSM parameter, never the key itself: \
             whoever may describe the task definition could read it there"
        );
    }
    let mut roles = Vec::new();
    for role in &args.roles {
        let role = RoleFullname::parse(role).map_err(|why| anyhow!("--role {why}"))?;
        roles.push(role.as_str().to_owned());
    }
    let mut environment = Vec::new();
    for pair in &args.environment {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| anyhow!("--env takes NAME=VALUE, not `{pair}`"))?;
        if name == "MACKEREL_APIKEY" {
            bail!("the API key is given by --api-key-arn, never as a plain variable");
        }
        environment.push((name.to_owned(), value.to_owned()));
    }
    Ok(Sidecar {
        name: args.name.clone(),
        image: args.image.clone(),
        api_key_arn: args.api_key_arn.clone(),
        roles: (!roles.is_empty()).then(|| roles.join(",")),
        environment,
        memory: args.memory,
        cpu: args.cpu,
    })
}
