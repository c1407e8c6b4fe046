//! The line that tells how far a poll is, with the time that is left. Pure: it is told the time.

use std::time::Duration;

use super::look::cut;
use crate::model::progress::Tally;

/// How long a stage must have taken until the time left is more than a guess.
const LEARNED: Duration = Duration::from_secs(2);

/// When each stage began, counted from the beginning of the poll.
#[derive(Debug, Default)]
pub struct Pace {
    began: [Option<Duration>; 3],
}

impl Pace {
    /// The line at a moment, no longer than the terminal is wide.
    pub fn line(&mut self, tallies: [Tally; 3], elapsed: Duration, width: usize) -> String {
        const WORDS: [(&str, &str); 3] = [
            ("ECS", "services"),
            ("CloudWatch", "requests"),
            ("Mackerel", "points"),
        ];
        let mut parts = Vec::new();
        let mut left = None;
        for ((tally, began), (side, what)) in tallies.iter().zip(&mut self.began).zip(WORDS) {
            if tally.all == 0 {
                continue;
            }
            let took = elapsed - *began.get_or_insert(elapsed);
            let (done, all) = (grouped(tally.done), grouped(tally.all));
            parts.push(format!("{side}: {done} of {all} {what}"));
            // Of a stage that is done nothing is left, and the next one tells more.
            left = match tally.done {
                done if done >= tally.all => Some(Duration::ZERO),
                0 => None,
                done if took >= LEARNED => {
                    Some(took.mul_f64((tally.all - done) as f64 / done as f64))
                }
                _ => None,
            };
        }
        let mut line = match parts.is_empty() {
            true => "listing clusters".to_owned(),
            false => parts.join(", "),
        };
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            let seconds = left.as_secs().max(1);
            line.push_str(&match seconds {
                0..120 => format!("; about {seconds} s left"),
                _ => format!("; about {} min left", seconds.div_ceil(60)),
            });
        }
        // The last column stays free: some terminals begin a line after it.
        cut(&line, width.saturating_sub(1))
    }
}

/// A number with a comma at each thousand.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(done: usize, all: usize) -> Tally {
        Tally { done, all }
    }

    #[test]
    fn counts_and_the_time_left() {
        let mut pace = Pace::default();
        let mut line = |seconds, tallies| pace.line(tallies, Duration::from_secs(seconds), 120);
        let none = tally(0, 0);
        assert_eq!(line(1, [none; 3]), "listing clusters");
        assert_eq!(
            line(2, [tally(0, 1000), none, none]),
            "ECS: 0 of 1,000 services"
        );
        assert_eq!(
            line(12, [tally(250, 1000), none, none]),
            "ECS: 250 of 1,000 services; about 30 s left"
        );
        // The next stage has its own pace.
        let services = tally(1000, 1000);
        assert_eq!(
            line(50, [services, tally(1, 400), none]),
            "ECS: 1,000 of 1,000 services, CloudWatch: 1 of 400 requests"
        );
        assert_eq!(
            line(60, [services, tally(10, 400), tally(0, 1_234_567)]),
            "ECS: 1,000 of 1,000 services, CloudWatch: 10 of 400 requests, \
             Mackerel: 0 of 1,234,567 points"
        );
        assert_eq!(
            line(70, [services, tally(400, 400), tally(10_000, 1_234_567)]),
            "ECS: 1,000 of 1,000 services, CloudWatch: 400 of 400 requests, \
             Mackerel: 10,000 of 1,234,567 points; about 21 min left"
        );
    }

    #[test]
    fn a_line_is_no_longer_than_the_terminal_is_wide() {
        let line = Pace::default().line([tally(1, 9); 3], Duration::ZERO, 20);
        assert_eq!(line, "ECS: 1 of 9 servic…");
    }
}
