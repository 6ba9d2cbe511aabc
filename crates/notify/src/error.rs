//! What can go wrong with webhooks, in sentences a user can act on.

use berth_catalog::CatalogError;
use berth_crypto::CryptoError;
use berth_db::DbError;
use berth_jobs::JobsError;
use berth_model::{Code, Coded};
use berth_remote::EgressError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The job service.
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// A secret that cannot be sealed or opened.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A target that cannot be called.
    #[error("target {0}: {1}")]
    Target(usize, #[source] EgressError),
    /// The log server.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// A request that says something impossible.
    #[error("{0}")]
    Invalid(String),
    /// A policy that is not there, or not in this project.
    #[error("webhook policy {0} not found")]
    NotFound(i64),
    /// Another policy has this name.
    #[error("a webhook policy named {0:?} exists in this project: choose another name")]
    Taken(String),
}

impl Coded for NotifyError {
    fn code(&self) -> Code {
        match self {
            Self::Db(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::Jobs(error) => error.code(),
            Self::Crypto(error) => error.code(),
            Self::Target(_, error) | Self::Egress(error) => error.code(),
            Self::Invalid(_) => Code::BadRequest,
            Self::NotFound(_) => Code::NotFound,
            Self::Taken(_) => Code::Conflict,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Db(error) => error.retry_after(),
            Self::Catalog(error) => error.retry_after(),
            _ => None,
        }
    }
}
