//! The statements about time series: a series is an owner and a metric name, a point is one value
//! for each minute of it, and the journal counts how often each minute was posted.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, params};

use crate::demo::mackerel::store::Owner;

/// A value that was posted for a host or a service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PostedPoint<'a> {
    /// The id of the host, or the name of the service.
    pub owner: &'a str,
    /// The name of the metric.
    pub name: &'a str,
    /// Epoch seconds as posted.
    pub time: i64,
    /// The value.
    pub value: f64,
}

/// How often one minute of a series was posted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posting {
    /// The start of the minute, in epoch seconds.
    pub time: i64,
    /// The value that was posted last.
    pub value: f64,
    /// How many posts held it.
    pub count: u64,
    /// How many of those posts changed the value that was there.
    pub changes: u64,
}

/// The postings of each series, by its number and minute; nothing where the journal is off.
#[derive(Debug, Default)]
pub struct Journal {
    series: HashMap<i64, BTreeMap<i64, Posting>>,
}

impl Journal {
    fn note(&mut self, series: i64, minute: i64, value: f64) {
        let posting = self
            .series
            .entry(series)
            .or_default()
            .entry(minute)
            .or_insert(Posting {
                time: minute * 60,
                value,
                count: 0,
                changes: 0,
            });
        posting.count += 1;
        if posting.value != value {
            posting.changes += 1;
            posting.value = value;
        }
    }

    /// The postings of one series, oldest minute first.
    pub fn of(&self, series: i64) -> Vec<Posting> {
        self.series
            .get(&series)
            .map(|minutes| minutes.values().copied().collect())
            .unwrap_or_default()
    }
}

/// Writes points at `now`; a later one of the same series and minute overwrites.
pub fn record<'a>(
    sql: &Connection,
    mut journal: Option<&mut Journal>,
    points: impl Iterator<Item = (Owner<'a>, PostedPoint<'a>)>,
    now: i64,
) -> rusqlite::Result<()> {
    let mut numbers: HashMap<(&str, &str), i64> = HashMap::new();
    let mut find = sql.prepare_cached(
        "INSERT INTO series (owner, name, posted_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (owner, name) DO UPDATE SET posted_at = excluded.posted_at RETURNING id",
    )?;
    let mut write = sql.prepare_cached(
        "INSERT INTO point (series, minute, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (series, minute) DO UPDATE SET value = excluded.value",
    )?;
    for (owner, point) in points {
        let series = match numbers.get(&(point.owner, point.name)) {
            Some(number) => *number,
            None => {
                let number =
                    find.query_row(params![owner.key(), point.name, now], |row| row.get(0))?;
                numbers.insert((point.owner, point.name), number);
                number
            }
        };
        let minute = point.time.div_euclid(60);
        write.execute(params![series, minute, point.value])?;
        if let Some(journal) = journal.as_deref_mut() {
            journal.note(series, minute, point.value);
        }
    }
    Ok(())
}

/// The number of a series that has ever been posted.
pub fn number(sql: &Connection, owner: Owner<'_>, name: &str) -> rusqlite::Result<Option<i64>> {
    sql.prepare_cached("SELECT id FROM series WHERE owner = ?1 AND name = ?2")?
        .query_row(params![owner.key(), name], |row| row.get(0))
        .optional()
}

/// The names of an owner's series, in order.
pub fn names(sql: &Connection, owner: Owner<'_>) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        sql.prepare_cached("SELECT name FROM series WHERE owner = ?1 ORDER BY name")?;
    statement
        .query_map([owner.key()], |row| row.get(0))?
        .collect()
}

/// The points of a series from one time to another, both included, oldest first, each at the start of its minute.
pub fn points(
    sql: &Connection,
    series: i64,
    from: i64,
    to: i64,
) -> rusqlite::Result<Vec<(i64, f64)>> {
    let first = from.saturating_add(59).div_euclid(60);
    let mut statement = sql.prepare_cached(
        "SELECT minute * 60, value FROM point WHERE series = ?1 AND minute BETWEEN ?2 AND ?3 ORDER BY minute",
    )?;
    statement
        .query_map(params![series, first, to.div_euclid(60)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect()
}

/// The newest point of a series.
pub fn latest(
    sql: &Connection,
    owner: Owner<'_>,
    name: &str,
) -> rusqlite::Result<Option<(i64, f64)>> {
    sql.prepare_cached(
        "SELECT minute * 60, value FROM point WHERE series = (SELECT id FROM series WHERE owner = ?1 AND name = ?2)
         ORDER BY minute DESC LIMIT 1",
    )?
    .query_row(params![owner.key(), name], |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()
}

/// The number of an owner's series and the time of its newest point.
pub fn summary(sql: &Connection, owner: Owner<'_>) -> rusqlite::Result<(i64, Option<i64>)> {
    sql.prepare_cached(
        "SELECT COUNT(*), MAX((SELECT MAX(minute) FROM point WHERE point.series = series.id)) * 60 FROM series WHERE owner = ?1",
    )?
    .query_row([owner.key()], |row| Ok((row.get(0)?, row.get(1)?)))
}
