//! What is told of scans: that one has completed, failed or was stopped.
//!
//! Invariant: an end is told in the transaction that makes it one, and once.

use berth_catalog::repositories;
use berth_db::{DbError, Tx};
use berth_jobs::Status;
use berth_model::{ArtifactEvent, Event, Happening, ScanEvent};

use crate::Scanning;
use crate::gate::into_db;

/// Who does what nobody did by hand, by Harbor's word.
const OPERATOR: &str = "auto";

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sought {
    Vulnerabilities,
    /// What it is made of.
    Sbom,
}

impl Sought {
    /// By Harbor's word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Vulnerabilities => "vulnerability",
            Self::Sbom => "sbom",
        }
    }
}

impl Scanning {
    /// Tells how a scan of a manifest ended; `overview` is what is known of it now.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        (repository, digest): (&str, &str),
        sought: Sought,
        status: Status,
        overview: Option<String>,
    ) -> Result<(), DbError> {
        let found = repositories::find(tx, repository).await.map_err(into_db)?;
        let Some(found) = found else { return Ok(()) };
        let scan = |tags| ScanEvent {
            artifact: ArtifactEvent {
                repository: repository.to_owned(),
                digest: digest.to_owned(),
                tags,
            },
            scan_type: sought.as_str().to_owned(),
            overview: overview.unwrap_or_default(),
        };
        let happening = match status {
            Status::Success => Happening::ScanningCompleted,
            Status::Stopped => Happening::ScanningStopped,
            _ => Happening::ScanningFailed,
        };
        let outbox = self.catalog.outbox().clone();
        let kind = happening(ScanEvent::default()).kind();
        if !outbox.is_heard(tx, found.project_id, kind).await? {
            return Ok(());
        }
        let tag = berth_registry::newest_tag(tx, found.id, digest).await?;
        let event = Event {
            project: found.project_id,
            at: self.clock.now(),
            operator: OPERATOR.to_owned(),
            what: happening(scan(tag.into_iter().collect())),
        };
        outbox.publish_all(tx, &[event]).await
    }
}
