//! What another part of the server has to say about what is pushed and pulled, such as a scanner.
//!
//! The registry knows nothing of scans; it asks whoever has been set.

use std::collections::HashMap;

use berth_db::{DbError, Tx};
use berth_iam::Actor;
use berth_model::{ManifestId, ProjectId, Timestamp};
use berth_oci::{Digest, RepositoryName};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt};
use serde_json::Value;

use crate::blobs::Content;
use crate::store::manifests::{self, PullRow};
use crate::{Registry, RegistryError};

/// A manifest that is pushed or pulled.
#[derive(Clone, Copy, Debug)]
pub struct Artifact<'a> {
    /// Its project.
    pub project: ProjectId,
    /// Its repository, with the project.
    pub repository: &'a str,
    /// Its digest.
    pub digest: &'a str,
    /// Its media type.
    pub media_type: &'a str,
    /// What it is: `IMAGE`, `CHART` and so on.
    pub kind: &'a str,
    /// Whether it belongs to another artifact, as a signature does.
    pub accessory: bool,
}

/// An image that a repository holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Where it stands among all manifests.
    pub id: ManifestId,
    /// Its repository, with the project.
    pub repository: String,
    /// Its digest.
    pub digest: String,
}

/// What is known of an image that was scanned.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// Its digest.
    pub digest: String,
    /// Harbor's `scan_overview`.
    pub overview: Value,
}

/// Asked about every manifest; see [`Registry::guard`].
pub trait Guard: Send + Sync {
    /// A new manifest is stored, by the end of this transaction.
    fn pushed<'a>(
        &'a self,
        tx: &'a mut Tx,
        artifact: Artifact<'a>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), DbError>>;

    /// Why a manifest may not be pulled, if it may not.
    fn refusal<'a>(
        &'a self,
        artifact: Artifact<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, DbError>>;

    /// What is known of manifests of a project, by their digests: Harbor's `scan_overview`.
    fn overviews<'a>(
        &'a self,
        project: ProjectId,
        digests: &'a [&'a str],
    ) -> BoxFuture<'a, Result<HashMap<String, Value>, DbError>>;

    /// The newest image with a report, of each of these repositories that has one lately.
    fn newest<'a>(
        &'a self,
        repositories: &'a [i64],
    ) -> BoxFuture<'a, Result<HashMap<i64, Scanned>, DbError>>;

    /// What is known of the SBOMs of manifests, by their ids: Harbor's `sbom_overview`.
    fn sboms<'a>(
        &'a self,
        manifests: &'a [i64],
    ) -> BoxFuture<'a, Result<HashMap<i64, Value>, DbError>>;
}

impl Registry {
    /// Asks `guard` from now on; only the first one counts.
    pub fn guard(&self, guard: std::sync::Arc<dyn Guard>) {
        let _ = self.inner.guard.set(guard);
    }

    /// Refuses a pull that the guard refuses.
    pub(crate) async fn ask_guard(
        &self,
        actor: &Actor,
        name: &RepositoryName,
        row: &PullRow,
    ) -> Result<(), RegistryError> {
        // What is judged by what a scanner finds must be shown to it first.
        if matches!(actor, Actor::Token(claims) if claims.scans(name.as_str())) {
            return Ok(());
        }
        let Some(guard) = self.inner.guard.get() else {
            return Ok(());
        };
        let artifact = Artifact {
            project: ProjectId(row.project_id),
            repository: name.as_str(),
            digest: &row.digest,
            media_type: &row.media_type,
            kind: &row.kind,
            accessory: row.accessory_type.is_some(),
        };
        match guard.refusal(artifact).await? {
            Some(reason) => Err(RegistryError::Policy(reason)),
            None => Ok(()),
        }
    }

    /// The manifest that a reference names in a repository of this project: its digest, what it is,
    /// and whether it belongs to another artifact.
    pub async fn artifact_named(
        &self,
        project: ProjectId,
        repository: &RepositoryName,
        reference: &berth_oci::Reference,
    ) -> Result<(String, String, bool), RegistryError> {
        let row = self.find_manifest(repository, reference).await?;
        if row.project_id != project.get() {
            return Err(RegistryError::NameUnknown(repository.to_string()));
        }
        let accessory = row.accessory_type.is_some();
        Ok((row.digest.clone(), row.kind.clone(), accessory))
    }

    /// Up to `most` images of all repositories, those after `after` in the order they came. One
    /// that several repositories hold comes several times.
    pub async fn images_after(
        &self,
        after: ManifestId,
        most: i64,
    ) -> Result<Vec<Held>, RegistryError> {
        let rows = manifests::images_after(&self.inner.db, after.get(), most).await?;
        let held = rows.into_iter().map(|row| Held {
            id: ManifestId(row.id),
            repository: row.repository,
            digest: row.digest,
        });
        Ok(held.collect())
    }

    /// How many images there are, each counted once however many repositories hold it.
    pub async fn count_images(&self) -> Result<i64, RegistryError> {
        Ok(manifests::count_images(&self.inner.db).await?)
    }

    /// A manifest of a repository: its media type and bytes.
    pub async fn manifest_bytes(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(String, Bytes), RegistryError> {
        let reference = berth_oci::Reference::Digest(digest.clone());
        let (_, media_type, payload) = self.manifest_named(repository, &reference).await?;
        Ok((media_type, payload))
    }

    /// The manifest that a reference names in a repository: its digest, media type and bytes.
    pub async fn manifest_named(
        &self,
        repository: &RepositoryName,
        reference: &berth_oci::Reference,
    ) -> Result<(String, String, Bytes), RegistryError> {
        let row = self.find_manifest(repository, reference).await?;
        let payload = self.payload(&row).await?;
        Ok((row.digest.clone(), row.media_type.clone(), payload))
    }

    /// A blob of a repository, from its start.
    pub async fn blob_stream(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<BoxStream<'static, Result<Bytes, RegistryError>>, RegistryError> {
        let (size, content) = self.read_blob(repository, digest).await?;
        Ok(match content {
            Content::Whole(bytes) => futures_util::stream::iter([Ok(bytes)]).boxed(),
            Content::Open(blob) => {
                let pieces = blob.stream(0, size);
                pieces.map(|piece| Ok(piece?)).boxed()
            }
        })
    }

    /// A blob of a repository that is small enough to be held, at most 8 MiB.
    pub async fn blob_bytes(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Bytes, RegistryError> {
        let link = self.find_blob(repository, digest).await?;
        Ok(self
            .inner
            .blobs
            .read_small(&link.stored_as, link.size as u64)
            .await?)
    }
}
