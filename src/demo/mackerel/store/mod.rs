//! Everything the local Mackerel keeps, in SQLite: this file opens the database, its siblings hold the
//! statements of one noun each. A request runs in one transaction, so a refused one leaves nothing behind.

pub mod alert;
pub mod annotation;
pub mod block;
pub mod check;
pub mod dashboard;
pub mod graph;
pub mod host;
pub mod id;
pub mod metadata;
pub mod monitor;
pub mod role;
pub mod series;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

/// Where the database lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory, gone with the server.
    Memory,
    /// In a file with a write-ahead log, which a later server goes on with.
    File(PathBuf),
}

/// Marks a file as ours: `MkEc` as SQLite's application id.
const APPLICATION_ID: i32 = 0x4d6b_4563;

/// The version of the schema; a file of another version is not used.
const VERSION: i32 = 1;

/// The log is folded into the file when it has grown to so many pages of 4 KB. The pages of the present hour
/// are written again and again, and a longer log folds each of them less often.
const CHECKPOINT_PAGES: i32 = 8_000;

/// How much of the file is kept in memory, in KB: enough for an hour of 60,000 series.
const CACHE_KB: i32 = 64 * 1024;

/// Why a database cannot be used, as the end of a sentence that names it.
#[derive(Debug)]
pub enum Unusable {
    /// It has tables that are not ours.
    Foreign,
    /// It is ours, in another version of the schema.
    Version(i32),
    /// SQLite's own reason.
    Sqlite(rusqlite::Error),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Foreign => write!(f, "it is the database of another program"),
            Unusable::Version(version) => write!(
                f,
                "it is of version {version} and this program's is {VERSION}; name a new file"
            ),
            Unusable::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => write!(f, "it is not an SQLite database"),
                Some(ErrorCode::CannotOpen) => {
                    write!(
                        f,
                        "it cannot be opened; is its folder there, and is it a file?"
                    )
                }
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                    write!(f, "it may not be written")
                }
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    write!(f, "another process is using it")
                }
                _ => error.fmt(f),
            },
        }
    }
}

impl std::error::Error for Unusable {}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        Unusable::Sqlite(error)
    }
}

/// Opens the database and makes what is missing of the schema. A file belongs to one process at a time.
///
/// What was committed outlives the process, however it ends: the write-ahead log is in the system's hands by then.
/// It is not flushed to the disk at each commit, so a power cut may take the newest commits, never the file.
///
/// # Errors
///
/// [`Unusable`], for a file that cannot be opened or is none of ours.
pub fn open(storage: &Storage) -> Result<Connection, Unusable> {
    let connection = match storage {
        Storage::Memory => Connection::open_in_memory()?,
        Storage::File(path) => {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::ZERO)?;
            check_owner(&connection)?;
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
            connection
        }
    };
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    connection.pragma_update(None, "cache_size", -CACHE_KB)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch(include_str!("schema.sql"))?;
    Ok(connection)
}

fn check_owner(connection: &Connection) -> Result<(), Unusable> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let tables: i64 =
        connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION_ID, VERSION) => Ok(()),
        (APPLICATION_ID, version) => Err(Unusable::Version(version)),
        _ if tables == 0 => Ok(()),
        _ => Err(Unusable::Foreign),
    }
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
