//! The OpenVEX documents of projects. Reads the registry's `manifest` and `manifest_reference` beside
//! this crate's tables, by their indexes.

use berth_db::{Db, DbError, Tx, args};
use berth_model::{ProjectId, Timestamp};

/// Indexes of an image that are looked at: the newest.
const MOST_INDEXES: i64 = 100;

/// A document without its text.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct VexRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) author: String,
    pub(crate) statements: i64,
    pub(crate) skipped: i64,
    pub(crate) sent_by: String,
    pub(crate) updated_at: i64,
}

/// A document to be kept.
#[derive(Clone, Debug)]
pub(crate) struct NewVex {
    pub(crate) name: String,
    pub(crate) author: String,
    pub(crate) statements: i64,
    pub(crate) skipped: i64,
    pub(crate) content: Vec<u8>,
    pub(crate) sent_by: String,
}

/// The documents of a project.
pub(crate) async fn list(db: &Db, project: ProjectId) -> Result<Vec<VexRow>, DbError> {
    db.all(
        "SELECT id, name, author, statements, skipped, sent_by, updated_at FROM project_vex \
         WHERE project_id = $1 ORDER BY id",
        args![project],
    )
    .await
}

/// Which documents a project has, and when each was changed.
pub(crate) async fn revisions(db: &Db, project: ProjectId) -> Result<Vec<(i64, i64)>, DbError> {
    db.all(
        "SELECT id, updated_at FROM project_vex WHERE project_id = $1 ORDER BY id",
        args![project],
    )
    .await
}

/// The texts of a project's documents, in the order of their ids.
pub(crate) async fn contents(
    db: &Db,
    project: ProjectId,
) -> Result<Vec<(String, Vec<u8>)>, DbError> {
    db.all(
        "SELECT name, content FROM project_vex WHERE project_id = $1 ORDER BY id",
        args![project],
    )
    .await
}

/// The text of one document of a project.
pub(crate) async fn content(
    db: &Db,
    project: ProjectId,
    id: i64,
) -> Result<Option<Vec<u8>>, DbError> {
    let row: Option<(Vec<u8>,)> = db
        .optional(
            "SELECT content FROM project_vex WHERE project_id = $1 AND id = $2",
            args![project, id],
        )
        .await?;
    Ok(row.map(|(content,)| content))
}

/// How many documents other than the one called `name` a project has.
pub(crate) async fn others(tx: &mut Tx, project: ProjectId, name: &str) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT COUNT(*) FROM project_vex WHERE project_id = $1 AND name <> $2",
            args![project, name],
        )
        .await?;
    Ok(count)
}

/// Keeps a document, in place of the one of the same name.
pub(crate) async fn put(
    tx: &mut Tx,
    project: ProjectId,
    new: &NewVex,
    now: Timestamp,
) -> Result<i64, DbError> {
    let (id,): (i64,) = tx
        .one(
            "INSERT INTO project_vex (project_id, name, author, statements, skipped, content, \
               sent_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (project_id, name) DO UPDATE SET author = excluded.author, \
               statements = excluded.statements, skipped = excluded.skipped, \
               content = excluded.content, sent_by = excluded.sent_by, \
               updated_at = CASE WHEN excluded.updated_at > project_vex.updated_at \
                 THEN excluded.updated_at ELSE project_vex.updated_at + 1 END \
             RETURNING id",
            args![
                project,
                &new.name,
                &new.author,
                new.statements,
                new.skipped,
                new.content.as_slice(),
                &new.sent_by,
                now
            ],
        )
        .await?;
    Ok(id)
}

/// Deletes a document of a project. Gives its name.
pub(crate) async fn delete(
    tx: &mut Tx,
    project: ProjectId,
    id: i64,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .optional(
            "DELETE FROM project_vex WHERE project_id = $1 AND id = $2 RETURNING name",
            args![project, id],
        )
        .await?;
    Ok(row.map(|(name,)| name))
}

/// The digests of the indexes of a repository that name an image.
pub(crate) async fn indexes(
    db: &Db,
    (repository, digest): (&str, &str),
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = db
        .all(
            "SELECT m.digest FROM repository r JOIN manifest_reference e \
               ON e.repository_id = r.id AND e.child_digest = $2 AND e.kind = 'manifest' \
             JOIN manifest m ON m.id = e.manifest_id WHERE r.name = $1 \
             ORDER BY m.id DESC LIMIT $3",
            args![repository, digest, MOST_INDEXES],
        )
        .await?;
    Ok(rows.into_iter().map(|(digest,)| digest).collect())
}
