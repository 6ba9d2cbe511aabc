//! The blocking half of an upload: batches go to the file and the hash, and become a blob.
//!
//! Invariant: `hasher` covers exactly the first `written` bytes of the file; what lies behind them
//! is cut off before anything is added or committed.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use berth_oci::Digest;
use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::disk::Disk;
use crate::error::BlobError;
use crate::hasher::{Checkpoint, Hasher, Saved};
use crate::key::Key;

/// Bytes gathered before they are written. Each upload that is under way holds two batches: this
/// is most of the memory that a busy server takes.
const BATCH: usize = 160 * 1024;
/// Chunks up to this size, which is all that the network gives, are copied together. The network's
/// own buffers are then free for what comes next, instead of being held by the pieces cut from
/// them; and the number of pieces in a batch is bounded (the kernel takes 1024 at once).
const COPIED: usize = 64 * 1024;
/// Batches that stay below this, as those of configs do, get no memory for a full one.
const SMALL: usize = 16 * 1024;
/// How long a resumed upload waits for the last write of the request before it.
const CLAIM_WAIT: Duration = Duration::from_secs(5);

/// Chunks on their way to the file.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pieces: Vec<Bytes>,
    tail: BytesMut,
    length: usize,
}

impl Batch {
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// Whether a chunk of `length` still belongs to this batch.
    pub(crate) const fn has_room(&self, length: usize) -> bool {
        self.length == 0 || self.length + length <= BATCH
    }

    /// Empties the batch and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.tail.clear();
        self.length = 0;
    }

    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.length += chunk.len();
        if chunk.len() <= COPIED {
            let needed = self.tail.len() + chunk.len();
            if needed > SMALL && needed > self.tail.capacity() {
                self.tail.reserve(needed.max(BATCH) - self.tail.len());
            }
            self.tail.extend_from_slice(&chunk);
            return;
        }
        if !self.tail.is_empty() {
            self.pieces.push(self.tail.split().freeze());
        }
        self.pieces.push(chunk);
    }

    fn slices(&self) -> Vec<&[u8]> {
        let tail = Some(self.tail.as_ref()).filter(|tail| !tail.is_empty());
        self.pieces.iter().map(AsRef::as_ref).chain(tail).collect()
    }
}

/// What became of a commit.
pub(crate) enum Outcome {
    Stored { stored_as: String, size: u64 },
    Mismatch { found: Digest },
}

#[derive(Debug)]
pub(crate) struct Sink {
    id: Uuid,
    path: PathBuf,
    /// `None` until the first batch, which creates the file or empties one left behind.
    file: Option<File>,
    hasher: Hasher,
    written: u64,
    /// A write failed: there may be bytes after `written`.
    torn: bool,
    _claim: Claim,
}

impl Sink {
    pub(crate) fn new(disk: &Disk, id: Uuid, hasher: Hasher, claim: Claim) -> Self {
        Self {
            id,
            path: disk.upload(id),
            file: None,
            hasher,
            written: 0,
            torn: false,
            _claim: claim,
        }
    }

    /// Goes on where the checkpoint stands, or where the file ends if that is earlier.
    pub(crate) fn resume(
        disk: &Disk,
        id: Uuid,
        saved: Saved,
        offset: u64,
        claim: Claim,
    ) -> Result<Self, BlobError> {
        let fresh = Hasher::new(saved.algorithm);
        let mut sink = Self::new(disk, id, fresh, claim);
        let file = disk.open_to_write(&sink.path).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                BlobError::UploadMissing { id: id.to_string() }
            } else {
                error.into()
            }
        })?;
        let length = file.metadata()?.len();
        match saved.hasher.filter(|_| length >= offset) {
            Some(hasher) => {
                sink.hasher = hasher;
                sink.written = offset;
            }
            // After a power failure the file may have the right length and yet not the bytes.
            None => {
                sink.written = disk.hash(&file, &mut sink.hasher, 0, length.min(offset))?;
            }
        }
        disk.cut(&file, &sink.path, sink.written)?;
        sink.file = Some(file);
        Ok(sink)
    }

    pub(crate) const fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn checkpoint(&self, disk: &Disk) -> Checkpoint {
        Checkpoint {
            offset: self.written,
            state: self.hasher.save(disk.boot()),
        }
    }

    /// Adds a batch. On failure the upload stands where it stood.
    pub(crate) fn append(&mut self, disk: &Disk, batch: &Batch) -> io::Result<()> {
        self.write(disk, batch)?;
        for piece in batch.slices() {
            self.hasher.update(piece);
        }
        self.written += batch.len() as u64;
        Ok(())
    }

    /// Removes the file, if any.
    pub(crate) fn remove(&self, disk: &Disk) -> io::Result<()> {
        disk.remove(&self.path)
    }

    /// Adds the last batch and makes a blob of it all, or leaves everything as it was if the bytes
    /// are not those of `expected`.
    pub(crate) fn commit(
        &mut self,
        disk: &Disk,
        batch: &Batch,
        expected: &Digest,
    ) -> Result<Outcome, BlobError> {
        let mut whole = self.hasher.clone();
        if whole.algorithm() != expected.algorithm() {
            whole = Hasher::new(expected.algorithm());
            if let Some(file) = &self.file {
                let hashed = disk.hash(file, &mut whole, 0, self.written)?;
                self.check_length(hashed)?;
            }
        }
        for piece in batch.slices() {
            whole.update(piece);
        }
        let found = whole.finish()?;
        if found != *expected {
            return Ok(Outcome::Mismatch { found });
        }
        let size = self.written + batch.len() as u64;
        self.write(disk, batch)?;
        let stored_as = self.publish(disk, expected, size)?;
        Ok(Outcome::Stored { stored_as, size })
    }

    fn write(&mut self, disk: &Disk, batch: &Batch) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(disk.create(&self.path)?),
        };
        if self.torn {
            disk.cut(file, &self.path, self.written)?;
            self.torn = false;
        }
        if batch.len() > 0 {
            self.torn = true;
            disk.append(file, &batch.slices())?;
            self.torn = false;
        }
        Ok(())
    }

    /// Makes the bytes durable, then the name. Only then is the blob there.
    fn publish(&self, disk: &Disk, digest: &Digest, size: u64) -> Result<String, BlobError> {
        let key = Key::new(digest, self.id)?;
        let Some(file) = &self.file else {
            return Err(io::Error::other("the upload has no file").into());
        };
        if file.metadata()?.len() != size {
            return Err(damaged().into());
        }
        if let Err(error) = disk
            .seal(file)
            .and_then(|()| disk.sync_file(file, &self.path, size))
        {
            // The kernel may have dropped the bytes and will not report that again, so that a
            // second attempt would succeed without them: the client has to send them again.
            if disk.cut(file, &self.path, 0).is_err() {
                let _ = disk.remove(&self.path);
            }
            return Err(error.into());
        }
        let blob = disk.blob(&key);
        disk.rename(&self.path, &blob)?;
        if let Err(error) = disk.sync_fan(&key) {
            // The bytes are durable: only the name has to be tried again. If even this fails, a
            // blob without a row remains for the sweep.
            let _ = disk.rename(&blob, &self.path);
            return Err(error.into());
        }
        Ok(key.into_string())
    }

    fn check_length(&self, found: u64) -> io::Result<()> {
        if found == self.written {
            Ok(())
        } else {
            Err(damaged())
        }
    }
}

fn damaged() -> io::Error {
    io::Error::other("the file of an upload was changed by somebody else")
}

/// The uploads being written by this process.
///
/// A request that is dropped leaves its last write running; without this, that write could land in
/// the file after the next request has taken up the upload, behind the back of its hash.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    held: Mutex<HashSet<Uuid>>,
    freed: Notify,
}

impl Claims {
    /// Waits until nobody writes upload `id`, for a moment at most.
    pub(crate) async fn claim(self: &Arc<Self>, id: Uuid) -> Result<Claim, BlobError> {
        let claimed = async {
            loop {
                let mut freed = std::pin::pin!(self.freed.notified());
                freed.as_mut().enable();
                if self.lock().insert(id) {
                    break;
                }
                freed.await;
            }
        };
        match tokio::time::timeout(CLAIM_WAIT, claimed).await {
            Ok(()) => Ok(Claim {
                claims: Arc::clone(self),
                id,
            }),
            Err(_) => Err(BlobError::Busy { id: id.to_string() }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to write one upload, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    claims: Arc<Claims>,
    id: Uuid,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.id);
        self.claims.freed.notify_waiters();
    }
}
