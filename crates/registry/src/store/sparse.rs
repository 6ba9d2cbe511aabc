//! Manifests whose parts are not all here, and the difference between a part that a repository
//! never held and one that it lost.
//!
//! Invariants: a part that comes after its manifest is needed by it from then on; a part that the
//! repository held once is never taken for one that its pusher left out on purpose.

use std::time::Duration;

use berth_db::{AssertSqlSafe, DbError, Tx, args, placeholders};
use berth_model::{RepositoryId, Timestamp};

use super::IN_LIST;

/// How long it is remembered that a repository lost a blob: longer than any push takes.
const REMEMBERED: Duration = Duration::from_hours(24 * 14);

/// Manifests of the repository that named this blob before it was here need it from now on.
///
/// Asked where a link is made and once more before one is removed: on PostgreSQL a push of the
/// manifest and one of the blob at the same moment do not see each other.
pub fn settle(tx: &mut Tx, repository: i64, blob: i64) {
    tx.later(
        "UPDATE manifest_reference SET blob_id = $2 WHERE repository_id = $1 AND blob_id IS NULL \
         AND child_digest = (SELECT digest FROM blob WHERE id = $2)",
        args![repository, blob],
    );
}

/// The repository held this blob until now. What was lost long ago is forgotten.
pub fn note_lost(tx: &mut Tx, repository: i64, digest: &str, now: Timestamp) {
    tx.later(
        "INSERT INTO lost_blob (repository_id, digest, lost_at) VALUES ($1, $2, $3) \
         ON CONFLICT (repository_id, digest) DO UPDATE SET lost_at = excluded.lost_at",
        args![repository, digest, now],
    );
    tx.later(
        "DELETE FROM lost_blob WHERE lost_at < $1",
        args![now.minus(REMEMBERED)],
    );
}

/// One of these digests, none of which the repository has live, that it held before.
pub(crate) async fn find_lost(
    tx: &mut Tx,
    repository: RepositoryId,
    digests: &[&str],
) -> Result<Option<String>, DbError> {
    for chunk in digests.chunks(IN_LIST) {
        let mut values = args![repository];
        for digest in chunk {
            values.push(*digest);
        }
        let list = placeholders(2, chunk.len());
        let lost: Option<(String,)> = tx
            .optional(
                AssertSqlSafe(format!(
                    "SELECT digest FROM lost_blob WHERE repository_id = $1 AND digest IN ({list}) \
                     UNION ALL \
                     SELECT b.digest FROM repository_blob l JOIN blob b ON b.id = l.blob_id \
                     WHERE l.repository_id = $1 AND b.digest IN ({list}) LIMIT 1"
                )),
                values,
            )
            .await?;
        if let Some((digest,)) = lost {
            return Ok(Some(digest));
        }
    }
    Ok(None)
}
