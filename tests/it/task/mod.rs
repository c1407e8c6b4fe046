//! The per-task mode: what Mackerel receives of a task.

mod delivery;
mod life;
mod metrics;
mod sidecar;
mod trouble;
