//! Who did what, kept in memory for at most a second and then written in bulk.
//!
//! Invariant: what is held is bounded, and nothing recorded is lost without being counted. What
//! must be exactly as durable as the change it speaks of goes through [`record_in`] instead.

mod held;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_db::{Db, Tx};
use berth_iam::{Entry, audit};
use berth_model::{Event, ManifestId, RepositoryId, TagId, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{CatalogError, Outbox, store};

use held::Held;
pub(crate) use held::Pulls;

/// How long an entry may wait for others.
const GATHER: Duration = Duration::from_secs(1);

/// Writes `entry` in the transaction of the change it speaks of, unless its event is muted.
pub async fn record_in(tx: &mut Tx, entry: Entry) -> Result<(), CatalogError> {
    Ok(audit::record(tx, entry).await?)
}

/// What of a pull is kept in the rows of what was pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullKept {
    /// That there was one more.
    pub count: bool,
    /// When it was.
    pub time: bool,
}

impl PullKept {
    /// All there is to know.
    pub const ALL: Self = Self {
        count: true,
        time: true,
    };
    const NOTHING: Self = Self {
        count: false,
        time: false,
    };
}

/// The start of time stands for a pull whose time is not kept.
fn at_or_never(kept: PullKept, at: Timestamp) -> Timestamp {
    if kept.time { at } else { Timestamp::default() }
}

/// Gathers access log entries and pull counts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder {
    inner: Arc<Inner>,
    _stop: Arc<DropGuard>,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    outbox: Outbox,
    held: Mutex<Held>,
    /// Something is held that was not before.
    filled: Notify,
    /// What was held is written.
    emptied: Notify,
    /// One flush at a time, so that a caller of `flush` also waits for the one under way.
    flushing: tokio::sync::Mutex<()>,
    stop: CancellationToken,
}

impl Recorder {
    pub(crate) fn start(db: Db, outbox: Outbox) -> Self {
        let stop = CancellationToken::new();
        let inner = Arc::new(Inner {
            db,
            outbox,
            held: Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
            flushing: tokio::sync::Mutex::default(),
            stop: stop.clone(),
        });
        tokio::spawn(write_behind(inner.clone()));
        Self {
            inner,
            _stop: Arc::new(stop.drop_guard()),
        }
    }

    /// Holds `entry` for the next flush; never waits.
    ///
    /// Equal entries become one line that says how many times. When there are too many different
    /// ones, further entries are merged to one line a project and operation.
    pub fn record(&self, entry: Entry) {
        self.inner.held().add(entry, 1);
        self.inner.filled.notify_one();
    }

    /// As [`Recorder::record`], but waits for room instead of losing detail: for changes, which
    /// are rarer than pulls and whose author can wait.
    pub async fn record_waiting(&self, entry: Entry) {
        loop {
            let emptied = self.inner.emptied.notified();
            tokio::pin!(emptied);
            // Registered before looking, so that a flush in between is not missed.
            emptied.as_mut().enable();
            let room = self.inner.held().has_room();
            if room || self.inner.stop.is_cancelled() {
                self.record(entry);
                return;
            }
            emptied.await;
        }
    }

    /// Writes one pull down, as far as `kept` says; never waits.
    pub fn pulled(
        &self,
        repository: RepositoryId,
        manifest: ManifestId,
        tag: Option<TagId>,
        at: Timestamp,
        kept: PullKept,
    ) {
        if kept == PullKept::NOTHING {
            return;
        }
        let (count, at) = (i64::from(kept.count), at_or_never(kept, at));
        self.inner
            .held()
            .pulled((repository, manifest, tag), count, at);
        self.inner.filled.notify_one();
    }

    /// Publishes `event` with the next flush; never waits.
    pub fn publish(&self, event: Event) {
        self.inner.held().publish(event);
        self.inner.filled.notify_one();
    }

    /// Writes everything recorded until now; when it returns `Ok`, all of it is durable.
    pub async fn flush(&self) -> Result<(), CatalogError> {
        self.inner.flush().await
    }

    pub(crate) async fn close(&self) -> Result<(), CatalogError> {
        self.inner.stop.cancel();
        self.flush().await
    }
}

impl Inner {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn flush(&self) -> Result<(), CatalogError> {
        let _one = self.flushing.lock().await;
        let taken = std::mem::take(&mut *self.held());
        if taken.is_empty() {
            return Ok(());
        }
        if taken.lost > 0 {
            tracing::warn!(
                lost = taken.lost,
                "access log entries, pull counts or events were dropped: too many at once"
            );
        }
        // Shared with the transaction: a caller that goes away must not take it along.
        let taken = Arc::new(taken);
        let (written, outbox) = (taken.clone(), self.outbox.clone());
        let result = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    audit::record_all(tx, &written.rows()).await?;
                    store::pulls::add(tx, &written.pulls).await?;
                    Ok(outbox.publish_all(tx, &written.events).await?)
                })
            })
            .await;
        if result.is_err() {
            if let Ok(mut unwritten) = Arc::try_unwrap(taken) {
                unwritten.lost = 0;
                self.held().restore(unwritten);
            } else {
                tracing::error!("access log entries were lost with their transaction");
            }
        }
        self.emptied.notify_waiters();
        result
    }
}

async fn write_behind(inner: Arc<Inner>) {
    let stop = inner.stop.clone();
    loop {
        let filled = async {
            inner.filled.notified().await;
            tokio::time::sleep(GATHER).await;
        };
        let stopped = stop.run_until_cancelled(filled).await.is_none();
        if let Err(error) = inner.flush().await {
            tracing::error!(%error, "the access log could not be written; it is tried again");
            inner.filled.notify_one();
        }
        if stopped {
            return;
        }
    }
}
