//! Transactions on PostgreSQL that are run again when the engine sacrifices them.
//!
//! Two transactions that wait for each other end only because PostgreSQL undoes one of them. Locks
//! are taken in one order so that this stays rare; when it happens all the same, whoever asked for
//! the write is not told.
//!
//! Invariant: each attempt is a transaction of its own; hooks run for the one that was committed.

use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::postgres::PgPool;

use crate::tx::{Commit, is_sacrifice};
use crate::{DbError, Durability, Tx};

/// How often a transaction is tried. Each deadlock takes PostgreSQL a second to find, so this also
/// bounds how long a caller waits.
const ATTEMPTS: u32 = 5;
/// Longest pause before the second attempt; each further one may wait twice as long.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) async fn run<T, E, F>(pool: PgPool, durability: Durability, work: F) -> Result<T, E>
where
    E: From<DbError>,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Clone,
{
    let mut attempt = 1;
    loop {
        let (outcome, sacrificed) = try_once(&pool, durability, work.clone()).await;
        if !sacrificed || attempt == ATTEMPTS {
            return outcome;
        }
        tracing::warn!(
            attempt,
            "a transaction was undone after a deadlock: once more"
        );
        tokio::time::sleep(pause(attempt)).await;
        attempt += 1;
    }
}

/// What came of it, and whether it failed only because another transaction was preferred.
async fn try_once<T, E, F>(pool: &PgPool, durability: Durability, work: F) -> (Result<T, E>, bool)
where
    E: From<DbError>,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
{
    let mut tx = match Tx::postgres(pool, durability).await {
        Ok(tx) => tx,
        Err(error) => return (Err(error.into()), false),
    };
    let outcome = tx.whole(work).await;
    let sacrificed = tx.sacrificed();
    // Work that went on after such an error has no transaction any more to be committed.
    let commit = if outcome.is_ok() && !sacrificed {
        Commit::Yes
    } else {
        Commit::No
    };
    match tx.finish(commit).await {
        Ok(()) if sacrificed && outcome.is_ok() => {
            let cause = "it was undone after a deadlock".to_owned();
            (Err(DbError::Commit(cause).into()), true)
        }
        Ok(()) => (outcome, sacrificed),
        Err(error) if commit == Commit::Yes => {
            let sacrificed = is_sacrifice(&error);
            (Err(DbError::from(error).into()), sacrificed)
        }
        // What made the work fail says more than that it could not be undone in good order.
        Err(_) => (outcome, false),
    }
}

/// A random pause, so that two who met do not meet again.
fn pause(attempt: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let longest = PAUSE.saturating_mul(1 << attempt.min(8));
    let random = RandomState::new().hash_one(attempt);
    longest.mul_f64(random as f64 / u64::MAX as f64)
}
