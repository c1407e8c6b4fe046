//! What the containers are doing, as check reports, where that is asked for: whether each one runs
//! without having been restarted of late, and whether its health check is content.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::metadata::{Container, Task, moment, segment};
use super::plugin::round::Report;
use super::plugin::{CheckStatus, Finding};
use super::setting::NamePattern;
use crate::mackerel::payload::CheckParam;

/// How long a restart is shown.
const RESTART_SHOWN: TimeDelta = TimeDelta::minutes(10);

/// The checks of a task's containers, as they are declared with the host.
pub fn declared<'a>(
    task: &'a Task,
    ignored: Option<&'a NamePattern>,
) -> impl Iterator<Item = CheckParam> {
    task.watched(ignored).flat_map(|container| {
        let check = |kind: &str, memo: &str| CheckParam {
            name: check_name(kind, container),
            memo: Some(memo.to_owned()),
        };
        let run = check("run", "whether the container runs, without a restart");
        let health = container.health.as_ref();
        let health = health.map(|_| check("health", "the container's own health check"));
        [Some(run), health].into_iter().flatten()
    })
}

fn check_name(kind: &str, container: &Container) -> String {
    format!("container-{kind}-{}", segment(container.name()))
}

/// What is remembered of the containers between two rounds.
#[derive(Debug, Default)]
pub struct ContainerChecks {
    /// By the container's name, which a new container takes over from the one before.
    seen: BTreeMap<String, Seen>,
    last: BTreeMap<String, CheckStatus>,
}

#[derive(Debug, Clone)]
struct Seen {
    /// What changes with a restart.
    run: (String, Option<String>, Option<u64>),
    restarted: Option<DateTime<Utc>>,
}

impl ContainerChecks {
    /// What is to be reported: each check once, and then as long as it is not content. A check that
    /// stays content is silent.
    pub fn round(
        &mut self,
        task: &Task,
        ignored: Option<&NamePattern>,
        now: DateTime<Utc>,
    ) -> Vec<Report> {
        let mut reports = Vec::new();
        for container in task.watched(ignored) {
            let found = [
                ("run", self.run(container, now)),
                ("health", health(container)),
            ];
            for (kind, found) in found {
                let Some((status, message)) = found else {
                    continue;
                };
                let name = check_name(kind, container);
                let before = self.last.insert(name.clone(), status);
                if before == Some(CheckStatus::Ok) && status == CheckStatus::Ok {
                    continue;
                }
                reports.push(Report {
                    name,
                    finding: Finding::new(status, &message),
                    at: now.timestamp(),
                    notification_interval: None,
                    max_check_attempts: None,
                });
            }
        }
        reports
    }

    /// Whether it runs. A container that has not been started yet is not spoken of.
    fn run(&mut self, container: &Container, now: DateTime<Utc>) -> Option<(CheckStatus, String)> {
        let run = (
            container.docker_id.clone(),
            container.started_at.clone(),
            container.restart_count,
        );
        if container.known_status.as_deref() == Some("STOPPED") {
            return Some(match container.exit_code {
                Some(0) => (CheckStatus::Ok, "ended with exit code 0".to_owned()),
                Some(code) => (
                    CheckStatus::Critical,
                    format!("ended with exit code {code}"),
                ),
                None => (
                    CheckStatus::Critical,
                    "ended without an exit code".to_owned(),
                ),
            });
        }
        container.started_at.as_ref()?;
        let restarted = match self.seen.get(container.name()) {
            None => None,
            Some(seen) if seen.run == run => seen.restarted,
            Some(_) => Some(now),
        };
        let seen = Seen { run, restarted };
        self.seen.insert(container.name().to_owned(), seen);
        let started = container.started_at.as_deref().and_then(moment);
        let since = started.map_or(String::new(), |time| {
            format!(" since {}", time.format("%Y-%m-%dT%H:%M:%SZ"))
        });
        let restarted = restarted.filter(|time| now - *time < RESTART_SHOWN);
        let times = container.restart_count.filter(|count| *count > 0);
        let times = times.map_or(String::new(), |count| format!(", {count} restarts so far"));
        Some(match restarted {
            Some(_) => (
                CheckStatus::Warning,
                format!("was restarted; runs{since}{times}"),
            ),
            None => (CheckStatus::Ok, format!("runs{since}{times}")),
        })
    }
}

/// What its health check says, where it has one and that has come to a result.
fn health(container: &Container) -> Option<(CheckStatus, String)> {
    let health = container.health.as_ref()?;
    let output = health.output.as_deref().unwrap_or_default().trim();
    let message = |word: &str| match output {
        "" => word.to_owned(),
        output => format!("{word}: {output}"),
    };
    match health.status.as_deref()? {
        "HEALTHY" => Some((CheckStatus::Ok, message("healthy"))),
        "UNHEALTHY" => Some((CheckStatus::Critical, message("unhealthy"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(containers: &str) -> Task {
        Task::parse(format!(r#"{{"Containers":[{containers}]}}"#).as_bytes()).unwrap()
    }

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_348_800 + minute * 60, 0).unwrap()
    }

    #[track_caller]
    fn check(checks: &mut ContainerChecks, minute: i64, container: &str, expected: &[&str]) {
        let reports = checks.round(&task(container), None, at(minute));
        let told: Vec<String> = reports
            .iter()
            .map(|report| format!("{} {}", report.name, report.finding.status.as_str()))
            .collect();
        assert_eq!(told, expected, "minute {minute}");
    }

    #[test]
    fn a_restart_is_shown_for_ten_minutes() {
        let first = r#"{"DockerId":"1","Name":"app","StartedAt":"2026-11-22T11:00:00Z"}"#;
        let again = r#"{"DockerId":"1","Name":"app","StartedAt":"2026-11-22T12:01:30Z"}"#;
        let another = r#"{"DockerId":"2","Name":"app","StartedAt":"2026-11-22T12:30:00Z"}"#;
        let checks = &mut ContainerChecks::default();
        check(checks, 0, first, &["container-run-app OK"]);
        check(checks, 1, first, &[]);
        check(checks, 2, again, &["container-run-app WARNING"]);
        check(checks, 11, again, &["container-run-app WARNING"]);
        check(checks, 12, again, &["container-run-app OK"]);
        check(checks, 13, again, &[]);
        check(checks, 31, another, &["container-run-app WARNING"]);
    }

    #[test]
    fn ends_and_health() {
        let ended = |code| {
            format!(r#"{{"DockerId":"1","Name":"a","KnownStatus":"STOPPED","ExitCode":{code}}}"#)
        };
        let checks = &mut ContainerChecks::default();
        check(checks, 0, r#"{"DockerId":"1","Name":"a"}"#, &[]);
        check(checks, 0, &ended(137), &["container-run-a CRITICAL"]);
        check(checks, 1, &ended(137), &["container-run-a CRITICAL"]);
        check(checks, 2, &ended(0), &["container-run-a OK"]);
        let health =
            |health| format!(r#"{{"DockerId":"1","Name":"b","Health":{{"status":{health}}}}}"#);
        check(checks, 0, &health("null"), &[]);
        check(
            checks,
            1,
            &health(r#""HEALTHY""#),
            &["container-health-b OK"],
        );
        check(
            checks,
            2,
            &health(r#""UNHEALTHY""#),
            &["container-health-b CRITICAL"],
        );
    }
}
