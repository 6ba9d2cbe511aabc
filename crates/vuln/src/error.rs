//! What can go wrong with scanning.

use berth_catalog::CatalogError;
use berth_db::DbError;
use berth_db::query::QueryError;
use berth_iam::{IamError, Refusal};
use berth_indexer::IndexError;
use berth_jobs::JobsError;
use berth_model::{Code, Coded};
use berth_registry::RegistryError;
use berth_remote::{EgressError, PullError};
use berth_scan::ScanError;
use berth_scanners::ScannersError;

/// What can go wrong with scanning.
#[derive(Debug, thiserror::Error)]
pub enum VulnError {
    /// From the database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// From the catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// From the registry core.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// From the accounts.
    #[error(transparent)]
    Iam(#[from] IamError),
    /// A scanner that cannot be used.
    #[error(transparent)]
    Scanners(#[from] ScannersError),
    /// From the job service.
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// A `q` that cannot be understood.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A feed that cannot be read.
    #[error(transparent)]
    Feed(#[from] ScanError),
    /// The caller may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too much of the kind is under way.
    #[error("{0}")]
    Busy(String),
    /// What was fetched did not come.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// What was to be pulled did not come.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// There is one already.
    #[error("{0}")]
    Conflict(String),
    /// There is none.
    #[error("{0} not found")]
    NotFound(String),
    /// It cannot be scanned.
    #[error("{0}")]
    Invalid(String),
    /// A layer could not be read to its end.
    #[error("layer {layer}: {cause}")]
    Index {
        /// Its digest.
        layer: String,
        /// Why.
        cause: IndexError,
    },
    /// A scan was stopped.
    #[error("stopped")]
    Stopped,
}

impl Coded for VulnError {
    fn code(&self) -> Code {
        match self {
            Self::Db(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::Iam(error) => error.code(),
            Self::Scanners(error) => error.code(),
            Self::Jobs(error) => error.code(),
            Self::Feed(_) | Self::Query(_) | Self::Invalid(_) => Code::BadRequest,
            Self::Refused(refusal) => refusal.code(),
            Self::Egress(error) => error.code(),
            Self::Pull(error) => error.code(),
            Self::Busy(_) | Self::Conflict(_) => Code::Conflict,
            Self::NotFound(_) => Code::NotFound,
            Self::Index { .. } | Self::Stopped => Code::Unknown,
        }
    }
}
