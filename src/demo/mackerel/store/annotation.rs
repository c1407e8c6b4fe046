//! The statements about graph annotations: spans of time with a title, of a service or of roles in it.

use rusqlite::{Connection, OptionalExtension, Row, params};

/// An annotation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnnotation {
    /// The id that the server gave it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its description, if it has one.
    pub description: Option<String>,
    /// Where it begins, in epoch seconds.
    pub begins: i64,
    /// Where it ends, in epoch seconds.
    pub ends: i64,
    /// The name of its service.
    pub service: String,
    /// The names of its roles in that service; absent where it is of the service as a whole.
    pub roles: Option<Vec<String>>,
}

const COLUMNS: &str = "id, title, description, begins, ends, service, roles";

/// Adds an annotation, or writes the one with its id anew.
pub fn put(sql: &Connection, annotation: &StoredAnnotation) -> rusqlite::Result<()> {
    let roles = annotation
        .roles
        .as_ref()
        .map(|roles| serde_json::json!(roles).to_string());
    sql.prepare_cached(&format!(
        "INSERT INTO annotation ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET title = excluded.title, description = excluded.description,
         begins = excluded.begins, ends = excluded.ends, service = excluded.service, roles = excluded.roles"
    ))?
    .execute(params![
        annotation.id,
        annotation.title,
        annotation.description,
        annotation.begins,
        annotation.ends,
        annotation.service,
        roles,
    ])?;
    Ok(())
}

/// The annotation of this id.
pub fn by_id(sql: &Connection, id: &str) -> rusqlite::Result<Option<StoredAnnotation>> {
    sql.prepare_cached(&format!("SELECT {COLUMNS} FROM annotation WHERE id = ?1"))?
        .query_row([id], from_row)
        .optional()
}

/// The annotations of a service that have a moment in common with a span, in the order of their beginnings.
pub fn between(
    sql: &Connection,
    service: &str,
    from: i64,
    to: i64,
) -> rusqlite::Result<Vec<StoredAnnotation>> {
    sql.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM annotation WHERE service = ?1 AND begins <= ?3 AND ends >= ?2 ORDER BY begins, seq"
    ))?
    .query_map(params![service, from, to], from_row)?
    .collect()
}

/// Deletes an annotation.
pub fn delete(sql: &Connection, id: &str) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM annotation WHERE id = ?1", [id])?;
    Ok(())
}

/// Deletes the annotations of a service.
pub fn delete_of_service(sql: &Connection, service: &str) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM annotation WHERE service = ?1", [service])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredAnnotation> {
    let roles: Option<String> = row.get(6)?;
    Ok(StoredAnnotation {
        id: row.get(0)?,
        title: row.get(1)?,
        description: row.get(2)?,
        begins: row.get(3)?,
        ends: row.get(4)?,
        service: row.get(5)?,
        roles: roles.and_then(|text| serde_json::from_str(&text).ok()),
    })
}
