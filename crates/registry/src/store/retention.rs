//! What retention reads of a repository.

use berth_db::{Db, DbError, Tx, args};
use berth_model::{ManifestId, ProjectId, RepositoryId};

/// Rows read at once.
const PAGE: i64 = 5_000;

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct TagRow {
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) pushed_at: i64,
    pub(crate) pulled_at: Option<i64>,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct HeldRow {
    pub(crate) id: i64,
    pub(crate) digest: String,
    pub(crate) subject_digest: Option<String>,
    pub(crate) pushed_at: i64,
    pub(crate) pulled_at: Option<i64>,
    /// Since when nothing is known to need it.
    pub(crate) since: Option<i64>,
}

/// Every tag of a repository.
pub(crate) async fn tags(db: &Db, repository: RepositoryId) -> Result<Vec<TagRow>, DbError> {
    let mut all: Vec<TagRow> = Vec::new();
    loop {
        let last = all.last().map_or(String::new(), |tag| tag.name.clone());
        let page: Vec<TagRow> = db
            .all(
                "SELECT t.name, m.digest, t.pushed_at, t.pulled_at FROM tag t \
                 JOIN manifest m ON m.id = t.manifest_id \
                 WHERE t.repository_id = $1 AND t.name > $2 ORDER BY t.name LIMIT $3",
                args![repository, last, PAGE],
            )
            .await?;
        let more = page.len() as i64 == PAGE;
        all.extend(page);
        if !more {
            return Ok(all);
        }
    }
}

/// Every manifest of a repository.
pub(crate) async fn held(db: &Db, repository: RepositoryId) -> Result<Vec<HeldRow>, DbError> {
    let mut all: Vec<HeldRow> = Vec::new();
    loop {
        let last = all.last().map_or(0, |row| row.id);
        let page: Vec<HeldRow> = db
            .all(
                "SELECT m.id, m.digest, m.subject_digest, m.pushed_at, m.pulled_at, v.since \
                 FROM manifest m LEFT JOIN manifest_review v ON v.manifest_id = m.id \
                 WHERE m.repository_id = $1 AND m.id > $2 ORDER BY m.id LIMIT $3",
                args![repository, last, PAGE],
            )
            .await?;
        let more = page.len() as i64 == PAGE;
        all.extend(page);
        if !more {
            return Ok(all);
        }
    }
}

/// Every pair of an index and what it names.
pub(crate) async fn entries(
    db: &Db,
    repository: RepositoryId,
) -> Result<Vec<(i64, String)>, DbError> {
    let mut all: Vec<(i64, String)> = Vec::new();
    let (mut last, mut position) = (0, -1);
    loop {
        let page: Vec<(i64, i64, String)> = db
            .all(
                "SELECT c.manifest_id, c.position, c.child_digest FROM manifest_reference c \
                 WHERE c.repository_id = $1 AND c.kind = 'manifest' \
                 AND (c.manifest_id > $2 OR (c.manifest_id = $2 AND c.position > $3)) \
                 ORDER BY c.manifest_id, c.position LIMIT $4",
                args![repository, last, position, PAGE],
            )
            .await?;
        let Some((id, at, _)) = page.last() else {
            return Ok(all);
        };
        (last, position) = (*id, *at);
        all.extend(page.into_iter().map(|(id, _, digest)| (id, digest)));
    }
}

/// Repositories of a project after the row `after`.
pub(crate) async fn repositories(
    db: &Db,
    project: ProjectId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>, DbError> {
    db.all(
        "SELECT id, name FROM repository WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        args![project, after, limit],
    )
    .await
}

/// Since when nothing is known to need a manifest.
pub(crate) async fn since(tx: &mut Tx, manifest: ManifestId) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "SELECT since FROM manifest_review WHERE manifest_id = $1",
            args![manifest],
        )
        .await?;
    Ok(row.map(|(since,)| since))
}

/// When a tag was pointed to what it names.
pub(crate) async fn pushed_at(
    tx: &mut Tx,
    repository: RepositoryId,
    tag: &str,
) -> Result<Option<i64>, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "SELECT pushed_at FROM tag WHERE repository_id = $1 AND name = $2",
            args![repository, tag],
        )
        .await?;
    Ok(row.map(|(at,)| at))
}
