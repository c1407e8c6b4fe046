//! How often AWS is asked: not more than it allows, and not less than each minute.

use super::ledger::{Ledger, clock};
use super::scenario::{Scenario, Side, Weather};
use super::verdict::{Invariant, Verdict};

/// The longest from the beginning of a poll to the next, in milliseconds: a minute, and what the way
/// there may take.
const MINUTE: i64 = 75_000;

/// In each process, no more than the burst at once and the rate after it: of the poller's share for
/// what it calls, and of all that AWS allows for what comes of that with the SDK's retries. Of its
/// share a call may seem too early, where the one before it waited for credentials on its way.
pub(super) fn check_rates(ledger: &Ledger, scenario: &Scenario, verdict: &mut Verdict) {
    for ((life, region, group), attempts) in &ledger.attempts {
        let (burst, rate) = group.limits();
        let calls = attempts.iter().filter(|(_, is_first)| *is_first);
        let share = scenario.rate_share;
        let own = bucket(calls, (burst * share).floor().max(1.0) + 1.0, rate * share);
        for at in own.into_iter().chain(bucket(attempts, burst, rate)) {
            verdict.fail(Invariant::Rates, || {
                let when = clock(at / 1000);
                format!("life {life} at {when} in {region}: one {group:?} too many")
            });
        }
    }
}

/// When the bucket was empty.
fn bucket<'a>(
    attempts: impl IntoIterator<Item = &'a (i64, bool)>,
    burst: f64,
    rate: f64,
) -> Vec<i64> {
    let (mut tokens, mut last) = (burst, 0);
    let mut empty = Vec::new();
    for (at, _) in attempts {
        tokens = (tokens + (at - last) as f64 / 1000.0 * rate).min(burst);
        last = *at;
        tokens -= 1.0;
        // A hundredth for the rounding of time to milliseconds.
        if tokens < -0.01 {
            tokens += 1.0;
            empty.push(*at);
        }
    }
    empty
}

/// While nothing is wrong with AWS or the clock, a loop begins a poll each minute, but for its first one,
/// which begins at once and has the time until the second minute of the schedule.
pub(super) fn check_polls(ledger: &Ledger, scenario: &Scenario, verdict: &mut Verdict) {
    if scenario.mishaps > 0 {
        return;
    }
    for ((life, region), polls) in &ledger.began {
        if scenario.lives[*life].once {
            continue;
        }
        for pair in polls.windows(2).skip(1) {
            let (from, to) = (pair[0], pair[1]);
            if to - from > MINUTE && scenario.spares_aws(from / 1000 - 180, to / 1000 + 60) {
                verdict.fail(Invariant::EachMinute, || {
                    let (from, to) = (clock(from / 1000), clock(to / 1000));
                    format!("life {life} in {region}: a poll at {from}, the next one at {to}")
                });
            }
        }
    }
}

impl Scenario {
    /// Whether all that goes wrong in a time is Mackerel's.
    fn spares_aws(&self, from: i64, to: i64) -> bool {
        let mut spells = self.weather.iter();
        spells.all(|spell| {
            let is_mackerels = match spell.what {
                Weather::Unreachable(side)
                | Weather::Failing(side, _)
                | Weather::Throttled(side, _)
                | Weather::Flaky(side, _)
                | Weather::Nonsense(side, _) => matches!(side, Side::Mackerel | Side::Points),
                Weather::Poison(_) | Weather::RetiredByHand(_) => true,
                _ => false,
            };
            is_mackerels || spell.to <= from || to <= spell.from
        })
    }
}
