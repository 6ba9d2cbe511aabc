//! [`Event`]: something that happened in a project and that others may want to be told of.
//!
//! Invariant: an event speaks of its things by their names, so it can be told after they are gone.

use serde::{Deserialize, Serialize};

use crate::{ProjectId, Timestamp};

/// Something that happened in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where.
    pub project: ProjectId,
    /// When.
    pub at: Timestamp,
    /// Who did it; empty is anonymous.
    pub operator: String,
    /// What.
    pub what: Happening,
}

/// What happened, with what there is to say of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Happening {
    /// An artifact was pushed or copied here, or pushed again.
    PushArtifact(ArtifactEvent),
    /// An artifact was pulled.
    PullArtifact(ArtifactEvent),
    /// An artifact was deleted.
    DeleteArtifact(ArtifactEvent),
    /// A push was refused because the project is full.
    QuotaExceed(QuotaEvent),
    /// The project is nearly full.
    QuotaWarning(QuotaEvent),
    /// A scan failed.
    ScanningFailed(ScanEvent),
    /// A scan was stopped.
    ScanningStopped(ScanEvent),
    /// A scan was finished.
    ScanningCompleted(ScanEvent),
    /// A replication of an artifact changed its state.
    Replication(ReplicationEvent),
    /// Tags were deleted, or kept, by the retention rules.
    TagRetention(RetentionEvent),
}

/// Something that happened to an artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactEvent {
    /// Its repository, `project/rest`.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// The tags it was reached by, or had; the first is the one that was asked for.
    pub tags: Vec<String>,
}

/// Something that happened to the quota of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaEvent {
    /// The repository that was pushed to, `project/rest`.
    pub repository: String,
    /// What was pushed, where it is known.
    pub digest: String,
    /// The limit and the use, in words.
    pub details: String,
}

/// Something that happened to a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanEvent {
    /// What was scanned.
    pub artifact: ArtifactEvent,
    /// What was looked for: `vulnerability` or `sbom`.
    pub scan_type: String,
    /// The summary of what was found, as JSON; empty when there is none.
    pub overview: String,
}

/// What became of an artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactOutcome {
    /// What it is: `image`.
    pub kind: String,
    /// What became of it.
    pub status: String,
    /// Its name and tag, as in `app:1.0`.
    pub name: String,
    /// Why it failed; empty when it did not.
    pub reason: String,
}

/// Something that happened to a replication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationEvent {
    /// `Success` or `Failed`.
    pub status: String,
    /// What made it run: `MANUAL`, `SCHEDULED` or `EVENT_BASED`.
    pub trigger: String,
    /// Who made the rule.
    pub policy_creator: String,
    /// Whether what is there is overwritten.
    pub overwrites: bool,
    /// Where from.
    pub source: ReplicationEnd,
    /// Where to.
    pub destination: ReplicationEnd,
    /// What was replicated, and what was not.
    pub artifacts: Vec<ArtifactOutcome>,
}

/// One end of a replication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationEnd {
    /// The registry's name.
    pub registry_name: String,
    /// Its kind: `harbor`, `docker-hub`, …
    pub registry_type: String,
    /// Its address.
    pub endpoint: String,
    /// The project or namespace there.
    pub namespace: String,
}

/// A finished run of the retention rules over one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionEvent {
    /// The repository, `project/rest`.
    pub repository: String,
    /// The policy.
    pub policy_id: i64,
    /// `SUCCESS`, `FAILURE` or `STOPPED`.
    pub result: String,
    /// Tags that were looked at.
    pub total: i64,
    /// Tags that were kept.
    pub retained: i64,
    /// What was deleted.
    pub deleted: Vec<ArtifactOutcome>,
}

/// The kinds of events, by the names that policies use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// [`Happening::PushArtifact`].
    PushArtifact,
    /// [`Happening::PullArtifact`].
    PullArtifact,
    /// [`Happening::DeleteArtifact`].
    DeleteArtifact,
    /// [`Happening::QuotaExceed`].
    QuotaExceed,
    /// [`Happening::QuotaWarning`].
    QuotaWarning,
    /// [`Happening::ScanningFailed`].
    ScanningFailed,
    /// [`Happening::ScanningStopped`].
    ScanningStopped,
    /// [`Happening::ScanningCompleted`].
    ScanningCompleted,
    /// [`Happening::Replication`].
    Replication,
    /// [`Happening::TagRetention`].
    TagRetention,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::PushArtifact,
        Self::PullArtifact,
        Self::DeleteArtifact,
        Self::QuotaExceed,
        Self::QuotaWarning,
        Self::ScanningFailed,
        Self::ScanningStopped,
        Self::ScanningCompleted,
        Self::Replication,
        Self::TagRetention,
    ];

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PushArtifact => "PUSH_ARTIFACT",
            Self::PullArtifact => "PULL_ARTIFACT",
            Self::DeleteArtifact => "DELETE_ARTIFACT",
            Self::QuotaExceed => "QUOTA_EXCEED",
            Self::QuotaWarning => "QUOTA_WARNING",
            Self::ScanningFailed => "SCANNING_FAILED",
            Self::ScanningStopped => "SCANNING_STOPPED",
            Self::ScanningCompleted => "SCANNING_COMPLETED",
            Self::Replication => "REPLICATION",
            Self::TagRetention => "TAG_RETENTION",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Happening {
    /// Its kind.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::PushArtifact(_) => EventKind::PushArtifact,
            Self::PullArtifact(_) => EventKind::PullArtifact,
            Self::DeleteArtifact(_) => EventKind::DeleteArtifact,
            Self::QuotaExceed(_) => EventKind::QuotaExceed,
            Self::QuotaWarning(_) => EventKind::QuotaWarning,
            Self::ScanningFailed(_) => EventKind::ScanningFailed,
            Self::ScanningStopped(_) => EventKind::ScanningStopped,
            Self::ScanningCompleted(_) => EventKind::ScanningCompleted,
            Self::Replication(_) => EventKind::Replication,
            Self::TagRetention(_) => EventKind::TagRetention,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_names_that_events_are_written_with() {
        let what = Happening::ScanningCompleted(ScanEvent::default());
        let json = serde_json::to_value(&what).unwrap();
        assert_eq!(json["kind"], what.kind().as_str());
        assert_eq!(serde_json::from_value::<Happening>(json).unwrap(), what);
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(EventKind::parse("push_artifact"), None);
    }
}
