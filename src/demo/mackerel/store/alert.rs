//! The statements about alerts and their logs. A monitor and target have at most one open alert.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::demo::mackerel::judge::Level;
use crate::demo::mackerel::store::id;
use crate::demo::mackerel::store::monitor::level;

/// An alert as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAlert {
    /// The id that the server gave it.
    pub id: String,
    /// The id of the monitor that opened it.
    pub monitor: String,
    /// The type of that monitor: `host`, `service`, `connectivity` or `check`.
    pub kind: String,
    /// The id of the host; empty for a service.
    pub target: String,
    /// How bad it is now; `Ok` once it is closed.
    pub status: Level,
    /// The value that was judged last, of a metric.
    pub value: Option<f64>,
    /// The newest message of a check.
    pub message: Option<String>,
    /// Why it was closed, where a person said so.
    pub reason: Option<String>,
    /// The memo, if it has one.
    pub memo: Option<String>,
    /// When it was opened, in epoch seconds.
    pub opened_at: i64,
    /// When it was closed, in epoch seconds; absent while it is open.
    pub closed_at: Option<i64>,
}

/// One entry in the log of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredLog {
    /// The id that the server gave it.
    pub id: String,
    /// The level from then on.
    pub status: Level,
    /// Why it was written.
    pub trigger: Trigger,
    /// The monitor and its revision at that time.
    pub monitor: (String, i64),
    /// The value that was judged, of a metric.
    pub value: Option<f64>,
    /// The message of a check.
    pub message: Option<String>,
    /// When it was written, in epoch seconds.
    pub created_at: i64,
}

/// Why an entry was written into the log of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A value, a report or silence.
    Monitoring,
    /// A person closed the alert.
    Manual,
    /// The monitor was deleted.
    MonitorDelete,
    /// The host was retired.
    HostRetire,
    /// The service was deleted.
    ServiceDelete,
}

impl Trigger {
    const ALL: [Trigger; 5] = [
        Self::Monitoring,
        Self::Manual,
        Self::MonitorDelete,
        Self::HostRetire,
        Self::ServiceDelete,
    ];

    /// The word in Mackerel's JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monitoring => "monitoring",
            Self::Manual => "manual",
            Self::MonitorDelete => "monitorDelete",
            Self::HostRetire => "hostRetire",
            Self::ServiceDelete => "serviceDelete",
        }
    }

    fn from_word(word: &str) -> Self {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == word);
        found.unwrap_or(Self::Monitoring)
    }
}

const COLUMNS: &str =
    "id, monitor, type, target, status, value, message, reason, memo, opened_at, closed_at";

/// Adds an alert, or writes what has changed of the one with its id.
pub fn put(sql: &Connection, alert: &StoredAlert) -> rusqlite::Result<()> {
    sql.prepare_cached(&format!(
        "INSERT INTO alert ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, value = excluded.value, message = excluded.message,
         reason = excluded.reason, memo = excluded.memo, closed_at = excluded.closed_at"
    ))?
    .execute(params![
        alert.id,
        alert.monitor,
        alert.kind,
        alert.target,
        alert.status.as_str(),
        alert.value,
        alert.message,
        alert.reason,
        alert.memo,
        alert.opened_at,
        alert.closed_at,
    ])?;
    Ok(())
}

/// The alert of this id.
pub fn by_id(sql: &Connection, id: &str) -> rusqlite::Result<Option<StoredAlert>> {
    sql.prepare_cached(&format!("SELECT {COLUMNS} FROM alert WHERE id = ?1"))?
        .query_row([id], from_row)
        .optional()
}

/// The open alert of a monitor and target.
pub fn open(
    sql: &Connection,
    monitor: &str,
    target: &str,
) -> rusqlite::Result<Option<StoredAlert>> {
    sql.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM alert WHERE monitor = ?1 AND target = ?2 AND closed_at IS NULL"
    ))?
    .query_row([monitor, target], from_row)
    .optional()
}

/// The open alerts of a monitor.
pub fn open_of_monitor(sql: &Connection, monitor: &str) -> rusqlite::Result<Vec<StoredAlert>> {
    sql.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM alert WHERE monitor = ?1 AND closed_at IS NULL ORDER BY seq"
    ))?
    .query_map([monitor], from_row)?
    .collect()
}

/// The open alerts of a host.
pub fn open_of_host(sql: &Connection, host: &str) -> rusqlite::Result<Vec<StoredAlert>> {
    sql.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM alert WHERE target = ?1 AND closed_at IS NULL ORDER BY seq"
    ))?
    .query_map([host], from_row)?
    .collect()
}

/// Which alerts a page is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that are open.
    Open,
    /// The closed ones as well.
    All,
}

/// At most `limit` alerts, newest first, older than the one of id `before` or from the newest.
pub fn page(
    sql: &Connection,
    which: Which,
    before: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<StoredAlert>> {
    sql.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM alert WHERE (?1 OR closed_at IS NULL)
         AND (?2 IS NULL OR seq < (SELECT seq FROM alert WHERE id = ?2)) ORDER BY seq DESC LIMIT ?3"
    ))?
    .query_map(
        params![which == Which::All, before, limit.cast_signed()],
        from_row,
    )?
    .collect()
}

/// Adds an entry to the log of an alert at `now`, with the alert's own status, value and message.
pub fn log(
    sql: &Connection,
    alert: &StoredAlert,
    trigger: Trigger,
    revision: i64,
    now: i64,
) -> rusqlite::Result<()> {
    sql.prepare_cached(
        "INSERT INTO alert_log (id, alert, status, reason, monitor, revision, value, message, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        id::next(sql)?,
        alert.id,
        alert.status.as_str(),
        trigger.as_str(),
        alert.monitor,
        revision,
        alert.value,
        alert.message,
        now,
    ])?;
    Ok(())
}

/// At most `limit` entries of an alert's log, newest first, older than the one of id `before` or from the newest.
pub fn logs(
    sql: &Connection,
    alert: &str,
    before: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<StoredLog>> {
    sql.prepare_cached(
        "SELECT id, status, reason, monitor, revision, value, message, created_at FROM alert_log WHERE alert = ?1
         AND (?2 IS NULL OR seq < (SELECT seq FROM alert_log WHERE id = ?2)) ORDER BY seq DESC LIMIT ?3",
    )?
    .query_map(params![alert, before, limit.cast_signed()], |row| {
        let trigger: String = row.get(2)?;
        Ok(StoredLog {
            id: row.get(0)?,
            status: level(row, 1)?,
            trigger: Trigger::from_word(&trigger),
            monitor: (row.get(3)?, row.get(4)?),
            value: row.get(5)?,
            message: row.get(6)?,
            created_at: row.get(7)?,
        })
    })?
    .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredAlert> {
    Ok(StoredAlert {
        id: row.get(0)?,
        monitor: row.get(1)?,
        kind: row.get(2)?,
        target: row.get(3)?,
        status: level(row, 4)?,
        value: row.get(5)?,
        message: row.get(6)?,
        reason: row.get(7)?,
        memo: row.get(8)?,
        opened_at: row.get(9)?,
        closed_at: row.get(10)?,
    })
}
