//! Vulnerabilities in the server: advisories in the database, scans as jobs, reports by Harbor's
//! API, and which images may be pulled.
//!
//! Invariants: a layer is read once for all images that have it; a package in one version is
//! matched once for all images that have it; when a feed changes, only what it speaks of differently
//! is matched again, and no layer is read.

mod api;
mod error;
mod feeds;
mod gate;
mod hub;
mod indexing;
mod job;
mod matching;
mod report;
mod store;

use berth_catalog::Catalog;
use berth_db::{Db, Kept};
use berth_jobs::{Jobs, NewExecution, NewTask, Trigger};
use berth_model::{Clock, ExecutionId, ProjectId, Timestamp};
use berth_registry::Registry;
use serde_json::json;
use uuid::Uuid;

pub use api::endpoints;
pub use error::VulnError;
pub use feeds::{FeedChange, Import};
pub use store::feeds::FeedRow;

/// The vendor of scans, and their job type.
pub(crate) const SCAN: &str = "IMAGE_SCAN";
/// Projects whose rules are remembered.
const PROJECTS: usize = 4096;

/// Scanning. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Scanning {
    db: Db,
    catalog: Catalog,
    registry: Registry,
    jobs: Jobs,
    clock: Clock,
    rules: std::sync::Arc<Kept<ProjectId, gate::Rules>>,
}

impl Scanning {
    /// Over one database; see [`Self::register`].
    pub fn new(db: Db, catalog: Catalog, registry: Registry, jobs: Jobs, clock: Clock) -> Self {
        let rules = db.kept(gate::TABLES, PROJECTS).into();
        Self {
            db,
            catalog,
            registry,
            jobs,
            clock,
            rules,
        }
    }

    /// Lets the job service run scans, and has the registry ask before an image is pulled and tell
    /// when one is pushed.
    pub fn register(&self) {
        self.jobs.register(job::Scan::new(self.clone()));
        self.registry.guard(std::sync::Arc::new(self.clone()));
    }

    /// Has a manifest scanned, in the transaction that wants it.
    pub(crate) async fn submit(
        &self,
        tx: &mut berth_db::Tx,
        repository: &str,
        digest: &str,
        trigger: Trigger,
        now: Timestamp,
    ) -> Result<ExecutionId, VulnError> {
        let params = json!({"repository": repository, "digest": digest});
        let report = Uuid::new_v4().to_string();
        let image = store::images::ask(tx, digest, &report, now).await?;
        let new = NewExecution {
            vendor: SCAN,
            vendor_id: image,
            trigger,
            unique: None,
            attributes: json!({"artifact": {"repository_name": repository, "digest": digest}}),
            tasks: vec![NewTask::new(SCAN, params)],
        };
        let execution = self.jobs.submit_in(tx, new).await?;
        store::images::scanned_by(tx, image, execution);
        Ok(execution)
    }
}
