//! The reading half of the table `access_log`; the accounts' crate writes it.

use berth_db::{Args, AssertSqlSafe, Db, Tx, args, placeholders};
use berth_model::Timestamp;

use crate::query::Filter;
use crate::{AuditEntry, CatalogError};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    username: String,
    address: String,
    operation: String,
    resource_type: String,
    resource: String,
    description: String,
    succeeded: bool,
    times: i64,
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: Timestamp::from_micros(row.at),
            username: row.username,
            address: row.address,
            operation: row.operation,
            resource_type: row.resource_type,
            resource: row.resource,
            description: row.description,
            succeeded: row.succeeded,
            times: row.times,
        }
    }
}

/// One page of the lines that `filter` finds, and how many there are in all.
pub(crate) async fn list(
    db: &Db,
    filter: &Filter,
    order: &str,
    limit: i64,
    offset: i64,
) -> Result<(Vec<AuditEntry>, i64), CatalogError> {
    let condition = filter.sql();
    let count = format!("SELECT COUNT(*) FROM access_log l WHERE {condition}");
    let (total,): (i64,) = db.one(AssertSqlSafe(count), filter.args()).await?;
    let mut args = filter.args();
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!(
        "SELECT id, at, username, address, operation, resource_type, resource, description, \
         succeeded, times \
         FROM access_log l WHERE {condition} {order} LIMIT ${limit} OFFSET ${offset}"
    );
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), args).await?;
    Ok((rows.into_iter().map(AuditEntry::from).collect(), total))
}

/// A line, as a purge looks at it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Old {
    pub(crate) id: i64,
    pub(crate) at: i64,
    pub(crate) operation: String,
    pub(crate) resource_type: String,
}

/// Lines older than `before`, the oldest first, after `last`.
pub(crate) async fn older_than(
    db: &Db,
    before: Timestamp,
    last: (i64, i64),
    limit: i64,
) -> Result<Vec<Old>, CatalogError> {
    let lines = db.all(
        "SELECT id, at, operation, resource_type FROM access_log WHERE at < $1 \
         AND (at > $2 OR (at = $2 AND id > $3)) ORDER BY at, id LIMIT $4",
        args![before, last.0, last.1, limit],
    );
    Ok(lines.await?)
}

pub(crate) async fn count_before(db: &Db, before: Timestamp) -> Result<u64, CatalogError> {
    let (count,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM access_log WHERE at < $1",
            args![before],
        )
        .await?;
    Ok(count.unsigned_abs())
}

pub(crate) async fn delete(tx: &mut Tx, ids: &[i64]) -> Result<(), CatalogError> {
    for chunk in ids.chunks(200) {
        let mut args = Args::new();
        for id in chunk {
            args.push(*id);
        }
        let ids = placeholders(1, chunk.len());
        let sql = format!("DELETE FROM access_log WHERE id IN ({ids})");
        tx.execute(AssertSqlSafe(sql), args).await?;
    }
    Ok(())
}
