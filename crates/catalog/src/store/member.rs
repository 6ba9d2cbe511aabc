//! The table `project_member`. Every statement names the project beside the member.

use berth_db::{AssertSqlSafe, Db, Tx, args};
use berth_model::{MemberId, ProjectId, Role, Timestamp, UserId};

use crate::query::Filter;
use crate::{CatalogError, Member};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    project_id: i64,
    user_id: i64,
    username: String,
    role: i64,
}

impl Row {
    /// `None` for a role that only a newer version knows.
    fn member(self) -> Option<Member> {
        Some(Member {
            id: MemberId(self.id),
            project_id: ProjectId(self.project_id),
            user_id: UserId(self.user_id),
            username: self.username,
            role: Role::from_id(self.role)?,
        })
    }
}

const SELECT: &str = "SELECT m.id, m.project_id, m.user_id, u.username, m.role \
     FROM project_member m JOIN user_account u ON u.id = m.user_id AND u.deleted_at IS NULL";

pub(crate) async fn list(
    db: &Db,
    project: ProjectId,
    name: &str,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Member>, i64), CatalogError> {
    let mut filter = Filter::new();
    let project = filter.bind(project);
    filter.and(format!("m.project_id = {project}"));
    if !name.is_empty() {
        filter.and_contains("u.username", name);
    }
    let condition = filter.sql();
    let count = format!(
        "SELECT COUNT(*) FROM project_member m \
         JOIN user_account u ON u.id = m.user_id AND u.deleted_at IS NULL WHERE {condition}"
    );
    let (total,): (i64,) = db.one(AssertSqlSafe(count), filter.args()).await?;
    let mut args = filter.args();
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!(
        "{SELECT} WHERE {condition} ORDER BY u.username, m.id LIMIT ${limit} OFFSET ${offset}"
    );
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), args).await?;
    Ok((rows.into_iter().filter_map(Row::member).collect(), total))
}

pub(crate) async fn get(
    db: &Db,
    project: ProjectId,
    id: MemberId,
) -> Result<Option<Member>, CatalogError> {
    let sql = format!("{SELECT} WHERE m.id = $1 AND m.project_id = $2");
    let row: Option<Row> = db.optional(AssertSqlSafe(sql), args![id, project]).await?;
    Ok(row.and_then(Row::member))
}

pub(crate) async fn get_in(
    tx: &mut Tx,
    project: ProjectId,
    id: MemberId,
) -> Result<Option<Member>, CatalogError> {
    let sql = format!("{SELECT} WHERE m.id = $1 AND m.project_id = $2");
    let row: Option<Row> = tx.optional(AssertSqlSafe(sql), args![id, project]).await?;
    Ok(row.and_then(Row::member))
}

/// Adds a member; `None` when the user is one already.
pub(crate) async fn insert(
    tx: &mut Tx,
    project: ProjectId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<Option<MemberId>, CatalogError> {
    let row: Option<(i64,)> = tx
        .optional(
            "INSERT INTO project_member (project_id, user_id, role, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $4) ON CONFLICT (project_id, user_id) DO NOTHING \
             RETURNING id",
            args![project, user, role.id(), now],
        )
        .await?;
    Ok(row.map(|(id,)| MemberId(id)))
}

pub(crate) async fn set_role(
    tx: &mut Tx,
    project: ProjectId,
    id: MemberId,
    role: Role,
    now: Timestamp,
) -> Result<bool, CatalogError> {
    let changed = tx
        .execute(
            "UPDATE project_member SET role = $3, updated_at = $4 \
             WHERE id = $1 AND project_id = $2",
            args![id, project, role.id(), now],
        )
        .await?;
    Ok(changed == 1)
}

pub(crate) async fn delete(
    tx: &mut Tx,
    project: ProjectId,
    id: MemberId,
) -> Result<bool, CatalogError> {
    let deleted = tx
        .execute(
            "DELETE FROM project_member WHERE id = $1 AND project_id = $2",
            args![id, project],
        )
        .await?;
    Ok(deleted == 1)
}

/// How many members hold each role.
pub(crate) async fn count_by_role(
    db: &Db,
    project: ProjectId,
) -> Result<Vec<(i64, i64)>, CatalogError> {
    Ok(db
        .all(
            "SELECT m.role, COUNT(*) FROM project_member m \
             JOIN user_account u ON u.id = m.user_id AND u.deleted_at IS NULL \
             WHERE m.project_id = $1 GROUP BY m.role ORDER BY m.role LIMIT 100",
            args![project],
        )
        .await?)
}

/// The account with this id or name: what a new member is made of.
pub(crate) async fn find_user(
    tx: &mut Tx,
    id: Option<UserId>,
    name: &str,
) -> Result<Option<(UserId, String)>, CatalogError> {
    let row: Option<(i64, String)> = match id {
        Some(id) => {
            tx.optional(
                "SELECT id, username FROM user_account WHERE id = $1 AND deleted_at IS NULL",
                args![id],
            )
            .await?
        }
        None => {
            tx.optional(
                "SELECT id, username FROM user_account \
                 WHERE username = $1 AND deleted_at IS NULL",
                args![name],
            )
            .await?
        }
    };
    Ok(row.map(|(id, name)| (UserId(id), name)))
}
