//! The flags of `setup`.

use std::str::FromStr;

use clap::Args;

use super::CheckOutput;
use super::config::ConfigArgs;

/// Flags of `setup`.
#[derive(Debug, Args)]
pub struct SetupArgs {
    /// Print what would be done, and write nothing to Mackerel
    #[arg(long)]
    pub dry_run: bool,
    /// Take away all that was made
    #[arg(long)]
    pub remove: bool,
    /// Write over what a person has changed, or take it away as well
    #[arg(long)]
    pub force: bool,
    /// Percent of CPU of a service that are a warning, and that are critical; off for no monitor
    #[arg(long, value_name = "WARNING/CRITICAL", default_value = "80/95")]
    pub cpu: Percents,
    /// Percent of memory, likewise
    #[arg(long, value_name = "WARNING/CRITICAL", default_value = "80/95")]
    pub memory: Percents,
    /// How far behind the poller may be, likewise
    #[arg(long, value_name = "WARNING/CRITICAL", default_value = "15m/1h")]
    pub behind: Delays,
    /// After how long a silence of the poller is critical, in tens of minutes; off for no monitor
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub silent: Silence,
    /// For how many minutes in a row tasks must be missing
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=10))]
    pub minutes: u8,
    /// A service, or a role as `service: role`, whose hosts alone are watched; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Make no dashboard, and take away one that was made
    #[arg(long)]
    pub no_dashboard: bool,
    /// Lines for people, or one JSON document
    #[arg(long, value_name = "FORM", default_value = "table")]
    pub output: CheckOutput,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Two percentages, or none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percents(pub Option<(f64, f64)>);

/// Two times in seconds, or none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delays(pub Option<(f64, f64)>);

/// A time in minutes, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence(pub Option<u64>);

impl FromStr for Percents {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = |text: &str| {
            let number: f64 = text.trim().trim_end_matches('%').parse().ok()?;
            (number > 0.0 && number.is_finite()).then_some(number)
        };
        pair(text, percent).map(Percents).ok_or_else(|| {
            "write it as WARNING/CRITICAL such as 80/95, the second the higher one, or off".into()
        })
    }
}

impl FromStr for Delays {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = |text: &str| Some(humantime::parse_duration(text).ok()?.as_secs_f64());
        pair(text, seconds).map(Delays).ok_or_else(|| {
            "write it as WARNING/CRITICAL such as 15m/1h, the second the longer one, or off".into()
        })
    }
}

impl FromStr for Silence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const WEEK: u64 = 7 * 24 * 60;
        if text == "off" {
            return Ok(Silence(None));
        }
        let seconds = humantime::parse_duration(text).map(|time| time.as_secs());
        match seconds {
            Ok(seconds) if seconds > 0 && seconds % 600 == 0 && seconds / 60 <= WEEK => {
                Ok(Silence(Some(seconds / 60)))
            }
            _ => Err("write it in tens of minutes such as 10m or 1h, at most 7d, or off".into()),
        }
    }
}

/// What is written as two with a slash between, or `off`; none where it is neither.
fn pair(text: &str, one: impl Fn(&str) -> Option<f64>) -> Option<Option<(f64, f64)>> {
    if text == "off" {
        return Some(None);
    }
    let (warning, critical) = text.split_once('/')?;
    let (warning, critical) = (one(warning)?, one(critical)?);
    (warning <= critical).then_some(Some((warning, critical)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_two_or_none() {
        let percents = |text: &str| text.parse::<Percents>().ok().map(|percents| percents.0);
        assert_eq!(percents("80/95"), Some(Some((80.0, 95.0))));
        assert_eq!(percents("80% / 95%"), Some(Some((80.0, 95.0))));
        assert_eq!(percents("off"), Some(None));
        for wrong in ["80", "95/80", "0/10", "a/b", "", "80/inf"] {
            assert_eq!(percents(wrong), None, "{wrong}");
        }
        let delays = |text: &str| text.parse::<Delays>().ok().map(|delays| delays.0);
        assert_eq!(delays("15m/1h"), Some(Some((900.0, 3600.0))));
        assert_eq!(delays("1h/15m"), None);
        let silence = |text: &str| text.parse::<Silence>().ok().map(|silence| silence.0);
        assert_eq!(silence("10m"), Some(Some(10)));
        assert_eq!(silence("1h"), Some(Some(60)));
        assert_eq!(silence("off"), Some(None));
        for wrong in ["15m", "0m", "8d", "soon"] {
            assert_eq!(silence(wrong), None, "{wrong}");
        }
    }
}
