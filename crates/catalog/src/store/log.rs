//! The table `access_log`.

use berth_db::{Args, AssertSqlSafe, Db, Tx, placeholders};
use berth_model::Timestamp;

use crate::query::Filter;
use crate::{AuditEntry, CatalogError, Entry};

/// How many of `left` rows the next statement takes. Few sizes, so that their statements stay
/// prepared.
pub(crate) const fn chunk_of(left: usize) -> usize {
    match left {
        64.. => 64,
        16.. => 16,
        4.. => 4,
        _ => 1,
    }
}

/// `($1, $2), ($3, $4), …`: the placeholders of `rows` rows.
pub(crate) fn rows_of(rows: usize, columns: usize) -> String {
    let rows: Vec<String> = (0..rows)
        .map(|row| format!("({})", placeholders(row * columns + 1, columns)))
        .collect();
    rows.join(", ")
}

/// Adds lines, each with how many times it happened.
pub(crate) async fn insert(tx: &mut Tx, rows: &[(Entry, i64)]) -> Result<(), CatalogError> {
    let mut rest = rows;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut args = Args::new();
        for (entry, times) in chunk {
            args.push(entry.at);
            args.push(&entry.username);
            args.push(&entry.address);
            args.push(&entry.operation);
            args.push(&entry.resource_type);
            args.push(&entry.resource);
            args.push(entry.project_id);
            args.push(&entry.repository);
            args.push(&entry.tag);
            args.push(&entry.digest);
            args.push(*times);
        }
        let values = rows_of(chunk.len(), 11);
        let sql = format!(
            "INSERT INTO access_log (at, username, address, operation, resource_type, resource, \
             project_id, repository, tag, digest, times) VALUES {values}"
        );
        tx.execute(AssertSqlSafe(sql), args).await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    username: String,
    address: String,
    operation: String,
    resource_type: String,
    resource: String,
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
        "SELECT id, at, username, address, operation, resource_type, resource, times \
         FROM access_log l WHERE {condition} {order} LIMIT ${limit} OFFSET ${offset}"
    );
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), args).await?;
    Ok((rows.into_iter().map(AuditEntry::from).collect(), total))
}
