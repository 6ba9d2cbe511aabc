//! The writing half of the table `access_log`.

use berth_db::{Args, AssertSqlSafe, DbError, Tx, args, chunk_of, rows_of};

use super::{Entry, MUTED};

/// The names of the muted events. Read in the transaction, so that a change of the setting holds
/// for every replica from its commit on.
pub(super) async fn muted(tx: &mut Tx) -> Result<Vec<String>, DbError> {
    let row: Option<(String,)> = tx
        .optional("SELECT value FROM setting WHERE name = $1", args![MUTED])
        .await?;
    // Settings are kept as JSON.
    let names = row.and_then(|(json,)| serde_json::from_str::<String>(&json).ok());
    let names = names.unwrap_or_default();
    let names = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

pub(super) async fn insert(tx: &mut Tx, rows: &[(Entry, i64)]) -> Result<(), DbError> {
    const COLUMNS: usize = 13;
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
            args.push(&entry.description);
            args.push(!entry.failed);
            args.push(*times);
        }
        let sql = format!(
            "INSERT INTO access_log (at, username, address, operation, resource_type, resource, \
             project_id, repository, tag, digest, description, succeeded, times) VALUES {}",
            rows_of(chunk.len(), COLUMNS)
        );
        tx.execute(AssertSqlSafe(sql), args).await?;
    }
    Ok(())
}
