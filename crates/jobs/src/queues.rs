//! The job types and the processes that run them, for who looks after the server.

use berth_model::{TaskId, Timestamp};

use crate::store::queue;
use crate::store::task::Which;
use crate::workers::SCHEDULER;
use crate::{Jobs, JobsError, Task};

/// Executions looked at in one round of stopping a queue.
const BATCH: i64 = 500;

/// A job type and what waits of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The job type.
    pub kind: String,
    /// Tasks that wait.
    pub count: i64,
    /// For how long the oldest has been waiting, seconds.
    pub latency: i64,
    /// Whether none of them is begun.
    pub paused: bool,
}

/// A process that runs tasks.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Its name, new with each start.
    pub id: String,
    /// The machine.
    pub host: String,
    /// The process id there.
    pub pid: i64,
    /// Tasks it runs at the same time.
    pub concurrency: i64,
    /// Since when.
    pub started_at: Timestamp,
    /// When it last said that it lives.
    pub heartbeat_at: Timestamp,
}

impl Jobs {
    /// Every job type, by name; the schedules are one.
    pub async fn queues(&self) -> Result<Vec<Queue>, JobsError> {
        let now = self.clock().now();
        let waiting = queue::waiting(self.db()).await?;
        let paused = queue::paused(self.db()).await?;
        let mut kinds: Vec<String> = self.kinds().into_iter().map(str::to_owned).collect();
        kinds.push(SCHEDULER.to_owned());
        kinds.sort_unstable();
        let queues = kinds.into_iter().map(|kind| {
            let row = waiting.iter().find(|row| row.kind == kind);
            let oldest = row.map(|row| Timestamp::from_micros(row.oldest));
            Queue {
                count: row.map_or(0, |row| row.count),
                latency: oldest.map_or(0, |at| now.since(at).as_secs() as i64),
                paused: paused.contains(&kind),
                kind,
            }
        });
        Ok(queues.collect())
    }

    /// The kinds a word of the API means: one, or all.
    fn kinds_of(&self, kind: &str) -> Result<Vec<String>, JobsError> {
        if kind.eq_ignore_ascii_case("all") {
            return Ok(self.kinds().into_iter().map(str::to_owned).collect());
        }
        if kind == SCHEDULER || self.handler(kind).is_ok() {
            return Ok(vec![kind.to_owned()]);
        }
        Err(JobsError::NotFound(format!(
            "job type {}",
            kind.chars().take(60).collect::<String>()
        )))
    }

    /// Pauses or resumes a job type, the schedules (`SCHEDULER`), or all job types (`all`). What
    /// runs goes on.
    pub async fn pause(&self, kind: &str, paused: bool) -> Result<(), JobsError> {
        let kinds = self.kinds_of(kind)?;
        let jobs = self.clone();
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    let now = jobs.clock().now();
                    for kind in &kinds {
                        queue::set_paused(tx, kind, paused, now).await?;
                    }
                    tx.after_commit(move || jobs.wake());
                    Ok(())
                })
            })
            .await
    }

    /// Whether a job type or the schedules are paused.
    pub async fn is_paused(&self, kind: &str) -> Result<bool, JobsError> {
        let paused = queue::paused(self.db()).await?;
        if kind.eq_ignore_ascii_case("all") {
            return Ok(paused.iter().any(|of| of == SCHEDULER));
        }
        Ok(paused.iter().any(|of| of == kind))
    }

    /// Stops everything that waits of a job type, or of all.
    pub async fn stop_waiting(&self, kind: &str) -> Result<(), JobsError> {
        for kind in self.kinds_of(kind)? {
            let which = Which {
                kind: Some(kind.clone()),
                ..Which::default()
            };
            loop {
                let waiting = queue::executions_waiting(self.db(), Some(&kind), BATCH).await?;
                if waiting.is_empty() {
                    break;
                }
                for execution in waiting {
                    self.stop_tasks(execution, which.clone(), false).await?;
                }
            }
        }
        Ok(())
    }

    /// The processes that run tasks.
    pub async fn pools(&self) -> Result<Vec<Pool>, JobsError> {
        let now = self.clock().now();
        // Alone, a process does not write that it lives: whoever answers here does.
        let since = if self.alone() {
            Timestamp::from_micros(0)
        } else {
            now.minus(self.inner.options.lease)
        };
        let rows = queue::pools(self.db(), since).await?;
        let pools = rows.into_iter().map(|row| Pool {
            id: row.id,
            host: row.host,
            pid: row.pid,
            concurrency: row.concurrency,
            started_at: Timestamp::from_micros(row.started_at),
            heartbeat_at: if self.alone() {
                now
            } else {
                Timestamp::from_micros(row.heartbeat_at)
            },
        });
        Ok(pools.collect())
    }

    /// The tasks that run now; of one process if given.
    pub async fn running_tasks(&self, pool: Option<&str>) -> Result<Vec<Task>, JobsError> {
        let now = self.clock().now();
        let rows = queue::running(self.db(), pool).await?;
        Ok(rows.into_iter().map(|row| Task::at(row, now)).collect())
    }

    /// Stops the execution that a task belongs to.
    pub async fn stop_task(&self, id: TaskId) -> Result<(), JobsError> {
        let task = self.task(id).await?;
        self.stop_execution(task.execution_id).await
    }
}
