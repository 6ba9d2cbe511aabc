//! Harbor's routes over exports.
//!
//! Invariant: an execution is read only by its owner; to everybody else it is not there.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use berth_http::{ApiError, Json, Query};
use berth_iam::{Access, Caller, Endpoint, Operation, Parameter};
use berth_jobs::{Execution, Status};
use berth_model::{Action, Code, ExecutionId, LabelId, Timestamp};
use http::{HeaderMap, Method, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::criteria::Criteria;
use super::{file, owner};
use crate::store::export::FileRow;
use crate::{Scanning, VulnError, report};

const TYPE: &str = "x-scan-data-type";
/// Longest name of an export, bytes.
const LONGEST_NAME: usize = 255;

const HEADERS: &[Parameter] = &[Parameter::text(
    "X-Scan-Data-Type",
    "What is exported: `application/vnd.security.vulnerability.report; version=1.1`.",
)
.in_header()
.required()];

/// What is to be exported.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "ScanDataExportRequest")]
struct RequestBody {
    /// What the export is called, for the log.
    job_name: Option<String>,
    /// Ids of projects, at least one.
    projects: Option<Vec<i64>>,
    /// Ids of labels: an artifact bears one of them.
    labels: Option<Vec<i64>>,
    /// Patterns joined by commas, of names without their project.
    repositories: Option<String>,
    /// Ids of vulnerabilities, joined by commas.
    #[serde(rename = "cveIds")]
    cve_ids: Option<String>,
    /// Patterns joined by commas.
    tags: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScanDataExportJob")]
struct JobBody {
    /// The id of the execution.
    id: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScanDataExportExecution")]
struct ExecutionBody {
    id: i64,
    /// Whose it is; 0: a robot's.
    user_id: i64,
    status: Status,
    trigger: String,
    #[schemars(extend("format" = "date-time"))]
    start_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    end_time: Option<String>,
    /// Why it failed, or how much was exported and the sha256 of the file.
    status_text: String,
    user_name: String,
    /// Whether the file can be fetched.
    file_present: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScanDataExportExecutionList")]
struct ListBody {
    items: Vec<ExecutionBody>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct DownloadQuery {
    /// `csv`, which is all there is.
    format: Option<String>,
}

impl ExecutionBody {
    fn new(run: &Execution, file: Option<&FileRow>, now: Timestamp) -> Self {
        let user_name = run.attributes["user_name"].as_str().unwrap_or_default();
        let status_text = match file.filter(|file| !file.digest.is_empty()) {
            Some(file) => format!("{} vulnerabilities, sha256:{}", file.entries, file.digest),
            None => run.message.clone(),
        };
        Self {
            id: run.id.get(),
            user_id: run.vendor_id.max(0),
            status: run.status,
            trigger: run.trigger.to_string(),
            start_time: run.started_at.to_rfc3339(),
            end_time: run.ended_at.map(Timestamp::to_rfc3339),
            status_text,
            user_name: user_name.to_owned(),
            file_present: present(run, file, now),
        }
    }
}

/// Whether a file can be fetched: it is whole, and not too old.
fn present(run: &Execution, file: Option<&FileRow>, now: Timestamp) -> bool {
    run.status == Status::Success && file.is_some_and(|file| file.expires_at > now.micros())
}

pub(crate) fn endpoints(scanning: &Scanning) -> Vec<Endpoint> {
    let operation = |id, summary| Operation::new(id, "scan data export", summary);
    let routes = [
        (
            Method::POST,
            "/api/v2.0/export/cve",
            Access::ByObject,
            post(begin),
            operation("exportScanData", "Export vulnerabilities as CSV")
                .parameters(HEADERS)
                .body::<RequestBody>()
                .answer::<JobBody>()
                .errors(&[409]),
        ),
        (
            Method::GET,
            "/api/v2.0/export/cve/execution/{execution_id}",
            Access::ByObject,
            get(read),
            operation("getScanDataExportExecution", "Read how far an export is")
                .answer::<ExecutionBody>(),
        ),
        (
            Method::GET,
            "/api/v2.0/export/cve/executions",
            Access::Authenticated,
            get(list),
            operation("getScanDataExportExecutionList", "List your exports").answer::<ListBody>(),
        ),
        (
            Method::GET,
            "/api/v2.0/export/cve/download/{execution_id}",
            Access::ByObject,
            get(download),
            operation("downloadScanData", "Fetch the file of an export, once")
                .query::<DownloadQuery>()
                .media_type("text/csv"),
        ),
    ];
    routes
        .into_iter()
        .map(|(method, path, access, handler, operation)| {
            let handler = handler.with_state(scanning.clone());
            Endpoint::new(method, path, access, handler).describe(operation)
        })
        .collect()
}

/// Refuses what is not the one kind of data there is.
fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(wanted) = headers.get(TYPE) else {
        return Err(ApiError::unprocessable(format!(
            "the header X-Scan-Data-Type is missing: it must be {:?}",
            report::MIME
        )));
    };
    // Clients write it with and without the space.
    let plain = |text: &str| text.replace(' ', "").to_ascii_lowercase();
    if wanted
        .to_str()
        .is_ok_and(|wanted| plain(wanted) == plain(report::MIME))
    {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "X-Scan-Data-Type must be {:?}",
        report::MIME
    )))
}

fn own(caller: &Caller) -> Result<i64, ApiError> {
    // Tokens of the registry are nobody here.
    owner(&caller.actor)
        .ok_or_else(|| ApiError::new(Code::Unauthorized, "log in to export vulnerabilities"))
}

async fn begin(
    State(scanning): State<Scanning>,
    caller: Caller,
    headers: HeaderMap,
    Json(asked): Json<RequestBody>,
) -> Result<Json<JobBody>, ApiError> {
    let owner = own(&caller)?;
    check_type(&headers)?;
    let name = asked.job_name.unwrap_or_default();
    if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(ApiError::bad_request(format!(
            "job_name takes at most {LONGEST_NAME} bytes and no control characters"
        )));
    }
    let patterns = (
        asked.repositories.as_deref().unwrap_or_default(),
        asked.tags.as_deref().unwrap_or_default(),
        asked.cve_ids.as_deref().unwrap_or_default(),
    );
    let (projects, labels) = (asked.projects, asked.labels);
    let (projects, labels) = (projects.unwrap_or_default(), labels.unwrap_or_default());
    let criteria = Criteria::new(projects, labels, patterns).map_err(ApiError::bad_request)?;
    scanning
        .may_export(&caller.actor, &criteria.projects, Action::Create)
        .await?;
    for label in &criteria.labels {
        let label = scanning.catalog.get_label(&caller, LabelId(*label));
        label.await.map_err(VulnError::from)?;
    }
    let id = scanning
        .submit_export(&caller, owner, criteria, &name)
        .await?;
    Ok(Json(JobBody { id: id.get() }))
}

async fn read(
    State(scanning): State<Scanning>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ExecutionBody>, ApiError> {
    let (run, file) = scanning.export_of(own(&caller)?, number(&id)?).await?;
    let now = scanning.clock.now();
    Ok(Json(ExecutionBody::new(&run, file.as_ref(), now)))
}

async fn list(
    State(scanning): State<Scanning>,
    caller: Caller,
) -> Result<Json<ListBody>, ApiError> {
    let found = scanning.exports_of(own(&caller)?).await?;
    let now = scanning.clock.now();
    let items = found
        .iter()
        .map(|(run, file)| ExecutionBody::new(run, file.as_ref(), now));
    Ok(Json(ListBody {
        items: items.collect(),
    }))
}

async fn download(
    State(scanning): State<Scanning>,
    caller: Caller,
    Path(id): Path<String>,
    Query(wanted): Query<DownloadQuery>,
) -> Result<Response, ApiError> {
    if !matches!(wanted.format.as_deref(), None | Some("" | "csv")) {
        return Err(ApiError::bad_request("format must be csv"));
    }
    let id = number(&id)?;
    let (run, found) = scanning.export_of(own(&caller)?, id).await?;
    let projects: Vec<i64> =
        serde_json::from_value(run.attributes["projects"].clone()).unwrap_or_default();
    scanning
        .may_export(&caller.actor, &projects, Action::Read)
        .await?;
    let now = scanning.clock.now();
    let Some(found) = found.filter(|found| present(&run, Some(found), now)) else {
        return Err(ApiError::new(
            Code::NotFound,
            format!(
                "export {id} has no file: it has not ended well, was fetched already, or is older \
                 than a day"
            ),
        ));
    };
    let digest = hex::decode(&found.digest).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_LENGTH, found.size.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"scandata_export_{id}.csv\""),
        ),
        // RFC 9530.
        (
            header::HeaderName::from_static("repr-digest"),
            format!("sha-256=:{}:", STANDARD.encode(digest)),
        ),
    ];
    let body = Body::from_stream(file::stream(scanning.db.clone(), found));
    Ok((headers, body).into_response())
}

fn number(text: &str) -> Result<ExecutionId, ApiError> {
    let id = text.parse().map(ExecutionId);
    id.map_err(|_| ApiError::unprocessable(format!("execution_id must be a number, not {text:?}")))
}
