//! Vulnerabilities in the server: advisories in the database, scans as jobs, reports by Harbor's
//! API, and which images may be pulled.
//!
//! Invariants: a layer is read once for all images that have it; a package in one version is
//! matched once for all images that have it; when a feed changes, only what it speaks of differently
//! is matched again, and no layer is read.

mod api;
mod details;
mod error;
mod events;
mod export;
mod external;
mod feeds;
mod gate;
mod hub;
mod indexing;
mod job;
mod judgement;
mod matching;
mod rematch;
mod report;
mod sbom;
mod scan_all;
mod search;
mod sources;
mod store;
mod trend;
mod vex;

use berth_catalog::Catalog;
use berth_db::{Db, DbError, Kept};
use berth_indexer::Indexer;
use berth_jobs::{Cadence, Jobs, JobsError, NewExecution, NewTask, Trigger};
use berth_model::{Clock, ExecutionId, ProjectId, Timestamp};
use berth_registry::Registry;
use berth_remote::Egress;
use serde_json::json;
use uuid::Uuid;

use external::Asked;

pub use api::endpoints;
pub use error::VulnError;
pub use external::Outside;
pub use feeds::{FeedChange, Rematch};
pub use store::feeds::FeedRow;

/// The vendor of scans, and their job type.
pub(crate) const SCAN: &str = "IMAGE_SCAN";
/// Projects whose rules are remembered.
const PROJECTS: usize = 4096;
/// Finished executions that are kept, Harbor's numbers: of each image, and of everything.
const KEPT: i64 = 1;
const KEPT_OF_ALL: i64 = 10;

/// Scanning. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Scanning {
    db: Db,
    catalog: Catalog,
    registry: Registry,
    jobs: Jobs,
    egress: Egress,
    clock: Clock,
    indexer: Indexer,
    outside: Outside,
    rules: std::sync::Arc<Kept<ProjectId, gate::Rules>>,
    vex: std::sync::Arc<vex::Remembered>,
}

impl Scanning {
    /// Over one database; see [`Self::register`].
    pub fn new(
        db: Db,
        catalog: Catalog,
        registry: Registry,
        jobs: Jobs,
        egress: Egress,
        clock: Clock,
        indexer: Indexer,
        outside: Outside,
    ) -> Self {
        let rules = db.kept(gate::TABLES, PROJECTS).into();
        Self {
            db,
            catalog,
            registry,
            jobs,
            egress,
            clock,
            indexer,
            outside,
            rules,
            vex: std::sync::Arc::default(),
        }
    }

    /// Lets the job service run scans, and has the registry ask before an image is pulled and tell
    /// when one is pushed.
    pub fn register(&self) {
        for kind in [SCAN, external::SCAN_EXTERNAL] {
            self.jobs.register(job::Scan::new(self.clone(), kind));
        }
        for (kind, queue) in [
            (scan_all::SCAN_ALL, SCAN),
            (scan_all::SCAN_ALL_EXTERNAL, external::SCAN_EXTERNAL),
        ] {
            self.jobs
                .register(scan_all::ScanAll::new(self.clone(), kind, queue));
        }
        self.jobs.register(export::Export(self.clone()));
        self.jobs.register(export::Cleanup(self.clone()));
        self.jobs.keep(export::EXPORT, export::KEPT);
        self.jobs.register(trend::Keep(self.clone()));
        self.jobs.register(sbom::Bills::new(self.clone()));
        self.jobs.register(sources::Update::new(self.clone()));
        self.jobs.keep(SCAN, KEPT);
        self.jobs.keep(sbom::SBOM, KEPT);
        self.jobs.keep(scan_all::SCAN_ALL, KEPT_OF_ALL);
        self.jobs.keep(sources::UPDATE, KEPT_OF_ALL);
        self.registry.guard(std::sync::Arc::new(self.clone()));
    }

    /// Schedules what should be done regularly, where nobody has said otherwise.
    ///
    /// # Errors
    /// [`JobsError`] when the schedule cannot be kept.
    pub async fn schedule_defaults(&self) -> Result<(), JobsError> {
        let twice = Cadence::custom(trend::CRON)?;
        for (kind, cadence) in [(export::CLEANUP, Cadence::daily()), (trend::TREND, twice)] {
            self.jobs
                .default_schedule(kind, &cadence, kind, &json!({}))
                .await?;
        }
        Ok(())
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
        let params = job::params(repository, digest);
        let report = Uuid::new_v4().to_string();
        let asked = external::asked(tx, repository, digest).await?;
        let of = (digest, asked.project);
        let image = store::images::ask(tx, of, &asked.key, &report, now).await?;
        let new = NewExecution {
            vendor: SCAN,
            vendor_id: image,
            trigger,
            unique: None,
            attributes: json!({"artifact": {"repository_name": repository, "digest": digest}}),
            tasks: vec![NewTask::new(asked.kind(), params)],
        };
        let execution = self.jobs.submit_in(tx, new).await?;
        store::images::scanned_by(tx, image, execution);
        Ok(execution)
    }

    /// Notes that this execution is about to scan a manifest; gives the row of the scan.
    pub(crate) async fn ask(
        &self,
        tx: &mut berth_db::Tx,
        digest: &str,
        asked: &Asked,
        execution: ExecutionId,
        now: Timestamp,
    ) -> Result<i64, DbError> {
        let report = Uuid::new_v4().to_string();
        let of = (digest, asked.project);
        let image = store::images::ask(tx, of, &asked.key, &report, now).await?;
        store::images::scanned_by(tx, image, execution);
        Ok(image)
    }
}
