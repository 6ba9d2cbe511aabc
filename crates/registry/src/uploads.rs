//! Unfinished uploads: begin, append, finish, cancel, mount (OCI distribution 1.1, end-4 to
//! end-6, end-11, end-13, end-14).
//!
//! An upload's state is its row and its file; nothing is kept in the process between requests, so
//! it goes on after a restart. The row is advanced only after the bytes are in the file, and a
//! request that fails leaves the row where it was or at a true offset: the next one cuts the file
//! back to it.

use std::pin::Pin;

use berth_blob::{Checkpoint, CommitError, Stored, Upload};
use berth_catalog::repositories;
use berth_db::Durability;
use berth_http::BodyError;
use berth_iam::{Actor, Permission};
use berth_model::{Action, Limits, RepositoryId, Resource};
use berth_oci::{Algorithm, Digest, RepositoryName};
use bytes::Bytes;
use http_body::Body as HttpBody;
use http_body_util::BodyExt;

use crate::store::{blobs as blob_store, uploads as store};
use crate::{Pusher, Registry, RegistryError};

/// A request's body on its way in, cut off when it stands still.
pub(crate) type RequestBody = Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>;

/// Repositories looked at for a mount that names none.
const MOUNT_CANDIDATES: i64 = 32;

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
        if store::count_of(&self.inner.db, &pusher.name).await? >= Limits::UPLOADS_PER_CALLER {
            return Err(RegistryError::TooMany(format!(
                "{} unfinished uploads are open: finish or cancel some",
                Limits::UPLOADS_PER_CALLER
            )));
        }
        let mut upload = self.inner.blobs.begin(algorithm).await?;
        let checkpoint = upload.checkpoint().await?;
        let id = upload.id().to_owned();
        let (row, repository, caller) = (
            id.clone(),
            repository.as_str().to_owned(),
            pusher.name.clone(),
        );
        let now = self.inner.clock.now();
        self.inner
            .db
            .write_with::<_, RegistryError, _>(Durability::Relaxed, move |tx| {
                Box::pin(async move {
                    store::insert(tx, &row, &repository, &caller, &checkpoint.state, now).await?;
                    Ok(())
                })
            })
            .await?;
        Ok(id)
    }

    /// How many bytes an upload holds.
    pub(crate) async fn upload_offset(
        &self,
        caller: &str,
        repository: &RepositoryName,
        id: &str,
    ) -> Result<u64, RegistryError> {
        let checkpoint = self.checkpoint_of(caller, repository, id).await?;
        // Opening the bytes tells the true offset: after a power loss they may be fewer.
        match self.inner.blobs.resume(id, &checkpoint).await {
            Ok(upload) => Ok(upload.offset()),
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
        let upload = self.resume(caller, repository, id, chunk.range).await?;
        let this = self.clone();
        // On its own task: a client that breaks off leaves what it sent, at a true offset.
        let appending = self.inner.tasks.spawn(async move {
            let (upload, outcome) = this.receive(upload, chunk).await;
            match outcome {
                Ok(()) => this.save(upload).await,
                Err(error @ (RegistryError::Broken | RegistryError::Idle)) => {
                    this.save(upload).await?;
                    Err(error)
                }
                Err(error) => Err(error),
            }
        });
        appending.await.unwrap_or(Err(RegistryError::Broken))
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
        let upload = self
            .resume(&pusher.name, repository, id, chunk.range)
            .await?;
        let (upload, outcome) = self.receive(upload, chunk).await;
        outcome?;
        let stored = commit(upload, digest).await?;
        self.record_blob(pusher, repository, digest, stored, Some(id.to_owned()))
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
        let upload = self.inner.blobs.begin(digest.algorithm()).await?;
        let (upload, outcome) = self.receive(upload, chunk).await;
        if let Err(error) = outcome {
            upload.discard().await;
            return Err(error);
        }
        let stored = match upload.commit(digest).await {
            Ok(stored) => stored,
            Err(CommitError::Mismatch { upload, found }) => {
                upload.discard().await;
                return Err(mismatch(digest, &found));
            }
            Err(CommitError::Io(error)) => return Err(error.into()),
        };
        self.record_blob(pusher, repository, digest, stored, None)
            .await
    }

    /// Cancels an upload.
    pub(crate) async fn cancel(
        &self,
        caller: &str,
        repository: &RepositoryName,
        id: &str,
    ) -> Result<(), RegistryError> {
        self.checkpoint_of(caller, repository, id).await?;
        let row = id.to_owned();
        let deleted = self
            .inner
            .db
            .write::<_, RegistryError, _>(move |tx| {
                Box::pin(async move { Ok(store::delete(tx, &row).await?) })
            })
            .await?;
        if !deleted {
            return Err(RegistryError::UploadUnknown(id.to_owned()));
        }
        Ok(self.inner.blobs.discard(id).await?)
    }

    /// Links a blob of another repository into this one, if the caller may pull it there.
    /// `false`: not found or not allowed, which the answer does not tell apart.
    pub(crate) async fn mount(
        &self,
        actor: &Actor,
        pusher: &Pusher,
        repository: &RepositoryName,
        digest: &Digest,
        from: Option<&RepositoryName>,
    ) -> Result<bool, RegistryError> {
        let source = match from {
            Some(from) if self.may_pull(actor, from).await? => {
                blob_store::find_link(&self.inner.db, from.as_str(), digest)
                    .await?
                    .map(|link| RepositoryId(link.repository_id))
            }
            Some(_) => None,
            None => self.readable_holder(actor, digest).await?,
        };
        let Some(source) = source else {
            return Ok(false);
        };
        let now = self.inner.clock.now();
        let review_at = blob_store::due(now, self.inner.options.grace);
        let (project, name, digest) = (
            pusher.project,
            repository.as_str().to_owned(),
            digest.clone(),
        );
        let cache = self.inner.cache.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (target, _) = repositories::ensure(tx, project, &name, now).await?;
                    let mounted =
                        blob_store::mount(tx, source, target, &digest, review_at, now).await?;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(mounted)
                })
            })
            .await
    }

    /// A repository that holds the blob and that the caller may pull from.
    async fn readable_holder(
        &self,
        actor: &Actor,
        digest: &Digest,
    ) -> Result<Option<RepositoryId>, RegistryError> {
        let user = self.user_behind(actor).await?;
        let pull = Permission::new(Resource::Repository, Action::Pull);
        for holder in blob_store::holders(&self.inner.db, digest, MOUNT_CANDIDATES).await? {
            let facts = self
                .inner
                .catalog
                .project_facts_by_id(&user, holder.project_id)
                .await?;
            if facts.is_some_and(|facts| berth_iam::access::allows(&user, &facts, pull)) {
                return Ok(Some(RepositoryId(holder.repository_id)));
            }
        }
        Ok(None)
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
        let recorded = self
            .inner
            .db
            .write::<_, RegistryError, _>(move |tx| {
                Box::pin(async move {
                    let (repository, _) = repositories::ensure(tx, project, &name, now).await?;
                    let replaced =
                        blob_store::commit(tx, repository, &row, &stored, review_at, now).await?;
                    if let Some(upload) = upload {
                        store::delete(tx, &upload).await?;
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
        recorded.map(|_| ())
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
        let checkpoint = self.checkpoint_of(caller, repository, id).await?;
        let out_of_order = |start, offset| RegistryError::OutOfOrder {
            start,
            offset,
            location: location(repository, id),
        };
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
        let offset = self.save(upload).await?;
        Err(out_of_order(checkpoint.offset, offset))
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

    async fn save(&self, mut upload: Upload) -> Result<u64, RegistryError> {
        let checkpoint = upload.checkpoint().await?;
        let (id, offset) = (upload.id().to_owned(), checkpoint.offset);
        let now = self.inner.clock.now();
        self.inner
            .db
            .write_with::<_, RegistryError, _>(Durability::Relaxed, move |tx| {
                Box::pin(async move {
                    store::advance(tx, &id, offset, &checkpoint.state, now).await?;
                    Ok(())
                })
            })
            .await?;
        drop(upload);
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
