//! Decides what is asked of CloudWatch: which series, over which minutes, in which requests; and how
//! fast services are described.

pub mod batch;
pub mod cost;
pub mod gap;
pub mod history;
pub mod pass;
pub mod window;
