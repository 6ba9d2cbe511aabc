//! The workers of one process: they take tasks, keep their leases, take over what others lost, and
//! start what schedules ask for.
//!
//! Invariant: nothing polls hot. Where this process is alone with its database, it sleeps until
//! something is submitted or the next due time comes; where it is not, it also looks every few
//! seconds. Every look is a read of an index; something is written only when there is something to
//! do.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_db::{DbError, Durability};
use berth_model::{ExecutionId, Timestamp};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::store::queue::{self, PoolRow};
use crate::store::task::TaskRow;
use crate::store::{execution, lane, log, schedule};
use crate::{Jobs, JobsError, Kind, Status, TaskEnd, running};

/// Finished executions kept of each policy, where its vendor says nothing else.
pub(crate) const KEEP: i64 = 50;

/// The name that stands for all schedules among what can be paused.
pub(crate) const SCHEDULER: &str = "SCHEDULER";

/// Longest sleep, whatever the next due time is: clocks are set, too.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// The pause after work was due and nothing could be taken.
const SHORTEST_SLEEP: Duration = Duration::from_millis(200);

/// How often stops asked for in other processes are looked for.
const LOOK_FOR_STOPS: Duration = Duration::from_millis(400);

/// Rows in one transaction of the sweeps.
const BATCH: i64 = 200;

/// Kinds whose tasks are taken together, and how many.
#[derive(Clone, Debug, Default)]
struct Room {
    kinds: Vec<&'static str>,
    more: usize,
}

/// One process's pool, while it works.
struct PoolOfWorkers {
    jobs: Jobs,
    row: PoolRow,
    tasks: JoinSet<&'static str>,
    shutdown: CancellationToken,
    next_beat: Instant,
}

impl Jobs {
    /// Runs tasks until `stop` is cancelled; what has not ended then is left to others.
    pub async fn work(&self, stop: CancellationToken) {
        let mut pool = PoolOfWorkers::new(self.clone());
        loop {
            // Listening begins before looking, so that nothing that is submitted meanwhile is missed.
            let rung = self.inner.work.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            let sleep = match pool.turn().await {
                Ok(sleep) => sleep,
                Err(error) => {
                    tracing::error!(%error, "the job service cannot reach its tables; it goes on trying");
                    self.inner.options.poll
                }
            };
            let busy = !pool.tasks.is_empty();
            tokio::select! {
                () = stop.cancelled() => break,
                () = &mut rung => {}
                _ = pool.tasks.join_next(), if busy => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
        pool.leave().await;
    }
}

impl PoolOfWorkers {
    fn new(jobs: Jobs) -> Self {
        let now = jobs.clock().now();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let row = PoolRow {
            id: uuid::Uuid::new_v4().simple().to_string(),
            host: host.trim().to_owned(),
            pid: i64::from(std::process::id()),
            concurrency: jobs.inner.options.workers as i64,
            started_at: now.micros(),
            heartbeat_at: now.micros(),
        };
        Self {
            jobs,
            row,
            tasks: JoinSet::new(),
            shutdown: CancellationToken::new(),
            next_beat: Instant::now(),
        }
    }

    /// Does what is due and says how long nothing will be.
    async fn turn(&mut self) -> Result<Duration, JobsError> {
        while self.tasks.try_join_next().is_some() {}
        if Instant::now() >= self.next_beat {
            self.beat().await?;
        }
        if !self.tasks.is_empty() {
            let stops = queue::to_stop(self.jobs.db(), &self.row.id).await?;
            self.jobs.stop_here(&stops);
        }
        let paused = queue::paused(self.jobs.db()).await?;
        if !paused.iter().any(|kind| kind == SCHEDULER) {
            self.jobs.start_due().await?;
        }
        self.advance_lanes().await?;
        let taken = self.take(&paused).await?;
        self.sleep(&paused, taken).await
    }

    /// Gives turns that were given up to those that wait for them.
    async fn advance_lanes(&self) -> Result<(), DbError> {
        loop {
            let free = lane::free(self.jobs.db(), BATCH).await?;
            let last = (free.len() as i64) < BATCH;
            if !free.is_empty() {
                let now = self.jobs.clock().now();
                self.write(move |tx| {
                    Box::pin(async move {
                        for name in &free {
                            lane::advance(tx, name, now).await?;
                        }
                        Ok(())
                    })
                })
                .await?;
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Says that this process lives, keeps its leases, takes over what others lost, forgets what
    /// is old.
    async fn beat(&mut self) -> Result<(), JobsError> {
        let options = self.jobs.inner.options;
        let now = self.jobs.clock().now();
        let first = self.row.heartbeat_at == self.row.started_at;
        self.row.heartbeat_at = now.micros().max(self.row.started_at + 1);
        self.next_beat = Instant::now() + options.lease / 3;
        // Alone, nobody but this process asks whether it lives.
        if first || !self.jobs.alone() {
            let row = self.row.clone();
            let before = now.minus(options.lease * 10);
            self.write(move |tx| {
                Box::pin(async move {
                    queue::leave(tx, "", before).await?;
                    queue::beat(tx, &row).await
                })
            })
            .await?;
        }
        if !self.tasks.is_empty() {
            let (worker, until) = (self.row.id.clone(), now.plus(options.lease));
            self.write(move |tx| {
                Box::pin(async move { queue::renew(tx, &worker, until).await.map(|_| ()) })
            })
            .await?;
        }
        self.take_over(now).await?;
        self.forget_old().await
    }

    async fn write<F>(&self, work: F) -> Result<(), DbError>
    where
        F: for<'t> FnOnce(
                &'t mut berth_db::Tx,
            ) -> futures_util::future::BoxFuture<'t, Result<(), DbError>>
            + Clone
            + Send
            + 'static,
    {
        // A lease that a power cut takes back was of a process that it ended, too.
        self.jobs.db().write_with(Durability::Relaxed, work).await
    }

    /// Puts back into the queue what workers held that are gone.
    async fn take_over(&self, now: Timestamp) -> Result<(), JobsError> {
        let alone = self.jobs.alone().then(|| self.row.id.clone());
        if !queue::any_lost(self.jobs.db(), now, alone.as_deref()).await? {
            return Ok(());
        }
        let jobs = self.jobs.clone();
        let ended = self
            .jobs
            .db()
            .write(move |tx| {
                Box::pin(async move {
                    let lost = queue::lost(tx, now, alone.as_deref(), BATCH).await?;
                    let mut ended = Vec::new();
                    for row in lost {
                        if give_back(&jobs, tx, &row, now).await? {
                            ended.push(row.execution_id);
                        }
                    }
                    Ok::<_, DbError>(ended)
                })
            })
            .await?;
        for execution in ended {
            self.jobs.sweep_later(execution);
        }
        Ok(())
    }

    /// Forgets executions that are too many of their policy.
    async fn forget_old(&self) -> Result<(), JobsError> {
        for ended in self.jobs.take_ended() {
            let Some((vendor, id)) = execution::vendor_of(self.jobs.db(), ended).await? else {
                continue;
            };
            let keep = self.jobs.kept(&vendor);
            let newest = execution::beyond(self.jobs.db(), &vendor, id, keep).await?;
            let Some(newest) = newest else { continue };
            loop {
                let vendor = vendor.clone();
                let forgotten = self
                    .jobs
                    .db()
                    .write(move |tx| {
                        Box::pin(
                            async move { execution::forget(tx, &vendor, id, newest, BATCH).await },
                        )
                    })
                    .await?;
                if (forgotten as i64) < BATCH {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Kinds that may run now, those together that share a bound, each with how many more.
    fn room(&self, paused: &[String]) -> Vec<Room> {
        let free = self
            .jobs
            .inner
            .options
            .workers
            .saturating_sub(self.tasks.len());
        let mut found: BTreeMap<(bool, &'static str), Room> = BTreeMap::new();
        for name in self.jobs.kinds() {
            if paused.iter().any(|paused| paused == name) {
                continue;
            }
            let Ok(handler) = self.jobs.handler(name) else {
                continue;
            };
            let Kind {
                concurrency,
                shares,
                ..
            } = handler.kind();
            let bounded = concurrency > 0;
            let more = if bounded {
                concurrency.saturating_sub(self.jobs.running_of(shares))
            } else {
                free
            };
            // Those with bounds come first, each name by itself; all others are one.
            let key = (!bounded, if bounded { shares } else { "" });
            let room = found.entry(key).or_default();
            room.kinds.push(name);
            room.more = more.min(free);
        }
        let rooms = found.into_values();
        rooms.filter(|room| room.more > 0).collect()
    }

    /// Takes and starts what waits. Gives how many tasks it were.
    async fn take(&mut self, paused: &[String]) -> Result<usize, JobsError> {
        let now = self.jobs.clock().now();
        let rooms = self.room(paused);
        let kinds: Vec<&str> = rooms.iter().flat_map(|room| &room.kinds).copied().collect();
        match self.jobs.next_due(&kinds).await? {
            Some(due) if due <= now => {}
            _ => return Ok(0),
        }
        let (worker, lease) = (self.row.id.clone(), now.plus(self.jobs.inner.options.lease));
        let free = self
            .jobs
            .inner
            .options
            .workers
            .saturating_sub(self.tasks.len());
        let rows = self
            .jobs
            .db()
            .write_with(Durability::Relaxed, move |tx| {
                Box::pin(async move {
                    let mut rows: Vec<TaskRow> = Vec::new();
                    for room in &rooms {
                        let most = room.more.min(free - rows.len()) as i64;
                        if most > 0 {
                            let kinds = &room.kinds;
                            rows.extend(queue::claim(tx, &worker, kinds, most, now, lease).await?);
                        }
                    }
                    // In one order, so that two workers never wait for each other.
                    let mut executions: Vec<ExecutionId> =
                        rows.iter().map(|row| row.execution_id).collect();
                    executions.sort_unstable();
                    executions.dedup();
                    for id in executions {
                        execution::running(tx, id, now).await?;
                    }
                    Ok::<_, DbError>(rows)
                })
            })
            .await?;
        let taken = rows.len();
        for row in rows {
            self.start(row);
        }
        Ok(taken)
    }

    fn start(&mut self, row: TaskRow) {
        let Ok(handler) = self.jobs.handler(&row.kind) else {
            return;
        };
        let Kind { name, shares, .. } = handler.kind();
        let stop = self.jobs.remember(row.id, shares);
        let (jobs, worker) = (self.jobs.clone(), self.row.id.clone());
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            running::run(jobs, row, worker, stop, shutdown).await;
            name
        });
    }

    async fn sleep(&self, paused: &[String], taken: usize) -> Result<Duration, JobsError> {
        let rooms = self.room(paused);
        let kinds: Vec<&str> = rooms.iter().flat_map(|room| &room.kinds).copied().collect();
        let now = self.jobs.clock().now();
        let due = self.jobs.next_due(&kinds).await?;
        let mut sleep = LONGEST_SLEEP;
        for at in [due, schedule::next(self.jobs.db()).await?]
            .into_iter()
            .flatten()
        {
            let until = at.since(now);
            // What is due and could not be taken is in other hands, or paused.
            let least = if taken > 0 {
                Duration::ZERO
            } else {
                SHORTEST_SLEEP
            };
            sleep = sleep.min(until.max(least));
        }
        if paused.iter().any(|kind| kind == SCHEDULER) {
            sleep = sleep.max(SHORTEST_SLEEP);
        }
        if !self.jobs.alone() {
            sleep = sleep.min(self.jobs.inner.options.poll);
            if !self.tasks.is_empty() {
                sleep = sleep.min(LOOK_FOR_STOPS);
            }
        }
        if !self.tasks.is_empty() || !self.jobs.alone() || self.jobs.has_ended() {
            let beat = self.next_beat.saturating_duration_since(Instant::now());
            sleep = sleep.min(beat.max(Duration::from_millis(1)));
        }
        Ok(sleep)
    }

    /// Leaves what runs to others.
    async fn leave(mut self) {
        self.shutdown.cancel();
        while self.tasks.join_next().await.is_some() {}
        let (id, before) = (self.row.id.clone(), Timestamp::from_micros(0));
        let left = self
            .write(move |tx| Box::pin(async move { queue::leave(tx, &id, before).await }))
            .await;
        if let Err(error) = left {
            tracing::debug!(%error, "this process stays in the list of worker pools for a while");
        }
    }
}

/// Gives a lost task back to the queue, or gives it up when it was tried often enough. `true`: its
/// execution has ended with it.
async fn give_back(
    jobs: &Jobs,
    tx: &mut berth_db::Tx,
    row: &TaskRow,
    now: Timestamp,
) -> Result<bool, DbError> {
    // A kind that nobody here handles is somebody else's.
    let Ok(handler) = jobs.handler(&row.kind) else {
        return Ok(false);
    };
    // A task that takes its worker with it each time must come to an end: a job that is tried once
    // in the ordinary way is tried three times when it is its worker that fails.
    let most = handler.kind().max_attempts.max(3);
    let line = format!(
        "{} its worker ended without a word (attempt {})\n",
        now.to_rfc3339(),
        row.attempt
    );
    log::append(tx, row.id, &line).await?;
    if row.attempt < most && !queue::stop_requested(tx, row.id).await? {
        queue::back(tx, row.id, now).await?;
        return Ok(false);
    }
    let (status, message) = if row.attempt < most {
        (Status::Stopped, "stopped")
    } else {
        (Status::Error, "its worker ended each time it was tried")
    };
    queue::give_up(tx, row.id, status, message, now).await?;
    let params = serde_json::from_str(&row.params).unwrap_or_default();
    let end = TaskEnd {
        id: row.id,
        execution: row.execution_id,
        params: &params,
        status,
        message,
    };
    handler.task_ended(tx, end).await?;
    let ended = jobs
        .count_ended(tx, row.execution_id, status, 1, message, Some(&row.kind))
        .await?;
    Ok(ended.is_some())
}
