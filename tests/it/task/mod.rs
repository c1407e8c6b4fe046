//! The per-task mode: what Mackerel receives of a task.

mod delivery;
mod host;
mod life;
mod metrics;
mod page;
mod process;
mod sidecar;
mod trouble;
