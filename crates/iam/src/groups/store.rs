//! The SQL of `user_group`.

use berth_db::query::Filter;
use berth_db::{AssertSqlSafe, Db, DbError, Tx, args};
use berth_model::{GroupId, Timestamp};

use super::{Group, LDAP, NewGroup};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    kind: i64,
    ldap_dn: String,
}

impl From<Row> for Group {
    fn from(row: Row) -> Self {
        Self {
            id: GroupId(row.id),
            name: row.name,
            kind: row.kind,
            ldap_dn: row.ldap_dn,
        }
    }
}

pub(super) async fn list(
    db: &Db,
    filter: &Filter,
    order: &str,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Group>, i64), DbError> {
    let condition = filter.sql();
    let count = format!("SELECT COUNT(*) FROM user_group g WHERE {condition}");
    let (total,): (i64,) = db.one(AssertSqlSafe(count), filter.args()).await?;
    let mut args = filter.args();
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!(
        "SELECT g.id, g.name, g.kind, g.ldap_dn FROM user_group g WHERE {condition} {order} \
         LIMIT ${limit} OFFSET ${offset}"
    );
    let rows: Vec<Row> = db.all(AssertSqlSafe(sql), args).await?;
    Ok((rows.into_iter().map(Group::from).collect(), total))
}

pub(super) async fn find(db: &Db, id: GroupId) -> Result<Option<Group>, DbError> {
    let row: Option<Row> = db
        .optional(
            "SELECT id, name, kind, ldap_dn FROM user_group WHERE id = $1",
            args![id],
        )
        .await?;
    Ok(row.map(Group::from))
}

pub(super) async fn name(tx: &mut Tx, id: GroupId) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx
        .optional("SELECT name FROM user_group WHERE id = $1", args![id])
        .await?;
    Ok(row.map(|(name,)| name))
}

/// `None` when there is one like it.
pub(super) async fn insert(
    tx: &mut Tx,
    group: &NewGroup,
    now: Timestamp,
) -> Result<Option<GroupId>, DbError> {
    let ldap_dn = if group.kind == LDAP {
        group.ldap_dn.as_str()
    } else {
        ""
    };
    let row: Option<(i64,)> = tx
        .optional(
            "INSERT INTO user_group (name, kind, ldap_dn, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING RETURNING id",
            args![&group.name, group.kind, ldap_dn, now],
        )
        .await?;
    Ok(row.map(|(id,)| GroupId(id)))
}

pub(super) async fn find_like(tx: &mut Tx, group: &NewGroup) -> Result<GroupId, DbError> {
    let (id,): (i64,) = if group.kind == LDAP {
        tx.one(
            "SELECT id FROM user_group WHERE kind = $1 AND ldap_dn = $2",
            args![group.kind, &group.ldap_dn],
        )
        .await?
    } else {
        tx.one(
            "SELECT id FROM user_group WHERE kind = $1 AND name = $2",
            args![group.kind, &group.name],
        )
        .await?
    };
    Ok(GroupId(id))
}

pub(super) async fn rename(
    tx: &mut Tx,
    id: GroupId,
    name: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE user_group SET name = $2, updated_at = $3 WHERE id = $1",
            args![id, name, now],
        )
        .await?;
    Ok(changed == 1)
}

pub(super) async fn delete(tx: &mut Tx, id: GroupId) -> Result<bool, DbError> {
    let deleted = tx
        .execute("DELETE FROM user_group WHERE id = $1", args![id])
        .await?;
    Ok(deleted == 1)
}
