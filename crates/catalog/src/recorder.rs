//! Who did what, kept in memory for at most a second and then written in bulk.
//!
//! Invariant: what is held is bounded, and nothing recorded is lost without being counted. What
//! must be exactly as durable as the change it speaks of goes through [`record_in`] instead.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_db::{Db, Tx};
use berth_model::{ManifestId, ProjectId, RepositoryId, TagId, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{CatalogError, store};

/// How long an entry may wait for others.
const GATHER: Duration = Duration::from_secs(1);
/// Different entries held before like ones are merged more coarsely.
const ENTRIES: usize = 10_000;
/// Coarse entries held on top, and manifests, repositories and tags whose pulls are counted.
const COARSE: usize = 1_000;
const COUNTERS: usize = 50_000;
/// In place of the user of merged entries; no user can be called so.
const MANY: &str = "#many";

/// One line of the access log.
///
/// Names are copied, so that the line outlives what it speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who; empty is anonymous.
    pub username: String,
    /// From where.
    pub address: String,
    /// What: pull, push, create, delete, update.
    pub operation: String,
    /// To what kind of thing: artifact, tag, repository, project, member, …
    pub resource_type: String,
    /// To which thing, as a user would write it: `project/repo:tag`.
    pub resource: String,
    /// In which project, if any.
    pub project_id: Option<ProjectId>,
    /// Which repository, if any.
    pub repository: String,
    /// Which tag, if any.
    pub tag: String,
    /// Which digest, if any.
    pub digest: String,
}

impl Entry {
    /// What is left to say when there are too many different entries to say more.
    fn coarse(self) -> Self {
        let project = self.resource.split(['/', ':', '@']).next();
        Self {
            at: self.at,
            username: MANY.to_owned(),
            resource: project.unwrap_or_default().to_owned(),
            operation: self.operation,
            resource_type: self.resource_type,
            project_id: self.project_id,
            ..Self::default()
        }
    }
}

/// Writes `entry` in the transaction of the change it speaks of.
pub async fn record_in(tx: &mut Tx, entry: Entry) -> Result<(), CatalogError> {
    store::log::insert(tx, &[(entry, 1)]).await
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
    held: Mutex<Held>,
    /// Something is held that was not before.
    filled: Notify,
    /// What was held is written.
    emptied: Notify,
    /// One flush at a time, so that a caller of `flush` also waits for the one under way.
    flushing: tokio::sync::Mutex<()>,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Held {
    entries: HashMap<Entry, Times>,
    coarse: HashMap<Entry, Times>,
    pulls: Pulls,
    lost: u64,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    first: Timestamp,
    count: i64,
}

/// Pulls not yet added to the rows they belong to.
#[derive(Debug, Default)]
pub(crate) struct Pulls {
    pub(crate) repositories: HashMap<RepositoryId, i64>,
    pub(crate) manifests: HashMap<ManifestId, (i64, Timestamp)>,
    pub(crate) tags: HashMap<TagId, Timestamp>,
}

impl Pulls {
    pub(crate) fn is_empty(&self) -> bool {
        self.repositories.is_empty() && self.manifests.is_empty() && self.tags.is_empty()
    }
}

impl Held {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.coarse.is_empty() && self.pulls.is_empty() && self.lost == 0
    }

    fn add(&mut self, mut entry: Entry, count: i64) {
        let first = std::mem::take(&mut entry.at);
        let times = Times { first, count };
        let refused = merge(&mut self.entries, entry, times, ENTRIES);
        if let Some(entry) = refused
            && merge(&mut self.coarse, entry.coarse(), times, COARSE).is_some()
        {
            self.lost += count.unsigned_abs();
        }
    }

    /// Takes back what could not be written.
    fn restore(&mut self, unwritten: Self) {
        self.lost += unwritten.lost;
        for (mut entry, times) in unwritten.entries.into_iter().chain(unwritten.coarse) {
            entry.at = times.first;
            self.add(entry, times.count);
        }
        for (id, count) in unwritten.pulls.repositories {
            bump(&mut self.pulls.repositories, id, count, |held| {
                *held += count;
            });
        }
        for (id, (count, at)) in unwritten.pulls.manifests {
            bump(&mut self.pulls.manifests, id, (count, at), |held| {
                *held = (held.0 + count, held.1.max(at));
            });
        }
        for (id, at) in unwritten.pulls.tags {
            bump(&mut self.pulls.tags, id, at, |held| *held = (*held).max(at));
        }
    }

    /// Entries as rows, in the order they came.
    fn rows(&self) -> Vec<(Entry, i64)> {
        let held = self.entries.iter().chain(&self.coarse);
        let mut rows: Vec<(Entry, i64)> = held
            .map(|(entry, times)| {
                let mut entry = entry.clone();
                entry.at = times.first;
                (entry, times.count)
            })
            .collect();
        rows.sort_by_key(|(entry, _)| entry.at);
        rows
    }
}

/// Adds to an entry that is held, or holds it if there is room; gives it back if there is none.
fn merge(
    held: &mut HashMap<Entry, Times>,
    entry: Entry,
    times: Times,
    most: usize,
) -> Option<Entry> {
    if let Some(found) = held.get_mut(&entry) {
        found.count += times.count;
        found.first = found.first.min(times.first);
    } else if held.len() < most {
        held.insert(entry, times);
    } else {
        return Some(entry);
    }
    None
}

/// Whether the counter is held now.
fn bump<K: Eq + Hash, V>(
    held: &mut HashMap<K, V>,
    key: K,
    fresh: V,
    add: impl FnOnce(&mut V),
) -> bool {
    let room = held.len() < COUNTERS;
    match held.entry(key) {
        Slot::Occupied(mut slot) => add(slot.get_mut()),
        Slot::Vacant(slot) if room => {
            slot.insert(fresh);
        }
        Slot::Vacant(_) => return false,
    }
    true
}

impl Recorder {
    pub(crate) fn start(db: Db) -> Self {
        let stop = CancellationToken::new();
        let inner = Arc::new(Inner {
            db,
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
            let room = self.inner.held().entries.len() < ENTRIES;
            if room || self.inner.stop.is_cancelled() {
                self.record(entry);
                return;
            }
            emptied.await;
        }
    }

    /// Counts one pull; never waits.
    pub fn pulled(
        &self,
        repository: RepositoryId,
        manifest: ManifestId,
        tag: Option<TagId>,
        at: Timestamp,
    ) {
        {
            let mut held = self.inner.held();
            let pulls = &mut held.pulls;
            let mut counted = bump(&mut pulls.repositories, repository, 1, |held| *held += 1);
            counted &= bump(&mut pulls.manifests, manifest, (1, at), |held| {
                *held = (held.0 + 1, held.1.max(at));
            });
            if let Some(tag) = tag {
                counted &= bump(&mut pulls.tags, tag, at, |held| *held = (*held).max(at));
            }
            held.lost += u64::from(!counted);
        }
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
                "access log entries and pull counts were dropped: too many at once"
            );
        }
        // Shared with the transaction: a caller that goes away must not take it along.
        let taken = Arc::new(taken);
        let written = taken.clone();
        let result = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    store::log::insert(tx, &written.rows()).await?;
                    store::pulls::add(tx, &written.pulls).await
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(n: usize) -> Entry {
        Entry {
            at: Timestamp::from_seconds(n as i64 + 1),
            username: format!("user{n}"),
            operation: "pull".to_owned(),
            resource_type: "artifact".to_owned(),
            resource: format!("library/app{n}:v1"),
            project_id: Some(ProjectId(1)),
            repository: format!("library/app{n}"),
            ..Entry::default()
        }
    }

    #[test]
    fn what_is_held_is_bounded_and_everything_is_counted() {
        let mut held = Held::default();
        for n in 0..ENTRIES + 500 {
            held.add(pull(n), 1);
        }
        assert_eq!(held.entries.len(), ENTRIES);
        assert_eq!(held.coarse.len(), 1);
        let rows = held.rows();
        assert_eq!(
            rows.iter().map(|(_, times)| times).sum::<i64>(),
            ENTRIES as i64 + 500
        );
        let (coarse, times) = rows
            .iter()
            .find(|(entry, _)| entry.username == MANY)
            .unwrap();
        assert_eq!((coarse.resource.as_str(), *times), ("library", 500));
        for n in 0..COARSE as i64 + 7 {
            let project_id = Some(ProjectId(n + 2));
            held.add(
                Entry {
                    project_id,
                    ..pull(n as usize)
                },
                1,
            );
        }
        assert_eq!(held.coarse.len(), COARSE);
        assert_eq!(held.lost, 8);
    }

    #[test]
    fn what_could_not_be_written_is_merged_back() {
        let (mut held, mut unwritten) = (Held::default(), Held::default());
        for times in [2, 3] {
            unwritten.add(pull(1), times);
        }
        held.add(
            Entry {
                at: Timestamp::from_seconds(9),
                ..pull(1)
            },
            1,
        );
        unwritten
            .pulls
            .manifests
            .insert(ManifestId(1), (4, Timestamp::from_seconds(7)));
        held.pulls
            .manifests
            .insert(ManifestId(1), (1, Timestamp::from_seconds(9)));
        held.restore(unwritten);
        assert_eq!(held.rows(), [(pull(1), 6)]);
        assert_eq!(
            held.pulls.manifests[&ManifestId(1)],
            (5, Timestamp::from_seconds(9))
        );
    }
}
