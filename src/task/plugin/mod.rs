//! Plugins: programs of the user that print metrics or check something, once a minute. Each is on
//! its own: one that fails, or takes long, takes nothing from the others.

pub mod check;
pub mod command;
pub mod metric;
pub mod round;

pub use check::{CheckPlugin, CheckStatus, Finding};
pub use command::Command;
pub use metric::MetricPlugin;
pub use round::{News, Plugins};

/// What is said of a program that was ended after its time, as mackerel-container-agent says it.
const TIMED_OUT: &str = "command timed out";

/// A plugin's complaints are the user's to read, not ours to judge.
fn log_stderr(kind: &'static str, name: &str, stderr: &str) {
    let stderr = stderr.trim();
    if !stderr.is_empty() {
        tracing::info!("plugin.{kind}.{name} says on standard error: {stderr:?}");
    }
}
