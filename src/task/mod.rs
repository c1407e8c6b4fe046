//! The per-task mode: a sidecar that makes its ECS task a host on Mackerel and posts what the
//! task's containers use, in the place of mackerel-container-agent.

pub mod plugin;
pub mod probe;
pub mod setting;
