//! The time that a graph shows, as a grid: points become one value or gap for each step, and the
//! values of several hosts a sum. Pure.

use crate::demo::mackerel::call::Call;
use crate::demo::mackerel::error::Refusal;

/// More steps than this are not sent: a day has one for each minute, a longer time is thinned.
const STEPS_MAX: i64 = 1_500;

/// What a graph shows where nothing is asked for: three hours.
const DEFAULT_PERIOD: i64 = 3 * 60 * 60;

/// The longest period, in seconds: what Mackerel keeps, 460 days.
const PERIOD_MAX: i64 = 460 * 24 * 60 * 60;

/// For so many minutes after its newest point a host is taken to be late, not gone.
const LATE_MINUTES: i64 = 5;

/// A grid of equal steps from a whole minute on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The start of the first step, in epoch seconds.
    pub from: i64,
    /// The length of a step in seconds: whole minutes.
    pub step: i64,
    /// The number of steps.
    pub count: usize,
}

impl Span {
    /// What the query asks for: `from` and `to` in epoch seconds, or the last `period` seconds.
    ///
    /// # Errors
    ///
    /// 400 where a time is no number, or the time is empty or longer than Mackerel keeps points.
    pub fn of(call: &Call, now: i64) -> Result<Span, Refusal> {
        let number = |name: &str| match call.query_first(name).map(str::parse::<i64>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(Refusal::bad_request(format!("`{name}` must be seconds"))),
        };
        let to = number("to")?.unwrap_or(now);
        let period = number("period")?.unwrap_or(DEFAULT_PERIOD);
        let from = number("from")?.unwrap_or(to.saturating_sub(period));
        if !(60..=PERIOD_MAX).contains(&to.saturating_sub(from)) {
            return Err(Refusal::bad_request(
                "the time must be at least a minute and at most 460 days",
            ));
        }
        let (first, last) = (from.div_euclid(60), to.div_euclid(60));
        let minutes = last - first + 1;
        let step = (minutes + STEPS_MAX - 1) / STEPS_MAX;
        Ok(Span {
            from: first * 60,
            step: step * 60,
            count: usize::try_from((minutes + step - 1) / step).unwrap_or_default(),
        })
    }

    /// The end of the last step, in epoch seconds.
    pub fn end(&self) -> i64 {
        self.from + self.step * i64::try_from(self.count).unwrap_or_default()
    }

    /// The mean of the points in each step; a step without a point is a gap.
    pub fn grid(&self, points: &[(i64, f64)]) -> Vec<Option<f64>> {
        let mut sums = vec![(0.0, 0_u32); self.count];
        for (time, value) in points {
            let place = usize::try_from((time - self.from).div_euclid(self.step));
            if let Some((sum, count)) = place.ok().and_then(|place| sums.get_mut(place)) {
                *sum += value;
                *count += 1;
            }
        }
        let mean = |(sum, count): (f64, u32)| (count > 0).then(|| sum / f64::from(count));
        sums.into_iter().map(mean).collect()
    }

    /// The sum of several hosts' values. Where a host lacks a value between two that it has, or is
    /// late at the end, there is a gap: without it the sum would fall for no reason.
    pub fn sum(&self, hosts: &[Vec<Option<f64>>]) -> Vec<Option<f64>> {
        let late = usize::try_from((LATE_MINUTES * 60) / self.step).unwrap_or_default();
        let mut sums: Vec<Option<f64>> = vec![None; self.count];
        let mut missing = vec![false; self.count];
        for values in hosts {
            let Some(first) = values.iter().position(Option::is_some) else {
                continue;
            };
            let last = values.iter().rposition(Option::is_some).unwrap_or(first);
            let steps = values.iter().zip(&mut sums).zip(&mut missing);
            for (place, ((value, sum), missing)) in steps.enumerate() {
                match value {
                    Some(value) => *sum = Some(sum.unwrap_or_default() + value),
                    None => *missing |= (first..=last + late).contains(&place),
                }
            }
        }
        let sums = sums.into_iter().zip(missing);
        sums.map(|(sum, missing)| sum.filter(|_| !missing))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(query: &[(&str, &str)], now: i64) -> Result<Span, Refusal> {
        let query = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let call = Call {
            query: query.collect(),
            ..Call::default()
        };
        Span::of(&call, now)
    }

    #[test]
    fn a_day_has_a_step_for_each_minute_and_a_week_is_thinned() {
        let day = span(&[("period", "86400")], 200_000).unwrap();
        assert_eq!((day.from, day.step, day.count), (113_580, 60, 1_441));
        assert_eq!(day.end(), 200_040);
        let week = span(&[("from", "0"), ("to", "604800")], 1_000_000).unwrap();
        assert_eq!((week.from, week.step, week.count), (0, 420, 1_441));
        assert!(week.end() > 604_800);
        let default = span(&[], 200_000).unwrap();
        assert_eq!((default.step, default.count), (60, 181));
    }

    #[test]
    fn a_time_that_makes_no_sense_is_refused() {
        for (from, to) in [
            ("10", "10"),
            ("100", "10"),
            ("x", "10"),
            ("0", "99999999999"),
            ("-9223372036854775808", "9223372036854775807"),
        ] {
            let refused = span(&[("from", from), ("to", to)], 0);
            assert!(refused.is_err(), "{from} {to}");
        }
    }

    #[test]
    fn points_are_averaged_in_a_step_and_a_missing_one_is_a_gap() {
        let span = Span {
            from: 600,
            step: 120,
            count: 3,
        };
        let points = [(0, 9.0), (600, 1.0), (660, 3.0), (840, 5.0), (960, 9.0)];
        assert_eq!(span.grid(&points), [Some(2.0), None, Some(5.0)]);
    }

    #[test]
    fn a_sum_has_a_gap_where_a_host_lacks_a_value() {
        let span = Span {
            from: 0,
            step: 60,
            count: 9,
        };
        let whole = vec![Some(1.0); 9];
        let holed = [
            None,
            Some(2.0),
            None,
            Some(2.0),
            None,
            None,
            None,
            None,
            None,
        ];
        let n = None;
        let one = Some(1.0);
        let three = Some(3.0);
        assert_eq!(
            span.sum(&[whole.clone(), holed.to_vec()]),
            [one, three, n, three, n, n, n, n, n]
        );
        let gone = Span {
            from: 0,
            step: 300,
            count: 9,
        };
        assert_eq!(
            gone.sum(&[whole, holed.to_vec(), vec![None; 9]]),
            [one, three, n, three, n, one, one, one, one]
        );
    }
}
