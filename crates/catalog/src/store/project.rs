//! The table `project`.

use std::collections::HashMap;
use std::sync::LazyLock;

use berth_db::{Args, AssertSqlSafe, Db, Tx, args, placeholders};
use berth_iam::ProjectFacts;
use berth_model::{ProjectId, Timestamp, UserId};

use super::role::{power_in, role_of};
use crate::query::Filter;
use crate::{Allowlist, CatalogError, Project, Viewer};

/// Most values of one IN list.
const IN_LIST: usize = 200;

#[derive(sqlx::FromRow)]
struct FactsRow {
    id: i64,
    name: String,
    public: bool,
    created_at: i64,
    power: Option<i64>,
}

impl From<FactsRow> for ProjectFacts {
    fn from(row: FactsRow) -> Self {
        Self {
            id: ProjectId(row.id),
            name: row.name,
            public: row.public,
            created_at: Timestamp::from_micros(row.created_at),
            role: role_of(row.power),
        }
    }
}

fn facts_where(condition: &str) -> String {
    format!(
        "SELECT p.id, p.name, p.public, p.created_at, {} AS power FROM project p \
         WHERE {condition} AND p.deleted_at IS NULL",
        power_in("p.id", "$2")
    )
}

static FACTS_BY_NAME: LazyLock<String> = LazyLock::new(|| facts_where("p.name = $1"));
static FACTS_BY_ID: LazyLock<String> = LazyLock::new(|| facts_where("p.id = $1"));

pub(crate) async fn facts_by_name(
    db: &Db,
    name: &str,
    user: Option<UserId>,
) -> Result<Option<ProjectFacts>, CatalogError> {
    let sql = AssertSqlSafe(FACTS_BY_NAME.as_str());
    let row = db.optional::<FactsRow>(sql, args![name, user]);
    Ok(row.await?.map(ProjectFacts::from))
}

pub(crate) async fn facts_by_id(
    db: &Db,
    id: ProjectId,
    user: Option<UserId>,
) -> Result<Option<ProjectFacts>, CatalogError> {
    let sql = AssertSqlSafe(FACTS_BY_ID.as_str());
    let row = db.optional::<FactsRow>(sql, args![id, user]);
    Ok(row.await?.map(ProjectFacts::from))
}

/// The name of a project that is not deleted.
pub(crate) async fn live_name(tx: &mut Tx, id: ProjectId) -> Result<Option<String>, CatalogError> {
    let row: Option<(String,)> = tx
        .optional(
            "SELECT name FROM project WHERE id = $1 AND deleted_at IS NULL",
            args![id],
        )
        .await?;
    Ok(row.map(|(name,)| name))
}

/// The names of those of these projects that are not deleted.
pub(crate) async fn names(
    db: &Db,
    ids: &[ProjectId],
) -> Result<HashMap<ProjectId, String>, CatalogError> {
    let mut names = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(IN_LIST) {
        let mut args = Args::new();
        for id in chunk {
            args.push(*id);
        }
        let sql = format!(
            "SELECT id, name FROM project WHERE deleted_at IS NULL AND id IN ({})",
            placeholders(1, chunk.len())
        );
        let rows: Vec<(i64, String)> = db.all(AssertSqlSafe(sql), args).await?;
        names.extend(rows.into_iter().map(|(id, name)| (ProjectId(id), name)));
    }
    Ok(names)
}

/// The ids of those of these projects that are there.
pub(crate) async fn ids(
    db: &Db,
    names: &[&str],
) -> Result<HashMap<String, ProjectId>, CatalogError> {
    let mut ids = HashMap::with_capacity(names.len());
    for chunk in names.chunks(IN_LIST) {
        let mut args = Args::new();
        for name in chunk {
            args.push(*name);
        }
        let sql = format!(
            "SELECT name, id FROM project WHERE deleted_at IS NULL AND name IN ({})",
            placeholders(1, chunk.len())
        );
        let rows: Vec<(String, i64)> = db.all(AssertSqlSafe(sql), args).await?;
        ids.extend(rows.into_iter().map(|(name, id)| (name, ProjectId(id))));
    }
    Ok(ids)
}

/// Makes a project; `None` when one of this name exists.
pub(crate) async fn insert(
    tx: &mut Tx,
    name: &str,
    owner: UserId,
    public: bool,
    now: Timestamp,
) -> Result<Option<ProjectId>, CatalogError> {
    let row: Option<(i64,)> = tx
        .optional(
            "INSERT INTO project (name, owner_id, public, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $4) ON CONFLICT (name) DO NOTHING RETURNING id",
            args![name, owner, public, now],
        )
        .await?;
    Ok(row.map(|(id,)| ProjectId(id)))
}

/// Says that a project was changed, and whether it is (still) there.
pub(crate) async fn touch(
    tx: &mut Tx,
    id: ProjectId,
    now: Timestamp,
) -> Result<bool, CatalogError> {
    let changed = tx
        .execute(
            "UPDATE project SET updated_at = $2 WHERE id = $1 AND deleted_at IS NULL",
            args![id, now],
        )
        .await?;
    Ok(changed == 1)
}

pub(crate) async fn set_public(
    tx: &mut Tx,
    id: ProjectId,
    public: bool,
) -> Result<(), CatalogError> {
    tx.execute(
        "UPDATE project SET public = $2 WHERE id = $1",
        args![id, public],
    )
    .await?;
    Ok(())
}

/// Marks a project deleted and frees its name; `false` when it is gone already.
///
/// The name is a key, so on PostgreSQL this waits for transactions that put a repository into the
/// project, and what is read afterwards in this transaction sees their repositories.
pub(crate) async fn mark_deleted(
    tx: &mut Tx,
    id: ProjectId,
    now: Timestamp,
) -> Result<bool, CatalogError> {
    let changed = tx
        .execute(
            "UPDATE project SET name = name || '#' || CAST(id AS TEXT), deleted_at = $2, \
             updated_at = $2 WHERE id = $1 AND deleted_at IS NULL",
            args![id, now],
        )
        .await?;
    Ok(changed == 1)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    owner_id: i64,
    owner_name: String,
    public: bool,
    created_at: i64,
    updated_at: i64,
    power: Option<i64>,
    repo_count: i64,
}

impl From<Row> for Project {
    fn from(row: Row) -> Self {
        Self {
            id: ProjectId(row.id),
            name: row.name,
            owner_id: UserId(row.owner_id),
            owner_name: row.owner_name,
            public: row.public,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
            role: role_of(row.power),
            repo_count: row.repo_count,
            metadata: Vec::new(),
            allowlist: Allowlist::default(),
        }
    }
}

/// Projects with their owner `u`.
const FROM: &str = "FROM project p JOIN user_account u ON u.id = p.owner_id";

/// What is read of a project, with the role of a user.
fn columns(user: &str) -> String {
    format!(
        "p.id, p.name, p.owner_id, u.username AS owner_name, p.public, p.created_at, \
         p.updated_at, {} AS power, \
         (SELECT COUNT(*) FROM repository r WHERE r.project_id = p.id) AS repo_count",
        power_in("p.id", user)
    )
}

/// A filter over the projects that `viewer` sees.
pub(crate) fn visible(viewer: Viewer) -> Filter {
    let mut filter = Filter::new();
    filter.and("p.deleted_at IS NULL");
    viewer.narrow(&mut filter);
    filter
}

/// Projects with the role that `user` holds in each.
pub(crate) async fn list(
    db: &Db,
    filter: &Filter,
    user: Option<UserId>,
    order: &str,
    (limit, offset): (i64, i64),
) -> Result<Vec<Project>, CatalogError> {
    let condition = filter.sql();
    let mut args = filter.args();
    let columns = columns(&format!("${}", args.push(user)));
    let (limit, offset) = (args.push(limit), args.push(offset));
    // Which ones first: the role and the count are looked up for those on the page only.
    let sql = format!(
        "SELECT {columns} {FROM} WHERE p.id IN \
           (SELECT p.id {FROM} WHERE {condition} {order} LIMIT ${limit} OFFSET ${offset}) {order}"
    );
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), args).await?;
    Ok(rows.into_iter().map(Project::from).collect())
}

pub(crate) async fn count(db: &Db, filter: &Filter) -> Result<i64, CatalogError> {
    let sql = format!("SELECT COUNT(*) {FROM} WHERE {}", filter.sql());
    let (total,): (i64,) = db.one(AssertSqlSafe(sql), filter.args()).await?;
    Ok(total)
}

pub(crate) async fn get(
    db: &Db,
    id: ProjectId,
    user: Option<UserId>,
) -> Result<Option<Project>, CatalogError> {
    let columns = columns("$2");
    let sql = format!("SELECT {columns} {FROM} WHERE p.id = $1 AND p.deleted_at IS NULL");
    let row: Option<Row> = db.optional(AssertSqlSafe(sql), args![id, user]).await?;
    Ok(row.map(Project::from))
}

/// Projects and repositories: of those that are public, and of those that are not.
pub(crate) async fn totals(db: &Db, filter: &Filter) -> Result<[(i64, i64); 2], CatalogError> {
    let sql = format!(
        "SELECT p.public, COUNT(*), \
         CAST(COALESCE(SUM((SELECT COUNT(*) FROM repository r WHERE r.project_id = p.id)), 0) \
         AS BIGINT) {FROM} WHERE {} GROUP BY p.public",
        filter.sql()
    );
    let rows: Vec<(bool, i64, i64)> = db.all(AssertSqlSafe(sql), filter.args()).await?;
    let mut totals = [(0, 0); 2];
    for (public, projects, repositories) in rows {
        totals[usize::from(public)] = (projects, repositories);
    }
    Ok(totals)
}
