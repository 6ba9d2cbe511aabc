//! The SQL of the registry core: blobs, manifests, tags, referrers and uploads.
//!
//! Lock order inside one transaction, so that no two of them wait for each other on PostgreSQL:
//! repository, manifest, blob links in order of blob id, tags in order of name; at its end what
//! the project holds in order of digest, then its quota.

pub(crate) mod blobs;
pub(crate) mod contents;
pub(crate) mod immutable;
pub(crate) mod labels;
pub(crate) mod listing;
pub(crate) mod manifests;
pub(crate) mod retention;
pub(crate) mod reviews;
pub(crate) mod searching;
pub(crate) mod sparse;
pub(crate) mod tags;
pub(crate) mod trash;
pub(crate) mod uploads;

use berth_db::{Engine, Tx};

/// Statements take at most this many values in one IN list.
pub(crate) const IN_LIST: usize = 400;

/// Tries at "insert, or lock what is there": between the two another transaction may delete it.
pub(crate) const TURNS: usize = 8;

/// Locks the rows a SELECT in a transaction reads. SQLite has one writer: nothing to lock.
pub(crate) const fn for_update(tx: &Tx) -> &'static str {
    match tx.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => " FOR UPDATE",
    }
}
