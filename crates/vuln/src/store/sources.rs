//! Where feeds are fetched from: columns of `advisory_feed`.

use berth_db::{DbError, Tx, args};
use berth_model::Timestamp;

/// Makes a feed that was never imported; `None`: there is one by this name.
pub(crate) async fn create(
    tx: &mut Tx,
    name: &str,
    url: Option<&str>,
    binary_names: bool,
) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "INSERT INTO advisory_feed (name, revision, advisories, skipped, imports, \
               imported_at, url, binary_names) VALUES ($1, '', 0, 0, 0, 0, $2, $3) \
             ON CONFLICT (name) DO NOTHING RETURNING id",
            args![name, url, binary_names],
        )
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Changes where a feed comes from; what is known of the old address is forgotten.
pub(crate) async fn change(
    tx: &mut Tx,
    feed: i64,
    url: Option<&str>,
    binary_names: bool,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE advisory_feed SET url = $2, binary_names = $3, etag = NULL, problem = NULL \
             WHERE id = $1",
            args![feed, url, binary_names],
        )
        .await?;
    Ok(changed == 1)
}

/// Notes that an address was asked, what its content is known by, and what went wrong.
pub(crate) fn checked(
    tx: &mut Tx,
    feed: i64,
    etag: Option<&str>,
    problem: Option<&str>,
    now: Timestamp,
) {
    tx.later(
        "UPDATE advisory_feed SET checked_at = $2, etag = $3, problem = $4 WHERE id = $1",
        args![feed, now, etag, problem],
    );
}
