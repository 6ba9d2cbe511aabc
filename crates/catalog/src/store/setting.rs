//! The table `setting`: one row a changed key, its value as JSON.

use berth_db::{Db, Tx, args};
use berth_model::Timestamp;

use crate::CatalogError;

/// Rows of this table that are no setting but a mark of what was done once.
pub(crate) const MARK_PREFIX: &str = "mark:";

pub(crate) async fn load(db: &Db) -> Result<Vec<(String, String)>, CatalogError> {
    let rows: Vec<(String, String)> = db
        .all("SELECT name, value FROM setting LIMIT 1000", args![])
        .await?;
    let settings = rows
        .into_iter()
        .filter(|(name, _)| !name.starts_with(MARK_PREFIX));
    Ok(settings.collect())
}

pub(crate) async fn put(
    tx: &mut Tx,
    name: &str,
    value: &str,
    now: Timestamp,
) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO setting (name, value, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        args![name, value, now],
    )
    .await?;
    Ok(())
}

/// Leaves a mark; `false` when it is there already. Two replicas that try at once: one gets true.
pub(crate) async fn mark(tx: &mut Tx, name: &str, now: Timestamp) -> Result<bool, CatalogError> {
    let added = tx
        .execute(
            "INSERT INTO setting (name, value, updated_at) VALUES ($1, 'true', $2) \
             ON CONFLICT (name) DO NOTHING",
            args![format!("{MARK_PREFIX}{name}"), now],
        )
        .await?;
    Ok(added == 1)
}
