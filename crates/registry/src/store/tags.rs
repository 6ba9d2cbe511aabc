//! Rows of `tag` and `tag_history`.

use berth_db::{Db, DbError, Tx, args};
use berth_model::{ManifestId, RepositoryId, Timestamp};
use berth_oci::Digest;

use super::{TURNS, reviews};

/// Points a tag at a manifest whose row is locked, and writes its history. Whether it pointed to
/// another one before. Ask [`crate::immutable::point`], which knows whether it may be moved.
pub(crate) async fn point(
    tx: &mut Tx,
    repository: RepositoryId,
    name: &str,
    manifest: ManifestId,
    digest: &Digest,
    by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let placed = place(tx, repository, name, manifest, by, now).await?;
    match placed {
        Placed::New => {}
        Placed::There => return Ok(false),
        Placed::Moved => close_history(tx, repository, name, by, now),
    }
    tx.later(
        "INSERT INTO tag_history (repository_id, name, digest, from_at, from_by) \
         VALUES ($1, $2, $3, $4, $5)",
        args![repository, name, digest.as_str(), now, by],
    );
    Ok(matches!(placed, Placed::Moved))
}

/// The tag of a manifest that was pushed last, if it has one.
pub async fn newest_tag(
    tx: &mut Tx,
    repository: RepositoryId,
    digest: &str,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .optional(
            "SELECT t.name FROM manifest m JOIN tag t ON t.manifest_id = m.id \
             WHERE m.repository_id = $1 AND m.digest = $2 ORDER BY t.pushed_at DESC, t.id DESC \
             LIMIT 1",
            args![repository, digest],
        )
        .await?;
    Ok(row.map(|(name,)| name))
}

enum Placed {
    /// There was no such tag.
    New,
    /// The tag pointed to this manifest already.
    There,
    /// The tag pointed to another one.
    Moved,
}

async fn place(
    tx: &mut Tx,
    repository: RepositoryId,
    name: &str,
    manifest: ManifestId,
    by: &str,
    now: Timestamp,
) -> Result<Placed, DbError> {
    // Each turn loses only against a deletion of the tag in between.
    for _ in 0..TURNS {
        let inserted: Option<(i64,)> = tx
            .optional(
                "INSERT INTO tag (repository_id, name, manifest_id, pushed_by, pushed_at) \
                 VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (repository_id, name) DO NOTHING RETURNING id",
                args![repository, name, manifest, by, now],
            )
            .await?;
        if inserted.is_some() {
            return Ok(Placed::New);
        }
        // Takes the row's lock and answers with what it still points to.
        let found: Option<(i64, i64)> = tx
            .optional(
                "UPDATE tag SET pushed_at = $3, pushed_by = $4 \
                 WHERE repository_id = $1 AND name = $2 RETURNING id, manifest_id",
                args![repository, name, now, by],
            )
            .await?;
        let Some((id, before)) = found else { continue };
        if before == manifest.get() {
            return Ok(Placed::There);
        }
        tx.later(
            "UPDATE tag SET manifest_id = $2 WHERE id = $1",
            args![id, manifest],
        );
        reviews::ask(tx, ManifestId(before), now);
        return Ok(Placed::Moved);
    }
    Err(DbError::Unique("tag".to_owned()))
}

fn close_history(tx: &mut Tx, repository: RepositoryId, name: &str, by: &str, now: Timestamp) {
    tx.later(
        "UPDATE tag_history SET to_at = $3, to_by = $4 WHERE id = \
           (SELECT MAX(id) FROM tag_history WHERE repository_id = $1 AND name = $2) \
         AND to_at IS NULL",
        args![repository, name, now, by],
    );
}

/// Removes one tag; its manifest stays. `false` when there is none.
pub(crate) async fn delete(
    tx: &mut Tx,
    repository: RepositoryId,
    name: &str,
    by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let deleted: Option<(i64,)> = tx
        .optional(
            "DELETE FROM tag WHERE repository_id = $1 AND name = $2 RETURNING manifest_id",
            args![repository, name],
        )
        .await?;
    let Some((manifest,)) = deleted else {
        return Ok(false);
    };
    reviews::ask(tx, ManifestId(manifest), now);
    close_history(tx, repository, name, by, now);
    Ok(true)
}

/// Removes every tag of a manifest whose row is locked; gives their names.
pub(crate) async fn delete_all_of(
    tx: &mut Tx,
    repository: RepositoryId,
    manifest: ManifestId,
    by: &str,
    now: Timestamp,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx
        .all(
            "DELETE FROM tag WHERE manifest_id = $1 RETURNING name",
            args![manifest],
        )
        .await?;
    let mut names = Vec::with_capacity(rows.len());
    for (name,) in rows {
        close_history(tx, repository, &name, by, now);
        names.push(name);
    }
    Ok(names)
}

/// Tag names after `last` in byte order.
pub(crate) async fn page_after(
    db: &Db,
    repository: RepositoryId,
    last: &str,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = db
        .all(
            "SELECT name FROM tag WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3",
            args![repository, last, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
