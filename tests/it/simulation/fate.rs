//! What becomes of a request: drawn from the seed, under the weather of the moment.

use std::time::Duration;

use super::scenario::{Side, Weather};
use super::world::World;

impl World {
    /// What becomes of a request.
    pub(super) fn fate(&self, action: &str, has_points: bool, is_calm: bool) -> Fate {
        let second = self.millis() / 1000;
        let mut rng = self.rng.lock().unwrap();
        let most = self.scenario.latency;
        let mut fate = Fate {
            there: Duration::from_millis(rng.u64(1..=most)),
            back: Duration::from_millis(rng.u64(1..=most)),
            event: Event::None,
        };
        if is_calm {
            return fate;
        }
        if rng.u32(..100) == 0 {
            fate.back += Duration::from_millis(rng.u64(..8000));
        }
        if rng.u32(..10_000) < self.scenario.mishaps {
            fate.event = mishap(&mut rng, action);
        }
        for weather in self.scenario.weather_at(second) {
            let meets = |side: Side, share: u32, rng: &mut fastrand::Rng| {
                side.is_met_by(action, has_points) && rng.u32(..100) < share
            };
            let event = match weather {
                Weather::Unreachable(side) if side.is_met_by(action, has_points) => {
                    match rng.bool() {
                        true => Event::Refused,
                        false => Event::Hang,
                    }
                }
                Weather::Failing(side, share) if meets(*side, *share, &mut rng) => {
                    Event::Status([500, 502, 503, 504][rng.usize(..4)])
                }
                Weather::Throttled(side, share) if meets(*side, *share, &mut rng) => {
                    Event::Throttle(rng.bool().then(|| match rng.u32(..20) {
                        // Longer than a poll.
                        0 => rng.u64(60..180),
                        _ => rng.u64(1..20),
                    }))
                }
                Weather::Flaky(side, share) if meets(*side, *share, &mut rng) => {
                    mishap(&mut rng, action)
                }
                Weather::Spoiled(share)
                    if action == "cloudwatch:GetMetricData" && rng.u32(..100) < *share =>
                {
                    match rng.bool() {
                        true => Event::Partial,
                        false => Event::InternalResults,
                    }
                }
                Weather::Expired if action != "mackerel" => Event::Expired,
                Weather::Nonsense(side, share) if meets(*side, *share, &mut rng) => Event::Nonsense,
                _ => continue,
            };
            if fate.event == Event::None || event == Event::Refused || event == Event::Hang {
                fate.event = event;
            }
        }
        fate
    }
}

fn mishap(rng: &mut fastrand::Rng, action: &str) -> Event {
    match rng.u32(..12) {
        0 => Event::Refused,
        1 | 2 => Event::Lost,
        3 | 4 => Event::Cut,
        5 => Event::Hang,
        6 => Event::Status(503),
        7 => Event::Slow(rng.u64(1000..20_000)),
        8 if action == "cloudwatch:GetMetricData" => Event::InternalResults,
        8 => Event::Html,
        9 if action != "mackerel" => Event::Expired,
        10 => Event::Nonsense,
        _ => Event::Throttle(None),
    }
}

impl Side {
    fn is_met_by(self, action: &str, has_points: bool) -> bool {
        match self {
            Side::CloudWatch => action.starts_with("cloudwatch:"),
            Side::Ecs => action.starts_with("ecs:"),
            Side::Aws => action != "mackerel",
            Side::Mackerel => action == "mackerel",
            Side::Points => has_points,
            Side::All => true,
        }
    }
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fate {
    /// The time on the way there.
    pub(super) there: Duration,
    /// The time on the way back.
    pub(super) back: Duration,
    /// What goes wrong.
    pub(super) event: Event,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Event {
    None,
    /// There is no connection.
    Refused,
    /// The work is done, and the answer gets lost.
    Lost,
    /// The work is done, and the answer breaks off in the middle of its body.
    Cut,
    /// Nothing ever comes back; the work is not done.
    Hang,
    /// The answer takes so many milliseconds.
    Slow(u64),
    Status(u16),
    Throttle(Option<u64>),
    Html,
    /// The work is not done, and the answer is status 200 and a page, or nothing at all.
    Nonsense,
    /// The temporary credentials are said to have expired.
    Expired,
    Partial,
    InternalResults,
}

impl Event {
    /// What it is called in the report; none where nothing goes wrong.
    pub(super) fn name(self) -> Option<&'static str> {
        Some(match self {
            Event::None => return None,
            Event::Refused => "connection refused",
            Event::Lost => "answer lost",
            Event::Cut => "body cut",
            Event::Hang => "hang",
            Event::Slow(_) => "slow",
            Event::Status(_) => "5xx",
            Event::Throttle(_) => "throttled",
            Event::Html => "a proxy's page",
            Event::Nonsense => "nonsense with status 200",
            Event::Expired => "expired token",
            Event::Partial => "partial data",
            Event::InternalResults => "internal error result",
        })
    }
}
