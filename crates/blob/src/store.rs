//! The store: where uploads begin and blobs are found, checked and removed.
//!
//! Invariant: the file system is called on blocking threads only, and on a bounded number of them.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use berth_oci::{Algorithm, Digest};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::blob::Blob;
use crate::disk::Disk;
use crate::error::BlobError;
use crate::faults::FaultPlan;
use crate::hasher::{Checkpoint, Hasher, Saved};
use crate::key::{self, Key};
use crate::sink::{Claims, Sink};
use crate::upload::Upload;
use crate::walk::Walk;

/// Calls to the file system at one time.
const BLOCKING: usize = 64;
/// Largest blob that [`BlobStore::read_small`] takes into memory.
const SMALL: u64 = 8 * 1024 * 1024;
/// Bytes checked in one go, between which others get their turn.
const VERIFY_SLICE: u64 = 8 * 1024 * 1024;

/// How a store behaves.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Whether a commit waits until the disk has the bytes. Without it, a power failure may take
    /// blobs that were answered for.
    pub sync: bool,
    /// Faults to be met, in tests; `None` otherwise.
    pub faults: Option<FaultPlan>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            sync: true,
            faults: None,
        }
    }
}

/// What checking a blob showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The bytes are those of the digest.
    Good,
    /// There is no file.
    Missing,
    /// The bytes are others, more or fewer.
    Corrupt,
}

/// Bytes on the local disk. Cheap to clone.
#[derive(Clone)]
pub struct BlobStore {
    shared: Arc<Shared>,
}

struct Shared {
    disk: Disk,
    blocking: Arc<Semaphore>,
    claims: Arc<Claims>,
}

impl BlobStore {
    /// Opens the store under `root` and makes its directories if they are not there.
    pub async fn open(root: impl AsRef<Path>, options: StoreOptions) -> Result<Self, BlobError> {
        let root = root.as_ref().to_owned();
        let disk =
            tokio::task::spawn_blocking(move || Disk::open(&root, options.sync, options.faults))
                .await
                .map_err(interrupted)??;
        Ok(Self {
            shared: Arc::new(Shared {
                disk,
                blocking: Arc::new(Semaphore::new(BLOCKING)),
                claims: Arc::default(),
            }),
        })
    }

    /// Begins an upload whose digest will most likely be of `algorithm`. Touches no file yet.
    pub async fn begin(&self, algorithm: Algorithm) -> Result<Upload, BlobError> {
        let id = Uuid::new_v4();
        let claim = self.shared.claims.claim(id).await?;
        let sink = Sink::new(self.disk(), id, Hasher::new(algorithm), claim);
        Ok(Upload::new(self.clone(), id, sink))
    }

    /// Goes on with an upload.
    ///
    /// If its bytes are not all there any more, as after a power failure, it stands earlier than
    /// `at` says: [`Upload::offset`] is the truth. [`BlobError::UploadMissing`] if none are.
    pub async fn resume(&self, id: &str, at: &Checkpoint) -> Result<Upload, BlobError> {
        let id = key::parse_upload(id)?;
        let saved = Saved::read(&at.state, self.disk().boot())
            .ok_or_else(|| BlobError::BadCheckpoint { id: id.to_string() })?;
        let claim = self.shared.claims.claim(id).await?;
        let offset = at.offset;
        let sink = if offset == 0 {
            // The first batch empties whatever is there: nothing to look at.
            Sink::new(self.disk(), id, Hasher::new(saved.algorithm), claim)
        } else {
            self.run(move |disk| Sink::resume(disk, id, saved, offset, claim))
                .await??
        };
        Ok(Upload::new(self.clone(), id, sink))
    }

    /// Removes what upload `id` has written; fine if that is nothing.
    pub async fn discard(&self, id: &str) -> Result<(), BlobError> {
        let id = key::parse_upload(id)?;
        self.run(move |disk| disk.remove(&disk.upload(id)))
            .await??;
        Ok(())
    }

    /// Opens a blob for reading, after checking that it is there and `size` bytes long.
    pub async fn open_blob(&self, stored_as: &str, size: u64) -> Result<Blob, BlobError> {
        let key = Key::parse(stored_as)?;
        let (key, (file, sealed)) = self
            .run(move |disk| open(disk, &key, size).map(|opened| (key, opened)))
            .await??;
        Ok(Blob::new(self.clone(), key, file, size, sealed))
    }

    /// Reads a whole blob of at most 8 MiB into memory.
    pub async fn read_small(&self, stored_as: &str, size: u64) -> Result<Bytes, BlobError> {
        let key = Key::parse(stored_as)?;
        let length = usize::try_from(size)
            .ok()
            .filter(|_| size <= SMALL)
            .ok_or_else(|| BlobError::NotSmall {
                stored_as: stored_as.to_owned(),
                size,
            })?;
        self.run(move |disk| {
            let (file, _) = open(disk, &key, size)?;
            let mut bytes = vec![0; length];
            let read = disk.read(&file, &mut bytes, 0)?;
            if read < length {
                return Err(BlobError::Truncated {
                    stored_as: key.into_string(),
                    at: read as u64,
                });
            }
            Ok(Bytes::from(bytes))
        })
        .await?
    }

    /// Removes a blob durably; fine if it is not there.
    pub async fn delete(&self, stored_as: &str) -> Result<(), BlobError> {
        let key = Key::parse(stored_as)?;
        self.run(move |disk| {
            disk.remove(&disk.blob(&key))?;
            // Even if it was gone: the call that removed it may have failed here.
            disk.sync_fan(&key)
        })
        .await??;
        Ok(())
    }

    /// Takes a damaged blob out of the way and keeps it under `quarantine/` as evidence.
    pub async fn quarantine(&self, stored_as: &str) -> Result<(), BlobError> {
        let key = Key::parse(stored_as)?;
        self.run(move |disk| {
            let name = format!("{}-{}", key.algorithm(), key.name());
            disk.rename(&disk.blob(&key), &disk.quarantine().join(name))
                .map_err(|error| missing_if_not_found(error, &key))?;
            disk.sync_directory(&disk.quarantine())?;
            disk.sync_fan(&key)?;
            Ok(())
        })
        .await?
    }

    /// Reads a blob's bytes and compares them with its digest. Dropping the future stops it.
    pub async fn verify(
        &self,
        stored_as: &str,
        digest: &Digest,
        size: u64,
    ) -> Result<Verdict, BlobError> {
        self.read_through(stored_as, digest, size, false, |_| Duration::ZERO)
            .await
    }

    /// As [`BlobStore::verify`], with the bytes that are on the disk and not those that the kernel
    /// remembers, and at its caller's pace: `pace` is told of each piece that was read and says how
    /// long to wait before the next.
    pub async fn scrub(
        &self,
        stored_as: &str,
        digest: &Digest,
        size: u64,
        pace: impl FnMut(u64) -> Duration + Send,
    ) -> Result<Verdict, BlobError> {
        self.read_through(stored_as, digest, size, true, pace).await
    }

    async fn read_through(
        &self,
        stored_as: &str,
        digest: &Digest,
        size: u64,
        uncached: bool,
        mut pace: impl FnMut(u64) -> Duration + Send,
    ) -> Result<Verdict, BlobError> {
        let blob = match self.open_blob(stored_as, size).await {
            Err(BlobError::Missing { .. }) => return Ok(Verdict::Missing),
            Err(BlobError::WrongSize { .. }) => return Ok(Verdict::Corrupt),
            outcome => outcome?,
        };
        let mut hasher = Hasher::new(digest.algorithm());
        let mut at = 0;
        while at < size {
            let file = blob.file();
            let end = size.min(at + VERIFY_SLICE);
            let (read_to, hashed) = self
                .run(move |disk| {
                    if uncached {
                        Disk::forget_cached(&file, at, end);
                    }
                    let read_to = disk.hash(&file, &mut hasher, at, end);
                    if uncached {
                        Disk::forget_cached(&file, at, end);
                    }
                    (read_to, hasher)
                })
                .await?;
            hasher = hashed;
            let begun = at;
            at = read_to?;
            if at < end {
                return Ok(Verdict::Corrupt);
            }
            let pause = pace(at - begun);
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        if hasher.finish()? == *digest {
            Ok(Verdict::Good)
        } else {
            Ok(Verdict::Corrupt)
        }
    }

    /// Seals a blob again after [`BlobStore::verify`] found it good.
    pub async fn seal(&self, stored_as: &str) -> Result<(), BlobError> {
        let key = Key::parse(stored_as)?;
        self.run(move |disk| {
            let path = disk.blob(&key);
            let file = disk
                .open_to_write(&path)
                .map_err(|error| missing_if_not_found(error, &key))?;
            Ok(disk.seal(&file)?)
        })
        .await?
    }

    /// Goes through everything that lies in the store, in no particular order.
    pub fn walk(&self) -> Walk {
        Walk::new(self.clone())
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.shared.disk
    }

    pub(crate) async fn permit(&self) -> Result<OwnedSemaphorePermit, BlobError> {
        Arc::clone(&self.shared.blocking)
            .acquire_owned()
            .await
            .map_err(|error| BlobError::Io(io::Error::other(error)))
    }

    /// Runs `work` on a blocking thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> T + Send + 'static,
    ) -> Result<T, BlobError> {
        let permit = self.permit().await?;
        let store = self.clone();
        tokio::task::spawn_blocking(move || {
            let outcome = work(store.disk());
            drop(permit);
            outcome
        })
        .await
        .map_err(interrupted)
    }
}

impl fmt::Debug for BlobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlobStore")
            .field(&self.disk().root())
            .finish()
    }
}

fn open(disk: &Disk, key: &Key, size: u64) -> Result<(std::fs::File, bool), BlobError> {
    let (file, found, sealed) = disk
        .open_to_read(&disk.blob(key))
        .map_err(|error| missing_if_not_found(error, key))?;
    if found == size {
        Ok((file, sealed))
    } else {
        Err(BlobError::WrongSize {
            stored_as: key.as_str().to_owned(),
            expected: size,
            found,
        })
    }
}

fn missing_if_not_found(error: io::Error, key: &Key) -> BlobError {
    if error.kind() == io::ErrorKind::NotFound {
        BlobError::Missing {
            stored_as: key.as_str().to_owned(),
        }
    } else {
        error.into()
    }
}

fn interrupted(error: tokio::task::JoinError) -> BlobError {
    BlobError::Io(io::Error::other(error))
}
