//! Row ids, one type a table, so that an id of one thing cannot be passed for another's.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The bare number, for the database and the API.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<i64> for $name {
            fn from(id: i64) -> Self {
                Self(id)
            }
        }
    )*};
}

ids! {
    /// A row of `project`.
    ProjectId;
    /// A row of `user_account`.
    UserId;
    /// A row of `project_member`.
    MemberId;
    /// A row of `repository`.
    RepositoryId;
    /// A row of `blob`.
    BlobId;
    /// A row of `manifest`: an artifact in one repository.
    ManifestId;
    /// A row of `tag`.
    TagId;
    /// A row of `execution`: one run of something, made of tasks.
    ExecutionId;
    /// A row of `task`: one piece of work for one worker.
    TaskId;
    /// A row of `label`.
    LabelId;
    /// A row of `robot`.
    RobotId;
    /// A row of `user_group`.
    GroupId;
}
