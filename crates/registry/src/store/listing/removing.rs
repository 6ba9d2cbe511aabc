//! Deleting: what of a manifest's family goes with it, and a repository whole.

use std::collections::HashMap;

use berth_db::{AssertSqlSafe, DbError, Tx, args};
use berth_model::{ManifestId, ProjectId, RepositoryId, Timestamp};

use super::super::{contents, for_update};
use super::family::Member;

/// Whether a former entry of an index stands on its own: tagged, named by another index, or
/// about a manifest that is there.
pub(crate) async fn stands_alone(
    tx: &mut Tx,
    repository: RepositoryId,
    digest: &str,
) -> Result<bool, DbError> {
    let (stands,): (bool,) = tx
        .one(
            "SELECT EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = $1 AND m.digest = $2 \
               AND (EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id) \
                 OR EXISTS (SELECT 1 FROM manifest_reference c WHERE c.repository_id = $1 \
                   AND c.child_digest = $2 AND c.kind = 'manifest') \
                 OR EXISTS (SELECT 1 FROM manifest s WHERE s.repository_id = $1 \
                   AND s.digest = m.subject_digest)))",
            args![repository, digest],
        )
        .await?;
    Ok(stands)
}

/// Holds a repository of a project for its deletion: pushes into it wait. `false` when it is gone.
pub(crate) async fn claim(
    tx: &mut Tx,
    repository: RepositoryId,
    project: i64,
) -> Result<bool, DbError> {
    let sql = format!(
        "SELECT id FROM repository WHERE id = $1 AND project_id = $2{}",
        for_update(tx)
    );
    let row: Option<(i64,)> = tx
        .optional(AssertSqlSafe(sql), args![repository, project])
        .await?;
    Ok(row.is_some())
}

/// Empties a claimed repository and has its blobs reviewed at `review_at`.
pub(crate) async fn empty(
    tx: &mut Tx,
    (project, repository): (ProjectId, RepositoryId),
    review_at: Timestamp,
) -> Result<(), DbError> {
    contents::let_go_of_all(tx, project, repository).await?;
    // Reviewed as blobs (repository 0) and not as links: the links go with the repository.
    tx.execute(
        "INSERT INTO gc_review (blob_id, repository_id, review_at) \
         SELECT blob_id, 0, $2 FROM repository_blob WHERE repository_id = $1 ORDER BY blob_id \
         ON CONFLICT (blob_id, repository_id) DO UPDATE SET review_at = excluded.review_at",
        args![repository, review_at],
    )
    .await?;
    for sql in [
        "DELETE FROM gc_review WHERE repository_id = $1 AND blob_id IN \
         (SELECT blob_id FROM repository_blob WHERE repository_id = $1)",
        "DELETE FROM tag WHERE repository_id = $1",
        "DELETE FROM tag_history WHERE repository_id = $1",
        "DELETE FROM manifest_reference WHERE repository_id = $1",
        "DELETE FROM manifest WHERE repository_id = $1",
        "DELETE FROM repository_blob WHERE repository_id = $1",
    ] {
        tx.execute(sql, args![repository]).await?;
    }
    Ok(())
}

/// The manifests of a repository with ids above `after`, in their order.
pub(crate) async fn digests_after(
    tx: &mut Tx,
    repository: RepositoryId,
    after: ManifestId,
    most: i64,
) -> Result<Vec<Member>, DbError> {
    tx.all(
        "SELECT id, digest FROM manifest WHERE repository_id = $1 AND id > $2 \
         ORDER BY id LIMIT $3",
        args![repository, after, most],
    )
    .await
}

/// The tags of the manifests with ids above `after` and up to `through`.
pub(crate) async fn tags_between(
    tx: &mut Tx,
    repository: RepositoryId,
    after: ManifestId,
    through: ManifestId,
) -> Result<HashMap<ManifestId, Vec<String>>, DbError> {
    let rows: Vec<(i64, String)> = tx
        .all(
            "SELECT manifest_id, name FROM tag \
             WHERE repository_id = $1 AND manifest_id > $2 AND manifest_id <= $3",
            args![repository, after, through],
        )
        .await?;
    let mut tags: HashMap<ManifestId, Vec<String>> = HashMap::new();
    for (manifest, name) in rows {
        tags.entry(ManifestId(manifest)).or_default().push(name);
    }
    Ok(tags)
}
