//! Check plugins: how they end and what they print becomes a report, which is sent where it says
//! something new or something bad.

use super::command::{Command, End};

/// The longest message that Mackerel takes, in characters.
const MESSAGE_LIMIT: usize = 1024;

/// A program that checks something.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckPlugin {
    /// The check's name on Mackerel.
    pub name: String,
    /// What is run.
    pub command: Command,
    /// A memo, shown with the host's checks.
    pub memo: Option<String>,
    /// Minutes until a state that stays bad is notified again; none for never.
    pub notification_interval: Option<u64>,
    /// How often in a row it must be bad until there is an alert; none for once.
    pub max_check_attempts: Option<u64>,
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckStatus {
    /// All is well.
    Ok,
    /// Something should be looked at.
    Warning,
    /// Something is broken.
    Critical,
    /// The check itself did not work.
    Unknown,
}

impl CheckStatus {
    /// The name that the API has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckStatus::Ok => "OK",
            CheckStatus::Warning => "WARNING",
            CheckStatus::Critical => "CRITICAL",
            CheckStatus::Unknown => "UNKNOWN",
        }
    }
}

/// What a check found and has to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it found.
    pub status: CheckStatus,
    /// What it says, at most as long as Mackerel takes.
    pub message: String,
}

impl Finding {
    /// A finding, its message cut to what Mackerel takes.
    pub fn new(status: CheckStatus, message: &str) -> Self {
        Finding {
            status,
            message: message.chars().take(MESSAGE_LIMIT).collect(),
        }
    }

    /// Whether this is to be sent after `last`: whatever is first, whatever is bad, and what is good
    /// if it was bad or reads differently now.
    pub fn is_news(&self, last: Option<&Finding>) -> bool {
        self.status != CheckStatus::Ok || last != Some(self)
    }
}

impl CheckPlugin {
    /// Runs it once. A check that can't be run has found something as well: that it is unknown.
    pub async fn run(&self) -> Finding {
        let output = match self.command.run(None).await {
            Ok(output) => output,
            Err(why) => return Finding::new(CheckStatus::Unknown, &why),
        };
        super::log_stderr("checks", &self.name, &output.stderr);
        let said = output.stdout.as_str();
        match output.end {
            End::Status(0) => Finding::new(CheckStatus::Ok, said),
            End::Status(1) => Finding::new(CheckStatus::Warning, said),
            End::Status(2) => Finding::new(CheckStatus::Critical, said),
            End::Signal(signal) if said.trim().is_empty() => {
                let message = format!("the check was ended by signal {signal}");
                Finding::new(CheckStatus::Unknown, &message)
            }
            End::Status(_) | End::Signal(_) => Finding::new(CheckStatus::Unknown, said),
            End::TimedOut => Finding::new(CheckStatus::Unknown, super::TIMED_OUT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use CheckStatus::{Critical, Ok, Unknown, Warning};

    #[track_caller]
    fn check(last: Option<(CheckStatus, &str)>, next: (CheckStatus, &str), is_news: bool) {
        let last = last.map(|(status, message)| Finding::new(status, message));
        let next = Finding::new(next.0, next.1);
        assert_eq!(next.is_news(last.as_ref()), is_news, "{last:?} {next:?}");
    }

    #[test]
    fn all_is_news_but_the_same_good_again() {
        check(None, (Ok, "fine"), true);
        check(Some((Ok, "fine")), (Ok, "fine"), false);
        check(Some((Ok, "fine")), (Ok, "fine: 3 of 3"), true);
        check(Some((Critical, "broken")), (Ok, "broken"), true);
        check(Some((Ok, "fine")), (Warning, "so so"), true);
        check(Some((Warning, "so so")), (Warning, "so so"), true);
        check(Some((Unknown, "?")), (Unknown, "?"), true);
    }

    #[test]
    fn a_message_is_cut_at_a_character() {
        let finding = Finding::new(Ok, &"警".repeat(1025));
        assert_eq!(finding.message, "警".repeat(1024));
    }
}
