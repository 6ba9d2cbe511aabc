//! One SQL text over two engines: SQLite inside, PostgreSQL beside.
//!
//! [`Db`] reads through a pool and writes through [`Db::write`]. On SQLite all writes of the
//! process pass one writer task that commits what is waiting in one transaction, so concurrent
//! pushes share one fsync; on PostgreSQL each write is a transaction of its own.
//!
//! Invariant: when `write` returns `Ok`, the change is durable, and every hook given to
//! [`Tx::after_commit`] has run, whether or not the caller is still waiting.

mod connect;
mod error;
mod migrate;
pub mod query;
mod retry;
mod tx;
mod value;
mod watch;
mod writer;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{FromRow, SqlSafeStr};

pub use connect::DatabaseUrl;
pub use error::DbError;
pub use migrate::{MigrationFile, render};
pub use sqlx::AssertSqlSafe;
pub use tx::{AtEnd, Tx};
pub use value::{Args, Value, chunk_of, like, placeholders, rows_of};
pub use watch::Kept;

use watch::Watches;
use writer::Writer;

/// The two engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in the process.
    Sqlite,
    /// PostgreSQL 15 or newer.
    Postgres,
}

/// How durable a write must be before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On stable storage.
    Full,
    /// In the log but not forced out: a power loss may take it, in order, with what came after.
    /// For rows that only save work, such as the state of an unfinished upload.
    Relaxed,
}

/// A row that both engines can give. Implemented for every `#[derive(sqlx::FromRow)]` type.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

enum Inner {
    Sqlite {
        readers: SqlitePool,
        writer: Writer,
        watches: Watches,
    },
    Postgres {
        pool: PgPool,
    },
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Db({:?})", self.engine())
    }
}

impl Db {
    /// Which engine answers.
    pub fn engine(&self) -> Engine {
        match *self.inner {
            Inner::Sqlite { .. } => Engine::Sqlite,
            Inner::Postgres { .. } => Engine::Postgres,
        }
    }

    /// The only row a query gives.
    ///
    /// # Errors
    /// [`DbError::NotFound`] when there is none.
    pub async fn one<T: Row>(&self, sql: impl SqlSafeStr, args: Args) -> Result<T, DbError> {
        self.optional(sql, args).await?.ok_or(DbError::NotFound)
    }

    /// The first row a query gives, if any.
    pub async fn optional<T: Row>(
        &self,
        sql: impl SqlSafeStr,
        args: Args,
    ) -> Result<Option<T>, DbError> {
        let row = match &*self.inner {
            Inner::Sqlite { readers, .. } => {
                sqlx::query_as_with(sql, args.sqlite()?)
                    .fetch_optional(readers)
                    .await
            }
            Inner::Postgres { pool } => {
                sqlx::query_as_with(sql, args.postgres()?)
                    .fetch_optional(pool)
                    .await
            }
        };
        row.map_err(DbError::from)
    }

    /// Every row a query gives. The query itself must be bounded.
    pub async fn all<T: Row>(&self, sql: impl SqlSafeStr, args: Args) -> Result<Vec<T>, DbError> {
        let rows = match &*self.inner {
            Inner::Sqlite { readers, .. } => {
                sqlx::query_as_with(sql, args.sqlite()?)
                    .fetch_all(readers)
                    .await
            }
            Inner::Postgres { pool } => {
                sqlx::query_as_with(sql, args.postgres()?)
                    .fetch_all(pool)
                    .await
            }
        };
        rows.map_err(DbError::from)
    }

    /// Runs `work` in one transaction and commits it durably if it returns `Ok`.
    ///
    /// The transaction runs to its end even if the caller goes away. Do nothing slow in it but
    /// SQL: on SQLite every other write waits. Where PostgreSQL ends it for the sake of another
    /// one, after a deadlock, `work` is run again from its start: it must change nothing but the
    /// database, and leave the rest to [`Tx::after_commit`].
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Clone + Send + 'static,
    {
        self.write_with(Durability::Full, work).await
    }

    /// As [`Db::write`], with the durability the row deserves.
    pub async fn write_with<T, E, F>(&self, durability: Durability, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Clone + Send + 'static,
    {
        match &*self.inner {
            Inner::Sqlite { writer, .. } => writer.run(durability, work).await,
            Inner::Postgres { pool } => {
                let pool = pool.clone();
                // Spawned, so that a caller that goes away cannot stop it between COMMIT and hooks.
                let running = tokio::spawn(retry::run(pool, durability, work));
                running
                    .await
                    .unwrap_or_else(|_| Err(DbError::Panicked.into()))
            }
        }
    }

    /// Runs one statement that is a whole piece of work, and gives the number of rows it changed.
    ///
    /// On SQLite it needs no transaction around it when nothing else is waiting.
    pub async fn execute(
        &self,
        durability: Durability,
        sql: impl SqlSafeStr,
        args: Args,
    ) -> Result<u64, DbError> {
        let sql = sql.into_sql_str();
        match &*self.inner {
            Inner::Sqlite { writer, .. } => writer.execute(durability, sql, args).await,
            Inner::Postgres { .. } => {
                self.write_with(durability, move |tx| {
                    Box::pin(async move { tx.execute(sql, args).await })
                })
                .await
            }
        }
    }

    /// A place to keep at most `most` rows read from `tables`, until one of these changes.
    ///
    /// The tables must have row ids, and must not be emptied by a DELETE without a condition:
    /// SQLite reports neither.
    pub fn kept<K: std::hash::Hash + Eq, V: Clone>(
        &self,
        tables: &'static [&'static str],
        most: usize,
    ) -> Kept<K, V> {
        let watches = match &*self.inner {
            Inner::Sqlite { watches, .. } => Some(watches),
            Inner::Postgres { .. } => None,
        };
        Kept::new(watches, tables, most)
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// [`DbError::NewerSchema`] when the database was written by a newer Berth.
    pub async fn migrate(&self, files: &[MigrationFile]) -> Result<(), DbError> {
        match &*self.inner {
            Inner::Sqlite { writer, .. } => migrate::sqlite(writer.path(), files).await,
            Inner::Postgres { pool } => migrate::postgres(pool, files).await,
        }
    }

    /// Finishes what is queued and closes every connection.
    pub async fn close(&self) {
        match &*self.inner {
            Inner::Sqlite {
                readers, writer, ..
            } => {
                writer.close().await;
                readers.close().await;
            }
            Inner::Postgres { pool } => pool.close().await,
        }
    }
}
