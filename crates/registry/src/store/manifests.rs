//! Rows of `manifest`, `manifest_payload` and `manifest_reference`.

use std::collections::HashMap;

use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, placeholders};
use berth_model::{ManifestId, ProjectId, RepositoryId, Timestamp};
use berth_oci::Digest;

use super::listing::family::Member;
use super::{IN_LIST, TURNS, for_update};
use crate::Attached;

/// What a pull needs to know of a manifest, found by tag or digest in one read.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct PullRow {
    pub(crate) repository_id: i64,
    pub(crate) project_id: i64,
    pub(crate) project_created_at: i64,
    pub(crate) manifest_id: i64,
    pub(crate) tag_id: Option<i64>,
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) size: i64,
    pub(crate) kind: String,
    pub(crate) accessory_type: Option<String>,
}

pub(crate) async fn find_by_tag(
    db: &Db,
    repository: &str,
    tag: &str,
) -> Result<Option<PullRow>, DbError> {
    db.optional(
        "SELECT r.id AS repository_id, r.project_id, p.created_at AS project_created_at, \
           m.id AS manifest_id, t.id AS tag_id, m.digest, m.media_type, m.size, m.kind, \
           m.accessory_type \
         FROM repository r JOIN project p ON p.id = r.project_id \
         JOIN tag t ON t.repository_id = r.id AND t.name = $2 \
         JOIN manifest m ON m.id = t.manifest_id WHERE r.name = $1",
        args![repository, tag],
    )
    .await
}

pub(crate) async fn find_by_digest(
    db: &Db,
    repository: &str,
    digest: &Digest,
) -> Result<Option<PullRow>, DbError> {
    db.optional(
        "SELECT r.id AS repository_id, r.project_id, p.created_at AS project_created_at, \
           m.id AS manifest_id, CAST(NULL AS BIGINT) AS tag_id, m.digest, m.media_type, m.size, \
           m.kind, m.accessory_type \
         FROM repository r JOIN project p ON p.id = r.project_id \
         JOIN manifest m ON m.repository_id = r.id AND m.digest = $2 WHERE r.name = $1",
        args![repository, digest.as_str()],
    )
    .await
}

pub(crate) async fn payload(db: &Db, manifest: ManifestId) -> Result<Option<Vec<u8>>, DbError> {
    let row: Option<(Vec<u8>,)> = db
        .optional(
            "SELECT payload FROM manifest_payload WHERE manifest_id = $1",
            args![manifest],
        )
        .await?;
    Ok(row.map(|(payload,)| payload))
}

/// A manifest to be stored, as [`insert`] takes it.
#[derive(Clone, Debug)]
pub(crate) struct NewManifest {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) artifact_type: Option<String>,
    pub(crate) config_media_type: Option<String>,
    pub(crate) kind: String,
    pub(crate) subject_digest: Option<String>,
    pub(crate) accessory_type: Option<&'static str>,
    pub(crate) annotations: String,
    pub(crate) attributes: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) references: Vec<NewReference>,
}

/// One thing a manifest names.
#[derive(Clone, Debug)]
pub(crate) struct NewReference {
    pub(crate) kind: &'static str,
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) size: i64,
    pub(crate) platform: Option<String>,
    pub(crate) annotations: Option<String>,
    pub(crate) urls: Option<String>,
    /// Whether the push is refused when the repository does not hold it.
    pub(crate) required: bool,
}

/// Blobs of `digests` that the repository holds, leased from now, with their rows locked.
pub(crate) async fn hold_blobs(
    tx: &mut Tx,
    repository: RepositoryId,
    digests: &[String],
    now: Timestamp,
) -> Result<HashMap<String, (i64, i64)>, DbError> {
    let mut held = HashMap::with_capacity(digests.len());
    for chunk in digests.chunks(IN_LIST) {
        let mut values = Args::new();
        values.push(repository);
        for digest in chunk {
            values.push(digest);
        }
        let sql = format!(
            "SELECT l.blob_id, b.digest, b.size FROM repository_blob l \
             JOIN blob b ON b.id = l.blob_id \
             WHERE l.repository_id = $1 AND b.state = 'live' AND b.digest IN ({}) \
             ORDER BY l.blob_id{}",
            placeholders(2, chunk.len()),
            if for_update(tx).is_empty() {
                ""
            } else {
                " FOR UPDATE OF l"
            },
        );
        let rows: Vec<(i64, String, i64)> = tx.all(AssertSqlSafe(sql), values).await?;
        let mut values = args![repository, now];
        for (id, ..) in &rows {
            values.push(*id);
        }
        let sql = format!(
            "UPDATE repository_blob SET leased_at = $2 WHERE repository_id = $1 AND blob_id IN ({})",
            placeholders(3, rows.len()),
        );
        if !rows.is_empty() {
            tx.later(AssertSqlSafe(sql), values);
        }
        held.extend(
            rows.into_iter()
                .map(|(id, digest, size)| (digest, (id, size))),
        );
    }
    Ok(held)
}

/// Total sizes of the manifests of `digests` that the repository holds.
pub(crate) async fn child_sizes(
    tx: &mut Tx,
    repository: RepositoryId,
    digests: &[String],
) -> Result<HashMap<String, i64>, DbError> {
    let mut sizes = HashMap::with_capacity(digests.len());
    for chunk in digests.chunks(IN_LIST) {
        let mut values = args![repository];
        for digest in chunk {
            values.push(digest);
        }
        let sql = format!(
            "SELECT digest, total_size FROM manifest WHERE repository_id = $1 AND digest IN ({})",
            placeholders(2, chunk.len()),
        );
        let rows: Vec<(String, i64)> = tx.all(AssertSqlSafe(sql), values).await?;
        sizes.extend(rows);
    }
    Ok(sizes)
}

/// Stores a manifest, or finds the one that is there, and locks its row.
/// Gives its id and whether it is new.
pub(crate) async fn insert(
    tx: &mut Tx,
    repository: RepositoryId,
    manifest: &NewManifest,
    total_size: i64,
    by: &str,
    now: Timestamp,
) -> Result<(ManifestId, bool), DbError> {
    // Each turn loses only against a deletion in between.
    for _ in 0..TURNS {
        let inserted: Option<(i64,)> = tx
            .optional(
                "INSERT INTO manifest (repository_id, digest, media_type, artifact_type, \
                   config_media_type, kind, size, total_size, subject_digest, accessory_type, \
                   annotations, attributes, pushed_by, pushed_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
                 ON CONFLICT (repository_id, digest) DO NOTHING RETURNING id",
                args![
                    repository,
                    manifest.digest.as_str(),
                    manifest.media_type.as_str(),
                    manifest.artifact_type.as_deref(),
                    manifest.config_media_type.as_deref(),
                    manifest.kind.as_str(),
                    manifest.payload.len() as i64,
                    total_size,
                    manifest.subject_digest.as_deref(),
                    manifest.accessory_type,
                    manifest.annotations.as_str(),
                    manifest.attributes.as_str(),
                    by,
                    now,
                ],
            )
            .await?;
        if let Some((id,)) = inserted {
            tx.later(
                "INSERT INTO manifest_payload (manifest_id, payload) VALUES ($1, $2)",
                args![id, manifest.payload.clone()],
            );
            return Ok((ManifestId(id), true));
        }
        if let Some(id) = lock(tx, repository, manifest.digest.as_str()).await? {
            return Ok((id, false));
        }
    }
    Err(DbError::Unique("digest".to_owned()))
}

/// Stores what a new manifest refers to; `held` names the blobs the repository holds.
pub(crate) fn insert_references(
    tx: &mut Tx,
    repository: RepositoryId,
    manifest: ManifestId,
    references: &[NewReference],
    held: &HashMap<String, (i64, i64)>,
) {
    const COLUMNS: usize = 11;
    for (page, chunk) in references.chunks(40).enumerate() {
        let mut values = Args::new();
        let mut rows = Vec::with_capacity(chunk.len());
        for (n, reference) in chunk.iter().enumerate() {
            rows.push(format!("({})", placeholders(n * COLUMNS + 1, COLUMNS)));
            values.push(manifest);
            values.push((page * 40 + n) as i64);
            values.push(repository);
            values.push(reference.kind);
            values.push(reference.digest.as_str());
            values.push(held.get(&reference.digest).map(|(blob, _)| *blob));
            values.push(reference.media_type.as_str());
            values.push(reference.size);
            values.push(reference.platform.as_deref());
            values.push(reference.annotations.as_deref());
            values.push(reference.urls.as_deref());
        }
        let sql = format!(
            "INSERT INTO manifest_reference (manifest_id, position, repository_id, kind, \
             child_digest, blob_id, media_type, size, platform, annotations, urls) VALUES {}",
            rows.join(", "),
        );
        tx.later(AssertSqlSafe(sql), values);
    }
}

/// The project a manifest is in, and the size of its bytes.
pub(crate) async fn project_and_size(
    tx: &mut Tx,
    manifest: ManifestId,
) -> Result<(ProjectId, i64), DbError> {
    let (project, size): (i64, i64) = tx
        .one(
            "SELECT r.project_id, m.size FROM manifest m \
             JOIN repository r ON r.id = m.repository_id WHERE m.id = $1",
            args![manifest],
        )
        .await?;
    Ok((ProjectId(project), size))
}

/// Locks a manifest.
pub(crate) async fn lock(
    tx: &mut Tx,
    repository: RepositoryId,
    digest: &str,
) -> Result<Option<ManifestId>, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "UPDATE manifest SET pull_count = pull_count WHERE repository_id = $1 AND digest = $2 \
             RETURNING id",
            args![repository, digest],
        )
        .await?;
    Ok(row.map(|(id,)| ManifestId(id)))
}

/// Deletes a locked manifest that no tag points to, and has its blobs reviewed at `review_at`.
pub(crate) async fn delete(
    tx: &mut Tx,
    repository: RepositoryId,
    manifest: ManifestId,
    review_at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO gc_review (blob_id, repository_id, review_at) \
         SELECT DISTINCT blob_id, $2, $3 FROM manifest_reference \
         WHERE manifest_id = $1 AND blob_id IS NOT NULL ORDER BY blob_id \
         ON CONFLICT (blob_id, repository_id) DO UPDATE SET review_at = excluded.review_at",
        args![manifest, repository, review_at],
    )
    .await?;
    tx.execute(
        "DELETE FROM manifest_reference WHERE manifest_id = $1",
        args![manifest],
    )
    .await?;
    tx.execute("DELETE FROM manifest WHERE id = $1", args![manifest])
        .await?;
    Ok(())
}

/// A manifest that has a subject, as the referrers API lists it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ReferrerRow {
    pub(crate) id: i64,
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) artifact_type: Option<String>,
    pub(crate) size: i64,
    pub(crate) annotations: String,
}

/// Manifests whose subject is `subject`, oldest first, after the row `after`.
pub(crate) async fn referrers(
    db: &Db,
    repository: RepositoryId,
    subject: &str,
    artifact_type: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<ReferrerRow>, DbError> {
    let mut values = args![repository, subject, after];
    let wanted = artifact_type.map_or_else(String::new, |artifact_type| {
        format!("AND artifact_type = ${}", values.push(artifact_type))
    });
    let limit = values.push(limit);
    let sql = format!(
        "SELECT id, digest, media_type, artifact_type, size, annotations FROM manifest \
         WHERE repository_id = $1 AND subject_digest = $2 AND id > $3 {wanted} \
         ORDER BY id LIMIT ${limit}"
    );
    db.all(AssertSqlSafe(sql), values).await
}

/// The newest accessory of a type that a manifest of a repository has.
pub(crate) async fn newest_accessory(
    db: &Db,
    repository: &str,
    subject: &str,
    accessory_type: &str,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = db
        .optional(
            "SELECT m.digest FROM manifest m JOIN repository r ON r.id = m.repository_id \
             WHERE r.name = $1 AND m.subject_digest = $2 AND m.accessory_type = $3 \
             ORDER BY m.id DESC LIMIT 1",
            args![repository, subject, accessory_type],
        )
        .await?;
    Ok(row.map(|(digest,)| digest))
}

/// The accessories of a type that stand beside `new`, oldest first.
pub(crate) async fn accessories_beside(
    tx: &mut Tx,
    new: &Attached,
    accessory_type: &str,
    most: i64,
) -> Result<Vec<Member>, DbError> {
    tx.all(
        "SELECT m.id, m.digest FROM manifest s JOIN manifest m \
           ON m.repository_id = s.repository_id AND m.subject_digest = s.digest \
         WHERE s.id = $1 AND m.accessory_type = $2 AND m.id <> $3 ORDER BY m.id LIMIT $4",
        args![new.subject, accessory_type, new.id, most],
    )
    .await
}

/// Whether the repository holds the manifest and it names no subject.
pub(crate) async fn lacks_subject(
    db: &Db,
    repository: RepositoryId,
    digest: &str,
) -> Result<bool, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT id FROM manifest WHERE repository_id = $1 AND digest = $2 \
             AND subject_digest IS NULL",
            args![repository, digest],
        )
        .await?;
    Ok(row.is_some())
}

/// An image of a repository.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ImageRow {
    pub(crate) id: i64,
    pub(crate) repository: String,
    pub(crate) digest: String,
}

/// What makes a manifest `m` an image by itself: no index, and nothing that belongs to another.
const IS_IMAGE: &str = "m.kind = 'IMAGE' AND m.accessory_type IS NULL AND m.media_type NOT IN \
     ('application/vnd.oci.image.index.v1+json', \
      'application/vnd.docker.distribution.manifest.list.v2+json')";

/// Up to `most` images of all repositories, those after `after` in the order they came.
pub(crate) async fn images_after(db: &Db, after: i64, most: i64) -> Result<Vec<ImageRow>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT m.id, r.name AS repository, m.digest FROM manifest m \
             JOIN repository r ON r.id = m.repository_id \
             WHERE m.id > $1 AND {IS_IMAGE} ORDER BY m.id LIMIT $2"
        )),
        args![after, most],
    )
    .await
}

/// The repositories, with their projects, that hold a manifest.
pub async fn repositories_holding(tx: &mut Tx, digest: &str) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT r.name FROM manifest m JOIN repository r ON r.id = m.repository_id \
             WHERE m.digest = $1 ORDER BY r.name LIMIT 10000",
            args![digest],
        )
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// How many images there are, each counted once however many repositories hold it.
pub(crate) async fn count_images(db: &Db) -> Result<i64, DbError> {
    let sql = format!("SELECT COUNT(DISTINCT m.digest) FROM manifest m WHERE {IS_IMAGE}");
    let (count,): (i64,) = db.one(AssertSqlSafe(sql), args![]).await?;
    Ok(count)
}
