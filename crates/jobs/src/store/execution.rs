//! Rows of `execution`.

use berth_db::query::{Column, Filter as Conditions, Kind, order_by};
use berth_db::{AssertSqlSafe, Db, DbError, Tx, args};
use berth_model::{ExecutionId, Timestamp};

use crate::{JobsError, Status, Trigger};

/// A row of `execution`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ExecutionRow {
    #[sqlx(try_from = "i64")]
    pub(crate) id: ExecutionId,
    pub(crate) vendor: String,
    pub(crate) vendor_id: i64,
    #[sqlx(try_from = "String")]
    pub(crate) started_by: Trigger,
    #[sqlx(try_from = "String")]
    pub(crate) status: Status,
    pub(crate) message: String,
    pub(crate) attributes: String,
    pub(crate) tasks: i64,
    pub(crate) succeeded: i64,
    pub(crate) failed: i64,
    pub(crate) stopped: i64,
    pub(crate) started_at: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) updated_at: i64,
}

const COLUMNS: &str = "id, vendor, vendor_id, started_by, status, message, attributes, tasks, \
    succeeded, failed, stopped, started_at, ended_at, updated_at";

/// What a new execution is made of.
pub(crate) struct New<'a> {
    pub(crate) vendor: &'a str,
    pub(crate) vendor_id: i64,
    pub(crate) trigger: Trigger,
    pub(crate) attributes: String,
    pub(crate) unique: Option<&'a str>,
    /// How many tasks are made with it.
    pub(crate) tasks: i64,
}

/// Makes an execution, but not its tasks. `None`: an unfinished one has the same unique key.
pub(crate) async fn insert(
    tx: &mut Tx,
    new: New<'_>,
    now: Timestamp,
) -> Result<Option<ExecutionId>, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "INSERT INTO execution (vendor, vendor_id, started_by, status, attributes, unique_key, \
             started_at, updated_at, tasks) VALUES ($1, $2, $3, 'Pending', $4, $5, $6, $6, $7) \
             ON CONFLICT (unique_key) WHERE ended_at IS NULL DO NOTHING RETURNING id",
            args![
                new.vendor,
                new.vendor_id,
                new.trigger,
                new.attributes,
                new.unique,
                now,
                new.tasks,
            ],
        )
        .await?;
    Ok(row.map(|(id,)| ExecutionId(id)))
}

/// `count` more tasks belong to it.
pub(crate) async fn add_tasks(
    tx: &mut Tx,
    id: ExecutionId,
    count: i64,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE execution SET tasks = tasks + $2, updated_at = $3 WHERE id = $1",
        args![id, count, now],
    )
    .await?;
    Ok(())
}

/// One of its tasks runs.
pub(crate) async fn running(tx: &mut Tx, id: ExecutionId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "UPDATE execution SET status = 'Running', updated_at = $2 \
         WHERE id = $1 AND status = 'Pending'",
        args![id, now],
    )
    .await?;
    Ok(())
}

/// `count` of its tasks have ended so. Gives its final status when they were the last.
pub(crate) async fn ended(
    tx: &mut Tx,
    id: ExecutionId,
    status: Status,
    count: i64,
    message: &str,
    now: Timestamp,
) -> Result<Option<Status>, DbError> {
    let share = |of: Status| if of == status { count } else { 0 };
    let row: Option<ExecutionRow> = tx
        .optional(
            AssertSqlSafe(format!(
                "UPDATE execution SET succeeded = succeeded + $2, failed = failed + $3, \
                 stopped = stopped + $4, updated_at = $5, \
                 message = CASE WHEN $6 = '' THEN message ELSE $6 END \
                 WHERE id = $1 RETURNING {COLUMNS}"
            )),
            args![
                id,
                share(Status::Success),
                share(Status::Error),
                share(Status::Stopped),
                now,
                message
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.succeeded + row.failed + row.stopped < row.tasks {
        return Ok(None);
    }
    let last = match (row.failed, row.stopped) {
        (0, 0) => Status::Success,
        (0, _) => Status::Stopped,
        _ => Status::Error,
    };
    tx.execute(
        "UPDATE execution SET status = $2, ended_at = $3, updated_at = $3 WHERE id = $1",
        args![id, last, now],
    )
    .await?;
    Ok(Some(last))
}

/// Replaces what the vendor says of it.
pub(crate) async fn set_attributes(
    tx: &mut Tx,
    id: ExecutionId,
    attributes: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE execution SET attributes = $2, updated_at = $3 WHERE id = $1",
        args![id, attributes, now],
    )
    .await?;
    Ok(())
}

/// One execution of a vendor; of any policy where `vendor_id` is `None`.
pub(crate) async fn find(
    db: &Db,
    vendor: &str,
    vendor_id: Option<i64>,
    id: ExecutionId,
) -> Result<Option<ExecutionRow>, DbError> {
    db.optional(
        AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM execution \
             WHERE id = $1 AND vendor = $2 AND ($3 IS NULL OR vendor_id = $3)"
        )),
        args![id, vendor, vendor_id],
    )
    .await
}

/// The conditions of a list.
pub(crate) struct Filter<'a> {
    pub(crate) vendors: &'a [&'a str],
    pub(crate) vendor_id: Option<i64>,
    pub(crate) status: Option<Status>,
    pub(crate) trigger: Option<Trigger>,
    pub(crate) q: &'a str,
    pub(crate) sort: &'a str,
}

/// What clients may filter and sort by: the names of executions, and those that upkeep's history
/// has for the same.
const ASKED: &[Column] = &[
    Column::new("id", "id", Kind::Integer),
    Column::new("vendor_type", "vendor", Kind::Text),
    Column::new("vendor_id", "vendor_id", Kind::Integer),
    Column::new("status", "status", Kind::Text),
    Column::new("job_status", "status", Kind::Text),
    Column::new("status_message", "message", Kind::Text),
    Column::new("trigger", "started_by", Kind::Text),
    Column::new("job_kind", "started_by", Kind::Text),
    Column::new("start_time", "started_at", Kind::Time),
    Column::new("creation_time", "started_at", Kind::Time),
    Column::new("end_time", "ended_at", Kind::Time),
    Column::new("update_time", "updated_at", Kind::Time),
];

impl Filter<'_> {
    fn conditions(&self) -> Result<Conditions, JobsError> {
        let mut conditions = Conditions::new();
        let vendors: Vec<String> = self
            .vendors
            .iter()
            .map(|vendor| conditions.bind(*vendor))
            .collect();
        conditions.and(format!("vendor IN ({})", vendors.join(", ")));
        if let Some(id) = self.vendor_id {
            let id = conditions.bind(id);
            conditions.and(format!("vendor_id = {id}"));
        }
        if let Some(status) = self.status {
            let status = conditions.bind(status);
            conditions.and(format!("status = {status}"));
        }
        if let Some(trigger) = self.trigger {
            let trigger = conditions.bind(trigger);
            conditions.and(format!("started_by = {trigger}"));
        }
        conditions.and_query(self.q, ASKED)?;
        Ok(conditions)
    }
}

/// A page of executions, newest first unless asked for in another order, and how many there are.
pub(crate) async fn list(
    db: &Db,
    filter: &Filter<'_>,
    limit: i64,
    offset: i64,
) -> Result<(Vec<ExecutionRow>, i64), JobsError> {
    let conditions = filter.conditions()?;
    let order = order_by(filter.sort, ASKED, "id DESC", "id DESC")?;
    let (condition, values) = (conditions.sql(), conditions.args());
    let (total,): (i64,) = db
        .one(
            AssertSqlSafe(format!("SELECT COUNT(*) FROM execution WHERE {condition}")),
            values.clone(),
        )
        .await?;
    let mut values = values;
    let limit = values.push(limit);
    let offset = values.push(offset);
    let rows = db
        .all(
            AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM execution WHERE {condition} \
                 {order} LIMIT ${limit} OFFSET ${offset}"
            )),
            values,
        )
        .await?;
    Ok((rows, total))
}

/// The newest finished execution that is one too many when `keep` are kept.
pub(crate) async fn beyond(
    db: &Db,
    vendor: &str,
    vendor_id: i64,
    keep: i64,
) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT id FROM execution WHERE vendor = $1 AND vendor_id = $2 \
             AND ended_at IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET $3",
            args![vendor, vendor_id, keep],
        )
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Forgets up to `limit` finished executions from `newest` back, with their tasks and logs.
pub(crate) async fn forget(
    tx: &mut Tx,
    vendor: &str,
    vendor_id: i64,
    newest: i64,
    limit: i64,
) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM execution WHERE id IN (SELECT id FROM execution WHERE vendor = $1 \
         AND vendor_id = $2 AND id <= $3 AND ended_at IS NOT NULL ORDER BY id LIMIT $4)",
        args![vendor, vendor_id, newest, limit],
    )
    .await
}

/// Which policy of which vendor an execution is of.
pub(crate) async fn vendor_of(db: &Db, id: ExecutionId) -> Result<Option<(String, i64)>, DbError> {
    db.optional(
        "SELECT vendor, vendor_id FROM execution WHERE id = $1",
        args![id],
    )
    .await
}
