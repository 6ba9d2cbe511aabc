//! Opening a database from its address.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::watch::Watches;
use crate::writer::Writer;
use crate::{Db, DbError, Inner};

/// Statements kept prepared on each connection; sqlx's default of 100 is less than we have.
const STATEMENTS: usize = 512;
/// Readers of an SQLite database at most: more only take memory, reads end in microseconds.
const SQLITE_READERS: u32 = 6;

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An SQLite file; made if it is not there.
    Sqlite(PathBuf),
    /// `postgres://user:password@host/database?…`.
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = DbError;

    fn from_str(text: &str) -> Result<Self, DbError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err(DbError::Url(
            "it must start with sqlite: or postgres://".to_owned(),
        ))
    }
}

pub(crate) fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(STATEMENTS)
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

impl Db {
    /// Opens the database with at most `connections`; makes an SQLite file that is not there.
    pub async fn connect(url: &DatabaseUrl, connections: u32) -> Result<Self, DbError> {
        let inner = match url {
            DatabaseUrl::Sqlite(path) => {
                let options = sqlite_options(path);
                let watches = Watches::default();
                let mut writer = options
                    .clone()
                    .pragma("cache_size", "-16384")
                    .connect()
                    .await?;
                let told = watches.clone();
                let mut handle = writer.lock_handle().await?;
                handle.set_update_hook(move |change| told.changed(change.table));
                drop(handle);
                let readers = SqlitePoolOptions::new()
                    .max_connections(connections.clamp(1, SQLITE_READERS))
                    .test_before_acquire(false)
                    .connect_with(
                        options
                            .pragma("query_only", "on")
                            .pragma("cache_size", "-4096"),
                    )
                    .await?;
                Inner::Sqlite {
                    readers,
                    writer: Writer::start(writer, path.clone(), watches.clone()),
                    watches,
                }
            }
            DatabaseUrl::Postgres(url) => {
                let options = PgConnectOptions::from_str(url)
                    .map_err(|error| DbError::Url(error.to_string()))?
                    .application_name("berth")
                    // Our statements end in milliseconds: compiling them takes longer.
                    .options([("jit", "off")])
                    .statement_cache_capacity(STATEMENTS)
                    .disable_statement_logging();
                let pool = PgPoolOptions::new()
                    .max_connections(connections.max(2))
                    .acquire_timeout(Duration::from_secs(20))
                    .test_before_acquire(false)
                    .connect_with(options)
                    .await?;
                Inner::Postgres { pool }
            }
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }
}
