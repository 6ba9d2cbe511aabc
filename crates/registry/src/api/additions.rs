//! What an artifact tells beyond the list: its manifest; an image's build history; a chart's values,
//! its words to its readers and what it depends on.
//!
//! Invariant: bytes of an artifact are answered with a type that no browser runs.

mod chart;

use std::collections::HashMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use berth_catalog::CatalogError;
use berth_http::ApiError;
use berth_model::{Code, ManifestId};
use berth_oci::{Digest, RepositoryName, media_type};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http_body_util::BodyExt;
use serde_json::value::RawValue;

use super::not_found;
use super::place::Addressed;
use crate::blobs::Content;
use crate::store::listing::{self, ArtifactRow};
use crate::store::manifests;
use crate::{Registry, RegistryError};

/// Largest blob that is read here.
const BLOB_BYTES: u64 = 16 * 1024 * 1024;

/// What can be asked of every artifact; Harbor has it not, so no artifact lists it.
const MANIFEST: &str = "manifest";

/// Something that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addition {
    BuildHistory,
    Values,
    Readme,
    Dependencies,
}

impl Addition {
    /// As it is written in the path.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BuildHistory => "build_history",
            Self::Values => "values.yaml",
            Self::Readme => "readme.md",
            Self::Dependencies => "dependencies",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::BuildHistory | Self::Dependencies => "application/json; charset=utf-8",
            Self::Values => "text/plain; charset=utf-8",
            Self::Readme => "text/markdown; charset=utf-8",
        }
    }

    /// What there is of an artifact of this type, whose manifest has a config or has none.
    pub(super) fn of(kind: &str, config_media_type: Option<&str>) -> &'static [Self] {
        match (kind, config_media_type) {
            ("IMAGE", Some(_)) => &[Self::BuildHistory],
            ("CHART", Some(_)) => &[Self::Values, Self::Readme, Self::Dependencies],
            _ => &[],
        }
    }
}

impl Addition {
    /// Whether an artifact may have an SBOM, or is one: scanners answer that addition.
    pub(super) fn may_have_sbom(kind: &str, config_media_type: Option<&str>) -> bool {
        kind == "SBOM" || (kind == "IMAGE" && config_media_type.is_some())
    }
}

/// `GET` of an addition.
pub(super) async fn read(
    State(registry): State<Registry>,
    Path(path): Path<HashMap<String, String>>,
    addressed: Addressed,
) -> Result<Response, ApiError> {
    let artifact = registry.artifact(&addressed).await?;
    let wanted = path.get("addition").map_or("", String::as_str);
    if wanted == MANIFEST {
        let found = manifests::payload(&registry.inner.db, ManifestId(artifact.id)).await?;
        let missing = || not_found(format_args!("the manifest of {}", addressed.written()));
        let bytes = Bytes::from(found.ok_or_else(missing)?);
        return Ok(sent(bytes, "application/json; charset=utf-8"));
    }
    let there = Addition::of(&artifact.kind, artifact.config_media_type.as_deref());
    let Some(addition) = there.iter().find(|it| it.name() == wanted) else {
        let names: Vec<&str> = there.iter().map(|it| it.name()).collect();
        let has = match names.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        return Err(ApiError::bad_request(format!(
            "{} has no addition {wanted:?}; it has {has}",
            addressed.written()
        )));
    };
    let bytes = match addition {
        Addition::BuildHistory => {
            let config = registry.config_of(&artifact, &addressed).await?;
            build_history(&config).map_err(|_| unreadable(&addressed, "config", "an image"))?
        }
        Addition::Dependencies => {
            let config = registry.config_of(&artifact, &addressed).await?;
            chart::dependencies(&config).map_err(|_| unreadable(&addressed, "config", "a chart"))?
        }
        Addition::Values | Addition::Readme => {
            let layer = registry.chart_of(&artifact, &addressed).await?;
            let name = addition.name();
            let file = tokio::task::spawn_blocking(move || chart::file(&layer, name)).await;
            let broken =
                |error: tokio::task::JoinError| ApiError::new(Code::Unknown, error.to_string());
            let file = file.map_err(broken)?;
            let file = file.map_err(|_| unreadable(&addressed, "content", "a chart"))?;
            let what = || not_found(format_args!("{name} of {}", addressed.written()));
            Bytes::from(file.ok_or_else(what)?)
        }
    };
    Ok(sent(bytes, addition.media_type()))
}

/// The bytes, so that no browser runs them.
fn sent(bytes: Bytes, media_type: &'static str) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    let sandbox = HeaderValue::from_static("default-src 'none'; sandbox");
    headers.insert(CONTENT_SECURITY_POLICY, sandbox);
    response
}

/// The part of an image config that is answered (OCI image 1.1, "history").
#[derive(serde::Deserialize)]
struct ImageConfig {
    #[serde(default)]
    history: Option<Box<RawValue>>,
}

fn build_history(config: &[u8]) -> Result<Bytes, serde_json::Error> {
    let config: ImageConfig = serde_json::from_slice(config)?;
    let history = config
        .history
        .map(|history| String::from(Box::<str>::from(history)));
    let history = history.filter(|history| history.starts_with('['));
    Ok(Bytes::from(history.unwrap_or_else(|| "[]".to_owned())))
}

fn unreadable(addressed: &Addressed, part: &str, of: &str) -> ApiError {
    CatalogError::Precondition(format!(
        "the {part} of {} is not that of {of}",
        addressed.written()
    ))
    .into()
}

impl Registry {
    /// The config of an artifact, whole.
    async fn config_of(
        &self,
        artifact: &ArtifactRow,
        addressed: &Addressed,
    ) -> Result<Bytes, ApiError> {
        let found = listing::config(&self.inner.db, ManifestId(artifact.id)).await?;
        self.part(artifact, addressed, found, "config").await
    }

    /// The archive of a chart, whole.
    async fn chart_of(
        &self,
        artifact: &ArtifactRow,
        addressed: &Addressed,
    ) -> Result<Bytes, ApiError> {
        let id = ManifestId(artifact.id);
        let found = listing::layer(&self.inner.db, id, media_type::HELM_CHART).await?;
        self.part(artifact, addressed, found, "content").await
    }

    async fn part(
        &self,
        artifact: &ArtifactRow,
        addressed: &Addressed,
        digest: Option<String>,
        what: &str,
    ) -> Result<Bytes, ApiError> {
        let digest: Digest = digest
            .and_then(|digest| digest.parse().ok())
            .ok_or_else(|| not_found(format_args!("the {what} of {}", addressed.written())))?;
        let name = RepositoryName::parse(&artifact.repository_name)?;
        Ok(self.small_blob(&name, &digest).await?)
    }

    /// A blob whole, if it is not too large for that.
    async fn small_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Bytes, RegistryError> {
        let (size, content) = self.read_blob(repository, digest).await?;
        match content {
            Content::Whole(bytes) => Ok(bytes),
            Content::Open(_) if size > BLOB_BYTES => Err(RegistryError::Unsupported(format!(
                "the blob {digest} is larger than {BLOB_BYTES} bytes: pull it to read it"
            ))),
            Content::Open(blob) => Ok(blob.stream(0, size).collect().await?.to_bytes()),
        }
    }
}
