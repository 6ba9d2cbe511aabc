//! Unfinished uploads that nobody goes on with.

use berth_model::Limits;

use crate::store::uploads as store;
use crate::{Registry, RegistryError};

/// Uploads looked at in one pass.
const BATCH: i64 = 500;

impl Registry {
    /// Forgets what is remembered of repositories, after links were removed behind its back.
    pub fn forget_links(&self) {
        self.inner.cache.changed_all();
    }

    /// How many uploads are unfinished.
    pub async fn open_uploads(&self) -> Result<u64, RegistryError> {
        Ok(store::count(&self.inner.db).await?)
    }

    /// Drops uploads that were silent for [`Limits::UPLOAD_IDLE`]; gives their number.
    pub async fn sweep_uploads(&self) -> Result<u64, RegistryError> {
        if let Some(parked) = &self.inner.parked {
            parked.close_old();
        }
        let before = self.inner.clock.now().minus(Limits::UPLOAD_IDLE);
        let mut swept = 0;
        for id in store::idle(&self.inner.db, before, BATCH).await? {
            let row = id.clone();
            let deleted = self
                .inner
                .db
                .write::<_, RegistryError, _>(move |tx| {
                    Box::pin(async move { Ok(store::delete_idle(tx, &row, before).await?) })
                })
                .await?;
            if deleted {
                if let Some(parked) = &self.inner.parked {
                    parked.close(&id);
                }
                self.inner.blobs.discard(&id).await?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}
