//! One task in one worker's hands, from its claim to its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use berth_db::{DbError, Durability};
use berth_model::Timestamp;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::store::queue::{self, End, Hold};
use crate::store::task::TaskRow;
use crate::{Handler, JobError, Jobs, JobsError, Status, TaskContext, TaskEnd, logs};

/// How often what a task says is written.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How long a task that was asked to stop may take to end by itself.
const STOP_WITHIN: Duration = Duration::from_millis(700);

/// How a task's run ended.
#[derive(Debug)]
enum Outcome {
    Ended(Result<(), JobError>),
    /// The process ends: somebody else will run it.
    Abandoned,
}

/// Runs a claimed task and writes how it ended.
pub(crate) async fn run(
    jobs: Jobs,
    row: TaskRow,
    worker: String,
    stop: CancellationToken,
    shutdown: CancellationToken,
) {
    let hold = Hold {
        id: row.id,
        execution: row.execution_id,
        worker,
        attempt: row.attempt,
    };
    let outcome = match jobs.handler(&row.kind) {
        Ok(handler) => {
            let params = serde_json::from_str(&row.params).unwrap_or_default();
            let task = TaskContext::new(jobs.clone(), hold.clone(), params, stop.clone());
            let outcome = supervise(&handler, &task, &stop, &shutdown).await;
            finish(&task, &handler, &row.kind, outcome).await
        }
        // The tasks of other kinds are never claimed; a handler does not go away.
        Err(error) => Err(error),
    };
    jobs.forget(hold.id);
    if let Err(error) = outcome {
        // Its lease will end, and the task is taken over.
        tracing::error!(task = %hold.id, kind = row.kind, %error, "the end of a task could not be written");
    }
}

async fn supervise(
    handler: &Arc<dyn Handler>,
    task: &TaskContext,
    stop: &CancellationToken,
    shutdown: &CancellationToken,
) -> Outcome {
    // A panic ends the task, not the worker.
    let work = AssertUnwindSafe(handler.run(task.clone())).catch_unwind();
    tokio::pin!(work);
    let time_out = handler.kind().time_out.unwrap_or(Duration::MAX);
    let deadline = tokio::time::sleep(time_out);
    tokio::pin!(deadline);
    let mut tell = tokio::time::interval(TELL_EVERY);
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            () = stop.cancelled() => {
                match tokio::time::timeout(STOP_WITHIN, &mut work).await {
                    // It ended by itself; whatever it says of it, it was stopped.
                    Ok(Ok(Ok(()))) => return Outcome::Ended(Ok(())),
                    _ => return Outcome::Ended(Err(JobError::Stopped)),
                }
            }
            () = shutdown.cancelled() => return Outcome::Abandoned,
            () = &mut deadline => {
                let reason = format!("given up after {} s", time_out.as_secs());
                return Outcome::Ended(Err(JobError::Retry(reason)));
            }
            _ = tell.tick() => {
                match tell_now(task).await {
                    Ok(true) => {}
                    // Somebody else has the task: nothing more may be done here.
                    Ok(false) => return Outcome::Abandoned,
                    Err(error) => tracing::warn!(%error, "what a task said could not be written"),
                }
            }
        }
    };
    Outcome::Ended(ended.unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        tracing::error!(task = %task.id(), said, "a task panicked");
        Err(JobError::Fail("an internal error ended the job".to_owned()))
    }))
}

/// Writes what the task has said. `false`: the worker has lost the task.
async fn tell_now(task: &TaskContext) -> Result<bool, DbError> {
    let Some(said) = task.take_said() else {
        return Ok(true);
    };
    let hold = task.hold.clone();
    let now = task.clock().now();
    task.jobs
        .db()
        .write_with(Durability::Relaxed, move |tx| {
            Box::pin(async move {
                let (done, total) = (said.done, said.total);
                let held =
                    queue::progress(tx, &hold, done, total, said.attributes.clone(), now).await?;
                if held {
                    logs::write(tx, hold.id, &said).await?;
                }
                Ok::<_, DbError>(held)
            })
        })
        .await
}

async fn finish(
    task: &TaskContext,
    handler: &Arc<dyn Handler>,
    kind: &str,
    outcome: Outcome,
) -> Result<(), JobsError> {
    let jobs = task.jobs.clone();
    let now = jobs.clock().now();
    let attempts = handler.kind().max_attempts;
    let (status, message, run_at, counts) = match outcome {
        Outcome::Ended(Ok(())) => (Status::Success, String::new(), None, true),
        Outcome::Ended(Err(JobError::Stopped)) => {
            (Status::Stopped, "stopped".to_owned(), None, true)
        }
        Outcome::Ended(Err(JobError::Retry(reason))) if task.attempt() < attempts => {
            let at = retry_at(&jobs, task.attempt(), now);
            task.log(format!("{reason}; tried again at {}", at.to_rfc3339()));
            (Status::Pending, reason, Some(at), true)
        }
        Outcome::Ended(Err(JobError::Retry(reason) | JobError::Fail(reason))) => {
            task.log(format!("failed: {reason}"));
            (Status::Error, reason, None, true)
        }
        Outcome::Abandoned => (
            Status::Pending,
            "its worker ended first".to_owned(),
            Some(now),
            false,
        ),
    };
    let said = task.take_said();
    let (done, total) = task.come();
    let hold = task.hold.clone();
    let kind = kind.to_owned();
    let writer = jobs.clone();
    let (handler, told) = (Arc::clone(handler), task.clone());
    let ended = jobs
        .db()
        .write(move |tx| {
            Box::pin(async move {
                let end = End {
                    status: status.as_str(),
                    message: &message,
                    run_at,
                    counts,
                    done,
                    total,
                    attributes: said.as_ref().and_then(|said| said.attributes.clone()),
                };
                if !queue::release(tx, &hold, end, now).await? {
                    return Ok(None);
                }
                if let Some(said) = &said {
                    logs::write(tx, hold.id, said).await?;
                }
                if status.is_final() {
                    let end = TaskEnd {
                        id: hold.id,
                        execution: hold.execution,
                        params: told.params(),
                        status,
                        message: &message,
                    };
                    handler.task_ended(tx, end).await?;
                    return writer
                        .count_ended(tx, hold.execution, status, 1, &message, Some(&kind))
                        .await;
                }
                Ok::<_, DbError>(None)
            })
        })
        .await?;
    if ended.is_some() {
        jobs.sweep_later(task.execution());
    }
    if status == Status::Pending {
        jobs.wake();
    }
    Ok(())
}

/// When the next attempt is made: twice as long after each, and never all at the same moment.
fn retry_at(jobs: &Jobs, attempt: i64, now: Timestamp) -> Timestamp {
    let options = jobs.inner.options;
    let doubled = options
        .back_off
        .saturating_mul(1 << (attempt - 1).clamp(0, 16));
    let pause = doubled.min(options.longest_back_off);
    let [random] = berth_crypto::random_bytes::<1>();
    now.plus(pause + pause.mul_f64(f64::from(random) / 1024.0))
}
