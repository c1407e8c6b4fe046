//! Everything the local Mackerel keeps, in SQLite: this file opens the database, its siblings hold the
//! statements of one noun each. A request runs in one transaction, so a refused one leaves nothing behind.

pub mod check;
pub mod graph;
pub mod host;
pub mod id;
pub mod metadata;
pub mod role;
pub mod series;

use std::path::PathBuf;

use rusqlite::Connection;

/// Where the database lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory, gone with the server.
    Memory,
    /// In a file with a write-ahead log, which a later server goes on with.
    File(PathBuf),
}

/// Opens the database and makes what is missing of the schema.
///
/// # Errors
///
/// SQLite's own, such as a file that cannot be opened or is no database.
pub fn open(storage: &Storage) -> rusqlite::Result<Connection> {
    let connection = match storage {
        Storage::Memory => Connection::open_in_memory()?,
        Storage::File(path) => {
            let connection = Connection::open(path)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection
        }
    };
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(include_str!("schema.sql"))?;
    Ok(connection)
}

/// What series and metadata belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// A host, by its id.
    Host(&'a str),
    /// A service, by its name.
    Service(&'a str),
    /// A role, by the names of its service and itself.
    Role(&'a str, &'a str),
}

impl Owner<'_> {
    /// The text under which the owner stands in the tables.
    pub fn key(&self) -> String {
        match self {
            Owner::Host(id) => format!("host/{id}"),
            Owner::Service(name) => format!("service/{name}"),
            Owner::Role(service, name) => format!("role/{service}/{name}"),
        }
    }
}
