//! Turns what AWS said into what Mackerel takes: counts into samples, a cluster into a host, the
//! catalogue into graph definitions. Pure: nothing here waits or fails.

pub mod count;
pub mod graph;
pub mod highest;
pub mod host;
pub mod restore;
