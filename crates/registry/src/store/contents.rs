//! Rows of `project_content`: what a project holds, each digest once, and how often.
//!
//! Invariant: whoever makes or removes a link or a manifest says so here, in the same transaction.
//! What was said is written at its end, in the order of projects and digests, and after it the
//! quota is charged: the rows that many pushes share are locked last, for the shortest time, and
//! in one order.

use std::collections::BTreeMap;

use berth_catalog::{QuotaPush, charge};
use berth_db::{
    Args, AssertSqlSafe, AtEnd, Db, DbError, Engine, Tx, args, chunk_of, placeholders, rows_of,
};
use berth_model::{ProjectId, RepositoryId};
use futures_util::future::BoxFuture;

/// A project holds a digest once more than before.
pub fn hold(tx: &mut Tx, project: ProjectId, digest: &str, size: i64) {
    change(tx, project, digest, size, 1);
}

/// A project holds a digest once less than before.
pub fn let_go(tx: &mut Tx, project: ProjectId, digest: &str, size: i64) {
    change(tx, project, digest, size, -1);
}

/// What this transaction adds is for `push`, and may pass limits unless they are `enforced`.
pub(crate) fn limit(tx: &mut Tx, enforced: bool, push: QuotaPush) {
    tx.at_end(|contents: &mut Contents| {
        contents.unlimited = !enforced;
        contents.push = Some(push);
    });
}

fn change(tx: &mut Tx, project: ProjectId, digest: &str, size: i64, holders: i64) {
    tx.at_end(|contents: &mut Contents| {
        let digests = contents.changes.entry(project.get()).or_default();
        let change = digests.entry(digest.to_owned()).or_default();
        change.size = size;
        change.holders += holders;
    });
}

/// What a transaction changes in the contents of projects.
#[derive(Default)]
struct Contents {
    changes: BTreeMap<i64, BTreeMap<String, Change>>,
    unlimited: bool,
    push: Option<QuotaPush>,
    /// Bytes to be charged beside those.
    charges: BTreeMap<i64, i64>,
}

#[derive(Clone, Copy, Default)]
struct Change {
    size: i64,
    holders: i64,
}

impl AtEnd for Contents {
    fn run(self: Box<Self>, tx: &mut Tx) -> BoxFuture<'_, Result<(), DbError>> {
        Box::pin(async move {
            let mut charges = self.charges;
            for (project, changes) in self.changes {
                let changes: Vec<(String, Change)> = changes
                    .into_iter()
                    .filter(|(_, change)| change.holders != 0)
                    .collect();
                let mut left = changes.as_slice();
                while !left.is_empty() {
                    let (chunk, rest) = left.split_at(chunk_of(left.len()));
                    *charges.entry(project).or_default() += write(tx, project, chunk).await?;
                    left = rest;
                }
            }
            for (project, bytes) in charges {
                if bytes != 0 {
                    let (project, push) = (ProjectId(project), self.push.as_ref());
                    charge(tx, project, bytes, !self.unlimited, push).await?;
                }
            }
            Ok(())
        })
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    digest: String,
    size: i64,
    holders: i64,
}

/// Writes changes, ordered by digest. Gives the bytes by which the project grew.
async fn write(tx: &mut Tx, project: i64, changes: &[(String, Change)]) -> Result<i64, DbError> {
    let mut values = Args::new();
    for (digest, change) in changes {
        values.push(project);
        values.push(digest.as_str());
        values.push(change.size);
        values.push(change.holders);
    }
    let sql = format!(
        "INSERT INTO project_content (project_id, digest, size, holders) VALUES {} \
         ON CONFLICT (project_id, digest) \
         DO UPDATE SET holders = project_content.holders + excluded.holders \
         RETURNING digest, size, holders",
        rows_of(changes.len(), 4)
    );
    let after: Vec<Row> = tx.all(AssertSqlSafe(sql), values).await?;
    let mut grown = 0;
    let mut gone = args![project];
    for row in after {
        let changed = changes
            .binary_search_by(|(digest, _)| digest.cmp(&row.digest))
            .map_or(0, |at| changes[at].1.holders);
        let (was_there, is_there) = (row.holders > changed, row.holders > 0);
        match (was_there, is_there) {
            (false, true) => grown += row.size,
            (true, false) => grown -= row.size,
            _ => {}
        }
        if !is_there {
            gone.push(row.digest);
        }
    }
    if gone.len() > 1 {
        let sql = format!(
            "DELETE FROM project_content WHERE project_id = $1 AND digest IN ({})",
            placeholders(2, gone.len() - 1)
        );
        tx.execute(AssertSqlSafe(sql), gone).await?;
    }
    Ok(grown)
}

const BLOBS: &str = "SELECT b.digest FROM repository_blob l JOIN blob b ON b.id = l.blob_id \
     WHERE l.repository_id = $2";
const MANIFESTS: &str = "SELECT digest FROM manifest WHERE repository_id = $2";

/// A project holds nothing through this repository any more, which is held for its deletion and
/// about to be emptied. Costs a few statements however much there is.
pub(crate) async fn let_go_of_all(
    tx: &mut Tx,
    project: ProjectId,
    repository: RepositoryId,
) -> Result<(), DbError> {
    let held = format!("project_id = $1 AND digest IN ({BLOBS} UNION {MANIFESTS})");
    if tx.engine() == Engine::Postgres {
        // What a collection or a deletion has locked already is waited for before the rows are
        // taken that these take at their end; then the rows, in the order of everybody.
        for rows in [
            "SELECT blob_id FROM repository_blob WHERE repository_id = $1 ORDER BY blob_id",
            "SELECT id FROM manifest WHERE repository_id = $1 ORDER BY id",
        ] {
            let sql = format!("SELECT COUNT(*) FROM ({rows} FOR UPDATE) locked");
            let _: (i64,) = tx.one(AssertSqlSafe(sql), args![repository]).await?;
        }
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT digest FROM project_content WHERE {held} \
             ORDER BY digest FOR UPDATE) locked"
        );
        let _: (i64,) = tx
            .one(AssertSqlSafe(sql), args![project, repository])
            .await?;
    }
    for digests in [BLOBS, MANIFESTS] {
        let sql = format!(
            "UPDATE project_content SET holders = holders - 1 \
             WHERE project_id = $1 AND digest IN ({digests})"
        );
        tx.execute(AssertSqlSafe(sql), args![project, repository])
            .await?;
    }
    let gone = format!("{held} AND holders <= 0");
    let sql =
        format!("SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM project_content WHERE {gone}");
    let (freed,): (i64,) = tx
        .one(AssertSqlSafe(sql), args![project, repository])
        .await?;
    let sql = format!("DELETE FROM project_content WHERE {gone}");
    tx.execute(AssertSqlSafe(sql), args![project, repository])
        .await?;
    tx.at_end(|contents: &mut Contents| {
        *contents.charges.entry(project.get()).or_default() -= freed;
    });
    Ok(())
}

/// Whether a project holds a digest, so that to hold it once more costs nothing.
pub(crate) async fn holds(db: &Db, project: ProjectId, digest: &str) -> Result<bool, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT size FROM project_content WHERE project_id = $1 AND digest = $2",
            args![project, digest],
        )
        .await?;
    Ok(row.is_some())
}

/// Whether a project holds anything of at least `size` bytes.
pub(crate) async fn holds_any_of(db: &Db, project: ProjectId, size: i64) -> Result<bool, DbError> {
    let row: Option<(i64,)> = db
        .optional(
            "SELECT size FROM project_content WHERE project_id = $1 AND size >= $2 LIMIT 1",
            args![project, size],
        )
        .await?;
    Ok(row.is_some())
}
