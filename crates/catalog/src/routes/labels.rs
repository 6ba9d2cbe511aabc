//! `/labels`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::{Access, Caller, Endpoint, Operation, Parameter};
use berth_model::{LabelId, ProjectId};
use http::{Method, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::{Params, created, id_in_path};
use crate::{Catalog, Label, LabelText};

const LIST: &str = "/api/v2.0/labels";
const ONE: &str = "/api/v2.0/labels/{label_id}";

const FILTERS: &[Parameter] = &[
    Parameter::text("name", "A part of the label's name."),
    Parameter::text("scope", "`g`: labels of the system; `p`: of a project."),
    Parameter::integer("project_id", "The project, for the scope `p`."),
];

pub(super) fn endpoints(catalog: &Catalog) -> Vec<Endpoint> {
    let with = |method, path, access, handler: axum::routing::MethodRouter<Catalog>| {
        Endpoint::new(method, path, access, handler.with_state(catalog.clone()))
    };
    vec![
        with(Method::GET, LIST, Access::Public, get(list)).describe(
            Operation::new("ListLabels", "label", "List labels")
                .paged()
                .parameters(FILTERS)
                .answer::<Vec<LabelBody>>()
                .errors(&[403, 404]),
        ),
        with(Method::POST, LIST, Access::ByObject, post(create)).describe(
            Operation::new("CreateLabel", "label", "Make a label")
                .body::<LabelRequest>()
                .creates()
                .errors(&[409]),
        ),
        with(Method::GET, ONE, Access::ByObject, get(read)).describe(
            Operation::new("GetLabelByID", "label", "Read a label").answer::<LabelBody>(),
        ),
        with(Method::PUT, ONE, Access::ByObject, put(update)).describe(
            Operation::new("UpdateLabel", "label", "Change what a label says")
                .body::<LabelRequest>()
                .errors(&[409]),
        ),
        with(Method::DELETE, ONE, Access::ByObject, delete(remove)).describe(Operation::new(
            "DeleteLabel",
            "label",
            "Delete a label, and take it off everything that bears it",
        )),
    ]
}

/// A label.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Label")]
pub struct LabelBody {
    id: i64,
    name: String,
    description: String,
    color: String,
    /// `g`: of the system; `p`: of a project.
    scope: &'static str,
    /// 0 for a label of the system.
    project_id: i64,
    creation_time: String,
    update_time: String,
}

impl From<Label> for LabelBody {
    fn from(label: Label) -> Self {
        Self {
            id: label.id.get(),
            name: label.text.name,
            description: label.text.description,
            color: label.text.color,
            scope: if label.project_id.is_some() { "p" } else { "g" },
            project_id: label.project_id.map_or(0, ProjectId::get),
            creation_time: label.created_at.to_rfc3339(),
            update_time: label.updated_at.to_rfc3339(),
        }
    }
}

/// What a client may say of a label. Whose it is counts only when it is made, and its id only
/// where it is put on something.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Label")]
pub struct LabelRequest {
    /// Which one is meant, where one is put on something.
    pub id: Option<i64>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    color: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    project_id: i64,
}

impl LabelRequest {
    fn text(self) -> LabelText {
        LabelText {
            name: self.name,
            description: self.description,
            color: self.color,
        }
    }
}

/// The project that a scope names; none: the system.
fn project_of(scope: &str, project: Option<i64>) -> Result<Option<ProjectId>, ApiError> {
    match (scope, project) {
        ("g", _) => Ok(None),
        ("p", Some(id)) if id > 0 => Ok(Some(ProjectId(id))),
        ("p", _) => Err(ApiError::bad_request(
            "the scope p needs the project_id of a project",
        )),
        _ => Err(ApiError::bad_request(
            "scope must be g for the system or p for a project",
        )),
    }
}

async fn list(
    State(catalog): State<Catalog>,
    caller: Caller,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let project =
        match params.text("project_id") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                ApiError::unprocessable("project_id in query must be a whole number")
            })?),
        };
    let project = project_of(params.text_or_empty("scope"), project)?;
    let wanted = (
        params.text_or_empty("name"),
        params.text_or_empty("q"),
        params.text_or_empty("sort"),
    );
    let part = (page.limit(), page.offset());
    let (labels, total) = catalog.list_labels(&caller, project, wanted, part).await?;
    let bodies: Vec<LabelBody> = labels.into_iter().map(LabelBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn create(
    State(catalog): State<Catalog>,
    caller: Caller,
    Json(request): Json<LabelRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let project = project_of(&request.scope, Some(request.project_id))?;
    let id = catalog
        .create_label(&caller, project, request.text())
        .await?;
    Ok(created(&format!("{LIST}/{id}")))
}

async fn read(
    State(catalog): State<Catalog>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<LabelBody>, ApiError> {
    let label = catalog.get_label(&caller, id_of(&id)?).await?;
    Ok(Json(label.into()))
}

async fn update(
    State(catalog): State<Catalog>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<LabelRequest>,
) -> Result<(), ApiError> {
    let text = request.text();
    Ok(catalog.update_label(&caller, id_of(&id)?, text).await?)
}

async fn remove(
    State(catalog): State<Catalog>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(), ApiError> {
    Ok(catalog.delete_label(&caller, id_of(&id)?).await?)
}

fn id_of(text: &str) -> Result<LabelId, ApiError> {
    id_in_path("label_id", text).map(LabelId)
}
