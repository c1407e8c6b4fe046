//! Brings Mackerel to where it should be: hosts, roles, graph definitions and points, with as few
//! calls as that takes.

pub mod graph;
pub mod host;
pub mod memory;
pub mod retry;
pub mod role;
pub mod send;
