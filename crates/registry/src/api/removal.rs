//! Deleting an artifact with all that is there only for it, and a repository whole.
//!
//! Invariant: what another index names, and what is tagged, is not deleted as a part of
//! something else.

use std::collections::VecDeque;

use axum::extract::State;
use berth_catalog::{record_in, repositories};
use berth_db::Tx;
use berth_http::ApiError;
use berth_iam::Caller;
use berth_model::RepositoryId;

use super::place::{Addressed, Place};
use super::precondition;
use crate::events::{self, Gone};
use crate::store::listing::{family, removing};
use crate::store::trash;
use crate::trash::Deletion;
use crate::{Registry, RegistryError, immutable, manifests};

/// Most manifests that go with one. What is left of a larger family becomes visible in the list.
const FAMILY: usize = 2_000;

/// `DELETE` of an artifact, by digest or by a tag: with every tag on it, as Harbor does.
pub(super) async fn artifact(
    State(registry): State<Registry>,
    caller: Caller,
    addressed: Addressed,
) -> Result<(), ApiError> {
    Ok(registry.remove_artifact(&caller, addressed).await?)
}

/// `DELETE` of a repository.
pub(super) async fn repository(
    State(registry): State<Registry>,
    caller: Caller,
    place: Place,
) -> Result<(), ApiError> {
    Ok(registry.remove_repository(&caller, place).await?)
}

impl Registry {
    async fn remove_artifact(
        &self,
        caller: &Caller,
        addressed: Addressed,
    ) -> Result<(), RegistryError> {
        let mut entry = addressed.place.entry(self, caller, "delete", "artifact");
        entry.resource = addressed.written();
        entry.tag = addressed
            .reference
            .tag()
            .map(ToString::to_string)
            .unwrap_or_default();
        let deletion = self.deletion(&entry.username, entry.at);
        let cache = self.inner.cache.clone();
        let outbox = self.inner.catalog.outbox().clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (id, project) = (addressed.place.repository.id, addressed.place.facts.id);
                    if !family::hold(tx, id, project.get()).await? {
                        return Err(addressed.place.gone());
                    }
                    let found = family::find(tx, id, &addressed.reference).await?;
                    let found = found.ok_or_else(|| addressed.gone())?;
                    if let Some(index) = family::index_of(tx, id, &found.digest).await? {
                        return Err(precondition(format!(
                            "artifact {} is part of the index {index}: delete that first",
                            addressed.written()
                        )));
                    }
                    let removal = Removal {
                        repository: id,
                        deletion,
                    };
                    let gone = removal.run(tx, found).await?;
                    outbox
                        .publish_all(tx, &events::of_removed(&entry, gone))
                        .await?;
                    record_in(tx, entry).await?;
                    let name = addressed.place.repository.name;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(())
                })
            })
            .await
    }

    async fn remove_repository(&self, caller: &Caller, place: Place) -> Result<(), RegistryError> {
        let mut entry = place.entry(self, caller, "delete", "repository");
        entry.resource.clone_from(&place.repository.name);
        let deletion = self.deletion(&entry.username, entry.at);
        let cache = self.inner.cache.clone();
        let outbox = self.inner.catalog.outbox().clone();
        self.inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (id, project) = (place.repository.id, place.facts.id);
                    if !removing::claim(tx, id, project.get()).await? {
                        return Err(place.gone());
                    }
                    immutable::guard_repository(tx, id).await?;
                    events::all_deleted(tx, &outbox, &entry, id).await?;
                    if deletion.keep {
                        trash::keep_repository(tx, id, &deletion.by, deletion.now).await?;
                    }
                    removing::empty(tx, (project, id), deletion.review_at).await?;
                    repositories::delete(tx, id).await?;
                    record_in(tx, entry).await?;
                    let name = place.repository.name;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(())
                })
            })
            .await
    }
}

/// How a manifest came to be deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Asked,
    /// It was there for a manifest that is gone.
    Accessory,
    /// An index that named it is gone.
    Entry,
}

/// The deletion of a manifest of a held repository.
pub(crate) struct Removal {
    pub(crate) repository: RepositoryId,
    pub(crate) deletion: Deletion,
}

impl Removal {
    /// Deletes a manifest, then what was there only because of it, and so on; gives the digests of
    /// all that is gone, with their tags.
    pub(crate) async fn run(
        &self,
        tx: &mut Tx,
        root: family::Member,
    ) -> Result<Vec<Gone>, RegistryError> {
        let mut waiting = VecDeque::from([(root, Why::Asked)]);
        let mut removed = Vec::new();
        while let Some((manifest, why)) = waiting.pop_front() {
            if removed.len() == FAMILY || self.stays(tx, &manifest, why).await? {
                continue;
            }
            let room = FAMILY as i64;
            let accessories =
                family::accessories(tx, self.repository, &manifest.digest, room).await?;
            let entries = family::children(tx, manifest.id).await?;
            let gone =
                manifests::remove(tx, self.repository, &manifest.digest, &self.deletion).await?;
            let Some(tags) = gone else { continue };
            removed.push((manifest.digest, tags));
            // Accessories first: what is kept because an index of theirs names it comes again,
            // as an entry of that index.
            waiting.extend(
                accessories
                    .into_iter()
                    .map(|member| (member, Why::Accessory)),
            );
            waiting.extend(entries.into_iter().map(|member| (member, Why::Entry)));
        }
        Ok(removed)
    }

    async fn stays(
        &self,
        tx: &mut Tx,
        manifest: &family::Member,
        why: Why,
    ) -> Result<bool, RegistryError> {
        Ok(match why {
            Why::Asked => false,
            Why::Accessory => family::index_of(tx, self.repository, &manifest.digest)
                .await?
                .is_some(),
            Why::Entry => removing::stands_alone(tx, self.repository, &manifest.digest).await?,
        })
    }
}
