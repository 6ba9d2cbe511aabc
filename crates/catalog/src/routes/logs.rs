//! The access log: of one project, and of all the caller may read; in Harbor's old and new shape.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::{Access, Caller, Endpoint, Operation, ProjectFacts};
use berth_model::{Action, Resource};
use http::{Method, Uri};
use schemars::JsonSchema;
use serde::Serialize;

use super::params::Params;
use super::{project, system};
use crate::audit::EVENTS;
use crate::{AuditEntry, AuditScope, Catalog, Viewer};

pub(super) fn endpoints(catalog: &Catalog) -> Vec<Endpoint> {
    let of_project = project(Resource::Log, Action::List);
    let state = || catalog.clone();
    vec![
        Endpoint::new(
            Method::GET,
            "/api/v2.0/projects/{project_name}/logs",
            of_project,
            get(project_logs).with_state(state()),
        )
        .describe(
            Operation::new("getLogs", "project", "List the access log of a project")
                .paged()
                .answer::<Vec<LogBody>>()
                .deprecated(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/projects/{project_name}/auditlog-exts",
            of_project,
            get(project_exts).with_state(state()),
        )
        .describe(
            Operation::new(
                "getLogExts",
                "project",
                "List the access log of a project, with results",
            )
            .paged()
            .answer::<Vec<ExtBody>>(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/audit-logs",
            Access::Authenticated,
            get(logs).with_state(state()),
        )
        .describe(
            Operation::new("listAuditLogs", "auditlog", "List the access log")
                .paged()
                .answer::<Vec<LogBody>>()
                .deprecated(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/auditlog-exts",
            Access::Authenticated,
            get(exts).with_state(state()),
        )
        .describe(
            Operation::new(
                "listAuditLogExts",
                "auditlog",
                "List the access log, with results",
            )
            .paged()
            .answer::<Vec<ExtBody>>(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/auditlog-exts/events",
            system(Resource::AuditLog, Action::List),
            get(events),
        )
        .describe(
            Operation::new(
                "listAuditLogEventTypes",
                "auditlog",
                "List what can be in the access log",
            )
            .answer::<Vec<EventBody>>(),
        ),
    ]
}

/// A line of the access log.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditLog")]
struct LogBody {
    id: i64,
    username: String,
    resource: String,
    resource_type: String,
    operation: String,
    #[schemars(extend("format" = "date-time"))]
    op_time: String,
    /// How often within a second, where it was more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<i64>,
}

impl From<AuditEntry> for LogBody {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            username: entry.username,
            resource: entry.resource,
            resource_type: entry.resource_type,
            operation: shown(entry.operation),
            op_time: entry.at.to_rfc3339(),
            times: (entry.times > 1).then_some(entry.times),
        }
    }
}

/// Harbor calls a push the creation of an artifact.
fn shown(operation: String) -> String {
    if operation == "push" {
        "create".to_owned()
    } else {
        operation
    }
}

/// A line of the access log, with what came of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditLogExt")]
struct ExtBody {
    #[serde(flatten)]
    log: LogBody,
    operation_description: String,
    /// Whether it was done.
    operation_result: bool,
}

/// Something that can be in the access log.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditLogEventType")]
struct EventBody {
    event_type: &'static str,
}

impl From<AuditEntry> for ExtBody {
    fn from(entry: AuditEntry) -> Self {
        let said = format!(
            "{} {} {}",
            entry.operation, entry.resource_type, entry.resource
        );
        Self {
            operation_description: if entry.description.is_empty() {
                said.trim_end().to_owned()
            } else {
                format!("{}: {}", said.trim_end(), entry.description)
            },
            operation_result: entry.succeeded,
            log: entry.into(),
        }
    }
}

async fn answer<T: From<AuditEntry> + Serialize>(
    catalog: &Catalog,
    scope: AuditScope,
    (page, params, uri): (Page, Params, Uri),
) -> Result<Response, ApiError> {
    let (q, sort) = (params.text_or_empty("q"), params.text_or_empty("sort"));
    let (entries, total) = catalog
        .list_log(scope, q, sort, page.limit(), page.offset())
        .await?;
    let bodies: Vec<T> = entries.into_iter().map(T::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn project_logs(
    State(catalog): State<Catalog>,
    Extension(facts): Extension<ProjectFacts>,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    answer::<LogBody>(&catalog, AuditScope::Project(facts.id), (page, params, uri)).await
}

async fn project_exts(
    State(catalog): State<Catalog>,
    Extension(facts): Extension<ProjectFacts>,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    answer::<ExtBody>(&catalog, AuditScope::Project(facts.id), (page, params, uri)).await
}

async fn logs(
    State(catalog): State<Catalog>,
    caller: Caller,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let scope = AuditScope::Viewer(Viewer::to(&caller.actor, Resource::Log, Action::List));
    answer::<LogBody>(&catalog, scope, (page, params, uri)).await
}

async fn exts(
    State(catalog): State<Catalog>,
    caller: Caller,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let scope = AuditScope::Viewer(Viewer::to(&caller.actor, Resource::Log, Action::List));
    answer::<ExtBody>(&catalog, scope, (page, params, uri)).await
}

async fn events() -> Json<Vec<EventBody>> {
    let types = EVENTS.iter().map(|event_type| EventBody { event_type });
    Json(types.collect())
}
