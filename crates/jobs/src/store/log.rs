//! Rows of `task_log`.

use berth_db::{Db, DbError, Tx, args};
use berth_model::TaskId;

/// Adds a piece to a task's log.
pub(crate) async fn append(tx: &mut Tx, task: TaskId, text: &str) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO task_log (task_id, piece, text) \
         SELECT $1, COALESCE(MAX(piece), 0) + 1, $2 FROM task_log WHERE task_id = $1",
        args![task, text],
    )
    .await?;
    Ok(())
}

/// The pieces of a task's log after `piece`, at most `limit`.
pub(crate) async fn read(
    db: &Db,
    task: TaskId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>, DbError> {
    db.all(
        "SELECT piece, text FROM task_log WHERE task_id = $1 AND piece > $2 \
         ORDER BY piece LIMIT $3",
        args![task, after, limit],
    )
    .await
}

/// How many bytes of log a task has, and in which piece they end.
pub(crate) async fn size(tx: &mut Tx, task: TaskId) -> Result<i64, DbError> {
    let (bytes,): (i64,) = tx
        .one(
            "SELECT CAST(COALESCE(SUM(LENGTH(text)), 0) AS BIGINT) FROM task_log WHERE task_id = $1",
            args![task],
        )
        .await?;
    Ok(bytes)
}
