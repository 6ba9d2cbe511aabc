//! Blobs of a repository: look, read, remove (OCI distribution 1.1, end-2 and end-10).

use std::sync::Arc;

use berth_blob::{Blob, BlobError, Verdict};
use berth_catalog::{Entry, record_in};
use berth_oci::{Digest, RepositoryName};
use bytes::Bytes;

use crate::cache::SMALL;
use crate::store::blobs::{self as store, LinkRow};
use crate::{Pusher, Registry, RegistryError};

/// A blob ready to be sent.
pub(crate) enum Content {
    /// Small: whole, from memory.
    Whole(Bytes),
    /// Large: an open file.
    Open(Blob),
}

impl Registry {
    /// The blob a repository holds.
    pub(crate) async fn find_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Arc<LinkRow>, RegistryError> {
        let (db, name) = (&self.inner.db, repository.as_str());
        self.inner
            .cache
            .link(name, digest.as_str(), store::find_link(db, name, digest))
            .await?
            .ok_or_else(|| RegistryError::BlobUnknown(digest.to_string()))
    }

    /// Tells a pusher that the repository holds a blob, and sees to it that this stays so until
    /// the push is over.
    pub(crate) async fn promise_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Arc<LinkRow>, RegistryError> {
        let link = self.find_blob(repository, digest).await?;
        // A copy that is gone or cut short is found out now, while the client can still push it.
        let link = match self.open(repository, digest, &link).await {
            Ok(_) => link,
            Err(error) => return Err(error),
        };
        let now = self.inner.clock.now();
        let fresh = now.minus(self.inner.options.grace / 4).micros() < link.leased_at;
        if link.referenced || fresh {
            return Ok(link);
        }
        let (held_by, blob) = (link.repository_id, link.blob_id);
        let (cache, name) = (self.inner.cache.clone(), repository.as_str().to_owned());
        let renewed = self
            .inner
            .db
            .write::<_, RegistryError, _>(move |tx| {
                Box::pin(async move {
                    let renewed = store::renew_lease(tx, held_by, blob, now).await?;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(renewed)
                })
            })
            .await?;
        if renewed {
            Ok(link)
        } else {
            Err(RegistryError::BlobUnknown(digest.to_string()))
        }
    }

    /// Opens a blob. What is sent afterwards is right, or the connection breaks.
    pub(crate) async fn read_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(u64, Content), RegistryError> {
        let link = self.find_blob(repository, digest).await?;
        let size = link.size as u64;
        if size <= SMALL {
            if let Some(bytes) = self.inner.cache.bytes(digest.as_str()) {
                return Ok((size, Content::Whole(bytes)));
            }
            let bytes = self.read_small(repository, digest, &link).await?;
            return Ok((size, Content::Whole(bytes)));
        }
        Ok((
            size,
            Content::Open(self.open(repository, digest, &link).await?),
        ))
    }

    /// Reads a small blob whole and checks its digest, once for as long as it is remembered.
    async fn read_small(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        link: &LinkRow,
    ) -> Result<Bytes, RegistryError> {
        let read = match self
            .inner
            .blobs
            .read_small(&link.stored_as, link.size as u64)
            .await
        {
            Err(BlobError::Missing { .. }) => {
                let link = self.moved(repository, digest, link).await?;
                self.inner
                    .blobs
                    .read_small(&link.stored_as, link.size as u64)
                    .await
            }
            other => other,
        };
        match read {
            Ok(bytes) if Digest::of(digest.algorithm(), &bytes) == *digest => {
                self.inner.cache.keep_bytes(digest.as_str(), &bytes);
                Ok(bytes)
            }
            Ok(_) | Err(BlobError::WrongSize { .. } | BlobError::Missing { .. }) => {
                Err(self.quarantine(digest, &link.stored_as).await)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Opens the stored copy, and hashes it first if anything has touched it since it was written.
    pub(crate) async fn open(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        link: &LinkRow,
    ) -> Result<Blob, RegistryError> {
        let size = link.size as u64;
        let mut stored_as = link.stored_as.clone();
        let mut opened = self.inner.blobs.open_blob(&stored_as, size).await;
        if matches!(opened, Err(BlobError::Missing { .. })) {
            stored_as = self.moved(repository, digest, link).await?.stored_as;
            opened = self.inner.blobs.open_blob(&stored_as, size).await;
        }
        let blob = match opened {
            Ok(blob) => blob,
            Err(BlobError::WrongSize { .. } | BlobError::Missing { .. }) => {
                return Err(self.quarantine(digest, &stored_as).await);
            }
            Err(other) => return Err(other.into()),
        };
        if blob.is_sealed() {
            return Ok(blob);
        }
        match self.inner.blobs.verify(&stored_as, digest, size).await? {
            Verdict::Good => {
                self.inner.blobs.seal(&stored_as).await?;
                Ok(blob)
            }
            Verdict::Missing | Verdict::Corrupt => Err(self.quarantine(digest, &stored_as).await),
        }
    }

    /// Where a blob is now, after a push replaced the copy that was read about.
    async fn moved(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        link: &LinkRow,
    ) -> Result<LinkRow, RegistryError> {
        let found = store::find_link(&self.inner.db, repository.as_str(), digest).await?;
        match found {
            Some(found) if found.stored_as != link.stored_as => Ok(found),
            Some(_) => Err(self.quarantine(digest, &link.stored_as).await),
            None => Err(RegistryError::BlobUnknown(digest.to_string())),
        }
    }

    /// Takes a copy that was found wrong out of use, so that the next push of the blob repairs it.
    /// `false` when it was not in use any more.
    pub async fn set_aside(&self, digest: &str, stored_as: &str) -> Result<bool, RegistryError> {
        tracing::error!(
            digest,
            stored_as,
            "the stored copy of a blob is wrong: quarantined"
        );
        let (row, key) = (digest.to_owned(), stored_as.to_owned());
        let cache = self.inner.cache.clone();
        let marked = self
            .inner
            .db
            .write::<_, RegistryError, _>(move |tx| {
                Box::pin(async move {
                    let marked = store::quarantine(tx, &row, &key).await?;
                    tx.after_commit(move || {
                        cache.changed_all();
                        cache.forget_bytes(&row);
                    });
                    Ok(marked)
                })
            })
            .await?;
        if marked {
            match self.inner.blobs.quarantine(stored_as).await {
                // Nothing is left to be set aside.
                Ok(()) | Err(BlobError::Missing { .. }) => {}
                Err(error) => {
                    tracing::error!(%error, stored_as, "a wrong copy could not be moved aside");
                }
            }
        }
        Ok(marked)
    }

    /// Takes a copy that is wrong out of use. The blob is then unknown, so that clients push it
    /// again, which repairs it everywhere.
    async fn quarantine(&self, digest: &Digest, stored_as: &str) -> RegistryError {
        match self.set_aside(digest.as_str(), stored_as).await {
            // Or it was replaced by a push in the meantime.
            Ok(_) => RegistryError::BlobUnknown(digest.to_string()),
            Err(error) => error,
        }
    }

    /// Takes a blob out of a repository. Its bytes go when no repository holds it.
    pub(crate) async fn delete_blob(
        &self,
        pusher: &Pusher,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let now = self.inner.clock.now();
        let review_at = store::due(now, self.inner.options.grace);
        let (name, row) = (repository.as_str().to_owned(), digest.clone());
        let entry = Entry {
            operation: "delete".to_owned(),
            resource_type: "blob".to_owned(),
            resource: format!("{repository}@{digest}"),
            repository: name.clone(),
            digest: digest.to_string(),
            ..self.entry(pusher)
        };
        let cache = self.inner.cache.clone();
        let unlinked = self
            .inner
            .db
            .write::<_, RegistryError, _>(move |tx| {
                Box::pin(async move {
                    let unlinked = store::unlink(tx, &name, &row, review_at, now).await?;
                    if unlinked == Some(true) {
                        record_in(tx, entry).await?;
                        tx.after_commit(move || cache.changed(&name));
                    }
                    Ok(unlinked)
                })
            })
            .await?;
        match unlinked {
            Some(true) => Ok(()),
            Some(false) => Err(RegistryError::Unsupported(format!(
                "blob {digest} is part of a manifest of this repository: delete the manifest first"
            ))),
            None => Err(RegistryError::BlobUnknown(digest.to_string())),
        }
    }

    /// A record of what `pusher` does now, to be filled in.
    pub(crate) fn entry(&self, pusher: &Pusher) -> Entry {
        Entry {
            at: self.inner.clock.now(),
            username: pusher.name.clone(),
            address: pusher.address.to_string(),
            project_id: Some(pusher.project),
            ..Entry::default()
        }
    }
}
