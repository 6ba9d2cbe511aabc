//! The table `repository`.

use berth_db::{AssertSqlSafe, Db, DbError, Engine, Tx, args};
use berth_model::{ProjectId, RepositoryId, Timestamp};

use crate::query::Filter;
use crate::{CatalogError, Repository, Viewer};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    project_id: i64,
    name: String,
    description: String,
    pull_count: i64,
    created_at: i64,
    updated_at: i64,
}

impl From<Row> for Repository {
    fn from(row: Row) -> Self {
        Self {
            id: RepositoryId(row.id),
            project_id: ProjectId(row.project_id),
            name: row.name,
            description: row.description,
            pull_count: row.pull_count,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        }
    }
}

const FIND: &str = "SELECT id, project_id, name, description, pull_count, created_at, updated_at \
     FROM repository WHERE name = $1";

pub(crate) async fn find(db: &Db, name: &str) -> Result<Option<Repository>, CatalogError> {
    Ok(db
        .optional::<Row>(FIND, args![name])
        .await?
        .map(Repository::from))
}

pub(crate) async fn find_in(tx: &mut Tx, name: &str) -> Result<Option<Repository>, CatalogError> {
    Ok(tx
        .optional::<Row>(FIND, args![name])
        .await?
        .map(Repository::from))
}

/// The id and project of a repository, which cannot be deleted until the transaction ends.
pub(crate) async fn lock(
    tx: &mut Tx,
    name: &str,
) -> Result<Option<(RepositoryId, ProjectId)>, CatalogError> {
    // SQLite has one writer, and this is it. The weakest lock that stops a DELETE lets pushes to
    // the same repository go on side by side.
    let sql = match tx.engine() {
        Engine::Sqlite => "SELECT id, project_id FROM repository WHERE name = $1",
        Engine::Postgres => "SELECT id, project_id FROM repository WHERE name = $1 FOR KEY SHARE",
    };
    let row: Option<(i64, i64)> = tx.optional(sql, args![name]).await?;
    Ok(row.map(|(id, project)| (RepositoryId(id), ProjectId(project))))
}

/// Makes a repository; `None` when one of this name exists.
pub(crate) async fn insert(
    tx: &mut Tx,
    project: ProjectId,
    name: &str,
    now: Timestamp,
) -> Result<Option<RepositoryId>, CatalogError> {
    let row: Result<Option<(i64,)>, DbError> = tx
        .optional(
            "INSERT INTO repository (project_id, name, created_at, updated_at) \
             VALUES ($1, $2, $3, $3) ON CONFLICT (name) DO NOTHING RETURNING id",
            args![project, name, now],
        )
        .await;
    match row {
        Ok(row) => Ok(row.map(|(id,)| RepositoryId(id))),
        Err(DbError::ForeignKey) => Err(CatalogError::project_not_found(project)),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn delete(tx: &mut Tx, id: RepositoryId) -> Result<bool, CatalogError> {
    let deleted = tx
        .execute("DELETE FROM repository WHERE id = $1", args![id])
        .await?;
    Ok(deleted == 1)
}

pub(crate) fn touch(tx: &mut Tx, id: RepositoryId, now: Timestamp) {
    // A row that is locked is passed by: mostly another push is writing the same time into it. To
    // wait here would put all pushes into a repository in one line, and they hold manifests, which
    // others take after the repository.
    let sql = match tx.engine() {
        Engine::Sqlite => "UPDATE repository SET updated_at = $2 WHERE id = $1",
        Engine::Postgres => {
            "UPDATE repository SET updated_at = $2 WHERE id = \
             (SELECT id FROM repository WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED)"
        }
    };
    tx.later(sql, args![id, now]);
}

pub(crate) async fn set_description(
    tx: &mut Tx,
    id: RepositoryId,
    description: &str,
    now: Timestamp,
) -> Result<bool, CatalogError> {
    let changed = tx
        .execute(
            "UPDATE repository SET description = $2, updated_at = $3 WHERE id = $1",
            args![id, description, now],
        )
        .await?;
    Ok(changed == 1)
}

pub(crate) async fn count(db: &Db, project: ProjectId) -> Result<i64, CatalogError> {
    let (count,): (i64,) = db
        .one(
            "SELECT COUNT(*) FROM repository WHERE project_id = $1",
            args![project],
        )
        .await?;
    Ok(count)
}

/// As [`count`], inside a transaction and no further than one: whether there is any.
pub(crate) async fn any(tx: &mut Tx, project: ProjectId) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = tx
        .optional(
            "SELECT id FROM repository WHERE project_id = $1 LIMIT 1",
            args![project],
        )
        .await?;
    Ok(row.is_some())
}

pub(crate) async fn names_after(
    db: &Db,
    after: &str,
    most: usize,
) -> Result<Vec<String>, CatalogError> {
    let rows: Vec<(String,)> = db
        .all(
            "SELECT name FROM repository WHERE name > $1 ORDER BY name LIMIT $2",
            args![after, most as i64],
        )
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// A repository's name, its project's, and whether the user may pull from it.
#[derive(sqlx::FromRow)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) project: String,
    pub(crate) visible: bool,
}

pub(crate) async fn window_after(
    db: &Db,
    after: &str,
    most: i64,
    viewer: Viewer,
) -> Result<Vec<Seen>, CatalogError> {
    let mut filter = Filter::new();
    let (after, most) = (filter.bind(after), filter.bind(most));
    viewer.narrow(&mut filter);
    let sql = format!(
        "SELECT r.name AS name, p.name AS project, {} AS visible \
         FROM (SELECT name, project_id FROM repository WHERE name > {after} \
               ORDER BY name LIMIT {most}) r \
         JOIN project p ON p.id = r.project_id ORDER BY r.name",
        filter.sql()
    );
    Ok(db.all(AssertSqlSafe(sql), filter.args()).await?)
}

/// A hit of the search over repositories.
#[derive(sqlx::FromRow)]
pub(crate) struct Hit {
    pub(crate) id: i64,
    pub(crate) project_id: i64,
    pub(crate) project_name: String,
    pub(crate) project_public: bool,
    pub(crate) repository_name: String,
    pub(crate) pull_count: i64,
}

/// The first repositories that `condition` (over `p` and `r`) finds, by name.
pub(crate) async fn search(db: &Db, filter: &Filter, most: i64) -> Result<Vec<Hit>, CatalogError> {
    let mut args = filter.args();
    let limit = args.push(most);
    let sql = format!(
        "SELECT r.id AS id, p.id AS project_id, p.name AS project_name, p.public AS project_public, \
         r.name AS repository_name, r.pull_count AS pull_count \
         FROM repository r JOIN project p ON p.id = r.project_id \
         WHERE {} ORDER BY r.name LIMIT ${limit}",
        filter.sql()
    );
    Ok(db.all(AssertSqlSafe(sql), args).await?)
}
