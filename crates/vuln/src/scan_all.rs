//! [`ScanAll`]: every image there is, scanned as one execution.
//!
//! Invariant: a task of this kind gives tasks to a bounded number of images and one to its own
//! successor, which is taken once those are; so what waits is bounded however many images there
//! are (but while scans are paused), scans that others want are not queued behind all of them, and
//! a stop is quick. An image that several repositories hold is scanned once,
//! and once more for each project that has it scanned by an external scanner.

use std::collections::HashSet;

use berth_db::{DbError, Tx};
use berth_jobs::{Handler, JobError, Jobs, Kind, NewExecution, NewTask, Status, TaskContext};
use berth_jobs::{JobsError, Trigger};
use berth_model::{ExecutionId, ManifestId};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::external::asked;
use crate::job::AT_A_TIME;
use crate::store::images;
use crate::{Scanning, VulnError, job};

/// The vendor and the job type.
pub(crate) const SCAN_ALL: &str = "SCAN_ALL";
/// The job type of a successor that comes after scans by external scanners.
pub(crate) const SCAN_ALL_EXTERNAL: &str = "SCAN_ALL_EXTERNAL";
/// Images that one task looks at.
const PAGE: i64 = 200;

pub(crate) struct ScanAll {
    scanning: Scanning,
    kind: &'static str,
    queue: &'static str,
}

impl ScanAll {
    pub(crate) const fn new(scanning: Scanning, kind: &'static str, queue: &'static str) -> Self {
        Self {
            scanning,
            kind,
            queue,
        }
    }
}

/// The manifest after which a task begins; `None` in the parameters: with the first.
fn after(params: &Value) -> Result<ManifestId, String> {
    match &params["after"] {
        Value::Null => Ok(ManifestId(0)),
        after => after
            .as_i64()
            .map(ManifestId)
            .ok_or_else(|| "after must be a whole number".to_owned()),
    }
}

impl Handler for ScanAll {
    fn kind(&self) -> Kind {
        Kind {
            max_attempts: 3,
            concurrency: AT_A_TIME,
            // In one queue with the scans, so that its successor comes after those it made.
            shares: self.queue,
            ..Kind::new(self.kind)
        }
    }

    fn check(&self, params: &Value) -> Result<(), String> {
        after(params).map(drop)
    }

    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>> {
        Box::pin(async move {
            let after = after(task.params()).map_err(JobError::fail)?;
            let done = self.scanning.scan_page(&task, after).await;
            done.map_err(|error| match error {
                VulnError::Stopped => JobError::Stopped,
                other => JobError::retry(other),
            })
        })
    }

    fn ended<'a>(
        &'a self,
        tx: &'a mut Tx,
        execution: ExecutionId,
        status: Status,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        self.scanning.settle(tx, execution, status)
    }
}

impl Scanning {
    /// Has everything scanned, in the transaction that wants it.
    ///
    /// # Errors
    /// [`JobsError::Running`] while everything is being scanned already.
    pub(crate) async fn submit_all(&self, tx: &mut Tx) -> Result<ExecutionId, JobsError> {
        let new = NewExecution {
            vendor: SCAN_ALL,
            vendor_id: 0,
            trigger: Trigger::Manual,
            attributes: json!({}),
            unique: Some(Jobs::unique_key(SCAN_ALL, 0)),
            tasks: vec![NewTask::new(SCAN_ALL, json!({}))],
        };
        self.jobs.submit_in(tx, new).await
    }

    async fn scan_page(&self, task: &TaskContext, after: ManifestId) -> Result<(), VulnError> {
        let planned = match after {
            ManifestId(0) => Some(self.registry.count_images().await?),
            _ => None,
        };
        let page = self.registry.images_after(after, PAGE).await?;
        task.check_stop().map_err(|_| VulnError::Stopped)?;
        let (this, told, now) = (self.clone(), task.clone(), self.clock.now());
        let given = self
            .db
            .write::<_, VulnError, _>(move |tx| {
                Box::pin(async move {
                    let execution = told.execution();
                    let digests: Vec<&str> = page.iter().map(|held| held.digest.as_str()).collect();
                    let mut seen: HashSet<String> =
                        images::asked_by(tx, execution, &digests).await?;
                    let (mut tasks, mut successor) = (Vec::new(), SCAN_ALL);
                    for held in &page {
                        let (repository, digest) = (&held.repository, &held.digest);
                        let asked = asked(tx, repository, digest).await?;
                        if !seen.insert(asked.key.clone()) {
                            continue;
                        }
                        if asked.external.is_some() {
                            successor = SCAN_ALL_EXTERNAL;
                        }
                        let params = job::params(repository, digest);
                        tasks.push(NewTask::new(asked.kind(), params));
                        this.ask(tx, digest, &asked, execution, now).await?;
                    }
                    let given = tasks.len();
                    if let Some(last) = page.last().filter(|_| page.len() as i64 == PAGE) {
                        let next = json!({"after": last.id.get()});
                        tasks.push(NewTask::new(successor, next));
                    }
                    if let Some(planned) = planned {
                        let attributes = json!({"planned": planned});
                        this.jobs
                            .set_execution_attributes(tx, execution, &attributes)
                            .await?;
                    }
                    told.add_tasks_in(tx, &tasks)
                        .await
                        .map_err(|error| match error {
                            JobError::Stopped => VulnError::Stopped,
                            other => VulnError::Invalid(other.to_string()),
                        })?;
                    Ok(given)
                })
            })
            .await?;
        task.log(format!("{given} images"));
        Ok(())
    }
}
