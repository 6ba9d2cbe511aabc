//! Repositories: list, read, describe.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use berth_catalog::query::{Filter, order_by};
use berth_catalog::{CatalogError, Viewer, record_in};
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::{Caller, Parameter, Permission, ProjectFacts, allows};
use berth_model::{Action, Resource};
use http::Uri;
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::RepositoryBody;
use super::params::Params;
use super::place::Place;
use crate::store::listing::{self, RepositoryRow, condition};
use crate::{Registry, RegistryError};

/// Longest description, bytes.
const DESCRIPTION: usize = 64 * 1024;

/// What can be asked for with the repositories of a project.
pub(super) const WITH: &[Parameter] = &[Parameter::flag(
    "with_scan_overview",
    "Count the vulnerabilities of its newest image that has a report; needs `list` on `artifact`.",
)];

/// `GET /repositories`: all that the caller may see.
pub(super) async fn list_seen(
    State(registry): State<Registry>,
    caller: Caller,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let viewer = Viewer::to(&caller.actor, Resource::Repository, Action::List);
    let filter = condition::repositories_seen(viewer, params.text("q"))?;
    registry
        .list_repositories(&filter, &params, page, &uri, false)
        .await
}

/// `GET` of a project's repositories.
pub(super) async fn list(
    State(registry): State<Registry>,
    Extension(facts): Extension<ProjectFacts>,
    caller: Caller,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let filter = condition::repositories_of(facts.id, params.text("q"))?;
    let artifacts = Permission::new(Resource::Artifact, Action::List);
    let scans =
        params.flag("with_scan_overview", false)? && allows(&caller.actor, &facts, artifacts);
    registry
        .list_repositories(&filter, &params, page, &uri, scans)
        .await
}

/// `GET` of one repository.
pub(super) async fn read(
    State(registry): State<Registry>,
    place: Place,
) -> Result<Json<RepositoryBody>, ApiError> {
    let found = place.repository;
    let counts = listing::artifact_counts(&registry.inner.db, &[found.id.get()]).await?;
    let row = RepositoryRow {
        id: found.id.get(),
        project_id: found.project_id.get(),
        name: found.name,
        description: found.description,
        pull_count: found.pull_count,
        created_at: found.created_at.micros(),
        updated_at: found.updated_at.micros(),
    };
    Ok(Json(RepositoryBody::new(
        row,
        counts.first().map_or(0, |(_, count)| *count),
    )))
}

/// What a client may say of a repository; everything else is ignored.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Repository")]
pub(super) struct RepositoryRequest {
    #[serde(default)]
    description: Option<String>,
}

/// `PUT` of a repository's description.
pub(super) async fn update(
    State(registry): State<Registry>,
    caller: Caller,
    place: Place,
    Json(request): Json<RepositoryRequest>,
) -> Result<(), ApiError> {
    let description = request.description.unwrap_or_default();
    if description.len() > DESCRIPTION {
        return Err(ApiError::bad_request(format!(
            "a description is at most {DESCRIPTION} bytes long"
        )));
    }
    let mut entry = place.entry(&registry, &caller, "update", "repository");
    entry.resource.clone_from(&place.repository.name);
    let now = entry.at;
    registry
        .inner
        .db
        .write::<_, RegistryError, _>(move |tx| {
            Box::pin(async move {
                let id = place.repository.id;
                if !listing::describe(tx, id, place.facts.id, &description, now).await? {
                    return Err(place.gone());
                }
                Ok(record_in(tx, entry).await?)
            })
        })
        .await?;
    Ok(())
}

impl Registry {
    async fn list_repositories(
        &self,
        filter: &Filter,
        params: &Params,
        page: Page,
        uri: &Uri,
        scans: bool,
    ) -> Result<Response, ApiError> {
        // Ids are given in the order in which repositories were made: the newest first.
        let order = order_by(
            params.text("sort"),
            condition::REPOSITORY,
            "r.id DESC",
            "r.id DESC",
        )
        .map_err(CatalogError::from)?;
        let part = (page.limit(), page.offset());
        let (rows, total) = listing::repositories(&self.inner.db, filter, &order, part).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let counts = listing::artifact_counts(&self.inner.db, &ids).await?;
        let counts: HashMap<i64, i64> = counts.into_iter().collect();
        let mut newest = match self.inner.guard.get() {
            Some(guard) if scans => guard.newest(&ids).await?,
            _ => HashMap::new(),
        };
        let bodies: Vec<RepositoryBody> = rows
            .into_iter()
            .map(|row| {
                let count = counts.get(&row.id).copied().unwrap_or(0);
                let newest = newest.remove(&row.id);
                RepositoryBody::new(row, count).scanned(newest)
            })
            .collect();
        Ok(list_response(&bodies, total.unsigned_abs(), &page, uri))
    }
}
