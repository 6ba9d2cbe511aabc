//! What can go wrong with bytes, and the code each case answers with.

use std::io;

use berth_model::{Code, Coded};
use berth_oci::Digest;

use crate::upload::Upload;

/// Why the storage could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no file under this key.
    #[error("blob {stored_as} is not in the storage; push it again")]
    Missing {
        /// The key asked for.
        stored_as: String,
    },
    /// The file is not as long as its row says; nothing was sent.
    #[error(
        "blob {stored_as} has {found} bytes in the storage instead of {expected}; push it again"
    )]
    WrongSize {
        /// The key asked for.
        stored_as: String,
        /// The size the caller knows.
        expected: u64,
        /// The size of the file.
        found: u64,
    },
    /// The file ended while it was read, or a range past its end was asked for.
    #[error("blob {stored_as} ends at byte {at} in the storage, before the end of the range read")]
    Truncated {
        /// The key that was read.
        stored_as: String,
        /// Where the bytes ended.
        at: u64,
    },
    /// A key or upload id that this crate never makes.
    #[error("not an upload id or storage key; start a new upload")]
    BadKey,
    /// A checkpoint whose state this crate never makes.
    #[error("the saved state of upload {id} is unreadable; start a new upload")]
    BadCheckpoint {
        /// The upload.
        id: String,
    },
    /// The bytes of an upload are gone, as after a power failure.
    #[error("the bytes of upload {id} are gone; start a new upload")]
    UploadMissing {
        /// The upload.
        id: String,
    },
    /// Another request still writes this upload.
    #[error("upload {id} is in use by another request; wait for that one to end and try again")]
    Busy {
        /// The upload.
        id: String,
    },
    /// More bytes than are read into memory at once.
    #[error("blob {stored_as} of {size} bytes is too large to be read at once; stream it")]
    NotSmall {
        /// The key asked for.
        stored_as: String,
        /// Its size.
        size: u64,
    },
    /// The disk or the quota on it is full.
    #[error("the storage is full: {0}; free space or enlarge it")]
    Full(#[source] io::Error),
    /// Any other failure of the disk.
    #[error("the storage failed: {0}; check the disk and the permissions of the data directory")]
    Io(#[source] io::Error),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(error),
            _ => Self::Io(error),
        }
    }
}

impl Coded for BlobError {
    fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => Code::BlobUnknown,
            // Keys of blobs come from the database; only ids of uploads come from clients.
            Self::BadKey | Self::BadCheckpoint { .. } | Self::UploadMissing { .. } => {
                Code::BlobUploadUnknown
            }
            Self::Busy { .. } => Code::Conflict,
            Self::Full(_) => Code::StorageFull,
            Self::WrongSize { .. }
            | Self::Truncated { .. }
            | Self::NotSmall { .. }
            | Self::Io(_) => Code::Unknown,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        matches!(self, Self::Busy { .. }).then_some(1)
    }
}

/// Why an upload did not become a blob.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The bytes are not those of the digest. The upload stands where it stood and can go on.
    #[error("the bytes have the digest {found}, not the one given; send the bytes again")]
    Mismatch {
        /// The upload, unchanged.
        upload: Upload,
        /// The digest of what was uploaded.
        found: Digest,
    },
    /// The storage failed. The upload can be resumed from its last checkpoint.
    #[error(transparent)]
    Io(#[from] BlobError),
}

impl Coded for CommitError {
    fn code(&self) -> Code {
        match self {
            Self::Mismatch { .. } => Code::DigestInvalid,
            Self::Io(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Mismatch { .. } => None,
            Self::Io(error) => error.retry_after(),
        }
    }
}
