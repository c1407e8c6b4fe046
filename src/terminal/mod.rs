//! The terminal, if there is one: how wide it is, whether it shows colours, and the line that tells
//! how far a long poll is.

pub mod look;
mod progress;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::model::progress::Progress;
use look::Look;

/// How long a poll takes until it is worth a line, and how often that is drawn.
const PATIENCE: Duration = Duration::from_secs(1);
const REDRAW: Duration = Duration::from_millis(200);

/// Begins a line of a terminal anew.
pub const CLEAR: &str = "\r\x1b[K";

/// How text on standard output is to look. Whether there are colours follows `NO_COLOR` and
/// `CLICOLOR_FORCE`.
pub fn standard_output(environment: &[(String, String)]) -> Look {
    let is_terminal = std::io::stdout().is_terminal();
    Look {
        width: match is_terminal {
            true => columns().unwrap_or(Look::PLAIN.width),
            false => Look::PLAIN.width,
        },
        colour: look::colour(is_terminal, environment),
    }
}

/// Whether the log is in colours.
pub fn log_colour(environment: &[(String, String)]) -> bool {
    look::colour(std::io::stderr().is_terminal(), environment)
}

fn columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(std::io::stderr())
        .or_else(|| terminal_size::terminal_size_of(std::io::stdout()))?;
    Some(usize::from(width.0))
}

/// Does something, and meanwhile tells on standard error how far it is, where that is a terminal and
/// it takes long. What was told is gone when it is done.
pub async fn watched<T>(progress: &Progress, work: impl Future<Output = T>) -> T {
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    tokio::pin!(work);
    let mut pace = progress::Pace::default();
    let began = Instant::now();
    let mut ticks = interval_at(began + PATIENCE, REDRAW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut shown = false;
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            _ = ticks.tick() => {
                let width = columns().unwrap_or(80);
                let line = pace.line(progress.tallies(), began.elapsed(), width);
                draw(&line);
                shown = true;
            }
        }
    };
    if shown {
        draw("");
    }
    done
}

/// A terminal that takes no text is no reason to stop.
fn draw(line: &str) {
    let mut out = std::io::stderr().lock();
    let _ = write!(out, "{CLEAR}{line}");
    let _ = out.flush();
}
