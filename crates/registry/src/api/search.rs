//! `/search`: projects and repositories that the caller may see, by a part of their name.

use std::collections::HashMap;

use axum::extract::State;
use berth_catalog::ProjectBody;
use berth_http::{ApiError, Json};
use berth_iam::{Caller, Parameter};
use schemars::JsonSchema;
use serde::Serialize;

use super::params::Params;
use crate::Registry;
use crate::store::listing;

/// Longest text that is searched for, bytes.
const LONGEST: usize = 255;

pub(super) const TEXT: &[Parameter] = &[Parameter::text(
    "q",
    "A part of a name; all are found without it.",
)];

/// What a search found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Search")]
pub(super) struct SearchBody {
    project: Vec<ProjectBody>,
    repository: Vec<HitBody>,
}

/// A repository that a search found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SearchRepository")]
struct HitBody {
    project_id: i64,
    project_name: String,
    project_public: bool,
    repository_name: String,
    pull_count: i64,
    artifact_count: i64,
}

pub(super) async fn search(
    State(registry): State<Registry>,
    caller: Caller,
    params: Params,
) -> Result<Json<SearchBody>, ApiError> {
    let text = params.text("q");
    if text.len() > LONGEST {
        return Err(ApiError::bad_request(format!(
            "q is limited to {LONGEST} bytes"
        )));
    }
    let found = registry.inner.catalog.search(&caller, text).await?;
    let ids: Vec<i64> = found.repositories.iter().map(|hit| hit.id.get()).collect();
    let counts = listing::artifact_counts(&registry.inner.db, &ids).await?;
    let counts: HashMap<i64, i64> = counts.into_iter().collect();
    let hits = found.repositories.into_iter().map(|hit| HitBody {
        project_id: hit.project_id.get(),
        project_name: hit.project_name,
        project_public: hit.project_public,
        repository_name: hit.repository_name,
        pull_count: hit.pull_count,
        artifact_count: counts.get(&hit.id.get()).copied().unwrap_or(0),
    });
    Ok(Json(SearchBody {
        project: found.projects.into_iter().map(ProjectBody::from).collect(),
        repository: hits.collect(),
    }))
}
