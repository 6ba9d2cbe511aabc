//! Rows of `task`, as an execution's parts.

use berth_db::query::{Column, Filter, Kind, order_by};
use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args};
use berth_model::{ExecutionId, TaskId, Timestamp};

use super::lane;
use crate::{JobsError, Status};

/// A row of `task`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct TaskRow {
    #[sqlx(try_from = "i64")]
    pub(crate) id: TaskId,
    #[sqlx(try_from = "i64")]
    pub(crate) execution_id: ExecutionId,
    pub(crate) kind: String,
    #[sqlx(try_from = "String")]
    pub(crate) status: Status,
    pub(crate) message: String,
    pub(crate) params: String,
    pub(crate) attributes: String,
    pub(crate) run_at: i64,
    pub(crate) attempt: i64,
    pub(crate) worker: Option<String>,
    pub(crate) progress_done: i64,
    pub(crate) progress_total: i64,
    pub(crate) created_at: i64,
    pub(crate) started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) updated_at: i64,
}

pub(super) const COLUMNS: &str = "id, execution_id, kind, status, message, params, attributes, \
    run_at, attempt, worker, progress_done, progress_total, created_at, started_at, ended_at, \
    updated_at";

/// A task to be made.
#[derive(Clone)]
pub(crate) struct New {
    pub(crate) kind: String,
    pub(crate) params: String,
    pub(crate) attributes: String,
    pub(crate) priority: i64,
    pub(crate) run_at: Timestamp,
    pub(crate) lane: Option<String>,
}

/// Rows in one INSERT: keeps the number of bound values below every engine's bound.
const ROWS: usize = 100;

/// Makes tasks of an execution.
pub(crate) async fn insert(
    tx: &mut Tx,
    execution: ExecutionId,
    tasks: &[New],
    now: Timestamp,
) -> Result<(), DbError> {
    for part in tasks.chunks(ROWS) {
        let mut values = Args::new();
        let (id, at) = (values.push(execution), values.push(now));
        let rows: Vec<String> = part
            .iter()
            .map(|task| {
                let kind = values.push(&task.kind);
                let params = values.push(&task.params);
                let attributes = values.push(&task.attributes);
                let priority = values.push(task.priority);
                let run_at = values.push(match task.lane {
                    Some(_) => lane::HELD,
                    None => task.run_at,
                });
                let lane = values.push(task.lane.as_deref());
                format!(
                    "(${id}, ${kind}, 'Pending', ${params}, ${attributes}, ${priority}, ${run_at}, \
                     ${at}, ${at}, ${lane})"
                )
            })
            .collect();
        tx.execute(
            AssertSqlSafe(format!(
                "INSERT INTO task (execution_id, kind, status, params, attributes, priority, \
                 run_at, created_at, updated_at, lane) VALUES {}",
                rows.join(", ")
            )),
            values,
        )
        .await?;
    }
    for name in tasks.iter().filter_map(|task| task.lane.as_deref()) {
        lane::advance_at_end(tx, name, now);
    }
    Ok(())
}

/// A task, wherever it belongs.
pub(crate) async fn find(db: &Db, id: TaskId) -> Result<Option<TaskRow>, DbError> {
    db.optional(
        AssertSqlSafe(format!("SELECT {COLUMNS} FROM task WHERE id = $1")),
        args![id],
    )
    .await
}

/// What clients may filter and sort by.
const ASKED: &[Column] = &[
    Column::new("id", "id", Kind::Integer),
    Column::new("vendor_type", "kind", Kind::Text),
    Column::new("status", "status", Kind::Text),
    Column::new("status_message", "message", Kind::Text),
    Column::new("run_count", "attempt", Kind::Integer),
    Column::new("creation_time", "created_at", Kind::Time),
    Column::new("start_time", "started_at", Kind::Time),
    Column::new("end_time", "ended_at", Kind::Time),
    Column::new("update_time", "updated_at", Kind::Time),
];

/// Which of an execution's tasks are listed.
pub(crate) struct Wanted<'a> {
    pub(crate) execution: ExecutionId,
    pub(crate) status: Option<Status>,
    pub(crate) q: &'a str,
    pub(crate) sort: &'a str,
}

/// A page of an execution's tasks, in the order they were made unless asked for in another, and
/// how many there are.
pub(crate) async fn list(
    db: &Db,
    wanted: &Wanted<'_>,
    limit: i64,
    offset: i64,
) -> Result<(Vec<TaskRow>, i64), JobsError> {
    let mut filter = Filter::new();
    let execution = filter.bind(wanted.execution);
    filter.and(format!("execution_id = {execution}"));
    if let Some(status) = wanted.status {
        let status = filter.bind(status);
        filter.and(format!("status = {status}"));
    }
    filter.and_query(wanted.q, ASKED)?;
    let order = order_by(wanted.sort, ASKED, "id", "id")?;
    let (condition, mut values) = (filter.sql(), filter.args());
    let (total,): (i64,) = db
        .one(
            AssertSqlSafe(format!("SELECT COUNT(*) FROM task WHERE {condition}")),
            values.clone(),
        )
        .await?;
    let (limit, offset) = (values.push(limit), values.push(offset));
    let rows = db
        .all(
            AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM task WHERE {condition} {order} \
                 LIMIT ${limit} OFFSET ${offset}"
            )),
            values,
        )
        .await?;
    Ok((rows, total))
}

/// How many tasks of an execution stand where; of one kind where it is given.
pub(crate) async fn counts(
    db: &Db,
    execution: ExecutionId,
    kind: Option<&str>,
    now: Timestamp,
) -> Result<Vec<(String, i64)>, DbError> {
    db.all(
        "SELECT CASE WHEN status = 'Pending' AND run_at > $2 THEN 'Scheduled' ELSE status END, \
         COUNT(*) FROM task WHERE execution_id = $1 AND ($3 IS NULL OR kind = $3) GROUP BY 1",
        args![execution, now, kind],
    )
    .await
}

/// Which tasks of an execution are stopped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Which {
    /// Those of this kind.
    pub(crate) kind: Option<String>,
    /// Those that were submitted with this, as it is written.
    pub(crate) params: Option<String>,
}

/// A task that was stopped before it began.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct StoppedRow {
    #[sqlx(try_from = "i64")]
    pub(crate) id: TaskId,
    pub(crate) kind: String,
    pub(crate) params: String,
}

/// Why a task never ran.
pub(crate) const NEVER_BEGAN: &str = "stopped before it began";

/// Stops those of an execution's tasks that wait.
pub(crate) async fn stop_waiting(
    tx: &mut Tx,
    execution: ExecutionId,
    which: &Which,
    now: Timestamp,
) -> Result<Vec<StoppedRow>, DbError> {
    tx.all(
        "UPDATE task SET status = 'Stopped', message = $3, ended_at = $2, \
         updated_at = $2 WHERE execution_id = $1 AND status = 'Pending' \
         AND ($4 IS NULL OR kind = $4) AND ($5 IS NULL OR params = $5) \
         RETURNING id, kind, params",
        args![
            execution,
            now,
            NEVER_BEGAN,
            which.kind.as_deref(),
            which.params.as_deref()
        ],
    )
    .await
}

/// Asks the workers of an execution's running tasks to stop them; gives how many they are.
pub(crate) async fn ask_to_stop(
    tx: &mut Tx,
    execution: ExecutionId,
    which: &Which,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE task SET stop_requested = TRUE WHERE execution_id = $1 AND status = 'Running' \
         AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR params = $3)",
        args![execution, which.kind.as_deref(), which.params.as_deref()],
    )
    .await
}

/// The job type of an execution's last task.
pub(crate) async fn last_kind(
    tx: &mut Tx,
    execution: ExecutionId,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .optional(
            "SELECT kind FROM task WHERE execution_id = $1 ORDER BY id DESC LIMIT 1",
            args![execution],
        )
        .await?;
    Ok(row.map(|(kind,)| kind))
}
