//! The loop around the polls: the interval, the one reading of the clock, what is said of each
//! poll, and how it ends.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cli::{Output, PollArgs};
use crate::config::Config;
use crate::model::trouble::Severity;
use crate::poller::Poller;
use crate::pulse::Pulse;
use crate::report::{Outcome, Report, TroubleReport, table};
use crate::schedule;
use crate::terminal::look::Look;
use crate::terminal::watched;

/// How many signals to stop have come. The first ends the loop after the poll in hand, the second
/// at once.
pub type Stop = watch::Receiver<u32>;

/// How long before the next poll is due the wait for a slow one ends.
const BREATH: Duration = Duration::from_secs(1);

/// What to do with the polls.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Leave after this many; none to go on until stopped.
    pub polls: Option<u64>,
    /// What to print of each.
    pub output: Output,
    /// How it is to look.
    pub look: Look,
}

impl Plan {
    /// The plan that `poll`'s flags ask for.
    pub fn of(args: &PollArgs, look: Look) -> Self {
        let by_default = match std::io::stdout().is_terminal() || args.dry_run {
            true => Output::Table,
            false => Output::None,
        };
        Plan {
            polls: (args.once || args.dry_run).then_some(1),
            output: args.output.unwrap_or(by_default),
            look,
        }
    }
}

/// Polls until the plan is done or a signal comes. Gives the outcome of the last poll, or
/// [`Outcome::Posted`] where a signal ended the loop: to be stopped is no failure.
///
/// What comes of `configs` later holds from the next poll on. Each poll is a beat of `pulse`.
/// `wall_clock` tells the time of day; all waiting is on tokio's clock, which should agree with it.
pub async fn run(
    mut configs: watch::Receiver<Arc<Config>>,
    mut poller: Poller,
    plan: Plan,
    pulse: &Pulse,
    mut stop: Stop,
    wall_clock: impl Fn() -> DateTime<Utc>,
) -> anyhow::Result<Outcome> {
    let first = configs.borrow_and_update().clone();
    // Kept for good: a poll at another second could pass over a minute.
    let offset = schedule::offset(&first);
    let mut interval = first.poll.interval;
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut polls = 0;
    let mut leaving = Leaving {
        stop: stop.clone(),
        grace: first.poll.grace,
        since: None,
    };
    loop {
        // An error means that there will be no other.
        if configs.has_changed().unwrap_or(false) {
            let config = configs.borrow_and_update().clone();
            match poller.reload(&config) {
                Ok(()) => {
                    interval = config.poll.interval;
                    leaving.grace = config.poll.grace;
                    pulse.set_interval(interval);
                    tracing::info!("polling by the new configuration from now on");
                }
                Err(error) => tracing::error!("the new configuration is not used: {error}"),
            }
        }
        let now = wall_clock();
        let started = Instant::now();
        let last = plan.polls.is_some_and(|wanted| polls + 1 >= wanted);
        let until = (!last).then(|| {
            // The next poll that is not so near that this one could hardly end before it.
            let next = schedule::next(now + interval / 2, interval, offset);
            started
                + (next - now)
                    .to_std()
                    .unwrap_or_default()
                    .saturating_sub(BREATH)
        });
        let progress = poller.progress();
        let tick = watched(&progress, poller.tick(now, until));
        let Some(report) = leaving.unless_too_late(tick, FOR_POLL).await else {
            tracing::warn!("left in the middle of a poll; the next one reads its minutes again");
            _ = leaving
                .unless_too_late(poller.save(wall_clock()), 1.0)
                .await;
            return Ok(Outcome::Failed);
        };
        let took = started.elapsed();
        pulse.beat(&report, took);
        polls += 1;
        tell(&report, &mut told, took);
        print(&report, plan)?;
        let done = plan.polls.is_some_and(|wanted| polls >= wanted);
        if !done {
            let next = schedule::next(wall_clock(), interval, offset);
            let wait = (next - wall_clock()).to_std().unwrap_or_default();
            let stopped = stop.wait_for(|signals| *signals >= 1);
            if tokio::time::timeout(wait, stopped).await.is_err() {
                continue;
            }
        }
        if leaving
            .unless_too_late(poller.save(wall_clock()), 1.0)
            .await
            .is_none()
        {
            tracing::warn!("left before progress was noted; some minutes will be read again");
        }
        return Ok(match done {
            true => report.outcome(),
            false => {
                tracing::info!("stopped");
                Outcome::Posted
            }
        });
    }
}

/// How much of the grace time the poll in hand may take; what is left is for noting how far it came.
const FOR_POLL: f64 = 0.7;

/// How the program leaves: after a first signal it goes on with what is in hand, for as long as the
/// grace time allows and no second signal comes.
struct Leaving {
    stop: Stop,
    grace: Duration,
    /// When the first signal came.
    since: Option<Instant>,
}

impl Leaving {
    /// Does something to its end, or gives none when a share of the grace time is over.
    async fn unless_too_late<T>(&mut self, work: impl Future<Output = T>, share: f64) -> Option<T> {
        tokio::pin!(work);
        let since = match self.since {
            Some(since) => since,
            None => {
                tokio::select! {
                    done = &mut work => return Some(done),
                    _ = self.stop.wait_for(|signals| *signals >= 1) => {}
                }
                tracing::info!(
                    grace_s = self.grace.as_secs(),
                    "stopping after what is in hand"
                );
                *self.since.insert(Instant::now())
            }
        };
        tokio::select! {
            done = &mut work => Some(done),
            _ = self.stop.wait_for(|signals| *signals >= 2) => None,
            () = tokio::time::sleep_until(since + self.grace.mul_f64(share)) => None,
        }
    }
}

/// Logs one line for the poll, and each trouble when it comes and when it has gone.
fn tell(report: &Report, told: &mut BTreeSet<String>, took: Duration) {
    let current: BTreeSet<String> = report.troubles.iter().map(TroubleReport::line).collect();
    for trouble in &report.troubles {
        if told.contains(&trouble.line()) {
            continue;
        }
        match trouble.severity {
            Severity::Failure => tracing::error!("{}", trouble.line_with_detail()),
            Severity::Warning => tracing::warn!("{}", trouble.line_with_detail()),
        }
    }
    for line in told.difference(&current) {
        tracing::info!("no longer: {line}");
    }
    let calls: u64 = report.calls.values().sum();
    tracing::info!(
        clusters = report.clusters.len(),
        services = report.clusters.iter().map(|c| c.services).sum::<usize>(),
        points = report.points(),
        troubles = current.len(),
        calls,
        took_ms = took.as_millis() as u64,
        "{}",
        match report.dry_run {
            true => "polled, nothing sent",
            false => "polled",
        }
    );
    *told = current;
}

fn print(report: &Report, plan: Plan) -> anyhow::Result<()> {
    let text = match plan.output {
        Output::None => return Ok(()),
        Output::Json if plan.polls == Some(1) => report.to_json(),
        Output::Json => serde_json::to_string(report)?,
        Output::Table => table(report, plan.look),
    };
    say(text.trim_end())
}

/// Prints on standard output, for whom the output is; the log is elsewhere.
pub fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    match written {
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// The time of day, for programs that live in the real time.
pub fn real_time() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "this is where the time comes in")]
    Utc::now()
}
