//! The table `project_metadata`: everything but `public`, which is a column of `project`.

use berth_db::{Args, AssertSqlSafe, Db, Tx, args, placeholders};
use berth_model::ProjectId;

use crate::CatalogError;

/// Most keys a project can have: the allow-list is far shorter.
const MOST: usize = 64;

/// The metadata of some projects: project, key, value; ordered by project and key.
pub(crate) async fn of_projects(
    db: &Db,
    projects: &[ProjectId],
) -> Result<Vec<(i64, String, String)>, CatalogError> {
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = Args::new();
    for project in projects {
        args.push(*project);
    }
    let sql = format!(
        "SELECT project_id, name, value FROM project_metadata WHERE project_id IN ({}) \
         ORDER BY project_id, name LIMIT {}",
        placeholders(1, projects.len()),
        projects.len() * MOST
    );
    Ok(db.all(AssertSqlSafe(sql), args).await?)
}

pub(crate) async fn get(
    tx: &mut Tx,
    project: ProjectId,
    name: &str,
) -> Result<Option<String>, CatalogError> {
    let row: Option<(String,)> = tx
        .optional(
            "SELECT value FROM project_metadata WHERE project_id = $1 AND name = $2",
            args![project, name],
        )
        .await?;
    Ok(row.map(|(value,)| value))
}

/// Of two keys, those that are `true`.
pub(crate) async fn set_among(
    tx: &mut Tx,
    project: ProjectId,
    [one, other]: [&str; 2],
) -> Result<Vec<String>, CatalogError> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT name FROM project_metadata \
             WHERE project_id = $1 AND name IN ($2, $3) AND value = 'true' ORDER BY name LIMIT 2",
            args![project, one, other],
        )
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

pub(crate) async fn put(
    tx: &mut Tx,
    project: ProjectId,
    name: &str,
    value: &str,
) -> Result<(), CatalogError> {
    tx.execute(
        "INSERT INTO project_metadata (project_id, name, value) VALUES ($1, $2, $3) \
         ON CONFLICT (project_id, name) DO UPDATE SET value = excluded.value",
        args![project, name, value],
    )
    .await?;
    Ok(())
}

pub(crate) async fn delete(
    tx: &mut Tx,
    project: ProjectId,
    name: &str,
) -> Result<bool, CatalogError> {
    let deleted = tx
        .execute(
            "DELETE FROM project_metadata WHERE project_id = $1 AND name = $2",
            args![project, name],
        )
        .await?;
    Ok(deleted == 1)
}
