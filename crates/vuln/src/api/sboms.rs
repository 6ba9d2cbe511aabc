//! Reading the SBOM of an image.
//!
//! Invariant: the document is what is stored as an accessory of the image, sent so that no browser
//! runs it; no layer is read for it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use berth_http::{ApiError, Query};
use berth_iam::{Access, Endpoint, Operation, Parameter, Permission, ProjectFacts};
use berth_model::{Action, Code, Resource, Timestamp};
use berth_oci::{Descriptor, Digest, Manifest, RepositoryName};
use berth_scan::output::cyclonedx;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::Named;
use crate::sbom::{ACCESSORY, SPDX, Source};
use crate::store::sboms::{self, SbomRow};
use crate::{Scanning, VulnError};

/// Largest document that was not made here.
const FOREIGN_BYTES: u64 = 8 * 1024 * 1024;
const CYCLONEDX: &str = "application/vnd.cyclonedx+json";
const FORMAT: &[Parameter] = &[Parameter::text(
    "format",
    "spdx (SPDX 2.3) or cyclonedx (CycloneDX 1.6); else as the client accepts it.",
)];
const JSON: &str = "application/json; charset=utf-8";

/// Documents that one process makes for readers at the same time: what they hold is bounded by this.
static TURNS: Semaphore = Semaphore::const_new(2);

/// A form of the document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Spdx,
    CycloneDx,
}

impl Form {
    /// As the parameter says, else as the client accepts it; with its media type.
    fn wanted(format: Option<&str>, headers: &HeaderMap) -> Result<(Self, &'static str), ApiError> {
        let accepts = |wanted: &str| {
            let given = headers.get_all(ACCEPT).into_iter();
            let mut types = given
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .map(berth_oci::media_type::strip_parameters);
            types.any(|one| berth_oci::media_type::is_same(one, wanted))
        };
        match format {
            Some("spdx") => Ok((Self::Spdx, JSON)),
            Some("cyclonedx") => Ok((Self::CycloneDx, CYCLONEDX)),
            Some(other) => Err(ApiError::bad_request(format!(
                "there is no format {other:?}: it must be \"spdx\" or \"cyclonedx\""
            ))),
            None if accepts(SPDX) => Ok((Self::Spdx, SPDX)),
            None if accepts(CYCLONEDX) => Ok((Self::CycloneDx, CYCLONEDX)),
            // What Harbor's clients can read.
            None => Ok((Self::Spdx, JSON)),
        }
    }
}

pub(super) fn endpoint(scanning: &Scanning) -> Endpoint {
    let handler = get(read).with_state(scanning.clone());
    let access = Access::Project(Permission::new(Resource::ArtifactAddition, Action::Read));
    Endpoint::new(Method::GET, artifact!("/additions/sbom"), access, handler).describe(
        Operation::new(
            "getSbomAddition",
            "artifact",
            "Read the SBOM of an artifact",
        )
        .parameters(FORMAT)
        .answer::<Map<String, Value>>()
        .or_media_types(&[SPDX, CYCLONEDX])
        .errors(&[400]),
    )
}

async fn read(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
    Path(path): Path<HashMap<String, String>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let format = query.get("format").map(String::as_str);
    let (form, media_type) = Form::wanted(format, &headers)?;
    let named = scanning.named(&facts, &path).await?;
    let found = scanning.sbom_of(&named).await?;
    let mut response = match form {
        Form::Spdx => scanning.spdx(&named.repository, &found).await?,
        Form::CycloneDx => scanning.cyclonedx(&named.repository, &found).await?,
    };
    let sent: [(HeaderName, &'static str); 3] = [
        (CONTENT_TYPE, media_type),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    for (name, value) in sent {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// An SBOM that is stored.
struct Stored {
    /// The image that it is of.
    image: Digest,
    /// The blob that is the document.
    document: Descriptor,
    /// What is known of its making; `None`: it was not made here.
    made: Option<SbomRow>,
}

impl Scanning {
    /// The SBOM of an artifact. An SBOM may be named itself: Harbor's clients read it so.
    async fn sbom_of(&self, named: &Named) -> Result<Stored, ApiError> {
        let missing = || {
            let sentence = format!("{} has no SBOM: have one generated first", named.digest);
            ApiError::new(Code::NotFound, sentence)
        };
        let digest: Digest = named.digest.parse().map_err(|_| missing())?;
        let repository = &named.repository;
        let accessory = if named.kind == "SBOM" {
            digest
        } else {
            let row = sboms::find(&self.db, repository.as_str(), digest.as_str()).await?;
            let known = row.and_then(|row| row.accessory?.parse().ok());
            if let Some(known) = known {
                known
            } else {
                // One that came with the image, as with a copy of it.
                let registry = &self.registry;
                let newest = registry.newest_accessory(repository, &digest, ACCESSORY);
                newest.await?.ok_or_else(missing)?
            }
        };
        let manifest = self.manifest(repository, &accessory).await?;
        let document = manifest.layers.into_iter().find(|it| it.media_type == SPDX);
        let (Some(subject), Some(document)) = (manifest.subject, document) else {
            return Err(missing());
        };
        let row = sboms::find(&self.db, repository.as_str(), subject.digest.as_str()).await?;
        let made = row.filter(|row| row.accessory.as_deref() == Some(accessory.as_str()));
        Ok(Stored {
            image: subject.digest,
            document,
            made,
        })
    }

    async fn manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Manifest, VulnError> {
        let (media_type, payload) = self.registry.manifest_bytes(repository, digest).await?;
        Manifest::parse(&payload, Some(&media_type))
            .map_err(|error| VulnError::Invalid(error.to_string()))
    }

    async fn spdx(
        &self,
        repository: &RepositoryName,
        found: &Stored,
    ) -> Result<Response, ApiError> {
        let document = &found.document;
        if found.made.is_some() {
            let stream = self.registry.blob_stream(repository, &document.digest);
            return Ok(Body::from_stream(stream.await?).into_response());
        }
        let unreadable = || {
            let sentence = format!("what is attached as the SBOM of {} is none", found.image);
            ApiError::new(Code::NotFound, sentence)
        };
        // Whoever may push may have attached anything.
        if document.size > FOREIGN_BYTES {
            return Err(unreadable());
        }
        let bytes = self.registry.blob_bytes(repository, &document.digest);
        let bytes = bytes.await?;
        let read: Result<Map<String, Value>, _> = serde_json::from_slice(&bytes);
        read.map_err(|_| unreadable())?;
        Ok(bytes.into_response())
    }

    async fn cyclonedx(
        &self,
        repository: &RepositoryName,
        found: &Stored,
    ) -> Result<Response, ApiError> {
        let image = &found.image;
        let unknown = || {
            let sentence = format!(
                "what {image} holds has to be looked at again: have its SBOM generated anew"
            );
            ApiError::new(Code::NotFound, sentence)
        };
        let manifest = self.manifest(repository, image).await?;
        // It is never closed.
        let _turn = TURNS.acquire().await;
        let content = self.known_contents(&manifest).await?.ok_or_else(unknown)?;
        let created = found.made.as_ref().map_or_else(
            || self.clock.now(),
            |row| Timestamp::from_micros(row.ended_at.unwrap_or(row.started_at)),
        );
        let source = Arc::new(Source {
            of: (repository.to_string(), image.to_string()),
            content,
        });
        let document = source.document(cyclonedx, created.to_rfc3339());
        Ok(document.await?.into_response())
    }
}
