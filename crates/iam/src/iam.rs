//! [`Iam`]: who a request comes from.
//!
//! Invariant: every answer about a password is checked against the user's row, read for this
//! request; a wrong name and a wrong password take the same work and get the same words.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use berth_crypto::KeyFile;
use berth_db::{Db, Kept};
use berth_model::{Clock, RobotId, Secret, Timestamp, UserId, UserName};
use http::HeaderValue;

use crate::IamError;
use crate::actor::{Actor, User};
use crate::audit::{Author, Entry};
use crate::authority::{AccessEntry, Authority, Claims, IssuedToken, SCANNER, TokenError};
use crate::credentials::{self, Credentials};
use crate::groups::Groups;
use crate::lockout::{Lockout, Record, Subjects};
use crate::passwords::{HashCost, Hasher, Holder, Remembered, is_plausible};
use crate::refresh;
use crate::registration::Registration;
use crate::robots::{self, Robot, Robots};
use crate::together::Together;
use crate::users::store::{self, LoginRow};
use crate::users::{RemovalHook, Users};

/// Longest name or address that is looked up, bytes: 255 characters of four.
const LONGEST_NAME: usize = 1020;

/// Takes what is to be said about logins, without waiting.
pub type LoginSink = Arc<dyn Fn(Entry) + Send + Sync>;

/// Tells what the names of robots begin with; operators change it while the server runs.
pub type RobotPrefix = Arc<dyn Fn() -> String + Send + Sync>;

/// What the names of robots begin with if nobody says otherwise.
const ROBOT_PREFIX: &str = "robot$";
/// Holders of tokens that are remembered at most, until an account changes.
const HOLDERS_KEPT: usize = 4096;

/// What operators may choose.
#[derive(Clone, Copy, Debug)]
pub struct IamOptions {
    /// What hashing a password costs.
    pub hash_cost: HashCost,
    /// How long a refresh token is good.
    pub refresh_lifetime: Duration,
}

impl Default for IamOptions {
    fn default() -> Self {
        Self {
            hash_cost: HashCost::default(),
            refresh_lifetime: Duration::from_hours(30 * 24),
        }
    }
}

/// Who a request comes from. Cheap to clone.
#[derive(Clone)]
pub struct Iam {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    clock: Clock,
    authority: Authority,
    hasher: Arc<Hasher>,
    remembered: Remembered,
    holders: Kept<UserId, Option<TokenHolder>>,
    together: Together,
    lockout: Lockout,
    refresh_lifetime: Duration,
    logins: OnceLock<LoginSink>,
    robot_prefix: OnceLock<RobotPrefix>,
    removal: OnceLock<RemovalHook>,
    registration: Registration,
}

impl fmt::Debug for Iam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iam(…)")
    }
}

impl Iam {
    /// Loads the signing keys, making the first one, and gets ready.
    pub async fn open(
        db: Db,
        clock: Clock,
        key_file: &KeyFile,
        options: IamOptions,
    ) -> Result<Self, IamError> {
        let authority = Authority::open(&db, clock.clone(), key_file).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                authority,
                hasher: Arc::new(Hasher::new(options.hash_cost)?),
                remembered: Remembered::new(),
                holders: db.kept(&["user_account"], HOLDERS_KEPT),
                together: Together::default(),
                lockout: Lockout::new(db.clone(), clock.clone()),
                refresh_lifetime: options.refresh_lifetime,
                logins: OnceLock::new(),
                robot_prefix: OnceLock::new(),
                removal: OnceLock::new(),
                registration: Registration::default(),
                db,
                clock,
            }),
        })
    }

    /// Tells `sink` of every login, good or bad, from now on; only the first sink counts.
    pub fn watch_logins(&self, sink: LoginSink) {
        let _ = self.inner.logins.set(sink);
    }

    /// Asks `prefix` from now on what the names of robots begin with; only the first one counts.
    pub fn name_robots(&self, prefix: RobotPrefix) {
        let _ = self.inner.robot_prefix.set(prefix);
    }

    pub(crate) fn registration(&self) -> &Registration {
        &self.inner.registration
    }

    fn robot_prefix(&self) -> String {
        let prefix = self.inner.robot_prefix.get();
        prefix.map_or_else(|| ROBOT_PREFIX.to_owned(), |prefix| prefix())
    }

    /// Refuses a user's name that could be a robot's.
    pub(crate) fn check_free_of_robots(&self, name: &UserName) -> Result<(), IamError> {
        if name.as_str().starts_with(&self.robot_prefix()) {
            return Err(IamError::Profile(
                "this is how the names of robots begin: choose another username",
            ));
        }
        Ok(())
    }

    /// Lets `hook` take what else belongs to accounts that are deleted from now on; only the first
    /// one counts.
    pub fn on_removal(&self, hook: RemovalHook) {
        let _ = self.inner.removal.set(hook);
    }

    /// A user came in from `address`, or tried to; `None` is a name that nobody has. Not for
    /// credentials that are only remembered: those go with a login that was told of before.
    fn tell_login(&self, name: Option<&str>, address: IpAddr, outcome: Result<(), &str>) {
        let Some(sink) = self.inner.logins.get() else {
            return;
        };
        // What was typed as a name may be a password: only names of accounts are written down.
        let now = self.inner.clock.now();
        let entry = Author::user(name.unwrap_or_default(), address)
            .did("login", "user", now)
            .on(name.unwrap_or_default());
        sink(match outcome {
            Ok(()) => entry,
            Err(why) => entry.saying(why).refused(),
        });
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The accounts.
    pub fn users(&self) -> Users {
        Users::new(
            self.inner.db.clone(),
            self.inner.clock.clone(),
            Arc::clone(&self.inner.hasher),
            self.inner.removal.get().cloned(),
        )
    }

    /// The robots.
    pub fn robots(&self) -> Robots {
        Robots::new(self.inner.db.clone(), Arc::clone(&self.inner.hasher))
    }

    /// The groups of users.
    pub fn groups(&self) -> Groups {
        Groups::new(self.inner.db.clone(), self.inner.clock.clone())
    }

    /// What signs and checks tokens.
    pub fn authority(&self) -> &Authority {
        &self.inner.authority
    }

    /// Makes the first administrator; see [`Users::ensure_admin`].
    pub async fn ensure_admin(
        &self,
        password: Option<Secret<String>>,
    ) -> Result<Option<Secret<String>>, IamError> {
        self.users().ensure_admin(password).await
    }

    /// Who sent this `Authorization` header from `address`; anonymous if there is none.
    pub async fn authenticate(
        &self,
        authorization: Option<&HeaderValue>,
        address: IpAddr,
    ) -> Result<Actor, IamError> {
        let Some(header) = authorization else {
            return Ok(Actor::Anonymous);
        };
        match credentials::read(header)? {
            Credentials::Bearer(token) => Ok(Actor::Token(self.verify(token)?)),
            Credentials::Basic { name, password } => {
                // Boxed, so that requests with a token do not carry the size of a login.
                Box::pin(self.log_in(&name, &password, address)).await
            }
        }
    }

    /// The robot or the user with this name and this password; or the scanner that was given this
    /// token.
    ///
    /// # Errors
    /// As [`Self::login`], and [`IamError::RobotDisabled`] or [`IamError::RobotExpired`] to who
    /// knows the secret.
    pub async fn log_in(
        &self,
        name: &str,
        password: &Secret<String>,
        address: IpAddr,
    ) -> Result<Actor, IamError> {
        // Longer than any password of a user who has the same name.
        if name == SCANNER && !is_plausible(password) {
            let claims = self.verify(password.expose())?;
            if !claims.is_scanner() {
                return Err(IamError::Credentials);
            }
            return Ok(Actor::Token(claims));
        }
        if name.len() <= LONGEST_NAME
            && is_plausible(password)
            && let Some(bare) = name.strip_prefix(&self.robot_prefix())
            && let Some(row) = robots::store::login_by_name(&self.inner.db, bare).await?
        {
            let robot = self.log_in_robot(name, row, password, address).await?;
            return Ok(Actor::Robot(robot));
        }
        self.login(name, password, address).await.map(Actor::User)
    }

    async fn log_in_robot(
        &self,
        name: &str,
        row: robots::store::LoginRow,
        secret: &Secret<String>,
        address: IpAddr,
    ) -> Result<Arc<Robot>, IamError> {
        let id = RobotId(row.id);
        let changed_at = Timestamp::from_micros(row.secret_changed_at);
        let key = self.inner.remembered.key(name, secret);
        let remembered = self.inner.remembered.get(&key, self.inner.clock.now());
        let known = remembered
            .is_some_and(|it| it.holder == Holder::Robot(id) && it.changed_at == changed_at);
        if !known {
            let subjects = Subjects::of_robot(id, address);
            let stored = Some(row.secret_hash.clone());
            self.told(Some(name), address, self.guess(&subjects, secret, stored))
                .await?;
            let now = self.inner.clock.now();
            let holder = Holder::Robot(id);
            self.inner.remembered.insert(key, holder, changed_at, now);
        }
        self.robot_of(row).await
    }

    /// The robot of a row, with its permissions, if it may be used now.
    async fn robot_of(&self, row: robots::store::LoginRow) -> Result<Arc<Robot>, IamError> {
        let expires_at = row.expires_at.map(Timestamp::from_micros);
        if row.disabled {
            return Err(IamError::RobotDisabled);
        }
        if expires_at.is_some_and(|end| self.inner.clock.now() >= end) {
            return Err(IamError::RobotExpired);
        }
        let id = RobotId(row.id);
        Ok(Arc::new(Robot {
            id,
            name: format!("{}{}", self.robot_prefix(), row.name),
            project: row.project_id.map(berth_model::ProjectId),
            expires_at,
            grants: robots::store::grants(&self.inner.db, id).await?,
        }))
    }

    /// The user with this name or e-mail address and this password.
    ///
    /// # Errors
    /// [`IamError::Credentials`], [`IamError::Locked`] after too many failures, or
    /// [`IamError::Busy`].
    pub async fn login(
        &self,
        name: &str,
        password: &Secret<String>,
        address: IpAddr,
    ) -> Result<Arc<User>, IamError> {
        if name.is_empty() || name.len() > LONGEST_NAME || !is_plausible(password) {
            return Err(IamError::Credentials);
        }
        let key = self.inner.remembered.key(name, password);
        if let Some(user) = self.recall(&key, name).await? {
            return Ok(user);
        }
        let (_place, waited) = self.inner.together.wait(key).await?;
        if waited && let Some(user) = self.recall(&key, name).await? {
            return Ok(user);
        }
        let row = store::login_by_name(&self.inner.db, name).await?;
        let id = row.as_ref().map(|row| UserId(row.id));
        let stored = row.as_ref().and_then(|row| row.password_hash.clone());
        let known = row.as_ref().map(|row| row.username.as_str());
        let subjects = Subjects::of(name, id, address);
        self.told(known, address, self.guess(&subjects, password, stored))
            .await?;
        let row = row.ok_or(IamError::Credentials)?;
        self.inner.remembered.insert(
            key,
            Holder::User(UserId(row.id)),
            Timestamp::from_micros(row.password_changed_at),
            self.inner.clock.now(),
        );
        Ok(user_of(row))
    }

    /// Tells of a login as it was guessed: at the account called `known`, if there is one.
    async fn told(
        &self,
        known: Option<&str>,
        address: IpAddr,
        guess: impl Future<Output = Result<bool, IamError>>,
    ) -> Result<(), IamError> {
        match guess.await {
            Ok(true) if known.is_some() => {
                self.tell_login(known, address, Ok(()));
                Ok(())
            }
            Ok(_) => {
                let why = known.map_or("there is no such account", |_| "the password was wrong");
                self.tell_login(known, address, Err(why));
                Err(IamError::Credentials)
            }
            Err(error) => {
                if matches!(error, IamError::Locked(_)) {
                    let why = "locked out after too many failed logins";
                    self.tell_login(known, address, Err(why));
                }
                Err(error)
            }
        }
    }

    /// A user whose password was right a moment ago, if the row has not changed since.
    async fn recall(&self, key: &[u8; 32], name: &str) -> Result<Option<Arc<User>>, IamError> {
        let Some(verified) = self.inner.remembered.get(key, self.inner.clock.now()) else {
            return Ok(None);
        };
        let Holder::User(id) = verified.holder else {
            return Ok(None);
        };
        let row = store::login_by_id(&self.inner.db, id).await?;
        let row = row.filter(|row| {
            row.password_hash.is_some()
                && row.password_changed_at == verified.changed_at.micros()
                && (row.username == name || row.email.as_deref() == Some(name))
        });
        if row.is_none() {
            self.inner.remembered.forget(key);
        }
        Ok(row.map(user_of))
    }

    /// Compares one guess, counting it if it is wrong.
    async fn guess(
        &self,
        subjects: &Subjects,
        password: &Secret<String>,
        stored: Option<String>,
    ) -> Result<bool, IamError> {
        let Inner {
            hasher, lockout, ..
        } = &*self.inner;
        let record = lockout.check(subjects).await?;
        if let Some(stored) = &stored
            && robots::secret::matches_quickly(stored, password)
        {
            if record == Record::Failures {
                lockout.succeed(subjects).await?;
            }
            return Ok(true);
        }
        // A wrong secret of a robot costs what a wrong password costs.
        let stored = stored.filter(|stored| !robots::secret::is_quick(stored));
        let turn = hasher.turn().await?;
        // Once more: guesses that waited together must not all pass on the same count.
        let record = lockout.check(subjects).await?;
        let (_turn, right) = hasher.verify(turn, password, stored).await?;
        if !right {
            lockout.fail(subjects).await?;
        } else if record == Record::Failures {
            lockout.succeed(subjects).await?;
        }
        Ok(right)
    }

    /// Gives a user a new password after a look at the old one.
    ///
    /// # Errors
    /// [`IamError::OldPassword`] when it is wrong; such guesses are counted like failed logins.
    pub async fn change_password(
        &self,
        id: UserId,
        old: &Secret<String>,
        new: &Secret<String>,
        address: IpAddr,
    ) -> Result<(), IamError> {
        let row = store::login_by_id(&self.inner.db, id)
            .await?
            .ok_or(IamError::NotFound(id))?;
        let subjects = Subjects::of(&row.username, Some(id), address);
        if !is_plausible(old) || !self.guess(&subjects, old, row.password_hash).await? {
            return Err(IamError::OldPassword);
        }
        let by = Author::user(row.username, address);
        self.users().set_password(id, new, &by).await
    }

    /// Checks a token of ours; see [`Authority::verify`].
    pub fn verify(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        self.inner.authority.verify(token)
    }

    /// Who a token was issued to, as they are now.
    ///
    /// # Errors
    /// [`IamError::Revoked`] when the account is gone or cannot be used, or has another password
    /// or secret since.
    pub async fn holder(&self, claims: &Claims) -> Result<Actor, IamError> {
        let issued = claims.issued_at().seconds();
        // Tokens tell whole seconds.
        let is_older = |changed: i64| issued < Timestamp::from_micros(changed).seconds();
        if let Some(id) = claims.robot_id() {
            let row = robots::store::login_by_id(&self.inner.db, id).await?;
            let row = row.filter(|row| !is_older(row.secret_changed_at));
            let robot = self.robot_of(row.ok_or(IamError::Revoked)?).await;
            return robot.map(Actor::Robot).map_err(|error| match error {
                IamError::RobotDisabled | IamError::RobotExpired => IamError::Revoked,
                other => other,
            });
        }
        let Some(id) = claims.user_id() else {
            return Ok(Actor::Anonymous);
        };
        let read = async {
            let row = store::login_by_id(&self.inner.db, id).await?;
            Ok::<_, IamError>(row.map(TokenHolder::from))
        };
        let holder = self.inner.holders.get_or(id, read).await?;
        let holder = holder.filter(|holder| !is_older(holder.password_changed_at));
        holder
            .map(|holder| Actor::User(holder.user))
            .ok_or(IamError::Revoked)
    }

    /// Signs a token for a user or a robot, or for nobody in particular; see
    /// [`Authority::issue`]. A robot's token does not outlive it.
    ///
    /// A token's holder is given none: rights are read anew when a token is issued.
    pub fn issue(
        &self,
        actor: &Actor,
        service: &str,
        access: impl Into<Vec<AccessEntry>>,
        lifetime: Duration,
    ) -> Result<IssuedToken, IamError> {
        if matches!(actor, Actor::Token(_)) {
            return Err(IamError::Credentials);
        }
        let left = actor.robot().and_then(|robot| robot.expires_at);
        let left = left.map(|end| end.since(self.inner.clock.now()));
        let lifetime = left.map_or(lifetime, |left| lifetime.min(left));
        Ok(self
            .inner
            .authority
            .issue(actor, service, access, lifetime)?)
    }

    /// Gives `user` a token that stands for the password at `service` for 30 days. It is shown
    /// once and a secret.
    pub async fn issue_refresh(&self, user: &User, service: &str) -> Result<String, IamError> {
        let lifetime = self.inner.refresh_lifetime;
        refresh::issue(
            &self.inner.db,
            &self.inner.clock,
            user.id,
            service,
            lifetime,
        )
        .await
    }

    /// The user a refresh token was given to.
    ///
    /// # Errors
    /// [`IamError::Refresh`] when it is unknown, expired, revoked or for another service.
    pub async fn redeem_refresh(&self, token: &str, service: &str) -> Result<Arc<User>, IamError> {
        refresh::redeem(&self.inner.db, &self.inner.clock, token, service)
            .await
            .map(Arc::new)
    }
}

/// A user that tokens were issued to.
#[derive(Clone)]
struct TokenHolder {
    user: Arc<User>,
    password_changed_at: i64,
}

impl From<LoginRow> for TokenHolder {
    fn from(row: LoginRow) -> Self {
        Self {
            password_changed_at: row.password_changed_at,
            user: user_of(row),
        }
    }
}

fn user_of(row: LoginRow) -> Arc<User> {
    Arc::new(User {
        id: UserId(row.id),
        name: row.username,
        sysadmin: row.sysadmin,
    })
}
