//! Whose eyes a list is made for.

use berth_iam::Actor;
use berth_model::UserId;

/// What part of the catalog an actor sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// All of it: a system administrator.
    Everything,
    /// Public projects and those the user is a member of.
    User(UserId),
    /// Public projects only.
    Anonymous,
}

impl Viewer {
    /// What `actor` sees. A token names repositories and opens no list: its holder sees what
    /// everybody sees.
    pub fn of(actor: &Actor) -> Self {
        actor.user().map_or(Self::Anonymous, |user| {
            if user.sysadmin {
                Self::Everything
            } else {
                Self::User(user.id)
            }
        })
    }

    /// The user id to compare `project_member.user_id` with; no row has 0.
    pub(crate) const fn user_id(self) -> UserId {
        match self {
            Self::User(id) => id,
            Self::Everything | Self::Anonymous => UserId(0),
        }
    }
}
