//! What can go wrong under `/v2`, in the words of the OCI distribution specification.

use berth_blob::BlobError;
use berth_catalog::CatalogError;
use berth_db::DbError;
use berth_iam::IamError;
use berth_model::{Code, Coded};
use berth_oci::{ManifestError, RouteError, ScopeError};

/// An error of the registry core.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Nobody may do this without logging in; carries the scope that would allow it.
    #[error("{message}")]
    Unauthorized {
        /// The scope to ask the token service for, as in `repository:a/b:pull`.
        scope: Option<String>,
        /// Whether a token was sent that does not reach far enough.
        insufficient: bool,
        /// What the user is told.
        message: String,
    },
    /// The caller is known and may not do this.
    #[error("{0}")]
    Denied(String),
    /// A rule of the project keeps it from being pulled.
    #[error("{0}")]
    Policy(String),
    /// The project does not exist.
    #[error("project {0} does not exist: create it before pushing to it")]
    ProjectUnknown(String),
    /// The repository does not exist.
    #[error("repository {0} is not known to this registry")]
    NameUnknown(String),
    /// The repository holds no such manifest or tag.
    #[error("manifest {0} is not known to this repository")]
    ManifestUnknown(String),
    /// The repository holds no such blob.
    #[error("blob {0} is not known to this repository")]
    BlobUnknown(String),
    /// A manifest refers to blobs that the repository does not hold.
    #[error("the manifest refers to {0}, which this repository does not hold: push it first")]
    ManifestBlobUnknown(String),
    /// There is no such upload, for this caller, in this repository.
    #[error("upload {0} is not known: it has ended or never began; start a new one")]
    UploadUnknown(String),
    /// Another request is writing to the upload.
    #[error("another request is writing to this upload: wait for it to end")]
    UploadBusy,
    /// A chunk does not start where the upload stands.
    #[error("the chunk starts at {start}, but the upload stands at {offset}")]
    OutOfOrder {
        /// Where the chunk says it starts.
        start: u64,
        /// Where the upload stands.
        offset: u64,
        /// Path of the upload.
        location: String,
    },
    /// The sizes that the client announced and sent do not agree.
    #[error("{0}")]
    SizeInvalid(String),
    /// A digest that is malformed, unsupported, or not that of the content.
    #[error("{0}")]
    DigestInvalid(String),
    /// A parameter that cannot be read.
    #[error("{0}")]
    Invalid(String),
    /// A body that is longer than what is read of it.
    #[error("{0}")]
    TooLarge(String),
    /// Too many of something at once.
    #[error("{0}")]
    TooMany(String),
    /// The method is not allowed here; carries those that are.
    #[error("this method is not allowed here: use {0}")]
    MethodNotAllowed(&'static str),
    /// Something the registry does not do.
    #[error("{0}")]
    Unsupported(String),
    /// A tag that an immutable rule of the project keeps as it is.
    #[error(
        "tag {tag} of {repository} is configured as immutable and cannot be {doing}: use another \
         tag, or change the immutable rules of the project"
    )]
    Immutable {
        /// The repository, with its project.
        repository: String,
        /// The tag.
        tag: String,
        /// What was asked for: overwritten, deleted.
        doing: &'static str,
    },
    /// A byte range outside the blob.
    #[error("the range lies outside the blob's {0} bytes")]
    Range(u64),
    /// The client went silent in the middle of a body.
    #[error("the request's body stopped coming: send it again")]
    Idle,
    /// The client broke off.
    #[error("the connection ended in the middle of the request's body")]
    Broken,
    /// The path names nothing.
    #[error("{0}")]
    Route(#[from] RouteError),
    /// The manifest breaks a rule.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// A scope cannot be read.
    #[error("{0}")]
    Scope(#[from] ScopeError),
    /// From the blob store.
    #[error("{0}")]
    Blob(#[from] BlobError),
    /// From the catalog.
    #[error("{0}")]
    Catalog(#[from] CatalogError),
    /// From identity and access.
    #[error("{0}")]
    Iam(#[from] IamError),
    /// From the database.
    #[error("{0}")]
    Db(#[from] DbError),
}

impl Coded for RegistryError {
    fn code(&self) -> Code {
        match self {
            Self::Unauthorized { .. } => Code::Unauthorized,
            Self::Denied(_) => Code::Denied,
            Self::Policy(_) => Code::ProjectPolicyViolation,
            Self::ProjectUnknown(_) | Self::NameUnknown(_) => Code::NameUnknown,
            Self::ManifestUnknown(_) => Code::ManifestUnknown,
            Self::BlobUnknown(_) => Code::BlobUnknown,
            Self::ManifestBlobUnknown(_) => Code::ManifestBlobUnknown,
            Self::UploadUnknown(_) => Code::BlobUploadUnknown,
            Self::UploadBusy => Code::Conflict,
            Self::OutOfOrder { .. } => Code::BlobUploadOutOfOrder,
            Self::SizeInvalid(_) => Code::SizeInvalid,
            Self::DigestInvalid(_) => Code::DigestInvalid,
            Self::Invalid(_) | Self::Broken => Code::BadRequest,
            Self::TooLarge(_) => Code::RequestEntityTooLarge,
            Self::TooMany(_) => Code::TooManyRequests,
            Self::MethodNotAllowed(_) => Code::MethodNotAllowed,
            Self::Unsupported(_) => Code::Unsupported,
            Self::Immutable { .. } => Code::Precondition,
            Self::Range(_) => Code::RangeInvalid,
            Self::Idle => Code::RequestTimeout,
            Self::Route(error) => error.code(),
            Self::Manifest(error) => error.code(),
            Self::Scope(error) => error.code(),
            Self::Blob(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::Iam(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Iam(error) => error.retry_after(),
            Self::TooMany(_) | Self::UploadBusy => Some(5),
            _ => None,
        }
    }
}
