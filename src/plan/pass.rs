//! How fast a Region's services are described: all of them in each poll where ECS's rates allow
//! that, else a part in each, so that a pass over all of them takes several polls.

use std::time::Duration;

use crate::model::pass::Pass;

/// The part of the interval in which services are described and CloudWatch is read; the rest is for
/// posting.
const ASKING: f64 = 0.75;

/// The least part of the interval in which services are described, however long CloudWatch takes.
const LEAST: f64 = 0.25;

/// How many calls list and describe the services of clusters that have so many each.
pub fn calls(services: impl IntoIterator<Item = usize>) -> usize {
    let of = |services: usize| Pass::of_services(services, services).service_reads;
    services.into_iter().map(of).sum()
}

/// For how long a poll describes services, where reading CloudWatch takes so long.
pub fn walk_time(interval: Duration, reading: Duration) -> Duration {
    let rest = interval.mul_f64(ASKING).saturating_sub(reading);
    rest.max(interval.mul_f64(LEAST))
}

/// Over how many polls a pass of so many calls is spread. Some of them read CloudWatch, every so many
/// minutes and for so long: all are taken together. `within` tells how many calls a time allows, none
/// for any number.
pub fn polls(
    calls: usize,
    interval: Duration,
    (every, reading): (i64, Duration),
    within: impl FnOnce(Duration) -> Option<usize>,
) -> usize {
    let reading = reading / every.clamp(1, 60) as u32;
    let a_poll = within(walk_time(interval, reading));
    a_poll.map_or(1, |a_poll| calls.div_ceil(a_poll.max(1)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_takes_as_many_polls_as_the_rates_need() {
        assert_eq!(calls([]), 0);
        assert_eq!(calls([0, 1, 10, 11, 100, 101]), 1 + 2 + 2 + 3 + 11 + 13);
        let twenty_thousand = calls([1000; 20]);
        assert_eq!(twenty_thousand, 2200);
        // Half of twenty calls a second, for 45 seconds of a minute or for what reading leaves of them.
        let in_polls = |calls, every, seconds| {
            let (minute, reading) = (Duration::from_secs(60), Duration::from_secs(seconds));
            polls(calls, minute, (every, reading), |time| {
                Some(time.as_secs() as usize * 10)
            })
        };
        assert_eq!(in_polls(twenty_thousand, 1, 0), 5);
        assert_eq!(in_polls(twenty_thousand, 1, 20), 9);
        assert_eq!(in_polls(twenty_thousand, 5, 20), 6);
        assert_eq!(in_polls(450, 1, 0), 1);
        assert_eq!(in_polls(451, 1, 0), 2);
        let reading = (1, Duration::ZERO);
        assert_eq!(polls(twenty_thousand, Duration::ZERO, reading, |_| None), 1);
        assert_eq!(polls(0, Duration::ZERO, reading, |_| Some(0)), 1);
    }

    #[test]
    fn reading_takes_its_time_from_describing() {
        let minute = Duration::from_secs(60);
        for (reading, walk) in [(0, 45), (10, 35), (30, 15), (100, 15)] {
            let reading = Duration::from_secs(reading);
            assert_eq!(walk_time(minute, reading), Duration::from_secs(walk));
        }
    }
}
