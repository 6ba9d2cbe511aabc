//! Accessories that the server makes itself, such as an SBOM.
//!
//! Invariant: an accessory is stored as a push of it would be, counted, told and written down, and
//! only while its subject is there; those of its type that it replaces go in the same transaction.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use berth_catalog::{Entry, Outbox, record_in};
use berth_db::{DbError, Tx};
use berth_iam::Author;
use berth_model::{ManifestId, ProjectId, RepositoryId, Timestamp};
use berth_oci::{Algorithm, Digest, Manifest, Reference, RepositoryName, media_type};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use crate::api::removal::Removal;
use crate::manifests::{PushWork, describe};
use crate::store::listing::family::{self, Member};
use crate::store::{contents, manifests as store};
use crate::trash::Deletion;
use crate::uploads::Chunk;
use crate::{Pusher, Registry, RegistryError, events};

/// Accessories that one replaces. What is left of more goes with the next.
const REPLACED: i64 = 100;

/// What is to be attached to a manifest.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// What it is: the artifact type, and the media type of its configuration, which is empty.
    pub artifact_type: &'static str,
    /// The media type of its content.
    pub media_type: &'static str,
    /// The content.
    pub content: Bytes,
    /// What is noted of it.
    pub annotations: BTreeMap<String, String>,
}

/// An accessory that was attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// What it belongs to.
    pub subject: ManifestId,
    /// The accessory.
    pub id: ManifestId,
    /// Its digest.
    pub digest: String,
}

/// The transaction that attaches something.
#[derive(Clone)]
struct Work {
    repository: RepositoryId,
    subject: Digest,
    digest: Digest,
    push: PushWork,
    outbox: Outbox,
    deletion: Deletion,
    /// Whether others of its type go.
    replaces: bool,
}

impl Registry {
    /// Attaches something to a manifest, in place of what is attached to it of the same type; `also`
    /// is done in the same transaction. What must stay because of a rule or an index stays.
    ///
    /// # Errors
    /// Those of a push, such as an exceeded quota; [`RegistryError::ManifestUnknown`] when the
    /// subject is gone.
    pub async fn attach<F>(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        new: Attachment,
        also: F,
    ) -> Result<Attached, RegistryError>
    where
        F: for<'a> FnOnce(&'a mut Tx, &'a Attached) -> BoxFuture<'a, Result<(), DbError>>
            + Clone
            + Send
            + 'static,
    {
        if self.inner.catalog.settings().read_only {
            return Err(RegistryError::Denied(
                "the system is in read-only mode: nothing can be pushed now".to_owned(),
            ));
        }
        let reference = Reference::Digest(subject.clone());
        let row = self.find_manifest(repository, &reference).await?;
        let now = self.inner.clock.now();
        let author = Author::server();
        let entry = author.did("push", "artifact", now);
        let pusher = Pusher {
            name: entry.username.clone(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            project: ProjectId(row.project_id),
        };
        let entry = entry.in_project(pusher.project);
        let config = Bytes::from_static(b"{}");
        let content_digest = self.keep(&pusher, repository, &new.content).await?;
        let config_digest = self.keep(&pusher, repository, &config).await?;
        let size = new.content.len() as i64;
        let payload = Bytes::from(
            json!({
                "schemaVersion": 2,
                "mediaType": media_type::OCI_MANIFEST,
                "artifactType": new.artifact_type,
                "config": part(new.artifact_type, config_digest.as_str(), config.len() as i64),
                "layers": [part(new.media_type, content_digest.as_str(), size)],
                "subject": part(&row.media_type, &row.digest, row.size),
                "annotations": new.annotations,
            })
            .to_string(),
        );
        let manifest = Manifest::parse(&payload, Some(media_type::OCI_MANIFEST))?;
        let digest = Digest::of(Algorithm::Sha256, &payload);
        let work = Work {
            repository: RepositoryId(row.repository_id),
            subject: subject.clone(),
            digest: digest.clone(),
            push: PushWork {
                repository: repository.as_str().to_owned(),
                manifest: describe(&manifest, &digest, &[], "{}".to_owned(), &payload)?,
                tags: Vec::new(),
                sparse: false,
                now,
                entry,
                outbox: self.inner.catalog.outbox().clone(),
                guard: self.inner.guard.get().cloned(),
                pusher,
            },
            outbox: self.inner.catalog.outbox().clone(),
            deletion: self.deletion(&author.did("", "", now).username, now),
            replaces: true,
        };
        let attached = match self.attach_in(work.clone(), also.clone()).await {
            // Something that would go with an older one is immutable: that one stays.
            Err(RegistryError::Immutable { .. }) => {
                let beside = Work {
                    replaces: false,
                    ..work
                };
                self.attach_in(beside, also).await?
            }
            other => other?,
        };
        self.inner.cache.keep_bytes(digest.as_str(), &payload);
        Ok(attached)
    }

    async fn attach_in<F>(&self, work: Work, also: F) -> Result<Attached, RegistryError>
    where
        F: for<'a> FnOnce(&'a mut Tx, &'a Attached) -> BoxFuture<'a, Result<(), DbError>>
            + Clone
            + Send
            + 'static,
    {
        let (cache, limited) = (self.inner.cache.clone(), self.limited());
        let (project, name) = (work.push.pusher.project, work.push.repository.clone());
        let charged = self.quota_push(&work.push.pusher.name, &name, work.digest.as_str());
        let told = charged.clone();
        let attached = self
            .inner
            .db
            .write::<_, RegistryError, _>(move |tx| {
                Box::pin(async move {
                    contents::limit(tx, limited, charged);
                    let attached = work.run(tx, also).await?;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(attached)
                })
            })
            .await;
        self.tell_refusal(project, told, attached).await
    }

    /// Stores a blob for a manifest that is about to name it.
    async fn keep(
        &self,
        pusher: &Pusher,
        repository: &RepositoryName,
        bytes: &Bytes,
    ) -> Result<Digest, RegistryError> {
        let digest = Digest::of(Algorithm::Sha256, bytes);
        match self.promise_blob(repository, &digest).await {
            Ok(_) => return Ok(digest),
            Err(RegistryError::BlobUnknown(_)) => {}
            Err(other) => return Err(other),
        }
        let chunk = Chunk {
            range: None,
            length: Some(bytes.len() as u64),
            body: Box::pin(Full::new(bytes.clone()).map_err(|never| match never {})),
        };
        self.put_blob(pusher, repository, &digest, chunk).await?;
        Ok(digest)
    }

    /// The newest accessory of a type that a manifest of a repository has.
    pub async fn newest_accessory(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        accessory_type: &str,
    ) -> Result<Option<Digest>, RegistryError> {
        let (db, name) = (&self.inner.db, repository.as_str());
        let found = store::newest_accessory(db, name, subject.as_str(), accessory_type).await?;
        Ok(found.and_then(|digest| digest.parse().ok()))
    }
}

fn part(media_type: &str, digest: &str, size: i64) -> Value {
    json!({"mediaType": media_type, "digest": digest, "size": size})
}

impl Work {
    async fn run<F>(self, tx: &mut Tx, also: F) -> Result<Attached, RegistryError>
    where
        F: for<'a> FnOnce(&'a mut Tx, &'a Attached) -> BoxFuture<'a, Result<(), DbError>>,
    {
        let (repository, project) = (self.repository, self.push.pusher.project);
        let (now, accessory_type) = (self.push.now, self.push.manifest.accessory_type);
        let name = self.push.repository.clone();
        let gone = || RegistryError::ManifestUnknown(self.subject.to_string());
        // Whoever deletes the subject comes before this, or finds the accessory.
        if !family::hold(tx, repository, project.get()).await? {
            return Err(gone());
        }
        let subject = store::lock(tx, repository, self.subject.as_str()).await?;
        let subject = subject.ok_or_else(gone)?;
        let entry = self.push.run(tx).await?;
        let reference = Reference::Digest(self.digest);
        let stored = family::find(tx, repository, &reference).await?;
        let stored = stored.ok_or_else(gone)?;
        let attached = Attached {
            subject,
            id: stored.id,
            digest: stored.digest,
        };
        also(tx, &attached).await?;
        if let Some(accessory_type) = accessory_type.filter(|_| self.replaces) {
            let most = REPLACED;
            let older = store::accessories_beside(tx, &attached, accessory_type, most).await?;
            for member in older {
                if family::index_of(tx, repository, &member.digest)
                    .await?
                    .is_some()
                {
                    continue;
                }
                let place = (repository, project, name.as_str());
                let gone = replace(tx, place, member, self.deletion.clone(), now).await?;
                self.outbox.publish_all(tx, &gone).await?;
            }
        }
        record_in(tx, entry).await?;
        Ok(attached)
    }
}

/// Deletes an accessory that another one takes the place of; gives what is to be told of it.
async fn replace(
    tx: &mut Tx,
    (repository, project, name): (RepositoryId, ProjectId, &str),
    member: Member,
    deletion: Deletion,
    now: Timestamp,
) -> Result<Vec<berth_model::Event>, RegistryError> {
    let entry = Author::server()
        .did("delete", "artifact", now)
        .on(format!("{name}@{}", member.digest))
        .in_project(project)
        .saying("a newer one has taken its place");
    let entry = Entry {
        repository: name.to_owned(),
        digest: member.digest.clone(),
        ..entry
    };
    let removal = Removal {
        repository,
        deletion,
    };
    let gone = removal.run(tx, member).await?;
    record_in(tx, entry.clone()).await?;
    Ok(events::of_removed(&entry, gone))
}
