//! Uploads: chunks come in, a blob comes out.
//!
//! Invariant: one batch is written while the next one fills, never more, so that a fast client
//! waits for a slow disk.

use berth_oci::Digest;
use bytes::Bytes;
use std::io;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::error::{BlobError, CommitError};
use crate::hasher::Checkpoint;
use crate::sink::{Batch, Outcome, Sink};
use crate::store::BlobStore;

/// A blob that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its key, to be kept in the blob's row.
    pub stored_as: String,
    /// Its size.
    pub size: u64,
}

/// An upload that takes bytes.
///
/// Dropping it leaves what was written under `uploads/`: the session that knows its last
/// [`Checkpoint`] owns that file, and the sweep removes it when the session is gone.
///
/// After an error of [`write`](Self::write) or [`checkpoint`](Self::checkpoint) the upload stands
/// at [`offset`](Self::offset), which has gone back to the last byte known to be good.
#[derive(Debug)]
pub struct Upload {
    store: BlobStore,
    id: String,
    accepted: u64,
    batch: Box<Batch>,
    /// The other batch's memory, while nothing is being written from it.
    spare: Box<Batch>,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle(Box<Sink>),
    Writing(JoinHandle<(Box<Sink>, Box<Batch>, io::Result<()>)>),
    /// A write never came back, as when the runtime shuts down.
    Lost,
}

impl Upload {
    pub(crate) fn new(store: BlobStore, id: Uuid, sink: Sink) -> Self {
        Self {
            store,
            id: id.hyphenated().to_string(),
            accepted: sink.written(),
            batch: Box::default(),
            spare: Box::default(),
            state: State::Idle(Box::new(sink)),
        }
    }

    /// The upload's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Bytes accepted so far.
    pub fn offset(&self) -> u64 {
        self.accepted
    }

    /// Gives the memory of its batches back; for between two requests.
    pub fn rest(&mut self) {
        if self.batch.len() == 0 {
            *self.batch = Batch::default();
        }
        *self.spare = Batch::default();
    }

    /// Takes a chunk. If the returned future is dropped, the chunk counts as not taken.
    ///
    /// A failure may concern an earlier chunk: see [`offset`](Self::offset).
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        if !self.batch.has_room(chunk.len()) {
            self.flush().await?;
        }
        self.accepted += chunk.len() as u64;
        self.batch.push(chunk);
        Ok(())
    }

    /// Writes what was taken to the file, without syncing it, and says where the upload stands.
    pub async fn checkpoint(&mut self) -> Result<Checkpoint, BlobError> {
        if self.batch.len() > 0 {
            self.flush().await?;
        }
        self.settle().await?;
        match &self.state {
            State::Idle(sink) => Ok(sink.checkpoint(self.store.disk())),
            _ => Err(lost()),
        }
    }

    /// Makes the upload a durable blob if its bytes have the digest `expected`.
    ///
    /// If the returned future is dropped, the blob may be stored all the same; nobody then knows
    /// its key and the sweep removes it.
    pub async fn commit(mut self, expected: &Digest) -> Result<Stored, CommitError> {
        self.settle().await?;
        let State::Idle(mut sink) = std::mem::replace(&mut self.state, State::Lost) else {
            return Err(lost().into());
        };
        let batch = std::mem::take(&mut self.batch);
        let expected = expected.clone();
        let (sink, batch, outcome) = self
            .store
            .run(move |disk| {
                let outcome = sink.commit(disk, &batch, &expected);
                (sink, batch, outcome)
            })
            .await?;
        match outcome? {
            Outcome::Stored { stored_as, size } => Ok(Stored { stored_as, size }),
            Outcome::Mismatch { found } => {
                self.state = State::Idle(sink);
                self.batch = batch;
                Err(CommitError::Mismatch {
                    upload: self,
                    found,
                })
            }
        }
    }

    /// Gives the upload up and removes its file; a file that resists is left to the sweep.
    pub async fn discard(mut self) {
        let _ = self.settle().await;
        if let State::Idle(sink) = std::mem::replace(&mut self.state, State::Lost) {
            let _ = self.store.run(move |disk| sink.remove(disk)).await;
        }
    }

    /// Starts writing the batch once the one before it is written.
    async fn flush(&mut self) -> Result<(), BlobError> {
        let permit = self.store.permit().await?;
        self.settle().await?;
        let State::Idle(mut sink) = std::mem::replace(&mut self.state, State::Lost) else {
            return Err(lost());
        };
        let batch = std::mem::replace(&mut self.batch, std::mem::take(&mut self.spare));
        let store = self.store.clone();
        self.state = State::Writing(tokio::task::spawn_blocking(move || {
            let outcome = sink.append(store.disk(), &batch);
            drop(permit);
            (sink, batch, outcome)
        }));
        Ok(())
    }

    /// Waits for the write under way, if any.
    async fn settle(&mut self) -> Result<(), BlobError> {
        let State::Writing(handle) = &mut self.state else {
            return Ok(());
        };
        let Ok((sink, written, outcome)) = handle.await else {
            self.state = State::Lost;
            return Err(lost());
        };
        self.spare = written;
        self.spare.clear();
        if outcome.is_err() {
            // What was taken since then has no place to go to any more.
            self.accepted = sink.written();
            self.batch.clear();
        }
        self.state = State::Idle(sink);
        Ok(outcome?)
    }
}

fn lost() -> BlobError {
    BlobError::Io(io::Error::other("a write was interrupted"))
}
