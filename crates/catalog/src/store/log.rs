//! The reading half of the table `access_log`; the accounts' crate writes it.

use berth_db::{AssertSqlSafe, Db};
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
