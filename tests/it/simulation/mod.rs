//! The poller in time and trouble: the real loop between the stand-ins, in virtual time, with
//! faults drawn from a seed, and the invariants checked afterwards.
//!
//! `make simulate SEEDS=1000` tries many seeds, `make simulate SEED=7` replays one with its log.

mod again;
mod case;
mod count;
mod crash;
mod draw;
mod drive;
mod excuse;
mod fate;
mod happening;
mod highest;
mod host;
mod late;
mod ledger;
mod network;
mod progress;
mod rate;
mod scenario;
mod summary;
mod truth;
mod verdict;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use drive::simulate;
use scenario::Scenario;
use summary::Summary;
use verdict::Verdict;

/// How long a run is, in hours.
const HOURS: i64 = 36;

fn run(seed: u64, hours: i64, copy: u32) -> Verdict {
    simulate(Scenario::of(seed, hours), &format!("sim-{seed}-{copy}"))
}

#[track_caller]
fn check(seed: u64, hours: i64) {
    let verdict = run(seed, hours, 0);
    let broken = summary::broken(&verdict);
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn a_day_and_a_half() {
    check(2, HOURS);
}

#[test]
fn hours_of_trouble() {
    for seed in [1, 3, 4] {
        check(seed, 3);
    }
}

/// Whatever a seed brings, it brings again.
#[test]
fn a_seed_is_always_the_same_run() {
    let report = |copy| {
        let verdict = run(5, 2, copy);
        let text = format!(
            "{:?} {:?} {:?}",
            verdict.figures, verdict.mishaps, verdict.broken
        );
        text.replace(&format!("sim-5-{copy}"), "")
    };
    assert_eq!(report(1), report(2));
}

/// Not a test but the command behind `make simulate`, told what to do by the environment: `SEED`
/// for one seed with its log, or `SEEDS` for how many, from `FROM` on; `HOURS` for their length.
#[test]
#[ignore = "it takes minutes; `make simulate` runs it"]
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its report is for a person"
)]
fn many_seeds() {
    let number = |name: &str| {
        #[expect(clippy::disallowed_methods, reason = "a command's arguments")]
        let value = std::env::var(name).ok()?;
        value.parse::<u64>().ok()
    };
    let hours = number("HOURS").map_or(HOURS, |hours| hours as i64);
    if let Some(seed) = number("SEED") {
        println!("{:#?}", Scenario::of(seed, hours));
        summary::log_to_stderr();
        let verdict = run(seed, hours, 0);
        let mut summary = Summary::default();
        summary.add(&verdict);
        println!("{}\n{}", summary.text(), summary::broken(&verdict));
        assert!(verdict.broken.is_empty(), "seed {seed} broke invariants");
        return;
    }
    let from = number("FROM").unwrap_or(1);
    let to = from + number("SEEDS").unwrap_or(100);
    let next = AtomicU64::new(from);
    let summary = Mutex::new(Summary::default());
    #[expect(clippy::disallowed_methods, reason = "the time that the seeds take")]
    let began = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= to {
                        break;
                    }
                    let verdict = run(seed, hours, 0);
                    let mut summary = summary.lock().unwrap();
                    summary.add(&verdict);
                    eprint!("{}", summary.news(&verdict, to - from, began.elapsed()));
                }
            });
        }
    });
    let summary = summary.into_inner().unwrap();
    println!("{}", summary.text());
    println!("{:.0} s of real time", began.elapsed().as_secs_f64());
    assert!(summary.is_clean(), "invariants were broken; see above");
}
