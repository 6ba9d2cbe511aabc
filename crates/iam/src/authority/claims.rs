//! [`Claims`]: what a token says.

use berth_model::{RobotId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Pulling past the rules about content, by Harbor's word. No token request gives it.
pub(super) const SCANNER_PULL: &str = "scanner-pull";

/// Actions on one thing (distribution's token specification, `access`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// "repository" or "registry".
    #[serde(rename = "type")]
    pub kind: String,
    /// The thing's name: a whole repository name, or "catalog".
    pub name: String,
    /// "pull", "push", "delete" or "*".
    pub actions: Vec<String>,
}

/// What a token says. All of it is required: a token of ours has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: String,
    pub(super) exp: i64,
    pub(super) nbf: i64,
    pub(super) iat: i64,
    pub(super) jti: String,
    pub(super) access: Vec<AccessEntry>,
    /// Ours: the user's id, so that what a token does needs no look-up of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<UserId>,
    /// Ours: the robot's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rid: Option<RobotId>,
    /// Ours: whether the user was a system administrator when the token was issued.
    #[serde(default)]
    pub(super) sys: bool,
}

impl Claims {
    /// The user's or the robot's name; empty for anonymous.
    pub fn subject(&self) -> &str {
        &self.sub
    }

    /// The user's id; none for robots and anonymous.
    pub const fn user_id(&self) -> Option<UserId> {
        self.uid
    }

    /// The robot's id; none for users and anonymous.
    pub const fn robot_id(&self) -> Option<RobotId> {
        self.rid
    }

    /// Whether the user was a system administrator when the token was issued.
    pub const fn sysadmin(&self) -> bool {
        self.sys
    }

    /// When the token was issued, to the second. It says nothing about projects made later.
    pub const fn issued_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.iat)
    }

    /// When the token's time is over.
    pub const fn expires_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.exp)
    }

    /// All it gives.
    pub fn access(&self) -> &[AccessEntry] {
        &self.access
    }

    /// Whether it gives `action` on `repository`, by its whole name.
    pub fn allows(&self, repository: &str, action: &str) -> bool {
        self.gives("repository", repository, action)
    }

    /// Whether it was made for a scanner, which pulls one repository.
    pub fn is_scanner(&self) -> bool {
        let mut actions = self.access.iter().flat_map(|entry| &entry.actions);
        actions.any(|action| action == SCANNER_PULL)
    }

    /// Whether its holder is to judge what is in `repository`, and so pulls what others may not.
    pub fn scans(&self, repository: &str) -> bool {
        self.access.iter().any(|entry| {
            let named = entry.kind == "repository" && entry.name == repository;
            named && entry.actions.iter().any(|action| action == SCANNER_PULL)
        })
    }

    /// Whether it lets its holder read the catalog (`registry:catalog:*`).
    pub fn allows_catalog(&self) -> bool {
        self.gives("registry", "catalog", "*")
    }

    fn gives(&self, kind: &str, name: &str, action: &str) -> bool {
        self.access.iter().any(|entry| {
            entry.kind == kind
                && entry.name == name
                && entry.actions.iter().any(|it| it == action || it == "*")
        })
    }

    /// Roughly the bytes it takes in memory.
    pub(super) fn weight(&self) -> u32 {
        let entries: usize = self
            .access
            .iter()
            .map(|entry| 100 + entry.kind.len() + entry.name.len() + entry.actions.len() * 32)
            .sum();
        u32::try_from(400 + self.sub.len() + entries).unwrap_or(u32::MAX)
    }
}
