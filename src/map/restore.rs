//! Restores running counts that were missed from the number of samples that CloudWatch has: ECS
//! sends one sample per running task and minute, or three where the service's monitoring
//! configuration asks for 20 seconds. No samples restore nothing: a zero is never made up.

use crate::model::sample::Sample;
use crate::model::time::Minute;

/// How many samples a task sends in a minute, as far as pairs of a running count and the number of
/// samples of the same minute tell; none where they tell nothing or disagree. Counts that changed
/// around the minute are no evidence.
pub fn samples_per_task(
    counted: impl Fn(Minute) -> Option<f64>,
    sampled: &[(Minute, f64)],
) -> Option<f64> {
    let mut found = None;
    for (minute, samples) in sampled {
        let around = [-1, 0, 1].map(|step| counted(minute.plus(step)));
        let [Some(before), Some(count), Some(after)] = around else {
            continue;
        };
        if before != count || after != count || count <= 0.0 {
            continue;
        }
        let ratio = samples / count;
        let known = [1.0, 3.0].contains(&ratio);
        if !known || found.is_some_and(|found| found != ratio) {
            return None;
        }
        found = Some(ratio);
    }
    found
}

/// Turns numbers of samples into running counts. A number that the divisor does not divide is of a
/// minute that is not complete, or in which the configuration changed: it is left out.
pub fn restored(sampled: &[Sample], divisor: impl Fn(&str) -> Option<f64>) -> Vec<Sample> {
    sampled
        .iter()
        .filter_map(|sample| {
            let divisor = divisor(sample.series.service.as_deref()?)?;
            let count = sample.value / divisor;
            (count.fract() == 0.0 && count > 0.0).then(|| Sample {
                value: count,
                ..sample.clone()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::running_count;
    use crate::model::sample::SeriesId;

    fn minute(n: i64) -> Minute {
        Minute::of_seconds(n * 60)
    }

    #[track_caller]
    fn check(counts: &[f64], samples: &[f64], expected: Option<f64>) {
        let counted = |at: Minute| {
            let place = usize::try_from(at.since(minute(0))).ok()?;
            counts.get(place).copied()
        };
        let sampled: Vec<(Minute, f64)> = (0..).map(minute).zip(samples.iter().copied()).collect();
        assert_eq!(samples_per_task(counted, &sampled), expected);
    }

    #[test]
    fn known_minutes_tell_the_divisor() {
        check(&[2.0; 5], &[2.0; 5], Some(1.0));
        check(&[3.0; 5], &[9.0; 5], Some(3.0));
        check(&[2.0; 5], &[], None);
        check(&[0.0; 5], &[0.0; 5], None);
        // A minute that is not complete, or a configuration that changed.
        check(&[2.0; 5], &[2.0, 2.0, 1.0, 2.0, 2.0], None);
        check(&[2.0; 5], &[2.0, 2.0, 6.0, 6.0, 6.0], None);
        // Around a change nothing can be told.
        check(&[1.0, 1.0, 3.0, 3.0], &[3.0; 4], None);
    }

    #[test]
    fn samples_become_counts() {
        let sample = |service: &str, value| Sample {
            series: SeriesId {
                metric: running_count(),
                service: Some(service.into()),
            },
            minute: minute(1),
            value,
        };
        let divisor = |service: &str| match service {
            "a" => Some(3.0),
            "b" => Some(1.0),
            _ => None,
        };
        let sampled = [
            sample("a", 9.0),
            sample("a", 8.0),
            sample("b", 2.0),
            sample("c", 4.0),
        ];
        let counts: Vec<f64> = restored(&sampled, divisor)
            .iter()
            .map(|sample| sample.value)
            .collect();
        assert_eq!(counts, [3.0, 2.0]);
    }
}
