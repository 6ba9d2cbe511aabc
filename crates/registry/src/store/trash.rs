//! Rows of `trashed_repository`, `trashed_manifest`, `trashed_tag` and `trashed_blob`.

use berth_db::{AssertSqlSafe, Db, DbError, Tx, args, placeholders};
use berth_model::{ManifestId, ProjectId, RepositoryId, Timestamp};

use super::listing::copying::link_locked;
use super::{IN_LIST, for_update};

/// Keeps a locked manifest that is about to be deleted. Of one digest the last deletion is kept.
pub(crate) async fn keep(
    tx: &mut Tx,
    manifest: ManifestId,
    by: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM trashed_manifest WHERE id IN (SELECT t.id FROM manifest m \
           JOIN repository r ON r.id = m.repository_id \
           JOIN trashed_manifest t ON t.project_id = r.project_id \
             AND t.repository_name = r.name AND t.digest = m.digest WHERE m.id = $1)",
        args![manifest],
    )
    .await?;
    tx.execute(
        "INSERT INTO trashed_manifest (project_id, repository_name, digest, media_type, \
           subject_digest, attributes, payload, deleted_at, deleted_by) \
         SELECT r.project_id, r.name, m.digest, m.media_type, m.subject_digest, m.attributes, \
           p.payload, $2, $3 FROM manifest m JOIN repository r ON r.id = m.repository_id \
           JOIN manifest_payload p ON p.manifest_id = m.id WHERE m.id = $1",
        args![manifest, now, by],
    )
    .await?;
    for what in [
        "INSERT INTO trashed_tag (manifest_id, name) SELECT t.id, g.name FROM tag g \
           JOIN manifest m ON m.id = g.manifest_id ",
        "INSERT INTO trashed_blob (manifest_id, blob_id) SELECT DISTINCT t.id, f.blob_id \
           FROM manifest_reference f JOIN manifest m ON m.id = f.manifest_id ",
    ] {
        let held = if what.contains("f.blob_id") {
            " AND f.blob_id IS NOT NULL"
        } else {
            ""
        };
        let sql = format!(
            "{what} JOIN repository r ON r.id = m.repository_id \
             JOIN trashed_manifest t ON t.project_id = r.project_id \
               AND t.repository_name = r.name AND t.digest = m.digest WHERE m.id = $1{held}"
        );
        tx.execute(AssertSqlSafe(sql), args![manifest]).await?;
    }
    Ok(())
}

/// Keeps a claimed repository that is about to be deleted, with all that is in it.
pub(crate) async fn keep_repository(
    tx: &mut Tx,
    repository: RepositoryId,
    by: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let (id,): (i64,) = tx
        .one(
            "INSERT INTO trashed_repository (project_id, name, description, manifests, \
               deleted_at, deleted_by) \
             SELECT project_id, name, description, \
               (SELECT COUNT(*) FROM manifest m WHERE m.repository_id = r.id), $2, $3 \
             FROM repository r WHERE r.id = $1 RETURNING id",
            args![repository, now, by],
        )
        .await?;
    tx.execute(
        "DELETE FROM trashed_manifest WHERE id IN (SELECT t.id FROM repository r \
           JOIN trashed_manifest t ON t.project_id = r.project_id AND t.repository_name = r.name \
           JOIN manifest m ON m.repository_id = r.id AND m.digest = t.digest WHERE r.id = $1)",
        args![repository],
    )
    .await?;
    tx.execute(
        "INSERT INTO trashed_manifest (project_id, repository_name, trashed_repository_id, digest, \
           media_type, subject_digest, attributes, payload, deleted_at, deleted_by) \
         SELECT r.project_id, r.name, $4, m.digest, m.media_type, m.subject_digest, m.attributes, \
           p.payload, $2, $3 FROM manifest m JOIN repository r ON r.id = m.repository_id \
           JOIN manifest_payload p ON p.manifest_id = m.id WHERE r.id = $1",
        args![repository, now, by, id],
    )
    .await?;
    tx.execute(
        "INSERT INTO trashed_tag (manifest_id, name) SELECT t.id, g.name FROM tag g \
         JOIN manifest m ON m.id = g.manifest_id \
         JOIN trashed_manifest t ON t.trashed_repository_id = $2 AND t.digest = m.digest \
         WHERE g.repository_id = $1",
        args![repository, id],
    )
    .await?;
    tx.execute(
        "INSERT INTO trashed_blob (manifest_id, blob_id) SELECT DISTINCT t.id, f.blob_id \
         FROM manifest_reference f JOIN manifest m ON m.id = f.manifest_id \
         JOIN trashed_manifest t ON t.trashed_repository_id = $2 AND t.digest = m.digest \
         WHERE f.repository_id = $1 AND f.blob_id IS NOT NULL",
        args![repository, id],
    )
    .await?;
    Ok(())
}

/// A manifest in the trash.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct TrashedRow {
    pub(crate) id: i64,
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) attributes: String,
    pub(crate) payload: Vec<u8>,
}

const COLUMNS: &str = "SELECT id, digest, media_type, attributes, payload FROM trashed_manifest";

/// Where and since when something must have been deleted to be brought back.
#[derive(Clone, Debug)]
pub(crate) struct Within {
    pub(crate) project: ProjectId,
    pub(crate) repository: String,
    pub(crate) since: Timestamp,
}

/// Locks the trashed manifest of a digest.
pub(crate) async fn find(
    tx: &mut Tx,
    within: &Within,
    digest: &str,
) -> Result<Option<TrashedRow>, DbError> {
    let sql = format!(
        "{COLUMNS} WHERE project_id = $1 AND repository_name = $2 AND deleted_at >= $3 \
         AND digest = $4{}",
        for_update(tx)
    );
    let Within {
        project,
        repository,
        since,
    } = within;
    tx.optional(
        AssertSqlSafe(sql),
        args![*project, repository.as_str(), *since, digest],
    )
    .await
}

/// Digests in the trash of what speaks of `subject`, or has one of these tags.
pub(crate) async fn accessories(
    tx: &mut Tx,
    within: &Within,
    subject: &str,
    tags: &[String; 4],
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let [index, sig, att, sbom] = tags;
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT digest FROM trashed_manifest t WHERE project_id = $1 \
             AND repository_name = $2 AND deleted_at >= $3 AND (subject_digest = $4 \
               OR EXISTS (SELECT 1 FROM trashed_tag g WHERE g.manifest_id = t.id \
                 AND g.name IN ($5, $6, $7, $8))) ORDER BY id LIMIT $9",
            args![
                within.project,
                within.repository.as_str(),
                within.since,
                subject,
                index.as_str(),
                sig.as_str(),
                att.as_str(),
                sbom.as_str(),
                limit
            ],
        )
        .await?;
    Ok(rows.into_iter().map(|(digest,)| digest).collect())
}

/// The tags a manifest had.
pub(crate) async fn tags_of(tx: &mut Tx, trashed: i64) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT name FROM trashed_tag WHERE manifest_id = $1 ORDER BY name",
            args![trashed],
        )
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Links the blobs of a trashed manifest into a repository again, leased from now; those that are
/// damaged stay out.
pub(crate) async fn link(
    tx: &mut Tx,
    (project, target): (ProjectId, RepositoryId),
    trashed: i64,
    review_at: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    let lock = if for_update(tx).is_empty() {
        ""
    } else {
        " FOR NO KEY UPDATE OF b"
    };
    let mut after = 0;
    loop {
        let sql = format!(
            "SELECT b.id, b.digest, b.size FROM trashed_blob t JOIN blob b ON b.id = t.blob_id \
             WHERE t.manifest_id = $1 AND b.id > $2 AND b.state = 'live' \
             ORDER BY b.id LIMIT {IN_LIST}{lock}"
        );
        let rows: Vec<(i64, String, i64)> =
            tx.all(AssertSqlSafe(sql), args![trashed, after]).await?;
        let Some((last, ..)) = rows.last() else {
            return Ok(());
        };
        after = *last;
        link_locked(tx, (project, target), &rows, review_at, now).await?;
    }
}

/// Whether every blob of a trashed manifest is there and whole.
pub(crate) async fn has_all(tx: &mut Tx, trashed: i64) -> Result<bool, DbError> {
    let (all,): (bool,) = tx
        .one(
            "SELECT NOT EXISTS (SELECT 1 FROM trashed_blob t JOIN blob b ON b.id = t.blob_id \
             WHERE t.manifest_id = $1 AND b.state <> 'live')",
            args![trashed],
        )
        .await?;
    Ok(all)
}

/// Takes a manifest out of the trash: it was brought back.
pub(crate) async fn forget(tx: &mut Tx, trashed: i64) -> Result<(), DbError> {
    tx.execute("DELETE FROM trashed_manifest WHERE id = $1", args![trashed])
        .await?;
    Ok(())
}

/// A repository in the trash.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct DeletedRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) manifests: i64,
    pub(crate) deleted_at: i64,
    pub(crate) deleted_by: String,
}

const DELETED: &str = "SELECT id, name, description, manifests, deleted_at, deleted_by \
     FROM trashed_repository WHERE project_id = $1 AND deleted_at >= $2";

/// A page of a project's deleted repositories, the last deleted first, and how many there are.
pub(crate) async fn repositories(
    db: &Db,
    project: ProjectId,
    since: Timestamp,
    (limit, offset): (i64, i64),
) -> Result<(Vec<DeletedRow>, i64), DbError> {
    let (total,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM trashed_repository WHERE project_id = $1 AND deleted_at >= $2",
            args![project, since],
        )
        .await?;
    let sql = format!("{DELETED} ORDER BY deleted_at DESC, id DESC LIMIT $3 OFFSET $4");
    let rows = db
        .all(AssertSqlSafe(sql), args![project, since, limit, offset])
        .await?;
    Ok((rows, total))
}

/// Locks a deleted repository.
pub(crate) async fn repository(
    tx: &mut Tx,
    project: ProjectId,
    since: Timestamp,
    id: i64,
) -> Result<Option<DeletedRow>, DbError> {
    let sql = format!("{DELETED} AND id = $3{}", for_update(tx));
    tx.optional(AssertSqlSafe(sql), args![project, since, id])
        .await
}

/// Digests of what was deleted with a repository, in the order in which it went in.
pub(crate) async fn members(
    tx: &mut Tx,
    repository: i64,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT digest FROM trashed_manifest WHERE trashed_repository_id = $1 \
             ORDER BY id LIMIT $2",
            args![repository, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(digest,)| digest).collect())
}

/// Takes a repository out of the trash.
pub(crate) async fn forget_repository(tx: &mut Tx, id: i64) -> Result<(), DbError> {
    tx.execute("DELETE FROM trashed_repository WHERE id = $1", args![id])
        .await?;
    Ok(())
}

/// Takes up to `limit` manifests that were deleted before `cutoff` out of the trash for good and
/// has their blobs looked at from `now`. Gives how many.
pub(crate) async fn expire(
    tx: &mut Tx,
    cutoff: Timestamp,
    limit: i64,
    now: Timestamp,
) -> Result<u64, DbError> {
    let sql = format!(
        "SELECT id FROM trashed_manifest WHERE deleted_at < $1 ORDER BY deleted_at, id \
         LIMIT $2{}",
        for_update(tx)
    );
    let rows: Vec<(i64,)> = tx.all(AssertSqlSafe(sql), args![cutoff, limit]).await?;
    if rows.is_empty() {
        tx.execute(
            "DELETE FROM trashed_repository WHERE deleted_at < $1",
            args![cutoff],
        )
        .await?;
        return Ok(0);
    }
    let mut values = args![now];
    for (id,) in &rows {
        values.push(*id);
    }
    let sql = format!(
        "INSERT INTO gc_review (blob_id, repository_id, review_at) \
         SELECT DISTINCT blob_id, 0, $1 FROM trashed_blob WHERE manifest_id IN ({}) \
         ORDER BY blob_id \
         ON CONFLICT (blob_id, repository_id) DO UPDATE SET review_at = excluded.review_at",
        placeholders(2, rows.len())
    );
    tx.execute(AssertSqlSafe(sql), values).await?;
    let mut values = args![];
    for (id,) in &rows {
        values.push(*id);
    }
    let sql = format!(
        "DELETE FROM trashed_manifest WHERE id IN ({})",
        placeholders(1, rows.len())
    );
    tx.execute(AssertSqlSafe(sql), values).await
}

/// One span of a tag's history.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct HistoryRow {
    pub(crate) digest: String,
    pub(crate) from_at: i64,
    pub(crate) from_by: String,
    pub(crate) to_at: Option<i64>,
    pub(crate) to_by: Option<String>,
    /// The repository holds the manifest.
    pub(crate) held: bool,
    /// The trash does.
    pub(crate) trashed: bool,
}

const HISTORY: &str = "SELECT h.digest, h.from_at, h.from_by, h.to_at, h.to_by, \
       EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = h.repository_id \
         AND m.digest = h.digest) AS held, \
       EXISTS (SELECT 1 FROM trashed_manifest t WHERE t.project_id = r.project_id \
         AND t.repository_name = r.name AND t.digest = h.digest AND t.deleted_at >= $3) AS trashed \
     FROM tag_history h JOIN repository r ON r.id = h.repository_id \
     WHERE h.repository_id = $1 AND h.name = $2 ORDER BY h.id DESC";

/// What a tag pointed to, the newest first, and how often it was pointed somewhere.
pub(crate) async fn history(
    db: &Db,
    repository: RepositoryId,
    tag: &str,
    since: Timestamp,
    (limit, offset): (i64, i64),
) -> Result<(Vec<HistoryRow>, i64), DbError> {
    let (total,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM tag_history WHERE repository_id = $1 AND name = $2",
            args![repository, tag],
        )
        .await?;
    let sql = format!("{HISTORY} LIMIT $4 OFFSET $5");
    let rows = db
        .all(
            AssertSqlSafe(sql),
            args![repository, tag, since, limit, offset],
        )
        .await?;
    Ok((rows, total))
}

/// [`history`], the newest `limit` spans, inside a transaction.
pub(crate) async fn history_in(
    tx: &mut Tx,
    repository: RepositoryId,
    tag: &str,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<HistoryRow>, DbError> {
    let sql = format!("{HISTORY} LIMIT $4");
    tx.all(AssertSqlSafe(sql), args![repository, tag, since, limit])
        .await
}
