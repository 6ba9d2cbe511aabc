//! Copying an artifact into a repository, from anywhere in the registry that the caller may read.
//!
//! Invariant: a copy is whole or not there: the manifest, what it names, its accessories and
//! their blobs are linked in one transaction. No bytes are moved.

use std::collections::{HashSet, VecDeque};

use axum::extract::State;
use axum::response::IntoResponse;
use berth_catalog::{CatalogError, Entry, record_in, repositories};
use berth_db::Tx;
use berth_http::ApiError;
use berth_iam::{Caller, Parameter, Permission, ProjectFacts, Refusal, allows};
use berth_model::{
    Action, ArtifactEvent, Happening, ManifestId, ProjectId, RepositoryId, Resource, Timestamp,
};
use berth_oci::{Digest, Reference, RepositoryName};

use super::params::{Params, address, created};
use super::place::{Named, written};
use super::{not_found, precondition};
use crate::store::blobs::due;
use crate::store::listing::{copying as store, family};
use crate::store::{contents, manifests, reviews};
use crate::{Registry, RegistryError, events, immutable};

/// Most manifests, and most tags of each, that one copy takes along.
const FAMILY: usize = 1_000;
const TAGS: usize = 1_000;

/// What is copied.
pub(super) const FROM: &[Parameter] = &[Parameter::text(
    "from",
    "`project/repository:tag` or `project/repository@digest`.",
)
.required()];

/// `POST` of a copy: `from` is `project/repository:tag` or `project/repository@digest`.
pub(super) async fn copy(
    State(registry): State<Registry>,
    caller: Caller,
    named: Named,
    params: Params,
) -> Result<impl IntoResponse, ApiError> {
    let (source, reference) = read_from(params.text("from"))?;
    let target = RepositoryName::parse(&named.repository)?;
    let facts = registry.readable(&caller, source.project()).await?;
    let digest = registry.copy_artifact(&caller, &facts, &source, reference, &named, &target);
    Ok(created(&address(target.as_str(), &digest.await?)))
}

fn read_from(from: &str) -> Result<(RepositoryName, Reference), ApiError> {
    let malformed = || {
        ApiError::bad_request(format!(
            "from in query must be project/repository:tag or project/repository@digest, not {from:?}"
        ))
    };
    let (name, reference) = from
        .split_once('@')
        .or_else(|| from.rsplit_once(':'))
        .ok_or_else(malformed)?;
    let name = RepositoryName::parse(name).map_err(|_| malformed())?;
    let reference = Reference::parse(reference).map_err(|_| malformed())?;
    Ok((name, reference))
}

impl Registry {
    /// The project a copy is taken from. One that is not there and one that is hidden from the
    /// caller are refused alike.
    async fn readable(&self, caller: &Caller, project: &str) -> Result<ProjectFacts, ApiError> {
        let read = Permission::new(Resource::Artifact, Action::Read);
        let facts = self
            .inner
            .catalog
            .project_facts(&caller.actor, project)
            .await?;
        facts
            .filter(|facts| allows(&caller.actor, facts, read))
            .ok_or_else(|| Refusal::of(&caller.actor, read, Some(project)).into())
    }

    async fn copy_artifact(
        &self,
        caller: &Caller,
        facts: &ProjectFacts,
        source: &RepositoryName,
        reference: Reference,
        named: &Named,
        target: &RepositoryName,
    ) -> Result<String, RegistryError> {
        let now = self.inner.clock.now();
        let work = Copy {
            from_project: facts.id,
            from: source.to_string(),
            reference,
            project: named.facts.id,
            to: target.to_string(),
            by: caller.actor.name().to_owned(),
            review_at: due(now, self.inner.options.grace),
            now,
        };
        let entry = Entry {
            repository: target.to_string(),
            ..Entry::by(caller, "create", "artifact", now).in_project(named.facts.id)
        };
        let (cache, limited) = (self.inner.cache.clone(), self.limited());
        let outbox = self.inner.catalog.outbox().clone();
        let charged = self.quota_push(&work.by, &work.to, "");
        let (told, project) = (charged.clone(), work.project);
        let copied = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    contents::limit(tx, limited, charged);
                    let (digest, tags) = work.run(tx).await?;
                    let copied = ArtifactEvent {
                        repository: work.to.clone(),
                        digest: digest.clone(),
                        tags,
                    };
                    let event = events::of(&entry, Happening::PushArtifact(copied));
                    outbox.publish_all(tx, event.as_slice()).await?;
                    let resource = format!("{}@{digest}", work.to);
                    record_in(
                        tx,
                        Entry {
                            resource,
                            digest: digest.clone(),
                            ..entry
                        },
                    )
                    .await?;
                    tx.after_commit(move || cache.changed(&work.to));
                    Ok(digest)
                })
            })
            .await;
        self.tell_refusal(project, told, copied).await
    }
}

#[derive(Clone)]
struct Copy {
    from_project: ProjectId,
    from: String,
    reference: Reference,
    project: ProjectId,
    to: String,
    by: String,
    review_at: Timestamp,
    now: Timestamp,
}

impl Copy {
    /// Gives the digest of what was copied, and its tags.
    async fn run(&self, tx: &mut Tx) -> Result<(String, Vec<String>), RegistryError> {
        let missing = || {
            not_found(format_args!(
                "artifact {}",
                written(&self.from, &self.reference)
            ))
        };
        let found = repositories::find(tx, &self.from).await?;
        let source = found
            .filter(|found| found.project_id == self.from_project)
            .ok_or_else(missing)?
            .id;
        if !family::hold(tx, source, self.from_project.get()).await? {
            return Err(missing());
        }
        let root = family::find(tx, source, &self.reference)
            .await?
            .ok_or_else(missing)?;
        let digest = root.digest.clone();
        let members = self.gather(tx, source, root).await?;
        let (target, _) = repositories::ensure(tx, self.project, &self.to, self.now).await?;
        let mut ids: Vec<i64> = members.iter().map(|member| member.id.get()).collect();
        ids.sort_unstable();
        if !store::hold(tx, &ids).await? {
            return Err(CatalogError::Conflict(format!(
                "{} was changed while it was copied: try again",
                written(&self.from, &self.reference)
            ))
            .into());
        }
        let mut named = Vec::new();
        for (n, member) in members.iter().enumerate() {
            let id = self.place(tx, member, target).await?;
            for name in self.tags(tx, member, n == 0).await? {
                named.push((name, id, member.digest.clone()));
            }
        }
        let blobs = store::blobs_of(tx, &ids).await?;
        let into = (self.project, target);
        if !store::link(tx, source, into, &blobs, self.review_at, self.now).await? {
            return Err(precondition(format!(
                "a layer of {} is missing or damaged: push the artifact again, then copy it",
                written(&self.from, &self.reference)
            )));
        }
        // In one order, as pushes do, so that no two wait for each other.
        named.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let mut tagged = Vec::new();
        for (name, id, of) in named {
            let of_digest: Digest = of.parse().map_err(|_| missing())?;
            immutable::point(tx, target, &name, id, &of_digest, &self.by, self.now).await?;
            if of == digest {
                tagged.push(name);
            }
        }
        Ok((digest, tagged))
    }

    /// The artifact, what it names and what belongs to it, and so on; itself first.
    async fn gather(
        &self,
        tx: &mut Tx,
        source: RepositoryId,
        root: family::Member,
    ) -> Result<Vec<family::Member>, RegistryError> {
        let too_many = || {
            precondition(format!(
                "{} has more than {FAMILY} parts and accessories: copy it with a client",
                written(&self.from, &self.reference)
            ))
        };
        let mut seen: HashSet<ManifestId> = HashSet::from([root.id]);
        let mut waiting = VecDeque::from([root]);
        let mut members = Vec::new();
        while let Some(member) = waiting.pop_front() {
            let room = FAMILY as i64 + 1;
            let mut next = family::children(tx, member.id).await?;
            next.extend(family::accessories(tx, source, &member.digest, room).await?);
            members.push(member);
            waiting.extend(next.into_iter().filter(|member| seen.insert(member.id)));
            if members.len() + waiting.len() > FAMILY {
                return Err(too_many());
            }
        }
        Ok(members)
    }

    /// The manifest in the target, whose row is locked until the end.
    async fn place(
        &self,
        tx: &mut Tx,
        member: &family::Member,
        target: RepositoryId,
    ) -> Result<ManifestId, RegistryError> {
        let copied = store::copy(tx, member.id, target, &self.by, self.now).await?;
        if let Some((id, size)) = copied {
            contents::hold(tx, self.project, &member.digest, size);
            reviews::ask(tx, id, self.now);
            return Ok(id);
        }
        let there = manifests::lock(tx, target, &member.digest).await?;
        there.ok_or_else(|| not_found(format_args!("artifact {}@{}", self.to, member.digest)))
    }

    /// All tags of the artifact itself; of its parts only those that say what they belong to.
    async fn tags(
        &self,
        tx: &mut Tx,
        member: &family::Member,
        itself: bool,
    ) -> Result<Vec<String>, RegistryError> {
        let found = store::tags_of(tx, member.id, itself, TAGS as i64 + 1).await?;
        if found.len() > TAGS {
            return Err(precondition(format!(
                "{}@{} has more than {TAGS} tags: copy it with a client",
                self.from, member.digest
            )));
        }
        Ok(found)
    }
}
