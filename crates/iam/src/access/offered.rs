//! What robots may be given, as data, in Harbor's words.
//!
//! Invariant: a robot holds nothing that does not stand here. No robot may be given the update of
//! robots, so none can change what it, or another, may do.

use berth_model::{Action, Resource};

use super::{Permission, PermissionSet};

/// Where a permission counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// The system as a whole.
    System,
    /// A project.
    Project,
}

impl Level {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Project => "project",
        }
    }

    /// Reads the word on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "system" => Some(Self::System),
            "project" => Some(Self::Project),
            _ => None,
        }
    }
}

type Row = (Resource, &'static [Action]);

use Action::{Create, Delete, List, Pull, Push, Read, Stop, Update};

const SYSTEM: &[Row] = &[
    (Resource::AuditLog, &[List]),
    (
        Resource::PreheatInstance,
        &[Create, Read, Update, Delete, List],
    ),
    (Resource::SystemProject, &[List, Create]),
    (
        Resource::ReplicationPolicy,
        &[Create, Read, Update, Delete, List],
    ),
    (Resource::Replication, &[Read, Create, List]),
    (Resource::ReplicationAdapter, &[List]),
    (Resource::Registry, &[Create, Read, Update, Delete, List]),
    (Resource::ScanAll, &[Read, Update, Create, Stop]),
    (Resource::SystemVolumes, &[Read]),
    (
        Resource::GarbageCollection,
        &[Read, Create, List, Update, Stop],
    ),
    (Resource::PurgeAudit, &[Read, Create, List, Update, Stop]),
    (Resource::JobserviceMonitor, &[List, Stop]),
    (Resource::Scanner, &[Create, Read, Update, Delete, List]),
    (Resource::Label, &[Create, Read, Update, Delete]),
    (Resource::SecurityHub, &[Read, List]),
    (Resource::Catalog, &[Read]),
    (Resource::Quota, &[Read, List, Update]),
    (Resource::Robot, &[Create, Read, List, Delete]),
    (Resource::User, &[Create, Read, Update, Delete, List]),
    (Resource::LdapUser, &[Create, List]),
    (Resource::UserGroup, &[Create, Read, Update, Delete, List]),
];

const PROJECT: &[Row] = &[
    (Resource::Log, &[List]),
    (Resource::Project, &[Read, Delete, Update]),
    (Resource::Metadata, &[Create, Read, Update, Delete, List]),
    (
        Resource::Repository,
        &[Read, Update, Delete, List, Pull, Push],
    ),
    (Resource::Artifact, &[Create, Read, List, Delete]),
    (Resource::Scan, &[Create, Read, Stop]),
    (Resource::Sbom, &[Create, Read, Stop]),
    (Resource::Tag, &[Create, List, Delete]),
    (Resource::Accessory, &[List]),
    (Resource::ArtifactAddition, &[Read]),
    (Resource::ArtifactLabel, &[Create, Delete]),
    (Resource::Scanner, &[Create, Read]),
    (
        Resource::PreheatPolicy,
        &[Create, Read, Update, Delete, List],
    ),
    (Resource::ImmutableTag, &[Create, Update, Delete, List]),
    (
        Resource::NotificationPolicy,
        &[Create, Read, Update, Delete, List],
    ),
    (
        Resource::TagRetention,
        &[Create, Read, Update, Delete, List],
    ),
    (Resource::Label, &[Create, Read, Update, Delete, List]),
    (Resource::Quota, &[Read]),
    (Resource::Robot, &[Create, Read, List, Delete]),
    (Resource::ExportCve, &[Create, Read]),
    (Resource::Member, &[Create, Read, Update, Delete, List]),
];

const fn table(level: Level) -> &'static [Row] {
    match level {
        Level::System => SYSTEM,
        Level::Project => PROJECT,
    }
}

/// Every permission a robot may be given at this level, in the table's order.
pub fn offered(level: Level) -> impl Iterator<Item = Permission> {
    table(level).iter().flat_map(|(resource, actions)| {
        actions
            .iter()
            .map(|action| Permission::new(*resource, *action))
    })
}

/// [`offered`], as a set.
pub fn all_offered(level: Level) -> PermissionSet {
    offered(level).collect()
}

/// A resource's name as robots' permissions spell it: a project is "project" at both levels.
pub const fn spelled(resource: Resource) -> &'static str {
    match resource {
        Resource::Project => "project",
        other => other.as_str(),
    }
}

/// Reads a permission that a robot may be given at this level.
pub fn parse_offered(level: Level, resource: &str, action: &str) -> Option<Permission> {
    offered(level)
        .find(|offered| spelled(offered.resource) == resource && offered.action.as_str() == action)
}

/// A permission as it is kept: `resource:action`.
pub fn word(permission: Permission) -> String {
    format!("{}:{}", spelled(permission.resource), permission.action)
}

/// A set as it is kept: each word between two blanks, so that one of them can be looked for.
pub(crate) fn write(level: Level, set: &PermissionSet) -> String {
    let mut text = String::from(" ");
    for permission in offered(level).filter(|permission| set.contains(*permission)) {
        text.push_str(&word(permission));
        text.push(' ');
    }
    text
}

/// Reads what [`write`] wrote. What this version does not offer any more is not held.
pub(crate) fn read(level: Level, text: &str) -> PermissionSet {
    text.split_whitespace()
        .filter_map(|word| word.split_once(':'))
        .filter_map(|(resource, action)| parse_offered(level, resource, action))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_offered_changes_robots() {
        for level in [Level::System, Level::Project] {
            assert_eq!(parse_offered(level, "robot", "update"), None);
            assert_eq!(parse_offered(level, "configuration", "update"), None);
            assert!(parse_offered(level, "robot", "create").is_some());
        }
    }

    #[test]
    fn every_permission_is_named_once() {
        assert_eq!(offered(Level::System).count(), 70);
        assert_eq!(offered(Level::Project).count(), 70);
        assert_eq!(all_offered(Level::System).iter().count(), 70);
        assert_eq!(all_offered(Level::Project).iter().count(), 70);
    }

    #[test]
    fn a_set_is_read_as_it_was_written() {
        for level in [Level::System, Level::Project] {
            let set = all_offered(level);
            assert_eq!(read(level, &write(level, &set)), set);
        }
        let text = write(Level::Project, &all_offered(Level::Project));
        assert!(text.contains(" project:read ") && text.contains(" repository:pull "));
        assert_eq!(
            read(Level::Project, " configuration:update x y:z "),
            PermissionSet::EMPTY
        );
    }

    #[test]
    fn a_project_is_spelled_alike_at_both_levels() {
        let system = parse_offered(Level::System, "project", "create").unwrap();
        let project = parse_offered(Level::Project, "project", "read").unwrap();
        assert_eq!(system.resource, Resource::SystemProject);
        assert_eq!(project.resource, Resource::Project);
        assert_eq!(parse_offered(Level::System, "project", "read"), None);
    }
}
