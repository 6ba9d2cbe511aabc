//! The SQL of the check of quotas: what projects hold, counted from links and manifests.
//!
//! Invariant: a check is one statement, so it sees one moment, in which rows and counters agree
//! whatever is being pushed.

use berth_db::{AssertSqlSafe, Db, DbError, Engine, Tx, args};
use berth_model::Timestamp;

/// What a project (`$1`) holds, each digest once, and how often.
const HELD: &str = "SELECT digest, MAX(size) AS size, COUNT(*) AS holders FROM ( \
       SELECT b.digest, b.size FROM repository r \
       JOIN repository_blob l ON l.repository_id = r.id JOIN blob b ON b.id = l.blob_id \
       WHERE r.project_id = $1 \
       UNION ALL \
       SELECT m.digest, m.size FROM repository r \
       JOIN manifest m ON m.repository_id = r.id WHERE r.project_id = $1 \
     ) every_one GROUP BY digest";

/// What a project's counters say and what they should.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Counted {
    pub(crate) project: String,
    /// None: the project has no quota.
    pub(crate) used: Option<i64>,
    pub(crate) held: i64,
    /// Digests of which the project's list of contents says something else.
    pub(crate) wrong: i64,
}

/// Projects that are not deleted, by id.
pub(crate) async fn projects_after(
    db: &Db,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64,)>, DbError> {
    db.all(
        "SELECT id FROM project WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2",
        args![after, limit],
    )
    .await
}

pub(crate) async fn count_projects(db: &Db) -> Result<u64, DbError> {
    let (count,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM project WHERE deleted_at IS NULL",
            args![],
        )
        .await?;
    Ok(count.unsigned_abs())
}

/// Counts what a project holds. `None` when it is gone.
pub(crate) async fn count(db: &Db, project: i64) -> Result<Option<Counted>, DbError> {
    let listed = "SELECT digest, size, holders FROM project_content WHERE project_id = $1";
    let sql = format!(
        "WITH held AS ({HELD}), listed AS ({listed}) \
         SELECT p.name AS project, q.used, \
           CAST((SELECT COALESCE(SUM(size), 0) FROM held) AS BIGINT) AS held, \
           (SELECT COUNT(*) FROM (SELECT digest, size, holders FROM held \
             EXCEPT SELECT digest, size, holders FROM listed) missing) + \
           (SELECT COUNT(*) FROM (SELECT digest, size, holders FROM listed \
             EXCEPT SELECT digest, size, holders FROM held) stray) AS wrong \
         FROM project p LEFT JOIN quota q ON q.project_id = p.id \
         WHERE p.id = $1 AND p.deleted_at IS NULL"
    );
    db.optional(AssertSqlSafe(sql), args![project]).await
}

/// Writes the counters of a project anew.
///
/// On PostgreSQL whoever changes what any project holds waits meanwhile. Changes that are under way
/// have not written their part yet, and are not seen here: they come on top.
pub(crate) async fn recount(tx: &mut Tx, project: i64, now: Timestamp) -> Result<(), DbError> {
    if tx.engine() == Engine::Postgres {
        // Not a weaker mode: rows may be locked before they are written.
        tx.execute("LOCK TABLE project_content IN EXCLUSIVE MODE", args![])
            .await?;
    }
    tx.execute(
        "DELETE FROM project_content WHERE project_id = $1",
        args![project],
    )
    .await?;
    let sql = format!(
        "INSERT INTO project_content (project_id, digest, size, holders) \
         SELECT CAST($1 AS BIGINT), digest, size, holders FROM ({HELD}) held"
    );
    tx.execute(AssertSqlSafe(sql), args![project]).await?;
    tx.execute(
        "INSERT INTO quota (project_id, hard, used, created_at, updated_at) \
         SELECT id, -1, 0, created_at, $2 FROM project WHERE id = $1 AND deleted_at IS NULL \
         ON CONFLICT (project_id) DO NOTHING",
        args![project, now],
    )
    .await?;
    tx.execute(
        "UPDATE quota SET used = (SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) \
           FROM project_content WHERE project_id = $1) WHERE project_id = $1",
        args![project],
    )
    .await?;
    Ok(())
}
