//! Rows of `immutable_tag_rule`.

use berth_catalog::CatalogError;
use berth_db::query::{Column, Filter, Kind, order_by};
use berth_db::{AssertSqlSafe, Db, DbError, Tx, args};
use berth_model::{ManifestId, ProjectId, RepositoryId, Timestamp};

use super::for_update;
use crate::RegistryError;

/// A rule as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct RuleRow {
    pub(crate) id: i64,
    pub(crate) rule: String,
    pub(crate) disabled: bool,
}

/// The name of a repository with its project, and the rules of that project that are in force.
pub(crate) async fn of_repository(
    tx: &mut Tx,
    repository: RepositoryId,
) -> Result<Vec<(String, Option<String>)>, DbError> {
    tx.all(
        "SELECT r.name, i.rule FROM repository r \
         LEFT JOIN immutable_tag_rule i ON i.project_id = r.project_id AND i.disabled = FALSE \
         WHERE r.id = $1 ORDER BY i.id",
        args![repository],
    )
    .await
}

/// The rules of a project that are in force.
pub(crate) async fn of_project(db: &Db, project: ProjectId) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = db
        .all(
            "SELECT rule FROM immutable_tag_rule WHERE project_id = $1 AND disabled = FALSE \
             ORDER BY id",
            args![project],
        )
        .await?;
    Ok(rows.into_iter().map(|(rule,)| rule).collect())
}

/// All rules of a project, the newest last: there are few.
pub(crate) async fn list(tx: &mut Tx, project: ProjectId) -> Result<Vec<RuleRow>, DbError> {
    tx.all(
        "SELECT id, rule, disabled FROM immutable_tag_rule WHERE project_id = $1 ORDER BY id",
        args![project],
    )
    .await
}

/// What clients may filter and sort by.
const ASKED: &[Column] = &[
    Column::new("id", "id", Kind::Integer),
    Column::new("disabled", "disabled", Kind::Bool),
    Column::new("creation_time", "created_at", Kind::Time),
    Column::new("update_time", "updated_at", Kind::Time),
];

/// A page of a project's rules, and how many there are.
pub(crate) async fn page(
    db: &Db,
    project: ProjectId,
    (q, sort): (&str, &str),
    (limit, offset): (i64, i64),
) -> Result<(Vec<RuleRow>, i64), RegistryError> {
    let mut filter = Filter::new();
    let project = filter.bind(project);
    filter.and(format!("project_id = {project}"));
    filter.and_query(q, ASKED).map_err(CatalogError::from)?;
    let order = order_by(sort, ASKED, "id", "id").map_err(CatalogError::from)?;
    let (condition, mut values) = (filter.sql(), filter.args());
    let (total,): (i64,) = db
        .one(
            AssertSqlSafe(format!(
                "SELECT COUNT(*) FROM immutable_tag_rule WHERE {condition}"
            )),
            values.clone(),
        )
        .await?;
    let (limit, offset) = (values.push(limit), values.push(offset));
    let rows = db
        .all(
            AssertSqlSafe(format!(
                "SELECT id, rule, disabled FROM immutable_tag_rule WHERE {condition} {order} \
                 LIMIT ${limit} OFFSET ${offset}"
            )),
            values,
        )
        .await?;
    Ok((rows, total))
}

pub(crate) async fn insert(
    tx: &mut Tx,
    project: ProjectId,
    rule: &str,
    disabled: bool,
    now: Timestamp,
) -> Result<i64, DbError> {
    let (id,): (i64,) = tx
        .one(
            "INSERT INTO immutable_tag_rule (project_id, rule, disabled, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $4) RETURNING id",
            args![project, rule, disabled, now],
        )
        .await?;
    Ok(id)
}

/// `false` when the project has no such rule.
pub(crate) async fn update(
    tx: &mut Tx,
    project: ProjectId,
    id: i64,
    (rule, disabled): (&str, bool),
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE immutable_tag_rule SET rule = $3, disabled = $4, updated_at = $5 \
             WHERE id = $1 AND project_id = $2",
            args![id, project, rule, disabled, now],
        )
        .await?;
    Ok(changed == 1)
}

/// `false` when the project has no such rule.
pub(crate) async fn delete(tx: &mut Tx, project: ProjectId, id: i64) -> Result<bool, DbError> {
    let deleted = tx
        .execute(
            "DELETE FROM immutable_tag_rule WHERE id = $1 AND project_id = $2",
            args![id, project],
        )
        .await?;
    Ok(deleted == 1)
}

/// Waits until everything that is under way in the project's repositories has ended, and holds off
/// what comes: it will see the rules as this transaction leaves them.
pub(crate) async fn settle(tx: &mut Tx, project: ProjectId) -> Result<(), DbError> {
    if for_update(tx).is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT id FROM repository WHERE project_id = $1 ORDER BY id{}",
        for_update(tx)
    );
    let _: Vec<(i64,)> = tx.all(AssertSqlSafe(sql), args![project]).await?;
    Ok(())
}

/// Names of the tags of a manifest.
pub(crate) async fn tags_of(tx: &mut Tx, manifest: ManifestId) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT name FROM tag WHERE manifest_id = $1 ORDER BY name",
            args![manifest],
        )
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Names of tags of a repository after `last`, in order.
pub(crate) async fn tags_after(
    tx: &mut Tx,
    repository: RepositoryId,
    last: &str,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT name FROM tag WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3",
            args![repository, last, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
