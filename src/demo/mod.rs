//! Local stand-ins for the services that the product talks to, for the demo, the tests and the
//! benchmark. They are written from what AWS and Mackerel document and know nothing of our clients,
//! or they would agree with our own mistakes.

pub mod aws;
pub mod mackerel;
pub mod serve;
pub mod sink;
pub mod stream;
pub mod task;
