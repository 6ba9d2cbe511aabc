//! Rows of `cve_export` and `cve_export_piece`, and what is exported: pages of the registry's
//! `repository`, `manifest`, `tag` and `artifact_label` beside this crate's tables, each page from
//! one statement.

use std::collections::HashMap;

use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, placeholders};
use berth_model::{ExecutionId, Timestamp};

/// An export that has its file, or had it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct FileRow {
    pub(crate) execution_id: i64,
    pub(crate) attempt: i64,
    pub(crate) entries: i64,
    pub(crate) size: i64,
    pub(crate) digest: String,
    pub(crate) expires_at: i64,
}

/// An artifact that was scanned.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ArtifactRow {
    pub(crate) id: i64,
    pub(crate) digest: String,
    pub(crate) image: i64,
    /// JSON of the external scanner that made the report; empty: the built-in one.
    pub(crate) scanner: String,
}

/// A vulnerability of a package of an image.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct FindingRow {
    pub(crate) package_id: i64,
    pub(crate) name: String,
    pub(crate) severity: i64,
    pub(crate) status: String,
    pub(crate) fixed_version: Option<String>,
    pub(crate) advisory_id: i64,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) layer: String,
    pub(crate) path: String,
    pub(crate) exploited_since: Option<i64>,
}

/// Deletes what an earlier attempt left.
pub(crate) async fn begin(
    tx: &mut Tx,
    execution: ExecutionId,
    attempt: i64,
) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM cve_export_piece WHERE execution_id = $1 AND attempt < $2",
        args![execution, attempt],
    )
    .await?;
    Ok(())
}

pub(crate) async fn put_piece(
    tx: &mut Tx,
    (execution, attempt, nr): (ExecutionId, i64, i64),
    content: Vec<u8>,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO cve_export_piece (execution_id, attempt, nr, content) \
         VALUES ($1, $2, $3, $4)",
        args![execution, attempt, nr, content],
    )
    .await?;
    Ok(())
}

/// The file is there. An older attempt that comes late changes nothing.
pub(crate) async fn put(tx: &mut Tx, file: &FileRow) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO cve_export (execution_id, attempt, entries, size, digest, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (execution_id) DO UPDATE SET \
           attempt = excluded.attempt, entries = excluded.entries, size = excluded.size, \
           digest = excluded.digest, expires_at = excluded.expires_at \
         WHERE cve_export.attempt <= excluded.attempt",
        args![
            file.execution_id,
            file.attempt,
            file.entries,
            file.size,
            file.digest.as_str(),
            file.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// The file is not to be handed out any more.
pub(crate) async fn expire(tx: &mut Tx, execution: ExecutionId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE cve_export SET expires_at = 0 WHERE execution_id = $1",
        args![execution],
    )
    .await?;
    Ok(())
}

/// The files of these executions, by their ids.
pub(crate) async fn files(
    db: &Db,
    executions: &[ExecutionId],
) -> Result<HashMap<i64, FileRow>, DbError> {
    if executions.is_empty() {
        return Ok(HashMap::new());
    }
    let mut values = Args::new();
    for id in executions {
        values.push(*id);
    }
    let sql = format!(
        "SELECT execution_id, attempt, entries, size, digest, expires_at FROM cve_export \
         WHERE execution_id IN ({})",
        placeholders(1, executions.len())
    );
    let rows: Vec<FileRow> = db.all(AssertSqlSafe(sql), values).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.execution_id, row))
        .collect())
}

pub(crate) async fn piece(
    db: &Db,
    (execution, attempt, nr): (ExecutionId, i64, i64),
) -> Result<Option<Vec<u8>>, DbError> {
    let row: Option<(Vec<u8>,)> = db
        .optional(
            "SELECT content FROM cve_export_piece \
             WHERE execution_id = $1 AND attempt = $2 AND nr = $3",
            args![execution, attempt, nr],
        )
        .await?;
    Ok(row.map(|(content,)| content))
}

/// An execution whose pieces nobody may read any more, if there is one.
pub(crate) async fn expired(db: &Db, now: Timestamp) -> Result<Option<ExecutionId>, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT e.execution_id FROM cve_export e WHERE e.expires_at <= $1 AND EXISTS \
               (SELECT 1 FROM cve_export_piece p WHERE p.execution_id = e.execution_id) \
             ORDER BY e.execution_id LIMIT 1",
            args![now],
        )
        .await?;
    Ok(row.map(|(id,)| ExecutionId(id)))
}

/// Deletes up to `most` pieces.
pub(crate) async fn delete_pieces(
    tx: &mut Tx,
    execution: ExecutionId,
    most: i64,
) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM cve_export_piece WHERE execution_id = $1 AND (attempt, nr) IN \
           (SELECT attempt, nr FROM cve_export_piece WHERE execution_id = $1 LIMIT $2)",
        args![execution, most],
    )
    .await
}

/// Repositories of a project in the order of their names: their ids and whole names.
pub(crate) async fn repositories(
    db: &Db,
    project: i64,
    after: &str,
    most: i64,
) -> Result<Vec<(i64, String)>, DbError> {
    db.all(
        "SELECT id, name FROM repository WHERE project_id = $1 AND name > $2 \
         ORDER BY name LIMIT $3",
        args![project, after, most],
    )
    .await
}

/// Artifacts of a repository that were scanned, in the order of their digests.
pub(crate) async fn artifacts(
    db: &Db,
    repository: i64,
    after: &str,
    most: i64,
) -> Result<Vec<ArtifactRow>, DbError> {
    db.all(
        "SELECT m.id, m.digest, s.id AS image, s.scanner FROM manifest m \
         JOIN repository r ON r.id = m.repository_id \
         JOIN image_scan s ON s.digest = m.digest AND (s.project_id = r.project_id OR \
           (s.project_id IS NULL AND NOT EXISTS (SELECT 1 FROM image_scan o \
              WHERE o.digest = m.digest AND o.project_id = r.project_id))) \
         WHERE m.repository_id = $1 AND m.digest > $2 AND s.scanned = $3 \
         ORDER BY m.digest LIMIT $4",
        args![repository, after, true, most],
    )
    .await
}

/// The indexes of a repository that name one of these images: the digest and the index.
pub(crate) async fn indexes(
    db: &Db,
    repository: i64,
    digests: &[&str],
) -> Result<Vec<(String, i64)>, DbError> {
    let mut values = args![repository];
    for digest in digests {
        values.push(*digest);
    }
    let sql = format!(
        "SELECT child_digest, manifest_id FROM manifest_reference \
         WHERE repository_id = $1 AND kind = 'manifest' AND child_digest IN ({}) LIMIT 100000",
        placeholders(2, digests.len())
    );
    db.all(AssertSqlSafe(sql), values).await
}

/// Tags of these manifests in the order they were made: id, name, manifest.
pub(crate) async fn tags(
    db: &Db,
    manifests: &[i64],
    after: i64,
    most: i64,
) -> Result<Vec<(i64, String, i64)>, DbError> {
    let mut values = args![after, most];
    for id in manifests {
        values.push(*id);
    }
    let sql = format!(
        "SELECT id, name, manifest_id FROM tag WHERE id > $1 AND manifest_id IN ({}) \
         ORDER BY id LIMIT $2",
        placeholders(3, manifests.len())
    );
    db.all(AssertSqlSafe(sql), values).await
}

/// Those of these manifests that bear one of these labels.
pub(crate) async fn labelled(
    db: &Db,
    manifests: &[i64],
    labels: &[i64],
) -> Result<Vec<(i64,)>, DbError> {
    let mut values = Args::new();
    for id in manifests.iter().chain(labels) {
        values.push(*id);
    }
    let sql = format!(
        "SELECT DISTINCT manifest_id FROM artifact_label \
         WHERE manifest_id IN ({}) AND label_id IN ({})",
        placeholders(1, manifests.len()),
        placeholders(1 + manifests.len(), labels.len())
    );
    db.all(AssertSqlSafe(sql), values).await
}

/// Vulnerabilities of an image, of all or of these names, after a package and a name.
pub(crate) async fn findings(
    db: &Db,
    image: i64,
    (package, name): (i64, &str),
    names: &[String],
    most: i64,
) -> Result<Vec<FindingRow>, DbError> {
    let mut values = args![image, package, name, most];
    let mut only = String::new();
    if !names.is_empty() {
        for name in names {
            values.push(name.as_str());
        }
        only = format!("AND v.name IN ({})", placeholders(5, names.len()));
    }
    let sql = format!(
        "SELECT v.package_id, v.name, v.severity, v.status, v.fixed_version, v.advisory_id, \
           p.name AS package, p.version, i.layer, i.path, \
           (SELECT MIN(e.since) FROM exploited_vulnerability e WHERE e.name = v.name) \
             AS exploited_since \
         FROM image_package i JOIN package_vulnerability v ON v.package_id = i.package_id \
         JOIN package p ON p.id = v.package_id \
         WHERE i.image_id = $1 AND i.package_id >= $2 AND (i.package_id > $2 OR v.name > $3) {only} \
         ORDER BY i.package_id, v.name LIMIT $4"
    );
    db.all(AssertSqlSafe(sql), values).await
}
