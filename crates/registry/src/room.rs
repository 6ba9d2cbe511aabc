//! Telling of pushes that did not fit into their project.
//!
//! Invariant: telling never changes the answer: what cannot be told is logged, and the push is
//! refused with the same words.

use std::error::Error;

use berth_catalog::{CatalogError, QuotaExceeded, QuotaPush};
use berth_db::DbError;
use berth_model::ProjectId;

use crate::{Registry, RegistryError};

impl Registry {
    /// What the quota's events say of a push.
    pub(crate) fn quota_push(&self, operator: &str, repository: &str, digest: &str) -> QuotaPush {
        QuotaPush {
            outbox: self.inner.catalog.outbox().clone(),
            at: self.inner.clock.now(),
            operator: operator.to_owned(),
            repository: repository.to_owned(),
            digest: digest.to_owned(),
        }
    }

    /// Passes on what became of a push, and tells who listens if the quota refused it.
    pub(crate) async fn tell_refusal<T>(
        &self,
        project: ProjectId,
        push: QuotaPush,
        outcome: Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        if let Err(error) = &outcome
            && let Some(exceeded) = exceeded(error)
            && let Err(untold) = self
                .inner
                .catalog
                .tell_refused_push(project, push, exceeded)
                .await
        {
            tracing::warn!(error = %untold, "a refused push could not be told as an event");
        }
        outcome
    }
}

fn exceeded(error: &RegistryError) -> Option<&QuotaExceeded> {
    let (RegistryError::Db(error) | RegistryError::Catalog(CatalogError::Db(error))) = error else {
        return None;
    };
    let DbError::Refused(rule) = error else {
        return None;
    };
    let rule: &(dyn Error + Send + Sync) = rule.as_ref();
    rule.downcast_ref()
}
