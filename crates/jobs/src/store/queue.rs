//! The queue: which tasks wait, who takes them, and whether they still hold them.

use berth_db::{Args, AssertSqlSafe, Db, DbError, Engine, Tx, args, placeholders};
use berth_model::{ExecutionId, TaskId, Timestamp};

use super::task::{COLUMNS, TaskRow};
use crate::Status;

/// Takes up to `limit` waiting tasks of these kinds for a worker until `lease_until`. None of a
/// paused kind: a pause that was answered holds, whatever the worker read before it.
pub(crate) async fn claim(
    tx: &mut Tx,
    worker: &str,
    kinds: &[&str],
    limit: i64,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Vec<TaskRow>, DbError> {
    let mut values = args![worker, lease_until, now, limit];
    for kind in kinds {
        values.push(*kind);
    }
    let lock = match tx.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => "FOR UPDATE SKIP LOCKED",
    };
    let sql = format!(
        "UPDATE task SET status = 'Running', worker = $1, lease_until = $2, \
         attempt = attempt + 1, started_at = COALESCE(started_at, $3), updated_at = $3 \
         WHERE id IN (SELECT id FROM task WHERE status = 'Pending' AND run_at <= $3 \
           AND kind IN ({}) AND NOT EXISTS (SELECT 1 FROM job_pause p WHERE p.kind = task.kind) \
           ORDER BY priority DESC, run_at, id LIMIT $4 {lock}) \
         RETURNING {COLUMNS}",
        placeholders(5, kinds.len())
    );
    tx.all(AssertSqlSafe(sql), values).await
}

/// Who holds a task, and for which attempt.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) id: TaskId,
    pub(crate) execution: ExecutionId,
    pub(crate) worker: String,
    pub(crate) attempt: i64,
}

/// How a task leaves its worker's hands.
pub(crate) struct End<'a> {
    pub(crate) status: &'a str,
    pub(crate) message: &'a str,
    /// For a task that goes back to the queue.
    pub(crate) run_at: Option<Timestamp>,
    /// Whether the attempt counts: it does not when the process ended before the task could.
    pub(crate) counts: bool,
    pub(crate) done: i64,
    pub(crate) total: i64,
    pub(crate) attributes: Option<String>,
}

/// Ends or returns a task. `false`: the worker had lost it.
pub(crate) async fn release(
    tx: &mut Tx,
    hold: &Hold,
    end: End<'_>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let ended = end.run_at.is_none().then_some(now);
    let changed = tx
        .execute(
            "UPDATE task SET status = $4, message = $5, run_at = COALESCE($6, run_at), \
             attempt = attempt - $7, ended_at = $8, progress_done = $9, progress_total = $10, \
             attributes = COALESCE($11, attributes), worker = NULL, lease_until = NULL, \
             updated_at = $12 \
             WHERE id = $1 AND status = 'Running' AND worker = $2 AND attempt = $3",
            args![
                hold.id,
                &hold.worker,
                hold.attempt,
                end.status,
                end.message,
                end.run_at,
                i64::from(!end.counts),
                ended,
                end.done,
                end.total,
                end.attributes,
                now
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Writes how far a task has come. `false`: the worker has lost it.
pub(crate) async fn progress(
    tx: &mut Tx,
    hold: &Hold,
    done: i64,
    total: i64,
    attributes: Option<String>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE task SET progress_done = $4, progress_total = $5, \
             attributes = COALESCE($6, attributes), updated_at = $7 \
             WHERE id = $1 AND status = 'Running' AND worker = $2 AND attempt = $3",
            args![
                hold.id,
                &hold.worker,
                hold.attempt,
                done,
                total,
                attributes,
                now
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Renews the leases of all tasks a worker runs.
pub(crate) async fn renew(
    tx: &mut Tx,
    worker: &str,
    lease_until: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE task SET lease_until = $2 WHERE worker = $1 AND status = 'Running'",
        args![worker, lease_until],
    )
    .await
}

/// Which of a worker's tasks it should stop.
pub(crate) async fn to_stop(db: &Db, worker: &str) -> Result<Vec<TaskId>, DbError> {
    let rows: Vec<(i64,)> = db
        .all(
            "SELECT id FROM task WHERE worker = $1 AND status = 'Running' AND stop_requested",
            args![worker],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| TaskId(id)).collect())
}

/// Running tasks that nobody holds any more: their leases ended before `now`, or, where `alone` is
/// given, they are not that worker's and no other can be alive.
pub(crate) async fn lost(
    tx: &mut Tx,
    now: Timestamp,
    alone: Option<&str>,
    limit: i64,
) -> Result<Vec<TaskRow>, DbError> {
    let lock = match tx.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => "FOR UPDATE SKIP LOCKED",
    };
    tx.all(
        AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM task WHERE status = 'Running' \
             AND (lease_until < $1 OR worker <> $2) ORDER BY id LIMIT $3 {lock}"
        )),
        args![now, alone, limit],
    )
    .await
}

/// When the next waiting task is due; none when none waits.
pub(crate) async fn next_due(db: &Db, kinds: &[&str]) -> Result<Option<Timestamp>, DbError> {
    let mut values = Args::new();
    for kind in kinds {
        values.push(*kind);
    }
    let (at,): (Option<i64>,) = db
        .one(
            AssertSqlSafe(format!(
                "SELECT MIN(run_at) FROM task WHERE status = 'Pending' AND kind IN ({})",
                placeholders(1, kinds.len())
            )),
            values,
        )
        .await?;
    Ok(at.map(Timestamp::from_micros))
}

/// A job type's waiting tasks.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct WaitingRow {
    pub(crate) kind: String,
    pub(crate) count: i64,
    pub(crate) oldest: i64,
}

/// How many tasks of each kind wait, and since when the oldest has been due.
pub(crate) async fn waiting(db: &Db) -> Result<Vec<WaitingRow>, DbError> {
    db.all(
        "SELECT kind, COUNT(*) AS count, MIN(run_at) AS oldest FROM task \
         WHERE status = 'Pending' GROUP BY kind",
        Args::new(),
    )
    .await
}

/// The executions that have a waiting task of this kind.
pub(crate) async fn executions_waiting(
    db: &Db,
    kind: Option<&str>,
    limit: i64,
) -> Result<Vec<ExecutionId>, DbError> {
    let rows: Vec<(i64,)> = db
        .all(
            "SELECT DISTINCT execution_id FROM task WHERE status = 'Pending' \
             AND ($1 IS NULL OR kind = $1) LIMIT $2",
            args![kind, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| ExecutionId(id)).collect())
}

/// Pauses or resumes a job type.
pub(crate) async fn set_paused(
    tx: &mut Tx,
    kind: &str,
    paused: bool,
    now: Timestamp,
) -> Result<(), DbError> {
    if paused {
        tx.execute(
            "INSERT INTO job_pause (kind, paused_at) VALUES ($1, $2) \
             ON CONFLICT (kind) DO NOTHING",
            args![kind, now],
        )
        .await?;
    } else {
        tx.execute("DELETE FROM job_pause WHERE kind = $1", args![kind])
            .await?;
    }
    Ok(())
}

/// The job types that are paused.
pub(crate) async fn paused(db: &Db) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = db.all("SELECT kind FROM job_pause", Args::new()).await?;
    Ok(rows.into_iter().map(|(kind,)| kind).collect())
}

/// A row of `worker_pool`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct PoolRow {
    pub(crate) id: String,
    pub(crate) host: String,
    pub(crate) pid: i64,
    pub(crate) concurrency: i64,
    pub(crate) started_at: i64,
    pub(crate) heartbeat_at: i64,
}

/// This process runs tasks.
pub(crate) async fn beat(tx: &mut Tx, pool: &PoolRow) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO worker_pool (id, host, pid, concurrency, started_at, heartbeat_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at",
        args![
            &pool.id,
            &pool.host,
            pool.pid,
            pool.concurrency,
            pool.started_at,
            pool.heartbeat_at
        ],
    )
    .await?;
    Ok(())
}

/// This process does not run tasks any more, and neither do those that were silent since `before`.
pub(crate) async fn leave(tx: &mut Tx, id: &str, before: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM worker_pool WHERE id = $1 OR heartbeat_at < $2",
        args![id, before],
    )
    .await?;
    Ok(())
}

/// The processes that run tasks.
pub(crate) async fn pools(db: &Db, since: Timestamp) -> Result<Vec<PoolRow>, DbError> {
    db.all(
        "SELECT id, host, pid, concurrency, started_at, heartbeat_at FROM worker_pool \
         WHERE heartbeat_at >= $1 ORDER BY started_at, id LIMIT 1000",
        args![since],
    )
    .await
}

/// The tasks that run now; of one process where `worker` is given.
pub(crate) async fn running(db: &Db, worker: Option<&str>) -> Result<Vec<TaskRow>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM task WHERE status = 'Running' \
             AND ($1 IS NULL OR worker = $1) ORDER BY id LIMIT 1000"
        )),
        args![worker],
    )
    .await
}

/// Whether a running task is held by nobody any more; see [`lost`].
pub(crate) async fn any_lost(
    db: &Db,
    now: Timestamp,
    alone: Option<&str>,
) -> Result<bool, DbError> {
    let (any,): (bool,) = db
        .one(
            "SELECT EXISTS (SELECT 1 FROM task WHERE status = 'Running' \
             AND (lease_until < $1 OR worker <> $2))",
            args![now, alone],
        )
        .await?;
    Ok(any)
}

/// Whether somebody asked a running task to stop; nobody does until the transaction ends.
pub(crate) async fn stop_requested(tx: &mut Tx, id: TaskId) -> Result<bool, DbError> {
    let lock = match tx.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => "FOR UPDATE",
    };
    let sql = format!("SELECT stop_requested FROM task WHERE id = $1 {lock}");
    let row: Option<(bool,)> = tx.optional(AssertSqlSafe(sql), args![id]).await?;
    // A task whose execution was forgotten is wanted by nobody.
    Ok(row.is_none_or(|(asked,)| asked))
}

/// Puts a lost task back into the queue.
pub(crate) async fn back(tx: &mut Tx, id: TaskId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "UPDATE task SET status = 'Pending', worker = NULL, lease_until = NULL, updated_at = $2 \
         WHERE id = $1 AND status = 'Running'",
        args![id, now],
    )
    .await?;
    Ok(())
}

/// Ends a lost task.
pub(crate) async fn give_up(
    tx: &mut Tx,
    id: TaskId,
    status: Status,
    message: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE task SET status = $2, message = $3, ended_at = $4, updated_at = $4, \
         worker = NULL, lease_until = NULL WHERE id = $1 AND status = 'Running'",
        args![id, status, message, now],
    )
    .await?;
    Ok(())
}
