//! What the integration tests share.

pub mod bridge;
pub mod cbor;
pub mod moto;
