//! The judgement of monitors as pure functions: values and a threshold become a level, a level and what
//! was known before become a change of an alert. Nothing here reads the store or the clock.

use serde_json::{Map, Value};

/// How bad it is, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing is wrong.
    Ok,
    /// Only checks say so.
    Unknown,
    /// Worth a look.
    Warning,
    /// Someone must act.
    Critical,
}

impl Level {
    /// Each level.
    pub const ALL: [Level; 4] = [Self::Ok, Self::Unknown, Self::Warning, Self::Critical];

    /// The word in Mackerel's JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Unknown => "UNKNOWN",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }

    /// The level with this word, if it is one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

/// On which side of a threshold the trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `>`
    Above,
    /// `<`
    Below,
}

/// What a monitor of a metric compares with.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The side of the trouble.
    pub operator: Operator,
    /// The value beyond which it is a warning.
    pub warning: Option<f64>,
    /// The value beyond which it is critical.
    pub critical: Option<f64>,
    /// Over how many points the average is taken: points, not minutes.
    pub duration: usize,
    /// How many judgements in a row must be bad before an alert opens.
    pub max_check_attempts: i64,
}

impl Threshold {
    /// The threshold of a monitor that has one, as it was validated.
    pub fn of(monitor: &Map<String, Value>) -> Option<Self> {
        let number = |key: &str| monitor.get(key).and_then(Value::as_f64);
        let whole = |key: &str| number(key).map(|value| value as i64);
        Some(Self {
            operator: match monitor.get("operator")?.as_str()? {
                "<" => Operator::Below,
                _ => Operator::Above,
            },
            warning: number("warning"),
            critical: number("critical"),
            duration: usize::try_from(whole("duration")?).ok()?,
            max_check_attempts: whole("maxCheckAttempts").unwrap_or(1),
        })
    }

    /// The level of the newest points, newest first, and their average; nothing without a point.
    /// That fewer points than the duration are averaged all the same is an assumption.
    pub fn judge(&self, newest: &[f64]) -> Option<(Level, f64)> {
        let values = newest.get(..self.duration).unwrap_or(newest);
        if values.is_empty() {
            return None;
        }
        let average = values.iter().sum::<f64>() / values.len() as f64;
        let beyond = |threshold: Option<f64>| {
            threshold.is_some_and(|threshold| match self.operator {
                Operator::Above => average > threshold,
                Operator::Below => average < threshold,
            })
        };
        let level = match (beyond(self.critical), beyond(self.warning)) {
            (true, _) => Level::Critical,
            (false, true) => Level::Warning,
            (false, false) => Level::Ok,
        };
        Some((level, average))
    }
}

/// What is known of a monitor and one of its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many judgements in a row were bad.
    pub attempts: i64,
    /// The level at which an alert is due for the values that came; `Ok` where none is.
    pub level: Level,
    /// Whether an alert about silence was closed by hand and nothing has come since.
    pub dismissed: bool,
}

impl Standing {
    /// Before anything came.
    pub const NEW: Standing = Standing {
        attempts: 0,
        level: Level::Ok,
        dismissed: false,
    };

    /// After one more judgement. A single good one ends it, bad ones must come in a row until an alert is
    /// due, and from then on each moves the level of the alert at once.
    pub fn after(self, judged: Level, max_check_attempts: i64) -> Standing {
        if judged == Level::Ok {
            return Standing::NEW;
        }
        let attempts = self.attempts.saturating_add(1);
        let due = self.level != Level::Ok || attempts >= max_check_attempts;
        Standing {
            attempts,
            level: if due { judged } else { Level::Ok },
            dismissed: false,
        }
    }
}

/// What happens to the alert of a monitor and its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// One opens.
    Open(Level),
    /// The open one has another level from now on.
    Shift(Level),
    /// The open one is closed.
    Close,
}

/// What is to happen, by the level that is due and the level of the alert that is open.
pub fn change(due: Level, open: Option<Level>) -> Change {
    match (due, open) {
        (Level::Ok, None) => Change::None,
        (Level::Ok, Some(_)) => Change::Close,
        (level, None) => Change::Open(level),
        (level, Some(now)) if level == now => Change::None,
        (level, Some(_)) => Change::Shift(level),
    }
}

/// The level of a silence of so many seconds, by the minutes that a service monitor allows.
pub fn missing(seconds: i64, warning: Option<i64>, critical: Option<i64>) -> Level {
    let over = |minutes: Option<i64>| minutes.is_some_and(|minutes| seconds >= minutes * 60);
    match (over(critical), over(warning)) {
        (true, _) => Level::Critical,
        (false, true) => Level::Warning,
        (false, false) => Level::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(operator: Operator, duration: usize) -> Threshold {
        Threshold {
            operator,
            warning: Some(10.0),
            critical: Some(20.0),
            duration,
            max_check_attempts: 1,
        }
    }

    #[test]
    fn the_average_of_the_newest_points_is_compared() {
        let above = threshold(Operator::Above, 3);
        assert_eq!(above.judge(&[]), None);
        assert_eq!(above.judge(&[10.0]), Some((Level::Ok, 10.0)));
        assert_eq!(
            above.judge(&[20.0, 20.0, 20.0, 99.0]),
            Some((Level::Warning, 20.0))
        );
        assert_eq!(
            above.judge(&[60.0, 3.0, 0.0]),
            Some((Level::Critical, 21.0))
        );
        let below = Threshold {
            warning: None,
            ..threshold(Operator::Below, 1)
        };
        assert_eq!(below.judge(&[19.0, 99.0]), Some((Level::Critical, 19.0)));
        assert_eq!(below.judge(&[20.0]), Some((Level::Ok, 20.0)));
    }

    #[test]
    fn bad_judgements_must_come_in_a_row() {
        let walk = |levels: &[Level]| {
            levels
                .iter()
                .scan(Standing::NEW, |standing, level| {
                    *standing = standing.after(*level, 3);
                    Some(standing.level)
                })
                .collect::<Vec<_>>()
        };
        use Level::{Critical, Ok, Warning};
        assert_eq!(
            walk(&[Warning, Critical, Ok, Warning, Warning]),
            [Ok, Ok, Ok, Ok, Ok]
        );
        assert_eq!(
            walk(&[Warning, Critical, Warning, Critical, Ok, Critical]),
            [Ok, Ok, Warning, Critical, Ok, Ok]
        );
    }

    #[test]
    fn an_alert_opens_shifts_and_closes() {
        use Level::{Critical, Ok, Warning};
        for (due, open, expected) in [
            (Ok, None, Change::None),
            (Ok, Some(Warning), Change::Close),
            (Warning, None, Change::Open(Warning)),
            (Warning, Some(Warning), Change::None),
            (Critical, Some(Warning), Change::Shift(Critical)),
        ] {
            assert_eq!(change(due, open), expected, "{due:?} {open:?}");
        }
        assert_eq!(missing(599, Some(10), Some(20)), Ok);
        assert_eq!(missing(600, Some(10), Some(20)), Warning);
        assert_eq!(missing(1200, Some(10), Some(20)), Critical);
        assert_eq!(missing(1200, None, None), Ok);
    }
}
