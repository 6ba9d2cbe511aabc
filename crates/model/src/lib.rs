//! The words every other crate shares: ids, names, roles, error codes, secrets and the clock.
//!
//! Pure: no I/O, no async. Values that come from outside can only be built by parsing them, so a
//! [`ProjectName`] or [`UserName`] in a signature is known to be well formed.

mod clock;
mod code;
mod event;
mod id;
mod limits;
mod name;
mod role;
mod secret;

pub use clock::{Clock, Timestamp};
pub use code::{Code, Coded, Reason};
pub use event::{
    ArtifactEvent, ArtifactOutcome, Event, EventKind, Happening, QuotaEvent, ReplicationEnd,
    ReplicationEvent, RetentionEvent, ScanEvent,
};
pub use id::{
    BlobId, ExecutionId, GroupId, LabelId, ManifestId, MemberId, ProjectId, RepositoryId, RobotId,
    TagId, TaskId, UserId,
};
pub use limits::Limits;
pub use name::{NameError, ProjectName, UserName, check_password};
pub use role::{Action, Resource, Role};
pub use secret::Secret;
