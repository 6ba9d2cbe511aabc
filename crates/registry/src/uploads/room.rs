//! Refusing what cannot fit into a project before its bytes are sent.
//!
//! Invariant: nothing is refused here that the end of the upload would take. Only the quota that is
//! charged in the transaction decides what is kept.

use berth_db::DbError;
use berth_oci::{Digest, RepositoryName};

use crate::store::contents;
use crate::{Registry, RegistryError};

/// Smaller uploads are not asked about: there is little to be saved.
const WORTH_ASKING: u64 = 1536 * 1024;

impl Registry {
    /// Refuses an upload of at least `bytes` that its project has no room for.
    ///
    /// What the project holds already costs nothing. Where the digest is not known yet, it may be
    /// anything of this size that the project holds.
    pub(super) async fn check_room(
        &self,
        caller: &str,
        repository: &RepositoryName,
        digest: Option<&Digest>,
        bytes: u64,
    ) -> Result<(), RegistryError> {
        if bytes < WORTH_ASKING {
            return Ok(());
        }
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let (db, catalog) = (&self.inner.db, &self.inner.catalog);
        let exceeded = catalog.would_exceed(repository.project(), bytes).await?;
        let Some((project, exceeded)) = exceeded else {
            return Ok(());
        };
        let held = match digest {
            Some(digest) => contents::holds(db, project, digest.as_str()).await?,
            None => contents::holds_any_of(db, project, bytes).await?,
        };
        if held {
            return Ok(());
        }
        let push = self.quota_push(caller, repository.as_str(), "");
        let refused = Err(DbError::from(exceeded).into());
        self.tell_refusal(project, push, refused).await
    }
}
