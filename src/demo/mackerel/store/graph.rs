//! The statements about graph definitions. One with a wildcard lives for some hours after it was posted
//! and after each matching point; its lease is looked at again only once it has run out.

use rusqlite::{Connection, params};
use serde_json::Value;

use crate::demo::mackerel::rule;

/// A graph definition as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredGraph {
    /// The metric name up to its last dot, perhaps with wildcards.
    pub name: String,
    /// The title, if it has one.
    pub display_name: Option<String>,
    /// One of the documented units.
    pub unit: String,
    /// The metrics: objects with `name`, `displayName` where given, and `isStacked`.
    pub metrics: Value,
}

/// Adds a definition at `now`, in place of one with the same name.
pub fn put(sql: &Connection, graph: &StoredGraph, now: i64) -> rusqlite::Result<()> {
    let alive_until = has_wildcard(graph).then_some(now + rule::WILDCARD_LIFE_SECONDS);
    sql.prepare_cached("INSERT OR REPLACE INTO graph_def (name, display_name, unit, metrics, alive_until) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![graph.name, graph.display_name, graph.unit, graph.metrics.to_string(), alive_until])?;
    Ok(())
}

/// Deletes a definition and tells whether it was there.
pub fn delete(sql: &Connection, name: &str) -> rusqlite::Result<bool> {
    Ok(sql.execute("DELETE FROM graph_def WHERE name = ?1", [name])? > 0)
}

/// Every definition, by name.
pub fn all(sql: &Connection) -> rusqlite::Result<Vec<StoredGraph>> {
    let mut statement = sql
        .prepare_cached("SELECT name, display_name, unit, metrics FROM graph_def ORDER BY name")?;
    statement
        .query_map([], |row| {
            let metrics: String = row.get(3)?;
            Ok(StoredGraph {
                name: row.get(0)?,
                display_name: row.get(1)?,
                unit: row.get(2)?,
                metrics: serde_json::from_str(&metrics).unwrap_or(Value::Null),
            })
        })?
        .collect()
}

/// Deletes what has vanished at `now`. It must run before points are recorded at `now`,
/// or a late point would bring back a definition that was already gone.
pub fn expire(sql: &Connection, now: i64) -> rusqlite::Result<()> {
    let mut statement =
        sql.prepare_cached("SELECT name, metrics FROM graph_def WHERE alive_until <= ?1")?;
    let due: Vec<(String, String)> = statement
        .query_map([now], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (name, metrics) in due {
        let metrics: Value = serde_json::from_str(&metrics).unwrap_or(Value::Null);
        let alive_until = last_match(sql, &metrics)?
            .map_or(now, |posted_at| posted_at + rule::WILDCARD_LIFE_SECONDS);
        if alive_until <= now {
            delete(sql, &name)?;
        } else {
            sql.execute(
                "UPDATE graph_def SET alive_until = ?2 WHERE name = ?1",
                params![name, alive_until],
            )?;
        }
    }
    Ok(())
}

fn last_match(sql: &Connection, metrics: &Value) -> rusqlite::Result<Option<i64>> {
    let patterns: Vec<&str> = metric_names(metrics).collect();
    let mut statement = sql.prepare_cached("SELECT DISTINCT name, posted_at FROM series WHERE owner GLOB 'host/*' ORDER BY posted_at DESC")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if patterns.iter().any(|pattern| rule::matches(pattern, &name)) {
            return row.get(1).map(Some);
        }
    }
    Ok(None)
}

fn has_wildcard(graph: &StoredGraph) -> bool {
    rule::has_wildcard(&graph.name) || metric_names(&graph.metrics).any(rule::has_wildcard)
}

fn metric_names(metrics: &Value) -> impl Iterator<Item = &str> {
    metrics
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|metric| metric.get("name")?.as_str())
}
