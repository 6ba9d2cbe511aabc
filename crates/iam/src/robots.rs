//! Robots: accounts of programs, which may do what their permissions say and nothing else.
//!
//! Invariant: a robot's row and permissions are read for each request it makes with its secret, so
//! that what is disabled, expired, changed or deleted counts at once; a secret is kept as a hash
//! and shown to whoever makes it, once.

pub(crate) mod secret;
pub(crate) mod store;

use std::fmt;
use std::sync::Arc;

use berth_db::query::Filter;
use berth_db::{Db, DbError, Tx};
use berth_model::{ProjectId, RobotId, Secret, Timestamp, UserId};

use crate::IamError;
use crate::access::{Grants, Place};
use crate::passwords::Hasher;

pub use secret::NewSecret;

/// The name and the project of a project robot are joined by it; neither holds one.
const JOINT: char = '+';

/// A robot whose secret was checked for this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Robot {
    /// The row of `robot`.
    pub id: RobotId,
    /// The name it logs in with.
    pub name: String,
    /// The project of a project robot; a system robot has none.
    pub project: Option<ProjectId>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// What it may do, and where.
    pub grants: Grants,
}

/// Who made a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creator {
    /// A user.
    User(UserId),
    /// Another robot.
    Robot(RobotId),
}

impl Creator {
    pub(crate) const ROBOT: &str = "robot";

    /// Harbor's type of the creator, and its id.
    pub const fn parts(self) -> (&'static str, i64) {
        match self {
            Self::User(id) => ("local", id.get()),
            Self::Robot(id) => (Self::ROBOT, id.get()),
        }
    }
}

/// A robot as it is managed, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotAccount {
    /// The row of `robot`.
    pub id: RobotId,
    /// Its name without the prefix: `ci`, `project+ci`.
    pub name: String,
    /// The project of a project robot.
    pub project: Option<ProjectId>,
    /// A remark.
    pub description: String,
    /// Days it lives; -1: it does not end.
    pub duration: i64,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Who made it.
    pub creator: Creator,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// What it may do, and where.
    pub grants: Grants,
}

/// A robot to be made.
#[derive(Clone, Debug)]
pub struct RobotEntry {
    /// Its name without the prefix: see [`full_name`].
    pub name: String,
    /// The project of a project robot.
    pub project: Option<ProjectId>,
    /// A remark.
    pub description: String,
    /// Days it lives; -1: it does not end.
    pub duration: i64,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Who makes it.
    pub creator: Creator,
    /// What it may do, and where.
    pub grants: Grants,
}

/// What of a robot is replaced.
#[derive(Clone, Debug)]
pub struct RobotChange {
    /// A remark.
    pub description: String,
    /// Days it lives; -1: it does not end.
    pub duration: i64,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it is switched off.
    pub disabled: bool,
    /// What it may do, and where.
    pub grants: Grants,
}

/// The name that follows the prefix: of a project robot `project+name`.
pub fn full_name(project: Option<&str>, name: &str) -> String {
    project.map_or_else(
        || name.to_owned(),
        |project| format!("{project}{JOINT}{name}"),
    )
}

/// The robots. Cheap to clone.
#[derive(Clone)]
pub struct Robots {
    db: Db,
    hasher: Arc<Hasher>,
}

impl fmt::Debug for Robots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Robots")
    }
}

impl Robots {
    pub(crate) const fn new(db: Db, hasher: Arc<Hasher>) -> Self {
        Self { db, hasher }
    }

    /// The given secret, if it is strong enough, or a random one.
    pub async fn secret(&self, given: Option<Secret<String>>) -> Result<NewSecret, IamError> {
        secret::make(&self.hasher, given).await
    }

    /// The robot with this id.
    pub async fn find(&self, id: RobotId) -> Result<Option<RobotAccount>, IamError> {
        Ok(store::find(&self.db, id).await?)
    }

    /// A page of the robots a filter over `r` finds, and how many it finds in all.
    pub async fn list(
        &self,
        filter: &Filter,
        order: &str,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<RobotAccount>, i64), IamError> {
        Ok(store::list(&self.db, filter, order, limit, offset).await?)
    }
}

/// Makes a robot; `None` when there is one of this name.
///
/// Its project's row is locked against deletion until the transaction ends: look afterwards
/// whether the project is still there.
pub async fn insert(
    tx: &mut Tx,
    robot: &RobotEntry,
    secret: &NewSecret,
    now: Timestamp,
) -> Result<Option<RobotId>, DbError> {
    match store::insert(tx, robot, &secret.hash, now).await {
        Ok(id) => Ok(Some(id)),
        Err(DbError::Unique(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Changes a robot; `false` when it is gone.
pub async fn update(
    tx: &mut Tx,
    id: RobotId,
    change: &RobotChange,
    now: Timestamp,
) -> Result<bool, DbError> {
    store::update(tx, id, change, now).await
}

/// Gives a robot another secret; `false` when it is gone.
pub async fn set_secret(
    tx: &mut Tx,
    id: RobotId,
    secret: &NewSecret,
    now: Timestamp,
) -> Result<bool, DbError> {
    store::set_secret(tx, id, &secret.hash, now).await
}

/// Deletes a robot; `false` when it is gone.
pub async fn delete(tx: &mut Tx, id: RobotId) -> Result<bool, DbError> {
    store::delete(tx, id).await
}

/// Gives the robot that made a project all that robots can be given there.
pub async fn give_project(tx: &mut Tx, id: RobotId, project: ProjectId) -> Result<(), DbError> {
    let all = crate::access::all_offered(crate::access::Level::Project);
    let grants = Grants::new([(Place::Project(project), all)]);
    store::add_scopes(tx, id, &grants).await
}

/// Deletes the robots of a project that is deleted, and what others were given in it.
pub async fn forget_project(tx: &mut Tx, project: ProjectId) -> Result<(), DbError> {
    store::forget_project(tx, project).await
}
