//! Rows of `manifest_review`: manifests that may have lost the last thing that needs them.
//!
//! Invariant: whoever takes away a tag, an index or a subject of a manifest asks for its review in
//! the same transaction, so a manifest without a row is needed, or was when it was looked at last
//! and nothing was taken from it since.

use berth_db::{Db, DbError, Tx, args};
use berth_model::{ManifestId, RepositoryId, Timestamp};

/// Asks for the review of a manifest, a whole grace after `now`.
pub(crate) fn ask(tx: &mut Tx, manifest: ManifestId, now: Timestamp) {
    tx.later(
        "INSERT INTO manifest_review (manifest_id, since) VALUES ($1, $2) \
         ON CONFLICT (manifest_id) DO UPDATE SET since = excluded.since",
        args![manifest, now],
    );
}

/// Asks for the review of what a manifest that is about to be deleted was there for: the entries
/// of an index, and what has it as its subject.
pub(crate) fn ask_relations(
    tx: &mut Tx,
    repository: RepositoryId,
    manifest: ManifestId,
    now: Timestamp,
) {
    for sql in [
        "INSERT INTO manifest_review (manifest_id, since) \
         SELECT DISTINCT m.id, $3 FROM manifest_reference c JOIN manifest m \
           ON m.repository_id = c.repository_id AND m.digest = c.child_digest \
         WHERE c.manifest_id = $2 AND c.repository_id = $1 AND c.kind = 'manifest' ORDER BY m.id \
         ON CONFLICT (manifest_id) DO UPDATE SET since = excluded.since",
        "INSERT INTO manifest_review (manifest_id, since) \
         SELECT a.id, $3 FROM manifest m JOIN manifest a \
           ON a.repository_id = m.repository_id AND a.subject_digest = m.digest \
         WHERE m.id = $2 AND m.repository_id = $1 ORDER BY a.id \
         ON CONFLICT (manifest_id) DO UPDATE SET since = excluded.since",
    ] {
        let now = now.micros();
        tx.later(sql, args![repository, manifest, now]);
    }
}

/// Since when a manifest waits for its review, if it does; `None`: it is gone.
pub(crate) async fn since(db: &Db, manifest: ManifestId) -> Result<Option<Option<i64>>, DbError> {
    let row: Option<(Option<i64>,)> = db
        .optional(
            "SELECT r.since FROM manifest m LEFT JOIN manifest_review r ON r.manifest_id = m.id \
             WHERE m.id = $1",
            args![manifest],
        )
        .await?;
    Ok(row.map(|(since,)| since))
}

/// Puts a review off to a whole grace after `now`. `false`: the manifest is gone.
pub(crate) async fn renew(
    tx: &mut Tx,
    manifest: ManifestId,
    now: Timestamp,
) -> Result<bool, DbError> {
    tx.execute(
        "UPDATE manifest_review SET since = $2 WHERE manifest_id = $1",
        args![manifest, now],
    )
    .await?;
    let row: Option<(i64,)> = tx
        .optional("SELECT id FROM manifest WHERE id = $1", args![manifest])
        .await?;
    Ok(row.is_some())
}

/// Ends a review, unless someone asked for a later one meanwhile.
pub(crate) async fn end(tx: &mut Tx, manifest: ManifestId, since: i64) -> Result<bool, DbError> {
    let ended = tx
        .execute(
            "DELETE FROM manifest_review WHERE manifest_id = $1 AND since = $2",
            args![manifest, since],
        )
        .await?;
    Ok(ended == 1)
}

/// A manifest under review.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Reviewed {
    #[sqlx(try_from = "i64")]
    pub(crate) repository_id: RepositoryId,
    pub(crate) project_id: i64,
    pub(crate) repository: String,
    pub(crate) digest: String,
}

pub(crate) async fn find(tx: &mut Tx, manifest: ManifestId) -> Result<Option<Reviewed>, DbError> {
    tx.optional(
        "SELECT m.repository_id, r.project_id, r.name AS repository, m.digest FROM manifest m \
         JOIN repository r ON r.id = m.repository_id WHERE m.id = $1",
        args![manifest],
    )
    .await
}

/// What keeps a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Needs {
    pub(crate) tagged: bool,
    /// An index of the repository names it.
    pub(crate) indexed: bool,
    /// It belongs to a manifest that is there.
    pub(crate) belongs: bool,
    /// Something that belongs to it has a tag of its own, one that people gave it.
    pub(crate) subject: bool,
}

/// What keeps a locked manifest.
pub(crate) async fn needs(tx: &mut Tx, manifest: ManifestId) -> Result<Needs, DbError> {
    tx.one(
        "SELECT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id) AS tagged, \
           EXISTS (SELECT 1 FROM manifest_reference c WHERE c.repository_id = m.repository_id \
             AND c.child_digest = m.digest AND c.kind = 'manifest') AS indexed, \
           EXISTS (SELECT 1 FROM manifest s WHERE s.repository_id = m.repository_id \
             AND s.digest = m.subject_digest) AS belongs, \
           EXISTS (SELECT 1 FROM manifest a JOIN tag t ON t.manifest_id = a.id \
             WHERE a.repository_id = m.repository_id AND a.subject_digest = m.digest \
             AND t.name NOT LIKE 'sha256-%' AND t.name NOT LIKE 'sha512-%') AS subject \
         FROM manifest m WHERE m.id = $1",
        args![manifest],
    )
    .await
}
