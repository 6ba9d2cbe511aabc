//! The SQL of untagged manifests and of what a collection would free.

use berth_db::{Args, AssertSqlSafe, Db, DbError, args, placeholders};
use berth_model::Timestamp;

/// A manifest whose review is due.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(crate) struct DueManifest {
    pub(crate) manifest_id: i64,
    pub(crate) since: i64,
}

/// Manifests that may have lost the last thing that needs them before `cutoff`, after `last`.
pub(crate) async fn due_manifests(
    db: &Db,
    cutoff: Timestamp,
    last: DueManifest,
    limit: i64,
) -> Result<Vec<DueManifest>, DbError> {
    db.all(
        "SELECT manifest_id, since FROM manifest_review WHERE since < $1 \
         AND (since > $2 OR (since = $2 AND manifest_id > $3)) \
         ORDER BY since, manifest_id LIMIT $4",
        args![cutoff, last.since, last.manifest_id, limit],
    )
    .await
}

/// How many manifests and how many blobs and links are due.
pub(crate) async fn count_due(
    db: &Db,
    now: Timestamp,
    cutoff: Timestamp,
) -> Result<(u64, u64), DbError> {
    let (manifests, reviews): (i64, i64) = db
        .one(
            "SELECT (SELECT COUNT(*) FROM manifest_review WHERE since < $2), \
               (SELECT COUNT(*) FROM gc_review WHERE review_at <= $1)",
            args![now, cutoff],
        )
        .await?;
    Ok((manifests.unsigned_abs(), reviews.unsigned_abs()))
}

/// A manifest that a collection would delete.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Unneeded {
    pub(crate) id: i64,
    pub(crate) repository: String,
    pub(crate) digest: String,
}

/// Those of `manifests` that nothing needs.
pub(crate) async fn unneeded(db: &Db, manifests: &[i64]) -> Result<Vec<Unneeded>, DbError> {
    let sql = format!(
        "SELECT m.id, r.name AS repository, m.digest FROM manifest m \
         JOIN repository r ON r.id = m.repository_id WHERE m.id IN ({}) \
         AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id) \
         AND NOT EXISTS (SELECT 1 FROM manifest_reference c WHERE c.repository_id = m.repository_id \
           AND c.child_digest = m.digest AND c.kind = 'manifest') \
         AND NOT EXISTS (SELECT 1 FROM manifest s WHERE s.repository_id = m.repository_id \
           AND s.digest = m.subject_digest) \
         AND NOT EXISTS (SELECT 1 FROM manifest a JOIN tag t ON t.manifest_id = a.id \
           WHERE a.repository_id = m.repository_id AND a.subject_digest = m.digest \
           AND t.name NOT LIKE 'sha256-%' AND t.name NOT LIKE 'sha512-%') ORDER BY m.id",
        placeholders(1, manifests.len())
    );
    db.all(AssertSqlSafe(sql), list(manifests)).await
}

/// Untagged entries of indexes, and what belongs to manifests: what would go with them.
pub(crate) async fn relations(db: &Db, manifests: &[i64]) -> Result<Vec<i64>, DbError> {
    let ids = placeholders(1, manifests.len());
    let sql = format!(
        "SELECT m.id FROM manifest_reference c JOIN manifest m \
           ON m.repository_id = c.repository_id AND m.digest = c.child_digest \
         WHERE c.manifest_id IN ({ids}) AND c.kind = 'manifest' \
           AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id) \
         UNION SELECT a.id FROM manifest m JOIN manifest a \
           ON a.repository_id = m.repository_id AND a.subject_digest = m.digest \
         WHERE m.id IN ({ids})"
    );
    let rows: Vec<(i64,)> = db.all(AssertSqlSafe(sql), list(manifests)).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// How many references of `manifests` each blob has.
pub(crate) async fn references_by(db: &Db, manifests: &[i64]) -> Result<Vec<(i64, i64)>, DbError> {
    let sql = format!(
        "SELECT blob_id, COUNT(*) FROM manifest_reference \
         WHERE manifest_id IN ({}) AND blob_id IS NOT NULL GROUP BY blob_id",
        placeholders(1, manifests.len())
    );
    db.all(AssertSqlSafe(sql), list(manifests)).await
}

/// Size of each blob, and how many references it has in all.
pub(crate) async fn references_to(db: &Db, blobs: &[i64]) -> Result<Vec<(i64, i64, i64)>, DbError> {
    let sql = format!(
        "SELECT b.id, b.size, (SELECT COUNT(*) FROM manifest_reference f WHERE f.blob_id = b.id) \
         FROM blob b WHERE b.id IN ({})",
        placeholders(1, blobs.len())
    );
    db.all(AssertSqlSafe(sql), list(blobs)).await
}

/// A blob that a collection would delete.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Unheld {
    pub(crate) id: i64,
    pub(crate) digest: String,
    pub(crate) size: i64,
}

/// The next `limit` blobs after `last` that are under review: how far that is, and those of them
/// that a collection at `now` would delete. `None`: there are no more.
pub(crate) async fn unheld(
    db: &Db,
    last: i64,
    now: Timestamp,
    cutoff: Timestamp,
    limit: i64,
) -> Result<Option<(i64, Vec<Unheld>)>, DbError> {
    let (end,): (Option<i64>,) = db
        .one(
            "SELECT MAX(d.blob_id) FROM (SELECT DISTINCT blob_id FROM gc_review \
             WHERE blob_id > $1 ORDER BY blob_id LIMIT $2) d",
            args![last, limit],
        )
        .await?;
    let Some(end) = end else { return Ok(None) };
    let found = db
        .all(
            "SELECT b.id, b.digest, b.size FROM blob b \
             WHERE b.id > $1 AND b.id <= $2 AND b.touched_at < $4 \
             AND EXISTS (SELECT 1 FROM gc_review g WHERE g.blob_id = b.id AND g.review_at <= $3) \
             AND NOT EXISTS (SELECT 1 FROM manifest_reference f WHERE f.blob_id = b.id) \
             AND NOT EXISTS (SELECT 1 FROM trashed_blob t WHERE t.blob_id = b.id) \
             AND NOT EXISTS (SELECT 1 FROM repository_blob l WHERE l.blob_id = b.id \
               AND NOT (l.leased_at < $4 AND EXISTS (SELECT 1 FROM gc_review g \
                 WHERE g.blob_id = l.blob_id AND g.repository_id = l.repository_id \
                 AND g.review_at <= $3))) ORDER BY b.id",
            args![last, end, now, cutoff],
        )
        .await?;
    Ok(Some((end, found)))
}

fn list(ids: &[i64]) -> Args {
    let mut args = Args::new();
    for id in ids {
        args.push(*id);
    }
    args
}
