//! Lanes: tasks that run one after the other, in the order they were made.
//!
//! A task with a lane waits far in the future until it is its turn. Invariant: a lane with waiting
//! tasks has a row in `job_lane`, and its row is locked while somebody looks whose turn it is. A
//! task gives its turn up when it ends or goes back to the queue to be tried again.

use std::collections::BTreeMap;

use berth_db::{AssertSqlSafe, AtEnd, Db, DbError, Tx, args};
use berth_model::Timestamp;
use futures_util::future::BoxFuture;

/// When a task runs that waits for its turn: the year 9999.
pub(crate) const HELD: Timestamp = Timestamp::from_seconds(253_370_764_800);

/// Who has the turn, if it still does.
const KEEPS: &str = "(t.status = 'Running' OR (t.status = 'Pending' AND t.attempt = 0))";

/// Lanes that got tasks, and when. In the order of their names, in which all lock them.
#[derive(Default)]
struct Waiting(BTreeMap<String, Timestamp>);

impl AtEnd for Waiting {
    fn run(self: Box<Self>, tx: &mut Tx) -> BoxFuture<'_, Result<(), DbError>> {
        Box::pin(async move {
            for (lane, now) in self.0 {
                advance(tx, &lane, now).await?;
            }
            Ok(())
        })
    }
}

/// As [`advance`], once for all tasks that this transaction makes.
pub(crate) fn advance_at_end(tx: &mut Tx, lane: &str, now: Timestamp) {
    tx.at_end(|waiting: &mut Waiting| {
        if !waiting.0.contains_key(lane) {
            waiting.0.insert(lane.to_owned(), now);
        }
    });
}

/// Gives the turn to the next task of a lane, if nobody has it.
pub(crate) async fn advance(tx: &mut Tx, lane: &str, now: Timestamp) -> Result<(), DbError> {
    // What waits is read after this lock is held, so that whoever comes second sees the first.
    let (holder,): (Option<i64>,) = tx
        .one(
            "INSERT INTO job_lane (lane) VALUES ($1) \
             ON CONFLICT (lane) DO UPDATE SET lane = excluded.lane RETURNING task_id",
            args![lane],
        )
        .await?;
    let sql = format!("SELECT t.id FROM task t WHERE t.id = $1 AND {KEEPS}");
    let kept: Option<(i64,)> = match holder {
        Some(holder) => tx.optional(AssertSqlSafe(sql), args![holder]).await?,
        None => None,
    };
    if kept.is_some() {
        return Ok(());
    }
    let (next,): (Option<i64>,) = tx
        .one(
            "SELECT MIN(id) FROM task WHERE lane = $1 AND status = 'Pending' AND run_at = $2",
            args![lane, HELD],
        )
        .await?;
    let Some(next) = next else {
        tx.execute("DELETE FROM job_lane WHERE lane = $1", args![lane])
            .await?;
        return Ok(());
    };
    tx.execute(
        "UPDATE task SET run_at = $2 WHERE id = $1",
        args![next, now],
    )
    .await?;
    tx.execute(
        "UPDATE job_lane SET task_id = $2 WHERE lane = $1",
        args![lane, next],
    )
    .await?;
    Ok(())
}

/// Lanes whose turn is nobody's any more.
pub(crate) async fn free(db: &Db, limit: i64) -> Result<Vec<String>, DbError> {
    let sql = format!(
        "SELECT l.lane FROM job_lane l LEFT JOIN task t ON t.id = l.task_id AND {KEEPS} \
         WHERE t.id IS NULL ORDER BY l.lane LIMIT $1"
    );
    let rows: Vec<(String,)> = db.all(AssertSqlSafe(sql), args![limit]).await?;
    Ok(rows.into_iter().map(|(lane,)| lane).collect())
}
