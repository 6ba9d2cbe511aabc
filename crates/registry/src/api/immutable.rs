//! `/projects/{project_name_or_id}/immutabletagrules`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use berth_http::{ApiError, Json, ListQuery, Page, list_response};
use berth_iam::{Caller, Operation, ProjectFacts};
use berth_model::{Action, Resource};
use berth_policy::ImmutableRule;
use http::{Method, Uri};

use super::params::created;
use super::{Route, may};
use crate::Registry;

const RULES: &str = "/api/v2.0/projects/{project_name_or_id}/immutabletagrules";
const RULE: &str = "/api/v2.0/projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}";

pub(super) fn routes() -> Vec<Route> {
    let may = |action| may(Resource::ImmutableTag, action);
    vec![
        (
            Method::GET,
            RULES,
            may(Action::List),
            get(list),
            Operation::new(
                "ListImmuRules",
                "immutable",
                "List the immutable rules of a project",
            )
            .paged()
            .answer::<Vec<ImmutableRule>>(),
        ),
        (
            Method::POST,
            RULES,
            may(Action::Create),
            post(create),
            Operation::new(
                "CreateImmuRule",
                "immutable",
                "Make tags of a project immutable",
            )
            .body::<ImmutableRule>()
            .creates()
            .errors(&[409, 412]),
        ),
        (
            Method::PUT,
            RULE,
            may(Action::Update),
            put(update),
            Operation::new(
                "UpdateImmuRule",
                "immutable",
                "Change an immutable rule, or disable it",
            )
            .body::<ImmutableRule>()
            .errors(&[409]),
        ),
        (
            Method::DELETE,
            RULE,
            may(Action::Delete),
            delete(remove),
            Operation::new("DeleteImmuRule", "immutable", "Delete an immutable rule"),
        ),
    ]
}

async fn list(
    State(registry): State<Registry>,
    Extension(facts): Extension<ProjectFacts>,
    page: Page,
    asked: ListQuery,
    uri: Uri,
) -> Result<Response, ApiError> {
    let part = (page.limit(), page.offset());
    let asked = (asked.q.as_str(), asked.sort.as_str());
    let (rules, total) = registry.immutable_rules(facts.id, asked, part).await?;
    Ok(list_response(&rules, total.unsigned_abs(), &page, &uri))
}

async fn create(
    State(registry): State<Registry>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    uri: Uri,
    Json(rule): Json<ImmutableRule>,
) -> Result<impl IntoResponse, ApiError> {
    let id = registry.add_immutable_rule(&caller, &facts, &rule).await?;
    Ok(created(&format!(
        "{}/{id}",
        uri.path().trim_end_matches('/')
    )))
}

async fn update(
    State(registry): State<Registry>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, id)): Path<(String, String)>,
    Json(rule): Json<ImmutableRule>,
) -> Result<(), ApiError> {
    let id = number(&id)?;
    let changed = registry.change_immutable_rule(&caller, &facts, id, &rule);
    Ok(changed.await?)
}

async fn remove(
    State(registry): State<Registry>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, id)): Path<(String, String)>,
) -> Result<(), ApiError> {
    let id = number(&id)?;
    Ok(registry.remove_immutable_rule(&caller, &facts, id).await?)
}

/// An id in a path.
pub(super) fn number(text: &str) -> Result<i64, ApiError> {
    text.parse()
        .map_err(|_| ApiError::unprocessable("the id in the path must be a whole number"))
}
