//! Lines on their way to a log server.
//!
//! Invariant: a line is put here in the transaction that records it, and leaves after it was sent:
//! a crash may send one twice and loses none.

use berth_db::{Db, DbError, Tx};
use berth_model::Timestamp;

use super::{Entry, store};

/// A line that waits to be sent.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its row.
    pub id: i64,
    /// What happened. `None`: it cannot be read, of a newer version.
    pub entry: Option<Entry>,
    /// How many times.
    pub times: i64,
}

/// At most `most` of the oldest lines.
pub async fn waiting(db: &Db, most: i64) -> Result<Vec<Waiting>, DbError> {
    store::outbox::oldest(db, most).await
}

/// Takes out lines that were sent.
pub async fn remove(tx: &mut Tx, ids: &[i64]) -> Result<(), DbError> {
    store::outbox::delete(tx, ids).await
}

/// Drops the oldest lines beyond `most`; gives how many were lost.
pub async fn trim(tx: &mut Tx, most: i64) -> Result<u64, DbError> {
    store::outbox::trim(tx, most).await
}

/// Whether `owner` is the one process that sends, until `until`.
pub async fn take_turn(
    tx: &mut Tx,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, DbError> {
    store::outbox::take_turn(tx, owner, now, until).await
}
