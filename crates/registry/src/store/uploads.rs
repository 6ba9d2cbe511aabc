//! Rows of `upload`: what is needed to go on with an unfinished upload, here or elsewhere.

use berth_db::{Db, DbError, Durability, Tx, args};
use berth_model::Timestamp;

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct UploadRow {
    pub(crate) next_offset: i64,
    pub(crate) hash_state: Option<Vec<u8>>,
}

/// Finds an upload of this caller into this repository; to anyone else it does not exist.
pub(crate) async fn find(
    db: &Db,
    id: &str,
    repository: &str,
    caller: &str,
) -> Result<Option<UploadRow>, DbError> {
    db.optional(
        "SELECT next_offset, hash_state FROM upload \
         WHERE id = $1 AND repository_name = $2 AND caller = $3",
        args![id, repository, caller],
    )
    .await
}

/// Writes down a new upload; `false` when its caller has `most` already.
pub(crate) async fn insert(
    db: &Db,
    id: &str,
    repository: &str,
    caller: &str,
    hash_state: &[u8],
    most: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    let made = db
        .execute(
            Durability::Relaxed,
            "INSERT INTO upload \
               (id, repository_name, caller, next_offset, hash_state, created_at, updated_at) \
             SELECT $1, $2, $3, 0, $4, $5, $5 \
             WHERE (SELECT COUNT(*) FROM upload WHERE caller = $3) < $6",
            args![id, repository, caller, hash_state, now, most],
        )
        .await?;
    Ok(made == 1)
}

/// Moves an upload on; `false` when it was cancelled meanwhile.
pub(crate) async fn advance(
    db: &Db,
    id: &str,
    offset: u64,
    hash_state: &[u8],
    now: Timestamp,
) -> Result<bool, DbError> {
    let advanced = db
        .execute(
            Durability::Relaxed,
            "UPDATE upload SET next_offset = $2, hash_state = $3, updated_at = $4 WHERE id = $1",
            args![id, offset as i64, hash_state, now],
        )
        .await?;
    Ok(advanced == 1)
}

pub(crate) async fn delete(tx: &mut Tx, id: &str) -> Result<bool, DbError> {
    Ok(tx
        .execute("DELETE FROM upload WHERE id = $1", args![id])
        .await?
        == 1)
}

/// Removes the row of an upload that has become a blob.
pub(crate) fn finish(tx: &mut Tx, id: &str) {
    tx.later("DELETE FROM upload WHERE id = $1", args![id]);
}

/// Uploads that nobody touched since `before`, oldest first.
pub(crate) async fn idle(db: &Db, before: Timestamp, limit: i64) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = db
        .all(
            "SELECT id FROM upload WHERE updated_at < $1 ORDER BY updated_at LIMIT $2",
            args![before, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Deletes an upload if it is still idle. Its bytes may be removed when this is committed.
pub(crate) async fn delete_idle(tx: &mut Tx, id: &str, before: Timestamp) -> Result<bool, DbError> {
    let deleted = tx
        .execute(
            "DELETE FROM upload WHERE id = $1 AND updated_at < $2",
            args![id, before],
        )
        .await?;
    Ok(deleted == 1)
}

pub(crate) async fn count(db: &Db) -> Result<u64, DbError> {
    let (count,): (i64,) = db.one("SELECT COUNT(*) FROM upload", args![]).await?;
    Ok(count.unsigned_abs())
}
