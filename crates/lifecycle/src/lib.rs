//! What keeps the store in order while it is in use: garbage collection, the sweep of orphaned
//! files, and the checks of database against store and of quotas against what projects hold.
//!
//! Invariant: bytes are deleted only after their row says `deleting`, which happens only when no
//! repository links them and nobody touched them within the grace; and a row goes only after its
//! bytes. A crash at any point leaves work for the next pass and nothing else.

mod fsck;
mod gc;
pub mod jobs;
mod orphans;
mod quotas;
mod retention;
mod routes;
mod scrub;
mod store;
mod watch;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use berth_blob::{BlobError, BlobStore};
use berth_db::{Db, DbError};
use berth_model::Clock;
use berth_registry::{Registry, RegistryError};

pub use fsck::{FsckOptions, FsckReport, Problem};
pub use gc::{GcOptions, GcReport};
pub use quotas::{QuotaDrift, QuotaReport};
pub use retention::{
    PolicyBody, Retention, RetentionError, ScopeBody, TriggerBody, endpoints as retention_endpoints,
};
pub use routes::endpoints;
pub use scrub::{ScrubReport, WrongCopy};
pub use watch::{Unwatched, Watch};

/// What can go wrong in keeping order.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// From the database.
    #[error("{0}")]
    Db(#[from] DbError),
    /// From the blob store.
    #[error("{0}")]
    Blob(#[from] BlobError),
    /// From the registry core.
    #[error("{0}")]
    Registry(#[from] RegistryError),
}

/// Garbage collection and checks over one database and store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    pub(crate) db: Db,
    pub(crate) blobs: BlobStore,
    pub(crate) registry: Registry,
    pub(crate) clock: Clock,
    pub(crate) grace: Duration,
    observer: Observer,
}

/// A garbage collection that has ended, however it was begun.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Collected {
    /// What it did; `None` if it failed.
    pub report: Option<GcReport>,
    /// How long it took.
    pub took: Duration,
}

type Observe = dyn Fn(&Collected) + Send + Sync;

/// Who is told of every collection that ends.
#[derive(Clone, Default)]
struct Observer(Arc<OnceLock<Box<Observe>>>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

impl Lifecycle {
    /// `grace` is the registry core's: how long what nobody refers to is kept.
    pub fn new(
        db: Db,
        blobs: BlobStore,
        registry: Registry,
        clock: Clock,
        grace: Duration,
    ) -> Self {
        Self {
            db,
            blobs,
            registry,
            clock,
            grace,
            observer: Observer::default(),
        }
    }

    /// Tells `observe` of every collection that ends in this process, but for dry runs. There is
    /// one observer: a second one is not heard.
    pub fn observe(&self, observe: impl Fn(&Collected) + Send + Sync + 'static) {
        let _ = self.observer.0.set(Box::new(observe));
    }

    pub(crate) fn tell(&self, collected: &Collected) {
        if let Some(observe) = self.observer.0.get() {
            observe(collected);
        }
    }
}
