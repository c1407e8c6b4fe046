//! The statements about hosts: rows in, [`StoredHost`] out. A retired host keeps its row and is
//! left out of every search but the one by id.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

/// A host as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredHost {
    /// The id that the server gave it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name that people see instead, if it has one.
    pub display_name: Option<String>,
    /// The identifier that the client chose, if any.
    pub custom_identifier: Option<String>,
    /// The memo, empty where none was given.
    pub memo: String,
    /// The `meta` object as it was sent.
    pub meta: Value,
    /// The network interfaces.
    pub interfaces: Value,
    /// The checks that were declared with the host.
    pub checks: Value,
    /// `working`, `standby`, `maintenance` or `poweroff`.
    pub status: String,
    /// `standard` or `micro`.
    pub size: String,
    /// When it was registered, in epoch seconds.
    pub created_at: i64,
    /// When it was retired, in epoch seconds; absent while it lives.
    pub retired_at: Option<i64>,
    /// Its roles as pairs of service and role, in that order.
    pub roles: Vec<(String, String)>,
}

const COLUMNS: &str = "id, name, display_name, custom_identifier, memo, meta, interfaces, checks, status, size, created_at, retired_at";

/// Adds a host with its roles, which must exist.
pub fn insert(sql: &Connection, host: &StoredHost) -> rusqlite::Result<()> {
    sql.prepare_cached(&format!(
        "INSERT INTO host ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    ))?
    .execute(params![
        host.id,
        host.name,
        host.display_name,
        host.custom_identifier,
        host.memo,
        host.meta.to_string(),
        host.interfaces.to_string(),
        host.checks.to_string(),
        host.status,
        host.size,
        host.created_at,
        host.retired_at,
    ])?;
    set_roles(sql, &host.id, &host.roles)
}

/// Writes what a client can change of a host, with exactly the roles it holds now.
pub fn update(sql: &Connection, host: &StoredHost) -> rusqlite::Result<()> {
    sql.prepare_cached(
        "UPDATE host SET name = ?2, display_name = ?3, custom_identifier = ?4, memo = ?5, meta = ?6, interfaces = ?7,
         checks = ?8, status = ?9, retired_at = ?10 WHERE id = ?1",
    )?
    .execute(params![
        host.id,
        host.name,
        host.display_name,
        host.custom_identifier,
        host.memo,
        host.meta.to_string(),
        host.interfaces.to_string(),
        host.checks.to_string(),
        host.status,
        host.retired_at,
    ])?;
    set_roles(sql, &host.id, &host.roles)
}

/// The host with this id, retired or not.
pub fn by_id(sql: &Connection, id: &str) -> rusqlite::Result<Option<StoredHost>> {
    let host = sql
        .prepare_cached(&format!("SELECT {COLUMNS} FROM host WHERE id = ?1"))?
        .query_row([id], from_row)
        .optional()?;
    host.map(|host| with_roles(sql, host)).transpose()
}

/// The oldest living host with this custom identifier.
pub fn by_custom_identifier(
    sql: &Connection,
    identifier: &str,
    case: Case,
) -> rusqlite::Result<Option<StoredHost>> {
    let host = sql
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM host WHERE custom_identifier = ?1 COLLATE NOCASE AND (?2 OR custom_identifier = ?1)
             AND retired_at IS NULL ORDER BY seq LIMIT 1"
        ))?
        .query_row(params![identifier, case == Case::Ignored], from_row)
        .optional()?;
    host.map(|host| with_roles(sql, host)).transpose()
}

/// Whether upper and lower case are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// They are.
    Told,
    /// They are not, for the letters of ASCII.
    Ignored,
}

/// Every host in the order of registration, the retired ones included.
pub fn all(sql: &Connection) -> rusqlite::Result<Vec<StoredHost>> {
    let mut statement = sql.prepare_cached(&format!("SELECT {COLUMNS} FROM host ORDER BY seq"))?;
    let hosts: Vec<StoredHost> = statement
        .query_map([], from_row)?
        .collect::<rusqlite::Result<_>>()?;
    hosts
        .into_iter()
        .map(|host| with_roles(sql, host))
        .collect()
}

fn set_roles(sql: &Connection, id: &str, roles: &[(String, String)]) -> rusqlite::Result<()> {
    sql.prepare_cached("DELETE FROM host_role WHERE host = ?1")?
        .execute([id])?;
    let mut statement = sql.prepare_cached(
        "INSERT OR IGNORE INTO host_role (host, service, role) VALUES (?1, ?2, ?3)",
    )?;
    for (service, role) in roles {
        statement.execute(params![id, service, role])?;
    }
    Ok(())
}

fn with_roles(sql: &Connection, mut host: StoredHost) -> rusqlite::Result<StoredHost> {
    let mut statement = sql.prepare_cached(
        "SELECT service, role FROM host_role WHERE host = ?1 ORDER BY service, role",
    )?;
    host.roles = statement
        .query_map([&host.id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(host)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredHost> {
    Ok(StoredHost {
        id: row.get(0)?,
        name: row.get(1)?,
        display_name: row.get(2)?,
        custom_identifier: row.get(3)?,
        memo: row.get(4)?,
        meta: json(row, 5)?,
        interfaces: json(row, 6)?,
        checks: json(row, 7)?,
        status: row.get(8)?,
        size: row.get(9)?,
        created_at: row.get(10)?,
        retired_at: row.get(11)?,
        roles: Vec::new(),
    })
}

fn json(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}
