//! `/search`: projects and repositories that the caller may see, by a part of their name; artifacts,
//! by how one of their tags or their digest begins.
//!
//! Invariant: what a caller may not see is told apart in SQL from what is not there.

use std::collections::HashMap;

use axum::extract::State;
use berth_catalog::{ProjectBody, Viewer};
use berth_http::{ApiError, Json};
use berth_iam::{Caller, Parameter};
use berth_model::{Action, Resource, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::params::Params;
use crate::Registry;
use crate::store::{listing, searching};

/// Longest text that is searched for, bytes.
const LONGEST: usize = 255;

pub(super) const TEXT: &[Parameter] = &[Parameter::text(
    "q",
    "A part of a name; all are found without it.",
)];

pub(super) const BEGINNING: &[Parameter] = &[Parameter::text(
    "q",
    "How a tag begins, or a digest with its algorithm (`sha256:12ab`).",
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

/// An artifact that a search found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FoundArtifact")]
pub(super) struct FoundBody {
    project_name: String,
    repository_name: String,
    digest: String,
    /// The tag that was found; none where the digest was.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    /// When the tag was pushed, or the artifact.
    #[schemars(extend("format" = "date-time"))]
    push_time: String,
}

impl From<searching::Found> for FoundBody {
    fn from(row: searching::Found) -> Self {
        Self {
            project_name: row.project_name,
            repository_name: row.repository_name,
            digest: row.digest,
            tag: row.tag,
            kind: row.kind,
            push_time: Timestamp::from_micros(row.pushed_at).to_rfc3339(),
        }
    }
}

/// What is searched for, if it is not too long.
fn asked(params: &Params) -> Result<&str, ApiError> {
    let text = params.text("q");
    if text.len() > LONGEST {
        return Err(ApiError::bad_request(format!(
            "q is limited to {LONGEST} bytes"
        )));
    }
    Ok(text)
}

pub(super) async fn artifacts(
    State(registry): State<Registry>,
    caller: Caller,
    params: Params,
) -> Result<Json<Vec<FoundBody>>, ApiError> {
    let text = asked(&params)?.trim();
    let viewer = Viewer::to(&caller.actor, Resource::Tag, Action::List);
    let found = searching::artifacts(&registry.inner.db, viewer, text).await?;
    Ok(Json(found.into_iter().map(FoundBody::from).collect()))
}

pub(super) async fn search(
    State(registry): State<Registry>,
    caller: Caller,
    params: Params,
) -> Result<Json<SearchBody>, ApiError> {
    let text = asked(&params)?;
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
