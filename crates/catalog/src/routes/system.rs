//! What the system says about itself, the counts and the search.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use berth_http::{ApiError, Json};
use berth_iam::{Access, Caller, Endpoint};
use http::Method;
use serde_json::{Map, Value, json};

use super::SystemFacts;
use super::params::Params;
use super::projects::ProjectBody;
use crate::Catalog;

/// Longest text that is searched for, bytes.
const LONGEST_SEARCH: usize = 255;

#[derive(Clone)]
struct System {
    catalog: Catalog,
    facts: Arc<SystemFacts>,
}

pub(super) fn endpoints(catalog: &Catalog, facts: SystemFacts) -> Vec<Endpoint> {
    let system = System {
        catalog: catalog.clone(),
        facts: Arc::new(facts),
    };
    let get_of = |path, access, handler| Endpoint::new(Method::GET, path, access, handler);
    vec![
        get_of("/api/v2.0/ping", Access::Public, get(|| async { "Pong" })),
        get_of("/api/version", Access::Public, get(api_version)),
        get_of(
            "/api/v2.0/systeminfo",
            Access::Public,
            get(info).with_state(system),
        ),
        get_of(
            "/api/v2.0/search",
            Access::Public,
            get(search).with_state(catalog.clone()),
        ),
        get_of(
            "/api/v2.0/statistics",
            Access::Authenticated,
            get(statistics).with_state(catalog.clone()),
        ),
    ]
}

async fn api_version() -> Json<Value> {
    Json(json!({ "version": "v2.0" }))
}

/// Harbor's `GeneralInfo`: what a login page needs for everybody, the rest for users.
async fn info(State(system): State<System>, caller: Caller) -> Json<Map<String, Value>> {
    let settings = system.catalog.settings();
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("auth_mode", "db_auth".into());
    put("primary_auth_mode", false.into());
    put("self_registration", settings.self_registration.into());
    put("banner_message", settings.banner_message.clone().into());
    if caller.actor.user().is_some() {
        let url = &system.facts.external_url;
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
        let now = system.catalog.clock().now();
        put("current_time", now.to_rfc3339().into());
        put("harbor_version", system.facts.version.clone().into());
        put("external_url", url.clone().into());
        put("registry_url", host.trim_end_matches('/').into());
        put(
            "registry_storage_provider_name",
            system.facts.storage.clone().into(),
        );
        put(
            "project_creation_restriction",
            settings.project_creation_restriction.as_str().into(),
        );
        put("read_only", settings.read_only.into());
        put("has_ca_root", false.into());
        put("notification_enable", false.into());
    }
    Json(body)
}

async fn search(
    State(catalog): State<Catalog>,
    caller: Caller,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let text = params.text_or_empty("q");
    if text.len() > LONGEST_SEARCH {
        return Err(ApiError::bad_request(format!(
            "q is limited to {LONGEST_SEARCH} bytes"
        )));
    }
    let found = catalog.search(&caller, text).await?;
    let projects: Vec<ProjectBody> = found.projects.into_iter().map(ProjectBody::from).collect();
    let repositories: Vec<Value> = found
        .repositories
        .into_iter()
        .map(|hit| {
            json!({
                "project_id": hit.project_id,
                "project_name": hit.project_name,
                "project_public": hit.project_public,
                "repository_name": hit.repository_name,
                "pull_count": hit.pull_count,
            })
        })
        .collect();
    Ok(Json(
        json!({ "project": projects, "repository": repositories }),
    ))
}

/// Harbor's `Statistic`: the totals are a system administrator's.
async fn statistics(
    State(catalog): State<Catalog>,
    caller: Caller,
) -> Result<Json<Map<String, Value>>, ApiError> {
    let found = catalog.statistics(&caller).await?;
    let mut body = Map::new();
    let mut put = |key: &str, value: i64| body.insert(key.to_owned(), value.into());
    put("public_project_count", found.public_projects);
    put("public_repo_count", found.public_repositories);
    put("private_project_count", found.private_projects);
    put("private_repo_count", found.private_repositories);
    if found.complete {
        put(
            "total_project_count",
            found.public_projects + found.private_projects,
        );
        put(
            "total_repo_count",
            found.public_repositories + found.private_repositories,
        );
    }
    Ok(Json(body))
}
