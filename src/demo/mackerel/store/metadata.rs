//! The statements about metadata: JSON kept as the text that was sent, by owner and namespace.

use rusqlite::{Connection, OptionalExtension, params};

use crate::demo::mackerel::store::Owner;

/// The namespaces of an owner, in order.
pub fn namespaces(sql: &Connection, owner: Owner<'_>) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        sql.prepare_cached("SELECT namespace FROM metadata WHERE owner = ?1 ORDER BY namespace")?;
    statement
        .query_map([owner.key()], |row| row.get(0))?
        .collect()
}

/// The JSON text of a namespace and when it was last written, in epoch seconds.
pub fn get(
    sql: &Connection,
    owner: Owner<'_>,
    namespace: &str,
) -> rusqlite::Result<Option<(String, i64)>> {
    sql.prepare_cached(
        "SELECT value, modified_at FROM metadata WHERE owner = ?1 AND namespace = ?2",
    )?
    .query_row([owner.key().as_str(), namespace], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .optional()
}

/// Writes the JSON text of a namespace at `now`.
pub fn put(
    sql: &Connection,
    owner: Owner<'_>,
    namespace: &str,
    value: &str,
    now: i64,
) -> rusqlite::Result<()> {
    sql.prepare_cached("INSERT OR REPLACE INTO metadata (owner, namespace, value, modified_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![owner.key(), namespace, value, now])?;
    Ok(())
}

/// Deletes a namespace and tells whether it was there.
pub fn delete(sql: &Connection, owner: Owner<'_>, namespace: &str) -> rusqlite::Result<bool> {
    let deleted = sql.execute(
        "DELETE FROM metadata WHERE owner = ?1 AND namespace = ?2",
        [owner.key().as_str(), namespace],
    )?;
    Ok(deleted > 0)
}
