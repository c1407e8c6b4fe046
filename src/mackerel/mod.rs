//! The calls to the Mackerel API v0 that the poller makes. A thin client of our own: it shares the
//! program's HTTP stack, so that it can be driven without a network, and its errors are decisions.

pub mod client;
pub mod error;
pub mod payload;
mod probe;
pub mod watching;
