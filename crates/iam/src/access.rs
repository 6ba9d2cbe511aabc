//! Who may do what: the role matrix, and the questions asked of it.
//!
//! Invariant: every decision about rights in projects and in the system comes from here.

mod grants;
mod matrix;
mod offered;
mod set;

use berth_model::{Action, Code, Coded, ProjectId, Resource, Role, Timestamp};

pub use grants::{Grants, Place};
pub use offered::{Level, all_offered, offered, parse_offered, spelled, word};
pub(crate) use offered::{read as read_access, write as write_access};
pub use set::PermissionSet;

use crate::actor::Actor;

/// An action on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Permission {
    /// What it is about.
    pub resource: Resource,
    /// What is done to it.
    pub action: Action,
}

impl Permission {
    /// `action` on `resource`.
    pub const fn new(resource: Resource, action: Action) -> Self {
        Self { resource, action }
    }
}

/// What decisions about a project need to know, read for one actor and one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFacts {
    /// The row of `project`.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// Whether everybody may read it.
    pub public: bool,
    /// When it was made; tokens issued before that are not for this project.
    pub created_at: Timestamp,
    /// The role this actor holds in it.
    pub role: Option<Role>,
}

/// Whether `actor` may do `permission` in the project of `facts`.
///
/// A token's holder may nothing here: a token names repositories, ask
/// [`Claims::allows`](crate::Claims::allows).
pub fn allows(actor: &Actor, facts: &ProjectFacts, permission: Permission) -> bool {
    match actor {
        Actor::Token(_) => false,
        Actor::User(user) if user.sysadmin => true,
        // What everybody may, a robot may too: it pulls public base images with its own login.
        Actor::Robot(robot) => {
            robot.grants.hold(Place::Project(facts.id), permission)
                || (facts.public && matrix::public_holds(permission))
        }
        Actor::User(_) => {
            let by_role = facts
                .role
                .is_some_and(|role| matrix::role_holds(role, permission));
            by_role || (facts.public && matrix::public_holds(permission))
        }
        Actor::Anonymous => facts.public && matrix::public_holds(permission),
    }
}

/// Whether `actor` may do `permission` to the system as a whole: system administrators may, and
/// robots that were given it.
pub fn allows_system(actor: &Actor, permission: Permission) -> bool {
    match actor {
        Actor::User(user) => user.sysadmin,
        Actor::Robot(robot) => robot.grants.hold(Place::System, permission),
        Actor::Anonymous | Actor::Token(_) => false,
    }
}

/// Every permission `actor` holds in the project of `facts`.
pub fn permissions(actor: &Actor, facts: &ProjectFacts) -> Vec<Permission> {
    let mut known: PermissionSet = matrix::known().collect();
    if actor.robot().is_some() {
        // Robots can hold what no role does.
        known = known.with(&all_offered(Level::Project));
    }
    known
        .iter()
        .filter(|permission| allows(actor, facts, *permission))
        .collect()
}

/// [`allows`], as a refusal that says what is missing.
pub fn require(actor: &Actor, facts: &ProjectFacts, permission: Permission) -> Result<(), Refusal> {
    if allows(actor, facts, permission) {
        Ok(())
    } else {
        Err(Refusal::of(actor, permission, Some(&facts.name)))
    }
}

/// [`allows_system`], as a refusal that says what is missing.
pub fn require_system(actor: &Actor, permission: Permission) -> Result<(), Refusal> {
    if allows_system(actor, permission) {
        Ok(())
    } else {
        Err(Refusal::of(actor, permission, None))
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody is logged in, and that is not enough.
    #[error("log in first: {0}")]
    Unauthorized(Missing),
    /// The caller is known and may not.
    #[error("{0}")]
    Forbidden(Missing),
}

/// What a refused caller lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Credentials of a user.
    #[error("this needs a user's name and password")]
    User,
    /// More than the caller holds itself, given to a robot.
    #[error(
        "a robot can give only what it holds itself, and it lacks the permission {} on {}",
        .0.action, spelled(.0.resource)
    )]
    ToGive(Permission),
    /// A permission in a project.
    #[error("this needs the permission {} on {} in project {project}", .permission.action, .permission.resource)]
    InProject {
        /// The permission.
        permission: Permission,
        /// What the caller called the project.
        project: String,
    },
    /// A permission on the system.
    #[error("this needs the permission {} on {} of the system", .0.action, .0.resource)]
    InSystem(Permission),
}

impl Refusal {
    /// The refusal of `permission` to `actor`, in a project or in the system.
    ///
    /// The same words whether a project is hidden or is not there.
    pub fn of(actor: &Actor, permission: Permission, project: Option<&str>) -> Self {
        let missing = match project {
            Some(project) => Missing::InProject {
                permission,
                project: project.to_owned(),
            },
            None => Missing::InSystem(permission),
        };
        Self::missing(actor, missing)
    }

    /// The refusal of a robot that gives away more than it holds.
    pub fn to_give(actor: &Actor, permission: Permission) -> Self {
        Self::missing(actor, Missing::ToGive(permission))
    }

    /// The refusal of a route that needs a user and was called by `actor`.
    pub fn no_user(actor: &Actor) -> Self {
        Self::missing(actor, Missing::User)
    }

    fn missing(actor: &Actor, missing: Missing) -> Self {
        match actor {
            Actor::Anonymous => Self::Unauthorized(missing),
            Actor::User(_) | Actor::Robot(_) | Actor::Token(_) => Self::Forbidden(missing),
        }
    }
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Unauthorized(_) => Code::Unauthorized,
            Self::Forbidden(_) => Code::Forbidden,
        }
    }
}

#[cfg(test)]
mod tests;
