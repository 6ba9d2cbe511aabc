//! Rows of `blob`, `repository_blob` and `gc_review`.

use std::time::Duration;

use berth_blob::Stored;
use berth_db::{AssertSqlSafe, Db, DbError, Tx, args};
use berth_model::{BlobId, ProjectId, RepositoryId, Timestamp};
use berth_oci::Digest;

use super::{TURNS, contents, for_update, sparse};

/// A blob as one repository holds it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct LinkRow {
    pub(crate) repository_id: i64,
    pub(crate) project_created_at: i64,
    pub(crate) blob_id: i64,
    pub(crate) size: i64,
    pub(crate) stored_as: String,
    pub(crate) leased_at: i64,
    /// Whether a manifest of the repository refers to it, which protects it without a lease.
    pub(crate) referenced: bool,
}

/// Finds a blob in a repository. A blob that other repositories hold is not found.
pub(crate) async fn find_link(
    db: &Db,
    repository: &str,
    digest: &Digest,
) -> Result<Option<LinkRow>, DbError> {
    db.optional(
        "SELECT l.repository_id, p.created_at AS project_created_at, l.blob_id, b.size, b.stored_as, \
           l.leased_at, \
           EXISTS (SELECT 1 FROM manifest_reference m \
                   WHERE m.blob_id = l.blob_id AND m.repository_id = l.repository_id) AS referenced \
         FROM repository r JOIN project p ON p.id = r.project_id \
         JOIN blob b ON b.digest = $2 AND b.state = 'live' \
         JOIN repository_blob l ON l.repository_id = r.id AND l.blob_id = b.id \
         WHERE r.name = $1",
        args![repository, digest.as_str()],
    )
    .await
}

/// Records an uploaded blob and links it to the repository. Gives the key of the copy that the
/// new bytes replace, to be deleted once the transaction is committed.
pub(crate) async fn commit(
    tx: &mut Tx,
    (project, repository): (ProjectId, RepositoryId),
    digest: &Digest,
    stored: &Stored,
    review_at: Timestamp,
    now: Timestamp,
) -> Result<Option<String>, DbError> {
    let (blob, replaced) = record(tx, digest, stored, now).await?;
    if link(tx, repository, blob, review_at, now).await? {
        contents::hold(tx, project, digest.as_str(), stored.size as i64);
    }
    Ok(replaced)
}

async fn record(
    tx: &mut Tx,
    digest: &Digest,
    stored: &Stored,
    now: Timestamp,
) -> Result<(BlobId, Option<String>), DbError> {
    // Each turn loses only against a collection that deletes the row in between.
    for _ in 0..TURNS {
        let inserted: Option<(i64,)> = tx
            .optional(
                "INSERT INTO blob (digest, size, stored_as, touched_at, verified_at, created_at) \
                 VALUES ($1, $2, $3, $4, $4, $4) ON CONFLICT (digest) DO NOTHING RETURNING id",
                args![
                    digest.as_str(),
                    stored.size as i64,
                    stored.stored_as.as_str(),
                    now
                ],
            )
            .await?;
        if let Some((id,)) = inserted {
            return Ok((BlobId(id), None));
        }
        // The update takes the row's lock and answers with what it still holds.
        let found: Option<(i64, String)> = tx
            .optional(
                "UPDATE blob SET touched_at = $2 WHERE digest = $1 RETURNING id, stored_as",
                args![digest.as_str(), now],
            )
            .await?;
        let Some((id, old)) = found else { continue };
        // The newest bytes are the ones just hashed: they also heal a copy gone bad, and a blob
        // whose deletion has begun.
        tx.execute(
            "UPDATE blob SET state = 'live', stored_as = $2, size = $3, verified_at = $4 \
             WHERE id = $1",
            args![id, stored.stored_as.as_str(), stored.size as i64, now],
        )
        .await?;
        return Ok((BlobId(id), Some(old)));
    }
    Err(DbError::Unique("digest".to_owned()))
}

/// Links a blob whose row is locked to a repository, leased from now; whether the link is new.
async fn link(
    tx: &mut Tx,
    repository: RepositoryId,
    blob: BlobId,
    review_at: Timestamp,
    now: Timestamp,
) -> Result<bool, DbError> {
    // Each turn loses only against a collection that removes the link in between.
    for _ in 0..TURNS {
        let made = tx
            .execute(
                "INSERT INTO repository_blob (repository_id, blob_id, leased_at) \
                 VALUES ($1, $2, $3) ON CONFLICT (repository_id, blob_id) DO NOTHING",
                args![repository, blob, now],
            )
            .await?;
        let leased = if made == 1 {
            made
        } else {
            tx.execute(
                "UPDATE repository_blob SET leased_at = $3 \
                 WHERE repository_id = $1 AND blob_id = $2",
                args![repository, blob, now],
            )
            .await?
        };
        if made == 1 {
            sparse::settle(tx, repository.get(), blob.get());
        }
        if leased == 1 {
            review(tx, repository.get(), blob, review_at);
            return Ok(made == 1);
        }
    }
    Err(DbError::Unique("blob_id".to_owned()))
}

/// Asks garbage collection to look at a link at `at`, not before.
pub(crate) fn review(tx: &mut Tx, repository: i64, blob: BlobId, at: Timestamp) {
    tx.later(
        "INSERT INTO gc_review (blob_id, repository_id, review_at) VALUES ($1, $2, $3) \
         ON CONFLICT (blob_id, repository_id) DO UPDATE SET review_at = excluded.review_at",
        args![blob, repository, at],
    );
}

/// Renews the lease of a link. `false` when it is gone: the caller must say the blob is unknown.
pub(crate) async fn renew_lease(
    tx: &mut Tx,
    repository: i64,
    blob: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    // The blob first, as every transaction that makes links does: its row decides its state.
    let live = tx
        .execute(
            "UPDATE blob SET touched_at = $2 WHERE id = $1 AND state = 'live'",
            args![blob, now],
        )
        .await?;
    let leased = tx
        .execute(
            "UPDATE repository_blob SET leased_at = $3 WHERE repository_id = $1 AND blob_id = $2",
            args![repository, blob, now],
        )
        .await?;
    Ok(live == 1 && leased == 1)
}

/// Links a blob that `source` holds into the repository called `name`. `None`: `source` does not
/// hold it (any more).
pub(crate) async fn mount(
    tx: &mut Tx,
    source: RepositoryId,
    (project, target): (ProjectId, RepositoryId),
    digest: &Digest,
    review_at: Timestamp,
    now: Timestamp,
) -> Result<bool, DbError> {
    let blob: Option<(i64, i64)> = tx
        .optional(
            "UPDATE blob SET touched_at = $3 WHERE digest = $2 AND state = 'live' AND EXISTS \
               (SELECT 1 FROM repository_blob l WHERE l.blob_id = blob.id AND l.repository_id = $1) \
             RETURNING id, size",
            args![source, digest.as_str(), now],
        )
        .await?;
    let Some((blob, size)) = blob else {
        return Ok(false);
    };
    if link(tx, target, BlobId(blob), review_at, now).await? {
        contents::hold(tx, project, digest.as_str(), size);
    }
    Ok(true)
}

/// A repository that holds a blob: where a mount without `from` may take it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct HolderRow {
    pub(crate) repository: String,
    #[sqlx(try_from = "i64")]
    pub(crate) project_id: ProjectId,
}

/// Repositories that hold a blob, one for each project, at most `limit`.
pub(crate) async fn holders(
    db: &Db,
    digest: &Digest,
    limit: i64,
) -> Result<Vec<HolderRow>, DbError> {
    db.all(
        "SELECT MIN(r.name) AS repository, r.project_id FROM blob b \
         JOIN repository_blob l ON l.blob_id = b.id JOIN repository r ON r.id = l.repository_id \
         WHERE b.digest = $1 AND b.state = 'live' GROUP BY r.project_id LIMIT $2",
        args![digest.as_str(), limit],
    )
    .await
}

/// Takes a blob out of a repository. `Ok(None)`: not there; `Ok(Some(false))`: a manifest of the
/// repository still refers to it.
pub(crate) async fn unlink(
    tx: &mut Tx,
    repository: &str,
    digest: &Digest,
    review_at: Timestamp,
    now: Timestamp,
) -> Result<Option<bool>, DbError> {
    // Locked first and looked at then: a push that is under way has its say about references.
    let sql = format!(
        "SELECT l.repository_id, l.blob_id, r.project_id, b.size FROM repository r JOIN blob b ON b.digest = $2 \
         JOIN repository_blob l ON l.repository_id = r.id AND l.blob_id = b.id \
         WHERE r.name = $1{}",
        if for_update(tx).is_empty() {
            ""
        } else {
            " FOR UPDATE OF l"
        },
    );
    let link: Option<(i64, i64, i64, i64)> = tx
        .optional(AssertSqlSafe(sql), args![repository, digest.as_str()])
        .await?;
    let Some((repository, blob, project, size)) = link else {
        return Ok(None);
    };
    sparse::settle(tx, repository, blob);
    let (referenced,): (bool,) = tx
        .one(
            "SELECT EXISTS (SELECT 1 FROM manifest_reference \
             WHERE blob_id = $2 AND repository_id = $1)",
            args![repository, blob],
        )
        .await?;
    if referenced {
        return Ok(Some(false));
    }
    tx.execute(
        "DELETE FROM repository_blob WHERE repository_id = $1 AND blob_id = $2",
        args![repository, blob],
    )
    .await?;
    sparse::note_lost(tx, repository, digest.as_str(), now);
    contents::let_go(tx, ProjectId(project), digest.as_str(), size);
    review(tx, 0, BlobId(blob), review_at);
    Ok(Some(true))
}

/// When a link made or leased now is due for review: after the grace, spread a little so that
/// the reviews of one push do not all fall on one moment.
pub(crate) fn due(now: Timestamp, grace: Duration) -> Timestamp {
    now.plus(grace).plus(Duration::from_micros(
        (now.micros().unsigned_abs() % 30) * 1_000_000,
    ))
}

/// Marks a blob's copy as wrong, unless a push has replaced it meanwhile.
pub(crate) async fn quarantine(
    tx: &mut Tx,
    digest: &str,
    stored_as: &str,
) -> Result<bool, DbError> {
    let marked = tx
        .execute(
            "UPDATE blob SET state = 'quarantined' \
             WHERE digest = $1 AND stored_as = $2 AND state = 'live'",
            args![digest, stored_as],
        )
        .await?;
    Ok(marked == 1)
}
