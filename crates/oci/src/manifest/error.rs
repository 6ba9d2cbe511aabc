//! Why a manifest was refused.
//!
//! Invariant: no message repeats more than a few words of what the client sent.

use berth_model::{Code, Coded, Limits};

/// Longest piece of a client's text, or of a parser's sentence about it, in a message.
const EXCERPT_CHARS: usize = 200;

/// Why a manifest was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// More bytes than [`Limits::MANIFEST_BYTES`].
    #[error(
        "the manifest is larger than {} bytes; move its data into a blob",
        Limits::MANIFEST_BYTES
    )]
    TooLarge,
    /// Not UTF-8, or with a byte order mark.
    #[error("the manifest must be UTF-8 without a byte order mark")]
    Encoding,
    /// Nested deeper than [`Limits::MANIFEST_DEPTH`].
    #[error(
        "the manifest is nested more than {} levels deep",
        Limits::MANIFEST_DEPTH
    )]
    TooDeep,
    /// Not JSON, or a field of the wrong form; says which and where.
    #[error("the manifest cannot be read: {0}")]
    Malformed(String),
    /// More descriptors than [`Limits::MANIFEST_DESCRIPTORS`].
    #[error(
        "the manifest lists more than {} layers or manifests",
        Limits::MANIFEST_DESCRIPTORS
    )]
    TooManyDescriptors,
    /// Docker's first format.
    #[error("docker manifest schema 1 is not supported; push with a current client")]
    Schema1,
    /// A `schemaVersion` other than 2.
    #[error("the manifest's schemaVersion must be 2")]
    SchemaVersion,
    /// No `mediaType` and no `Content-Type`.
    #[error("the manifest has no mediaType; set it, or send a Content-Type")]
    MediaTypeMissing,
    /// A media type that is none.
    #[error("{0:?} is not a media type")]
    MediaTypeInvalid(String),
    /// The field says one thing and the header another.
    #[error(
        "the manifest's mediaType is {field:?} but its Content-Type is {header:?}; send the same in both"
    )]
    MediaTypeMismatch {
        /// The `mediaType` field.
        field: String,
        /// The `Content-Type` header.
        header: String,
    },
    /// Both kinds in one document.
    #[error(
        "the manifest has both layers or a config and manifests; it must be an image or an index"
    )]
    Ambiguous,
    /// The media type of an index on an image.
    #[error("the media type is an index's but the manifest has layers or a config")]
    NotAnIndex,
    /// The media type of an image on an index.
    #[error("the media type is an image's but the manifest lists manifests")]
    NotAnImage,
    /// An image without a configuration.
    #[error("the image manifest has no config; add one, if only the empty descriptor")]
    ConfigMissing,
}

impl Coded for ManifestError {
    fn code(&self) -> Code {
        match self {
            Self::TooLarge => Code::ManifestTooLarge,
            _ => Code::ManifestInvalid,
        }
    }
}

impl From<serde_json::Error> for ManifestError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(shorten(&error.to_string()))
    }
}

/// The start of a text, for a message.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
