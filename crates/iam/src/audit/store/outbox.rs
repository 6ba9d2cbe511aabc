//! Rows of `audit_outbox` and `audit_forwarder`.

use berth_db::{Args, AssertSqlSafe, Db, DbError, Tx, args, chunk_of, placeholders, rows_of};
use berth_model::Timestamp;

use crate::audit::{Entry, outbox::Waiting};

pub(in crate::audit) async fn insert(tx: &mut Tx, rows: &[(Entry, i64)]) -> Result<(), DbError> {
    let mut rest = rows;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for (entry, times) in chunk {
            let line = serde_json::to_string(entry)
                .map_err(|error| DbError::Engine(sqlx::Error::Encode(Box::new(error))))?;
            values.push(line);
            values.push(*times);
        }
        let sql = format!(
            "INSERT INTO audit_outbox (line, times) VALUES {}",
            rows_of(chunk.len(), 2)
        );
        tx.execute(AssertSqlSafe(sql), values).await?;
    }
    Ok(())
}

pub(in crate::audit) async fn oldest(db: &Db, most: i64) -> Result<Vec<Waiting>, DbError> {
    let rows: Vec<(i64, String, i64)> = db
        .all(
            "SELECT id, line, times FROM audit_outbox ORDER BY id LIMIT $1",
            args![most],
        )
        .await?;
    let read = rows.into_iter().map(|(id, line, times)| Waiting {
        id,
        entry: serde_json::from_str(&line).ok(),
        times,
    });
    Ok(read.collect())
}

pub(in crate::audit) async fn delete(tx: &mut Tx, ids: &[i64]) -> Result<(), DbError> {
    let mut rest = ids;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut values = Args::new();
        for id in chunk {
            values.push(*id);
        }
        let sql = format!(
            "DELETE FROM audit_outbox WHERE id IN ({})",
            placeholders(1, chunk.len())
        );
        tx.execute(AssertSqlSafe(sql), values).await?;
    }
    Ok(())
}

pub(in crate::audit) async fn trim(tx: &mut Tx, most: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM audit_outbox WHERE id <= \
         (SELECT id FROM audit_outbox ORDER BY id DESC LIMIT 1 OFFSET $1)",
        args![most],
    )
    .await
}

pub(in crate::audit) async fn take_turn(
    tx: &mut Tx,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, DbError> {
    let taken = tx
        .execute(
            "INSERT INTO audit_forwarder (id, owner, until) VALUES (1, $1, $2) \
             ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, until = excluded.until \
             WHERE audit_forwarder.owner = excluded.owner OR audit_forwarder.until < $3",
            args![owner, until, now],
        )
        .await?;
    Ok(taken == 1)
}
