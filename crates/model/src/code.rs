//! Error codes: what a client sees, with the HTTP status each one carries.
//!
//! OCI distribution 1.1 names the codes under `/v2`; Harbor's API names those under `/api`.

/// A stable error code of the API and the HTTP status it is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name is its own text on the wire")]
pub enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    /// A chunk that does not start where the upload stands (OCI distribution 1.1: 416).
    BlobUploadOutOfOrder,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    /// A manifest larger than the limit (413).
    ManifestTooLarge,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    TagInvalid,
    Unauthorized,
    Denied,
    Unsupported,
    TooManyRequests,
    BadRequest,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    Precondition,
    /// A rule of a project forbids it (Harbor: 412).
    ProjectPolicyViolation,
    RequestEntityTooLarge,
    UnsupportedMediaType,
    UnprocessableEntity,
    RangeInvalid,
    RequestTimeout,
    Unavailable,
    StorageFull,
    Unknown,
}

impl Code {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid | Self::BlobUploadOutOfOrder => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid | Self::ManifestTooLarge => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::TagInvalid => "TAG_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::BadRequest => "BAD_REQUEST",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Conflict => "CONFLICT",
            Self::Precondition => "PRECONDITION",
            Self::ProjectPolicyViolation => "PROJECTPOLICYVIOLATION",
            Self::RequestEntityTooLarge => "REQUEST_ENTITY_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::UnprocessableEntity => "UNPROCESSABLE_ENTITY",
            Self::RangeInvalid => "RANGE_INVALID",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::StorageFull => "STORAGE_FULL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The HTTP status the code is sent with.
    pub const fn status(self) -> u16 {
        match self {
            Self::BlobUnknown
            | Self::BlobUploadUnknown
            | Self::ManifestUnknown
            | Self::NameUnknown
            | Self::NotFound => 404,
            Self::BlobUploadOutOfOrder | Self::RangeInvalid => 416,
            Self::BlobUploadInvalid
            | Self::DigestInvalid
            | Self::ManifestBlobUnknown
            | Self::ManifestInvalid
            | Self::NameInvalid
            | Self::SizeInvalid
            | Self::TagInvalid
            | Self::Unsupported
            | Self::BadRequest => 400,
            Self::ManifestTooLarge | Self::RequestEntityTooLarge => 413,
            Self::Unauthorized => 401,
            Self::Denied | Self::Forbidden => 403,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::Conflict => 409,
            Self::Precondition | Self::ProjectPolicyViolation => 412,
            Self::UnsupportedMediaType => 415,
            Self::UnprocessableEntity => 422,
            Self::TooManyRequests => 429,
            Self::Unknown => 500,
            Self::Unavailable => 503,
            Self::StorageFull => 507,
        }
    }

    /// Whether the fault is the server's, so that its cause is logged and not shown.
    pub const fn is_fault(self) -> bool {
        matches!(self, Self::Unknown | Self::Unavailable | Self::StorageFull)
    }
}

/// What exactly is wrong, for programs that say it in their own words: a name that stays as it is,
/// and the values that it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Its name.
    pub name: &'static str,
    /// The values, by name.
    pub values: Vec<(&'static str, String)>,
}

impl Reason {
    /// A reason that speaks of no values.
    pub const fn named(name: &'static str) -> Self {
        let values = Vec::new();
        Self { name, values }
    }

    /// A reason that speaks of one value.
    pub fn with(name: &'static str, key: &'static str, value: impl ToString) -> Self {
        let values = vec![(key, value.to_string())];
        Self { name, values }
    }
}

impl From<(&'static str, Vec<(&'static str, String)>)> for Reason {
    fn from((name, values): (&'static str, Vec<(&'static str, String)>)) -> Self {
        Self { name, values }
    }
}

/// An error that knows its [`Code`].
///
/// `Display` is the sentence a user sees; for codes that are the server's fault it goes to the
/// log only.
pub trait Coded: std::error::Error {
    /// The code that answers the request.
    fn code(&self) -> Code;

    /// What exactly is wrong, where a program can make use of that.
    fn reason(&self) -> Option<Reason> {
        None
    }

    /// Seconds after which trying again makes sense, for `Retry-After`.
    fn retry_after(&self) -> Option<u64> {
        None
    }
}
