//! The SQL of `user_account`.
//!
//! Invariant: every statement but those that name a deleted row on purpose leaves deleted
//! accounts out.

use berth_db::{Args, AssertSqlSafe};
use berth_db::{Db, DbError, Engine, Row, Tx, args};
use berth_model::{Timestamp, UserId};

use super::{Account, Profile, UserQuery};

const COLUMNS: &str = "id, username, email, realname, comment, sysadmin, created_at, updated_at";

#[derive(sqlx::FromRow)]
struct AccountRow {
    id: i64,
    username: String,
    email: Option<String>,
    realname: String,
    comment: String,
    sysadmin: bool,
    created_at: i64,
    updated_at: i64,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self {
            id: UserId(row.id),
            name: row.username,
            email: row.email,
            realname: row.realname,
            comment: row.comment,
            sysadmin: row.sysadmin,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        }
    }
}

/// What a login compares with.
#[derive(sqlx::FromRow)]
pub(crate) struct LoginRow {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) email: Option<String>,
    pub(crate) sysadmin: bool,
    pub(crate) password_hash: Option<String>,
    pub(crate) password_changed_at: i64,
}

pub(crate) async fn login_by_id(db: &Db, id: UserId) -> Result<Option<LoginRow>, DbError> {
    db.optional(
        "SELECT id, username, email, sysadmin, password_hash, password_changed_at \
         FROM user_account WHERE id = $1 AND deleted_at IS NULL",
        args![id],
    )
    .await
}

/// A name goes before an address: who takes somebody's address as a name gains nothing by it.
pub(crate) async fn login_by_name(db: &Db, name: &str) -> Result<Option<LoginRow>, DbError> {
    by_name(
        db,
        "SELECT id, username, email, sysadmin, password_hash, password_changed_at \
         FROM user_account WHERE (username = $1 OR email = $1) AND deleted_at IS NULL \
         ORDER BY CASE WHEN username = $1 THEN 0 ELSE 1 END LIMIT 1",
        name,
    )
    .await
}

pub(super) async fn find_by_name(db: &Db, name: &str) -> Result<Option<Account>, DbError> {
    let row: Option<AccountRow> = by_name(
        db,
        "SELECT id, username, email, realname, comment, sysadmin, created_at, updated_at \
         FROM user_account WHERE (username = $1 OR email = $1) AND deleted_at IS NULL \
         ORDER BY CASE WHEN username = $1 THEN 0 ELSE 1 END LIMIT 1",
        name,
    )
    .await?;
    Ok(row.map(Account::from))
}

async fn by_name<T: Row>(db: &Db, sql: &'static str, name: &str) -> Result<Option<T>, DbError> {
    db.optional(sql, args![name]).await
}

pub(super) async fn find(db: &Db, id: UserId) -> Result<Option<Account>, DbError> {
    let row: Option<AccountRow> = db
        .optional(
            AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM user_account WHERE id = $1 AND deleted_at IS NULL"
            )),
            args![id],
        )
        .await?;
    Ok(row.map(Account::from))
}

/// Whether the row is there, deleted or not.
pub(super) async fn exists(db: &Db, id: UserId) -> Result<bool, DbError> {
    let row: Option<(i64,)> = db
        .optional("SELECT id FROM user_account WHERE id = $1", args![id])
        .await?;
    Ok(row.is_some())
}

pub(super) async fn list(
    db: &Db,
    query: &UserQuery,
    limit: i64,
    offset: i64,
) -> Result<Vec<Account>, DbError> {
    let mut args = Args::new();
    let condition = query.condition(&mut args);
    let order = query.order();
    let (limit, offset) = (args.push(limit), args.push(offset));
    let rows: Vec<AccountRow> = db
        .all(
            AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM user_account WHERE deleted_at IS NULL{condition} \
                 ORDER BY {order} LIMIT ${limit} OFFSET ${offset}"
            )),
            args,
        )
        .await?;
    Ok(rows.into_iter().map(Account::from).collect())
}

pub(super) async fn count(db: &Db, query: &UserQuery) -> Result<u64, DbError> {
    let mut args = Args::new();
    let condition = query.condition(&mut args);
    let (count,): (i64,) = db
        .one(
            AssertSqlSafe(format!(
                "SELECT COUNT(*) FROM user_account WHERE deleted_at IS NULL{condition}"
            )),
            args,
        )
        .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(super) async fn insert(
    tx: &mut Tx,
    name: &str,
    profile: &Profile,
    password_hash: String,
    now: Timestamp,
) -> Result<UserId, DbError> {
    let (id,): (i64,) = tx
        .one(
            "INSERT INTO user_account (username, email, realname, comment, password_hash, \
               password_changed_at, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $6, $6) RETURNING id",
            args![
                name,
                &profile.email,
                &profile.realname,
                &profile.comment,
                password_hash,
                now
            ],
        )
        .await?;
    Ok(UserId(id))
}

/// Adds the first administrator with its fixed id; `false` when another replica was first.
pub(super) async fn insert_first_admin(
    tx: &mut Tx,
    id: UserId,
    name: &'static str,
    password_hash: String,
    now: Timestamp,
) -> Result<bool, DbError> {
    let inserted = tx
        .execute(
            "INSERT INTO user_account (id, username, realname, comment, password_hash, \
               password_changed_at, sysadmin, created_at, updated_at) \
             VALUES ($1, $2, 'system admin', 'admin user', $3, $4, TRUE, $4, $4) \
             ON CONFLICT DO NOTHING",
            args![id, name, password_hash, now],
        )
        .await?;
    if inserted > 0 && tx.engine() == Engine::Postgres {
        // An explicit id does not move PostgreSQL's sequence on.
        let _: (i64,) = tx
            .one(
                "SELECT setval(pg_get_serial_sequence('user_account', 'id'), \
                   (SELECT MAX(id) FROM user_account))",
                args![],
            )
            .await?;
    }
    Ok(inserted > 0)
}

pub(super) async fn update_profile(
    tx: &mut Tx,
    id: UserId,
    profile: &Profile,
    now: Timestamp,
) -> Result<Option<String>, DbError> {
    named(
        tx,
        "UPDATE user_account SET email = $2, realname = $3, comment = $4, updated_at = $5 \
         WHERE id = $1 AND deleted_at IS NULL RETURNING username",
        args![id, &profile.email, &profile.realname, &profile.comment, now],
    )
    .await
}

pub(super) async fn set_password(
    tx: &mut Tx,
    id: UserId,
    password_hash: String,
    now: Timestamp,
) -> Result<Option<String>, DbError> {
    // Strictly later than before, whatever the clocks of the replicas say: remembered logins are
    // known to be old by it.
    let changed = named(
        tx,
        "UPDATE user_account SET password_hash = $2, updated_at = $3, \
           password_changed_at = CASE WHEN password_changed_at < $3 THEN $3 \
             ELSE password_changed_at + 1 END \
         WHERE id = $1 AND deleted_at IS NULL RETURNING username",
        args![id, password_hash, now],
    )
    .await?;
    revoke(tx, id).await?;
    Ok(changed)
}

pub(super) async fn set_sysadmin(
    tx: &mut Tx,
    id: UserId,
    sysadmin: bool,
    now: Timestamp,
) -> Result<Option<String>, DbError> {
    named(
        tx,
        "UPDATE user_account SET sysadmin = $2, updated_at = $3 \
         WHERE id = $1 AND deleted_at IS NULL RETURNING username",
        args![id, sysadmin, now],
    )
    .await
}

/// Deletes an account softly: '#' is in no valid name, so the new name meets no other. Gives the
/// old name.
pub(super) async fn remove(
    tx: &mut Tx,
    id: UserId,
    now: Timestamp,
) -> Result<Option<String>, DbError> {
    let suffix = format!("#{id}");
    let changed = named(
        tx,
        "UPDATE user_account SET username = username || $2, email = email || $2, \
           password_hash = NULL, sysadmin = FALSE, deleted_at = $3, updated_at = $3 \
         WHERE id = $1 AND deleted_at IS NULL RETURNING username",
        args![id, suffix.as_str(), now],
    )
    .await?;
    revoke(tx, id).await?;
    tx.execute(
        "DELETE FROM user_group_member WHERE user_id = $1",
        args![id],
    )
    .await?;
    Ok(changed.map(|name| name.strip_suffix(&suffix).unwrap_or(&name).to_owned()))
}

async fn revoke(tx: &mut Tx, id: UserId) -> Result<u64, DbError> {
    tx.execute("DELETE FROM session WHERE user_id = $1", args![id])
        .await?;
    tx.execute("DELETE FROM refresh_token WHERE user_id = $1", args![id])
        .await
}

/// The name of the account that a statement changed.
async fn named(tx: &mut Tx, sql: &'static str, args: Args) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = tx.optional(sql, args).await?;
    Ok(row.map(|(name,)| name))
}
