//! The SQL of garbage collection and checks, over the registry core's tables.

pub(crate) mod quotas;
pub(crate) mod retention;
pub(crate) mod scrub;
pub(crate) mod untagged;

use berth_db::{AssertSqlSafe, Db, DbError, Engine, Tx, args};
use berth_model::{ProjectId, Timestamp};

/// Locks the rows a SELECT in a transaction reads. SQLite has one writer: nothing to lock.
const fn for_update(tx: &Tx) -> &'static str {
    match tx.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => " FOR UPDATE",
    }
}

/// A link, or a blob (`repository_id` 0), whose review is due.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Due {
    pub(crate) blob_id: i64,
    pub(crate) repository_id: i64,
    pub(crate) review_at: i64,
}

/// A blob that nothing holds any more, claimed for deletion.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Claimed {
    pub(crate) id: i64,
    pub(crate) digest: String,
    pub(crate) stored_as: String,
    pub(crate) size: i64,
}

pub(crate) async fn due(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<Due>, DbError> {
    db.all(
        "SELECT blob_id, repository_id, review_at FROM gc_review WHERE review_at <= $1 \
         ORDER BY review_at, blob_id, repository_id LIMIT $2",
        args![now, limit],
    )
    .await
}

/// Ends a review, unless someone asked for a later one meanwhile.
pub(crate) async fn reviewed(tx: &mut Tx, due: &Due) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM gc_review WHERE blob_id = $1 AND repository_id = $2 AND review_at = $3",
        args![due.blob_id, due.repository_id, due.review_at],
    )
    .await?;
    Ok(())
}

pub(crate) async fn postpone(tx: &mut Tx, due: &Due, to: i64) -> Result<(), DbError> {
    tx.execute(
        "UPDATE gc_review SET review_at = $4 \
         WHERE blob_id = $1 AND repository_id = $2 AND review_at = $3",
        args![due.blob_id, due.repository_id, due.review_at, to],
    )
    .await?;
    Ok(())
}

/// Removes a link that no manifest of its repository needs and whose lease has run out.
pub(crate) async fn unlink(
    tx: &mut Tx,
    due: &Due,
    cutoff: Timestamp,
    now: Timestamp,
) -> Result<bool, DbError> {
    // Locked before it is judged, in two statements: on PostgreSQL one that waits for a push sees
    // the row as the push left it, but not the references that the push made.
    let sql = format!(
        "SELECT blob_id FROM repository_blob \
         WHERE repository_id = $1 AND blob_id = $2 AND leased_at < $3{}",
        for_update(tx),
    );
    let expired: Option<(i64,)> = tx
        .optional(
            AssertSqlSafe(sql),
            args![due.repository_id, due.blob_id, cutoff],
        )
        .await?;
    if expired.is_none() {
        return Ok(false);
    }
    berth_registry::settle(tx, due.repository_id, due.blob_id);
    let removed = tx
        .execute(
            "DELETE FROM repository_blob WHERE repository_id = $1 AND blob_id = $2 \
             AND NOT EXISTS (SELECT 1 FROM manifest_reference m \
               WHERE m.blob_id = repository_blob.blob_id \
               AND m.repository_id = repository_blob.repository_id)",
            args![due.repository_id, due.blob_id],
        )
        .await?;
    if removed == 1 {
        let (project, digest, size): (i64, String, i64) = tx
            .one(
                "SELECT r.project_id, b.digest, b.size FROM repository r, blob b \
                 WHERE r.id = $1 AND b.id = $2",
                args![due.repository_id, due.blob_id],
            )
            .await?;
        berth_registry::note_lost(tx, due.repository_id, &digest, now);
        berth_registry::let_go(tx, ProjectId(project), &digest, size);
    }
    Ok(removed == 1)
}

/// The lease of a link that is kept only by it. `None`: it is gone, or a manifest needs it.
pub(crate) async fn lease(tx: &mut Tx, due: &Due) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "SELECT l.leased_at FROM repository_blob l \
             WHERE l.repository_id = $1 AND l.blob_id = $2 \
             AND NOT EXISTS (SELECT 1 FROM manifest_reference m \
               WHERE m.blob_id = l.blob_id AND m.repository_id = l.repository_id)",
            args![due.repository_id, due.blob_id],
        )
        .await?;
    Ok(row.map(|(leased_at,)| leased_at))
}

pub(crate) async fn review_blob(tx: &mut Tx, blob: i64, at: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO gc_review (blob_id, repository_id, review_at) VALUES ($1, 0, $2) \
         ON CONFLICT (blob_id, repository_id) DO NOTHING",
        args![blob, at],
    )
    .await?;
    Ok(())
}

/// Claims a blob that no repository holds and nobody touched since `cutoff`.
pub(crate) async fn claim(
    tx: &mut Tx,
    blob: i64,
    cutoff: Timestamp,
) -> Result<Option<Claimed>, DbError> {
    // Whoever links a blob touches its row first: waited for here, and looked for there. Manifests
    // that name the blob hold its key alone, in an order of their own, and are not waited for: a
    // link that they hold too speaks for them.
    let lock = match tx.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => " FOR NO KEY UPDATE",
    };
    let sql = format!("SELECT id FROM blob WHERE id = $1 AND touched_at < $2{lock}");
    let untouched: Option<(i64,)> = tx.optional(AssertSqlSafe(sql), args![blob, cutoff]).await?;
    if untouched.is_none() {
        return Ok(None);
    }
    tx.optional(
        "UPDATE blob SET state = 'deleting' WHERE id = $1 \
         AND NOT EXISTS (SELECT 1 FROM repository_blob l WHERE l.blob_id = blob.id) \
         AND NOT EXISTS (SELECT 1 FROM manifest_reference m WHERE m.blob_id = blob.id) \
         AND NOT EXISTS (SELECT 1 FROM trashed_blob t WHERE t.blob_id = blob.id) \
         RETURNING id, digest, stored_as, size",
        args![blob],
    )
    .await
}

/// When a blob that nothing holds was touched last. `None`: it is gone, or held; what leaves the
/// trash is put up for review then.
pub(crate) async fn untouched_since(tx: &mut Tx, blob: i64) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "SELECT touched_at FROM blob WHERE id = $1 \
             AND NOT EXISTS (SELECT 1 FROM repository_blob l WHERE l.blob_id = blob.id) \
             AND NOT EXISTS (SELECT 1 FROM trashed_blob t WHERE t.blob_id = blob.id)",
            args![blob],
        )
        .await?;
    Ok(row.map(|(touched_at,)| touched_at))
}

/// Removes the row of a claimed blob whose bytes are gone, unless a push brought it back.
pub(crate) async fn forget(tx: &mut Tx, claimed: &Claimed) -> Result<bool, DbError> {
    let removed = tx
        .execute(
            "DELETE FROM blob WHERE id = $1 AND state = 'deleting' AND stored_as = $2",
            args![claimed.id, claimed.stored_as.as_str()],
        )
        .await?;
    Ok(removed == 1)
}

/// Makes the reviews of blobs whose deletion has begun due at once; gives their number.
pub(crate) async fn hasten_deletions(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE gc_review SET review_at = $1 WHERE repository_id = 0 AND review_at > $1 \
         AND EXISTS (SELECT 1 FROM blob b WHERE b.id = gc_review.blob_id AND b.state = 'deleting')",
        args![now],
    )
    .await
}

/// A blob's row, for checks.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct BlobRow {
    pub(crate) id: i64,
    pub(crate) digest: String,
    pub(crate) size: i64,
    pub(crate) state: String,
    pub(crate) stored_as: String,
}

pub(crate) async fn blobs_after(db: &Db, after: i64, limit: i64) -> Result<Vec<BlobRow>, DbError> {
    db.all(
        "SELECT id, digest, size, state, stored_as FROM blob WHERE id > $1 ORDER BY id LIMIT $2",
        args![after, limit],
    )
    .await
}

/// Whether a stored file is the one that a blob's row names.
pub(crate) async fn owns_file(db: &Db, digest: &str, stored_as: &str) -> Result<bool, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT id FROM blob WHERE digest = $1 AND stored_as = $2",
            args![digest, stored_as],
        )
        .await?;
    Ok(row.is_some())
}

pub(crate) async fn owns_upload(db: &Db, id: &str) -> Result<bool, DbError> {
    let row: Option<(String,)> = db
        .optional("SELECT id FROM upload WHERE id = $1", args![id])
        .await?;
    Ok(row.is_some())
}

/// A manifest's row with its bytes, for checks.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ManifestRow {
    pub(crate) id: i64,
    pub(crate) repository: String,
    pub(crate) digest: String,
    pub(crate) payload: Option<Vec<u8>>,
}

pub(crate) async fn manifests_after(
    db: &Db,
    after: i64,
    limit: i64,
) -> Result<Vec<ManifestRow>, DbError> {
    db.all(
        "SELECT m.id, r.name AS repository, m.digest, p.payload FROM manifest m \
         JOIN repository r ON r.id = m.repository_id \
         LEFT JOIN manifest_payload p ON p.manifest_id = m.id \
         WHERE m.id > $1 ORDER BY m.id LIMIT $2",
        args![after, limit],
    )
    .await
}

/// A reference to a blob that its repository does not hold.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Lost {
    pub(crate) repository_id: i64,
    pub(crate) repository: String,
    pub(crate) manifest: String,
    pub(crate) blob_id: i64,
    pub(crate) digest: String,
}

/// References of manifests to blobs that their repository does not hold.
pub(crate) async fn dangling(db: &Db, limit: i64) -> Result<Vec<Lost>, DbError> {
    db.all(
        "SELECT f.repository_id, r.name AS repository, m.digest AS manifest, f.blob_id, \
           f.child_digest AS digest FROM manifest_reference f \
         JOIN manifest m ON m.id = f.manifest_id JOIN repository r ON r.id = m.repository_id \
         WHERE f.blob_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM repository_blob l \
           WHERE l.repository_id = f.repository_id AND l.blob_id = f.blob_id) LIMIT $1",
        args![limit],
    )
    .await
}

/// Links a blob again into a repository whose manifests need it. `false`: nothing was to be done.
pub(crate) async fn relink(
    tx: &mut Tx,
    repository: i64,
    blob: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    let held = tx
        .execute(
            "UPDATE blob SET touched_at = $2 WHERE id = $1 AND state <> 'deleting'",
            args![blob, now],
        )
        .await?;
    if held == 0 {
        return Ok(false);
    }
    let linked = tx
        .execute(
            "INSERT INTO repository_blob (repository_id, blob_id, leased_at) \
             SELECT f.repository_id, f.blob_id, $3 FROM manifest_reference f \
             WHERE f.repository_id = $1 AND f.blob_id = $2 LIMIT 1 \
             ON CONFLICT (repository_id, blob_id) DO NOTHING",
            args![repository, blob, now.micros()],
        )
        .await?;
    Ok(linked == 1)
}

/// Whether a blob's row still names this file as its live copy.
pub(crate) async fn names_file(db: &Db, blob: i64, stored_as: &str) -> Result<bool, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT id FROM blob WHERE id = $1 AND stored_as = $2 AND state = 'live'",
            args![blob, stored_as],
        )
        .await?;
    Ok(row.is_some())
}

/// Whether the copy of a blob was found wrong and not replaced since.
pub(crate) async fn is_set_aside(db: &Db, digest: &str) -> Result<bool, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT id FROM blob WHERE digest = $1 AND state = 'quarantined'",
            args![digest],
        )
        .await?;
    Ok(row.is_some())
}

/// Gives a blob whose copy was set aside another one, which was just hashed.
pub(crate) async fn heal(
    tx: &mut Tx,
    digest: &str,
    stored_as: &str,
    size: u64,
    now: Timestamp,
) -> Result<bool, DbError> {
    let healed = tx
        .execute(
            "UPDATE blob SET state = 'live', stored_as = $2, size = $3, verified_at = $4 \
             WHERE digest = $1 AND state = 'quarantined'",
            args![digest, stored_as, size as i64, now],
        )
        .await?;
    Ok(healed == 1)
}

/// How many blobs there are.
pub(crate) async fn count_rows(db: &Db) -> Result<u64, DbError> {
    let (count,): (i64,) = db.one("SELECT COUNT(*) FROM blob", args![]).await?;
    Ok(count.unsigned_abs())
}

/// Ends the review of a blob whose row is gone.
pub(crate) async fn drop_review(tx: &mut Tx, due: &Due) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM gc_review WHERE blob_id = $1 AND repository_id = $2",
        args![due.blob_id, due.repository_id],
    )
    .await?;
    Ok(())
}
