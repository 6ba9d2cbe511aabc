//! What was deleted and can be brought back, and what tags pointed to before.
//!
//! Invariants: what is in the trash is of no repository, so nobody can read it or what it names;
//! its blobs have no link and are charged to nobody, and are kept from garbage collection by the
//! trash alone; bringing it back is a push of the same bytes, with all that a push must satisfy,
//! or nothing.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use berth_catalog::{CatalogError, Entry, Outbox, record_in, repositories};
use berth_db::Tx;
use berth_iam::Caller;
use berth_model::{ProjectId, RepositoryId, Timestamp};
use berth_oci::{Digest, Manifest, Reference, TagName, fallback_tag};
use bytes::Bytes;

use crate::manifests::{PushWork, describe};
use crate::store::blobs::due;
use crate::store::listing::{self, family};
use crate::store::manifests;
use crate::store::trash::{self as store, DeletedRow, HistoryRow, TrashedRow, Within};
use crate::{Pusher, Registry, RegistryError, immutable};

/// Most manifests that are brought back together with one tag.
const FAMILY: usize = 1_000;
/// Most manifests of a repository that is brought back.
const REPOSITORY: usize = 100_000;
/// Manifests that are emptied out of the trash at once.
const BATCH: i64 = 100;
/// How far back in its history a tag is followed.
const SPANS: i64 = 1_000;
const DAY: Duration = Duration::from_hours(24);

/// How something is deleted.
#[derive(Clone, Debug)]
pub(crate) struct Deletion {
    /// By whom.
    pub(crate) by: String,
    /// When.
    pub(crate) now: Timestamp,
    /// When garbage collection looks at its blobs.
    pub(crate) review_at: Timestamp,
    /// Whether it is kept in the trash.
    pub(crate) keep: bool,
}

/// What was brought back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Restored {
    pub(crate) digest: String,
    pub(crate) artifacts: usize,
    pub(crate) tags: usize,
}

impl Registry {
    pub(crate) fn deletion(&self, by: &str, now: Timestamp) -> Deletion {
        Deletion {
            by: by.to_owned(),
            now,
            review_at: due(now, self.inner.options.grace),
            keep: self.window() > Duration::ZERO,
        }
    }

    /// How long what was deleted can be brought back.
    fn window(&self) -> Duration {
        let days = self.inner.catalog.settings().undelete_days;
        DAY * u32::try_from(days).unwrap_or(0)
    }

    /// Since when something must have been deleted to be brought back now.
    pub(crate) fn restorable_since(&self) -> Timestamp {
        self.inner.clock.now().minus(self.window())
    }

    /// Empties the trash of what was deleted too long ago, or of everything. Gives the number of
    /// manifests; their blobs are then garbage like any other.
    pub async fn empty_trash(&self, everything: bool) -> Result<u64, RegistryError> {
        let now = self.inner.clock.now();
        let cutoff = if everything || self.window() == Duration::ZERO {
            // What was deleted in this very moment, too.
            now.plus(Duration::from_micros(1))
        } else {
            self.restorable_since()
        };
        let mut emptied = 0;
        loop {
            let gone = self
                .inner
                .db
                .write::<_, RegistryError, _>(move |tx| {
                    Box::pin(async move { Ok(store::expire(tx, cutoff, BATCH, now).await?) })
                })
                .await?;
            if gone == 0 {
                return Ok(emptied);
            }
            emptied += gone;
        }
    }

    pub(crate) async fn tag_history(
        &self,
        repository: RepositoryId,
        tag: &TagName,
        part: (i64, i64),
    ) -> Result<(Vec<HistoryRow>, i64), RegistryError> {
        let since = self.restorable_since();
        let found = store::history(&self.inner.db, repository, tag.as_str(), since, part);
        Ok(found.await?)
    }

    pub(crate) async fn deleted_repositories(
        &self,
        project: ProjectId,
        part: (i64, i64),
    ) -> Result<(Vec<DeletedRow>, i64), RegistryError> {
        let since = self.restorable_since();
        Ok(store::repositories(&self.inner.db, project, since, part).await?)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Points a tag to what it pointed to before, or to `digest`, which it pointed to some time.
    pub(crate) async fn restore_tag(
        &self,
        caller: &Caller,
        (project, repository): (ProjectId, String),
        tag: TagName,
        digest: Option<Digest>,
        mut entry: Entry,
    ) -> Result<Restored, RegistryError> {
        entry.resource = format!("{repository}:{tag}");
        entry.tag = tag.to_string();
        let work = self.restoring(caller, project, &repository, &entry);
        let cache = self.inner.cache.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let restored = work.tag(tx, &tag, digest.as_ref()).await?;
                    entry.digest.clone_from(&restored.digest);
                    record_in(tx, entry).await?;
                    tx.after_commit(move || cache.changed(&repository));
                    Ok(restored)
                })
            })
            .await
    }

    /// Brings a deleted repository back. What was pushed under its name meanwhile stays as it is.
    pub(crate) async fn restore_repository(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: i64,
        mut entry: Entry,
    ) -> Result<Restored, RegistryError> {
        let work = self.restoring(caller, project, "", &entry);
        let cache = self.inner.cache.clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (name, restored) = work.repository(tx, id).await?;
                    entry.resource.clone_from(&name);
                    entry.repository.clone_from(&name);
                    record_in(tx, entry).await?;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(restored)
                })
            })
            .await
    }

    fn restoring(
        &self,
        caller: &Caller,
        project: ProjectId,
        repository: &str,
        entry: &Entry,
    ) -> Restoring {
        Restoring {
            pusher: Pusher {
                name: caller.actor.name().to_owned(),
                address: caller.address,
                project,
            },
            within: Within {
                project,
                repository: repository.to_owned(),
                since: self.restorable_since(),
            },
            review_at: due(entry.at, self.inner.options.grace),
            now: entry.at,
            entry: entry.clone(),
            outbox: self.inner.catalog.outbox().clone(),
        }
    }
}

#[derive(Clone)]
struct Restoring {
    pusher: Pusher,
    within: Within,
    review_at: Timestamp,
    now: Timestamp,
    /// Who does it, for those who are told of pushes.
    entry: Entry,
    outbox: Outbox,
}

impl Restoring {
    async fn tag(
        &self,
        tx: &mut Tx,
        tag: &TagName,
        digest: Option<&Digest>,
    ) -> Result<Restored, RegistryError> {
        let name = &self.within.repository;
        let (repository, _) = repositories::ensure(tx, self.within.project, name, self.now).await?;
        let spans =
            store::history_in(tx, repository, tag.as_str(), self.within.since, SPANS).await?;
        let wanted = spans.iter().find(|span| match digest {
            Some(digest) => span.digest == digest.as_str(),
            None => (span.held || span.trashed) && !current(&spans, span),
        });
        let Some(wanted) = wanted else {
            return Err(not_found(format!(
                "nothing else that {name}:{tag} pointed to is known"
            )));
        };
        let digest: Digest = wanted
            .digest
            .parse()
            .map_err(|_| not_found(format!("{} is no digest", wanted.digest)))?;
        let reference = Reference::Digest(digest.clone());
        // Locked first, so that it stays.
        let held = match manifests::lock(tx, repository, digest.as_str()).await? {
            Some(_) => family::find(tx, repository, &reference).await?,
            None => None,
        };
        if let Some(held) = held {
            let by = self.pusher.name.as_str();
            immutable::point(tx, repository, tag.as_str(), held.id, &digest, by, self.now).await?;
            return Ok(Restored {
                digest: digest.to_string(),
                artifacts: 0,
                tags: 1,
            });
        }
        let mut restored = self
            .manifest_with_family(tx, repository, &digest, tag)
            .await?;
        restored.tags = 1;
        Ok(restored)
    }

    /// A manifest out of the trash with what it names and what belongs to it.
    async fn manifest_with_family(
        &self,
        tx: &mut Tx,
        repository: RepositoryId,
        digest: &Digest,
        tag: &TagName,
    ) -> Result<Restored, RegistryError> {
        let mut rows: Vec<(TrashedRow, Vec<TagName>)> = Vec::new();
        let mut waiting = VecDeque::from([digest.to_string()]);
        let mut seen: HashSet<String> = HashSet::from([digest.to_string()]);
        while let Some(next) = waiting.pop_front() {
            let Some(row) = store::find(tx, &self.within, &next).await? else {
                continue;
            };
            if rows.len() == FAMILY {
                return Err(CatalogError::Precondition(format!(
                    "more than {FAMILY} artifacts would have to be brought back: \
                     bring back those that belong to it first"
                ))
                .into());
            }
            let manifest = Manifest::parse(&row.payload, Some(&row.media_type))?;
            let mut more: Vec<String> = manifest
                .manifests
                .iter()
                .map(|child| child.digest.to_string())
                .collect();
            let names = fallback_tags(&next);
            if let Some(names) = &names {
                let room = FAMILY as i64;
                more.extend(store::accessories(tx, &self.within, &next, names, room).await?);
            }
            waiting.extend(
                more.into_iter()
                    .filter(|digest| seen.insert(digest.clone())),
            );
            let tags = if rows.is_empty() {
                vec![tag.clone()]
            } else {
                // Only those that say what a part belongs to.
                let had = store::tags_of(tx, row.id).await?;
                let had = had.iter().filter(|name| name.starts_with("sha"));
                had.filter_map(|name| TagName::parse(name).ok()).collect()
            };
            rows.push((row, tags));
        }
        if rows.is_empty() {
            return Err(not_found(format!(
                "{}@{digest} was deleted too long ago to be brought back",
                self.within.repository
            )));
        }
        let restored = Restored {
            digest: digest.to_string(),
            artifacts: rows.len(),
            tags: 0,
        };
        // What is named before what names it.
        for (row, tags) in rows.into_iter().rev() {
            self.push(tx, repository, row, tags).await?;
        }
        Ok(restored)
    }

    async fn repository(&self, tx: &mut Tx, id: i64) -> Result<(String, Restored), RegistryError> {
        let (project, since) = (self.within.project, self.within.since);
        let Some(found) = store::repository(tx, project, since, id).await? else {
            return Err(not_found(format!(
                "deleted repository {id} not found in this project"
            )));
        };
        let (repository, made) = repositories::ensure(tx, project, &found.name, self.now).await?;
        if made && !found.description.is_empty() {
            listing::describe(tx, repository, project, &found.description, self.now).await?;
        }
        let within = Within {
            repository: found.name.clone(),
            ..self.within.clone()
        };
        let digests = store::members(tx, id, REPOSITORY as i64 + 1).await?;
        if digests.len() > REPOSITORY {
            return Err(CatalogError::Precondition(format!(
                "the repository had more than {REPOSITORY} artifacts: it cannot be brought back at once"
            ))
            .into());
        }
        let work = Self {
            within,
            ..self.clone()
        };
        let mut restored = Restored::default();
        for digest in digests {
            let Some(row) = store::find(tx, &work.within, &digest).await? else {
                continue;
            };
            let mut tags = Vec::new();
            for name in store::tags_of(tx, row.id).await? {
                let Ok(tag) = TagName::parse(&name) else {
                    continue;
                };
                let reference = Reference::Tag(tag.clone());
                // What was pushed meanwhile is newer.
                if family::find(tx, repository, &reference).await?.is_none() {
                    tags.push(tag);
                }
            }
            restored.artifacts += 1;
            restored.tags += tags.len();
            work.push(tx, repository, row, tags).await?;
        }
        store::forget_repository(tx, id).await?;
        Ok((found.name, restored))
    }

    /// Links the blobs again and pushes the manifest.
    async fn push(
        &self,
        tx: &mut Tx,
        repository: RepositoryId,
        row: TrashedRow,
        tags: Vec<TagName>,
    ) -> Result<(), RegistryError> {
        let target = (self.within.project, repository);
        store::link(tx, target, row.id, self.review_at, self.now).await?;
        let manifest = Manifest::parse(&row.payload, Some(&row.media_type))?;
        let digest: Digest = row
            .digest
            .parse()
            .map_err(|_| not_found(format!("{} is no digest", row.digest)))?;
        let payload = Bytes::from(row.payload);
        let mut new = describe(&manifest, &digest, &tags, row.attributes, &payload)?;
        // It was whole when it was pushed, by the rules of that day.
        let there = store::has_all(tx, row.id).await?;
        if !there {
            return Err(CatalogError::Precondition(format!(
                "a layer of {}@{digest} is damaged: push the artifact again",
                self.within.repository
            ))
            .into());
        }
        for reference in &mut new.references {
            reference.required = false;
        }
        let work = PushWork {
            pusher: self.pusher.clone(),
            repository: self.within.repository.clone(),
            manifest: new,
            tags,
            sparse: false,
            now: self.now,
            entry: self.entry.clone(),
            outbox: self.outbox.clone(),
            guard: None,
        };
        work.run(tx).await?;
        Ok(store::forget(tx, row.id).await?)
    }
}

/// Whether a span says what the tag points to now.
fn current(spans: &[HistoryRow], span: &HistoryRow) -> bool {
    spans
        .iter()
        .any(|other| other.to_at.is_none() && other.digest == span.digest)
}

/// The tags under which clients without the referrers API keep what belongs to a manifest.
fn fallback_tags(digest: &str) -> Option<[String; 4]> {
    let name = fallback_tag(&digest.parse().ok()?);
    Some([
        name.clone(),
        format!("{name}.sig"),
        format!("{name}.att"),
        format!("{name}.sbom"),
    ])
}

fn not_found(message: String) -> RegistryError {
    CatalogError::NotFound(message).into()
}
