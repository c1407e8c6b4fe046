//! The statements about check monitors: one for each host and name, with what its newest report said.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::demo::mackerel::judge::Level;
use crate::demo::mackerel::store::monitor::level;

/// A check monitor as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheck {
    /// The id that the server gave it.
    pub id: String,
    /// The id of its host.
    pub host: String,
    /// Its name, unique on the host.
    pub name: String,
    /// Its memo, empty where none was given.
    pub memo: String,
    /// As the newest report said; `Ok` before the first.
    pub status: Level,
    /// The message of the newest report.
    pub message: String,
    /// When the newest report was made, in epoch seconds; absent before the first.
    pub occurred_at: Option<i64>,
    /// How many reports in a row were not `OK`.
    pub attempts: i64,
}

const COLUMNS: &str = "id, host, name, memo, status, message, occurred_at, attempts";

/// The checks of a host, by name.
pub fn of_host(sql: &Connection, host: &str) -> rusqlite::Result<Vec<StoredCheck>> {
    let mut statement = sql.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM check_monitor WHERE host = ?1 ORDER BY name"
    ))?;
    statement.query_map([host], from_row)?.collect()
}

/// The check of this id.
pub fn by_id(sql: &Connection, id: &str) -> rusqlite::Result<Option<StoredCheck>> {
    sql.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM check_monitor WHERE id = ?1"
    ))?
    .query_row([id], from_row)
    .optional()
}

/// The check of this host and name.
pub fn by_name(sql: &Connection, host: &str, name: &str) -> rusqlite::Result<Option<StoredCheck>> {
    sql.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM check_monitor WHERE host = ?1 AND name = ?2"
    ))?
    .query_row([host, name], from_row)
    .optional()
}

/// At most `limit` checks in the order in which they were made, behind the one of id `after`
/// or from the first.
pub fn page(
    sql: &Connection,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<StoredCheck>> {
    let mut statement = sql.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM check_monitor
         WHERE seq > COALESCE((SELECT seq FROM check_monitor WHERE id = ?1), 0) ORDER BY seq LIMIT ?2"
    ))?;
    statement
        .query_map(params![after, limit.cast_signed()], from_row)?
        .collect()
}

/// Adds a check, or writes what has changed of the one with its host and name.
pub fn put(sql: &Connection, check: &StoredCheck) -> rusqlite::Result<()> {
    sql.prepare_cached(&format!(
        "INSERT INTO check_monitor ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (host, name) DO UPDATE SET memo = excluded.memo, status = excluded.status,
         message = excluded.message, occurred_at = excluded.occurred_at, attempts = excluded.attempts"
    ))?
    .execute(params![
        check.id,
        check.host,
        check.name,
        check.memo,
        check.status.as_str(),
        check.message,
        check.occurred_at,
        check.attempts,
    ])?;
    Ok(())
}

/// Deletes a check.
pub fn delete(sql: &Connection, id: &str) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM check_monitor WHERE id = ?1", [id])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredCheck> {
    Ok(StoredCheck {
        id: row.get(0)?,
        host: row.get(1)?,
        name: row.get(2)?,
        memo: row.get(3)?,
        status: level(row, 4)?,
        message: row.get(5)?,
        occurred_at: row.get(6)?,
        attempts: row.get(7)?,
    })
}
