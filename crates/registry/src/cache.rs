//! What a hot pull needs, in memory.
//!
//! Two things are remembered. Bytes by digest never change, so they need no invalidation. What a
//! repository holds (tags, manifests, blob links) does: an entry is valid only while the epoch of
//! its repository's stripe is the one it was loaded under, and every transaction that changes a
//! repository moves the epoch on after its commit and before its answer. A reader that loaded
//! before the commit therefore cannot leave a stale entry behind, and nobody who was told of a
//! change is ever shown what was before it.
//!
//! Links are remembered only where this process makes every change (SQLite). With several
//! replicas on one database each pull asks the database.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use berth_db::{DbError, Engine};
use bytes::Bytes;
use moka::sync::Cache;

use crate::store::blobs::LinkRow;
use crate::store::manifests::PullRow;

const STRIPES: usize = 1024;
/// Remembered manifests by tag or digest, and as many blob links.
const ENTRIES: u64 = 25_000;
/// Memory for bytes of manifests and small blobs.
const BYTES: u64 = 24 * 1024 * 1024;
/// Larger blobs are read from the store each time: the page cache holds them better.
pub(crate) const SMALL: u64 = 64 * 1024;

struct Entry<T> {
    epoch: u64,
    row: Arc<T>,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self {
            epoch: self.epoch,
            row: Arc::clone(&self.row),
        }
    }
}

/// Rows by repository and what names them in it.
type Rows<T> = Cache<String, Entry<T>>;

/// The caches of one process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct PullCache {
    /// None where other processes change what repositories hold.
    manifests: Option<Rows<PullRow>>,
    links: Option<Rows<LinkRow>>,
    bytes: Cache<String, Bytes>,
    epochs: Arc<[AtomicU64]>,
}

impl PullCache {
    pub(crate) fn new(engine: Engine) -> Self {
        let remembers = engine == Engine::Sqlite;
        let bytes = Cache::builder()
            .max_capacity(BYTES)
            .weigher(|key: &String, value: &Bytes| {
                u32::try_from(key.len() + value.len() + 96).unwrap_or(u32::MAX)
            })
            .build();
        Self {
            manifests: remembers.then(|| Cache::new(ENTRIES)),
            links: remembers.then(|| Cache::new(ENTRIES)),
            bytes,
            epochs: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn epoch(&self, repository: &str) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        repository.hash(&mut hasher);
        &self.epochs[hasher.finish() as usize % STRIPES]
    }

    /// Forgets what is known of a repository. Call it from `Tx::after_commit`.
    pub(crate) fn changed(&self, repository: &str) {
        self.epoch(repository).fetch_add(1, Ordering::SeqCst);
    }

    /// Forgets everything that can change.
    pub(crate) fn changed_all(&self) {
        for epoch in self.epochs.iter() {
            epoch.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The manifest a reference names, remembered or loaded. An absence is not remembered.
    pub(crate) async fn manifest<F>(
        &self,
        repository: &str,
        reference: &str,
        load: F,
    ) -> Result<Option<Arc<PullRow>>, DbError>
    where
        F: Future<Output = Result<Option<PullRow>, DbError>>,
    {
        self.remember(self.manifests.as_ref(), repository, reference, load)
            .await
    }

    /// The blob a repository holds under a digest, remembered or loaded.
    pub(crate) async fn link<F>(
        &self,
        repository: &str,
        digest: &str,
        load: F,
    ) -> Result<Option<Arc<LinkRow>>, DbError>
    where
        F: Future<Output = Result<Option<LinkRow>, DbError>>,
    {
        self.remember(self.links.as_ref(), repository, digest, load)
            .await
    }

    async fn remember<T, F>(
        &self,
        rows: Option<&Rows<T>>,
        repository: &str,
        name: &str,
        load: F,
    ) -> Result<Option<Arc<T>>, DbError>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<Option<T>, DbError>>,
    {
        let Some(rows) = rows else {
            return Ok(load.await?.map(Arc::new));
        };
        let key = format!("{repository}\0{name}");
        // Read before the load, so that a commit which overtakes it leaves the entry outdated.
        let epoch = self.epoch(repository).load(Ordering::SeqCst);
        if let Some(entry) = rows.get(&key)
            && entry.epoch == epoch
        {
            return Ok(Some(entry.row));
        }
        let Some(row) = load.await?.map(Arc::new) else {
            return Ok(None);
        };
        rows.insert(
            key,
            Entry {
                epoch,
                row: Arc::clone(&row),
            },
        );
        Ok(Some(row))
    }

    /// Bytes by digest; who may see them has been settled by a link or a manifest row.
    pub(crate) fn bytes(&self, digest: &str) -> Option<Bytes> {
        self.bytes.get(digest)
    }

    /// Remembers bytes whose digest is `digest`.
    pub(crate) fn keep_bytes(&self, digest: &str, bytes: &Bytes) {
        if bytes.len() as u64 <= SMALL {
            self.bytes.insert(digest.to_owned(), bytes.clone());
        }
    }

    /// Forgets bytes, after their stored copy proved wrong.
    pub(crate) fn forget_bytes(&self, digest: &str) {
        self.bytes.invalidate(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(digest: &str) -> PullRow {
        PullRow {
            repository_id: 1,
            project_id: 1,
            project_created_at: 0,
            manifest_id: 1,
            tag_id: None,
            digest: digest.to_owned(),
            media_type: String::new(),
            size: 0,
            kind: "IMAGE".to_owned(),
            accessory_type: None,
        }
    }

    async fn look(cache: &PullCache, answer: &str) -> String {
        let load = async { Ok(Some(row(answer))) };
        cache
            .manifest("p/r", "t", load)
            .await
            .unwrap()
            .unwrap()
            .digest
            .clone()
    }

    #[tokio::test]
    async fn an_entry_lives_until_its_repository_changes() {
        let cache = PullCache::new(Engine::Sqlite);
        assert_eq!(look(&cache, "one").await, "one");
        assert_eq!(look(&cache, "two").await, "one");
        cache.changed("p/r");
        assert_eq!(look(&cache, "two").await, "two");
    }

    #[tokio::test]
    async fn a_load_that_a_commit_overtakes_is_not_kept() {
        let cache = PullCache::new(Engine::Sqlite);
        let overtaken = async {
            cache.changed("p/r");
            Ok(Some(row("old")))
        };
        cache.manifest("p/r", "t", overtaken).await.unwrap();
        assert_eq!(look(&cache, "new").await, "new");
    }

    #[tokio::test]
    async fn replicas_remember_no_links() {
        let cache = PullCache::new(Engine::Postgres);
        assert_eq!(look(&cache, "one").await, "one");
        assert_eq!(look(&cache, "two").await, "two");
    }
}
