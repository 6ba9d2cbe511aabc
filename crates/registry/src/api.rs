//! Harbor's API over what was pushed: repositories, artifacts, tags and accessories.
//!
//! Invariant: a handler does not ask who may; each endpoint states its access and the server's
//! layer has decided. What a handler touches is found below the project that layer resolved, so
//! an id, name or digest of another project is not there.

mod additions;
mod artifacts;
mod body;
mod copying;
mod icons;
mod immutable;
mod labels;
mod params;
mod place;
pub(crate) mod removal;
mod repositories;
mod search;
mod tags;
#[cfg(test)]
mod tests;
mod undelete;

use axum::routing::{MethodRouter, delete, get, post, put};
use berth_catalog::{CatalogError, LabelRequest};
use berth_iam::{Access, Endpoint, Operation, Permission};
use berth_model::{Action, Resource};
use http::Method;

use body::{AccessoryBody, ArtifactBody, RepositoryBody, TagBody};

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

/// Method, path, access, handler, and what the API document says of them.
type Route = (
    Method,
    &'static str,
    Access,
    MethodRouter<Registry>,
    Operation,
);

/// The management routes of what was pushed.
pub fn endpoints(registry: Registry) -> Vec<Endpoint> {
    let routes = [
        repository_routes(),
        artifact_routes(),
        tag_routes(),
        immutable::routes(),
        undelete::routes(),
    ];
    routes
        .into_iter()
        .flatten()
        .map(|(method, path, access, handler, operation)| {
            let handler = handler.with_state(registry.clone());
            Endpoint::new(method, path, access, handler).describe(operation)
        })
        .collect()
}

fn repository_routes() -> Vec<Route> {
    vec![
        (
            Method::GET,
            "/api/v2.0/search",
            Access::Public,
            get(search::search),
            Operation::new(
                "search",
                "search",
                "Find projects and repositories you may see",
            )
            .parameters(search::TEXT)
            .answer::<search::SearchBody>()
            .errors(&[400]),
        ),
        (
            Method::GET,
            "/api/v2.0/search/artifacts",
            Access::Public,
            get(search::artifacts),
            Operation::new(
                "searchArtifacts",
                "search",
                "Find artifacts you may see by how a tag or a digest begins",
            )
            .parameters(search::BEGINNING)
            .answer::<Vec<search::FoundBody>>()
            .errors(&[400]),
        ),
        (
            Method::GET,
            "/api/v2.0/repositories",
            Access::Public,
            get(repositories::list_seen),
            Operation::new(
                "listAllRepositories",
                "repository",
                "List repositories you may see",
            )
            .paged()
            .answer::<Vec<RepositoryBody>>(),
        ),
        (
            Method::GET,
            path!(""),
            may(Resource::Repository, Action::List),
            get(repositories::list),
            Operation::new(
                "listRepositories",
                "repository",
                "List the repositories of a project",
            )
            .paged()
            .parameters(repositories::WITH)
            .answer::<Vec<RepositoryBody>>(),
        ),
        (
            Method::GET,
            REPOSITORY,
            may(Resource::Repository, Action::Read),
            get(repositories::read),
            Operation::new("getRepository", "repository", "Read a repository")
                .answer::<RepositoryBody>(),
        ),
        (
            Method::PUT,
            REPOSITORY,
            may(Resource::Repository, Action::Update),
            put(repositories::update),
            Operation::new("updateRepository", "repository", "Describe a repository")
                .body::<repositories::RepositoryRequest>(),
        ),
        (
            Method::DELETE,
            REPOSITORY,
            may(Resource::Repository, Action::Delete),
            delete(removal::repository),
            Operation::new(
                "deleteRepository",
                "repository",
                "Delete a repository with all that is in it",
            )
            .errors(&[412]),
        ),
    ]
}

fn artifact_routes() -> Vec<Route> {
    vec![
        (
            Method::GET,
            "/api/v2.0/icons/{digest}",
            Access::Public,
            get(icons::read),
            Operation::new("getIcon", "icon", "Read an artifact's icon")
                .answer::<icons::IconBody>()
                .errors(&[400]),
        ),
        (
            Method::GET,
            "/api/v2.0/projects/{project_name_or_id}/artifacts",
            may(Resource::Artifact, Action::List),
            get(artifacts::list_of_project),
            Operation::new(
                "listArtifactsOfProject",
                "project",
                "List the artifacts of a project",
            )
            .paged()
            .parameters(artifacts::OF_PROJECT)
            .answer::<Vec<ArtifactBody>>(),
        ),
        (
            Method::GET,
            ARTIFACTS,
            may(Resource::Artifact, Action::List),
            get(artifacts::list),
            Operation::new(
                "listArtifacts",
                "artifact",
                "List the artifacts of a repository",
            )
            .paged()
            .parameters(artifacts::WITH)
            .answer::<Vec<ArtifactBody>>(),
        ),
        (
            Method::POST,
            ARTIFACTS,
            may(Resource::Artifact, Action::Create),
            post(copying::copy),
            Operation::new(
                "CopyArtifact",
                "artifact",
                "Copy an artifact into a repository",
            )
            .parameters(copying::FROM)
            .creates()
            .errors(&[400, 409, 412]),
        ),
        (
            Method::GET,
            ARTIFACT,
            may(Resource::Artifact, Action::Read),
            get(artifacts::read),
            Operation::new("getArtifact", "artifact", "Read an artifact")
                .parameters(artifacts::WITH)
                .answer::<ArtifactBody>(),
        ),
        (
            Method::DELETE,
            ARTIFACT,
            may(Resource::Artifact, Action::Delete),
            delete(removal::artifact),
            Operation::new(
                "deleteArtifact",
                "artifact",
                "Delete an artifact with its tags",
            )
            .errors(&[412]),
        ),
        (
            Method::GET,
            path!("/{repository_name}/artifacts/{reference}/accessories"),
            may(Resource::Accessory, Action::List),
            get(artifacts::list_accessories),
            Operation::new(
                "listAccessories",
                "artifact",
                "List what belongs to an artifact, such as signatures",
            )
            .paged()
            .answer::<Vec<AccessoryBody>>(),
        ),
        (
            Method::GET,
            path!("/{repository_name}/artifacts/{reference}/additions/{addition}"),
            may(Resource::ArtifactAddition, Action::Read),
            get(additions::read),
            Operation::new(
                "getAddition",
                "artifact",
                "Read what an artifact's content tells beyond the list",
            )
            .media_type("text/plain")
            .or_media_types(&["text/markdown", "application/json"])
            .errors(&[400, 412]),
        ),
    ]
}

fn tag_routes() -> Vec<Route> {
    vec![
        (
            Method::GET,
            TAGS,
            may(Resource::Tag, Action::List),
            get(tags::list),
            Operation::new("listTags", "artifact", "List the tags of an artifact")
                .paged()
                .parameters(&[artifacts::WITH_IMMUTABLE])
                .answer::<Vec<TagBody>>(),
        ),
        (
            Method::POST,
            TAGS,
            may(Resource::Tag, Action::Create),
            post(tags::create),
            Operation::new("createTag", "artifact", "Give an artifact a tag")
                .body::<tags::NewTag>()
                .creates()
                .errors(&[409]),
        ),
        (
            Method::DELETE,
            path!("/{repository_name}/artifacts/{reference}/tags/{tag_name}"),
            may(Resource::Tag, Action::Delete),
            delete(tags::remove),
            Operation::new("deleteTag", "artifact", "Take a tag from an artifact").errors(&[412]),
        ),
        (
            Method::POST,
            path!("/{repository_name}/artifacts/{reference}/labels"),
            may(Resource::ArtifactLabel, Action::Create),
            post(labels::add),
            Operation::new("addLabel", "artifact", "Put a label on an artifact")
                .body::<LabelRequest>()
                .errors(&[409]),
        ),
        (
            Method::DELETE,
            path!("/{repository_name}/artifacts/{reference}/labels/{label_id}"),
            may(Resource::ArtifactLabel, Action::Delete),
            delete(labels::remove),
            Operation::new("removeLabel", "artifact", "Take a label off an artifact"),
        ),
    ]
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
