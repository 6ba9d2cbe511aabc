//! Policies: list, make, read, change, delete.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use berth_catalog::CatalogError;
use berth_catalog::query::{Column, Filter, Kind, order_by};
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::{Caller, ProjectFacts};
use berth_model::{EventKind, Timestamp};
use http::header::LOCATION;
use http::{StatusCode, Uri};
use serde::Deserialize;

use super::bodies::{LastTrigger, PayloadFormat, PolicyBody, PolicyRequest, Supported};
use super::id_in_path;
use crate::{Notify, NotifyError, store};

const COLUMNS: &[Column] = &[
    Column::new("id", "p.id", Kind::Integer),
    Column::new("name", "p.name", Kind::Text),
    Column::new("description", "p.description", Kind::Text),
    Column::new("creator", "p.creator", Kind::Text),
    Column::new("creation_time", "p.created_at", Kind::Time),
    Column::new("update_time", "p.updated_at", Kind::Time),
];

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: String,
}

pub(super) async fn list(
    State(notify): State<Notify>,
    Extension(facts): Extension<ProjectFacts>,
    page: Page,
    uri: Uri,
) -> Result<Response, ApiError> {
    let wanted: Wanted = serde_urlencoded::from_str(uri.query().unwrap_or_default())
        .map_err(|error| ApiError::bad_request(format!("the query cannot be read: {error}")))?;
    let mut filter = Filter::new();
    let project = filter.bind(facts.id);
    filter.and(format!("p.project_id = {project}"));
    filter
        .and_query(&wanted.q, COLUMNS)
        .map_err(CatalogError::from)?;
    let order =
        order_by(&wanted.sort, COLUMNS, "p.id DESC", "p.id DESC").map_err(CatalogError::from)?;
    let part = (page.limit(), page.offset());
    let (rows, total) = store::policy::list(&notify.inner.db, &filter, &order, part)
        .await
        .map_err(NotifyError::from)?;
    let policies = notify.with_targets(rows).await?;
    let bodies: Vec<PolicyBody> = policies.into_iter().map(PolicyBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

pub(super) async fn create(
    State(notify): State<Notify>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Json(request): Json<PolicyRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let id = notify
        .create_policy(&caller, &facts, request.into())
        .await?;
    let location = format!("/api/v2.0/projects/{}/webhook/policies/{id}", facts.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)]))
}

pub(super) async fn read(
    State(notify): State<Notify>,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<PolicyBody>, ApiError> {
    let id = id_in_path("webhook_policy_id", &id)?;
    Ok(Json(notify.policy(facts.id, id).await?.into()))
}

pub(super) async fn update(
    State(notify): State<Notify>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, id)): Path<(String, String)>,
    Json(request): Json<PolicyRequest>,
) -> Result<(), ApiError> {
    let id = id_in_path("webhook_policy_id", &id)?;
    let updated = notify.update_policy(&caller, &facts, id, request.into());
    Ok(updated.await?)
}

pub(super) async fn remove(
    State(notify): State<Notify>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, id)): Path<(String, String)>,
) -> Result<(), ApiError> {
    let id = id_in_path("webhook_policy_id", &id)?;
    Ok(notify.delete_policy(&caller, &facts, id).await?)
}

pub(super) async fn last_triggers(
    State(notify): State<Notify>,
    Extension(facts): Extension<ProjectFacts>,
) -> Result<Json<Vec<LastTrigger>>, ApiError> {
    let db = &notify.inner.db;
    let rows = store::policy::of_project(db, facts.id)
        .await
        .map_err(NotifyError::from)?;
    let told = store::policy::triggers(db, facts.id)
        .await
        .map_err(NotifyError::from)?;
    let told: HashMap<(i64, String), i64> = told
        .into_iter()
        .map(|(policy, kind, at)| ((policy, kind), at))
        .collect();
    let mut triggers = Vec::new();
    for policy in rows.into_iter().map(|row| row.into_policy(Vec::new())) {
        for kind in &policy.kinds {
            let at = told.get(&(policy.id, kind.as_str().to_owned()));
            triggers.push(LastTrigger {
                policy_name: policy.name.clone(),
                event_type: kind.as_str(),
                enabled: policy.enabled,
                creation_time: policy.created_at.to_rfc3339(),
                last_trigger_time: at.map(|at| Timestamp::from_micros(*at).to_rfc3339()),
            });
        }
    }
    Ok(Json(triggers))
}

pub(super) async fn supported() -> Json<Supported> {
    Json(Supported {
        event_type: EventKind::ALL.iter().map(|kind| kind.as_str()).collect(),
        notify_type: vec!["http", "slack"],
        payload_formats: vec![PayloadFormat {
            notify_type: "http",
            formats: vec!["Default", "CloudEvents"],
        }],
    })
}
