//! How many vulnerabilities there were, a row for each day.

use berth_db::{Db, DbError, Tx, args};
use berth_model::Timestamp;

use super::hub::{self, Totals};

/// What was counted at a moment.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct DayRow {
    /// The beginning of its day.
    pub(crate) day: i64,
    #[sqlx(flatten)]
    pub(crate) totals: Totals,
    pub(crate) scanned: i64,
    pub(crate) artifacts: i64,
}

/// Counts what is known now.
pub(crate) async fn count(db: &Db, day: Timestamp) -> Result<DayRow, DbError> {
    let totals = hub::totals(db).await?;
    let (artifacts, scanned) = hub::artifacts(db).await?;
    Ok(DayRow {
        day: day.micros(),
        totals,
        scanned,
        artifacts,
    })
}

/// Keeps what was counted of a day, in place of what was counted of it before.
pub(crate) async fn put(tx: &mut Tx, row: &DayRow) -> Result<(), DbError> {
    let totals = &row.totals;
    tx.execute(
        "INSERT INTO security_day (day, critical, high, medium, low, negligible, unknown, fixable, \
           scanned, artifacts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (day) DO UPDATE SET critical = excluded.critical, high = excluded.high, \
           medium = excluded.medium, low = excluded.low, negligible = excluded.negligible, \
           unknown = excluded.unknown, fixable = excluded.fixable, scanned = excluded.scanned, \
           artifacts = excluded.artifacts",
        args![
            row.day,
            totals.critical,
            totals.high,
            totals.medium,
            totals.low,
            totals.negligible,
            totals.unknown,
            totals.fixable,
            row.scanned,
            row.artifacts
        ],
    )
    .await?;
    Ok(())
}

/// Forgets the days before `first`.
pub(crate) async fn forget(tx: &mut Tx, first: Timestamp) -> Result<(), DbError> {
    tx.execute("DELETE FROM security_day WHERE day < $1", args![first])
        .await?;
    Ok(())
}

/// The days from `first` up to and without `end`, oldest first.
pub(crate) async fn days(
    db: &Db,
    first: Timestamp,
    end: Timestamp,
) -> Result<Vec<DayRow>, DbError> {
    db.all(
        "SELECT day, critical, high, medium, low, negligible, unknown, fixable, scanned, artifacts \
         FROM security_day WHERE day >= $1 AND day < $2 ORDER BY day",
        args![first, end],
    )
    .await
}
