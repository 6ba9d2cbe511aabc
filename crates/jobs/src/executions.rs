//! Executions: submitting them, reading them, stopping them.

use std::sync::PoisonError;

use berth_db::{DbError, Tx};
use berth_model::{ExecutionId, TaskId, Timestamp};
use serde_json::Value;

use crate::store::execution::{self, ExecutionRow, Filter};
use crate::store::queue;
use crate::store::task::{self, NEVER_BEGAN, TaskRow, Wanted, Which};
use crate::{Jobs, JobsError, Status, TaskEnd, Trigger};

/// An execution to be submitted.
#[derive(Clone, Debug)]
pub struct NewExecution {
    /// What runs: `GARBAGE_COLLECTION`.
    pub vendor: &'static str,
    /// Of which policy; 0 where there is only one.
    pub vendor_id: i64,
    /// What begins it.
    pub trigger: Trigger,
    /// What the vendor wants to read back, a JSON object.
    pub attributes: Value,
    /// A second unfinished execution with the same key is refused.
    pub unique: Option<String>,
    /// What it is made of. Without tasks it has succeeded at once.
    pub tasks: Vec<NewTask>,
}

/// A task to be submitted.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// The job type.
    pub kind: &'static str,
    /// What its handler is told; checked now.
    pub params: Value,
    /// What the vendor wants to read back, a JSON object.
    pub attributes: Value,
    /// Not before this time.
    pub run_at: Option<Timestamp>,
    /// Tasks of one lane run one after the other, in the order they were made; one that is tried
    /// again later gives up its turn. A task in a lane has no `run_at`.
    pub lane: Option<String>,
}

impl NewTask {
    /// A task that runs as soon as a worker is free.
    pub fn new(kind: &'static str, params: Value) -> Self {
        Self {
            kind,
            params,
            attributes: Value::Object(serde_json::Map::new()),
            run_at: None,
            lane: None,
        }
    }

    /// In this lane.
    #[must_use]
    pub fn in_lane(mut self, lane: impl Into<String>) -> Self {
        self.lane = Some(lane.into());
        self
    }
}

/// An execution, as it stands.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is as the table has it")]
pub struct Execution {
    pub id: ExecutionId,
    pub vendor: String,
    pub vendor_id: i64,
    pub trigger: Trigger,
    pub status: Status,
    /// Why it failed, where it did.
    pub message: String,
    pub attributes: Value,
    pub tasks: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub stopped: i64,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// A task, as it stands.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is as the table has it")]
pub struct Task {
    pub id: TaskId,
    pub execution_id: ExecutionId,
    pub kind: String,
    pub status: Status,
    /// Why it failed, where it did.
    pub message: String,
    pub params: Value,
    pub attributes: Value,
    /// How often it was begun.
    pub attempt: i64,
    /// The process that runs it.
    pub worker: Option<String>,
    /// How far it has come, of how much.
    pub progress: (i64, i64),
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// Which executions are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExecutionQuery<'a> {
    /// Of these vendors.
    pub vendors: &'a [&'a str],
    /// Of this policy.
    pub vendor_id: Option<i64>,
    /// Standing there.
    pub status: Option<Status>,
    /// Begun so.
    pub trigger: Option<Trigger>,
    /// A `q` of the API.
    pub q: &'a str,
    /// A `sort` of the API; newest first without.
    pub sort: &'a str,
}

impl Jobs {
    /// Submits an execution.
    ///
    /// # Errors
    /// [`JobsError::Running`] when its unique key is taken; [`JobsError::UnknownKind`] and
    /// [`JobsError::Parameters`] when a task cannot be run.
    pub async fn submit(&self, new: NewExecution) -> Result<ExecutionId, JobsError> {
        let jobs = self.clone();
        self.db()
            .write(move |tx| Box::pin(async move { jobs.submit_in(tx, new).await }))
            .await
    }

    /// As [`Jobs::submit`], together with what else the transaction does.
    pub async fn submit_in(
        &self,
        tx: &mut Tx,
        new: NewExecution,
    ) -> Result<ExecutionId, JobsError> {
        let tasks = self.prepare(&new.tasks)?;
        let row = execution::New {
            vendor: new.vendor,
            vendor_id: new.vendor_id,
            trigger: new.trigger,
            attributes: new.attributes.to_string(),
            unique: new.unique.as_deref(),
            tasks: tasks.len() as i64,
        };
        self.insert(tx, row, &tasks).await
    }

    /// The unique key of a vendor's policy: what a schedule uses, so that a run somebody began and
    /// one that the clock begins never overlap.
    pub fn unique_key(vendor: &str, vendor_id: i64) -> String {
        format!("{vendor}:{vendor_id}")
    }

    pub(crate) async fn insert(
        &self,
        tx: &mut Tx,
        row: execution::New<'_>,
        tasks: &[task::New],
    ) -> Result<ExecutionId, JobsError> {
        let now = self.clock().now();
        let id = execution::insert(tx, row, now)
            .await?
            .ok_or(JobsError::Running)?;
        if tasks.is_empty() {
            execution::ended(tx, id, Status::Success, 0, "", now).await?;
        } else {
            self.insert_tasks(tx, id, tasks, now).await?;
        }
        Ok(id)
    }

    /// Adds tasks to the execution of a task that runs; `false`, and none, when it is to stop.
    pub(crate) async fn add_tasks(
        &self,
        tx: &mut Tx,
        execution: ExecutionId,
        task: TaskId,
        new: &[NewTask],
    ) -> Result<bool, JobsError> {
        let new = self.prepare(new)?;
        // Held, so that a stop comes before this and is seen, or after and stops these too.
        if queue::stop_requested(tx, task).await? {
            return Ok(false);
        }
        let now = self.clock().now();
        execution::add_tasks(tx, execution, new.len() as i64, now).await?;
        self.insert_tasks(tx, execution, &new, now).await?;
        Ok(true)
    }

    async fn insert_tasks(
        &self,
        tx: &mut Tx,
        id: ExecutionId,
        tasks: &[task::New],
        now: Timestamp,
    ) -> Result<(), DbError> {
        task::insert(tx, id, tasks, now).await?;
        let jobs = self.clone();
        tx.after_commit(move || jobs.wake());
        Ok(())
    }

    fn prepare(&self, tasks: &[NewTask]) -> Result<Vec<task::New>, JobsError> {
        tasks
            .iter()
            .map(|task| {
                let mut new = self.row_of(task.kind, &task.params)?;
                new.attributes = task.attributes.to_string();
                new.run_at = task.run_at.unwrap_or(new.run_at);
                new.lane.clone_from(&task.lane);
                Ok(new)
            })
            .collect()
    }

    /// The row of a task that runs as soon as it can, if its parameters are right.
    pub(crate) fn row_of(&self, kind: &str, params: &Value) -> Result<task::New, JobsError> {
        self.check(kind, params)?;
        Ok(task::New {
            kind: kind.to_owned(),
            params: params.to_string(),
            attributes: "{}".to_owned(),
            priority: self.handler(kind)?.kind().priority,
            run_at: self.clock().now(),
            lane: None,
        })
    }

    /// An execution of a vendor, and of one policy of it where `vendor_id` is given.
    pub async fn execution(
        &self,
        vendor: &str,
        vendor_id: Option<i64>,
        id: ExecutionId,
    ) -> Result<Execution, JobsError> {
        let row = execution::find(self.db(), vendor, vendor_id, id).await?;
        row.map(Execution::from)
            .ok_or_else(|| JobsError::NotFound(format!("execution {id}")))
    }

    /// A page of executions, newest first, and how many there are.
    pub async fn executions(
        &self,
        query: ExecutionQuery<'_>,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Execution>, i64), JobsError> {
        let filter = Filter {
            vendors: query.vendors,
            vendor_id: query.vendor_id,
            status: query.status,
            trigger: query.trigger,
            q: query.q,
            sort: query.sort,
        };
        let (rows, total) = execution::list(self.db(), &filter, limit, offset).await?;
        Ok((rows.into_iter().map(Execution::from).collect(), total))
    }

    /// A page of an execution's tasks, in the order they were made, and how many there are.
    pub async fn tasks(
        &self,
        execution: ExecutionId,
        status: Option<Status>,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Task>, i64), JobsError> {
        let wanted = Wanted {
            execution,
            status,
            q: "",
            sort: "",
        };
        self.page_of_tasks(&wanted, limit, offset).await
    }

    /// As [`Jobs::tasks`], filtered and sorted as `q` and `sort` of the API ask.
    pub async fn find_tasks(
        &self,
        execution: ExecutionId,
        (q, sort): (&str, &str),
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Task>, i64), JobsError> {
        let wanted = Wanted {
            execution,
            status: None,
            q,
            sort,
        };
        self.page_of_tasks(&wanted, limit, offset).await
    }

    async fn page_of_tasks(
        &self,
        wanted: &Wanted<'_>,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Task>, i64), JobsError> {
        let (rows, total) = task::list(self.db(), wanted, limit, offset).await?;
        let now = self.clock().now();
        let tasks = rows.into_iter().map(|row| Task::at(row, now)).collect();
        Ok((tasks, total))
    }

    /// How many tasks of an execution stand where; of one kind where it is given.
    pub async fn task_counts(
        &self,
        execution: ExecutionId,
        kind: Option<&str>,
    ) -> Result<Vec<(Status, i64)>, JobsError> {
        let rows = task::counts(self.db(), execution, kind, self.clock().now()).await?;
        let known = rows
            .into_iter()
            .filter_map(|(word, count)| Some((word.parse().ok()?, count)));
        Ok(known.collect())
    }

    /// A task of any execution.
    pub async fn task(&self, id: TaskId) -> Result<Task, JobsError> {
        let row = task::find(self.db(), id).await?;
        let now = self.clock().now();
        row.map(|row| Task::at(row, now))
            .ok_or_else(|| JobsError::NotFound(format!("job {id}")))
    }

    /// A task of this execution.
    pub async fn task_of(&self, execution: ExecutionId, id: TaskId) -> Result<Task, JobsError> {
        let task = self.task(id).await?;
        if task.execution_id == execution {
            Ok(task)
        } else {
            Err(JobsError::NotFound(format!("task {id}")))
        }
    }

    /// Says something new of an execution.
    pub async fn set_execution_attributes(
        &self,
        tx: &mut Tx,
        id: ExecutionId,
        attributes: &Value,
    ) -> Result<(), DbError> {
        execution::set_attributes(tx, id, &attributes.to_string(), self.clock().now()).await
    }

    /// Stops an execution: what waits never runs, what runs is interrupted. One that has ended
    /// stays as it is.
    pub async fn stop_execution(&self, id: ExecutionId) -> Result<(), JobsError> {
        self.stop_tasks(id, Which::default(), true).await
    }

    /// As [`Jobs::stop_execution`], of those of its tasks that were submitted with this.
    pub async fn stop_tasks_with(&self, id: ExecutionId, params: &Value) -> Result<(), JobsError> {
        let which = Which {
            params: Some(params.to_string()),
            ..Which::default()
        };
        self.stop_tasks(id, which, true).await
    }

    /// Stops these tasks of an execution that wait, and those that run if asked.
    pub(crate) async fn stop_tasks(
        &self,
        id: ExecutionId,
        which: Which,
        running_too: bool,
    ) -> Result<(), JobsError> {
        let jobs = self.clone();
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    let now = jobs.clock().now();
                    // Before those that wait: one that runs may be about to add some.
                    if running_too && task::ask_to_stop(tx, id, &which).await? > 0 {
                        // The workers look for what they should stop whenever they are woken.
                        let jobs = jobs.clone();
                        tx.after_commit(move || jobs.wake());
                    }
                    let stopped = task::stop_waiting(tx, id, &which, now).await?;
                    for row in &stopped {
                        let Ok(handler) = jobs.handler(&row.kind) else {
                            continue;
                        };
                        let params = serde_json::from_str(&row.params).unwrap_or_default();
                        let end = TaskEnd {
                            id: row.id,
                            execution: id,
                            params: &params,
                            status: Status::Stopped,
                            message: NEVER_BEGAN,
                        };
                        handler.task_ended(tx, end).await?;
                    }
                    if !stopped.is_empty() {
                        let count = stopped.len() as i64;
                        jobs.count_ended(tx, id, Status::Stopped, count, "", None)
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Counts ended tasks, and tells the handler of `kind` when they were the last.
    pub(crate) async fn count_ended(
        &self,
        tx: &mut Tx,
        id: ExecutionId,
        status: Status,
        count: i64,
        message: &str,
        kind: Option<&str>,
    ) -> Result<Option<Status>, DbError> {
        let now = self.clock().now();
        let last = execution::ended(tx, id, status, count, message, now).await?;
        if let Some(last) = last {
            let kind = match kind {
                Some(kind) => Some(kind.to_owned()),
                None => task::last_kind(tx, id).await?,
            };
            if let Some(handler) = kind.and_then(|kind| self.handler(&kind).ok()) {
                handler.ended(tx, id, last).await?;
            }
        }
        Ok(last)
    }

    pub(crate) fn kept(&self, vendor: &str) -> i64 {
        let keep = self
            .inner
            .keep
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        keep.get(vendor).copied().unwrap_or(crate::workers::KEEP)
    }
}

impl From<ExecutionRow> for Execution {
    fn from(row: ExecutionRow) -> Self {
        Self {
            id: row.id,
            vendor: row.vendor,
            vendor_id: row.vendor_id,
            trigger: row.started_by,
            status: row.status,
            message: row.message,
            attributes: serde_json::from_str(&row.attributes).unwrap_or_default(),
            tasks: row.tasks,
            succeeded: row.succeeded,
            failed: row.failed,
            stopped: row.stopped,
            started_at: Timestamp::from_micros(row.started_at),
            ended_at: row.ended_at.map(Timestamp::from_micros),
            updated_at: Timestamp::from_micros(row.updated_at),
        }
    }
}

impl Task {
    pub(crate) fn at(row: TaskRow, now: Timestamp) -> Self {
        let waits = row.status == Status::Pending && row.run_at > now.micros();
        Self {
            id: row.id,
            execution_id: row.execution_id,
            kind: row.kind,
            status: if waits { Status::Scheduled } else { row.status },
            message: row.message,
            params: serde_json::from_str(&row.params).unwrap_or_default(),
            attributes: serde_json::from_str(&row.attributes).unwrap_or_default(),
            attempt: row.attempt,
            worker: row.worker,
            progress: (row.progress_done, row.progress_total),
            created_at: Timestamp::from_micros(row.created_at),
            started_at: row.started_at.map(Timestamp::from_micros),
            ended_at: row.ended_at.map(Timestamp::from_micros),
            updated_at: Timestamp::from_micros(row.updated_at),
        }
    }
}
