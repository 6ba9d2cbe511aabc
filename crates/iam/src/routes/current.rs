//! `/users/current`: what callers may know of themselves.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use berth_http::{ApiError, Json, Query};
use berth_model::ProjectId;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{UserAnswer, user};
use crate::access::{self, ProjectFacts};
use crate::{Actor, Caller, Iam, Refusal};

/// Finds a project with the role an actor holds in it. Projects are kept by a crate above.
pub type ProjectLookup = Arc<
    dyn Fn(Actor, ProjectId) -> BoxFuture<'static, Result<Option<ProjectFacts>, ApiError>>
        + Send
        + Sync,
>;

pub(super) async fn show(State(iam): State<Iam>, caller: Caller) -> Result<Response, ApiError> {
    let account = iam.users().get(user(&caller)?.id).await?;
    Ok(Json(UserAnswer::from(account)).into_response())
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Scope {
    /// `/project/{id}`.
    #[serde(default)]
    scope: String,
    /// Whether resources are named from the scope on.
    #[serde(default)]
    relative: bool,
}

/// An action on a resource.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Permission")]
pub struct PermissionAnswer {
    /// What it is about.
    pub resource: String,
    /// What may be done to it.
    pub action: &'static str,
}

pub(super) async fn permissions(
    projects: ProjectLookup,
    caller: Caller,
    query: Result<Query<Scope>, ApiError>,
) -> Result<Response, ApiError> {
    if caller.actor.is_anonymous() {
        return Err(Refusal::no_user(&caller.actor).into());
    }
    let Query(query) = query?;
    let id = query.scope.strip_prefix("/project/");
    let Some(id) = id.and_then(|id| id.parse().ok()).map(ProjectId) else {
        // Harbor knows no other scope and answers with an empty list.
        return Ok(Json(Vec::<PermissionAnswer>::new()).into_response());
    };
    let facts = projects(caller.actor.clone(), id).await?;
    let held = facts
        .map(|facts| access::permissions(&caller.actor, &facts))
        .unwrap_or_default();
    let answer: Vec<PermissionAnswer> = held
        .into_iter()
        .map(|permission| PermissionAnswer {
            resource: name(permission.resource.as_str(), id, query.relative),
            action: permission.action.as_str(),
        })
        .collect();
    Ok(Json(answer).into_response())
}

fn name(resource: &str, id: ProjectId, relative: bool) -> String {
    match (resource, relative) {
        ("self", true) => ".".to_owned(),
        (_, true) => resource.to_owned(),
        ("self", false) => format!("/project/{id}"),
        (_, false) => format!("/project/{id}/{resource}"),
    }
}
