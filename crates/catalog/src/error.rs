//! What can go wrong in the catalog, in sentences a user can act on.

use berth_crypto::CryptoError;
use berth_db::DbError;
use berth_iam::{IamError, Refusal};
use berth_model::{Code, Coded, NameError, Reason};

use crate::query::QueryError;
use crate::settings::SettingError;

/// An error of the catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Accounts.
    #[error(transparent)]
    Iam(#[from] IamError),
    /// The caller may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A name that breaks its rule.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A `q` or `sort` that cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A setting that cannot have that value.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A secret that cannot be sealed or opened.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A request that says something impossible.
    #[error("{0}")]
    Invalid(String),
    /// A value that a project's metadata cannot have.
    #[error("project metadata {key} must be {expected}{}", colon(.fault.as_ref()))]
    Metadata {
        /// Which.
        key: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What is wrong with it, where more can be said.
        fault: Option<(String, Reason)>,
    },
    /// A thing that is not there, or not for this caller.
    #[error("{0}")]
    NotFound(String),
    /// A thing that exists already.
    #[error("{0}")]
    Conflict(String),
    /// A rule of the system that forbids what the role would allow.
    #[error("{0}")]
    Forbidden(String),
    /// A thing that is not in the state the request needs.
    #[error("{0}")]
    Precondition(String),
}

/// What is wrong, behind what is expected.
fn colon(fault: Option<&(String, Reason)>) -> String {
    fault.map_or_else(String::new, |(said, _)| format!(": {said}"))
}

impl CatalogError {
    pub(crate) fn project_not_found(name: impl std::fmt::Display) -> Self {
        Self::NotFound(format!("project {name} not found"))
    }
}

impl Coded for CatalogError {
    fn code(&self) -> Code {
        match self {
            Self::Db(error) => error.code(),
            Self::Iam(error) => error.code(),
            Self::Refused(refusal) => refusal.code(),
            Self::Name(_) | Self::Query(_) | Self::Invalid(_) | Self::Metadata { .. } => {
                Code::BadRequest
            }
            Self::Setting(error) => error.code(),
            Self::Crypto(error) => error.code(),
            Self::NotFound(_) => Code::NotFound,
            Self::Conflict(_) => Code::Conflict,
            Self::Forbidden(_) => Code::Forbidden,
            Self::Precondition(_) => Code::Precondition,
        }
    }

    fn reason(&self) -> Option<Reason> {
        match self {
            Self::Iam(error) => error.reason(),
            Self::Name(error) => Some(Reason::named(error.reason())),
            Self::Metadata { key, fault, .. } => {
                let (_, reason) = fault.as_ref()?;
                let mut reason = reason.clone();
                reason.values.push(("field", (*key).to_owned()));
                Some(reason)
            }
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Db(error) => error.retry_after(),
            Self::Iam(error) => error.retry_after(),
            Self::Refused(refusal) => refusal.retry_after(),
            _ => None,
        }
    }
}
