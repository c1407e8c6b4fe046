//! The simulated AWS as a client sees it: every test speaks HTTP to the router.

mod client;
mod cloudwatch;
mod ecs;
mod fleet;
mod listing;
mod revised;
mod revisions;
mod server;
mod wire;
