//! Sets up the log: our own lines at the level that was asked for, others' hardly at all.
//!
//! What the libraries below log can hold headers and bodies, and so secrets; their errors reach us
//! as errors anyway. So none of their lines below a warning is ever written, whatever the level.

use std::io::{IsTerminal, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::cli::{LogFormat, LogLevel};
use crate::terminal::CLEAR;

/// Starts logging to standard error. A second call does nothing.
pub fn start(level: LogLevel, format: LogFormat, colour: bool) {
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
    let is_terminal = std::io::stderr().is_terminal();
    let lines = fmt::layer()
        .with_writer(move || Line { is_terminal })
        .with_ansi(colour)
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

/// Standard error for one line of the log, which on a terminal takes the place of whatever tells how
/// far a poll is.
#[derive(Debug)]
struct Line {
    is_terminal: bool,
}

impl Write for Line {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        let mut out = std::io::stderr().lock();
        if self.is_terminal {
            out.write_all(&[CLEAR.as_bytes(), text].concat())?;
        } else {
            out.write_all(text)?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}
