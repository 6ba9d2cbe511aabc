//! Harbor's API over what was pushed: repositories, artifacts, tags and accessories.
//!
//! Invariant: a handler does not ask who may; each endpoint states its access and the server's
//! layer has decided. What a handler touches is found below the project that layer resolved, so
//! an id, name or digest of another project is not there.

mod additions;
mod artifacts;
mod body;
mod copying;
mod params;
mod place;
mod removal;
mod repositories;
mod tags;
#[cfg(test)]
mod tests;

use axum::routing::{MethodRouter, delete, get, post, put};
use berth_catalog::CatalogError;
use berth_iam::{Access, Endpoint, Permission};
use berth_model::{Action, Resource};
use http::Method;

use crate::{Registry, RegistryError};

/// A path below `/projects/{project_name}/repositories`.
macro_rules! path {
    ($rest:literal) => {
        concat!("/api/v2.0/projects/{project_name}/repositories", $rest)
    };
}

const REPOSITORY: &str = path!("/{repository_name}");
const ARTIFACTS: &str = path!("/{repository_name}/artifacts");
const ARTIFACT: &str = path!("/{repository_name}/artifacts/{reference}");
const TAGS: &str = path!("/{repository_name}/artifacts/{reference}/tags");

/// The management routes of what was pushed.
pub fn endpoints(registry: Registry) -> Vec<Endpoint> {
    let routes: [(Method, &'static str, Access, MethodRouter<Registry>); 15] = [
        (
            Method::GET,
            "/api/v2.0/repositories",
            Access::Public,
            get(repositories::list_seen),
        ),
        (
            Method::GET,
            "/api/v2.0/projects/{project_name_or_id}/artifacts",
            may(Resource::Artifact, Action::List),
            get(artifacts::list_of_project),
        ),
        (
            Method::GET,
            path!(""),
            may(Resource::Repository, Action::List),
            get(repositories::list),
        ),
        (
            Method::GET,
            REPOSITORY,
            may(Resource::Repository, Action::Read),
            get(repositories::read),
        ),
        (
            Method::PUT,
            REPOSITORY,
            may(Resource::Repository, Action::Update),
            put(repositories::update),
        ),
        (
            Method::DELETE,
            REPOSITORY,
            may(Resource::Repository, Action::Delete),
            delete(removal::repository),
        ),
        (
            Method::GET,
            ARTIFACTS,
            may(Resource::Artifact, Action::List),
            get(artifacts::list),
        ),
        (
            Method::POST,
            ARTIFACTS,
            may(Resource::Artifact, Action::Create),
            post(copying::copy),
        ),
        (
            Method::GET,
            ARTIFACT,
            may(Resource::Artifact, Action::Read),
            get(artifacts::read),
        ),
        (
            Method::DELETE,
            ARTIFACT,
            may(Resource::Artifact, Action::Delete),
            delete(removal::artifact),
        ),
        (
            Method::GET,
            TAGS,
            may(Resource::Tag, Action::List),
            get(tags::list),
        ),
        (
            Method::POST,
            TAGS,
            may(Resource::Tag, Action::Create),
            post(tags::create),
        ),
        (
            Method::DELETE,
            path!("/{repository_name}/artifacts/{reference}/tags/{tag_name}"),
            may(Resource::Tag, Action::Delete),
            delete(tags::remove),
        ),
        (
            Method::GET,
            path!("/{repository_name}/artifacts/{reference}/accessories"),
            may(Resource::Accessory, Action::List),
            get(artifacts::list_accessories),
        ),
        (
            Method::GET,
            path!("/{repository_name}/artifacts/{reference}/additions/build_history"),
            may(Resource::ArtifactAddition, Action::Read),
            get(additions::build_history),
        ),
    ];
    routes
        .into_iter()
        .map(|(method, path, access, handler)| {
            Endpoint::new(method, path, access, handler.with_state(registry.clone()))
        })
        .collect()
}

const fn may(resource: Resource, action: Action) -> Access {
    Access::Project(Permission::new(resource, action))
}

fn not_found(what: impl std::fmt::Display) -> RegistryError {
    CatalogError::NotFound(format!("{what} not found")).into()
}

fn precondition(message: String) -> RegistryError {
    CatalogError::Precondition(message).into()
}
