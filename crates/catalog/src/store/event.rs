//! Rows of `event` and `event_listener`.

use std::collections::HashSet;

use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, chunk_of, placeholders, rows_of};
use berth_model::{Event, EventKind, Happening, ProjectId, Timestamp};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    project_id: i64,
    at: i64,
    operator: String,
    what: String,
}

/// Writes the events whose kind somebody listens to, in their order; gives their number.
pub(crate) async fn insert(tx: &mut Tx, events: &[Event]) -> Result<u64, DbError> {
    let mut written = 0;
    let mut rest = events;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for (n, event) in chunk.iter().enumerate() {
            let what = serde_json::to_string(&event.what)
                .map_err(|error| DbError::Engine(sqlx::Error::Encode(Box::new(error))))?;
            values.push(n as i64);
            values.push(event.project);
            values.push(event.what.kind().as_str());
            values.push(event.at);
            values.push(&event.operator);
            values.push(what);
        }
        let sql = format!(
            "WITH v (n, project_id, kind, at, operator, what) AS (VALUES {}) \
             INSERT INTO event (project_id, at, operator, what) \
             SELECT v.project_id, v.at, v.operator, v.what FROM v \
             JOIN event_listener l ON l.project_id = v.project_id AND l.kind = v.kind \
             ORDER BY v.n RETURNING id",
            rows_of(chunk.len(), 6)
        );
        let ids: Vec<(i64,)> = tx.all(AssertSqlSafe(sql), values).await?;
        written += ids.len() as u64;
    }
    Ok(written)
}

pub(crate) async fn is_heard(
    tx: &mut Tx,
    project: ProjectId,
    kind: EventKind,
) -> Result<bool, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "SELECT project_id FROM event_listener WHERE project_id = $1 AND kind = $2",
            args![project, kind.as_str()],
        )
        .await?;
    Ok(row.is_some())
}

pub(crate) async fn is_heard_anywhere(tx: &mut Tx, kind: EventKind) -> Result<bool, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "SELECT project_id FROM event_listener WHERE kind = $1 LIMIT 1",
            args![kind.as_str()],
        )
        .await?;
    Ok(row.is_some())
}

pub(crate) async fn projects_hearing(
    db: &Db,
    kind: EventKind,
) -> Result<HashSet<ProjectId>, DbError> {
    let rows: Vec<(i64,)> = db
        .all(
            "SELECT project_id FROM event_listener WHERE kind = $1",
            args![kind.as_str()],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| ProjectId(id)).collect())
}

pub(crate) async fn set_listeners(
    tx: &mut Tx,
    project: ProjectId,
    kinds: &[EventKind],
) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM event_listener WHERE project_id = $1",
        args![project],
    )
    .await?;
    if kinds.is_empty() {
        return Ok(());
    }
    let mut values = Args::new();
    for kind in kinds {
        values.push(project);
        values.push(kind.as_str());
    }
    let sql = format!(
        "INSERT INTO event_listener (project_id, kind) VALUES {} ON CONFLICT DO NOTHING",
        rows_of(kinds.len(), 2)
    );
    tx.execute(AssertSqlSafe(sql), values).await?;
    Ok(())
}

/// The oldest events, oldest first; `None` for one that cannot be read.
pub(crate) async fn oldest(db: &Db, most: i64) -> Result<Vec<(i64, Option<Event>)>, DbError> {
    let rows: Vec<Row> = db
        .all(
            "SELECT id, project_id, at, operator, what FROM event ORDER BY id LIMIT $1",
            args![most],
        )
        .await?;
    let read = rows.into_iter().map(|row| {
        let what = serde_json::from_str::<Happening>(&row.what)
            .inspect_err(|error| {
                tracing::error!(id = row.id, %error, "an event cannot be read and is dropped");
            })
            .ok();
        let event = what.map(|what| Event {
            project: ProjectId(row.project_id),
            at: Timestamp::from_micros(row.at),
            operator: row.operator,
            what,
        });
        (row.id, event)
    });
    Ok(read.collect())
}

/// Deletes events; gives the ids of those that were there.
pub(crate) async fn delete(tx: &mut Tx, ids: &[i64]) -> Result<HashSet<i64>, DbError> {
    let mut ids = ids.to_vec();
    // In one order, so that of two processes one waits for the other.
    ids.sort_unstable();
    let mut gone = HashSet::new();
    let mut rest = ids.as_slice();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for id in chunk {
            values.push(*id);
        }
        let sql = format!(
            "DELETE FROM event WHERE id IN ({}) RETURNING id",
            placeholders(1, chunk.len())
        );
        let rows: Vec<(i64,)> = tx.all(AssertSqlSafe(sql), values).await?;
        gone.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(gone)
}

pub(crate) async fn is_empty(db: &Db) -> Result<bool, DbError> {
    let row: Option<(i64,)> = db
        .optional("SELECT id FROM event ORDER BY id LIMIT 1", args![])
        .await?;
    Ok(row.is_none())
}
