//! Roles in a project, and the resources and actions a role may hold (Harbor's vocabulary).

use std::fmt;

/// A member's role in a project. The numbers are Harbor's role ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Everything in the project.
    ProjectAdmin = 1,
    /// Push and pull.
    Developer = 2,
    /// Pull, and see the project's members and settings.
    Guest = 3,
    /// Push, pull, delete, scan; no members or settings.
    Maintainer = 4,
    /// Pull only; sees neither members nor logs.
    LimitedGuest = 5,
}

impl Role {
    /// All roles, most powerful first.
    pub const ALL: [Self; 5] = [
        Self::ProjectAdmin,
        Self::Maintainer,
        Self::Developer,
        Self::Guest,
        Self::LimitedGuest,
    ];

    /// The role with Harbor's id `id`.
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == id)
    }

    /// Harbor's role id.
    pub const fn id(self) -> i64 {
        self as i64
    }

    /// Harbor's role name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProjectAdmin => "projectAdmin",
            Self::Developer => "developer",
            Self::Guest => "guest",
            Self::Maintainer => "maintainer",
            Self::LimitedGuest => "limitedGuest",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each name is its own text on the wire")]
        pub enum $name { $($variant,)* }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the word on the wire.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a permission is about: a project's parts first, then the system's.
    Resource {
        Project = "self",
        Member = "member",
        Metadata = "metadata",
        Log = "log",
        Label = "label",
        Quota = "quota",
        Repository = "repository",
        TagRetention = "tag-retention",
        ImmutableTag = "immutable-tag",
        Configuration = "configuration",
        Robot = "robot",
        NotificationPolicy = "notification-policy",
        Scan = "scan",
        Sbom = "sbom",
        Scanner = "scanner",
        Artifact = "artifact",
        ArtifactAddition = "artifact-addition",
        Tag = "tag",
        Accessory = "accessory",
        ArtifactLabel = "artifact-label",
        PreheatPolicy = "preheat-policy",
        ExportCve = "export-cve",
        Catalog = "catalog",
        AuditLog = "audit-log",
        SystemProject = "project",
        User = "user",
        UserGroup = "user-group",
        GarbageCollection = "garbage-collection",
        SystemVolumes = "system-volumes",
        PurgeAudit = "purge-audit",
        JobserviceMonitor = "jobservice-monitor",
        ScanAll = "scan-all",
        SecurityHub = "security-hub",
        Registry = "registry",
        Replication = "replication",
        ReplicationAdapter = "replication-adapter",
        ReplicationPolicy = "replication-policy",
        PreheatInstance = "preheat-instance",
        LdapUser = "ldap-user",
    }
}

words! {
    /// What is done to a resource.
    Action {
        Create = "create",
        Read = "read",
        Update = "update",
        Delete = "delete",
        List = "list",
        Pull = "pull",
        Push = "push",
        Operate = "operate",
        Stop = "stop",
    }
}
