//! Rows of `schedule`.

use berth_db::query::{Column, Filter, Kind, order_by};
use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args};
use berth_model::Timestamp;

use crate::JobsError;

/// A row of `schedule`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ScheduleRow {
    pub(crate) id: i64,
    pub(crate) vendor: String,
    pub(crate) vendor_id: i64,
    pub(crate) cadence: String,
    pub(crate) cron: String,
    pub(crate) kind: String,
    pub(crate) params: String,
    pub(crate) next_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

const COLUMNS: &str =
    "id, vendor, vendor_id, cadence, cron, kind, params, next_at, created_at, updated_at";

/// What a schedule says.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) vendor: String,
    pub(crate) vendor_id: i64,
    pub(crate) cadence: String,
    pub(crate) cron: String,
    pub(crate) kind: String,
    pub(crate) params: String,
    pub(crate) next_at: Option<Timestamp>,
}

/// Makes a vendor's schedule; one that is there stays, or is replaced.
pub(crate) async fn put(
    tx: &mut Tx,
    new: &New,
    replace: bool,
    now: Timestamp,
) -> Result<(), DbError> {
    let conflict = if replace {
        "DO UPDATE SET cadence = excluded.cadence, cron = excluded.cron, kind = excluded.kind, \
         params = excluded.params, next_at = excluded.next_at, updated_at = excluded.updated_at"
    } else {
        "DO NOTHING"
    };
    tx.execute(
        AssertSqlSafe(format!(
            "INSERT INTO schedule (vendor, vendor_id, cadence, cron, kind, params, next_at, \
             created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
             ON CONFLICT (vendor, vendor_id) {conflict}"
        )),
        args![
            &new.vendor,
            new.vendor_id,
            &new.cadence,
            &new.cron,
            &new.kind,
            &new.params,
            new.next_at,
            now
        ],
    )
    .await?;
    Ok(())
}

/// Forgets a vendor's schedule.
pub(crate) async fn remove(tx: &mut Tx, vendor: &str, vendor_id: i64) -> Result<bool, DbError> {
    let removed = tx
        .execute(
            "DELETE FROM schedule WHERE vendor = $1 AND vendor_id = $2",
            args![vendor, vendor_id],
        )
        .await?;
    Ok(removed == 1)
}

/// A vendor's schedule.
pub(crate) async fn find(
    db: &Db,
    vendor: &str,
    vendor_id: i64,
) -> Result<Option<ScheduleRow>, DbError> {
    db.optional(
        AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM schedule WHERE vendor = $1 AND vendor_id = $2"
        )),
        args![vendor, vendor_id],
    )
    .await
}

/// What clients may filter and sort by.
const ASKED: &[Column] = &[
    Column::new("id", "id", Kind::Integer),
    Column::new("vendor_type", "vendor", Kind::Text),
    Column::new("vendor_id", "vendor_id", Kind::Integer),
    Column::new("cron", "cron", Kind::Text),
    Column::new("creation_time", "created_at", Kind::Time),
    Column::new("update_time", "updated_at", Kind::Time),
    Column::new("next_scheduled_time", "next_at", Kind::Time),
];

/// A page of the schedules that come true some time, and how many there are.
pub(crate) async fn list(
    db: &Db,
    (q, sort): (&str, &str),
    limit: i64,
    offset: i64,
) -> Result<(Vec<ScheduleRow>, i64), JobsError> {
    let mut filter = Filter::new();
    filter.and("next_at IS NOT NULL");
    filter.and_query(q, ASKED)?;
    let order = order_by(sort, ASKED, "id", "id")?;
    let (condition, mut values) = (filter.sql(), filter.args());
    let (total,): (i64,) = db
        .one(
            AssertSqlSafe(format!("SELECT COUNT(*) FROM schedule WHERE {condition}")),
            values.clone(),
        )
        .await?;
    let (limit, offset) = (values.push(limit), values.push(offset));
    let rows = db
        .all(
            AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM schedule WHERE {condition} {order} \
                 LIMIT ${limit} OFFSET ${offset}"
            )),
            values,
        )
        .await?;
    Ok((rows, total))
}

/// Schedules whose time has come.
pub(crate) async fn due(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<ScheduleRow>, DbError> {
    db.all(
        AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM schedule WHERE next_at <= $1 ORDER BY next_at LIMIT $2"
        )),
        args![now, limit],
    )
    .await
}

/// When the next schedule comes true.
pub(crate) async fn next(db: &Db) -> Result<Option<Timestamp>, DbError> {
    let (at,): (Option<i64>,) = db
        .one("SELECT MIN(next_at) FROM schedule", Args::new())
        .await?;
    Ok(at.map(Timestamp::from_micros))
}

/// Moves a schedule on to its next time. `false`: another process did.
pub(crate) async fn advance(
    tx: &mut Tx,
    row: &ScheduleRow,
    next_at: Option<Timestamp>,
) -> Result<bool, DbError> {
    let moved = tx
        .execute(
            "UPDATE schedule SET next_at = $3 WHERE id = $1 AND next_at = $2",
            args![row.id, row.next_at, next_at],
        )
        .await?;
    Ok(moved == 1)
}
