//! What can go wrong between us and the database.

use berth_model::{Code, Coded};
use sqlx::error::ErrorKind;

/// A database error.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A row that had to be there is not.
    #[error("no such row")]
    NotFound,
    /// A row with the same unique key exists; holds the constraint or column the engine named.
    #[error("a row with this {0} exists")]
    Unique(String),
    /// A row refers to one that does not exist, or is still referred to.
    #[error("a row refers to one that does not exist, or is still referred to")]
    ForeignKey,
    /// The disk of the database is full.
    #[error("the database's disk is full")]
    Full,
    /// The database was written by a newer version.
    #[error(
        "the database has schema version {found}, newer than this program's {known}: start the newer berth, or restore a backup"
    )]
    NewerSchema {
        /// Version in the database.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The database URL cannot be used.
    #[error("the database address is not usable: {0}")]
    Url(String),
    /// The database is closing.
    #[error("the database is closed")]
    Closed,
    /// A transaction's code panicked; nothing of it was kept.
    #[error("a database transaction panicked")]
    Panicked,
    /// The group of writes this one was part of could not be committed.
    #[error("the transaction could not be committed: {0}")]
    Commit(String),
    /// Migrating the schema failed.
    #[error("the schema could not be brought up to date: {0}")]
    Migrate(String),
    /// A rule that is checked at the end of a transaction forbids it; holds the rule's own error.
    #[error("{0}")]
    Refused(Box<dyn Coded + Send + Sync>),
    /// Anything else the engine said.
    #[error("database: {0}")]
    Engine(sqlx::Error),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::Database(found) => match found.kind() {
                ErrorKind::UniqueViolation => Self::Unique(
                    found
                        .constraint()
                        .map_or_else(|| column(found.message()), str::to_owned),
                ),
                ErrorKind::ForeignKeyViolation => Self::ForeignKey,
                // SQLITE_FULL is 13; PostgreSQL's disk_full is 53100.
                _ if matches!(found.code().as_deref(), Some("13" | "53100")) => Self::Full,
                _ => Self::Engine(error),
            },
            _ => Self::Engine(error),
        }
    }
}

/// SQLite names the columns only in its message: "UNIQUE constraint failed: tag.name".
fn column(message: &str) -> String {
    message.rsplit(": ").next().unwrap_or(message).to_owned()
}

impl Coded for DbError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Unique(_) => Code::Conflict,
            Self::Full => Code::StorageFull,
            Self::Closed => Code::Unavailable,
            Self::Refused(rule) => rule.code(),
            _ => Code::Unknown,
        }
    }
}
