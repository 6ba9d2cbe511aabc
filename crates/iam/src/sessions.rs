//! Sessions: what a browser shows instead of the password.
//!
//! Invariant: a session's token is made here and nowhere else, so nobody can choose one for
//! another; the database holds its SHA-256 only. It ends when it is not used, when its user signs
//! out or is deleted, and with the password it was begun by. Its user's rights are read anew for
//! every request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use berth_crypto::{constant_time_eq, random_token, sha256_hex};
use berth_db::{Db, DbError, Durability, Tx, args};
use berth_model::{Secret, Timestamp, UserId};

use crate::actor::User;
use crate::{Iam, IamError};

/// Sessions of one user; the oldest make room for a new one.
const MOST: i64 = 100;
/// Longest token that is looked up; ours have 43 characters.
const LONGEST: usize = 256;
/// How far the time of the last use may lag behind: a row is not written for every request.
const LAG: Duration = Duration::from_mins(1);
/// No session is kept longer than this without use, whatever the setting says.
const LONGEST_IDLE: Duration = Duration::from_hours(24 * 30);

/// The token of a session, which its browser alone has.
#[derive(Clone)]
pub struct SessionToken(Secret<String>);

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

impl SessionToken {
    /// What a browser sent; it may be anything.
    pub fn sent(text: &str) -> Self {
        Self(Secret::new(text.to_owned()))
    }

    /// For the cookie.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    fn hash(&self) -> String {
        sha256_hex(self.0.expose().as_bytes())
    }

    /// What a page of this session sends with every change, and no other page can know: it
    /// follows from the token and does not lead back to it.
    pub fn proof(&self) -> String {
        sha256_hex(format!("csrf:{}", self.0.expose()).as_bytes())
    }

    /// Whether `sent` is the [`Self::proof`].
    pub fn is_proved_by(&self, sent: &[u8]) -> bool {
        constant_time_eq(self.proof().as_bytes(), sent)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    username: String,
    sysadmin: bool,
    used_at: i64,
}

impl Iam {
    /// Begins a session of a user who has just proved the password.
    pub async fn begin_session(&self, user: &User) -> Result<SessionToken, IamError> {
        let token = SessionToken(Secret::new(random_token()));
        let (hash, user, now) = (token.hash(), user.id, self.clock().now());
        self.db()
            .write(move |tx| Box::pin(async move { insert(tx, user, &hash, now).await }))
            .await
            .map_err(|error: DbError| IamError::Db(error))?;
        Ok(token)
    }

    /// The user of a session that was used within `idle`; none: the session is over, or never was.
    pub async fn session(
        &self,
        token: &SessionToken,
        idle: Duration,
    ) -> Result<Option<Arc<User>>, IamError> {
        if token.expose().len() > LONGEST {
            return Ok(None);
        }
        let (hash, now) = (token.hash(), self.clock().now());
        let Some(row) = find(self.db(), &hash).await? else {
            return Ok(None);
        };
        let unused = now.since(Timestamp::from_micros(row.used_at));
        if unused >= idle.min(LONGEST_IDLE) {
            return Ok(None);
        }
        if unused >= LAG {
            self.db()
                .write_with(Durability::Relaxed, move |tx| {
                    Box::pin(async move {
                        tx.execute(
                            "UPDATE session SET used_at = $2 WHERE token_hash = $1",
                            args![hash, now],
                        )
                        .await
                    })
                })
                .await
                .map_err(|error: DbError| IamError::Db(error))?;
        }
        Ok(Some(Arc::new(User {
            id: UserId(row.id),
            name: row.username,
            sysadmin: row.sysadmin,
        })))
    }

    /// Ends a session; one that is over already is no error.
    pub async fn end_session(&self, token: &SessionToken) -> Result<(), IamError> {
        if token.expose().len() > LONGEST {
            return Ok(());
        }
        let hash = token.hash();
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    tx.execute("DELETE FROM session WHERE token_hash = $1", args![hash])
                        .await
                })
            })
            .await
            .map_err(|error: DbError| IamError::Db(error))?;
        Ok(())
    }
}

async fn find(db: &Db, hash: &str) -> Result<Option<Row>, DbError> {
    db.optional(
        "SELECT u.id, u.username, u.sysadmin, s.used_at FROM session s \
         JOIN user_account u ON u.id = s.user_id AND u.deleted_at IS NULL \
         WHERE s.token_hash = $1",
        args![hash],
    )
    .await
}

async fn insert(tx: &mut Tx, user: UserId, hash: &str, now: Timestamp) -> Result<(), DbError> {
    let forgotten = Timestamp::from_micros(now.micros() - LONGEST_IDLE.as_micros() as i64);
    tx.execute("DELETE FROM session WHERE used_at <= $1", args![forgotten])
        .await?;
    tx.execute(
        "INSERT INTO session (token_hash, user_id, created_at, used_at) VALUES ($1, $2, $3, $3)",
        args![hash, user, now],
    )
    .await?;
    tx.execute(
        "DELETE FROM session WHERE user_id = $1 AND token_hash NOT IN \
         (SELECT token_hash FROM session WHERE user_id = $1 \
          ORDER BY created_at DESC, token_hash LIMIT $2)",
        args![user, MOST],
    )
    .await?;
    Ok(())
}
