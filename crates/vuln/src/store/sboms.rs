//! Rows of `image_sbom`.
//!
//! Invariant: a row goes with its manifest, and forgets an accessory that is deleted.

use std::collections::HashMap;

use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, chunk_of, placeholders};
use berth_model::{ExecutionId, TaskId, Timestamp};
use berth_registry::Attached;

/// How the SBOM of a manifest stands.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct SbomRow {
    pub(crate) manifest_id: i64,
    pub(crate) report_id: String,
    pub(crate) status: String,
    pub(crate) execution_id: Option<i64>,
    pub(crate) task_id: Option<i64>,
    pub(crate) started_at: i64,
    pub(crate) ended_at: Option<i64>,
    /// The accessory that is the SBOM, if there is one.
    pub(crate) accessory: Option<String>,
}

const SBOM: &str = "SELECT manifest_id, report_id, status, execution_id, task_id, started_at, \
     ended_at, CASE WHEN accessory_id IS NULL THEN NULL ELSE accessory_digest END AS accessory \
     FROM image_sbom";

/// The row of the manifest `$2` of the repository `$1`.
const OF: &str = "manifest_id = (SELECT m.id FROM manifest m \
     JOIN repository r ON r.id = m.repository_id WHERE r.name = $1 AND m.digest = $2)";

pub(crate) async fn find(
    db: &Db,
    repository: &str,
    digest: &str,
) -> Result<Option<SbomRow>, DbError> {
    let sql = AssertSqlSafe(format!("{SBOM} WHERE {OF}"));
    db.optional(sql, args![repository, digest]).await
}

/// As [`find`], as this transaction sees it.
pub(crate) async fn find_in(
    tx: &mut Tx,
    repository: &str,
    digest: &str,
) -> Result<Option<SbomRow>, DbError> {
    let sql = AssertSqlSafe(format!("{SBOM} WHERE {OF}"));
    tx.optional(sql, args![repository, digest]).await
}

pub(crate) async fn find_many(
    db: &Db,
    manifests: &[i64],
) -> Result<HashMap<i64, SbomRow>, DbError> {
    let mut found = HashMap::with_capacity(manifests.len());
    let mut rest = manifests;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for id in chunk {
            values.push(*id);
        }
        let sql = format!(
            "{SBOM} WHERE manifest_id IN ({})",
            placeholders(1, chunk.len())
        );
        let rows: Vec<SbomRow> = db.all(AssertSqlSafe(sql), values).await?;
        found.extend(rows.into_iter().map(|row| (row.manifest_id, row)));
    }
    Ok(found)
}

/// An SBOM of this manifest is asked for; the one there is stays until a newer one is made. Gives
/// the manifest's id; `None` when it is gone.
pub(crate) async fn ask(
    tx: &mut Tx,
    (repository, digest): (&str, &str),
    report_id: &str,
    now: Timestamp,
) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "INSERT INTO image_sbom (manifest_id, report_id, status, started_at, content, \
               accessory_digest) \
             SELECT m.id, $3, 'Pending', $4, '', '' FROM manifest m \
             JOIN repository r ON r.id = m.repository_id WHERE r.name = $1 AND m.digest = $2 \
             ON CONFLICT (manifest_id) DO UPDATE SET status = 'Pending', \
               report_id = excluded.report_id, started_at = excluded.started_at, ended_at = NULL, \
               task_id = NULL \
             RETURNING manifest_id",
            args![repository, digest, report_id, now],
        )
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Which execution makes it.
pub(crate) fn made_by(tx: &mut Tx, manifest: i64, execution: ExecutionId) {
    tx.later(
        "UPDATE image_sbom SET execution_id = $2 WHERE manifest_id = $1",
        args![manifest, execution],
    );
}

/// A task begins to make it.
pub(crate) async fn begin(
    db: &Db,
    repository: &str,
    digest: &str,
    task: TaskId,
) -> Result<(), DbError> {
    let (repository, digest) = (repository.to_owned(), digest.to_owned());
    db.write(move |tx| {
        Box::pin(async move {
            let sql = format!(
                "UPDATE image_sbom SET status = 'Running', task_id = $3, ended_at = NULL WHERE {OF}"
            );
            tx.execute(AssertSqlSafe(sql), args![repository, digest, task])
                .await?;
            Ok::<_, DbError>(())
        })
    })
    .await
}

/// Ends what an execution began and did not end with an SBOM; `false`: it has ended, or another
/// execution has taken it over.
pub(crate) async fn end(
    tx: &mut Tx,
    (repository, digest): (&str, &str),
    execution: ExecutionId,
    status: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = format!(
        "UPDATE image_sbom SET status = $4, ended_at = $5 \
         WHERE {OF} AND execution_id = $3 AND status IN ('Pending', 'Running')"
    );
    let values = args![repository, digest, execution, status, now];
    Ok(tx.execute(AssertSqlSafe(sql), values).await? == 1)
}

/// Ends what an execution has not ended itself.
pub(crate) async fn settle(
    tx: &mut Tx,
    execution: ExecutionId,
    status: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE image_sbom SET status = $2, ended_at = $3 \
         WHERE execution_id = $1 AND status IN ('Pending', 'Running')",
        args![execution, status, now],
    )
    .await?;
    Ok(())
}

/// The accessory there is says the same as a new one would; `false`: there is none that does.
pub(crate) async fn stays(
    tx: &mut Tx,
    (repository, digest): (&str, &str),
    content: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = format!(
        "UPDATE image_sbom SET status = 'Success', ended_at = $4 \
         WHERE {OF} AND content = $3 AND accessory_id IS NOT NULL"
    );
    let values = args![repository, digest, content, now];
    Ok(tx.execute(AssertSqlSafe(sql), values).await? == 1)
}

/// An accessory was made that says this.
pub(crate) async fn put(
    tx: &mut Tx,
    made: &Attached,
    content: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE image_sbom SET status = 'Success', ended_at = $5, content = $2, \
           accessory_id = $3, accessory_digest = $4 WHERE manifest_id = $1",
        args![made.subject, content, made.id, made.digest.as_str(), now],
    )
    .await?;
    Ok(())
}
