//! Tells the program its revision and date: those of the last commit, or those that a build outside of
//! a repository is told by `MACKEREL_ECS_REVISION` and `SOURCE_DATE_EPOCH`.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=MACKEREL_ECS_REVISION");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    // A commit changes the branch that HEAD names, or HEAD itself, or both are packed away.
    let head = git(&["rev-parse", "--symbolic-full-name", "HEAD"]);
    for name in ["HEAD", "packed-refs"].into_iter().chain(head.as_deref()) {
        if let Some(path) = git(&["rev-parse", "--git-path", name])
            && std::path::Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let unknown = || "unknown".to_owned();
    let revision = told("MACKEREL_ECS_REVISION")
        .or_else(|| git(&["rev-parse", "--short=12", "HEAD"]))
        .unwrap_or_else(unknown);
    let date = told("SOURCE_DATE_EPOCH")
        .and_then(|seconds| seconds.parse().ok().map(date))
        .or_else(|| git(&["log", "-1", "--format=%ct"])?.parse().ok().map(date))
        .unwrap_or_else(unknown);
    println!("cargo::rustc-env=MACKEREL_ECS_BUILT={revision}, {date}");
}

fn told(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is no part of the program")]
    let value = std::env::var(name).ok()?;
    let value = value.trim().to_owned();
    (!value.is_empty()).then_some(value)
}

/// What git says, where there is a git and this is a repository of its own.
fn git(arguments: &[&str]) -> Option<String> {
    let root = Command::new("git")
        .args(["rev-parse", "--show-prefix"])
        .output()
        .ok()?;
    if !root.status.success() || !root.stdout.trim_ascii().is_empty() {
        return None;
    }
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// The day of a moment in seconds since the Unix epoch, in UTC (Howard Hinnant's `civil_from_days`).
fn date(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
