//! How many counts are kept in memory while Mackerel does not take them, and how many may be: ECS
//! keeps no history of them, so that they can't be read again like CloudWatch's values.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Place;

/// The most counts that are kept. At some 100 bytes each it bounds what an outage of Mackerel costs
/// in memory; the oldest go first.
const MOST: usize = 200_000;

/// A gauge of the counts that are kept after each poll; copies show the same.
#[derive(Debug, Clone)]
pub struct Held(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    most: usize,
    by_region: HashMap<Place, usize>,
    dropped: u64,
}

impl Default for Held {
    fn default() -> Self {
        Held(Arc::new(Mutex::new(State {
            most: MOST,
            by_region: HashMap::new(),
            dropped: 0,
        })))
    }
}

impl Held {
    /// How many are kept now, of all Regions together.
    pub fn counts(&self) -> usize {
        self.state().by_region.values().sum()
    }

    /// How many were dropped so far, because Mackerel took none for so long.
    pub fn dropped(&self) -> u64 {
        self.state().dropped
    }

    /// Bounds them otherwise than by default, all Regions together.
    pub fn keep_at_most(&self, most: usize) {
        self.state().most = most;
    }

    /// How many one of so many Regions may keep.
    pub(super) fn share(&self, regions: usize) -> usize {
        self.state().most / regions.max(1)
    }

    /// Forgets what other Regions than these kept.
    pub(super) fn keep(&self, places: &[Place]) {
        let by_region = &mut self.state().by_region;
        by_region.retain(|place, _| places.contains(place));
    }

    /// Notes what a Region keeps, and how many it has just dropped.
    pub(super) fn note(&self, place: Place, kept: usize, dropped: usize) {
        let mut state = self.state();
        state.by_region.insert(place, kept);
        state.dropped += dropped as u64;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
