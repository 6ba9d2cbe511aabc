//! [`Entry`]: a line of the access log, and the way into the log.
//!
//! It is written here because accounts, the lowest feature, write it too; it is read and purged by
//! the catalog. Invariant: a line never holds a secret: it names what was changed and to whom, not
//! the value, and no body is copied into it.

pub mod outbox;
mod store;

use std::net::IpAddr;

use berth_db::{DbError, Tx};
use berth_model::{ProjectId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::actor::Caller;

/// The setting that holds the muted events: their names, joined by commas.
pub const MUTED: &str = "disabled_audit_log_event_types";

/// The setting with the log server that lines are forwarded to; empty: none.
pub const FORWARD_TO: &str = "audit_log_forward_endpoint";

/// The setting that says whether forwarded lines are not kept here.
pub const FORWARD_ONLY: &str = "skip_audit_log_database";

/// The one event that cannot be muted, so that muting the log shows in the log.
pub const NEVER_MUTED: &str = "update_configuration";

/// Longest resource and description, characters.
const LONGEST: usize = 1024;

/// Who makes a change: a caller, or the server itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    name: String,
    address: String,
}

impl Author {
    /// The operator at the machine's own command line. No user can be called so.
    pub fn console() -> Self {
        Self::own("#console")
    }

    /// The server, by itself. No user can be called so.
    pub fn server() -> Self {
        Self::own("#server")
    }

    /// This user, from this address.
    pub fn user(name: impl Into<String>, address: IpAddr) -> Self {
        Self {
            name: name.into(),
            address: address.to_string(),
        }
    }

    fn own(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            address: String::new(),
        }
    }

    /// An entry that says: this author did `operation` to a thing of some type.
    pub fn did(&self, operation: &str, resource_type: &str, at: Timestamp) -> Entry {
        Entry {
            at,
            username: self.name.clone(),
            address: self.address.clone(),
            operation: operation.to_owned(),
            resource_type: resource_type.to_owned(),
            ..Entry::default()
        }
    }
}

impl From<&Caller> for Author {
    fn from(caller: &Caller) -> Self {
        caller.note();
        Self::user(caller.actor.name(), caller.address)
    }
}

/// One line of the access log.
///
/// Names are copied, so that the line outlives what it speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who; empty is anonymous.
    pub username: String,
    /// From where.
    pub address: String,
    /// What: pull, push, create, delete, update, login, logout.
    pub operation: String,
    /// To what kind of thing: artifact, tag, repository, project, member, …
    pub resource_type: String,
    /// To which thing, as a user would write it: `project/repo:tag`.
    pub resource: String,
    /// In which project, if any.
    pub project_id: Option<ProjectId>,
    /// Which repository, if any.
    pub repository: String,
    /// Which tag, if any.
    pub tag: String,
    /// Which digest, if any.
    pub digest: String,
    /// What more there is to say, in words; empty: what the other fields say. Never a secret.
    pub description: String,
    /// It was refused.
    pub failed: bool,
}

impl Entry {
    /// The caller did `operation` to a thing of some type.
    pub fn by(caller: &Caller, operation: &str, resource_type: &str, at: Timestamp) -> Self {
        Author::from(caller).did(operation, resource_type, at)
    }

    /// To this thing.
    #[must_use]
    pub fn on(mut self, resource: impl Into<String>) -> Self {
        self.resource = resource.into();
        self
    }

    /// In this project.
    #[must_use]
    pub const fn in_project(mut self, id: ProjectId) -> Self {
        self.project_id = Some(id);
        self
    }

    /// With this to say about it. Never a secret.
    #[must_use]
    pub fn saying(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// And it was refused.
    #[must_use]
    pub const fn refused(mut self) -> Self {
        self.failed = true;
        self
    }

    /// Harbor's name of what happened: `create_artifact`, `login_user`.
    pub fn event(&self) -> String {
        event(&self.operation, &self.resource_type)
    }

    fn bounded(&self) -> Self {
        let mut entry = self.clone();
        for text in [&mut entry.resource, &mut entry.description] {
            if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                text.truncate(end);
            }
        }
        entry
    }
}

/// Harbor's name of an operation on a type of thing. A push creates an artifact.
pub fn event(operation: &str, resource_type: &str) -> String {
    let operation = if operation == "push" {
        "create"
    } else {
        operation
    };
    format!("{operation}_{resource_type}")
}

/// Writes `entry` in the transaction of the change it speaks of, unless its event is muted.
pub async fn record(tx: &mut Tx, entry: Entry) -> Result<(), DbError> {
    record_all(tx, &[(entry, 1)]).await
}

/// Writes lines, each with how many times it happened, except those whose event is muted. Where
/// there is a log server they are put on their way to it in the same transaction.
pub async fn record_all(tx: &mut Tx, lines: &[(Entry, i64)]) -> Result<(), DbError> {
    let rules = store::rules(tx).await?;
    let muted = &rules.muted;
    let kept: Vec<(Entry, i64)> = lines
        .iter()
        .filter(|(entry, _)| {
            muted.is_empty() || {
                let event = entry.event();
                event == NEVER_MUTED || !muted.contains(&event)
            }
        })
        .map(|(entry, times)| (entry.bounded(), *times))
        .collect();
    if rules.forwarded {
        store::outbox::insert(tx, &kept).await?;
    }
    if rules.forwarded && rules.forward_only {
        return Ok(());
    }
    store::insert(tx, &kept);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_harbors_names() {
        let entry = |operation, resource_type| {
            Author::server().did(operation, resource_type, Timestamp::default())
        };
        assert_eq!(entry("push", "artifact").event(), "create_artifact");
        assert_eq!(entry("login", "user").event(), "login_user");
    }

    #[test]
    fn a_line_is_bounded() {
        let long = "é".repeat(3 * LONGEST);
        let entry = Author::server()
            .did("update", "configuration", Timestamp::default())
            .on(long.clone())
            .saying(long)
            .bounded();
        assert_eq!(entry.resource.chars().count(), LONGEST);
        assert_eq!(entry.description.chars().count(), LONGEST);
    }
}
