//! The job that holds quotas to what projects hold, every night.

use berth_jobs::{Handler, JobError, Kind, TaskContext};
use berth_lifecycle::{Lifecycle, LifecycleError, Watch};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The job type, and who its executions belong to.
pub(super) const KIND: &str = "QUOTA_RECONCILE";

/// Counts what every project holds, and corrects what is charged where it differs.
pub(super) struct ReconcileQuotas(pub(super) Lifecycle);

impl Handler for ReconcileQuotas {
    fn kind(&self) -> Kind {
        Kind {
            max_attempts: 3,
            concurrency: 1,
            ..Kind::new(KIND)
        }
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        match params {
            Value::Null => Ok(()),
            Value::Object(params) if params.is_empty() => Ok(()),
            _ => Err(format!("{KIND} takes no parameters")),
        }
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let followed = Followed(&task);
            let report = self.0.reconcile_quotas(true, &followed).await;
            let report = report.map_err(|error| match error {
                LifecycleError::Db(error) => JobError::from(error),
                other => JobError::retry(other),
            })?;
            task.check_stop()?;
            task.log(format!(
                "{} projects were counted, {} were corrected",
                report.projects, report.found
            ));
            task.set_attributes(&json!({
                "projects": report.projects,
                "corrected": report.found,
            }));
            Ok(())
        })
    }
}

/// A task as upkeep sees it.
struct Followed<'a>(&'a TaskContext);

impl Watch for Followed<'_> {
    fn stop(&self) -> &CancellationToken {
        self.0.stop()
    }

    fn say(&self, line: String) {
        self.0.log(line);
    }

    fn progress(&self, done: u64, total: u64) {
        self.0.progress(done, total);
    }
}
