//! `config`: shows the configuration in effect, looks for mistakes in it, prints its schema, begins a
//! file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;

use super::{Failure, gather};
use crate::cli::config::{ConfigArgs, ConfigCommand};
use crate::config::Mistake;
use crate::config::example::example;
use crate::config::load::{Gathered, INLINE_VARIABLE, Sources, named};
use crate::config::schema::schema;
use crate::config::show::show;
use crate::config::variable::set_in;
use crate::run::say;
use crate::source::Location;
use crate::transport::Transport;

/// Carries out a command below `config`.
pub async fn config(
    command: ConfigCommand,
    environment: &[(String, String)],
) -> Result<u8, Failure> {
    match command {
        ConfigCommand::Show(args) => {
            let gathered = valid(&sources(&args, environment)).await?;
            say(show(&gathered.tree).trim_end())?;
        }
        ConfigCommand::Validate(args) => {
            let sources = sources(&args, environment);
            let gathered = valid(&sources).await?;
            let what = match named(&sources) {
                Some((_, text)) => Location::parse(&text).map_or(text, |place| place.name()),
                None if set_in(environment, INLINE_VARIABLE).is_some() => {
                    INLINE_VARIABLE.to_owned()
                }
                None => "no configuration is named; what the environment says".to_owned(),
            };
            say(&format!("{what}: valid"))?;
            let has_key = gathered.tree.get("mackerel").and_then(|m| m.get("apikey"));
            if has_key.is_none() {
                tracing::warn!("there is no API key here; a poll needs MACKEREL_APIKEY");
            }
        }
        ConfigCommand::Schema => say(&serde_json::to_string_pretty(&schema())?)?,
        ConfigCommand::Init { file } if file.as_os_str() == "-" => say(example().trim_end())?,
        ConfigCommand::Init { file } => begin(&file)?,
    }
    Ok(0)
}

fn sources<'a>(args: &ConfigArgs, environment: &'a [(String, String)]) -> Sources<'a> {
    Sources {
        file: args.config.clone(),
        environment,
        flags: args.flags(),
    }
}

/// What the sources say, where there is no mistake in it. No key is needed to look at it.
async fn valid(sources: &Sources<'_>) -> Result<Gathered, Failure> {
    let gathered = gather(sources, &Transport::network()).await;
    let gathered = gathered.map_err(Failure::Mistakes)?;
    gathered.config(false).map_err(Failure::Mistakes)?;
    Ok(gathered)
}

/// Writes the example to a new file.
fn begin(path: &Path) -> Result<(), Failure> {
    let name = path.display();
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let why = format!("{name} is there already; remove it or name another file");
            return Err(Failure::Mistakes(vec![Mistake::at(None, why)]));
        }
        opened => opened.with_context(|| format!("can't write {name}"))?,
    };
    file.write_all(example().as_bytes())
        .with_context(|| format!("can't write {name}"))?;
    say(&format!(
        "{name} has every key with its default; try it with: mackerel-ecs config validate --config {name}"
    ))?;
    Ok(())
}
