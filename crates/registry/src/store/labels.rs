//! Rows of `artifact_label`: which artifact bears which label.

use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, placeholders};
use berth_model::{LabelId, ManifestId, ProjectId};

/// A label with the artifact that bears it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct BorneRow {
    pub(crate) manifest_id: i64,
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) color: String,
    pub(crate) project_id: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// The name of a label that artifacts of the project may bear.
pub(crate) async fn name_for(
    tx: &mut Tx,
    label: LabelId,
    project: ProjectId,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .optional(
            "SELECT name FROM label WHERE id = $1 AND (project_id IS NULL OR project_id = $2)",
            args![label, project],
        )
        .await?;
    Ok(row.map(|(name,)| name))
}

/// How many labels the artifact bears.
pub(crate) async fn count(tx: &mut Tx, manifest: ManifestId) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT COUNT(*) FROM artifact_label WHERE manifest_id = $1",
            args![manifest],
        )
        .await?;
    Ok(count)
}

/// `false` when the artifact bears it already.
pub(crate) async fn put(
    tx: &mut Tx,
    manifest: ManifestId,
    label: LabelId,
) -> Result<bool, DbError> {
    let added = tx
        .execute(
            "INSERT INTO artifact_label (manifest_id, label_id) VALUES ($1, $2) \
             ON CONFLICT (manifest_id, label_id) DO NOTHING",
            args![manifest, label],
        )
        .await?;
    Ok(added == 1)
}

/// `false` when the artifact does not bear it.
pub(crate) async fn take(
    tx: &mut Tx,
    manifest: ManifestId,
    label: LabelId,
) -> Result<bool, DbError> {
    let taken = tx
        .execute(
            "DELETE FROM artifact_label WHERE manifest_id = $1 AND label_id = $2",
            args![manifest, label],
        )
        .await?;
    Ok(taken == 1)
}

/// The labels of each of these artifacts, by name.
pub(crate) async fn of(db: &Db, manifests: &[i64]) -> Result<Vec<BorneRow>, DbError> {
    if manifests.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = Args::new();
    for id in manifests {
        values.push(*id);
    }
    let sql = format!(
        "SELECT b.manifest_id, l.id, l.name, l.description, l.color, l.project_id, l.created_at, \
           l.updated_at FROM artifact_label b JOIN label l ON l.id = b.label_id \
         WHERE b.manifest_id IN ({}) ORDER BY b.manifest_id, l.name, l.id",
        placeholders(1, manifests.len()),
    );
    db.all(AssertSqlSafe(sql), values).await
}
