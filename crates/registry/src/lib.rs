//! The registry core: everything under `/v2` and the token service.
//!
//! [`Registry`] holds the services; `v2` turns requests into calls of them and their answers into
//! responses. Invariant: an answered 201 is durable and whole. Bytes are on stable storage before
//! their row exists, a manifest's row exists only with all it needs, and what a client was told
//! exists is leased, so that garbage collection cannot take it from under a push.

mod api;
mod attach;
mod blobs;
mod cache;
mod error;
mod events;
mod guard;
mod immutable;
mod manifests;
mod referrers;
mod retention;
mod room;
mod store;
mod sweep;
mod token;
mod trash;
mod untagged;
mod uploads;
mod v2;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use berth_blob::BlobStore;
use berth_catalog::Catalog;
use berth_db::Db;
use berth_iam::Iam;
use berth_model::{Clock, ProjectId};
use tokio_util::task::TaskTracker;

use cache::PullCache;
use uploads::{Parked, Turns};

pub use api::endpoints;
pub use attach::{Attached, Attachment};
pub use error::RegistryError;
pub use guard::{Artifact, Guard, Held, Scanned};
pub use retention::{Contents, Retired};
pub use store::contents::{hold, let_go};
pub use store::manifests::repositories_holding;
pub use store::sparse::{note_lost, settle};
pub use store::tags::newest_tag;
pub use untagged::Reviewed;

/// The digest algorithm of bytes that nobody keeps, as in a check of the store.
pub const PROBE_ALGORITHM: berth_oci::Algorithm = berth_oci::Algorithm::Sha256;

/// Settings of the registry core.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// How long a blob that nothing refers to is kept, after it was last pushed or asked for.
    pub grace: Duration,
    /// How long a token is valid.
    pub token_lifetime: Duration,
    /// Whether an image manifest is taken whose layers the repository does not hold.
    pub sparse_manifests: bool,
    /// The address clients use, where it cannot be read from their requests.
    pub external_url: Option<String>,
    /// Where servers beside this one reach it; who came there is sent nowhere else.
    pub internal_url: Option<String>,
}

/// The registry core. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    blobs: BlobStore,
    catalog: Catalog,
    iam: Iam,
    clock: Clock,
    cache: PullCache,
    turns: Arc<Turns>,
    /// Where no other process goes on with our uploads.
    parked: Option<Parked>,
    options: RegistryOptions,
    guard: OnceLock<Arc<dyn Guard>>,
    /// Bytes of blobs that came in.
    received: AtomicU64,
    /// Work that outlives its request: appends whose client went away, removal of replaced bytes.
    tasks: TaskTracker,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}

/// Who pushes, and into which project: settled before any service is called.
#[derive(Clone, Debug)]
pub(crate) struct Pusher {
    /// The caller's name, for records.
    pub(crate) name: String,
    pub(crate) address: std::net::IpAddr,
    pub(crate) project: ProjectId,
}

impl Registry {
    /// Puts the core together. `catalog` and `iam` are on the same database.
    pub fn new(
        db: Db,
        blobs: BlobStore,
        catalog: Catalog,
        iam: Iam,
        clock: Clock,
        options: RegistryOptions,
    ) -> Self {
        let cache = PullCache::new(db.engine());
        let parked = (db.engine() == berth_db::Engine::Sqlite).then(Parked::default);
        let tasks = TaskTracker::new();
        Self {
            inner: Arc::new(Inner {
                db,
                blobs,
                catalog,
                iam,
                clock,
                cache,
                turns: Arc::default(),
                parked,
                options,
                guard: OnceLock::new(),
                received: AtomicU64::new(0),
                tasks,
            }),
        }
    }

    /// Whether pushes are kept within the quotas of their projects.
    pub(crate) fn limited(&self) -> bool {
        self.inner.catalog.settings().quota_per_project_enable
    }

    /// Bytes of blobs that came in since the start.
    pub fn received_bytes(&self) -> u64 {
        self.inner.received.load(Ordering::Relaxed)
    }

    /// Waits for work that outlived its request. Call it when no more requests come.
    pub async fn drain(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}
