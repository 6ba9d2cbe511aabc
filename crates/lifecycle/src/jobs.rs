//! The job types of this crate: what they take, what they do and what they say of it.
//!
//! Invariant: each can be stopped between two small steps, and run again from where it was.

mod params;

use std::time::Duration;

use berth_catalog::{Catalog, LogPurge};
use berth_jobs::{Cadence, Handler, JobError, Jobs, JobsError, Kind, TaskContext};
use berth_model::Clock;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::watch::size;
use crate::{FsckOptions, Lifecycle, LifecycleError, Watch};

use params::{GcParams, PurgeParams, RepairParams, ScrubParams, read};

/// Collects garbage.
pub const GARBAGE_COLLECTION: &str = "GARBAGE_COLLECTION";
/// Deletes old lines of the access log.
pub const PURGE_AUDIT_LOG: &str = "PURGE_AUDIT_LOG";
/// Reads every stored byte again.
pub const SCRUB: &str = "SCRUB";
/// Compares database and store and puts right what can be.
pub const REPAIR: &str = "REPAIR";

/// A file that was changed within this time may belong to a push under way.
const SETTLED: Duration = Duration::from_hours(24);
/// Bytes of a unit of `rate_mib`.
const MIB: u64 = 1024 * 1024;
/// Tries of one run, lost workers included: each goes on where the last one was.
const ATTEMPTS: i64 = 3;

/// Registers the job types; a scrub reads `scrub_rate` MiB in a second unless it is told otherwise.
pub fn register(jobs: &Jobs, lifecycle: &Lifecycle, catalog: &Catalog, scrub_rate: u64) {
    let lifecycle = || lifecycle.clone();
    jobs.register(Gc(lifecycle()));
    jobs.register(Purge(catalog.clone()));
    jobs.register(Scrub(lifecycle(), scrub_rate));
    jobs.register(Repair(lifecycle()));
    // Harbor's number.
    jobs.keep(PURGE_AUDIT_LOG, 10);
}

/// Scrubs once a week, unless an operator said otherwise.
pub async fn schedule_defaults(jobs: &Jobs) -> Result<(), JobsError> {
    jobs.default_schedule(SCRUB, &Cadence::weekly(), SCRUB, &json!({}))
        .await
}

impl Watch for TaskContext {
    fn stop(&self) -> &CancellationToken {
        Self::stop(self)
    }

    fn say(&self, line: String) {
        self.log(line);
    }

    fn progress(&self, done: u64, total: u64) {
        Self::progress(self, done, total);
    }
}

/// What passes is tried again.
impl From<LifecycleError> for JobError {
    fn from(error: LifecycleError) -> Self {
        Self::retry(error)
    }
}

const fn kind(name: &'static str) -> Kind {
    Kind {
        max_attempts: ATTEMPTS,
        concurrency: 1,
        ..Kind::new(name)
    }
}

struct Gc(Lifecycle);

impl Handler for Gc {
    fn kind(&self) -> Kind {
        kind(GARBAGE_COLLECTION)
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        read::<GcParams>(params)?.options().map(|_| ())
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let options = read::<GcParams>(task.params())
                .and_then(|params| params.options())
                .map_err(JobError::fail)?;
            task.log(format!("begins: {options:?}"));
            let report = self.0.collect_with(&options, &task).await?;
            task.log(format!(
                "{} {} blobs, {}, and {} manifests",
                if options.dry_run {
                    "would delete"
                } else {
                    "deleted"
                },
                report.blobs,
                size(report.bytes),
                report.manifests,
            ));
            task.set_attributes(&json!({
                "freed_space": report.bytes,
                "purged_blobs": report.blobs,
                "purged_manifests": report.manifests,
                "dropped_uploads": report.uploads,
            }));
            task.check_stop()
        })
    }
}

struct Purge(Catalog);

impl Handler for Purge {
    fn kind(&self) -> Kind {
        kind(PURGE_AUDIT_LOG)
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        read::<PurgeParams>(params)?.events().map(|_| ())
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let params: PurgeParams = read(task.params()).map_err(JobError::fail)?;
            let events = params.events().map_err(JobError::fail)?;
            let purge = LogPurge {
                before: self.0.now().minus(params.retention()),
                events,
                dry_run: params.dry_run,
            };
            task.log(format!(
                "{} lines from before {}, {}",
                if purge.dry_run { "counts" } else { "deletes" },
                purge.before.to_rfc3339(),
                if purge.events.is_empty() {
                    "of every event".to_owned()
                } else {
                    format!("of {}", purge.events.join(", "))
                }
            ));
            let total = self.0.count_log_before(purge.before).await;
            let total = total.map_err(JobError::retry)?;
            let purged = self
                .0
                .purge_log(&purge, task.stop(), |done| task.progress(done, total))
                .await
                .map_err(JobError::retry)?;
            let did = if purge.dry_run {
                "would be deleted"
            } else {
                "deleted"
            };
            task.log(format!("{purged} of {total} old lines {did}"));
            task.set_attributes(&json!({ "purged": purged }));
            task.check_stop()
        })
    }
}

/// With how many MiB are read in a second.
struct Scrub(Lifecycle, u64);

impl Handler for Scrub {
    fn kind(&self) -> Kind {
        kind(SCRUB)
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        read::<ScrubParams>(params)?.rate(self.1).map(|_| ())
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let rate = read::<ScrubParams>(task.params())
                .and_then(|params| params.rate(self.1))
                .map_err(JobError::fail)?;
            task.log(match rate {
                0 => "reads as fast as it can".to_owned(),
                rate => format!("reads at most {rate} MiB in a second"),
            });
            let rate = (rate > 0).then_some(rate * MIB);
            let report = self.0.scrub(rate, &task).await?;
            let wrong: Vec<Value> = report
                .wrong
                .iter()
                .map(|wrong| {
                    json!({
                        "digest": wrong.digest,
                        "missing": wrong.missing,
                        "artifacts": wrong.artifacts,
                    })
                })
                .collect();
            task.set_attributes(&json!({
                "blobs": report.blobs,
                "bytes": report.bytes,
                "found": report.found,
                "unreadable": report.unreadable,
                "wrong": wrong,
            }));
            task.check_stop()
        })
    }
}

struct Repair(Lifecycle);

impl Handler for Repair {
    fn kind(&self) -> Kind {
        kind(REPAIR)
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        read::<RepairParams>(params).map(|_| ())
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let params: RepairParams = read(task.params()).map_err(JobError::fail)?;
            let options = FsckOptions {
                rehash: params.rehash,
                repair: !params.dry_run,
                // Times of files are the machine's.
                settled_before: Some(Clock::system().now().minus(SETTLED)),
            };
            let report = self.0.fsck(options, &task).await?;
            task.log(format!(
                "looked at {} blobs and {} manifests: {} problems, {} put right, {} leftovers",
                report.blobs, report.manifests, report.found, report.repaired, report.leftovers
            ));
            task.set_attributes(&json!({
                "blobs": report.blobs,
                "manifests": report.manifests,
                "found": report.found,
                "repaired": report.repaired,
                "leftovers": report.leftovers,
            }));
            task.check_stop()
        })
    }
}
