//! [`Users`]: the accounts.
//!
//! Invariant: a password's hash is read in this crate only and leaves it nowhere; a deleted
//! account keeps its row, gives its name and address back and cannot log in.

pub(crate) mod query;
pub(crate) mod store;

use std::fmt;
use std::sync::Arc;

use berth_crypto::random_password;
use berth_db::{Db, DbError, Tx};
use berth_model::{Clock, NameError, Secret, Timestamp, UserId, UserName, check_password};

use futures_util::future::BoxFuture;

use crate::IamError;
use crate::actor::User;
use crate::audit::{self, Author, Entry};
use crate::passwords::Hasher;

pub use query::UserQuery;

/// The administrator that exists from the first start.
pub const FIRST_ADMIN: UserId = UserId(1);
const FIRST_ADMIN_NAME: &str = "admin";

/// Longest e-mail address, bytes (RFC 5321 §4.5.3.1.3 leaves 254).
const LONGEST_EMAIL: usize = 254;
/// Longest real name and comment, characters.
const LONGEST_TEXT: usize = 255;

/// An account, without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The row of `user_account`.
    pub id: UserId,
    /// The login name.
    pub name: String,
    /// The e-mail address, which is as good as the name to log in with.
    pub email: Option<String>,
    /// The user's real name.
    pub realname: String,
    /// A remark.
    pub comment: String,
    /// Whether the user administers the whole system.
    pub sysadmin: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

impl From<Account> for User {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            sysadmin: account.sysadmin,
        }
    }
}

/// What users may say about themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The e-mail address.
    pub email: String,
    /// The real name.
    pub realname: String,
    /// A remark.
    pub comment: String,
}

impl Profile {
    fn check(&self) -> Result<(), IamError> {
        if !is_email(&self.email) {
            return Err(IamError::Profile(
                "an email is an address such as jane@example.com, of at most 254 characters",
            ));
        }
        if self.realname.chars().count() > LONGEST_TEXT
            || self.comment.chars().count() > LONGEST_TEXT
        {
            return Err(IamError::Profile(
                "a realname or comment has at most 255 characters",
            ));
        }
        let control = |text: &str| text.chars().any(char::is_control);
        if control(&self.realname) || control(&self.comment) {
            return Err(IamError::Profile(
                "a realname or comment holds no control characters",
            ));
        }
        Ok(())
    }
}

/// Enough to keep out what is no address; whether it is somebody's only a message can tell.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"".contains(c);
    text.len() <= LONGEST_EMAIL
        && !local.is_empty()
        && local.chars().all(|c| plain(c) && c != '@')
        && domain.chars().all(plain)
        && domain.split('.').all(|label| !label.is_empty())
        && domain.contains('.')
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The login name.
    pub name: UserName,
    /// What is said about the user.
    pub profile: Profile,
    /// The password.
    pub password: Secret<String>,
}

/// Takes what else belongs to an account that is deleted, in the same transaction.
pub type RemovalHook =
    Arc<dyn for<'t> Fn(&'t mut Tx, UserId) -> BoxFuture<'t, Result<(), DbError>> + Send + Sync>;

/// The accounts. Cheap to clone.
#[derive(Clone)]
pub struct Users {
    db: Db,
    clock: Clock,
    hasher: Arc<Hasher>,
    removal: Option<RemovalHook>,
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Users")
    }
}

impl Users {
    pub(crate) const fn new(
        db: Db,
        clock: Clock,
        hasher: Arc<Hasher>,
        removal: Option<RemovalHook>,
    ) -> Self {
        Self {
            db,
            clock,
            hasher,
            removal,
        }
    }

    /// Makes the first administrator, if there is none, with `password` or a random one.
    ///
    /// Gives the random one, to be shown once; there is no default. Replicas that start together
    /// make one, and only the one that made it gives a password.
    pub async fn ensure_admin(
        &self,
        password: Option<Secret<String>>,
    ) -> Result<Option<Secret<String>>, IamError> {
        if store::exists(&self.db, FIRST_ADMIN).await? {
            return Ok(None);
        }
        let (password, random) = match password {
            Some(password) => (password, false),
            None => (Secret::new(random_password()), true),
        };
        if password.expose().is_empty() {
            return Err(NameError::Password.into());
        }
        // The operator's own choice stands, so that a script that sets it can rely on it.
        if check_password(password.expose()).is_err() {
            tracing::warn!("the first administrator's password is weak: change it soon");
        }
        let hash = self.hasher.hash(&password).await?;
        let now = self.clock.now();
        let made = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (id, name) = (FIRST_ADMIN, FIRST_ADMIN_NAME);
                    let made = store::insert_first_admin(tx, id, name, hash, now).await?;
                    if made {
                        let entry = Author::server().did("create", "user", now).on(name);
                        audit::record(tx, entry).await?;
                    }
                    Ok(made)
                })
            })
            .await
            .map_err(|error: DbError| taken(error))?;
        Ok((made && random).then_some(password))
    }

    /// Makes an account.
    pub async fn create(&self, user: NewUser, by: &Author) -> Result<UserId, IamError> {
        user.profile.check()?;
        check_password(user.password.expose())?;
        let hash = self.hasher.hash(&user.password).await?;
        let now = self.clock.now();
        let entry = by.did("create", "user", now).on(user.name.as_str());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let name = user.name.as_str();
                    let id = store::insert(tx, name, &user.profile, hash, now).await?;
                    audit::record(tx, entry).await?;
                    Ok(id)
                })
            })
            .await
            .map_err(taken)
    }

    /// The account with this id.
    pub async fn get(&self, id: UserId) -> Result<Account, IamError> {
        store::find(&self.db, id)
            .await?
            .ok_or(IamError::NotFound(id))
    }

    /// The account with this name or e-mail address.
    pub async fn find(&self, name_or_email: &str) -> Result<Option<Account>, IamError> {
        Ok(store::find_by_name(&self.db, name_or_email).await?)
    }

    /// A page of the accounts a query finds, and how many it finds in all.
    pub async fn list(
        &self,
        query: &UserQuery,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Account>, u64), IamError> {
        let accounts = store::list(&self.db, query, limit, offset).await?;
        let total = store::count(&self.db, query).await?;
        Ok((accounts, total))
    }

    /// Accounts whose name contains `text`, whatever the case, and how many there are.
    pub async fn search(&self, text: &str, limit: i64) -> Result<(Vec<Account>, u64), IamError> {
        self.list(&UserQuery::name_contains(text), limit, 0).await
    }

    /// Changes what is said about a user.
    pub async fn update_profile(
        &self,
        id: UserId,
        profile: Profile,
        by: &Author,
    ) -> Result<(), IamError> {
        profile.check()?;
        let now = self.clock.now();
        let entry = by.did("update", "user", now).saying("changed the profile");
        let changed = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let named = store::update_profile(tx, id, &profile, now).await?;
                    recorded(tx, named, entry).await
                })
            })
            .await
            .map_err(taken)?;
        one(changed, id)
    }

    /// Gives a user a new password and ends what the old one had begun: refresh tokens and
    /// remembered logins. It must differ from the old one.
    pub async fn set_password(
        &self,
        id: UserId,
        new: &Secret<String>,
        by: &Author,
    ) -> Result<(), IamError> {
        check_password(new.expose())?;
        let row = store::login_by_id(&self.db, id)
            .await?
            .ok_or(IamError::NotFound(id))?;
        if row.password_hash.is_some() {
            let turn = self.hasher.turn().await?;
            let (_turn, same) = self.hasher.verify(turn, new, row.password_hash).await?;
            if same {
                return Err(IamError::SamePassword);
            }
        }
        let hash = self.hasher.hash(new).await?;
        let now = self.clock.now();
        let entry = by.did("update", "user", now).saying("changed the password");
        let changed = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let named = store::set_password(tx, id, hash, now).await?;
                    recorded(tx, named, entry).await
                })
            })
            .await
            .map_err(|error: DbError| taken(error))?;
        one(changed, id)
    }

    /// Makes a user a system administrator, or no longer one.
    pub async fn set_sysadmin(
        &self,
        id: UserId,
        sysadmin: bool,
        by: &Author,
    ) -> Result<(), IamError> {
        if id == FIRST_ADMIN && !sysadmin {
            return Err(IamError::Protected(
                "the first administrator stays an administrator",
            ));
        }
        let now = self.clock.now();
        let entry = by.did("update", "user", now).saying(if sysadmin {
            "made a system administrator"
        } else {
            "no longer a system administrator"
        });
        let changed = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let named = store::set_sysadmin(tx, id, sysadmin, now).await?;
                    recorded(tx, named, entry).await
                })
            })
            .await
            .map_err(|error: DbError| taken(error))?;
        one(changed, id)
    }

    /// Deletes an account and its memberships, on behalf of the user `own`, if it is one, who
    /// cannot be the same.
    pub async fn remove(
        &self,
        id: UserId,
        own: Option<UserId>,
        by: &Author,
    ) -> Result<(), IamError> {
        if own == Some(id) {
            return Err(IamError::Protected("nobody can delete their own account"));
        }
        if id == FIRST_ADMIN {
            return Err(IamError::Protected(
                "the first administrator cannot be deleted",
            ));
        }
        let now = self.clock.now();
        let entry = by.did("delete", "user", now);
        let removal = self.removal.clone();
        let changed = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let named = store::remove(tx, id, now).await?;
                    if let (Some(_), Some(removal)) = (&named, removal) {
                        removal(tx, id).await?;
                    }
                    recorded(tx, named, entry).await
                })
            })
            .await
            .map_err(|error: DbError| taken(error))?;
        one(changed, id)
    }
}

/// Writes down a change of the account that the statement named; whether there was one.
async fn recorded(tx: &mut Tx, named: Option<String>, entry: Entry) -> Result<bool, DbError> {
    let Some(name) = named else {
        return Ok(false);
    };
    audit::record(tx, entry.on(name)).await?;
    Ok(true)
}

fn one(changed: bool, id: UserId) -> Result<(), IamError> {
    if changed {
        Ok(())
    } else {
        Err(IamError::NotFound(id))
    }
}

/// Says which value is taken; the engines name the constraint and the column.
fn taken(error: DbError) -> IamError {
    match error {
        DbError::Unique(of) if of.contains("email") => IamError::Taken("email"),
        DbError::Unique(_) => IamError::Taken("username"),
        other => IamError::Db(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for ok in ["jane@example.com", "a.b+c@x.y.z", "王@例え.jp"] {
            assert!(is_email(ok), "{ok}");
        }
        let long = format!("{}@example.com", "x".repeat(250));
        for bad in [
            "", "jane", "@x.y", "jane@", "jane@x", "a b@x.y", "a@b@x.y", "a@x..y", "<a@x.y>",
            "a@x.y\n", &long,
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
