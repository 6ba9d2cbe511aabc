//! Reading blobs.
//!
//! What the kernel has in memory is read where the stream is polled; only what it has to fetch
//! from the disk goes through a blocking thread, one read ahead.
//!
//! Invariant: a stream yields exactly the bytes asked for or ends with an error; it holds one
//! buffer read ahead, not more; and it never waits for the disk while it is polled.

use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Body, Frame, SizeHint};

use crate::error::BlobError;
use crate::key::Key;
use crate::pool::BUFFER;
use crate::store::BlobStore;

/// Bytes of one read from memory: few enough to be in the processor's cache still when they are
/// sent, many enough that the calls cost little.
const CACHED: usize = 128 * 1024;

/// A blob that is open and as long as it should be.
#[derive(Debug)]
pub struct Blob {
    store: BlobStore,
    key: Key,
    file: Arc<File>,
    size: u64,
    sealed: bool,
}

impl Blob {
    pub(crate) fn new(store: BlobStore, key: Key, file: File, size: u64, sealed: bool) -> Self {
        Self {
            store,
            key,
            file: Arc::new(file),
            size,
            sealed,
        }
    }

    /// Whether nothing has written to the file since its bytes were hashed. One that is not
    /// sealed must be verified before it is sent.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Its size.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The `len` bytes from `start` on. A range that leaves the blob ends with an error.
    pub fn stream(self, start: u64, len: u64) -> BlobStream {
        BlobStream {
            store: self.store,
            source: Arc::new(Source {
                file: self.file,
                stored_as: self.key.into_string(),
            }),
            at: start,
            unread: len,
            left: len,
            ahead: Ahead::Nothing,
        }
    }

    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }
}

/// The bytes of a range: an HTTP body of known length, and a stream.
pub struct BlobStream {
    store: BlobStore,
    source: Arc<Source>,
    /// Where the next read starts.
    at: u64,
    /// Bytes no read was started for.
    unread: u64,
    /// Bytes not yet yielded.
    left: u64,
    ahead: Ahead,
}

struct Source {
    file: Arc<File>,
    stored_as: String,
}

type Read = Pin<Box<dyn Future<Output = Result<Bytes, BlobError>> + Send + Sync>>;

enum Ahead {
    Nothing,
    Reading(Read),
    Done(Result<Bytes, BlobError>),
}

impl BlobStream {
    /// The next bytes, if the kernel has them at hand.
    fn read_cached(&mut self) -> Option<Bytes> {
        let want = usize::try_from(self.unread).map_or(CACHED, |left| left.min(CACHED));
        if want == 0 {
            return None;
        }
        let disk = self.store.disk();
        let mut buffer = disk.pool.take(want);
        if !disk.read_cached(&self.source.file, buffer.as_mut(), self.at) {
            return None;
        }
        self.at += want as u64;
        self.unread -= want as u64;
        Some(buffer.freeze())
    }

    /// Has the next bytes ready or on their way before they are asked for. Called after a read
    /// that had to go to the disk, as the next one most likely has to.
    fn read_ahead(&mut self, cx: &mut Context<'_>) {
        match self.read_cached() {
            Some(bytes) => self.ahead = Ahead::Done(Ok(bytes)),
            None => self.start_read(cx),
        }
    }

    /// Starts the next read on a blocking thread, if there is one to start, and lets it run.
    fn start_read(&mut self, cx: &mut Context<'_>) {
        if self.unread == 0 {
            return;
        }
        let want = usize::try_from(self.unread).map_or(BUFFER, |left| left.min(BUFFER));
        let mut read: Read = Box::pin(read(
            self.store.clone(),
            Arc::clone(&self.source),
            self.at,
            want,
        ));
        // A range may end past what a file position can be; such a read fails, and ends it all.
        self.at = self.at.saturating_add(want as u64);
        self.unread -= want as u64;
        self.ahead = match read.as_mut().poll(cx) {
            Poll::Ready(outcome) => Ahead::Done(outcome),
            Poll::Pending => Ahead::Reading(read),
        };
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BlobError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if matches!(self.ahead, Ahead::Nothing) {
            if let Some(bytes) = self.read_cached() {
                self.left -= bytes.len() as u64;
                return Poll::Ready(Some(Ok(bytes)));
            }
            self.start_read(cx);
        }
        let outcome = match std::mem::replace(&mut self.ahead, Ahead::Nothing) {
            Ahead::Nothing => return Poll::Ready(None),
            Ahead::Done(outcome) => outcome,
            Ahead::Reading(mut read) => {
                let Poll::Ready(outcome) = read.as_mut().poll(cx) else {
                    self.ahead = Ahead::Reading(read);
                    return Poll::Pending;
                };
                outcome
            }
        };
        match outcome {
            Ok(bytes) => {
                self.left -= bytes.len() as u64;
                self.read_ahead(cx);
                Poll::Ready(Some(Ok(bytes)))
            }
            Err(error) => {
                self.left = 0;
                self.unread = 0;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

async fn read(
    store: BlobStore,
    source: Arc<Source>,
    at: u64,
    want: usize,
) -> Result<Bytes, BlobError> {
    store
        .run(move |disk| {
            let mut buffer = disk.pool.take(want);
            let read = disk.read(&source.file, buffer.as_mut(), at)?;
            if read == want {
                Ok(buffer.freeze())
            } else {
                Err(BlobError::Truncated {
                    stored_as: source.stored_as.clone(),
                    at: at.saturating_add(read as u64),
                })
            }
        })
        .await?
}

impl std::fmt::Debug for BlobStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobStream")
            .field("stored_as", &self.source.stored_as)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Body for BlobStream {
    type Data = Bytes;
    type Error = BlobError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BlobError>>> {
        let next = ready!(self.get_mut().poll_bytes(cx));
        Poll::Ready(next.map(|outcome| outcome.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl Stream for BlobStream {
    type Item = Result<Bytes, BlobError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_bytes(cx)
    }
}
