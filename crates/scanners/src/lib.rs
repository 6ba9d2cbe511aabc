//! Which scanners there are, which one a project uses, and how an external one is spoken to.
//!
//! Invariants: the built-in scanner is always there and is the default until another one is made
//! it; a credential is sealed, stays with the address it was given for and is never shown; and
//! nothing that an external scanner says is believed before it was checked and bounded.

mod adapter;
mod error;
mod metadata;
mod registrations;
mod report;
mod routes;
mod store;

use std::sync::Arc;

use berth_crypto::KeyFile;
use berth_db::Db;
use berth_model::Clock;
use berth_remote::Egress;

pub use adapter::{
    Adapter, AdapterError, Polled, SBOM_REPORT, ScanArtifact, ScanRegistry, ScanRequest,
    VULNERABILITY_REPORT,
};
pub use error::ScannersError;
pub use metadata::{Capability, Metadata, Scanned};
pub use registrations::{BUILT_IN, Registration};
pub use report::{Item, Report, Severity};
pub use routes::endpoints;
pub use store::external_of;

/// The scanners. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Scanners {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    clock: Clock,
    egress: Egress,
    sealer: Arc<KeyFile>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanners").finish_non_exhaustive()
    }
}

impl Scanners {
    /// Puts it together.
    pub fn new(db: Db, clock: Clock, egress: Egress, sealer: Arc<KeyFile>) -> Self {
        let inner = Inner {
            db,
            clock,
            egress,
            sealer,
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}
