//! What a crash left behind: files that no row names, and deletions that were not finished.

use berth_blob::Entry;
use berth_model::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{Lifecycle, LifecycleError, store};

impl Lifecycle {
    /// Removes files that no row names and that were last changed before `before`; gives their
    /// number. `before` must be older than any request that may still be at work.
    pub async fn sweep_orphans(
        &self,
        before: Timestamp,
        stop: &CancellationToken,
    ) -> Result<u64, LifecycleError> {
        let mut removed = 0;
        let mut walk = self.blobs.walk();
        while let Some(entry) = walk.next().await {
            if stop.is_cancelled() {
                break;
            }
            match entry? {
                Entry::Blob {
                    stored_as,
                    digest,
                    modified,
                    ..
                } if modified < before => {
                    if !store::owns_file(&self.db, digest.as_str(), &stored_as).await? {
                        self.blobs.delete(&stored_as).await?;
                        removed += 1;
                    }
                }
                Entry::Upload { id, modified, .. } if modified < before => {
                    if !store::owns_upload(&self.db, &id).await? {
                        self.blobs.discard(&id).await?;
                        removed += 1;
                    }
                }
                Entry::Stray { path } => {
                    tracing::warn!(path = %path.display(), "a file in the store is not berth's");
                }
                Entry::Blob { .. } | Entry::Upload { .. } => {}
            }
        }
        if removed > 0 {
            tracing::info!(removed, "files left by an interrupted push were removed");
        }
        Ok(removed)
    }

    /// Lets the next collection finish deletions that were begun and not ended. To be called at a
    /// start: while all is well, a deletion that takes long is left to whoever began it.
    pub async fn resume_deletions(&self) -> Result<u64, LifecycleError> {
        let now = self.clock.now();
        self.db
            .write(move |tx| Box::pin(async move { Ok(store::hasten_deletions(tx, now).await?) }))
            .await
    }
}
