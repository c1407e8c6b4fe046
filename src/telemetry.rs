//! Sets up the log: our own lines at the level that was asked for, others' hardly at all.
//!
//! What the libraries below log can hold headers and bodies, and so secrets; their errors reach us
//! as errors anyway. So none of their lines below a warning is ever written, whatever the level.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::cli::{LogFormat, LogLevel};

/// Starts logging to standard error. A second call does nothing.
pub fn start(level: LogLevel, format: LogFormat, no_color: bool) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let others = match level >= LevelFilter::DEBUG {
        true => LevelFilter::WARN,
        false => LevelFilter::OFF,
    };
    let filter = Targets::new()
        .with_target("mackerel_ecs", level)
        .with_default(others);
    let ansi = std::io::stderr().is_terminal() && !no_color;
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .with_target(level >= LevelFilter::DEBUG);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Fails only where a subscriber is set already, as in tests.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
}
