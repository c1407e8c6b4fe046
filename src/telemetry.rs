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

/// What our own lines begin their target with.
const OWN: &str = "mackerel_ecs";

/// Starts logging to standard error. `directives` are those of `RUST_LOG` and win over the level. A
/// second call does nothing.
pub fn start(level: LogLevel, directives: Option<&str>, format: LogFormat, colour: bool) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let asked = directives.map(str::parse::<Targets>).transpose();
    let filter = filter(level, asked.as_ref().ok().and_then(Option::as_ref));
    let is_terminal = std::io::stderr().is_terminal();
    let lines = fmt::layer()
        .with_writer(move || Line { is_terminal })
        .with_ansi(colour)
        .with_target(most_detailed(&filter) >= LevelFilter::DEBUG);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Fails only where a subscriber is set already, as in tests.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
    if let Err(error) = asked {
        tracing::warn!("RUST_LOG is not understood and counts for nothing: {error}");
    }
}

fn filter(level: LevelFilter, asked: Option<&Targets>) -> Targets {
    let level = asked.and_then(Targets::default_level).unwrap_or(level);
    let others = match level >= LevelFilter::DEBUG {
        true => LevelFilter::WARN,
        false => LevelFilter::OFF,
    };
    let filter = Targets::new().with_target(OWN, level).with_default(others);
    let directives = asked.into_iter().flat_map(Targets::iter);
    directives.fold(filter, |filter, (target, level)| {
        let most = match target.starts_with(OWN) {
            true => level,
            false => level.min(LevelFilter::WARN),
        };
        filter.with_target(target, most)
    })
}

fn most_detailed(filter: &Targets) -> LevelFilter {
    let levels = filter.iter().map(|(_, level)| level);
    levels.max().unwrap_or(LevelFilter::OFF)
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

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn no_directive_lets_a_library_say_more_than_warnings() {
        let asked: Targets = "warn,mackerel_ecs::post=debug,hyper=trace".parse().unwrap();
        let filter = filter(LevelFilter::INFO, Some(&asked));
        let lets = |target: &str, level| filter.would_enable(target, &level);
        assert!(lets("mackerel_ecs::run", Level::WARN));
        assert!(!lets("mackerel_ecs::run", Level::INFO));
        assert!(lets("mackerel_ecs::post::retry", Level::DEBUG));
        assert!(lets("hyper", Level::WARN));
        assert!(!lets("hyper", Level::INFO));
        let all: Targets = "trace".parse().unwrap();
        let filter = super::filter(LevelFilter::INFO, Some(&all));
        assert!(!filter.would_enable("aws_smithy_runtime", &Level::INFO));
    }
}
