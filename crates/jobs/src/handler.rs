//! [`Handler`]: what a job type does.

use std::time::Duration;

use berth_db::{DbError, Tx};
use berth_model::{ExecutionId, TaskId};
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::{Status, TaskContext};

/// How tasks of one job type are treated.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name: `GARBAGE_COLLECTION`.
    pub name: &'static str,
    /// Tasks of higher priority are taken first.
    pub priority: i64,
    /// How often a task is tried in all, lost workers included.
    pub max_attempts: i64,
    /// How many of its tasks one process runs at a time; 0: as many as there are workers.
    pub concurrency: usize,
    /// Kinds of one name here share their `concurrency`, and their tasks are taken in one order;
    /// by itself a kind shares with none.
    pub shares: &'static str,
    /// A task that runs longer is given up.
    pub time_out: Option<Duration>,
}

impl Kind {
    /// A job type that is tried once and has no limits.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            priority: 0,
            max_attempts: 1,
            concurrency: 0,
            shares: name,
            time_out: None,
        }
    }
}

/// Why a task did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// It may succeed later: tried again, after a pause that grows, while attempts are left.
    #[error("{0}")]
    Retry(String),
    /// It never will.
    #[error("{0}")]
    Fail(String),
    /// It ended early because it was asked to.
    #[error("stopped")]
    Stopped,
}

impl JobError {
    /// It may succeed later; `reason` says what happened.
    pub fn retry(reason: impl ToString) -> Self {
        Self::Retry(reason.to_string())
    }

    /// It never will; `reason` says why.
    pub fn fail(reason: impl ToString) -> Self {
        Self::Fail(reason.to_string())
    }
}

/// A fault of the database passes, as a rule.
impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}

/// How a task came to its end.
#[derive(Clone, Copy, Debug)]
pub struct TaskEnd<'a> {
    /// The task.
    pub id: TaskId,
    /// The execution it is part of.
    pub execution: ExecutionId,
    /// What it was submitted with.
    pub params: &'a Value,
    /// How it ended: for good.
    pub status: Status,
    /// Why it failed, where it did.
    pub message: &'a str,
}

/// What a job type does.
///
/// A task may be run again after its worker died in the middle of it, so running one twice must do
/// no harm.
pub trait Handler: Send + Sync + 'static {
    /// The job type.
    fn kind(&self) -> Kind;

    /// Whether a task with these parameters can be submitted; otherwise what is wrong with them.
    fn check(&self, params: &Value) -> Result<(), String>;

    /// Runs a task. It should end soon once [`TaskContext::stop`] is cancelled; if it does not, it
    /// is dropped where it stands.
    fn run(&self, task: TaskContext) -> BoxFuture<'_, Result<(), JobError>>;

    /// A task of this type has ended for good, run or not; in the transaction that ends it.
    fn task_ended<'a>(
        &'a self,
        tx: &'a mut Tx,
        task: TaskEnd<'a>,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        let _ = (tx, task);
        Box::pin(async { Ok(()) })
    }

    /// An execution whose last task was of this type has ended; in the transaction that ends it.
    fn ended<'a>(
        &'a self,
        tx: &'a mut Tx,
        execution: ExecutionId,
        status: Status,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        let _ = (tx, execution, status);
        Box::pin(async { Ok(()) })
    }
}
