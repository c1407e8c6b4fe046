//! How far a poll is, counted as it goes, for whoever watches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What takes long in a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Services are described.
    Services,
    /// Requests are made of CloudWatch.
    Requests,
    /// Points are posted.
    Points,
}

/// How much there is of a stage, as far as it is known, and how much of it is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// What is done.
    pub done: usize,
    /// All of it.
    pub all: usize,
}

/// The tallies of one poll; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<[[AtomicUsize; 2]; 3]>);

impl Progress {
    /// Begins anew.
    pub fn reset(&self) {
        for count in self.0.iter().flatten() {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// So much more is to be done.
    pub fn expect(&self, stage: Stage, more: usize) {
        self.0[stage as usize][1].fetch_add(more, Ordering::Relaxed);
    }

    /// So much more is done.
    pub fn finish(&self, stage: Stage, more: usize) {
        self.0[stage as usize][0].fetch_add(more, Ordering::Relaxed);
    }

    /// How far it is, stage by stage.
    pub fn tallies(&self) -> [Tally; 3] {
        [Stage::Services, Stage::Requests, Stage::Points].map(|stage| {
            let [done, all] = &self.0[stage as usize];
            Tally {
                done: done.load(Ordering::Relaxed),
                all: all.load(Ordering::Relaxed),
            }
        })
    }
}
