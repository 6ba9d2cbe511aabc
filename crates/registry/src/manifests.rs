//! Manifests: pull, push and delete (OCI distribution 1.1, end-3, end-7 and end-9).

use std::net::IpAddr;
use std::sync::Arc;

use berth_catalog::{Entry, Outbox, PullKept, record_in, repositories};
use berth_db::Tx;
use berth_iam::Actor;
use berth_model::{
    ArtifactEvent, Event, Happening, Limits, ManifestId, ProjectId, RepositoryId, TagId, Timestamp,
};
use berth_oci::{
    Descriptor, Digest, Manifest, Reference, RepositoryName, TagName, accessory_type,
    artifact_type_name,
};
use bytes::Bytes;

use crate::store::listing::family;
use crate::store::manifests::{self as store, NewManifest, NewReference, PullRow};
use crate::store::{contents, reviews, sparse, tags, trash};
use crate::trash::Deletion;
use crate::{Artifact, Guard, Pusher, Registry, RegistryError, events, immutable};

/// Largest image config that is read for what it says of the image.
const CONFIG_BYTES: u64 = 1024 * 1024;

/// A manifest to be pushed.
pub(crate) struct Push {
    pub(crate) payload: Bytes,
    pub(crate) content_type: Option<String>,
    pub(crate) reference: Reference,
    /// Tags given as parameters beside a digest.
    pub(crate) tags: Vec<TagName>,
}

/// What became of a push.
pub(crate) struct Pushed {
    pub(crate) digest: Digest,
    pub(crate) subject: Option<Digest>,
    pub(crate) tags: Vec<TagName>,
}

impl Registry {
    /// The manifest that a tag or digest names in a repository.
    pub(crate) async fn find_manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Arc<PullRow>, RegistryError> {
        let (db, name) = (&self.inner.db, repository.as_str());
        let found = match reference {
            Reference::Tag(tag) => {
                let load = store::find_by_tag(db, name, tag.as_str());
                self.inner.cache.manifest(name, tag.as_str(), load).await?
            }
            Reference::Digest(digest) => {
                let load = store::find_by_digest(db, name, digest);
                self.inner
                    .cache
                    .manifest(name, digest.as_str(), load)
                    .await?
            }
        };
        match found {
            Some(found) => Ok(found),
            None if self.inner.catalog.find_repository(name).await?.is_some() => {
                Err(RegistryError::ManifestUnknown(reference.to_string()))
            }
            None => Err(RegistryError::NameUnknown(name.to_owned())),
        }
    }

    /// The exact bytes that were pushed.
    pub(crate) async fn payload(&self, row: &PullRow) -> Result<Bytes, RegistryError> {
        if let Some(bytes) = self.inner.cache.bytes(&row.digest) {
            return Ok(bytes);
        }
        let payload = store::payload(&self.inner.db, ManifestId(row.manifest_id)).await?;
        let payload = payload
            .map(Bytes::from)
            .ok_or_else(|| RegistryError::ManifestUnknown(row.digest.clone()))?;
        self.inner.cache.keep_bytes(&row.digest, &payload);
        Ok(payload)
    }

    /// Counts a pull and writes it to the access log, soon and not now.
    pub(crate) fn record_pull(
        &self,
        actor: &Actor,
        address: IpAddr,
        repository: &RepositoryName,
        row: &PullRow,
        reference: &Reference,
    ) {
        let at = self.inner.clock.now();
        let recorder = self.inner.catalog.recorder();
        let settings = self.inner.catalog.settings();
        let unseen = settings.scanner_skip_update_pulltime
            && matches!(actor, Actor::Token(claims) if claims.is_scanner());
        let kept = PullKept {
            count: !settings.pull_count_update_disable && !unseen,
            time: !settings.pull_time_update_disable && !unseen,
        };
        recorder.pulled(
            RepositoryId(row.repository_id),
            ManifestId(row.manifest_id),
            row.tag_id.map(TagId),
            at,
            kept,
        );
        let project = ProjectId(row.project_id);
        if self.inner.catalog.outbox().hears_pulls(project) {
            recorder.publish(Event {
                project,
                at,
                operator: actor.name().to_owned(),
                what: Happening::PullArtifact(ArtifactEvent {
                    repository: repository.to_string(),
                    digest: row.digest.clone(),
                    tags: reference
                        .tag()
                        .map(ToString::to_string)
                        .into_iter()
                        .collect(),
                }),
            });
        }
        if settings.pull_audit_log_disable {
            return;
        }
        let (resource, tag) = match reference {
            Reference::Tag(tag) => (format!("{repository}:{tag}"), tag.to_string()),
            Reference::Digest(digest) => (format!("{repository}@{digest}"), String::new()),
        };
        recorder.record(Entry {
            at,
            username: actor.name().to_owned(),
            address: address.to_string(),
            operation: "pull".to_owned(),
            resource_type: "artifact".to_owned(),
            resource,
            project_id: Some(project),
            repository: repository.to_string(),
            tag,
            digest: row.digest.clone(),
            ..Entry::default()
        });
    }

    /// Takes a manifest in: one strict parse, then one transaction that makes the manifest, its
    /// references, its tags and their history, or none of it.
    pub(crate) async fn push_manifest(
        &self,
        pusher: &Pusher,
        repository: &RepositoryName,
        push: Push,
    ) -> Result<Pushed, RegistryError> {
        let manifest = Manifest::parse(&push.payload, push.content_type.as_deref())?;
        let (digest, tags) = name_push(&push)?;
        let subject = manifest
            .subject
            .as_ref()
            .map(|subject| subject.digest.clone());
        let attributes = self.attributes(repository, &manifest).await?;
        let new = describe(&manifest, &digest, &tags, attributes, &push.payload)?;
        let work = PushWork {
            pusher: pusher.clone(),
            repository: repository.as_str().to_owned(),
            manifest: new,
            tags: tags.clone(),
            sparse: self.inner.options.sparse_manifests,
            now: self.inner.clock.now(),
            entry: self.entry(pusher),
            outbox: self.inner.catalog.outbox().clone(),
            guard: self.inner.guard.get().cloned(),
        };
        let (cache, limited) = (self.inner.cache.clone(), self.limited());
        let charged = self.quota_push(&pusher.name, repository.as_str(), digest.as_str());
        let told = charged.clone();
        let pushed = self
            .inner
            .db
            .write::<_, RegistryError, _>(move |tx| {
                Box::pin(async move {
                    contents::limit(tx, limited, charged);
                    let name = work.repository.clone();
                    let entry = work.run(tx).await?;
                    record_in(tx, entry).await?;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(())
                })
            })
            .await;
        self.tell_refusal(pusher.project, told, pushed).await?;
        self.inner.cache.keep_bytes(digest.as_str(), &push.payload);
        Ok(Pushed {
            digest,
            subject,
            tags,
        })
    }

    /// Removes a tag, or a manifest with every tag on it.
    pub(crate) async fn delete_manifest(
        &self,
        pusher: &Pusher,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<(), RegistryError> {
        let found = self.find_manifest(repository, reference).await?;
        let deletion = self.deletion(&pusher.name, self.inner.clock.now());
        let entry = Entry {
            operation: "delete".to_owned(),
            resource_type: match reference {
                Reference::Tag(_) => "tag".to_owned(),
                Reference::Digest(_) => "artifact".to_owned(),
            },
            resource: match reference {
                Reference::Tag(tag) => format!("{repository}:{tag}"),
                Reference::Digest(digest) => format!("{repository}@{digest}"),
            },
            repository: repository.to_string(),
            tag: match reference {
                Reference::Tag(tag) => tag.to_string(),
                Reference::Digest(_) => String::new(),
            },
            digest: found.digest.clone(),
            ..self.entry(pusher)
        };
        let name = repository.as_str().to_owned();
        let cache = self.inner.cache.clone();
        let (held_by, reference) = (RepositoryId(found.repository_id), reference.clone());
        let outbox = self.inner.catalog.outbox().clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let unknown = || RegistryError::ManifestUnknown(reference.to_string());
                    // Held against a new rule: it comes before this or after.
                    if !family::hold(tx, held_by, found.project_id).await? {
                        return Err(unknown());
                    }
                    match &reference {
                        Reference::Tag(tag) => {
                            if !immutable::untag(tx, held_by, tag.as_str(), &deletion).await? {
                                return Err(unknown());
                            }
                        }
                        Reference::Digest(digest) => {
                            let digest = digest.as_str();
                            let tags = remove(tx, held_by, digest, &deletion).await?;
                            let event = events::deleted(&entry, digest, tags.ok_or_else(unknown)?);
                            outbox.publish_all(tx, event.as_slice()).await?;
                        }
                    }
                    record_in(tx, entry).await?;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(())
                })
            })
            .await
    }

    /// What an image's config says of it, for lists: read before the transaction, never required.
    async fn attributes(
        &self,
        repository: &RepositoryName,
        manifest: &Manifest,
    ) -> Result<String, RegistryError> {
        let Some(config) = &manifest.config else {
            return Ok("{}".to_owned());
        };
        let readable = config.media_type.ends_with("json") && config.size <= CONFIG_BYTES;
        if !readable {
            return Ok("{}".to_owned());
        }
        // A blob that is not here is refused below, with all the others that are missing.
        let Ok(link) = self.find_blob(repository, &config.digest).await else {
            return Ok("{}".to_owned());
        };
        let bytes = match self.inner.cache.bytes(config.digest.as_str()) {
            Some(bytes) => bytes,
            None => match self
                .inner
                .blobs
                .read_small(&link.stored_as, link.size as u64)
                .await
            {
                Ok(bytes) => bytes,
                Err(_) => return Ok("{}".to_owned()),
            },
        };
        Ok(read_config(&bytes))
    }
}

/// Deletes a manifest of a repository with its tags, whose names it gives. `None` when there is
/// none.
///
/// # Errors
/// [`RegistryError::Immutable`] when one of its tags must stay.
pub(crate) async fn remove(
    tx: &mut Tx,
    repository: RepositoryId,
    digest: &str,
    deletion: &Deletion,
) -> Result<Option<Vec<String>>, RegistryError> {
    let Some(manifest) = store::lock(tx, repository, digest).await? else {
        return Ok(None);
    };
    immutable::guard_all_of(tx, repository, manifest).await?;
    if deletion.keep {
        trash::keep(tx, manifest, &deletion.by, deletion.now).await?;
    }
    let (project, size) = store::project_and_size(tx, manifest).await?;
    contents::let_go(tx, project, digest, size);
    let (by, now) = (deletion.by.as_str(), deletion.now);
    let tags = tags::delete_all_of(tx, repository, manifest, by, now).await?;
    reviews::ask_relations(tx, repository, manifest, now);
    store::delete(tx, repository, manifest, deletion.review_at).await?;
    Ok(Some(tags))
}

/// The storing of a manifest, and all that a transaction needs for it.
#[derive(Clone)]
pub(crate) struct PushWork {
    pub(crate) pusher: Pusher,
    pub(crate) repository: String,
    pub(crate) manifest: NewManifest,
    pub(crate) tags: Vec<TagName>,
    /// Parts that the repository never held may be missing.
    pub(crate) sparse: bool,
    pub(crate) now: Timestamp,
    pub(crate) entry: Entry,
    pub(crate) outbox: Outbox,
    pub(crate) guard: Option<Arc<dyn Guard>>,
}

impl PushWork {
    pub(crate) async fn run(self, tx: &mut Tx) -> Result<Entry, RegistryError> {
        let Self {
            pusher,
            repository: name,
            manifest,
            mut tags,
            sparse,
            now,
            entry,
            outbox,
            guard,
        } = self;
        let (repository, _) = repositories::ensure(tx, pusher.project, &name, now).await?;
        let mut blobs: Vec<String> = manifest
            .references
            .iter()
            .map(|reference| reference.digest.clone())
            .collect();
        blobs.sort_unstable();
        blobs.dedup();
        let held = store::hold_blobs(tx, repository, &blobs, now).await?;
        let missing: Vec<&str> = manifest
            .references
            .iter()
            .filter(|reference| reference.required && !held.contains_key(&reference.digest))
            .map(|reference| reference.digest.as_str())
            .collect();
        let refused = match missing.first() {
            Some(_) if sparse => sparse::find_lost(tx, repository, &missing).await?,
            first => first.map(|digest| (*digest).to_owned()),
        };
        if let Some(digest) = refused {
            return Err(RegistryError::ManifestBlobUnknown(digest));
        }
        blobs.retain(|digest| !held.contains_key(digest));
        let children = store::child_sizes(tx, repository, &blobs).await?;
        let total = manifest.payload.len() as i64
            + held.values().map(|(_, size)| size).sum::<i64>()
            + children.values().sum::<i64>();
        let (id, new) = store::insert(tx, repository, &manifest, total, &pusher.name, now).await?;
        if new {
            let size = manifest.payload.len() as i64;
            contents::hold(tx, pusher.project, manifest.digest.as_str(), size);
            store::insert_references(tx, repository, id, &manifest.references, &held);
        }
        repositories::touch(tx, repository, now);
        if tags.is_empty() {
            reviews::ask(tx, id, now);
        }
        // In one order, so that two pushes of the same tags do not wait for each other.
        tags.sort();
        tags.dedup();
        for tag in &tags {
            immutable::point(
                tx,
                repository,
                tag.as_str(),
                id,
                &manifest.digest,
                &pusher.name,
                now,
            )
            .await?;
        }
        if let Some(guard) = guard.filter(|_| new) {
            let artifact = Artifact {
                project: pusher.project,
                repository: &name,
                digest: manifest.digest.as_str(),
                media_type: &manifest.media_type,
                kind: &manifest.kind,
                accessory: manifest.accessory_type.is_some(),
            };
            guard.pushed(tx, artifact, now).await?;
        }
        let pushed = ArtifactEvent {
            repository: name.clone(),
            digest: manifest.digest.to_string(),
            tags: tags.iter().map(ToString::to_string).collect(),
        };
        let event = events::of(&entry, Happening::PushArtifact(pushed));
        outbox.publish_all(tx, event.as_slice()).await?;
        let resource = match tags.first() {
            Some(tag) => format!("{name}:{tag}"),
            None => format!("{name}@{}", manifest.digest),
        };
        Ok(Entry {
            operation: "push".to_owned(),
            resource_type: "artifact".to_owned(),
            resource,
            repository: name,
            tag: tags.first().map(ToString::to_string).unwrap_or_default(),
            digest: manifest.digest.to_string(),
            ..entry
        })
    }
}

/// The digest and the tags a push is for.
fn name_push(push: &Push) -> Result<(Digest, Vec<TagName>), RegistryError> {
    match &push.reference {
        Reference::Tag(tag) => {
            let digest = Digest::of(berth_oci::Algorithm::Sha256, &push.payload);
            let mut tags = vec![tag.clone()];
            tags.extend(push.tags.iter().filter(|more| *more != tag).cloned());
            Ok((digest, tags))
        }
        Reference::Digest(expected) => {
            let digest = Digest::of(expected.algorithm(), &push.payload);
            if digest != *expected {
                return Err(RegistryError::DigestInvalid(format!(
                    "the manifest's digest is {digest}, not {expected}"
                )));
            }
            if push.tags.len() > Limits::PUSH_TAGS {
                return Err(RegistryError::Invalid(format!(
                    "at most {} tags may be given with one manifest",
                    Limits::PUSH_TAGS
                )));
            }
            Ok((digest, push.tags.clone()))
        }
    }
}

pub(crate) fn describe(
    manifest: &Manifest,
    digest: &Digest,
    tags: &[TagName],
    attributes: String,
    payload: &Bytes,
) -> Result<NewManifest, RegistryError> {
    let json = |error: serde_json::Error| RegistryError::Invalid(error.to_string());
    let mut references = Vec::new();
    if let Some(config) = &manifest.config {
        references.push(reference("config", config, true).map_err(json)?);
    }
    for layer in &manifest.layers {
        // Layers that may not be distributed stay with their publisher (image-spec, layer.md).
        let required = !layer.is_non_distributable();
        references.push(reference("layer", layer, required).map_err(json)?);
    }
    for child in &manifest.manifests {
        // An index may be sparse, and a build cache's entries are layers.
        references.push(reference("manifest", child, false).map_err(json)?);
    }
    let tag = tags.first().map(TagName::as_str);
    Ok(NewManifest {
        digest: digest.clone(),
        media_type: manifest.media_type.clone(),
        artifact_type: manifest.effective_artifact_type().map(Into::into),
        config_media_type: manifest
            .config
            .as_ref()
            .map(|config| config.media_type.clone()),
        kind: artifact_type_name(manifest),
        subject_digest: manifest
            .subject
            .as_ref()
            .map(|subject| subject.digest.to_string()),
        accessory_type: accessory_type(manifest, tag),
        annotations: serde_json::to_string(&manifest.annotations).map_err(json)?,
        attributes,
        payload: payload.to_vec(),
        references,
    })
}

fn reference(
    kind: &'static str,
    descriptor: &Descriptor,
    required: bool,
) -> Result<NewReference, serde_json::Error> {
    let platform = descriptor
        .platform
        .as_ref()
        .map(serde_json::to_string)
        .transpose()?;
    let annotations = descriptor
        .annotations
        .as_ref()
        .map(serde_json::to_string)
        .transpose()?;
    let urls = match descriptor.urls.as_slice() {
        [] => None,
        urls => Some(serde_json::to_string(urls)?),
    };
    Ok(NewReference {
        kind,
        digest: descriptor.digest.to_string(),
        media_type: descriptor.media_type.clone(),
        size: descriptor.size as i64,
        platform,
        annotations,
        urls,
        required,
    })
}

/// The parts of an image config that lists show: Harbor's `extra_attrs`.
fn read_config(bytes: &[u8]) -> String {
    let Ok(serde_json::Value::Object(config)) = serde_json::from_slice(bytes) else {
        return "{}".to_owned();
    };
    let shown = [
        "architecture",
        "os",
        "os.version",
        "variant",
        "created",
        "author",
        "config",
    ];
    let attributes: serde_json::Map<_, _> = config
        .into_iter()
        .filter(|(key, _)| shown.contains(&key.as_str()))
        .collect();
    serde_json::Value::Object(attributes).to_string()
}
