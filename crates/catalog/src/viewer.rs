//! Whose eyes a list is made for.

use berth_iam::access::{allows_system, word};
use berth_iam::{Actor, Permission, Place};
use berth_model::{Action, Resource, RobotId, UserId};

use crate::query::Filter;
use crate::store::role::projects_of;

/// What part of the catalog an actor sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// All of it: a system administrator, or a robot that was given every project.
    Everything,
    /// Public projects and those the user is a member of.
    User(UserId),
    /// Public projects and those the robot was given this permission in; or any, if none is said.
    Robot(RobotId, Option<Permission>),
    /// Public projects only.
    Anonymous,
}

impl Viewer {
    /// The projects `actor` sees. A token names repositories and opens no list: its holder sees
    /// what everybody sees.
    pub fn of(actor: &Actor) -> Self {
        Self::with(actor, None)
    }

    /// The projects in which `actor` sees what the permission is about. Users see it in every
    /// project of theirs, robots where they were given it.
    pub fn to(actor: &Actor, resource: Resource, action: Action) -> Self {
        Self::with(actor, Some(Permission::new(resource, action)))
    }

    fn with(actor: &Actor, wanted: Option<Permission>) -> Self {
        match actor {
            Actor::User(user) if user.sysadmin => Self::Everything,
            Actor::User(user) => Self::User(user.id),
            Actor::Robot(robot) => {
                let everywhere = robot.grants.at(Place::EveryProject);
                let every = wanted.map_or(!everywhere.is_empty(), |it| everywhere.contains(it));
                let whole = of_the_whole(wanted).is_some_and(|it| allows_system(actor, it));
                if every || whole {
                    Self::Everything
                } else {
                    Self::Robot(robot.id, wanted)
                }
            }
            Actor::Anonymous | Actor::Token(_) => Self::Anonymous,
        }
    }

    /// Adds that the project `p` is seen.
    pub fn narrow(self, filter: &mut Filter) {
        match self {
            Self::Everything => {}
            Self::Anonymous => filter.and("p.public"),
            Self::User(user) => {
                let user = filter.bind(user);
                filter.and(format!("(p.public OR p.id IN ({}))", projects_of(&user)));
            }
            Self::Robot(..) => {
                if let Some(given) = self.given(filter) {
                    filter.and(format!("(p.public OR p.id IN ({given}))"));
                }
            }
        }
    }

    /// SQL of the projects that a robot was given.
    pub(crate) fn given(self, filter: &mut Filter) -> Option<String> {
        let Self::Robot(robot, wanted) = self else {
            return None;
        };
        let robot = filter.bind(robot);
        let mut sql = format!(
            "SELECT s.project_id FROM robot_scope s \
             WHERE s.robot_id = {robot} AND s.kind = 'project'"
        );
        if let Some(wanted) = wanted {
            let wanted = filter.bind(format!("% {} %", word(wanted)));
            sql = format!("{sql} AND s.access LIKE {wanted}");
        }
        Some(sql)
    }
}

/// The permission on the system that shows of all projects what a permission shows of one.
fn of_the_whole(wanted: Option<Permission>) -> Option<Permission> {
    let Some(wanted) = wanted else {
        return Some(Permission::new(Resource::SystemProject, Action::List));
    };
    match (wanted.resource, wanted.action) {
        (Resource::Log, Action::List) => Some(Permission::new(Resource::AuditLog, Action::List)),
        (Resource::Repository, Action::Pull) => {
            Some(Permission::new(Resource::Catalog, Action::Read))
        }
        _ => None,
    }
}
