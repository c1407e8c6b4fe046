//! Until when a stage of a poll may take. A stage that hangs leaves the others their time, and no poll is
//! passed over for a Mackerel that does not answer: what ECS says in a minute is said once.

use std::time::Duration;

use tokio::time::Instant;

use super::Shared;
use crate::post::send::Deadline;

/// The time that Mackerel has in any case, where AWS has taken all that there was, and that is left for
/// the heartbeat.
pub(super) const MOMENT: Duration = Duration::from_secs(5);

/// What a poll leaves to the next one.
const BREATH: Duration = Duration::from_secs(1);

/// What making sure of hosts leaves to posting.
const FOR_POSTING: Duration = Duration::from_secs(15);

impl Shared {
    /// For the stage that begins now.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.config.poll.interval.mul_f64(0.5)
    }

    /// To make sure of hosts, where the next poll is due then.
    pub(super) fn deadline_of_hosts(&self, next: Option<Instant>) -> Instant {
        self.before(next, FOR_POSTING, MOMENT)
    }

    /// To post.
    pub(super) fn deadline_of_points(&self, next: Option<Instant>) -> Deadline {
        Deadline {
            unanswered: self.before(next, BREATH, MOMENT),
            last: self.deadline(),
        }
    }

    /// For what comes after posting, in which Mackerel has answered or has not.
    pub(super) fn deadline_of_rest(&self, next: Option<Instant>, answers: bool) -> Instant {
        let at_least = if answers { MOMENT } else { Duration::ZERO };
        self.before(next, BREATH, at_least)
    }

    /// Before the next poll is due and what is to come until then, but not sooner than `at_least`.
    fn before(&self, next: Option<Instant>, room: Duration, at_least: Duration) -> Instant {
        let by = self.deadline();
        next.map_or(by, |next| {
            let next = next.checked_sub(room).unwrap_or(next);
            by.min(next.max(Instant::now() + at_least))
        })
    }
}
