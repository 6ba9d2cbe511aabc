//! `/quotas`: the limits of the projects and what they use.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, put};
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::{Caller, Endpoint, Operation, Parameter};
use berth_model::{Action, ProjectId, Resource};
use http::{Method, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::{Params, id_in_path};
use super::system;
use crate::{Catalog, Quota, QuotaFilter, QuotaUse};

const LIST: &str = "/api/v2.0/quotas";
const ONE: &str = "/api/v2.0/quotas/{id}";

const FILTERS: &[Parameter] = &[
    Parameter::text("reference", "What the quota is of: project."),
    Parameter::text("reference_id", "The id of the project."),
];

pub(super) fn endpoints(catalog: &Catalog) -> Vec<Endpoint> {
    let may = |action| system(Resource::Quota, action);
    let state = || catalog.clone();
    vec![
        Endpoint::new(
            Method::GET,
            LIST,
            may(Action::List),
            get(list).with_state(state()),
        )
        .describe(
            Operation::new("listQuotas", "quota", "List quotas")
                .paged()
                .parameters(FILTERS)
                .answer::<Vec<QuotaBody>>(),
        ),
        Endpoint::new(
            Method::GET,
            ONE,
            may(Action::Read),
            get(read).with_state(state()),
        )
        .describe(
            Operation::new("getQuota", "quota", "Get the quota of a project").answer::<QuotaBody>(),
        ),
        Endpoint::new(
            Method::PUT,
            ONE,
            may(Action::Update),
            put(update).with_state(state()),
        )
        .describe(
            Operation::new("updateQuota", "quota", "Change the limit of a project")
                .body::<QuotaUpdate>(),
        ),
    ]
}

/// Amounts by the name of the resource; there is only `storage`, in bytes.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ResourceList")]
struct Amounts {
    /// Bytes; -1 is any number.
    storage: i64,
}

/// What a project may hold and what it holds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectSummaryQuota")]
pub(super) struct UseBody {
    hard: Amounts,
    used: Amounts,
}

impl From<QuotaUse> for UseBody {
    fn from(storage: QuotaUse) -> Self {
        Self {
            hard: Amounts {
                storage: storage.hard,
            },
            used: Amounts {
                storage: storage.used,
            },
        }
    }
}

/// The project a quota is of.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "QuotaRefObject")]
struct Reference {
    id: i64,
    name: String,
    owner_name: String,
}

/// The quota of a project.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Quota")]
struct QuotaBody {
    id: i64,
    #[serde(rename = "ref")]
    reference: Reference,
    #[serde(flatten)]
    storage: UseBody,
    #[schemars(extend("format" = "date-time"))]
    creation_time: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
}

impl From<Quota> for QuotaBody {
    fn from(quota: Quota) -> Self {
        Self {
            id: quota.project_id.get(),
            reference: Reference {
                id: quota.project_id.get(),
                name: quota.project_name,
                owner_name: quota.owner_name,
            },
            storage: quota.storage.into(),
            creation_time: quota.created_at.to_rfc3339(),
            update_time: quota.updated_at.to_rfc3339(),
        }
    }
}

/// What may be changed of a quota.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "QuotaUpdateReq")]
struct QuotaUpdate {
    /// The new limits.
    #[serde(default)]
    hard: BTreeMap<String, i64>,
}

async fn list(
    State(catalog): State<Catalog>,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let wanted = QuotaFilter {
        reference: params.text("reference").map(str::to_owned),
        reference_id: params.text("reference_id").map(str::to_owned),
        q: params.text_or_empty("q").to_owned(),
        sort: params.text_or_empty("sort").to_owned(),
    };
    let (quotas, total) = catalog
        .list_quotas(&wanted, page.limit(), page.offset())
        .await?;
    let bodies: Vec<QuotaBody> = quotas.into_iter().map(QuotaBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn read(
    State(catalog): State<Catalog>,
    Path(id): Path<String>,
) -> Result<Json<QuotaBody>, ApiError> {
    let id = ProjectId(id_in_path("id", &id)?);
    Ok(Json(catalog.quota(id).await?.into()))
}

async fn update(
    State(catalog): State<Catalog>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<QuotaUpdate>,
) -> Result<(), ApiError> {
    let id = ProjectId(id_in_path("id", &id)?);
    if let Some(other) = request.hard.keys().find(|name| *name != "storage") {
        return Err(ApiError::bad_request(format!(
            "hard has no resource {other:?}: use storage"
        )));
    }
    let Some(hard) = request.hard.get("storage") else {
        return Err(ApiError::bad_request("hard.storage is required in body"));
    };
    Ok(catalog.update_quota(&caller, id, *hard).await?)
}
