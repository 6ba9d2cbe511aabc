//! The API of a project's OpenVEX documents.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use berth_advisories::parse_openvex;
use berth_catalog::{Entry, record_in};
use berth_http::{ApiError, Json};
use berth_iam::{Access, Caller, Endpoint, Operation, Permission, ProjectFacts};
use berth_model::{Action, Reason, Resource, Timestamp};
use http::{HeaderValue, Method, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::store::vex::{self, NewVex, VexRow};
use crate::{Scanning, VulnError};

/// Documents of one project.
const MOST: i64 = 100;

const LIST: &str = "/api/v2.0/projects/{project_name_or_id}/vex";
const ONE: &str = "/api/v2.0/projects/{project_name_or_id}/vex/{vex_id}";

/// A document, without its text.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "VexDocument")]
struct VexBody {
    id: i64,
    /// Its own `@id`.
    name: String,
    author: String,
    /// Statements that can be used.
    statements: i64,
    /// Statements that cannot: without a product, a vulnerability or a known status.
    skipped: i64,
    /// Who sent it.
    sent_by: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
}

impl From<VexRow> for VexBody {
    fn from(row: VexRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            author: row.author,
            statements: row.statements,
            skipped: row.skipped,
            sent_by: row.sent_by,
            update_time: Timestamp::from_micros(row.updated_at).to_rfc3339(),
        }
    }
}

pub(crate) fn endpoints(scanning: &Scanning) -> Vec<Endpoint> {
    let may = |action| Access::Project(Permission::new(Resource::Scanner, action));
    let operation = |id, summary| Operation::new(id, "vex", summary);
    let state = || scanning.clone();
    vec![
        Endpoint::new(
            Method::GET,
            LIST,
            may(Action::Read),
            get(list).with_state(state()),
        )
        .describe(
            operation("listVex", "List the OpenVEX documents of a project")
                .answer::<Vec<VexBody>>(),
        ),
        Endpoint::new(
            Method::POST,
            LIST,
            may(Action::Create),
            axum::routing::post(add).with_state(state()),
        )
        .describe(
            operation("addVex", "Add an OpenVEX document, or replace it")
                .body::<Map<String, Value>>()
                .creates()
                .errors(&[409]),
        ),
        Endpoint::new(
            Method::GET,
            ONE,
            may(Action::Read),
            get(read).with_state(state()),
        )
        .describe(operation("getVex", "Read an OpenVEX document").answer::<Map<String, Value>>()),
        Endpoint::new(
            Method::DELETE,
            ONE,
            may(Action::Create),
            axum::routing::delete(delete).with_state(state()),
        )
        .describe(operation("deleteVex", "Delete an OpenVEX document")),
    ]
}

/// The number of a document in a path.
fn id_of(path: &HashMap<String, String>) -> Result<i64, ApiError> {
    let text = path.get("vex_id").map(String::as_str).unwrap_or_default();
    text.parse().map_err(|_| {
        ApiError::unprocessable(format!("vex_id in path must be a number, not {text:?}"))
    })
}

fn missing(id: i64) -> VulnError {
    VulnError::NotFound(format!("VEX document {id}"))
}

async fn list(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
) -> Result<Json<Vec<VexBody>>, ApiError> {
    let rows = vex::list(&scanning.db, facts.id).await?;
    Ok(Json(rows.into_iter().map(VexBody::from).collect()))
}

async fn add(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
    caller: Caller,
    Json(document): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let content = Value::Object(document).to_string().into_bytes();
    let read = parse_openvex("the document", &content)
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    if read.id.is_empty() {
        return Err(ApiError::bad_request(
            "the document has no @id: it is told from others by it",
        ));
    }
    if read.statements.is_empty() {
        return Err(ApiError::malformed(
            "none of its statements can be used: each needs a vulnerability, a status, and a \
             product that is a package URL or has a sha-256",
            Reason::named("vex_unusable"),
        ));
    }
    let now = scanning.clock.now();
    let entry = Entry::by(&caller, "create", "vex", now)
        .on(read.id.clone())
        .in_project(facts.id);
    let new = NewVex {
        name: read.id,
        author: read.author,
        statements: read.statements.len() as i64,
        skipped: read.skipped as i64,
        content,
        sent_by: caller.actor.name().to_owned(),
    };
    let project = facts.id;
    let id = scanning
        .db
        .write::<_, VulnError, _>(move |tx| {
            Box::pin(async move {
                if vex::others(tx, project, &new.name).await? >= MOST {
                    return Err(VulnError::Conflict(format!(
                        "a project has at most {MOST} VEX documents: delete one first"
                    )));
                }
                let id = vex::put(tx, project, &new, now).await?;
                record_in(tx, entry).await?;
                Ok(id)
            })
        })
        .await?;
    let mut response = StatusCode::CREATED.into_response();
    let place = format!("/api/v2.0/projects/{}/vex/{id}", facts.name);
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

async fn read(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
    Path(path): Path<HashMap<String, String>>,
) -> Result<Json<Map<String, Value>>, ApiError> {
    let id = id_of(&path)?;
    let content = vex::content(&scanning.db, facts.id, id).await?;
    let content = content.ok_or_else(|| missing(id))?;
    let document = serde_json::from_slice(&content).map_err(|error| {
        tracing::error!(%error, id, "a VEX document is not what was kept");
        missing(id)
    })?;
    Ok(Json(document))
}

async fn delete(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
    caller: Caller,
    Path(path): Path<HashMap<String, String>>,
) -> Result<(), ApiError> {
    let id = id_of(&path)?;
    let entry = Entry::by(&caller, "delete", "vex", scanning.clock.now()).in_project(facts.id);
    let project = facts.id;
    scanning
        .db
        .write::<_, VulnError, _>(move |tx| {
            Box::pin(async move {
                let name = vex::delete(tx, project, id).await?;
                let name = name.ok_or_else(|| missing(id))?;
                record_in(tx, entry.on(name)).await?;
                Ok(())
            })
        })
        .await?;
    Ok(())
}
