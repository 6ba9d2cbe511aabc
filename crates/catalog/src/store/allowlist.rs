//! The table `cve_allowlist`.

use std::collections::HashMap;

use berth_db::{Args, AssertSqlSafe, Db, Tx, args, placeholders};
use berth_model::{ProjectId, Timestamp};

use crate::{Allowlist, CatalogError, NewAllowlist};

/// The row of the whole system.
pub(crate) const SYSTEM: ProjectId = ProjectId(0);

#[derive(sqlx::FromRow)]
struct Row {
    project_id: i64,
    items: String,
    expires_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

/// The lists of those of these projects that have one.
pub(crate) async fn of(
    db: &Db,
    projects: &[ProjectId],
) -> Result<HashMap<ProjectId, Allowlist>, CatalogError> {
    if projects.is_empty() {
        return Ok(HashMap::new());
    }
    let mut args = Args::new();
    for project in projects {
        args.push(*project);
    }
    let sql = format!(
        "SELECT project_id, items, expires_at, created_at, updated_at FROM cve_allowlist \
         WHERE project_id IN ({})",
        placeholders(1, projects.len())
    );
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), args).await?;
    let list = |row: Row| {
        let list = Allowlist {
            // Written here alone; a row that cannot be read lets nothing pass.
            items: serde_json::from_str(&row.items).unwrap_or_default(),
            expires_at: row.expires_at,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        };
        (ProjectId(row.project_id), list)
    };
    Ok(rows.into_iter().map(list).collect())
}

/// Replaces a list.
pub(crate) async fn put(
    tx: &mut Tx,
    project: ProjectId,
    new: &NewAllowlist,
    now: Timestamp,
) -> Result<(), CatalogError> {
    let items = serde_json::json!(new.items).to_string();
    tx.execute(
        "INSERT INTO cve_allowlist (project_id, items, expires_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $4) ON CONFLICT (project_id) DO UPDATE SET \
         items = excluded.items, expires_at = excluded.expires_at, \
         updated_at = excluded.updated_at",
        args![project, items, new.expires_at, now],
    )
    .await?;
    Ok(())
}

/// Forgets the list of a project.
pub(crate) async fn delete(tx: &mut Tx, project: ProjectId) -> Result<(), CatalogError> {
    tx.execute(
        "DELETE FROM cve_allowlist WHERE project_id = $1",
        args![project],
    )
    .await?;
    Ok(())
}
