//! Mounting: a blob of one repository becomes one of another's without its bytes being sent
//! again (OCI distribution 1.1, end-11).
//!
//! Invariant: nobody learns or gets through a mount what they may not pull.

use berth_catalog::repositories;
use berth_iam::{Actor, Permission};
use berth_model::{Action, RepositoryId, Resource};
use berth_oci::{Digest, RepositoryName};

use crate::store::{blobs as store, contents};
use crate::{Pusher, Registry, RegistryError};

/// Repositories looked at for a mount that names none.
const CANDIDATES: i64 = 32;

impl Registry {
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
            Some(from) if self.may_pull(actor, from).await? => Some(from.clone()),
            Some(_) => None,
            None => self.readable_holder(actor, digest).await?,
        };
        let Some(source) = source else {
            return Ok(false);
        };
        let Some(source) = self.sound_copy(&source, digest).await? else {
            return Ok(false);
        };
        let now = self.inner.clock.now();
        let review_at = store::due(now, self.inner.options.grace);
        let (project, name, digest) = (
            pusher.project,
            repository.as_str().to_owned(),
            digest.clone(),
        );
        let (cache, limited) = (self.inner.cache.clone(), self.limited());
        let push = self.quota_push(&pusher.name, &name, "");
        let told = push.clone();
        let mounted = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    contents::limit(tx, limited, push);
                    let (target, _) = repositories::ensure(tx, project, &name, now).await?;
                    let mounted =
                        store::mount(tx, source, (project, target), &digest, review_at, now)
                            .await?;
                    tx.after_commit(move || cache.changed(&name));
                    Ok(mounted)
                })
            })
            .await;
        self.tell_refusal(project, told, mounted).await
    }

    /// The repository, if it holds the blob and the stored copy is whole. One that is not is found
    /// out now, while the client can still send its own.
    async fn sound_copy(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<RepositoryId>, RegistryError> {
        let found = store::find_link(&self.inner.db, repository.as_str(), digest).await?;
        let Some(link) = found else {
            return Ok(None);
        };
        match self.open(repository, digest, &link).await {
            Ok(_) => Ok(Some(RepositoryId(link.repository_id))),
            Err(RegistryError::BlobUnknown(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// A repository that holds the blob and that the caller may pull from.
    async fn readable_holder(
        &self,
        actor: &Actor,
        digest: &Digest,
    ) -> Result<Option<RepositoryName>, RegistryError> {
        let user = self.holder(actor).await?;
        let pull = Permission::new(Resource::Repository, Action::Pull);
        for holder in store::holders(&self.inner.db, digest, CANDIDATES).await? {
            let facts = self
                .inner
                .catalog
                .project_facts_by_id(&user, holder.project_id)
                .await?;
            if facts.is_some_and(|facts| berth_iam::access::allows(&user, &facts, pull)) {
                return Ok(RepositoryName::parse(&holder.repository).ok());
            }
        }
        Ok(None)
    }
}
