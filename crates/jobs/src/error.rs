//! What can go wrong with jobs, in sentences a user can act on.

use berth_db::DbError;
use berth_db::query::QueryError;
use berth_model::{Code, Coded};

use crate::CadenceError;

/// An error of the job service.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A job type nobody handles.
    #[error("there is no job type {0}")]
    UnknownKind(String),
    /// Parameters that the job type does not take.
    #[error("the parameters of the job {kind} are not right: {reason}")]
    Parameters {
        /// The job type.
        kind: String,
        /// What is wrong with them.
        reason: String,
    },
    /// Another execution of the same thing is not finished yet.
    #[error("this runs already: wait for it to end, or stop it first")]
    Running,
    /// There is no such thing.
    #[error("{0} not found")]
    NotFound(String),
    /// A schedule that cannot be read.
    #[error(transparent)]
    Cadence(#[from] CadenceError),
    /// A `q` or `sort` that cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A request that says something impossible.
    #[error("{0}")]
    Invalid(String),
}

impl Coded for JobsError {
    fn code(&self) -> Code {
        match self {
            Self::Db(error) => error.code(),
            Self::UnknownKind(_)
            | Self::Parameters { .. }
            | Self::Cadence(_)
            | Self::Query(_)
            | Self::Invalid(_) => Code::BadRequest,
            Self::Running => Code::Conflict,
            Self::NotFound(_) => Code::NotFound,
        }
    }
}
