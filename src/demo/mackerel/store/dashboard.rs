//! The statements about dashboards, whose widgets are kept as the JSON that was sent.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

/// A dashboard as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDashboard {
    /// The id that the server gave it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its memo, which may be empty.
    pub memo: String,
    /// Its path, unique in the organization.
    pub url_path: String,
    /// The widgets as they were sent.
    pub widgets: Value,
    /// When it was made, in epoch seconds.
    pub created_at: i64,
    /// When it was last changed, in epoch seconds.
    pub updated_at: i64,
}

const COLUMNS: &str = "id, title, memo, url_path, widgets, created_at, updated_at";

/// Adds a dashboard, or writes the one with its id anew.
pub fn put(sql: &Connection, dashboard: &StoredDashboard) -> rusqlite::Result<()> {
    sql.prepare_cached(&format!(
        "INSERT INTO dashboard ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET title = excluded.title, memo = excluded.memo, url_path = excluded.url_path,
         widgets = excluded.widgets, updated_at = excluded.updated_at"
    ))?
    .execute(params![
        dashboard.id,
        dashboard.title,
        dashboard.memo,
        dashboard.url_path,
        dashboard.widgets.to_string(),
        dashboard.created_at,
        dashboard.updated_at,
    ])?;
    Ok(())
}

/// Every dashboard in the order in which they were made.
pub fn all(sql: &Connection) -> rusqlite::Result<Vec<StoredDashboard>> {
    sql.prepare_cached(&format!("SELECT {COLUMNS} FROM dashboard ORDER BY seq"))?
        .query_map([], from_row)?
        .collect()
}

/// The dashboard of this id.
pub fn by_id(sql: &Connection, id: &str) -> rusqlite::Result<Option<StoredDashboard>> {
    sql.prepare_cached(&format!("SELECT {COLUMNS} FROM dashboard WHERE id = ?1"))?
        .query_row([id], from_row)
        .optional()
}

/// The id of the dashboard at this path.
pub fn id_at(sql: &Connection, url_path: &str) -> rusqlite::Result<Option<String>> {
    sql.prepare_cached("SELECT id FROM dashboard WHERE url_path = ?1")?
        .query_row([url_path], |row| row.get(0))
        .optional()
}

/// Deletes a dashboard.
pub fn delete(sql: &Connection, id: &str) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM dashboard WHERE id = ?1", [id])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredDashboard> {
    let widgets: String = row.get(4)?;
    Ok(StoredDashboard {
        id: row.get(0)?,
        title: row.get(1)?,
        memo: row.get(2)?,
        url_path: row.get(3)?,
        widgets: serde_json::from_str(&widgets).unwrap_or(Value::Null),
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}
