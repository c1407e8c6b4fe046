//! What the integration tests share: a world of stand-ins, the program as its users run it, and
//! moto as a second opinion.

pub mod bridge;
pub mod cbor;
pub mod moto;
pub mod program;
pub mod web;
pub mod world;
