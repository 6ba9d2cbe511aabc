//! [`TaskContext`]: what a running task can say and ask.
//!
//! Invariant: what a task says reaches the database within about a second, in one small
//! transaction however often it speaks, and all of it before its end does.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use berth_db::Tx;
use berth_model::{Clock, ExecutionId, TaskId};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::store::queue::Hold;
use crate::{JobError, Jobs, NewTask};

/// Longest line of a log, bytes.
const LONGEST_LINE: usize = 4 * 1024;

/// Lines kept until they are written: a task that says more in one second loses the rest.
const MOST_UNWRITTEN: usize = 256 * 1024;

/// What a running task can say and ask. Cheap to clone.
#[derive(Clone)]
pub struct TaskContext {
    pub(crate) jobs: Jobs,
    pub(crate) hold: Hold,
    params: Arc<Value>,
    stop: CancellationToken,
    said: Arc<Mutex<Said>>,
}

/// What a task said and is not in the database yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) log: String,
    pub(crate) lost_lines: u64,
    pub(crate) done: i64,
    pub(crate) total: i64,
    pub(crate) attributes: Option<String>,
    pub(crate) changed: bool,
}

impl std::fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskContext")
            .field("hold", &self.hold)
            .finish_non_exhaustive()
    }
}

impl TaskContext {
    pub(crate) fn new(jobs: Jobs, hold: Hold, params: Value, stop: CancellationToken) -> Self {
        Self {
            jobs,
            hold,
            params: Arc::new(params),
            stop,
            said: Arc::default(),
        }
    }

    /// What the task was submitted with.
    pub fn params(&self) -> &Value {
        &self.params
    }

    /// Its id, which is also the job's id in the API.
    pub const fn id(&self) -> TaskId {
        self.hold.id
    }

    /// The execution it is part of.
    pub const fn execution(&self) -> ExecutionId {
        self.hold.execution
    }

    /// Which attempt this is, from 1.
    pub const fn attempt(&self) -> i64 {
        self.hold.attempt
    }

    /// The clock all times are read from.
    pub fn clock(&self) -> &Clock {
        self.jobs.clock()
    }

    /// Cancelled when the task should end early.
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// [`JobError::Stopped`] when the task should end early: `task.check_stop()?` between steps.
    pub fn check_stop(&self) -> Result<(), JobError> {
        if self.stop.is_cancelled() {
            Err(JobError::Stopped)
        } else {
            Ok(())
        }
    }

    /// Writes a line to the task's log. Never a secret.
    pub fn log(&self, line: impl AsRef<str>) {
        let at = self.clock().now().to_rfc3339();
        let line = line.as_ref();
        let cut = line.floor_char_boundary(LONGEST_LINE);
        let mut said = self.said();
        if said.log.len() + cut > MOST_UNWRITTEN {
            said.lost_lines += 1;
            return;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(said.log, "{at} {}", &line[..cut]);
        said.changed = true;
    }

    /// Says how far the task has come.
    pub fn progress(&self, done: u64, total: u64) {
        let mut said = self.said();
        (said.done, said.total) = (done as i64, total as i64);
        said.changed = true;
    }

    /// Replaces what the task says of its result, a JSON object.
    pub fn set_attributes(&self, attributes: &Value) {
        let mut said = self.said();
        said.attributes = Some(attributes.to_string());
        said.changed = true;
    }

    /// Gives more tasks to the execution this one is part of.
    ///
    /// # Errors
    /// [`JobError::Stopped`] when the task should end early.
    pub async fn add_tasks(&self, tasks: Vec<NewTask>) -> Result<(), JobError> {
        let this = self.clone();
        self.jobs
            .db()
            .write(move |tx| Box::pin(async move { this.add_tasks_in(tx, &tasks).await }))
            .await
    }

    /// As [`Self::add_tasks`], together with what else the transaction does.
    pub async fn add_tasks_in(&self, tx: &mut Tx, tasks: &[NewTask]) -> Result<(), JobError> {
        let hold = &self.hold;
        let added = self
            .jobs
            .add_tasks(tx, hold.execution, hold.id, tasks)
            .await
            .map_err(JobError::retry)?;
        if added {
            Ok(())
        } else {
            Err(JobError::Stopped)
        }
    }

    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was said since the last time, if anything.
    pub(crate) fn take_said(&self) -> Option<Said> {
        let mut said = self.said();
        if !said.changed {
            return None;
        }
        let (done, total) = (said.done, said.total);
        let taken = std::mem::take(&mut *said);
        (said.done, said.total) = (done, total);
        Some(taken)
    }

    /// How far the task said it has come.
    pub(crate) fn come(&self) -> (i64, i64) {
        let said = self.said();
        (said.done, said.total)
    }
}
