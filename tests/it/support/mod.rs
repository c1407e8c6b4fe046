//! What the integration tests share: a world of stand-ins, the program and its local
//! Mackerel as their users run them, and moto as a second opinion.

pub mod bridge;
pub mod browser;
pub mod cbor;
pub mod moto;
pub mod program;
pub mod router;
pub mod served;
pub mod web;
pub mod world;
