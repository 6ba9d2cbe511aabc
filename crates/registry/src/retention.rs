//! What retention needs of a repository, and its deletions.
//!
//! Invariant: a tag is deleted only while it is as it was when it was judged, and an artifact only
//! if in that very transaction nothing needs it; whatever was pushed meanwhile stays.

use std::collections::HashMap;

use berth_catalog::record_in;
use berth_db::Tx;
use berth_iam::Author;
use berth_model::{ProjectId, RepositoryId, Timestamp};
use berth_oci::{Digest, Reference, TagName, fallback_tag};
use berth_policy::{Candidate, Held, Immutability, Tagged};

use crate::api::removal::Removal;
use crate::events::{self, Gone};
use crate::store::listing::family;
use crate::store::{retention as store, reviews};
use crate::trash::Deletion;
use crate::{Registry, RegistryError, immutable};

/// What is in a repository, as retention looks at it.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Its tags.
    pub tags: Vec<Tagged>,
    /// Its artifacts.
    pub held: Vec<Held>,
    /// The rules that keep some of its tags as they are.
    pub immutable: Immutability,
}

/// What became of a tag or artifact that no rule keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retired {
    /// The tag is gone; its artifact is needed by something else.
    Tag,
    /// The artifact is gone, with so many in all.
    Artifacts(u64),
    /// It was changed since it was judged: it stays.
    Changed,
}

impl Registry {
    /// A page of a project's repositories after the row `after`: their ids and whole names.
    pub async fn repositories_after(
        &self,
        project: ProjectId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(i64, String)>, RegistryError> {
        Ok(store::repositories(&self.inner.db, project, after, limit).await?)
    }

    /// The contents of a repository of a project; `None` when there is no such repository.
    pub async fn contents(
        &self,
        project: ProjectId,
        repository: &str,
    ) -> Result<Option<Contents>, RegistryError> {
        let found = self.inner.catalog.find_repository(repository).await?;
        let Some(found) = found.filter(|found| found.project_id == project) else {
            return Ok(None);
        };
        let db = &self.inner.db;
        let fresh = self
            .inner
            .clock
            .now()
            .minus(self.inner.options.grace)
            .micros();
        // In this order: what is pushed meanwhile has a tag without an artifact, and is not judged.
        let held = store::held(db, found.id).await?;
        let entries = store::entries(db, found.id).await?;
        let tags = store::tags(db, found.id).await?;
        let mut children: HashMap<i64, Vec<String>> = HashMap::new();
        for (index, digest) in entries {
            children.entry(index).or_default().push(digest);
        }
        // What clients without the referrers API attach says in its tag what it belongs to.
        let mut attached: HashMap<String, String> = HashMap::new();
        let by_tag: HashMap<&str, &str> = tags
            .iter()
            .filter(|tag| tag.name.starts_with("sha"))
            .map(|tag| (tag.name.as_str(), tag.digest.as_str()))
            .collect();
        if !by_tag.is_empty() {
            for row in &held {
                let Ok(digest) = row.digest.parse::<Digest>() else {
                    continue;
                };
                let name = fallback_tag(&digest);
                for ending in ["", ".sig", ".att", ".sbom"] {
                    if let Some(found) = by_tag.get(format!("{name}{ending}").as_str()) {
                        attached.insert((*found).to_owned(), row.digest.clone());
                    }
                }
            }
        }
        let time = Timestamp::from_micros;
        Ok(Some(Contents {
            tags: tags
                .into_iter()
                .map(|tag| Tagged {
                    name: tag.name,
                    digest: tag.digest,
                    pushed_at: time(tag.pushed_at),
                    pulled_at: tag.pulled_at.map(time),
                })
                .collect(),
            held: held
                .into_iter()
                .map(|row| Held {
                    children: children.remove(&row.id).unwrap_or_default(),
                    fresh: row.since.is_some_and(|since| since > fresh),
                    subject: row.subject_digest.or_else(|| attached.remove(&row.digest)),
                    digest: row.digest,
                    pushed_at: time(row.pushed_at),
                    pulled_at: row.pulled_at.map(time),
                })
                .collect(),
            immutable: self.immutability(project).await?.of(repository),
        }))
    }

    /// Deletes a tag or an untagged artifact that no rule keeps, and with the last tag the
    /// artifact where `whole` says so and nothing needs it.
    pub async fn retire(
        &self,
        project: ProjectId,
        repository: &str,
        candidate: &Candidate,
        whole: bool,
    ) -> Result<Retired, RegistryError> {
        let now = self.inner.clock.now();
        let mut entry = Author::server()
            .did("delete", "artifact", now)
            .in_project(project)
            .saying("tag retention");
        repository.clone_into(&mut entry.repository);
        entry.digest.clone_from(&candidate.digest);
        entry.resource = match &candidate.tag {
            Some(tag) => {
                "tag".clone_into(&mut entry.resource_type);
                entry.tag.clone_from(tag);
                format!("{repository}:{tag}")
            }
            None => format!("{repository}@{}", candidate.digest),
        };
        let work = Retirement {
            project,
            repository: repository.to_owned(),
            candidate: candidate.clone(),
            whole,
            deletion: self.deletion(&entry.username, now),
            fresh: now.minus(self.inner.options.grace).micros(),
        };
        let cache = self.inner.cache.clone();
        let outbox = self.inner.catalog.outbox().clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (retired, gone) = work.run(tx).await?;
                    outbox
                        .publish_all(tx, &events::of_removed(&entry, gone))
                        .await?;
                    if retired != Retired::Changed {
                        record_in(tx, entry).await?;
                        tx.after_commit(move || cache.changed(&work.repository));
                    }
                    Ok(retired)
                })
            })
            .await
    }
}

#[derive(Clone)]
struct Retirement {
    project: ProjectId,
    repository: String,
    candidate: Candidate,
    whole: bool,
    deletion: Deletion,
    /// Since when a manifest without a tag may be about to be named by a push.
    fresh: i64,
}

impl Retirement {
    async fn run(&self, tx: &mut Tx) -> Result<(Retired, Vec<Gone>), RegistryError> {
        const CHANGED: (Retired, Vec<Gone>) = (Retired::Changed, Vec::new());
        let found = berth_catalog::repositories::find(tx, &self.repository).await?;
        let Some(found) = found.filter(|found| found.project_id == self.project) else {
            return Ok(CHANGED);
        };
        let id = found.id;
        if !family::hold(tx, id, self.project.get()).await? {
            return Ok(CHANGED);
        }
        let Ok(digest) = self.candidate.digest.parse::<Digest>() else {
            return Ok(CHANGED);
        };
        let locked = crate::store::manifests::lock(tx, id, digest.as_str()).await?;
        let Some(manifest) = locked else {
            return Ok(CHANGED);
        };
        if let Some(tag) = &self.candidate.tag
            && !self.untag(tx, id, tag).await?
        {
            return Ok(CHANGED);
        }
        let tagged = self.candidate.tag.is_some();
        if !tagged
            && store::since(tx, manifest)
                .await?
                .is_some_and(|since| since > self.fresh)
        {
            return Ok(CHANGED);
        }
        let needs = reviews::needs(tx, manifest).await?;
        if needs.tagged || needs.indexed || needs.belongs || !self.whole {
            return Ok(if tagged {
                (Retired::Tag, Vec::new())
            } else {
                CHANGED
            });
        }
        let removal = Removal {
            repository: id,
            deletion: self.deletion.clone(),
        };
        let member = family::Member {
            id: manifest,
            digest: self.candidate.digest.clone(),
        };
        let mut gone = removal.run(tx, member).await?;
        // Its last tag went first.
        if let (Some((_, tags)), Some(tag)) = (gone.first_mut(), &self.candidate.tag) {
            tags.push(tag.clone());
        }
        Ok((Retired::Artifacts(gone.len() as u64), gone))
    }

    /// Removes the tag if it is as it was when it was judged.
    async fn untag(
        &self,
        tx: &mut Tx,
        repository: RepositoryId,
        tag: &str,
    ) -> Result<bool, RegistryError> {
        let Ok(name) = TagName::parse(tag) else {
            return Ok(false);
        };
        let named = family::find(tx, repository, &Reference::Tag(name)).await?;
        if named.is_none_or(|named| named.digest != self.candidate.digest) {
            return Ok(false);
        }
        if store::pushed_at(tx, repository, tag).await? != Some(self.candidate.pushed_at.micros()) {
            return Ok(false);
        }
        immutable::untag(tx, repository, tag, &self.deletion).await
    }
}
