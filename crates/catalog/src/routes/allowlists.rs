//! `/system/CVEAllowlist`, and how the lists of projects are written.

use axum::extract::State;
use axum::routing::{get, put};
use berth_http::{ApiError, Json};
use berth_iam::{Access, Caller, Endpoint, Operation};
use berth_model::{Action, Resource, Timestamp};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::system;
use crate::{Allowlist, Catalog, CatalogError, NewAllowlist};

const PATH: &str = "/api/v2.0/system/CVEAllowlist";
/// When a list was set that never was.
const NEVER: &str = "0001-01-01T00:00:00.000Z";
const TAG: &str = "SystemCVEAllowlist";

pub(super) fn endpoints(catalog: &Catalog) -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            Method::GET,
            PATH,
            Access::Authenticated,
            get(read).with_state(catalog.clone()),
        )
        .describe(
            Operation::new(
                "getSystemCVEAllowlist",
                TAG,
                "List the vulnerabilities that are let pass everywhere",
            )
            .answer::<AllowlistBody>(),
        ),
        Endpoint::new(
            Method::PUT,
            PATH,
            system(Resource::Configuration, Action::Update),
            put(update).with_state(catalog.clone()),
        )
        .describe(
            Operation::new(
                "putSystemCVEAllowlist",
                TAG,
                "Set the vulnerabilities that are let pass everywhere",
            )
            .body::<AllowlistRequest>(),
        ),
    ]
}

/// Vulnerabilities that are let pass.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CVEAllowlist")]
pub(super) struct AllowlistBody {
    /// A project has one list, which is called as the project; 0: the system's.
    id: i64,
    /// 0: the system's.
    project_id: i64,
    /// Seconds since 1970 after which nothing is let pass; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    items: Vec<ItemBody>,
    #[schemars(extend("format" = "date-time"))]
    creation_time: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
}

impl AllowlistBody {
    pub(super) fn new(project: i64, list: Allowlist) -> Self {
        let items = list.items.into_iter().map(|cve_id| ItemBody { cve_id });
        Self {
            id: project,
            project_id: project,
            expires_at: list.expires_at,
            items: items.collect(),
            creation_time: time(list.created_at),
            update_time: time(list.updated_at),
        }
    }
}

fn time(at: Timestamp) -> String {
    if at == Timestamp::default() {
        NEVER.to_owned()
    } else {
        at.to_rfc3339()
    }
}

/// A vulnerability.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CVEAllowlistItem")]
struct ItemBody {
    cve_id: String,
}

/// What shall be let pass; whose list it is, the path says.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "CVEAllowlist")]
pub(super) struct AllowlistRequest {
    /// Seconds since 1970 after which nothing is let pass; absent or null: never.
    expires_at: Option<i64>,
    items: Option<Vec<ItemBody>>,
}

impl AllowlistRequest {
    pub(super) fn check(self) -> Result<NewAllowlist, CatalogError> {
        let items = self.items.unwrap_or_default().into_iter();
        NewAllowlist::new(items.map(|item| item.cve_id).collect(), self.expires_at)
    }
}

async fn read(State(catalog): State<Catalog>) -> Result<Json<AllowlistBody>, ApiError> {
    let list = catalog.system_allowlist().await?;
    Ok(Json(AllowlistBody::new(0, list)))
}

async fn update(
    State(catalog): State<Catalog>,
    caller: Caller,
    Json(request): Json<AllowlistRequest>,
) -> Result<(), ApiError> {
    let new = request.check()?;
    Ok(catalog.set_system_allowlist(&caller, new).await?)
}
