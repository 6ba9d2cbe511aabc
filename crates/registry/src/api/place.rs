//! What a path names, looked up: the one way from a request to rows of a repository.
//!
//! Invariant: a [`Place`] is a repository of the project that the server's layer resolved and
//! checked, and an [`Addressed`] is a reference inside such a place.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use berth_catalog::{Entry, Repository};
use berth_http::ApiError;
use berth_iam::{Caller, ProjectFacts};
use berth_model::Code;
use berth_oci::Reference;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::not_found;
use crate::{Registry, RegistryError};

/// A repository's name in a path, whether there is one or not.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) facts: ProjectFacts,
    /// With its project.
    pub(super) repository: String,
    path: HashMap<String, String>,
}

/// A repository.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) facts: ProjectFacts,
    pub(super) repository: Repository,
}

/// A tag or digest in a repository.
#[derive(Clone, Debug)]
pub(super) struct Addressed {
    pub(super) place: Place,
    pub(super) reference: Reference,
    /// `{tag_name}`, empty where the path has none.
    pub(super) tag_name: String,
}

impl Place {
    /// An access log entry about something here, to be filled in.
    pub(super) fn entry(
        &self,
        registry: &Registry,
        caller: &Caller,
        operation: &str,
        resource_type: &str,
    ) -> Entry {
        Entry {
            repository: self.repository.name.clone(),
            ..Entry::by(caller, operation, resource_type, registry.inner.clock.now())
                .in_project(self.facts.id)
        }
    }

    pub(super) fn gone(&self) -> RegistryError {
        not_found(format_args!("repository {}", self.repository.name))
    }
}

impl Addressed {
    /// As a user would write it: `project/repository:tag`.
    pub(super) fn written(&self) -> String {
        written(&self.place.repository.name, &self.reference)
    }

    pub(super) fn gone(&self) -> RegistryError {
        not_found(format_args!("artifact {}", self.written()))
    }
}

/// `project/repository:tag` or `project/repository@digest`.
pub(super) fn written(repository: &str, reference: &Reference) -> String {
    match reference {
        Reference::Tag(tag) => format!("{repository}:{tag}"),
        Reference::Digest(digest) => format!("{repository}@{digest}"),
    }
}

impl FromRequestParts<Registry> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Registry) -> Result<Self, ApiError> {
        // A route that is served without the layer must not be taken for one of any project.
        let facts = parts
            .extensions
            .get::<ProjectFacts>()
            .cloned()
            .ok_or_else(|| {
                ApiError::new(Code::Unknown, "the layer that finds projects is missing")
            })?;
        let Path(path) = Path::<HashMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::bad_request("the path is not readable"))?;
        // Decoded once on the way here; clients encode the slashes of a name once or twice.
        let rest = path
            .get("repository_name")
            .map(String::as_str)
            .unwrap_or_default();
        let rest = percent_decode_str(rest)
            .decode_utf8()
            .map_err(|_| ApiError::bad_request("the repository's name is not readable"))?;
        let repository = format!("{}/{rest}", facts.name);
        Ok(Self {
            facts,
            repository,
            path,
        })
    }
}

impl Named {
    async fn find(self, registry: &Registry) -> Result<Place, ApiError> {
        let found = registry
            .inner
            .catalog
            .find_repository(&self.repository)
            .await?;
        match found.filter(|found| found.project_id == self.facts.id) {
            Some(repository) => Ok(Place {
                facts: self.facts,
                repository,
            }),
            None => Err(not_found(format_args!("repository {}", self.repository)).into()),
        }
    }
}

impl FromRequestParts<Registry> for Place {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Registry) -> Result<Self, ApiError> {
        Named::from_request_parts(parts, state)
            .await?
            .find(state)
            .await
    }
}

impl FromRequestParts<Registry> for Addressed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Registry) -> Result<Self, ApiError> {
        let mut named = Named::from_request_parts(parts, state).await?;
        let reference = named.path.remove("reference").unwrap_or_default();
        let reference = Reference::parse(&reference)?;
        let tag_name = named.path.remove("tag_name").unwrap_or_default();
        Ok(Self {
            place: named.find(state).await?,
            reference,
            tag_name,
        })
    }
}
