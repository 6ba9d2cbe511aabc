//! Rows of `scanner_registration` and `project_scanner`.

use berth_db::query::Filter;
use berth_db::{AssertSqlSafe, Db, DbError, Tx, args};
use berth_model::{ProjectId, Timestamp};

use crate::BUILT_IN;

/// A registration as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) url: String,
    pub(crate) auth: String,
    pub(crate) credential: Option<Vec<u8>>,
    pub(crate) disabled: bool,
    pub(crate) is_default: bool,
    pub(crate) skip_verify: bool,
    pub(crate) use_internal_addr: bool,
    pub(crate) seen: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

const ROW: &str = "SELECT uuid, name, description, url, auth, credential, disabled, is_default, \
     skip_verify, use_internal_addr, seen, created_at, updated_at FROM scanner_registration";

pub(crate) async fn list(
    db: &Db,
    filter: &Filter,
    order: &str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<Row>, i64), DbError> {
    let condition = filter.sql();
    let sql = format!("SELECT COUNT(*) FROM scanner_registration WHERE {condition}");
    let (total,): (i64,) = db.one(AssertSqlSafe(sql), filter.args()).await?;
    let mut page = filter.args();
    let (limit, offset) = (page.push(limit), page.push(offset));
    let sql = format!("{ROW} WHERE {condition} {order} LIMIT ${limit} OFFSET ${offset}");
    Ok((db.all(AssertSqlSafe(sql), page).await?, total))
}

pub(crate) async fn find(db: &Db, uuid: &str) -> Result<Option<Row>, DbError> {
    let sql = AssertSqlSafe(format!("{ROW} WHERE uuid = $1"));
    db.optional(sql, args![uuid]).await
}

pub(crate) async fn default(db: &Db) -> Result<Option<Row>, DbError> {
    let sql = AssertSqlSafe(format!("{ROW} WHERE is_default = $1 LIMIT 1"));
    db.optional(sql, args![true]).await
}

/// The name and address of others: whether one of them is taken.
pub(crate) async fn taken(
    tx: &mut Tx,
    uuid: &str,
    name: &str,
    url: &str,
) -> Result<Option<&'static str>, DbError> {
    let row: Option<(String,)> = tx
        .optional(
            "SELECT name FROM scanner_registration WHERE uuid <> $1 AND (name = $2 OR url = $3) \
             LIMIT 1",
            args![uuid, name, url],
        )
        .await?;
    Ok(row.map(|(found,)| if found == name { "name" } else { "address" }))
}

/// Makes a registration; `false` when its name or address is taken.
pub(crate) async fn insert(tx: &mut Tx, row: &Row) -> Result<bool, DbError> {
    let made = tx
        .execute(
            "INSERT INTO scanner_registration (uuid, name, description, url, auth, credential, \
               disabled, is_default, skip_verify, use_internal_addr, seen, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) \
             ON CONFLICT DO NOTHING",
            args![
                row.uuid.as_str(),
                row.name.as_str(),
                row.description.as_str(),
                row.url.as_str(),
                row.auth.as_str(),
                row.credential.clone(),
                row.disabled,
                row.is_default,
                row.skip_verify,
                row.use_internal_addr,
                row.seen.as_str(),
                row.created_at
            ],
        )
        .await?;
    Ok(made == 1)
}

pub(crate) async fn update(tx: &mut Tx, row: &Row) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE scanner_registration SET name = $2, description = $3, url = $4, auth = $5, \
               credential = $6, disabled = $7, skip_verify = $8, use_internal_addr = $9, \
               updated_at = $10 WHERE uuid = $1",
            args![
                row.uuid.as_str(),
                row.name.as_str(),
                row.description.as_str(),
                row.url.as_str(),
                row.auth.as_str(),
                row.credential.clone(),
                row.disabled,
                row.skip_verify,
                row.use_internal_addr,
                row.updated_at
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Keeps what a scanner said of itself.
pub(crate) async fn see(tx: &mut Tx, uuid: &str, seen: &str) -> Result<(), DbError> {
    tx.execute(
        "UPDATE scanner_registration SET seen = $2 WHERE uuid = $1",
        args![uuid, seen],
    )
    .await?;
    Ok(())
}

/// Takes a registration away, and from the projects that use it.
pub(crate) async fn delete(tx: &mut Tx, uuid: &str) -> Result<bool, DbError> {
    tx.execute(
        "DELETE FROM project_scanner WHERE scanner_uuid = $1",
        args![uuid],
    )
    .await?;
    let deleted = tx
        .execute(
            "DELETE FROM scanner_registration WHERE uuid = $1 AND is_default = $2",
            args![uuid, false],
        )
        .await?;
    Ok(deleted == 1)
}

/// Makes this one the default, and no other; none of them where it has no row.
pub(crate) async fn make_default(tx: &mut Tx, uuid: &str) -> Result<(), DbError> {
    tx.execute(
        "UPDATE scanner_registration SET is_default = (uuid = $1) WHERE is_default <> (uuid = $1)",
        args![uuid],
    )
    .await?;
    Ok(())
}

/// The uuid of the scanner that a project chose.
pub(crate) async fn of_project(db: &Db, project: ProjectId) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = db
        .optional(
            "SELECT scanner_uuid FROM project_scanner WHERE project_id = $1",
            args![project],
        )
        .await?;
    Ok(row.map(|(uuid,)| uuid))
}

/// The external scanner that a project uses, by its uuid; `None`: the built-in one scans.
pub async fn external_of(tx: &mut Tx, project: ProjectId) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .optional(
            "SELECT uuid FROM scanner_registration WHERE uuid = COALESCE( \
               (SELECT p.scanner_uuid FROM project_scanner p WHERE p.project_id = $1 AND \
                 (p.scanner_uuid = $2 OR EXISTS (SELECT 1 FROM scanner_registration s \
                    WHERE s.uuid = p.scanner_uuid))), \
               (SELECT MAX(d.uuid) FROM scanner_registration d WHERE d.is_default = $3))",
            args![project, BUILT_IN, true],
        )
        .await?;
    Ok(row.map(|(uuid,)| uuid))
}

pub(crate) async fn set_of_project(
    tx: &mut Tx,
    project: ProjectId,
    uuid: &str,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO project_scanner (project_id, scanner_uuid) VALUES ($1, $2) \
         ON CONFLICT (project_id) DO UPDATE SET scanner_uuid = excluded.scanner_uuid",
        args![project, uuid],
    )
    .await?;
    Ok(())
}

impl Row {
    pub(crate) fn created(&self) -> Timestamp {
        Timestamp::from_micros(self.created_at)
    }

    pub(crate) fn updated(&self) -> Timestamp {
        Timestamp::from_micros(self.updated_at)
    }
}
