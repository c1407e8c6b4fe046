//! CloudWatch: the metrics of the namespace `AWS/ECS`, as its API lists and reads them.

pub mod data;
pub mod metrics;
pub mod query;
pub mod series;
pub mod statistics;
