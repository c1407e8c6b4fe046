//! The statements about monitors, kept as the JSON that was validated, and about what is known of each
//! of their targets.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Map, Value};

use crate::demo::mackerel::judge::{Level, Standing};

/// A monitor as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMonitor {
    /// The id that the server gave it.
    pub id: String,
    /// Its fields as they were validated, without the id.
    pub body: Map<String, Value>,
    /// How often it was changed.
    pub revision: i64,
}

impl StoredMonitor {
    /// The type, such as `host`.
    pub fn kind(&self) -> &str {
        self.text("type")
    }

    /// A field that is text; empty where there is none.
    pub fn text(&self, key: &str) -> &str {
        self.body
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A field that is a whole number.
    pub fn whole(&self, key: &str) -> Option<i64> {
        self.body.get(key)?.as_i64()
    }
}

/// Every monitor by type and name, the order of Mackerel's own list.
pub fn all(sql: &Connection) -> rusqlite::Result<Vec<StoredMonitor>> {
    let mut statement =
        sql.prepare_cached("SELECT id, body, revision FROM monitor ORDER BY type, name, id")?;
    statement.query_map([], from_row)?.collect()
}

/// The monitors of one type, by name.
pub fn of_kind(sql: &Connection, kind: &str) -> rusqlite::Result<Vec<StoredMonitor>> {
    let mut statement = sql.prepare_cached(
        "SELECT id, body, revision FROM monitor WHERE type = ?1 ORDER BY name, id",
    )?;
    statement.query_map([kind], from_row)?.collect()
}

/// The monitor of this id.
pub fn by_id(sql: &Connection, id: &str) -> rusqlite::Result<Option<StoredMonitor>> {
    sql.prepare_cached("SELECT id, body, revision FROM monitor WHERE id = ?1")?
        .query_row([id], from_row)
        .optional()
}

/// Adds a monitor, in place of the one with its id.
pub fn put(sql: &Connection, monitor: &StoredMonitor) -> rusqlite::Result<()> {
    let body = Value::Object(monitor.body.clone()).to_string();
    sql.prepare_cached(
        "INSERT OR REPLACE INTO monitor (id, type, name, body, revision) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        monitor.id,
        monitor.kind(),
        monitor.text("name"),
        body,
        monitor.revision
    ])?;
    Ok(())
}

/// Deletes a monitor and what is known of its targets.
pub fn delete(sql: &Connection, id: &str) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM monitor WHERE id = ?1", [id])?;
    sql.execute("DELETE FROM standing WHERE monitor = ?1", [id])?;
    Ok(())
}

/// What is known of a target of a monitor; nothing before the first judgement.
pub fn standing(
    sql: &Connection,
    monitor: &str,
    target: &str,
) -> rusqlite::Result<Option<Standing>> {
    sql.prepare_cached(
        "SELECT attempts, level, dismissed FROM standing WHERE monitor = ?1 AND target = ?2",
    )?
    .query_row([monitor, target], |row| {
        Ok(Standing {
            attempts: row.get(0)?,
            level: level(row, 1)?,
            dismissed: row.get(2)?,
        })
    })
    .optional()
}

/// Writes what is known of a target of a monitor.
pub fn set_standing(
    sql: &Connection,
    monitor: &str,
    target: &str,
    standing: Standing,
) -> rusqlite::Result<()> {
    sql.prepare_cached(
        "INSERT OR REPLACE INTO standing (monitor, target, attempts, level, dismissed) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        monitor,
        target,
        standing.attempts,
        standing.level.as_str(),
        standing.dismissed
    ])?;
    Ok(())
}

/// The level in a column; what no level is reads as unknown.
pub fn level(row: &Row<'_>, column: usize) -> rusqlite::Result<Level> {
    let word: String = row.get(column)?;
    Ok(Level::from_word(&word).unwrap_or(Level::Unknown))
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredMonitor> {
    let body: String = row.get(1)?;
    Ok(StoredMonitor {
        id: row.get(0)?,
        body: serde_json::from_str(&body).unwrap_or_default(),
        revision: row.get(2)?,
    })
}
