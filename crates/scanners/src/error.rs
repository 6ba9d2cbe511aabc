//! What can go wrong with scanners, in sentences a user can act on.

use berth_crypto::CryptoError;
use berth_db::DbError;
use berth_db::query::QueryError;
use berth_model::{Code, Coded};
use berth_remote::EgressError;

use crate::AdapterError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ScannersError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A `q` or `sort` that cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A credential that cannot be sealed or opened.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// An address that cannot be called.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// A scanner that does not answer as one does.
    #[error("the scanner cannot be used: {0}")]
    Adapter(#[from] AdapterError),
    /// A request that says something impossible.
    #[error("{0}")]
    Invalid(String),
    /// A scanner that is not there.
    #[error("scanner {0} not found")]
    NotFound(String),
    /// Another scanner has this name or address.
    #[error("a scanner with this {0} is registered: choose another, or change that one")]
    Taken(&'static str),
    /// The scanner is part of the server.
    #[error("the scanner Berth is built in and cannot be {0}")]
    BuiltIn(&'static str),
    /// A scanner that is switched off.
    #[error("the scanner {0} is disabled: enable it first, or choose another one")]
    Disabled(String),
    /// The scanner that is used where nothing else is said.
    #[error("the scanner {0} is the default: make another one the default first")]
    IsDefault(String),
}

impl Coded for ScannersError {
    fn code(&self) -> Code {
        match self {
            Self::Db(error) => error.code(),
            Self::Crypto(error) => error.code(),
            Self::Egress(error) => error.code(),
            Self::Adapter(_) | Self::Invalid(_) | Self::Query(_) => Code::BadRequest,
            Self::NotFound(_) => Code::NotFound,
            Self::Taken(_) => Code::Conflict,
            Self::BuiltIn(_) | Self::Disabled(_) | Self::IsDefault(_) => Code::Precondition,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
