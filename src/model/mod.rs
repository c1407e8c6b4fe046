//! The vocabulary of the poller: identities, minutes, what ECS has, what a host should be, the
//! metrics that exist and what can go wrong with one item.
//!
//! Nothing here does I/O or knows any other module, so everything may depend on it.

pub mod calls;
pub mod catalog;
pub mod hash;
pub mod host;
pub mod id;
pub mod inventory;
pub mod origin;
pub mod pass;
pub mod progress;
pub mod reader;
pub mod region;
pub mod role;
pub mod sample;
pub mod shard;
pub mod time;
pub mod trouble;
