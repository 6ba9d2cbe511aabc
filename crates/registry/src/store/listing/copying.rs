//! Copying rows of one repository into another, without their bytes passing through here.

use berth_db::{Args, AssertSqlSafe, DbError, Tx, args, placeholders};
use berth_model::{ManifestId, ProjectId, RepositoryId, Timestamp};

use super::super::{IN_LIST, TURNS, contents, for_update};

fn list(values: &mut Args, ids: &[i64]) {
    for id in ids {
        values.push(*id);
    }
}

/// Holds manifests so that they stay until the transaction ends; `false` when one is gone.
pub(crate) async fn hold(tx: &mut Tx, manifests: &[i64]) -> Result<bool, DbError> {
    let lock = if for_update(tx).is_empty() {
        ""
    } else {
        " FOR SHARE"
    };
    for chunk in manifests.chunks(IN_LIST) {
        let mut values = Args::new();
        list(&mut values, chunk);
        let sql = format!(
            "SELECT id FROM manifest WHERE id IN ({}) ORDER BY id{lock}",
            placeholders(1, chunk.len())
        );
        let rows: Vec<(i64,)> = tx.all(AssertSqlSafe(sql), values).await?;
        if rows.len() != chunk.len() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Copies a held manifest with its payload and references into `target`. Gives its id and the
/// size of its bytes, `None` when it is there already.
pub(crate) async fn copy(
    tx: &mut Tx,
    manifest: ManifestId,
    target: RepositoryId,
    by: &str,
    now: Timestamp,
) -> Result<Option<(ManifestId, i64)>, DbError> {
    let copied: Option<(i64, i64)> = tx
        .optional(
            "INSERT INTO manifest (repository_id, digest, media_type, artifact_type, \
               config_media_type, kind, size, total_size, subject_digest, accessory_type, \
               annotations, attributes, pushed_by, pushed_at) \
             SELECT $2, digest, media_type, artifact_type, config_media_type, kind, size, \
               total_size, subject_digest, accessory_type, annotations, attributes, $3, $4 \
             FROM manifest WHERE id = $1 \
             ON CONFLICT (repository_id, digest) DO NOTHING RETURNING id, size",
            args![manifest, target, by, now],
        )
        .await?;
    let Some((id, size)) = copied else {
        return Ok(None);
    };
    tx.execute(
        "INSERT INTO manifest_payload (manifest_id, payload) \
         SELECT $2, payload FROM manifest_payload WHERE manifest_id = $1",
        args![manifest, id],
    )
    .await?;
    tx.execute(
        "INSERT INTO manifest_reference (manifest_id, position, repository_id, kind, \
           child_digest, blob_id, media_type, size, platform, annotations, urls) \
         SELECT $2, position, $3, kind, child_digest, blob_id, media_type, size, platform, \
           annotations, urls FROM manifest_reference WHERE manifest_id = $1",
        args![manifest, id, target],
    )
    .await?;
    Ok(Some((ManifestId(id), size)))
}

/// The blobs that manifests refer to, in order.
pub(crate) async fn blobs_of(tx: &mut Tx, manifests: &[i64]) -> Result<Vec<i64>, DbError> {
    let mut blobs = Vec::new();
    for chunk in manifests.chunks(IN_LIST) {
        let mut values = Args::new();
        list(&mut values, chunk);
        let sql = format!(
            "SELECT DISTINCT blob_id FROM manifest_reference \
             WHERE manifest_id IN ({}) AND blob_id IS NOT NULL",
            placeholders(1, chunk.len())
        );
        let rows: Vec<(i64,)> = tx.all(AssertSqlSafe(sql), values).await?;
        blobs.extend(rows.into_iter().map(|(id,)| id));
    }
    blobs.sort_unstable();
    blobs.dedup();
    Ok(blobs)
}

/// Links blobs that `source` holds into `target`, a repository of `project`, leased from now.
/// `false` when one of them cannot be had any more.
pub(crate) async fn link(
    tx: &mut Tx,
    source: RepositoryId,
    (project, target): (ProjectId, RepositoryId),
    blobs: &[i64],
    review_at: Timestamp,
    now: Timestamp,
) -> Result<bool, DbError> {
    let lock = if for_update(tx).is_empty() {
        ""
    } else {
        // As weak as a push's own: manifests hold the keys of blobs in another order.
        " FOR NO KEY UPDATE OF b"
    };
    for chunk in blobs.chunks(IN_LIST) {
        let mut values = args![source];
        list(&mut values, chunk);
        let sql = format!(
            "SELECT b.id, b.digest, b.size FROM blob b \
             JOIN repository_blob l ON l.blob_id = b.id AND l.repository_id = $1 \
             WHERE b.id IN ({}) AND b.state = 'live' ORDER BY b.id{lock}",
            placeholders(2, chunk.len())
        );
        let rows: Vec<(i64, String, i64)> = tx.all(AssertSqlSafe(sql), values).await?;
        if rows.len() != chunk.len() {
            return Ok(false);
        }
        link_locked(tx, (project, target), &rows, review_at, now).await?;
    }
    Ok(true)
}

/// Links blobs (id, digest, size) whose rows are locked, at most `IN_LIST` of them, into `target`,
/// leased from now.
pub(crate) async fn link_locked(
    tx: &mut Tx,
    (project, target): (ProjectId, RepositoryId),
    rows: &[(i64, String, i64)],
    review_at: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    let chunk: Vec<i64> = rows.iter().map(|(id, ..)| *id).collect();
    for id in lease(tx, target, &chunk, now).await? {
        if let Some((_, digest, size)) = rows.iter().find(|(blob, ..)| *blob == id) {
            contents::hold(tx, project, digest, *size);
        }
    }
    let statements = [
        (
            "UPDATE blob SET touched_at = $1 WHERE id IN ",
            "",
            args![now],
        ),
        (
            "INSERT INTO gc_review (blob_id, repository_id, review_at) \
                 SELECT id, $1, $2 FROM blob WHERE id IN ",
            " ORDER BY id ON CONFLICT (blob_id, repository_id) \
                 DO UPDATE SET review_at = excluded.review_at",
            args![target, review_at],
        ),
    ];
    for (before, after, mut values) in statements {
        let ids = placeholders(values.len() + 1, chunk.len());
        list(&mut values, &chunk);
        tx.execute(AssertSqlSafe(format!("{before}({ids}){after}")), values)
            .await?;
    }
    Ok(())
}

/// Links blobs whose rows are locked, leased from now; gives those whose link is new.
async fn lease(
    tx: &mut Tx,
    target: RepositoryId,
    blobs: &[i64],
    now: Timestamp,
) -> Result<Vec<i64>, DbError> {
    let ids = placeholders(3, blobs.len());
    let mut values = args![target, now];
    list(&mut values, blobs);
    let mut new = Vec::new();
    // Each turn loses only against a collection that removes a link in between.
    for _ in 0..TURNS {
        let sql = format!(
            "INSERT INTO repository_blob (repository_id, blob_id, leased_at) \
             SELECT $1, id, $2 FROM blob WHERE id IN ({ids}) ORDER BY id \
             ON CONFLICT (repository_id, blob_id) DO NOTHING RETURNING blob_id"
        );
        let made: Vec<(i64,)> = tx.all(AssertSqlSafe(sql), values.clone()).await?;
        new.extend(made.into_iter().map(|(id,)| id));
        let sql = format!(
            "UPDATE repository_blob SET leased_at = $2 WHERE repository_id = $1 \
             AND blob_id IN ({ids})"
        );
        let leased = tx.execute(AssertSqlSafe(sql), values.clone()).await?;
        if leased == blobs.len() as u64 {
            return Ok(new);
        }
    }
    Err(DbError::Unique("blob_id".to_owned()))
}

/// Tags of a manifest by name; those of its relations only where `every` is false.
pub(crate) async fn tags_of(
    tx: &mut Tx,
    manifest: ManifestId,
    every: bool,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let sql = if every {
        "SELECT name FROM tag WHERE manifest_id = $1 ORDER BY name LIMIT $2"
    } else {
        "SELECT name FROM tag WHERE manifest_id = $1 \
         AND (name LIKE 'sha256-%' OR name LIKE 'sha512-%') ORDER BY name LIMIT $2"
    };
    let rows: Vec<(String,)> = tx.all(sql, args![manifest, limit]).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
