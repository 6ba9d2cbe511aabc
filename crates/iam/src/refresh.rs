//! Refresh tokens: what `docker login` keeps instead of the password.
//!
//! Invariant: the database holds their SHA-256 only, and a token lives no longer than the
//! password it was given for.

use std::time::Duration;

use berth_crypto::{random_token, sha256_hex};
use berth_db::{Db, DbError, Tx, args};
use berth_model::{Clock, Timestamp, UserId};

use crate::IamError;
use crate::actor::User;

/// Tokens of one user; the oldest make room for a new one.
const MOST: i64 = 100;
/// Longest token that is looked up; ours have 43 characters.
const LONGEST: usize = 256;

#[derive(sqlx::FromRow)]
struct UserRow {
    id: i64,
    username: String,
    sysadmin: bool,
}

/// Gives `user` a new token for `service`.
pub(crate) async fn issue(
    db: &Db,
    clock: &Clock,
    user: UserId,
    service: &str,
    lifetime: Duration,
) -> Result<String, IamError> {
    let token = random_token();
    let (hash, service) = (sha256_hex(token.as_bytes()), service.to_owned());
    let now = clock.now();
    let until = now.plus(lifetime);
    db.write(move |tx| {
        Box::pin(async move { insert(tx, user, &hash, &service, now, until).await })
    })
    .await?;
    Ok(token)
}

async fn insert(
    tx: &mut Tx,
    user: UserId,
    hash: &str,
    service: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM refresh_token WHERE expires_at <= $1",
        args![now],
    )
    .await?;
    tx.execute(
        "INSERT INTO refresh_token (token_hash, user_id, service, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)",
        args![hash, user, service, now, until],
    )
    .await?;
    tx.execute(
        "DELETE FROM refresh_token WHERE user_id = $1 AND id NOT IN \
         (SELECT id FROM refresh_token WHERE user_id = $1 ORDER BY id DESC LIMIT $2)",
        args![user, MOST],
    )
    .await?;
    Ok(())
}

/// The user a token was given to.
pub(crate) async fn redeem(
    db: &Db,
    clock: &Clock,
    token: &str,
    service: &str,
) -> Result<User, IamError> {
    if token.len() > LONGEST {
        return Err(IamError::Refresh);
    }
    let row: Option<UserRow> = db
        .optional(
            "SELECT u.id, u.username, u.sysadmin FROM refresh_token t \
             JOIN user_account u ON u.id = t.user_id \
             WHERE t.token_hash = $1 AND t.service = $2 AND t.expires_at > $3 \
               AND u.deleted_at IS NULL",
            args![sha256_hex(token.as_bytes()), service, clock.now()],
        )
        .await?;
    row.map_or(Err(IamError::Refresh), |row| {
        Ok(User {
            id: UserId(row.id),
            name: row.username,
            sysadmin: row.sysadmin,
        })
    })
}
