//! Manifests and indexes: one strict reading of the JSON that a client pushed.
//!
//! Invariant: a document has one meaning. What this reader and any client could read differently
//! (doubled keys, keys in another case, `layers` beside `manifests`, a media type that disagrees
//! with the header: CVE-2021-41190) is refused; everything else is let through, known or not. The
//! reader gives a view; the caller keeps the bytes, which alone are served.

mod descriptor;
mod document;
mod error;

use std::collections::BTreeMap;

use berth_model::Limits;

pub use self::{
    descriptor::{Descriptor, Platform},
    error::ManifestError,
};
use self::{
    document::{Document, is_within_depth},
    error::shorten,
};
use crate::media_type;

/// What a manifest lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ManifestKind {
    /// A configuration and layers: an image or another artifact.
    Image,
    /// Other manifests.
    Index,
}

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The effective media type: the field, else the `Content-Type` it was pushed with.
    pub media_type: String,
    /// What it lists.
    pub kind: ManifestKind,
    /// The `artifactType` field.
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Option<Descriptor>,
    /// The layers; of an OCI artifact manifest, its blobs.
    pub layers: Vec<Descriptor>,
    /// The entries of an index. They need not be manifests: BuildKit's cache lists layers here.
    pub manifests: Vec<Descriptor>,
    /// The manifest this one is about.
    pub subject: Option<Descriptor>,
    /// Annotations of the manifest itself.
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads a manifest pushed, or stored, with `content_type`.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, ManifestError> {
        if bytes.len() > Limits::MANIFEST_BYTES {
            return Err(ManifestError::TooLarge);
        }
        let text = str::from_utf8(bytes).map_err(|_| ManifestError::Encoding)?;
        if text.starts_with('\u{feff}') {
            return Err(ManifestError::Encoding);
        }
        let content_type = content_type
            .map(media_type::strip_parameters)
            .filter(|bare| !bare.is_empty());
        if content_type.is_some_and(is_schema1) {
            return Err(ManifestError::Schema1);
        }
        if !is_within_depth(text, Limits::MANIFEST_DEPTH) {
            return Err(ManifestError::TooDeep);
        }
        let document: Document<'_> = serde_json::from_str(text)?;
        if document.schema_version == Some(1)
            || document.media_type.as_deref().is_some_and(is_schema1)
        {
            return Err(ManifestError::Schema1);
        }
        let media_type = effective_media_type(document.media_type.as_deref(), content_type)?;
        let kind = kind(&media_type, &document)?;
        Self::assemble(media_type, kind, document)
    }

    fn assemble(
        media_type: String,
        kind: ManifestKind,
        document: Document<'_>,
    ) -> Result<Self, ManifestError> {
        let mut layers = document.layers.unwrap_or_default().0;
        // Elsewhere `blobs` is a field nobody defined, and may hold anything.
        if media_type::is_same(&media_type, media_type::OCI_ARTIFACT_MANIFEST)
            && let Some(blobs) = document.blobs
        {
            let blobs: document::Descriptors = serde_json::from_str(blobs.get())?;
            layers.extend(blobs.0);
        }
        let manifests = document.manifests.unwrap_or_default().0;
        if layers.len() + manifests.len() > Limits::MANIFEST_DESCRIPTORS {
            return Err(ManifestError::TooManyDescriptors);
        }
        Ok(Self {
            media_type,
            kind,
            artifact_type: document.artifact_type,
            config: document.config,
            layers,
            manifests,
            subject: document.subject,
            annotations: document.annotations.unwrap_or_default(),
        })
    }

    /// The artifact type that referrers are listed and filtered by.
    ///
    /// OCI distribution 1.1, "Listing Referrers": the field, else the configuration's media type;
    /// an index has no configuration to fall back to.
    pub fn effective_artifact_type(&self) -> Option<&str> {
        let fallback = || {
            self.config
                .as_ref()
                .filter(|_| self.kind == ManifestKind::Image)
                .map(|config| config.media_type.as_str())
                .filter(|media_type| !media_type.is_empty())
        };
        self.artifact_type.as_deref().or_else(fallback)
    }

    /// Everything the manifest is made of: configuration, layers and entries, but not its subject.
    pub fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.config
            .iter()
            .chain(&self.layers)
            .chain(&self.manifests)
    }
}

fn is_schema1(media_type: &str) -> bool {
    media_type::is_same(media_type, media_type::DOCKER_SCHEMA1)
        || media_type::is_same(media_type, media_type::DOCKER_SCHEMA1_SIGNED)
}

/// OCI image 1.1: the field and the header must agree; old Helm clients leave the field out.
fn effective_media_type(
    field: Option<&str>,
    content_type: Option<&str>,
) -> Result<String, ManifestError> {
    let media_type = match (field, content_type) {
        (Some(field), Some(header)) if !media_type::is_same(field, header) => {
            return Err(ManifestError::MediaTypeMismatch {
                field: shorten(field),
                header: shorten(header),
            });
        }
        (Some(field), _) => field,
        (None, Some(header)) => header,
        (None, None) => return Err(ManifestError::MediaTypeMissing),
    };
    // It is answered as a header, so it must be fit to be one.
    if media_type::is_valid(media_type) {
        Ok(media_type.to_owned())
    } else {
        Err(ManifestError::MediaTypeInvalid(shorten(media_type)))
    }
}

/// The kind, which the media type decides where it is known and the fields where it is not.
fn kind(media_type: &str, document: &Document<'_>) -> Result<ManifestKind, ManifestError> {
    let is = |known: &[&str]| {
        known
            .iter()
            .any(|known| media_type::is_same(media_type, known))
    };
    let lists_layers = document.config.is_some() || document.layers.is_some();
    let lists_manifests = document.manifests.is_some();
    if lists_layers && lists_manifests {
        return Err(ManifestError::Ambiguous);
    }
    let known = if is(&[media_type::OCI_INDEX, media_type::DOCKER_LIST]) {
        Some(ManifestKind::Index)
    } else if is(&[media_type::OCI_MANIFEST, media_type::DOCKER_SCHEMA2]) {
        Some(ManifestKind::Image)
    } else {
        None
    };
    match known {
        Some(ManifestKind::Index) if lists_layers => return Err(ManifestError::NotAnIndex),
        Some(ManifestKind::Image) if lists_manifests => return Err(ManifestError::NotAnImage),
        Some(ManifestKind::Image) if document.config.is_none() => {
            return Err(ManifestError::ConfigMissing);
        }
        _ => {}
    }
    match document.schema_version {
        Some(2) => {}
        // Types of others need not have a version.
        None if known.is_none() => {}
        _ => return Err(ManifestError::SchemaVersion),
    }
    Ok(known.unwrap_or(if lists_manifests {
        ManifestKind::Index
    } else {
        ManifestKind::Image
    }))
}

#[cfg(test)]
mod tests;
