//! Descriptors: what a manifest says about content it points to.
//!
//! Invariant: a descriptor's digest can be served and its size fits `i64`.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, IgnoredAny, MapAccess},
};

use super::document::{Keys, Text, annotations, word};
use crate::{digest::Digest, media_type};

/// A descriptor (OCI image 1.1, "Content Descriptors").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The content's media type; empty if the client gave none.
    pub media_type: String,
    /// The content's digest.
    pub digest: Digest,
    /// The content's bytes, at most `i64::MAX`.
    pub size: u64,
    /// The artifact type, where the content is a manifest that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Annotations of the descriptor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Other places the content may be fetched from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// What a manifest of an index runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Whether the content is embedded as `data`.
    #[serde(skip)]
    pub has_data: bool,
}

impl Descriptor {
    /// Whether the content may be missing here because clients fetch it from elsewhere.
    pub fn is_non_distributable(&self) -> bool {
        let lower = self.media_type.to_ascii_lowercase();
        lower.contains("nondistributable")
            || lower == media_type::DOCKER_LAYER_FOREIGN
            || lower == media_type::DOCKER_LAYER_FOREIGN_GZIP
    }
}

/// What an image runs on (OCI image 1.1, "Image Index").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Platform {
    /// The processor, in Go's words.
    #[serde(deserialize_with = "or_default")]
    pub architecture: String,
    /// The operating system, in Go's words.
    #[serde(deserialize_with = "or_default")]
    pub os: String,
    /// The operating system's version.
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// What the operating system must offer.
    #[serde(
        rename = "os.features",
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub os_features: Vec<String>,
    /// The processor's variant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Reads `null` as absent, as Go clients do.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

const FIELDS: &[&str] = &[
    "mediaType",
    "digest",
    "size",
    "artifactType",
    "annotations",
    "urls",
    "platform",
    "data",
];

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Descriptor;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a descriptor object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Descriptor, A::Error> {
        let mut digest = None;
        let mut size = None;
        let mut media_type = None;
        let mut artifact_type = None;
        let mut noted = None;
        let mut urls: Option<Vec<String>> = None;
        let mut platform = None;
        let mut data: Option<IgnoredAny> = None;
        let mut keys = Keys::new(FIELDS);
        while let Some(Text(key)) = map.next_key()? {
            match keys.accept(key)? {
                Some("mediaType") => media_type = word(&mut map)?,
                Some("digest") => digest = Some(map.next_value()?),
                Some("size") => size = Some(map.next_value::<u64>()?),
                Some("artifactType") => artifact_type = word(&mut map)?,
                Some("annotations") => noted = annotations(&mut map)?,
                Some("urls") => urls = map.next_value()?,
                Some("platform") => platform = map.next_value()?,
                Some("data") => data = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let size = size.ok_or_else(|| de::Error::missing_field("size"))?;
        if i64::try_from(size).is_err() {
            return Err(de::Error::custom("a descriptor's size is beyond 2^63 - 1"));
        }
        Ok(Descriptor {
            media_type: media_type.unwrap_or_default(),
            digest: digest.ok_or_else(|| de::Error::missing_field("digest"))?,
            size,
            artifact_type,
            annotations: noted,
            urls: urls.unwrap_or_default(),
            platform,
            has_data: data.is_some(),
        })
    }
}
