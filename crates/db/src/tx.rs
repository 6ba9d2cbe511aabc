//! A transaction, on either engine.

use std::any::Any;

use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgPool, Postgres};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr, SqlStr, Transaction};

use crate::{Args, DbError, Durability, Engine, Row};

type Hook = Box<dyn FnOnce() + Send>;

/// Work that a transaction puts off until everything else in it is done.
///
/// For rows that many transactions change: taken last, their locks are held for the shortest time,
/// and in one order whatever the transaction did before.
pub trait AtEnd: Any + Send {
    /// Does it. An error undoes the whole transaction.
    fn run(self: Box<Self>, tx: &mut Tx) -> BoxFuture<'_, Result<(), DbError>>;
}

/// An open transaction; see [`Db::write`](crate::Db::write).
pub struct Tx {
    connection: Connection,
    hooks: Vec<Hook>,
    at_end: Vec<Box<dyn AtEnd>>,
    /// What the next command begins with, on SQLite: the end of the job before.
    ahead: &'static str,
    /// Statements that go with the next one.
    later: Vec<(SqlStr, Args)>,
    /// Whether the engine gave this transaction up for the sake of another.
    sacrificed: bool,
}

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(Transaction<'static, Postgres>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    Yes,
    No,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tx({:?})", self.engine())
    }
}

impl Tx {
    pub(crate) const fn sqlite(connection: SqliteConnection) -> Self {
        Self {
            connection: Connection::Sqlite(connection),
            hooks: Vec::new(),
            at_end: Vec::new(),
            ahead: "",
            later: Vec::new(),
            sacrificed: false,
        }
    }

    pub(crate) async fn postgres(pool: &PgPool, durability: Durability) -> Result<Self, DbError> {
        let mut transaction = pool.begin().await?;
        if durability == Durability::Relaxed {
            sqlx::query("SET LOCAL synchronous_commit = off")
                .execute(&mut *transaction)
                .await?;
        }
        Ok(Self {
            connection: Connection::Postgres(transaction),
            hooks: Vec::new(),
            at_end: Vec::new(),
            ahead: "",
            later: Vec::new(),
            sacrificed: false,
        })
    }

    /// Ends it on PostgreSQL. The error is the engine's own, for its code.
    pub(crate) async fn finish(self, commit: Commit) -> Result<(), sqlx::Error> {
        let Connection::Postgres(transaction) = self.connection else {
            return Ok(());
        };
        if commit == Commit::No {
            return transaction.rollback().await;
        }
        transaction.commit().await?;
        for hook in self.hooks {
            hook();
        }
        Ok(())
    }

    /// Whether the engine gave this transaction up for the sake of another, so that the same work
    /// may succeed when it is done once more.
    pub(crate) const fn sacrificed(&self) -> bool {
        self.sacrificed
    }

    fn failed(&mut self, error: sqlx::Error) -> DbError {
        self.sacrificed |= is_sacrifice(&error);
        error.into()
    }

    /// Runs a statement that is not a transaction's content: BEGIN, SAVEPOINT, PRAGMA.
    pub(crate) async fn control(&mut self, sql: &'static str) -> Result<(), DbError> {
        let ahead = std::mem::take(&mut self.ahead);
        if let Connection::Sqlite(connection) = &mut self.connection {
            if ahead.is_empty() {
                sqlx::query(sql).execute(connection).await?;
            } else {
                let sql = AssertSqlSafe(format!("{ahead};{sql}"));
                sqlx::query(sql).execute(connection).await?;
            }
        }
        Ok(())
    }

    /// Has the next command run `sql` first, whatever becomes of the work between.
    pub(crate) const fn go_ahead(&mut self, sql: &'static str) {
        self.ahead = sql;
    }

    /// One statement by itself, without a transaction around it but the engine's own.
    pub(crate) async fn alone(
        &mut self,
        first: &'static str,
        sql: SqlStr,
        args: Args,
    ) -> Result<u64, DbError> {
        self.ahead = first;
        let done = self.execute(sql, args).await;
        self.ahead = "";
        done
    }

    pub(crate) fn take_hooks(&mut self) -> Vec<Hook> {
        std::mem::take(&mut self.hooks)
    }

    /// Runs `work`, then what it put off with [`Tx::at_end`].
    pub(crate) async fn whole<T, E, F>(&mut self, work: F) -> Result<T, E>
    where
        E: From<DbError>,
        F: for<'t> FnOnce(&'t mut Self) -> BoxFuture<'t, Result<T, E>>,
    {
        let outcome = work(self).await?;
        while !self.at_end.is_empty() {
            self.at_end.remove(0).run(self).await?;
        }
        self.flush().await?;
        Ok(outcome)
    }

    /// Drops what was put off by work that failed.
    pub(crate) fn drop_end(&mut self) {
        self.at_end.clear();
        self.later.clear();
    }

    pub(crate) async fn close(self) {
        if let Connection::Sqlite(connection) = self.connection {
            let _ = sqlx::Connection::close(connection).await;
        }
    }

    /// Which engine answers.
    pub const fn engine(&self) -> Engine {
        match self.connection {
            Connection::Sqlite(_) => Engine::Sqlite,
            Connection::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs `hook` once the transaction is durable, before the writer is answered. Not run when
    /// the transaction is rolled back. It must not block.
    pub fn after_commit(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.hooks.push(Box::new(hook));
    }

    /// Adds to the work of kind `T` that this transaction does at its end: once for all that was
    /// added, and not at all when the transaction fails before.
    pub fn at_end<T: AtEnd + Default>(&mut self, add: impl FnOnce(&mut T)) {
        for work in &mut self.at_end {
            let work: &mut dyn Any = work.as_mut();
            if let Some(work) = work.downcast_mut() {
                return add(work);
            }
        }
        let mut work = T::default();
        add(&mut work);
        self.at_end.push(Box::new(work));
    }

    /// Runs a statement whose outcome nobody asks for, before the next statement or at the end of
    /// the transaction: on SQLite in one command with it, which saves a way to its thread and back.
    /// Its error is that of the statement it goes with.
    pub fn later(&mut self, sql: impl SqlSafeStr, args: Args) {
        self.later.push((sql.into_sql_str(), args));
    }

    /// Runs what [`Tx::later`] put off.
    async fn flush(&mut self) -> Result<(), DbError> {
        if self.later.is_empty() {
            return Ok(());
        }
        let later = std::mem::take(&mut self.later);
        let done = match &mut self.connection {
            Connection::Sqlite(connection) => {
                let (sql, args) = joined(std::mem::take(&mut self.ahead), later);
                let done = sqlx::query_with(AssertSqlSafe(sql), args.sqlite()?).execute(connection);
                done.await.map(drop)
            }
            Connection::Postgres(transaction) => {
                let mut done = Ok(());
                for (sql, args) in later {
                    let one = sqlx::query_with(sql, args.postgres()?).execute(&mut **transaction);
                    done = one.await.map(drop);
                    if done.is_err() {
                        break;
                    }
                }
                done
            }
        };
        done.map_err(|error| self.failed(error))
    }

    /// A query together with what was put off before it, where the engine takes both at once.
    async fn with_later(&mut self, sql: SqlStr, args: Args) -> Result<(SqlStr, Args), DbError> {
        if self.later.is_empty() && self.ahead.is_empty() {
            return Ok((sql, args));
        }
        if self.engine() == Engine::Postgres {
            self.flush().await?;
            return Ok((sql, args));
        }
        let mut all = std::mem::take(&mut self.later);
        all.push((sql, args));
        let (sql, args) = joined(std::mem::take(&mut self.ahead), all);
        Ok((AssertSqlSafe(sql).into_sql_str(), args))
    }

    /// The only row a query gives.
    ///
    /// # Errors
    /// [`DbError::NotFound`] when there is none.
    pub async fn one<T: Row>(&mut self, sql: impl SqlSafeStr, args: Args) -> Result<T, DbError> {
        self.optional(sql, args).await?.ok_or(DbError::NotFound)
    }

    /// The first row a query gives, if any.
    pub async fn optional<T: Row>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Args,
    ) -> Result<Option<T>, DbError> {
        let (sql, args) = self.with_later(sql.into_sql_str(), args).await?;
        let row = match &mut self.connection {
            Connection::Sqlite(connection) => {
                sqlx::query_as_with(sql, args.sqlite()?)
                    .fetch_optional(connection)
                    .await
            }
            Connection::Postgres(transaction) => {
                sqlx::query_as_with(sql, args.postgres()?)
                    .fetch_optional(&mut **transaction)
                    .await
            }
        };
        row.map_err(|error| self.failed(error))
    }

    /// Every row a query gives. The query itself must be bounded.
    pub async fn all<T: Row>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Args,
    ) -> Result<Vec<T>, DbError> {
        let (sql, args) = self.with_later(sql.into_sql_str(), args).await?;
        let rows = match &mut self.connection {
            Connection::Sqlite(connection) => {
                sqlx::query_as_with(sql, args.sqlite()?)
                    .fetch_all(connection)
                    .await
            }
            Connection::Postgres(transaction) => {
                sqlx::query_as_with(sql, args.postgres()?)
                    .fetch_all(&mut **transaction)
                    .await
            }
        };
        rows.map_err(|error| self.failed(error))
    }

    /// Runs a statement and gives the number of rows it changed.
    pub async fn execute(&mut self, sql: impl SqlSafeStr, args: Args) -> Result<u64, DbError> {
        let (sql, args) = self.with_later(sql.into_sql_str(), args).await?;
        let changed = match &mut self.connection {
            Connection::Sqlite(connection) => {
                last_changed(connection, sqlx::query_with(sql, args.sqlite()?)).await
            }
            Connection::Postgres(transaction) => sqlx::query_with(sql, args.postgres()?)
                .execute(&mut **transaction)
                .await
                .map(|done| done.rows_affected()),
        };
        changed.map_err(|error| self.failed(error))
    }
}

/// How many rows the last statement of a command changed.
async fn last_changed(
    connection: &mut SqliteConnection,
    query: Query<'_, Sqlite, SqliteArguments>,
) -> Result<u64, sqlx::Error> {
    let mut changed = 0;
    let mut outcomes = connection.fetch_many(query);
    while let Some(outcome) = outcomes.try_next().await? {
        if let sqlx::Either::Left(done) = outcome {
            changed = done.rows_affected();
        }
    }
    Ok(changed)
}

/// Statements as one command, their values numbered through.
fn joined(ahead: &str, statements: Vec<(SqlStr, Args)>) -> (String, Args) {
    let mut text = ahead.to_owned();
    let mut all = Args::new();
    for (sql, args) in statements {
        if !text.is_empty() {
            text.push(';');
        }
        shift(&mut text, sql.as_str(), all.len());
        all.append(args);
    }
    (text, all)
}

/// Writes a statement with every `$n` raised by `by`.
fn shift(text: &mut String, sql: &str, by: usize) {
    let mut rest = sql;
    while by > 0
        && let Some(at) = rest.find('$')
    {
        let (before, from) = rest.split_at(at + 1);
        let digits = from.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = from.split_at(digits);
        text.push_str(before);
        match number.parse::<usize>() {
            Ok(number) => text.push_str(&(number + by).to_string()),
            Err(_) => text.push_str(number),
        }
        rest = after;
    }
    text.push_str(rest);
}

/// PostgreSQL's `serialization_failure` and `deadlock_detected`.
pub(crate) fn is_sacrifice(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}
