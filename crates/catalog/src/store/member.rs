//! The table `project_member`. Every statement names the project beside the member.

use berth_db::{AssertSqlSafe, Db, DbError, Tx, args};
use berth_model::{GroupId, MemberId, ProjectId, Role, Timestamp, UserId};

use super::role::projects_with;
pub(crate) use crate::members::Entity;
use crate::query::Filter;
use crate::{CatalogError, Member};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    project_id: i64,
    user_id: Option<i64>,
    group_id: Option<i64>,
    name: String,
    role: i64,
}

impl Row {
    /// `None` for a role that only a newer version knows.
    fn member(self) -> Option<Member> {
        let entity = match (self.user_id, self.group_id) {
            (Some(id), _) => Entity::User(UserId(id)),
            (None, id) => Entity::Group(GroupId(id?)),
        };
        Some(Member {
            id: MemberId(self.id),
            project_id: ProjectId(self.project_id),
            entity,
            name: self.name,
            role: Role::from_id(self.role)?,
        })
    }
}

const FROM: &str = "FROM project_member m \
     LEFT JOIN user_account u ON u.id = m.user_id AND u.deleted_at IS NULL \
     LEFT JOIN user_group g ON g.id = m.group_id";
const COLUMNS: &str =
    "m.id, m.project_id, m.user_id, m.group_id, COALESCE(u.username, g.name) AS name, m.role";
const THERE: &str = "(u.id IS NOT NULL OR g.id IS NOT NULL)";

fn select(condition: &str) -> String {
    format!("SELECT {COLUMNS} {FROM} WHERE {THERE} AND {condition}")
}

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
        filter.and_contains("COALESCE(u.username, g.name)", name);
    }
    let condition = filter.sql();
    let count = format!("SELECT COUNT(*) {FROM} WHERE {THERE} AND {condition}");
    let (total,): (i64,) = db.one(AssertSqlSafe(count), filter.args()).await?;
    let mut args = filter.args();
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!(
        "{} ORDER BY name, m.id LIMIT ${limit} OFFSET ${offset}",
        select(&condition)
    );
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), args).await?;
    Ok((rows.into_iter().filter_map(Row::member).collect(), total))
}

pub(crate) async fn get(
    db: &Db,
    project: ProjectId,
    id: MemberId,
) -> Result<Option<Member>, CatalogError> {
    let sql = select("m.id = $1 AND m.project_id = $2");
    let row: Option<Row> = db.optional(AssertSqlSafe(sql), args![id, project]).await?;
    Ok(row.and_then(Row::member))
}

pub(crate) async fn get_in(
    tx: &mut Tx,
    project: ProjectId,
    id: MemberId,
) -> Result<Option<Member>, CatalogError> {
    let sql = select("m.id = $1 AND m.project_id = $2");
    let row: Option<Row> = tx.optional(AssertSqlSafe(sql), args![id, project]).await?;
    Ok(row.and_then(Row::member))
}

/// Adds a member; `None` when the user or group is one already.
pub(crate) async fn insert(
    tx: &mut Tx,
    project: ProjectId,
    entity: Entity,
    role: Role,
    now: Timestamp,
) -> Result<Option<MemberId>, CatalogError> {
    let (user, group) = match entity {
        Entity::User(id) => (Some(id), None),
        Entity::Group(id) => (None, Some(id)),
    };
    let row: Option<(i64,)> = tx
        .optional(
            "INSERT INTO project_member (project_id, user_id, group_id, role, created_at, \
               updated_at) \
             VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING RETURNING id",
            args![project, user, group, role.id(), now],
        )
        .await?;
    Ok(row.map(|(id,)| MemberId(id)))
}

/// Ends all memberships of a user.
pub(crate) async fn forget_user(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    tx.execute("DELETE FROM project_member WHERE user_id = $1", args![user])
        .await?;
    Ok(())
}

/// Whether a user holds this role in some project.
pub(crate) async fn holds_anywhere(
    db: &Db,
    user: UserId,
    role: Role,
) -> Result<bool, CatalogError> {
    let sql = format!(
        "SELECT p.id FROM project p WHERE p.deleted_at IS NULL AND p.id IN ({}) LIMIT 1",
        projects_with("$1", "$2")
    );
    let row: Option<(i64,)> = db
        .optional(AssertSqlSafe(sql), args![user, role.id()])
        .await?;
    Ok(row.is_some())
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
            AssertSqlSafe(format!(
                "SELECT m.role, COUNT(*) {FROM} WHERE {THERE} AND m.project_id = $1 \
                 GROUP BY m.role ORDER BY m.role LIMIT 100"
            )),
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
