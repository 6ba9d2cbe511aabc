//! Paths under `/v2` (OCI distribution 1.1, "Endpoints").
//!
//! Invariant: a path has one reading. It is read from the right, because `manifests`, `tags` and
//! `blobs/uploads` are legal parts of a repository's name; it is percent-decoded once, and a
//! segment that decodes to a separator or a step upwards is no path of ours.

use std::borrow::Cow;

use berth_model::{Code, Coded};
use percent_encoding::percent_decode_str;

use crate::{
    digest::{Digest, DigestError},
    name::{NameError, Reference, ReferenceError, RepositoryName},
};

/// What a path under `/v2` names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the variable parts of the path")]
pub enum Route {
    /// `/v2/`: the API itself.
    Base,
    /// `/v2/_catalog`: all repositories.
    Catalog,
    /// `/v2/_oci/ext/discover`: the extensions served.
    Extensions,
    /// `/v2/<name>/tags/list`
    TagsList { name: RepositoryName },
    /// `/v2/<name>/manifests/<reference>`
    Manifest {
        name: RepositoryName,
        reference: Reference,
    },
    /// `/v2/<name>/blobs/<digest>`
    Blob {
        name: RepositoryName,
        digest: Digest,
    },
    /// `/v2/<name>/blobs/uploads/`
    UploadStart { name: RepositoryName },
    /// `/v2/<name>/blobs/uploads/<id>`
    Upload { name: RepositoryName, id: String },
    /// `/v2/<name>/referrers/<digest>`
    Referrers {
        name: RepositoryName,
        digest: Digest,
    },
}

impl Route {
    /// The repository, where the path names one.
    pub const fn name(&self) -> Option<&RepositoryName> {
        match self {
            Self::Base | Self::Catalog | Self::Extensions => None,
            Self::TagsList { name }
            | Self::Manifest { name, .. }
            | Self::Blob { name, .. }
            | Self::UploadStart { name }
            | Self::Upload { name, .. }
            | Self::Referrers { name, .. } => Some(name),
        }
    }
}

/// Why a path names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No endpoint has this shape.
    #[error("no such path in the registry API; check the URL")]
    NotFound,
    /// The repository's name is not legal.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The tag or digest of a manifest is not legal.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The digest of a blob or subject is not legal.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The upload's id is none this registry gave out.
    #[error("no upload has this id; start a new upload")]
    UploadId,
}

impl Coded for RouteError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Name(error) => error.code(),
            Self::Reference(error) => error.code(),
            Self::Digest(error) => error.code(),
            Self::UploadId => Code::BlobUploadUnknown,
        }
    }
}

/// Reads the path of a request, still percent-encoded and without its query.
///
/// The method takes no part in the reading: a path that exists with another method is to be
/// answered 405, which only the caller can tell.
pub fn parse_route(_method: &str, path: &str) -> Result<Route, RouteError> {
    let path = decode(path)?;
    let rest = match path.strip_prefix("/v2") {
        Some("" | "/") => return Ok(Route::Base),
        Some("/_catalog") => return Ok(Route::Catalog),
        Some("/_oci/ext/discover") => return Ok(Route::Extensions),
        Some(rest) => rest.strip_prefix('/').ok_or(RouteError::NotFound)?,
        None => return Err(RouteError::NotFound),
    };
    if let Some(name) = rest.strip_suffix("/blobs/uploads/") {
        let name = repository(name)?;
        return Ok(Route::UploadStart { name });
    }
    // From here on the last segment is not empty, or it fits no grammar below.
    let (before, last) = rest.rsplit_once('/').ok_or(RouteError::NotFound)?;
    let (before, kind) = before.rsplit_once('/').ok_or(RouteError::NotFound)?;
    match (kind, last) {
        (_, "") => Err(RouteError::NotFound),
        ("tags", "list") => Ok(Route::TagsList {
            name: repository(before)?,
        }),
        ("manifests", reference) => Ok(Route::Manifest {
            name: repository(before)?,
            reference: Reference::parse(reference)?,
        }),
        ("referrers", digest) => Ok(Route::Referrers {
            name: repository(before)?,
            digest: digest.parse()?,
        }),
        ("blobs", "uploads") => Ok(Route::UploadStart {
            name: repository(before)?,
        }),
        ("blobs", digest) => Ok(Route::Blob {
            name: repository(before)?,
            digest: digest.parse()?,
        }),
        ("uploads", id) => {
            let name = before.strip_suffix("/blobs").ok_or(RouteError::NotFound)?;
            let name = repository(name)?;
            if !is_upload_id(id) {
                return Err(RouteError::UploadId);
            }
            let id = id.to_owned();
            Ok(Route::Upload { name, id })
        }
        _ => Err(RouteError::NotFound),
    }
}

/// Reads the name; an empty part means a doubled slash, which is no path rather than a bad name.
fn repository(text: &str) -> Result<RepositoryName, RouteError> {
    if text.split('/').any(str::is_empty) {
        return Err(RouteError::NotFound);
    }
    Ok(RepositoryName::parse(text)?)
}

/// Decodes each segment once. Ordinary paths have nothing to decode and are borrowed.
fn decode(path: &str) -> Result<Cow<'_, str>, RouteError> {
    if !path.contains('%') {
        return if path.split('/').all(is_plain) {
            Ok(Cow::Borrowed(path))
        } else {
            Err(RouteError::NotFound)
        };
    }
    let mut decoded = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        let segment = percent_decode_str(segment)
            .decode_utf8()
            .map_err(|_| RouteError::NotFound)?;
        // A slash that was hidden in a segment would move every segment after it.
        if segment.contains('/') || !is_plain(&segment) {
            return Err(RouteError::NotFound);
        }
        if index > 0 {
            decoded.push('/');
        }
        decoded.push_str(&segment);
    }
    Ok(Cow::Owned(decoded))
}

/// A segment that is no step in a file system and hides no control character.
fn is_plain(segment: &str) -> bool {
    !matches!(segment, "." | "..")
        && !segment
            .bytes()
            .any(|byte| byte.is_ascii_control() || byte == b'\\')
}

/// The shape of a UUID, 8-4-4-4-12 hexadecimal digits in lower case.
fn is_upload_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests;
