//! Uploads kept open between two requests of one client, which follow each other in milliseconds.
//!
//! Invariant: a parked upload stands exactly where its row says. Only whoever holds its turn parks
//! or takes it, and nobody writes the row without the turn. So this is for SQLite alone, where no
//! other process goes on with an upload; what is not found here is opened from the row.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use berth_blob::Upload;

/// How long an upload stays open without a request.
const KEPT: Duration = Duration::from_secs(10);
/// Each one holds an open file.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Parked {
    open: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    owner: Owner,
    upload: Upload,
    since: Instant,
}

/// To whom an upload exists; to anyone else it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) repository: String,
    pub(crate) caller: String,
}

impl Owner {
    pub(crate) fn new(caller: &str, repository: &berth_oci::RepositoryName) -> Self {
        Self {
            repository: repository.as_str().to_owned(),
            caller: caller.to_owned(),
        }
    }
}

impl Parked {
    /// Keeps an upload whose row was just written; closes it if there are too many.
    pub(crate) fn park(&self, owner: Owner, mut upload: Upload) {
        let now = Instant::now();
        upload.rest();
        let mut open = self.lock();
        if open.len() >= MOST {
            open.retain(|_, entry| now.duration_since(entry.since) < KEPT);
        }
        if open.len() < MOST {
            let entry = Entry {
                owner,
                upload,
                since: now,
            };
            open.insert(entry.upload.id().to_owned(), entry);
        }
    }

    /// The upload, if it is open and this owner's. Whoever else asks closes it.
    pub(crate) fn take(&self, id: &str, owner: &Owner) -> Option<Upload> {
        let entry = self.lock().remove(id)?;
        (entry.owner == *owner && entry.since.elapsed() < KEPT).then_some(entry.upload)
    }

    /// Closes an upload that is about to go.
    pub(crate) fn close(&self, id: &str) {
        self.lock().remove(id);
    }

    /// Closes what nobody goes on with.
    pub(crate) fn close_old(&self) {
        self.lock().retain(|_, entry| entry.since.elapsed() < KEPT);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
