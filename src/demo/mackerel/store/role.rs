//! The statements about services and their roles. Deleting one deletes what hangs on it.

use rusqlite::{Connection, OptionalExtension, params};

use crate::demo::mackerel::store::{Owner, annotation, series};

/// A service with the names of its roles, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredService {
    /// Its name.
    pub name: String,
    /// Its memo, empty where none was given.
    pub memo: String,
    /// The names of its roles.
    pub roles: Vec<String>,
}

/// A role of some service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRole {
    /// Its name.
    pub name: String,
    /// Its memo, empty where none was given.
    pub memo: String,
}

/// Every service, by name.
pub fn services(sql: &Connection) -> rusqlite::Result<Vec<StoredService>> {
    let mut statement = sql.prepare_cached("SELECT name, memo FROM service ORDER BY name")?;
    let rows: Vec<(String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    rows.into_iter()
        .map(|(name, memo)| with_roles(sql, name, memo))
        .collect()
}

/// The service with this name.
pub fn service(sql: &Connection, name: &str) -> rusqlite::Result<Option<StoredService>> {
    let memo: Option<String> = sql
        .prepare_cached("SELECT memo FROM service WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    memo.map(|memo| with_roles(sql, name.to_owned(), memo))
        .transpose()
}

/// The roles of a service, by name.
pub fn roles(sql: &Connection, service: &str) -> rusqlite::Result<Vec<StoredRole>> {
    let mut statement =
        sql.prepare_cached("SELECT name, memo FROM role WHERE service = ?1 ORDER BY name")?;
    statement
        .query_map([service], |row| {
            Ok(StoredRole {
                name: row.get(0)?,
                memo: row.get(1)?,
            })
        })?
        .collect()
}

/// Adds a service, or leaves the one of that name as it is.
pub fn ensure_service(sql: &Connection, name: &str, memo: &str) -> rusqlite::Result<()> {
    sql.prepare_cached("INSERT OR IGNORE INTO service (name, memo) VALUES (?1, ?2)")?
        .execute([name, memo])?;
    Ok(())
}

/// Adds a role, or leaves the one of that name as it is.
pub fn ensure_role(
    sql: &Connection,
    service: &str,
    name: &str,
    memo: &str,
) -> rusqlite::Result<()> {
    sql.prepare_cached("INSERT OR IGNORE INTO role (service, name, memo) VALUES (?1, ?2, ?3)")?
        .execute([service, name, memo])?;
    Ok(())
}

/// Deletes a service with its roles, its metrics and the metadata of both.
pub fn delete_service(sql: &Connection, service: &StoredService) -> rusqlite::Result<()> {
    for role in &service.roles {
        delete_role(sql, &service.name, role)?;
    }
    let owner = Owner::Service(&service.name).key();
    series::delete(sql, Owner::Service(&service.name), |_| true)?;
    annotation::delete_of_service(sql, &service.name)?;
    sql.execute("DELETE FROM metadata WHERE owner = ?1", [&owner])?;
    sql.execute("DELETE FROM service WHERE name = ?1", [&service.name])?;
    Ok(())
}

/// Deletes a role, takes it from every host, and deletes its metadata.
pub fn delete_role(sql: &Connection, service: &str, role: &str) -> rusqlite::Result<()> {
    sql.execute(
        "DELETE FROM host_role WHERE service = ?1 AND role = ?2",
        params![service, role],
    )?;
    sql.execute(
        "DELETE FROM metadata WHERE owner = ?1",
        [Owner::Role(service, role).key()],
    )?;
    sql.execute(
        "DELETE FROM role WHERE service = ?1 AND name = ?2",
        params![service, role],
    )?;
    Ok(())
}

fn with_roles(sql: &Connection, name: String, memo: String) -> rusqlite::Result<StoredService> {
    let roles = roles(sql, &name)?
        .into_iter()
        .map(|role| role.name)
        .collect();
    Ok(StoredService { name, memo, roles })
}
