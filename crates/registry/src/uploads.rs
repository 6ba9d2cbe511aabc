//! Unfinished uploads: begin, append, finish, cancel (OCI distribution 1.1, end-4 to end-6,
//! end-13, end-14); mounting is in [`mount`].
//!
//! An upload's state is its row and its file, so it goes on after a restart; what the process keeps
//! of it between requests, in [`parked`], only saves the way to them. The row is advanced only after the bytes are in the file, and a
//! request that fails leaves the row where it was or at a true offset: the next one cuts the file
//! back to it. Whoever changes an upload holds its turn while it does.

mod mount;
mod parked;
mod room;
mod turns;

use std::pin::Pin;

use berth_blob::{Checkpoint, CommitError, Stored, Upload};
use berth_catalog::repositories;
use berth_db::DbError;
use berth_http::BodyError;
use berth_model::Limits;
use berth_oci::{Algorithm, Digest, RepositoryName};
use bytes::Bytes;
use http_body::Body as HttpBody;
use http_body_util::BodyExt;

use crate::store::{blobs as blob_store, contents, uploads as store};
use crate::{Pusher, Registry, RegistryError};

pub(crate) use parked::{Owner, Parked};
pub(crate) use turns::{Turn, Turns};

/// A request's body on its way in, cut off when it stands still.
pub(crate) type RequestBody = Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>;

/// A body and what its headers say of it.
pub(crate) struct Chunk {
    /// `Content-Range`: first and last byte.
    pub(crate) range: Option<(u64, u64)>,
    /// `Content-Length`.
    pub(crate) length: Option<u64>,
    pub(crate) body: RequestBody,
}

impl Chunk {
    /// Bytes the chunk must have by its `Content-Range`.
    fn announced(&self) -> Result<Option<u64>, RegistryError> {
        let Some((start, end)) = self.range else {
            return Ok(None);
        };
        let announced = (end - start).saturating_add(1);
        match self.length {
            Some(length) if length != announced => Err(RegistryError::SizeInvalid(format!(
                "Content-Range announces {announced} bytes, but Content-Length {length}"
            ))),
            _ => Ok(Some(announced)),
        }
    }
}

pub(crate) fn location(repository: &RepositoryName, id: &str) -> String {
    format!("/v2/{repository}/blobs/uploads/{id}")
}

impl Registry {
    /// Begins an upload and gives its id.
    pub(crate) async fn begin_upload(
        &self,
        pusher: &Pusher,
        repository: &RepositoryName,
        algorithm: Algorithm,
    ) -> Result<String, RegistryError> {
        let mut upload = self.inner.blobs.begin(algorithm).await?;
        let checkpoint = upload.checkpoint().await?;
        let id = upload.id().to_owned();
        let (db, now) = (&self.inner.db, self.inner.clock.now());
        let (name, caller, state) = (repository.as_str(), &pusher.name, &checkpoint.state);
        let most = Limits::UPLOADS_PER_CALLER;
        if !store::insert(db, &id, name, caller, state, most, now).await? {
            return Err(RegistryError::TooMany(format!(
                "{most} unfinished uploads are open: finish or cancel some"
            )));
        }
        self.park(Owner::new(&pusher.name, repository), upload);
        Ok(id)
    }

    /// How many bytes an upload holds.
    pub(crate) async fn upload_offset(
        &self,
        caller: &str,
        repository: &RepositoryName,
        id: &str,
    ) -> Result<u64, RegistryError> {
        let Ok(_turn) = self.turn(id).await else {
            // A request that goes on writing has saved where it began.
            return Ok(self.checkpoint_of(caller, repository, id).await?.offset);
        };
        let owner = Owner::new(caller, repository);
        if let Some(upload) = self.unpark(id, &owner) {
            let offset = upload.offset();
            self.park(owner, upload);
            return Ok(offset);
        }
        let checkpoint = self.checkpoint_of(caller, repository, id).await?;
        // Opening the bytes tells the true offset: after a power loss they may be fewer.
        match self.inner.blobs.resume(id, &checkpoint).await {
            Ok(upload) if upload.offset() == checkpoint.offset => Ok(checkpoint.offset),
            // Written down, so that a chunk that starts there is taken.
            Ok(upload) => self.save(owner, upload).await,
            Err(berth_blob::BlobError::Busy { .. }) => Ok(checkpoint.offset),
            Err(other) => Err(other.into()),
        }
    }

    /// Appends a chunk; gives the new offset.
    pub(crate) async fn append(
        &self,
        caller: &str,
        repository: &RepositoryName,
        id: &str,
        chunk: Chunk,
    ) -> Result<u64, RegistryError> {
        chunk.announced()?;
        let turn = self.turn(id).await?;
        let upload = self.resume(caller, repository, id, chunk.range).await?;
        let whole = upload.offset().saturating_add(chunk.length.unwrap_or(0));
        self.check_room(caller, repository, None, whole).await?;
        let (this, owner) = (self.clone(), Owner::new(caller, repository));
        // A client that breaks off leaves what it sent, at a true offset.
        self.unbroken(turn, async move {
            let (upload, outcome) = this.receive(upload, chunk).await;
            match outcome {
                Ok(()) => this.save(owner, upload).await,
                Err(error @ (RegistryError::Broken | RegistryError::Idle)) => {
                    this.save(owner, upload).await?;
                    Err(error)
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Ends an upload: takes the last chunk, checks the digest, and makes the blob durable and
    /// part of the repository.
    pub(crate) async fn finish(
        &self,
        pusher: &Pusher,
        repository: &RepositoryName,
        id: &str,
        digest: &Digest,
        chunk: Chunk,
    ) -> Result<(), RegistryError> {
        chunk.announced()?;
        let turn = self.turn(id).await?;
        let upload = self
            .resume(&pusher.name, repository, id, chunk.range)
            .await?;
        let whole = upload.offset().saturating_add(chunk.length.unwrap_or(0));
        self.check_room(&pusher.name, repository, Some(digest), whole)
            .await?;
        let (this, pusher, id) = (self.clone(), pusher.clone(), id.to_owned());
        let (repository, digest) = (repository.clone(), digest.clone());
        // A client that loses patience finds the blob there when it asks again.
        self.unbroken(turn, async move {
            let (upload, outcome) = this.receive(upload, chunk).await;
            outcome?;
            let stored = commit(upload, &digest).await?;
            this.record_blob(&pusher, &repository, &digest, stored, Some(id))
                .await
        })
        .await
    }

    /// Takes a whole blob in one request, without an upload session.
    pub(crate) async fn put_blob(
        &self,
        pusher: &Pusher,
        repository: &RepositoryName,
        digest: &Digest,
        chunk: Chunk,
    ) -> Result<(), RegistryError> {
        chunk.announced()?;
        let whole = chunk.length.unwrap_or(0);
        self.check_room(&pusher.name, repository, Some(digest), whole)
            .await?;
        let upload = self.inner.blobs.begin(digest.algorithm()).await?;
        let turn = self.turn(upload.id()).await?;
        let (this, pusher) = (self.clone(), pusher.clone());
        let (repository, digest) = (repository.clone(), digest.clone());
        // A client that breaks off leaves no file behind.
        self.unbroken(turn, async move {
            let (upload, outcome) = this.receive(upload, chunk).await;
            if let Err(error) = outcome {
                upload.discard().await;
                return Err(error);
            }
            let id = upload.id().to_owned();
            let stored = match upload.commit(&digest).await {
                Ok(stored) => stored,
                Err(CommitError::Mismatch { upload, found }) => {
                    upload.discard().await;
                    return Err(mismatch(&digest, &found));
                }
                Err(CommitError::Io(error)) => {
                    // No session knows this upload, so nobody could go on with it.
                    let _ = this.inner.blobs.discard(&id).await;
                    return Err(error.into());
                }
            };
            this.record_blob(&pusher, &repository, &digest, stored, None)
                .await
        })
        .await
    }

    /// Cancels an upload.
    pub(crate) async fn cancel(
        &self,
        caller: &str,
        repository: &RepositoryName,
        id: &str,
    ) -> Result<(), RegistryError> {
        let _turn = self.turn(id).await?;
        self.checkpoint_of(caller, repository, id).await?;
        if let Some(parked) = &self.inner.parked {
            parked.close(id);
        }
        if !self.forget(id.to_owned()).await? {
            return Err(RegistryError::UploadUnknown(id.to_owned()));
        }
        Ok(self.inner.blobs.discard(id).await?)
    }

    /// Writes down a blob whose bytes are durable, and removes the copy it replaces.
    async fn record_blob(
        &self,
        pusher: &Pusher,
        repository: &RepositoryName,
        digest: &Digest,
        stored: Stored,
        upload: Option<String>,
    ) -> Result<(), RegistryError> {
        let now = self.inner.clock.now();
        let review_at = blob_store::due(now, self.inner.options.grace);
        let (project, name) = (pusher.project, repository.as_str().to_owned());
        let (row, stored_as) = (digest.clone(), stored.stored_as.clone());
        let cache = self.inner.cache.clone();
        let (session, limited) = (upload.clone(), self.limited());
        let push = self.quota_push(&pusher.name, &name, "");
        let told = push.clone();
        let recorded = self
            .inner
            .db
            .write::<_, RegistryError, _>(move |tx| {
                Box::pin(async move {
                    contents::limit(tx, limited, push);
                    let (repository, _) = repositories::ensure(tx, project, &name, now).await?;
                    let replaced = blob_store::commit(
                        tx,
                        (project, repository),
                        &row,
                        &stored,
                        review_at,
                        now,
                    )
                    .await?;
                    if let Some(upload) = upload {
                        store::finish(tx, &upload);
                    }
                    let replaces = replaced.is_some();
                    tx.after_commit(move || {
                        // Other repositories remember the key of the copy that goes.
                        if replaces {
                            cache.changed_all();
                        } else {
                            cache.changed(&name);
                        }
                    });
                    Ok(replaced)
                })
            })
            .await;
        let unneeded = match &recorded {
            Ok(replaced) => replaced.clone(),
            Err(_) => Some(stored_as),
        };
        if let Some(key) = unneeded {
            let blobs = self.inner.blobs.clone();
            self.inner.tasks.spawn(async move {
                if let Err(error) = blobs.delete(&key).await {
                    tracing::warn!(%error, key, "a replaced copy of a blob could not be removed");
                }
            });
        }
        if let (Err(RegistryError::Db(DbError::Refused(_))), Some(session)) = (&recorded, session) {
            // Its bytes are gone, so nobody can go on with it.
            self.forget(session).await?;
        }
        let recorded = self.tell_refusal(project, told, recorded).await;
        recorded.map(|_| ())
    }

    /// Removes an upload's row; whether there was one.
    async fn forget(&self, id: String) -> Result<bool, RegistryError> {
        self.inner
            .db
            .write::<_, RegistryError, _>(move |tx| {
                Box::pin(async move { Ok(store::delete(tx, &id).await?) })
            })
            .await
    }

    async fn turn(&self, id: &str) -> Result<Turn, RegistryError> {
        let turn = self.inner.turns.take(id).await;
        turn.ok_or(RegistryError::UploadBusy)
    }

    /// Runs work on an upload to its end, whether or not the client waits for it.
    async fn unbroken<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl Future<Output = Result<T, RegistryError>> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let running = self.inner.tasks.spawn(async move {
            let outcome = work.await;
            drop(turn);
            outcome
        });
        running.await.unwrap_or(Err(RegistryError::Broken))
    }

    async fn checkpoint_of(
        &self,
        caller: &str,
        repository: &RepositoryName,
        id: &str,
    ) -> Result<Checkpoint, RegistryError> {
        let row = store::find(&self.inner.db, id, repository.as_str(), caller)
            .await?
            .ok_or_else(|| RegistryError::UploadUnknown(id.to_owned()))?;
        Ok(Checkpoint {
            offset: row.next_offset as u64,
            state: row.hash_state.unwrap_or_default(),
        })
    }

    /// Opens an upload to write to it, where the chunk says it goes on.
    async fn resume(
        &self,
        caller: &str,
        repository: &RepositoryName,
        id: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Upload, RegistryError> {
        let owner = Owner::new(caller, repository);
        let out_of_order = |start, offset| RegistryError::OutOfOrder {
            start,
            offset,
            location: location(repository, id),
        };
        if let Some(upload) = self.unpark(id, &owner) {
            let offset = upload.offset();
            return match range {
                Some((start, _)) if start != offset => {
                    self.park(owner, upload);
                    Err(out_of_order(start, offset))
                }
                _ => Ok(upload),
            };
        }
        let checkpoint = self.checkpoint_of(caller, repository, id).await?;
        if let Some((start, _)) = range
            && start != checkpoint.offset
        {
            return Err(out_of_order(start, checkpoint.offset));
        }
        let upload = self.inner.blobs.resume(id, &checkpoint).await?;
        if upload.offset() == checkpoint.offset {
            return Ok(upload);
        }
        // Bytes were lost with the power: the client must learn where to go on.
        let offset = self.save(owner, upload).await?;
        Err(out_of_order(checkpoint.offset, offset))
    }

    fn park(&self, owner: Owner, upload: Upload) {
        if let Some(parked) = &self.inner.parked {
            parked.park(owner, upload);
        }
    }

    fn unpark(&self, id: &str, owner: &Owner) -> Option<Upload> {
        self.inner.parked.as_ref()?.take(id, owner)
    }

    async fn receive(&self, upload: Upload, chunk: Chunk) -> (Upload, Result<(), RegistryError>) {
        let before = upload.offset();
        let (upload, outcome) = receive(upload, chunk).await;
        let received = upload.offset().saturating_sub(before);
        self.inner
            .received
            .fetch_add(received, std::sync::atomic::Ordering::Relaxed);
        (upload, outcome)
    }

    /// Writes down where an upload stands, and keeps it open for the next request.
    async fn save(&self, owner: Owner, mut upload: Upload) -> Result<u64, RegistryError> {
        let checkpoint = upload.checkpoint().await?;
        let (id, offset) = (upload.id(), checkpoint.offset);
        let (db, now) = (&self.inner.db, self.inner.clock.now());
        if !store::advance(db, id, offset, &checkpoint.state, now).await? {
            return Err(RegistryError::UploadUnknown(id.to_owned()));
        }
        self.park(owner, upload);
        Ok(offset)
    }
}

async fn commit(upload: Upload, digest: &Digest) -> Result<Stored, RegistryError> {
    match upload.commit(digest).await {
        Ok(stored) => Ok(stored),
        // The session stays where this request found it, so the client may try again.
        Err(CommitError::Mismatch { found, .. }) => Err(mismatch(digest, &found)),
        Err(CommitError::Io(error)) => Err(error.into()),
    }
}

fn mismatch(expected: &Digest, found: &Digest) -> RegistryError {
    RegistryError::DigestInvalid(format!(
        "the content's digest is {found}, not {expected}: the upload was damaged or cut short"
    ))
}

/// Writes a body to an upload. The upload comes back in any case, to be saved or dropped.
async fn receive(mut upload: Upload, mut chunk: Chunk) -> (Upload, Result<(), RegistryError>) {
    let announced = match chunk.announced() {
        Ok(announced) => announced,
        Err(error) => return (upload, Err(error)),
    };
    let mut received = 0_u64;
    while let Some(frame) = chunk.body.frame().await {
        let data = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(BodyError::Idle(_)) => return (upload, Err(RegistryError::Idle)),
            Err(_) => return (upload, Err(RegistryError::Broken)),
        };
        received += data.len() as u64;
        if announced.is_some_and(|announced| received > announced) {
            return (upload, Err(wrong_size(announced, "more")));
        }
        if let Err(error) = upload.write(data).await {
            return (upload, Err(error.into()));
        }
    }
    if announced.is_some_and(|announced| received < announced) {
        return (upload, Err(wrong_size(announced, "fewer")));
    }
    (upload, Ok(()))
}

fn wrong_size(announced: Option<u64>, how: &str) -> RegistryError {
    RegistryError::SizeInvalid(format!(
        "Content-Range announces {} bytes, but {how} came",
        announced.unwrap_or_default()
    ))
}
