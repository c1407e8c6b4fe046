//! Reads the command line and the environment, starts the log, calls the library, and turns what
//! comes back into an exit status.

use std::process::ExitCode;

use clap::Parser;
use mackerel_ecs::cli::{self, Cli};
use mackerel_ecs::{command, telemetry, terminal};

fn main() -> ExitCode {
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let cli = Cli::parse_from(cli::arguments(std::env::args_os(), &environment));
    let level = cli.log_level(&environment);
    let colour = terminal::log_colour(&environment);
    telemetry::start(level, cli.log.log_format, colour);
    ExitCode::from(command::execute(cli.command, &environment))
}
