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
/// Remembered tags, manifests and links.
const ENTRIES: u64 = 50_000;
/// Memory for bytes of manifests and small blobs.
const BYTES: u64 = 24 * 1024 * 1024;
/// Larger blobs are read from the store each time: the page cache holds them better.
pub(crate) const SMALL: u64 = 64 * 1024;

#[derive(Clone)]
enum Found {
    Manifest(Arc<PullRow>),
    Link(Arc<LinkRow>),
}

#[derive(Clone)]
struct Entry {
    epoch: u64,
    found: Found,
}

/// The caches of one process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct PullCache {
    links: Option<Cache<String, Entry>>,
    bytes: Cache<String, Bytes>,
    epochs: Arc<[AtomicU64]>,
}

impl PullCache {
    pub(crate) fn new(engine: Engine) -> Self {
        let links = match engine {
            Engine::Sqlite => Some(Cache::new(ENTRIES)),
            Engine::Postgres => None,
        };
        let bytes = Cache::builder()
            .max_capacity(BYTES)
            .weigher(|key: &String, value: &Bytes| {
                u32::try_from(key.len() + value.len() + 96).unwrap_or(u32::MAX)
            })
            .build();
        Self {
            links,
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
        let Some(links) = &self.links else {
            return Ok(load.await?.map(Arc::new));
        };
        let key = format!("m{repository}\0{reference}");
        let epoch = self.epoch(repository).load(Ordering::SeqCst);
        if let Some(Entry {
            epoch: loaded,
            found: Found::Manifest(row),
        }) = links.get(&key)
            && loaded == epoch
        {
            return Ok(Some(row));
        }
        let Some(row) = load.await?.map(Arc::new) else {
            return Ok(None);
        };
        links.insert(
            key,
            Entry {
                epoch,
                found: Found::Manifest(row.clone()),
            },
        );
        Ok(Some(row))
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
        let Some(links) = &self.links else {
            return Ok(load.await?.map(Arc::new));
        };
        let key = format!("b{repository}\0{digest}");
        let epoch = self.epoch(repository).load(Ordering::SeqCst);
        if let Some(Entry {
            epoch: loaded,
            found: Found::Link(row),
        }) = links.get(&key)
            && loaded == epoch
        {
            return Ok(Some(row));
        }
        let Some(row) = load.await?.map(Arc::new) else {
            return Ok(None);
        };
        links.insert(
            key,
            Entry {
                epoch,
                found: Found::Link(row.clone()),
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
