//! The writing half of the table `access_log`.

pub(super) mod outbox;

use berth_db::{Args, AssertSqlSafe, DbError, Tx, args, chunk_of, rows_of};

use serde_json::Value;

use super::{Entry, FORWARD_ONLY, FORWARD_TO, MUTED};

/// What the settings say of lines.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// The names of the muted events.
    pub(super) muted: Vec<String>,
    /// Lines go to a log server.
    pub(super) forwarded: bool,
    /// And there only.
    pub(super) forward_only: bool,
}

/// Read in the transaction, so that a change of a setting holds for every replica from its commit
/// on.
pub(super) async fn rules(tx: &mut Tx) -> Result<Rules, DbError> {
    let rows: Vec<(String, String)> = tx
        .all(
            "SELECT name, value FROM setting WHERE name IN ($1, $2, $3)",
            args![MUTED, FORWARD_TO, FORWARD_ONLY],
        )
        .await?;
    let mut rules = Rules::default();
    for (name, json) in rows {
        // Settings are kept as JSON.
        let Ok(value) = serde_json::from_str::<Value>(&json) else {
            continue;
        };
        let text = value.as_str().unwrap_or_default();
        if name == MUTED {
            let names = text.split(',').map(str::trim);
            rules.muted = names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
        } else if name == FORWARD_TO {
            rules.forwarded = !text.is_empty();
        } else {
            rules.forward_only = value == Value::Bool(true);
        }
    }
    Ok(rules)
}

pub(super) fn insert(tx: &mut Tx, rows: &[(Entry, i64)]) {
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
        tx.later(AssertSqlSafe(sql), args);
    }
}
