//! Rows of `retention_policy`.

use berth_db::{Db, DbError, Tx, args};
use berth_model::{ProjectId, Timestamp};

/// A policy as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct PolicyRow {
    pub(crate) id: i64,
    #[sqlx(try_from = "i64")]
    pub(crate) project_id: ProjectId,
    pub(crate) project: String,
    pub(crate) policy: String,
}

/// A policy of a project that is there.
pub(crate) async fn find(db: &Db, id: i64) -> Result<Option<PolicyRow>, DbError> {
    db.optional(
        "SELECT r.id, r.project_id, p.name AS project, r.policy FROM retention_policy r \
         JOIN project p ON p.id = r.project_id WHERE r.id = $1 AND p.deleted_at IS NULL",
        args![id],
    )
    .await
}

/// `None` when the project has a policy already.
pub(crate) async fn insert(
    tx: &mut Tx,
    project: ProjectId,
    policy: &str,
    now: Timestamp,
) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "INSERT INTO retention_policy (project_id, policy, created_at, updated_at) \
             VALUES ($1, $2, $3, $3) ON CONFLICT (project_id) DO NOTHING RETURNING id",
            args![project, policy, now],
        )
        .await?;
    Ok(row.map(|(id,)| id))
}

pub(crate) async fn update(
    tx: &mut Tx,
    id: i64,
    policy: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE retention_policy SET policy = $2, updated_at = $3 WHERE id = $1",
            args![id, policy, now],
        )
        .await?;
    Ok(changed == 1)
}

pub(crate) async fn delete(tx: &mut Tx, id: i64) -> Result<bool, DbError> {
    let deleted = tx
        .execute("DELETE FROM retention_policy WHERE id = $1", args![id])
        .await?;
    Ok(deleted == 1)
}
