//! Tries everything that polling needs, with calls that change nothing: the way out, credentials and
//! permissions on AWS, the API key and what it must find on Mackerel, and the clock; and tells what
//! polling would make. What is found is told as one [`Finding`] each, with what mends it.

mod account;
mod host;
mod organization;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::aws::Access;
use crate::config::Config;
use crate::mackerel::client::Client as Mackerel;
use crate::terminal::look::{Look, Paint, wrap};

/// How far the clock may be off until points are booked on wrong minutes, and until AWS takes no
/// request, both in seconds. AWS documents 5 minutes for most services, 15 for some.
const SKEW_THAT_HARMS: i64 = 30;
const SKEW_THAT_FAILS: i64 = 300;

/// How good something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// As it should be.
    Ok,
    /// Polling works, but not as well as it could.
    Warn,
    /// Polling does not work until this is mended.
    Fail,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How good it is.
    pub mark: Mark,
    /// Where: a target with its Region, or Mackerel.
    pub place: String,
    /// What was tried: a permission as IAM names it, or a word.
    pub subject: String,
    /// What was found.
    pub message: String,
    /// What mends it; none where nothing must be mended.
    pub mend: Option<String>,
    /// What the other side said, with the id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

impl Finding {
    /// A finding that needs no mend.
    pub fn new(mark: Mark, place: &str, subject: &str, message: impl Into<String>) -> Self {
        Finding {
            mark,
            place: place.to_owned(),
            subject: subject.to_owned(),
            message: message.into(),
            mend: None,
            said: None,
        }
    }

    /// The same with what mends it.
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// What is checked, and with what.
#[derive(Debug)]
pub struct Check<'a> {
    /// The effective configuration.
    pub config: &'a Config,
    /// How AWS is reached.
    pub access: &'a Access,
    /// The organization; none where there is no key.
    pub mackerel: Option<&'a Mackerel>,
    /// Which proxy a request to a URL goes through.
    pub proxy_of: fn(&str) -> Option<String>,
}

impl Check<'_> {
    /// Adds to a failure to reach something which way was tried.
    fn way(&self, finding: Finding, url: &str) -> Finding {
        let (Some(proxy), Mark::Fail) = ((self.proxy_of)(url), finding.mark) else {
            return finding;
        };
        finding.mend(format!(
            "the way was through the proxy {proxy}; check HTTPS_PROXY and NO_PROXY, and that it lets this host through"
        ))
    }
}

/// Tries everything. `wall_clock` tells the time of day, to compare with that of both sides.
pub async fn check(what: &Check<'_>, wall_clock: impl Fn() -> DateTime<Utc>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut clusters = Vec::new();
    for target in &what.config.targets {
        let (found, own) = account::check(what, target, &wall_clock).await;
        findings.extend(found);
        clusters.extend(own.into_iter().map(|cluster| (target, cluster)));
    }
    findings.extend(organization::check(what, &clusters, &wall_clock).await);
    findings
}

/// The findings as lines, a mark first, with the mend below what must be mended.
pub fn table(findings: &[Finding], look: Look) -> String {
    let width = |text: fn(&Finding) -> usize| findings.iter().map(text).max().unwrap_or_default();
    let place_width = width(|one| one.place.chars().count());
    let subject_width = width(|one| one.subject.chars().count());
    let mut text = String::new();
    for one in findings {
        let mark = match one.mark {
            Mark::Ok => look.paint(Paint::Good, "ok  "),
            Mark::Warn => look.paint(Paint::Odd, "WARN"),
            Mark::Fail => look.paint(Paint::Bad, "FAIL"),
        };
        // The mark and its blanks take six; what does not fit goes on below.
        let width = look.width.saturating_sub(6);
        let line = format!(
            "{:place_width$}  {:subject_width$}  {}",
            one.place, one.subject, one.message
        );
        let line = wrap(line.trim_end(), width, 6);
        text.push_str(&format!("{mark}  {line}\n"));
        if let Some(mend) = &one.mend {
            text.push_str(&format!("      {}\n", wrap(mend, width, 6)));
        }
        if let Some(said) = &one.said {
            let said = format!("AWS says: {said}");
            text.push_str(&format!("      {}\n", wrap(&said, width, 6)));
        }
    }
    text
}

/// Compares the clock with the time that an answer was given at.
fn clock(place: &str, theirs: Option<DateTime<Utc>>, ours: DateTime<Utc>) -> Option<Finding> {
    let ahead = (ours - theirs?).num_seconds();
    let message = match ahead {
        0 => "right".to_owned(),
        ahead if ahead > 0 => format!("{ahead} s ahead"),
        ahead => format!("{} s behind", -ahead),
    };
    let mark = match ahead.abs() {
        off if off >= SKEW_THAT_FAILS => Mark::Fail,
        off if off >= SKEW_THAT_HARMS => Mark::Warn,
        _ => return Some(Finding::new(Mark::Ok, place, "clock", message)),
    };
    let finding = Finding::new(mark, place, "clock", message);
    Some(finding.mend("set this machine's clock by NTP: counts are booked on its minutes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_clock(ahead: i64, mark: Mark, message: &str) {
        let theirs = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let ours = DateTime::from_timestamp(1_000_000 + ahead, 0).unwrap();
        let finding = clock("Mackerel", Some(theirs), ours).unwrap();
        assert_eq!((finding.mark, finding.message.as_str()), (mark, message));
        assert_eq!(finding.mend.is_none(), mark == Mark::Ok);
    }

    #[test]
    fn a_clock_that_is_off_is_told() {
        check_clock(0, Mark::Ok, "right");
        check_clock(-29, Mark::Ok, "29 s behind");
        check_clock(30, Mark::Warn, "30 s ahead");
        check_clock(-300, Mark::Fail, "300 s behind");
    }

    #[test]
    fn a_line_for_each_and_the_mend_below() {
        let findings = [
            Finding::new(Mark::Ok, "own us-east-1", "ecs:ListClusters", "2 clusters"),
            Finding::new(Mark::Fail, "Mackerel", "key", "wrong").mend("check it"),
        ];
        assert_eq!(
            table(&findings, Look::PLAIN),
            "ok    own us-east-1  ecs:ListClusters  2 clusters\n\
             FAIL  Mackerel       key               wrong\n      check it\n"
        );
    }
}
