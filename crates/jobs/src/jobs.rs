//! [`Jobs`]: the job service of one process.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use berth_db::{Db, DbError, Engine};
use berth_model::{Clock, ExecutionId, TaskId, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::store::queue;
use crate::{Handler, JobsError};

/// How the workers of one process behave.
#[derive(Clone, Copy, Debug)]
pub struct JobsOptions {
    /// Tasks that run at the same time.
    pub workers: usize,
    /// How long a worker that says nothing keeps its tasks.
    pub lease: Duration,
    /// How often other processes' work is looked for where there can be other processes.
    pub poll: Duration,
    /// The pause before the first retry; it doubles with each.
    pub back_off: Duration,
    /// The longest pause before a retry.
    pub longest_back_off: Duration,
}

impl Default for JobsOptions {
    fn default() -> Self {
        Self {
            workers: 10,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(2),
            back_off: Duration::from_secs(5),
            longest_back_off: Duration::from_mins(10),
        }
    }
}

/// The job service of one process. Cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) options: JobsOptions,
    pub(crate) handlers: RwLock<BTreeMap<&'static str, Arc<dyn Handler>>>,
    /// Rung when work was submitted here, or when pauses and schedules changed.
    pub(crate) work: Notify,
    /// The tasks that run in this process, with what they share a bound under, and how to stop them.
    pub(crate) running: Mutex<HashMap<TaskId, (&'static str, CancellationToken)>>,
    /// Executions that ended here since old ones were last forgotten.
    pub(crate) ended: Mutex<HashSet<ExecutionId>>,
    /// Executions kept of each vendor, where it is not [`KEEP`](crate::workers::KEEP).
    pub(crate) keep: RwLock<HashMap<&'static str, i64>>,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").finish_non_exhaustive()
    }
}

impl Jobs {
    /// The job service over a database. Nothing runs until [`Jobs::work`].
    pub fn new(db: Db, clock: Clock, options: JobsOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                db,
                clock,
                options,
                handlers: RwLock::default(),
                work: Notify::new(),
                running: Mutex::default(),
                ended: Mutex::default(),
                keep: RwLock::default(),
            }),
        }
    }

    /// Adds a job type. All are added before the workers start.
    pub fn register(&self, handler: impl Handler) {
        let name = handler.kind().name;
        self.inner
            .handlers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, Arc::new(handler));
    }

    /// Keeps `count` finished executions of each policy of a vendor, instead of 50.
    pub fn keep(&self, vendor: &'static str, count: i64) {
        self.inner
            .keep
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(vendor, count);
    }

    pub(crate) fn handler(&self, kind: &str) -> Result<Arc<dyn Handler>, JobsError> {
        self.inner
            .handlers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(kind)
            .cloned()
            .ok_or_else(|| JobsError::UnknownKind(kind.chars().take(60).collect()))
    }

    /// Every job type, by name.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.inner
            .handlers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .copied()
            .collect()
    }

    /// Whether a job of this type can be submitted with these parameters.
    pub fn check(&self, kind: &str, params: &Value) -> Result<(), JobsError> {
        self.handler(kind)?
            .check(params)
            .map_err(|reason| JobsError::Parameters {
                kind: kind.to_owned(),
                reason,
            })
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Whether another process could be running tasks of the same database.
    pub(crate) fn alone(&self) -> bool {
        self.inner.db.engine() == Engine::Sqlite
    }

    /// Lets the workers look for work now. Needed only where time is not the system's: in tests.
    pub fn wake(&self) {
        self.inner.work.notify_waiters();
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TaskId, (&'static str, CancellationToken)>> {
        self.inner
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A task runs here from now on; the token stops it.
    pub(crate) fn remember(&self, task: TaskId, shares: &'static str) -> CancellationToken {
        let stop = CancellationToken::new();
        self.running().insert(task, (shares, stop.clone()));
        stop
    }

    pub(crate) fn forget(&self, task: TaskId) {
        self.running().remove(&task);
    }

    /// How many tasks run here of the kinds that share their bound under this name.
    pub(crate) fn running_of(&self, shares: &str) -> usize {
        let running = self.running();
        running.values().filter(|(of, _)| *of == shares).count()
    }

    /// When the next of these kinds' waiting tasks is due; none when none waits.
    pub(crate) async fn next_due(&self, kinds: &[&str]) -> Result<Option<Timestamp>, DbError> {
        if kinds.is_empty() {
            return Ok(None);
        }
        queue::next_due(self.db(), kinds).await
    }

    /// Whether there is something for the next sweep.
    pub(crate) fn has_ended(&self) -> bool {
        !self
            .inner
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// Stops those of these tasks that run here.
    pub(crate) fn stop_here(&self, tasks: &[TaskId]) {
        let running = self.running();
        for task in tasks {
            if let Some((_, stop)) = running.get(task) {
                stop.cancel();
            }
        }
    }

    /// Old executions beside this one, which has ended, may be forgotten.
    pub(crate) fn sweep_later(&self, execution: ExecutionId) {
        self.inner
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(execution);
    }

    pub(crate) fn take_ended(&self) -> HashSet<ExecutionId> {
        let mut ended = self
            .inner
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *ended)
    }
}
