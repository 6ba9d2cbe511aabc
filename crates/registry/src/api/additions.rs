//! What an artifact's config tells beyond the list: an image's build history.

use axum::extract::State;
use berth_catalog::CatalogError;
use berth_http::{ApiError, Json};
use berth_model::ManifestId;
use berth_oci::{Digest, RepositoryName};
use http_body_util::BodyExt;
use serde_json::value::RawValue;

use super::not_found;
use super::place::Addressed;
use crate::blobs::Content;
use crate::store::listing;
use crate::{Registry, RegistryError};

/// Largest config that is read here.
const CONFIG_BYTES: u64 = 8 * 1024 * 1024;

/// The part of an image config that is answered (OCI image 1.1, "history").
#[derive(serde::Deserialize)]
struct ImageConfig {
    #[serde(default)]
    history: Option<Box<RawValue>>,
}

/// `GET` of an image's build history.
pub(super) async fn build_history(
    State(registry): State<Registry>,
    addressed: Addressed,
) -> Result<Json<Box<RawValue>>, ApiError> {
    let artifact = registry.artifact(&addressed).await?;
    if artifact.kind != "IMAGE" || artifact.config_media_type.is_none() {
        return Err(ApiError::bad_request(format!(
            "addition build_history is for images: {} is none, or an index of several",
            addressed.written()
        )));
    }
    let name = RepositoryName::parse(&artifact.repository_name)?;
    let digest = listing::config(&registry.inner.db, ManifestId(artifact.id)).await?;
    let digest: Digest = digest
        .and_then(|digest| digest.parse().ok())
        .ok_or_else(|| not_found(format_args!("the config of {}", addressed.written())))?;
    let bytes = registry.small_blob(&name, &digest).await?;
    let unreadable = |_| {
        ApiError::from(CatalogError::Precondition(format!(
            "the config {digest} is not that of an image"
        )))
    };
    let config: ImageConfig = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let none = RawValue::from_string("[]".to_owned()).map_err(unreadable)?;
    Ok(Json(
        config
            .history
            .filter(|history| history.get().starts_with('['))
            .unwrap_or(none),
    ))
}

impl Registry {
    /// A blob whole, if it is not too large for that.
    async fn small_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bytes::Bytes, RegistryError> {
        let (size, content) = self.read_blob(repository, digest).await?;
        match content {
            Content::Whole(bytes) => Ok(bytes),
            Content::Open(_) if size > CONFIG_BYTES => Err(RegistryError::Unsupported(format!(
                "the config is larger than {CONFIG_BYTES} bytes: pull it to read it"
            ))),
            Content::Open(blob) => Ok(blob.stream(0, size).collect().await?.to_bytes()),
        }
    }
}
