//! The statements about time series: a series is an owner and a metric name, a point is one value
//! for each minute of it, and the journal counts how often each minute was posted.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, params};

use crate::demo::mackerel::store::Owner;
use crate::demo::mackerel::store::block::{Block, hour};

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

/// What a post brought to one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// The id of the host, or the name of the service.
    pub owner: &'a str,
    /// The name of the metric.
    pub name: &'a str,
    /// The time of the newest point of the post, in epoch seconds as posted.
    pub time: i64,
    /// The newest minute, since the epoch, that had a point before; nothing for a new series.
    pub newest_before: Option<i64>,
}

/// Writes points at `now`; a later one of the same series and minute overwrites. Tells what came to each series.
pub fn record<'a>(
    sql: &Connection,
    mut journal: Option<&mut Journal>,
    points: impl Iterator<Item = (Owner<'a>, PostedPoint<'a>)>,
    now: i64,
) -> rusqlite::Result<Vec<Arrival<'a>>> {
    let mut order: Vec<(Owner<'a>, Vec<PostedPoint<'a>>)> = Vec::new();
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    for (owner, point) in points {
        let place = *places.entry((point.owner, point.name)).or_insert_with(|| {
            order.push((owner, Vec::new()));
            order.len() - 1
        });
        if let Some((_, points)) = order.get_mut(place) {
            points.push(point);
        }
    }
    let mut arrivals = Vec::with_capacity(order.len());
    for (owner, points) in &order {
        let Some(newest) = points.iter().max_by_key(|point| point.time) else {
            continue;
        };
        let (series, newest_before) = touch(sql, *owner, newest, now)?;
        write(sql, series, points)?;
        if let Some(journal) = journal.as_deref_mut() {
            for point in points {
                journal.note(series, point.time.div_euclid(60), point.value);
            }
        }
        arrivals.push(Arrival {
            owner: newest.owner,
            name: newest.name,
            time: newest.time,
            newest_before,
        });
    }
    Ok(arrivals)
}

/// Finds or makes a series, notes the newest point that comes to it, and gives its number and the newest minute before.
fn touch(
    sql: &Connection,
    owner: Owner<'_>,
    point: &PostedPoint<'_>,
    now: i64,
) -> rusqlite::Result<(i64, Option<i64>)> {
    let key = owner.key();
    let minute = point.time.div_euclid(60);
    let known: Option<(i64, i64)> = sql
        .prepare_cached("SELECT id, newest FROM series WHERE owner = ?1 AND name = ?2")?
        .query_row(params![key, point.name], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((series, newest)) = known else {
        sql.prepare_cached(
            "INSERT INTO series (owner, name, posted_at, newest) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![key, point.name, now, minute])?;
        return Ok((sql.last_insert_rowid(), None));
    };
    sql.prepare_cached("UPDATE series SET posted_at = ?2, newest = ?3 WHERE id = ?1")?
        .execute(params![series, now, minute.max(newest)])?;
    Ok((series, Some(newest)))
}

/// Writes the points of one series, each of its blocks once.
fn write(sql: &Connection, series: i64, points: &[PostedPoint<'_>]) -> rusqlite::Result<()> {
    let mut hours: BTreeMap<i64, Vec<(i64, f64)>> = BTreeMap::new();
    for point in points {
        let minute = point.time.div_euclid(60);
        let places = hours.entry(hour(minute)).or_default();
        places.push((minute, point.value));
    }
    let mut write = sql.prepare_cached(
        "INSERT OR REPLACE INTO block (hour, series, points) VALUES (?1, ?2, ?3)",
    )?;
    for (hour, points) in hours {
        let mut block = block(sql, series, hour)?.unwrap_or_default();
        for (minute, value) in points {
            block.set(minute, value);
        }
        write.execute(params![hour, series, block.bytes()])?;
    }
    Ok(())
}

fn block(sql: &Connection, series: i64, hour: i64) -> rusqlite::Result<Option<Block>> {
    sql.prepare_cached("SELECT points FROM block WHERE hour = ?1 AND series = ?2")?
        .query_row([hour, series], |row| Ok(Block::of_bytes(row.get(0)?)))
        .optional()
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

/// When a value last came to a series, in epoch seconds; nothing for one that was never posted.
pub fn posted_at(sql: &Connection, owner: Owner<'_>, name: &str) -> rusqlite::Result<Option<i64>> {
    sql.prepare_cached("SELECT posted_at FROM series WHERE owner = ?1 AND name = ?2")?
        .query_row(params![owner.key(), name], |row| row.get(0))
        .optional()
}

/// When a metric that is no custom one last came, in epoch seconds, by the id of the host.
pub fn last_system_posts(sql: &Connection) -> rusqlite::Result<HashMap<String, i64>> {
    let mut statement = sql.prepare_cached(
        "SELECT substr(owner, 6), MAX(posted_at) FROM series
         WHERE owner GLOB 'host/*' AND name NOT GLOB 'custom.*' GROUP BY owner",
    )?;
    statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
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
    let last = to.div_euclid(60);
    let mut points = Vec::new();
    for hour in hours(sql, hour(first), hour(last))? {
        if let Some(block) = block(sql, series, hour)? {
            let inside = |(minute, _): &(i64, f64)| (first..=last).contains(minute);
            points.extend(
                block
                    .points(hour)
                    .filter(inside)
                    .map(|(minute, value)| (minute * 60, value)),
            );
        }
    }
    Ok(points)
}

/// The hours in a range that the table can have blocks of.
fn hours(sql: &Connection, first: i64, last: i64) -> rusqlite::Result<impl Iterator<Item = i64>> {
    let edge = |order: &str| {
        sql.prepare_cached(&format!(
            "SELECT hour FROM block ORDER BY hour {order} LIMIT 1"
        ))?
        .query_row([], |row| row.get::<_, i64>(0))
        .optional()
    };
    let edges = edge("ASC")?.zip(edge("DESC")?);
    let range = edges.map(|(oldest, newest)| first.max(oldest)..=last.min(newest));
    Ok(range.into_iter().flatten())
}

/// The newest point of a series.
pub fn latest(
    sql: &Connection,
    owner: Owner<'_>,
    name: &str,
) -> rusqlite::Result<Option<(i64, f64)>> {
    Ok(newest(sql, owner, name, 1, 0)?.into_iter().next())
}

/// At most `count` points of a series, newest first, none of them more than `seconds` older than the newest.
pub fn newest(
    sql: &Connection,
    owner: Owner<'_>,
    name: &str,
    count: usize,
    seconds: i64,
) -> rusqlite::Result<Vec<(i64, f64)>> {
    let found: Option<(i64, i64)> = sql
        .prepare_cached("SELECT id, newest FROM series WHERE owner = ?1 AND name = ?2")?
        .query_row(params![owner.key(), name], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((series, newest)) = found else {
        return Ok(Vec::new());
    };
    let oldest = newest - seconds / 60;
    let mut points = Vec::new();
    for hour in (hour(oldest)..=hour(newest)).rev() {
        if points.len() >= count {
            break;
        }
        if let Some(block) = block(sql, series, hour)? {
            points.extend(block.points(hour).rev());
        }
    }
    Ok(points
        .into_iter()
        .filter(|(minute, _)| *minute >= oldest)
        .take(count)
        .map(|(minute, value)| (minute * 60, value))
        .collect())
}

/// The number of an owner's series and the time of its newest point.
pub fn summary(sql: &Connection, owner: Owner<'_>) -> rusqlite::Result<(i64, Option<i64>)> {
    sql.prepare_cached("SELECT COUNT(*), MAX(newest) * 60 FROM series WHERE owner = ?1")?
        .query_row([owner.key()], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Deletes the series of an owner whose names pass a test, with their points, and tells how many there were.
pub fn delete(
    sql: &Connection,
    owner: Owner<'_>,
    chosen: impl Fn(&str) -> bool,
) -> rusqlite::Result<usize> {
    let mut deleted = 0;
    for name in names(sql, owner)?.iter().filter(|name| chosen(name)) {
        let series = number(sql, owner, name)?;
        sql.prepare_cached("DELETE FROM block WHERE series = ?1")?
            .execute([series])?;
        deleted += sql
            .prepare_cached("DELETE FROM series WHERE id = ?1")?
            .execute([series])?;
    }
    Ok(deleted)
}

/// Deletes the points of whole hours that ended before a time in epoch seconds, at most so many blocks of them,
/// and tells how many it deleted. A series without points stays known by its name.
pub fn forget(sql: &Connection, before: i64, most: usize) -> rusqlite::Result<usize> {
    sql.prepare_cached(
        "DELETE FROM block WHERE (hour, series) IN (SELECT hour, series FROM block WHERE hour < ?1 ORDER BY hour, series LIMIT ?2)",
    )?
    .execute(params![before.div_euclid(3600), most.cast_signed()])
}
