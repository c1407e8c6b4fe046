//! What a process posts again although the notes of those before it say that it is done.

use super::ledger::{Ledger, Point, clock};
use crate::support::world::NOON;

/// How long a minute is read again, in seconds: the poller's default.
const OVERLAP: i64 = 600;

impl Ledger {
    /// Notes that a poller sends points that, as it could read in the notes, others before it had read
    /// again for the last time. Counts may be restored much later.
    pub(super) fn check_notes(&mut self, life: usize, born: i64, points: &[Point], at: i64) {
        for point in points {
            let is_load =
                point.name.contains("utilization.") || point.name.contains("reservation.");
            if !is_load || point.name.contains(".highest_") {
                continue;
            }
            let done = self.done_before(&point.host_id, life, born);
            let series = self.series(&point.host_id, &point.name);
            let recorded = series.and_then(|own| self.recorded.get(&(own, point.time)));
            if point.time < done
                && recorded.is_some_and(|recorded| {
                    recorded.value == point.value && recorded.since < born * 1000
                })
            {
                let (name, minute) = (&point.name, point.time - NOON);
                let (at, minute) = (clock(at / 1000), clock(minute));
                let repeated =
                    format!("life {life} at {at}: {name} of minute {minute} after another one");
                self.repeated.push(repeated);
            }
        }
    }

    /// Before which minute of a host everything was read for the last time, as the notes tell a life that
    /// was born at a second.
    fn done_before(&mut self, host: &str, life: usize, born: i64) -> i64 {
        let key = (life, host.to_owned());
        if let Some(done) = self.done.get(&key) {
            return *done;
        }
        let notes = self.notes.iter().rev();
        let mut notes = notes.filter(|note| note.host == host && note.at < born * 1000);
        let done = notes.next().and_then(|note| {
            let progress = &note.progress;
            let missed = progress.missed.iter().map(|(from, _)| *from).min();
            let until = [progress.read_until, progress.counted_until, missed];
            until.into_iter().flatten().min()
        });
        let done = done.map_or(i64::MIN, |until| until - OVERLAP);
        self.done.insert(key, done);
        done
    }
}
