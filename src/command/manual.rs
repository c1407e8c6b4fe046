//! `completions` and `man`: what shells and `man` are told of the command line.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use super::Failure;
use crate::cli::Cli;
use crate::run::say;

/// Prints the script for a shell.
pub fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mackerel-ecs", &mut script);
    say(String::from_utf8_lossy(&script).trim_end())?;
    Ok(0)
}

/// Prints the manual page of the program, or writes one for each command into a folder.
pub fn man(folder: Option<&Path>) -> Result<u8, Failure> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        Man::new(Cli::command()).render(&mut page)?;
        say(String::from_utf8_lossy(&page).trim_end())?;
        return Ok(0);
    };
    let command = Cli::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("can't write the manual into {}", folder.display()))?;
    Ok(0)
}
