//! The SQL of scrubs: copies by the time they were hashed last.

use berth_db::{Db, DbError, Tx, args};
use berth_model::Timestamp;

/// A stored copy.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Copy {
    pub(crate) id: i64,
    pub(crate) digest: String,
    pub(crate) size: i64,
    pub(crate) stored_as: String,
    pub(crate) verified_at: i64,
}

/// How many blobs and bytes were not hashed since `started`.
pub(crate) async fn count(db: &Db, started: Timestamp) -> Result<(u64, u64), DbError> {
    let (blobs, bytes): (i64, i64) = db
        .one(
            "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM blob \
             WHERE state = 'live' AND verified_at < $1",
            args![started],
        )
        .await?;
    Ok((blobs.unsigned_abs(), bytes.unsigned_abs()))
}

/// Copies that were not hashed since `started`, the oldest first, after `last`.
pub(crate) async fn oldest(
    db: &Db,
    started: Timestamp,
    last: (i64, i64),
    limit: i64,
) -> Result<Vec<Copy>, DbError> {
    db.all(
        "SELECT id, digest, size, stored_as, verified_at FROM blob \
         WHERE state = 'live' AND verified_at < $1 \
         AND (verified_at > $2 OR (verified_at = $2 AND id > $3)) \
         ORDER BY verified_at, id LIMIT $4",
        args![started, last.0, last.1, limit],
    )
    .await
}

/// The copy was good at `now`, unless a push replaced it.
pub(crate) async fn verified(tx: &mut Tx, copy: &Copy, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "UPDATE blob SET verified_at = $3 WHERE id = $1 AND stored_as = $2",
        args![copy.id, copy.stored_as.as_str(), now],
    )
    .await?;
    Ok(())
}

/// Artifacts that need a blob: `project/repository@digest`.
pub(crate) async fn artifacts(db: &Db, blob: i64, limit: i64) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = db
        .all(
            "SELECT DISTINCT r.name || '@' || m.digest FROM manifest_reference f \
             JOIN manifest m ON m.id = f.manifest_id JOIN repository r ON r.id = m.repository_id \
             WHERE f.blob_id = $1 ORDER BY 1 LIMIT $2",
            args![blob, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
