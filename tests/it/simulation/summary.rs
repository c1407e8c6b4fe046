//! Verdicts as text: what was simulated, what was found, and how to see it again.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::drive::BEGAN;
use super::ledger::clock;
use super::verdict::{Figures, Invariant, Verdict};

/// Many runs in one.
#[derive(Debug, Default)]
pub(super) struct Summary {
    seeds: u64,
    seconds: i64,
    lives: usize,
    figures: Figures,
    delay_of: u64,
    mishaps: BTreeMap<&'static str, u64>,
    /// How often each invariant was broken, and the seeds that broke it with a first case.
    broken: BTreeMap<Invariant, (u64, BTreeMap<u64, String>)>,
}

impl Summary {
    /// Adds a run.
    pub(super) fn add(&mut self, verdict: &Verdict) {
        let (seed, own) = (verdict.scenario.seed, &verdict.figures);
        self.seeds += 1;
        self.seconds += verdict.scenario.seconds;
        self.lives += verdict.scenario.lives.len();
        if own.delay > self.figures.delay {
            (self.figures.delay, self.delay_of) = (own.delay, seed);
        }
        let all = &mut self.figures;
        for (sum, value) in [
            (&mut all.expected, own.expected),
            (&mut all.posted, own.posted),
            (&mut all.missing, own.missing),
            (&mut all.wrong, own.wrong),
            (&mut all.tails, own.tails),
            (&mut all.overtaken, own.overtaken),
            (&mut all.excused, own.excused),
            (&mut all.counts, own.counts),
            (&mut all.counts_unposted, own.counts_unposted),
            (&mut all.counts_unrestored, own.counts_unrestored),
            (&mut all.counts_wrong, own.counts_wrong),
            (&mut all.late, own.late),
            (&mut all.revised, own.revised),
            (&mut all.dropped, own.dropped),
            (&mut all.notes, own.notes),
        ] {
            *sum += value;
        }
        all.held = all.held.max(own.held);
        all.largest_post = all.largest_post.max(own.largest_post);
        for (kind, count) in &verdict.mishaps {
            *self.mishaps.entry(kind).or_default() += count;
        }
        for (invariant, (count, cases)) in &verdict.broken {
            let (sum, seeds) = self.broken.entry(*invariant).or_default();
            *sum += count;
            seeds.insert(seed, format!("{count} times, such as {}", cases[0]));
        }
    }

    /// What a person who waits wants to hear of the run just added: at once that it broke something,
    /// and every few runs how far it is.
    pub(super) fn news(&self, verdict: &Verdict, seeds: u64, elapsed: Duration) -> String {
        let mut text = String::new();
        for (invariant, (count, _)) in &verdict.broken {
            let (name, seed) = (invariant.name(), verdict.scenario.seed);
            let _ = writeln!(
                text,
                "BROKEN  {name}: {count} times, make simulate SEED={seed}"
            );
        }
        if self.seeds.is_multiple_of(10) {
            let _ = writeln!(
                text,
                "{} of {seeds} seeds in {:.0} min: {} datapoints, {} missing, {} wrong",
                self.seeds,
                elapsed.as_secs_f64() / 60.0,
                self.figures.expected,
                self.figures.missing,
                self.figures.wrong
            );
        }
        text
    }

    /// Whether every invariant held in every run.
    pub(super) fn is_clean(&self) -> bool {
        self.broken.is_empty()
    }

    /// The whole report.
    pub(super) fn text(&self) -> String {
        let own = &self.figures;
        let mut text = String::new();
        let hours = self.seconds / 3600;
        let mishaps: u64 = self.mishaps.values().sum();
        let _ = write!(
            text,
            "{} seeds, {hours} simulated hours, {} processes of the poller\n\
             {mishaps} faults, and data that came late or changed:",
            self.seeds, self.lives
        );
        let mut kinds: Vec<(&str, u64)> = self
            .mishaps
            .iter()
            .map(|(kind, count)| (*kind, *count))
            .chain([
                ("late datapoint", own.late),
                ("revised datapoint", own.revised),
            ])
            .collect();
        kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
        for (kind, count) in kinds {
            let _ = write!(text, "\n  {count:>9} {kind}");
        }
        let _ = write!(
            text,
            "\ndatapoints: {} expected, {} missing, {} wrong; {} points posted in all\n\
             not promised: {} of what was deleted, {} refused or of a host retired by hand, {} revised \
             while two processes were at work\n\
             counts: {} expected; missing {} that were read and {} that could be restored; \
             {} wrong\n\
             the worst delay in fine weather: {} min {} s (seed {}); the largest post: {} points\n\
             unposted counts: at most {} kept from one poll to the next, {} dropped; \
             progress noted {} times\n",
            own.expected,
            own.missing,
            own.wrong,
            own.posted,
            own.tails,
            own.excused,
            own.overtaken,
            own.counts,
            own.counts_unposted,
            own.counts_unrestored,
            own.counts_wrong,
            own.delay / 60,
            own.delay % 60,
            self.delay_of,
            own.largest_post,
            own.held,
            own.dropped,
            own.notes,
        );
        for invariant in Invariant::ALL {
            let Some((count, seeds)) = self.broken.get(&invariant) else {
                let _ = writeln!(text, "  held    {}", invariant.name());
                continue;
            };
            let name = invariant.name();
            let _ = writeln!(
                text,
                "  BROKEN  {name}: {count} times in {} seeds",
                seeds.len()
            );
            for (seed, case) in seeds.iter().take(5) {
                let _ = writeln!(text, "          make simulate SEED={seed}: {case}");
            }
        }
        text
    }
}

/// What a run broke, with the scenario and the command that replays it; empty where all held.
pub(super) fn broken(verdict: &Verdict) -> String {
    let mut text = String::new();
    if verdict.broken.is_empty() {
        return text;
    }
    let scenario = &verdict.scenario;
    for (invariant, (count, cases)) in &verdict.broken {
        let _ = writeln!(text, "broken, {count} times: {}", invariant.name());
        for case in cases {
            let _ = writeln!(text, "    {case}");
        }
    }
    for spell in &scenario.weather {
        let (from, to) = (clock(spell.from), clock(spell.to));
        let _ = writeln!(text, "weather {from} to {to}: {:?}", spell.what);
    }
    for (number, life) in scenario.lives.iter().enumerate().take(40) {
        let _ = writeln!(
            text,
            "life {number} from {}: {:?}",
            clock(life.from),
            life.end
        );
    }
    let hours = scenario.seconds / 3600;
    let seed = scenario.seed;
    let _ = writeln!(
        text,
        "to see it again: make simulate SEED={seed} HOURS={hours}"
    );
    text
}

/// Logs what the poller says, with the time of the run.
pub(super) fn log_to_stderr() {
    struct RunTime;
    impl tracing_subscriber::fmt::time::FormatTime for RunTime {
        fn format_time(
            &self,
            w: &mut tracing_subscriber::fmt::format::Writer<'_>,
        ) -> std::fmt::Result {
            let began = BEGAN.with(|cell| *cell.borrow());
            let seconds = began.map_or(0, |began| began.elapsed().as_secs() as i64);
            write!(w, "{}", clock(seconds))
        }
    }
    tracing_subscriber::fmt()
        .with_timer(RunTime)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}
