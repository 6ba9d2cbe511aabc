//! Pull counts of repositories, manifests and tags.
//!
//! `manifest` and `tag` belong to the registry crate. Their counters alone are written here,
//! because they are gathered with the access log and written in its transaction.

use berth_db::{Args, AssertSqlSafe, Tx, chunk_of, rows_of};

use crate::CatalogError;
use crate::recorder::Pulls;

const REPOSITORY: &str = "UPDATE repository SET pull_count = pull_count + v.n FROM v \
     WHERE repository.id = v.id";
const MANIFEST: &str = "UPDATE manifest SET pull_count = pull_count + v.n, pulled_at = CASE \
     WHEN v.at > 0 AND (pulled_at IS NULL OR pulled_at < v.at) THEN v.at ELSE pulled_at END FROM v \
     WHERE manifest.id = v.id";
const TAG: &str = "UPDATE tag SET pulled_at = CASE \
     WHEN pulled_at IS NULL OR pulled_at < v.at THEN v.at ELSE pulled_at END FROM v \
     WHERE tag.id = v.id";

/// Adds what was counted to the rows; a row that is gone is passed over.
pub(crate) async fn add(tx: &mut Tx, pulls: &Pulls) -> Result<(), CatalogError> {
    let repositories = pulls.repositories.iter();
    update(
        tx,
        REPOSITORY,
        repositories.map(|(id, n)| (id.get(), *n, 0)).collect(),
    )
    .await?;
    let manifests = pulls.manifests.iter();
    let manifests = manifests.map(|(id, (n, at))| (id.get(), *n, at.micros()));
    update(tx, MANIFEST, manifests.collect()).await?;
    let tags = pulls.tags.iter().map(|(id, at)| (id.get(), 0, at.micros()));
    update(tx, TAG, tags.collect()).await
}

async fn update(
    tx: &mut Tx,
    sql: &'static str,
    mut rows: Vec<(i64, i64, i64)>,
) -> Result<(), CatalogError> {
    // In one order everywhere, so that two replicas rarely wait for each other in a circle.
    rows.sort_unstable();
    let mut rest = rows.as_slice();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_of(rest.len()));
        rest = after;
        let mut args = Args::new();
        for (id, n, at) in chunk {
            args.push(*id);
            args.push(*n);
            args.push(*at);
        }
        let values = rows_of(chunk.len(), 3);
        let sql = format!("WITH v (id, n, at) AS (VALUES {values}) {sql}");
        tx.execute(AssertSqlSafe(sql), args).await?;
    }
    Ok(())
}
