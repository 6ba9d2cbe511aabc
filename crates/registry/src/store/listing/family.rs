//! What belongs to a manifest: entries of an index, accessories, and the indexes it is part of.

use berth_db::{AssertSqlSafe, DbError, Tx, args};
use berth_model::{ManifestId, RepositoryId};
use berth_oci::{Digest, Reference, fallback_tag};

use super::super::for_update;

/// A manifest of a repository, inside a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, sqlx::FromRow)]
pub(crate) struct Member {
    #[sqlx(try_from = "i64")]
    pub(crate) id: ManifestId,
    pub(crate) digest: String,
}

/// Holds a repository of a project: until the transaction ends nobody deletes it or, through the
/// API, anything in it. `false` when it is gone. Pushes into it go on.
pub(crate) async fn hold(
    tx: &mut Tx,
    repository: RepositoryId,
    project: i64,
) -> Result<bool, DbError> {
    let lock = if for_update(tx).is_empty() {
        ""
    } else {
        " FOR NO KEY UPDATE"
    };
    let sql = format!("SELECT id FROM repository WHERE id = $1 AND project_id = $2{lock}");
    let row: Option<(i64,)> = tx
        .optional(AssertSqlSafe(sql), args![repository, project])
        .await?;
    Ok(row.is_some())
}

/// The manifest that a tag or digest names.
pub(crate) async fn find(
    tx: &mut Tx,
    repository: RepositoryId,
    reference: &Reference,
) -> Result<Option<Member>, DbError> {
    let sql = match reference {
        Reference::Tag(_) => {
            "SELECT m.id, m.digest FROM tag t JOIN manifest m ON m.id = t.manifest_id \
             WHERE t.repository_id = $1 AND t.name = $2"
        }
        Reference::Digest(_) => {
            "SELECT id, digest FROM manifest WHERE repository_id = $1 AND digest = $2"
        }
    };
    tx.optional(sql, args![repository, reference.as_str()])
        .await
}

/// An index that names the manifest, if there is one.
pub(crate) async fn index_of(
    tx: &mut Tx,
    repository: RepositoryId,
    digest: &str,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .optional(
            "SELECT p.digest FROM manifest_reference c JOIN manifest p ON p.id = c.manifest_id \
             WHERE c.repository_id = $1 AND c.child_digest = $2 AND c.kind = 'manifest' \
             ORDER BY p.id LIMIT 1",
            args![repository, digest],
        )
        .await?;
    Ok(row.map(|(digest,)| digest))
}

/// Manifests of the repository that an index names.
pub(crate) async fn children(tx: &mut Tx, index: ManifestId) -> Result<Vec<Member>, DbError> {
    tx.all(
        "SELECT DISTINCT m.id, m.digest FROM manifest_reference c \
         JOIN manifest m ON m.repository_id = c.repository_id AND m.digest = c.child_digest \
         WHERE c.manifest_id = $1 AND c.kind = 'manifest' ORDER BY m.id",
        args![index],
    )
    .await
}

/// Manifests that are there for another one: with it as their subject, or under the tags that
/// clients without the referrers API use. The fallback index comes first.
pub(crate) async fn accessories(
    tx: &mut Tx,
    repository: RepositoryId,
    subject: &str,
    limit: i64,
) -> Result<Vec<Member>, DbError> {
    let Ok(digest) = subject.parse::<Digest>() else {
        return Ok(Vec::new());
    };
    let name = fallback_tag(&digest);
    let (sig, att, sbom) = (
        format!("{name}.sig"),
        format!("{name}.att"),
        format!("{name}.sbom"),
    );
    let mut found: Vec<Member> = tx
        .all(
            "SELECT m.id, m.digest FROM tag t JOIN manifest m ON m.id = t.manifest_id \
             WHERE t.repository_id = $1 AND t.name IN ($2, $3, $4, $5) ORDER BY t.name",
            args![repository, name, sig, att, sbom],
        )
        .await?;
    let by_subject: Vec<Member> = tx
        .all(
            "SELECT id, digest FROM manifest WHERE repository_id = $1 AND subject_digest = $2 \
             ORDER BY id LIMIT $3",
            args![repository, subject, limit],
        )
        .await?;
    found.extend(by_subject);
    Ok(found)
}
