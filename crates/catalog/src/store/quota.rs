//! The table `quota`.

use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args};
use berth_model::{EventKind, ProjectId, Timestamp};

use crate::query::Filter;
use crate::{CatalogError, Quota, QuotaUse};

#[derive(sqlx::FromRow)]
struct Row {
    project_id: i64,
    project_name: String,
    owner_name: String,
    hard: i64,
    used: i64,
    created_at: i64,
    updated_at: i64,
}

impl From<Row> for Quota {
    fn from(row: Row) -> Self {
        Self {
            project_id: ProjectId(row.project_id),
            project_name: row.project_name,
            owner_name: row.owner_name,
            storage: QuotaUse {
                hard: row.hard,
                used: row.used,
            },
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        }
    }
}

const COLUMNS: &str = "q.project_id, p.name AS project_name, u.username AS owner_name, q.hard, \
     q.used, q.created_at, q.updated_at";

const FROM: &str = "FROM quota q JOIN project p ON p.id = q.project_id \
     JOIN user_account u ON u.id = p.owner_id";

/// Gives a new project its row.
pub(crate) async fn insert(
    tx: &mut Tx,
    project: ProjectId,
    hard: i64,
    now: Timestamp,
) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO quota (project_id, hard, used, created_at, updated_at) \
         VALUES ($1, $2, 0, $3, $3)",
        args![project, hard, now],
    )
    .await?;
    Ok(())
}

pub(crate) async fn delete(tx: &mut Tx, project: ProjectId) -> Result<(), CatalogError> {
    tx.execute("DELETE FROM quota WHERE project_id = $1", args![project])
        .await?;
    Ok(())
}

/// Changes a limit; `false` when there is no such quota. What is held already stays.
pub(crate) async fn set_hard(
    tx: &mut Tx,
    project: ProjectId,
    hard: i64,
    now: Timestamp,
) -> Result<bool, CatalogError> {
    let changed = tx
        .execute(
            "UPDATE quota SET hard = $2, updated_at = $3, refusal_told_at = 0 WHERE project_id = $1",
            args![project, hard, now],
        )
        .await?;
    Ok(changed == 1)
}

/// Adds to what a project uses if the limit allows it. Gives what it was before; `None`: it does
/// not fit, or there is no such project.
pub(crate) async fn add(
    tx: &mut Tx,
    project: ProjectId,
    bytes: i64,
) -> Result<Option<QuotaUse>, DbError> {
    let after: Option<(i64, i64)> = tx
        .optional(
            "UPDATE quota SET used = used + $2 WHERE project_id = $1 \
             AND (hard < 0 OR used + $2 <= hard) RETURNING hard, used",
            args![project, bytes],
        )
        .await?;
    Ok(after.map(|(hard, used)| QuotaUse {
        hard,
        used: used - bytes,
    }))
}

/// Adds to what a project uses or takes from it, whatever the limit.
pub(crate) async fn change(tx: &mut Tx, project: ProjectId, bytes: i64) -> Result<(), DbError> {
    tx.execute(
        "UPDATE quota SET used = used + $2, \
           refusal_told_at = CASE WHEN $2 < 0 THEN 0 ELSE refusal_told_at END \
         WHERE project_id = $1",
        args![project, bytes],
    )
    .await?;
    Ok(())
}

/// Whether a refusal is to be told: somebody listens, and none was told after `since`.
pub(crate) async fn refusal_is_due(
    db: &Db,
    project: ProjectId,
    since: Timestamp,
) -> Result<bool, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT q.project_id FROM quota q \
             JOIN event_listener l ON l.project_id = q.project_id AND l.kind = $2 \
             WHERE q.project_id = $1 AND q.refusal_told_at <= $3",
            args![project, EventKind::QuotaExceed.as_str(), since],
        )
        .await?;
    Ok(row.is_some())
}

/// Notes that a refusal is told; `false`: another push has just told one.
pub(crate) async fn refusal_told(
    tx: &mut Tx,
    project: ProjectId,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE quota SET refusal_told_at = $3 \
             WHERE project_id = $1 AND refusal_told_at <= $2",
            args![project, since, now],
        )
        .await?;
    Ok(changed == 1)
}

/// The name of a project with its limit and use.
pub(crate) async fn find_in(
    tx: &mut Tx,
    project: ProjectId,
) -> Result<Option<(String, QuotaUse)>, DbError> {
    let row: Option<(String, i64, i64)> = tx
        .optional(
            "SELECT p.name, q.hard, q.used FROM quota q JOIN project p ON p.id = q.project_id \
             WHERE q.project_id = $1",
            args![project],
        )
        .await?;
    Ok(row.map(|(name, hard, used)| (name, QuotaUse { hard, used })))
}

/// The project of this name with its limit and use, if it has a limit.
pub(crate) async fn limited(
    db: &Db,
    project: &str,
) -> Result<Option<(ProjectId, QuotaUse)>, CatalogError> {
    let row: Option<(i64, i64, i64)> = db
        .optional(
            "SELECT q.project_id, q.hard, q.used FROM quota q \
             JOIN project p ON p.id = q.project_id WHERE p.name = $1 AND q.hard >= 0",
            args![project],
        )
        .await?;
    Ok(row.map(|(id, hard, used)| (ProjectId(id), QuotaUse { hard, used })))
}

pub(crate) async fn get(db: &Db, project: ProjectId) -> Result<Option<Quota>, CatalogError> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE q.project_id = $1");
    let row: Option<Row> = db.optional(AssertSqlSafe(sql), args![project]).await?;
    Ok(row.map(Quota::from))
}

pub(crate) async fn list(
    db: &Db,
    filter: &Filter,
    order: &str,
    limit: i64,
    offset: i64,
) -> Result<Vec<Quota>, CatalogError> {
    let mut args: Args = filter.args();
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!(
        "SELECT {COLUMNS} {FROM} WHERE {} {order} LIMIT ${limit} OFFSET ${offset}",
        filter.sql()
    );
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), args).await?;
    Ok(rows.into_iter().map(Quota::from).collect())
}

pub(crate) async fn count(db: &Db, filter: &Filter) -> Result<i64, CatalogError> {
    let sql = format!("SELECT COUNT(*) {FROM} WHERE {}", filter.sql());
    let (total,): (i64,) = db.one(AssertSqlSafe(sql), filter.args()).await?;
    Ok(total)
}

/// What all projects use together.
pub(crate) async fn total_used(db: &Db) -> Result<i64, CatalogError> {
    let (total,): (i64,) = db
        .one(
            "SELECT CAST(COALESCE(SUM(used), 0) AS BIGINT) FROM quota",
            args![],
        )
        .await?;
    Ok(total)
}
