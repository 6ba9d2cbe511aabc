//! Deleting manifests that nothing needs any more, for garbage collection.
//!
//! Invariant: a manifest is deleted only in the transaction that looked at all that may need it,
//! under its own lock and its repository's. A pusher who was told that it is there has a whole
//! grace to name it.

use berth_catalog::record_in;
use berth_iam::Author;
use berth_model::ManifestId;
use berth_oci::{Reference, RepositoryName};

use crate::api::removal::Removal;
use crate::store::listing::family;
use crate::store::manifests as rows;
use crate::store::reviews;
use crate::{Registry, RegistryError, events};

/// What became of a manifest under review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reviewed {
    /// It is deleted.
    Deleted {
        /// Where it was: `project/repository@digest`.
        resource: String,
        /// How many went, with what belonged to it.
        manifests: u64,
    },
    /// Something needs it, or it is gone already.
    Kept,
}

impl Registry {
    /// Deletes a manifest that has no tag, that no index names and that belongs to nothing, and
    /// what is there only for it. `since` is what its review said when it was found due.
    pub async fn review_manifest(
        &self,
        manifest: ManifestId,
        since: i64,
    ) -> Result<Reviewed, RegistryError> {
        let now = self.inner.clock.now();
        let deletion = self.deletion(&Author::server().did("", "", now).username, now);
        let cache = self.inner.cache.clone();
        let outbox = self.inner.catalog.outbox().clone();
        let reviewed = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let Some(found) = reviews::find(tx, manifest).await? else {
                        reviews::end(tx, manifest, since).await?;
                        return Ok(Reviewed::Kept);
                    };
                    let repository = found.repository_id;
                    if !family::hold(tx, repository, found.project_id).await?
                        || rows::lock(tx, repository, &found.digest).await?.is_none()
                        || !reviews::end(tx, manifest, since).await?
                    {
                        return Ok(Reviewed::Kept);
                    }
                    let needs = reviews::needs(tx, manifest).await?;
                    if needs.subject && !(needs.tagged || needs.indexed || needs.belongs) {
                        // Nobody tells when that tag goes: look again.
                        reviews::ask(tx, manifest, now);
                        return Ok(Reviewed::Kept);
                    }
                    if needs.tagged || needs.indexed || needs.belongs {
                        return Ok(Reviewed::Kept);
                    }
                    let resource = format!("{}@{}", found.repository, found.digest);
                    let mut entry = Author::server()
                        .did("delete", "artifact", now)
                        .on(resource.clone())
                        .in_project(berth_model::ProjectId(found.project_id))
                        .saying("garbage collection of untagged artifacts");
                    entry.repository.clone_from(&found.repository);
                    entry.digest.clone_from(&found.digest);
                    let member = family::Member {
                        id: manifest,
                        digest: found.digest,
                    };
                    let gone = Removal {
                        repository,
                        deletion,
                    }
                    .run(tx, member)
                    .await?;
                    let manifests = gone.len() as u64;
                    outbox
                        .publish_all(tx, &events::of_removed(&entry, gone))
                        .await?;
                    record_in(tx, entry).await?;
                    tx.after_commit(move || cache.changed(&found.repository));
                    Ok(Reviewed::Deleted {
                        resource,
                        manifests,
                    })
                })
            })
            .await;
        match reviewed {
            // Something that would go with it is immutable: it stays, and is looked at again.
            Err(RegistryError::Immutable { .. }) => {
                self.inner
                    .db
                    .write::<_, RegistryError, _>(move |tx| {
                        Box::pin(async move {
                            reviews::ask(tx, manifest, now);
                            Ok(())
                        })
                    })
                    .await?;
                Ok(Reviewed::Kept)
            }
            other => other,
        }
    }

    /// Sees to it that a manifest that a pusher is told of stays for a grace: clients that find it
    /// there do not send it again.
    pub(crate) async fn promise_manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
        row: &rows::PullRow,
    ) -> Result<(), RegistryError> {
        let id = ManifestId(row.manifest_id);
        let now = self.inner.clock.now();
        let fresh = now.minus(self.inner.options.grace / 4).micros();
        let there = match reviews::since(&self.inner.db, id).await? {
            None => false,
            Some(since) if since.is_none_or(|since| fresh < since) => true,
            Some(_) => {
                self.inner
                    .db
                    .write::<_, RegistryError, _>(move |tx| {
                        Box::pin(async move { Ok(reviews::renew(tx, id, now).await?) })
                    })
                    .await?
            }
        };
        if there {
            Ok(())
        } else {
            self.inner.cache.changed(repository.as_str());
            Err(RegistryError::ManifestUnknown(reference.to_string()))
        }
    }
}
