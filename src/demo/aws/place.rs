//! Where and when a request acts: all that an operation needs to know besides its input.

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::fleet::Region;
use crate::demo::aws::options::Lateness;

/// An account and region at a moment.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The account's number.
    pub account: &'a str,
    /// The region's name.
    pub region: &'a str,
    /// What is there; none when the fleet has nothing in this region.
    pub content: Option<&'a Region>,
    /// The time of the request.
    pub now: DateTime<Utc>,
    /// How late CloudWatch is.
    pub lateness: Lateness,
    /// How long deleted things are still described.
    pub described_after_deletion: TimeDelta,
    /// The most events of a service.
    pub most_events: u32,
}
