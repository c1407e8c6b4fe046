//! What the integration tests share: a world of stand-ins, the program as its users run it, and
//! moto as a second opinion.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test binary has no outside, and what fails here fails a test"
)]

pub mod bridge;
pub mod cbor;
pub mod moto;
pub mod program;
pub mod world;
