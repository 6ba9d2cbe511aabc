//! Scans by Harbor's routes.
//!
//! Invariant: an artifact is found below the project that the server's layer resolved and checked;
//! a log is read only with the report id of that artifact's scan.

mod all;

use std::collections::HashMap;

use axum::Extension;
use axum::body::HttpBody as _;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use berth_http::{ApiError, Json};
use berth_iam::{Access, Endpoint, Operation, Permission, ProjectFacts};
use berth_jobs::{JobsError, Trigger};
use berth_model::{Action, Code, ExecutionId, Resource, TaskId, Timestamp};
use berth_oci::{Reference, RepositoryName};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::MIMES;
use crate::store::images::{self, ScanRow};
use crate::{SCAN, Scanning, VulnError, job};

/// Below an artifact.
macro_rules! artifact {
    ($rest:literal) => {
        concat!(
            "/api/v2.0/projects/{project_name}/repositories/{repository_name}",
            "/artifacts/{reference}",
            $rest
        )
    };
}

/// A feed of advisories, as its last import left it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AdvisoryFeed")]
struct FeedBody {
    name: String,
    /// sha256 of what was imported.
    revision: String,
    advisories: i64,
    /// Entries that could not be used.
    skipped: i64,
    #[schemars(extend("format" = "date-time"))]
    imported_at: String,
    /// When the youngest advisory was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    newest_at: Option<String>,
}

/// What is to be scanned for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "ScanType")]
struct ScanTypeBody {
    #[serde(default)]
    scan_type: Option<String>,
}

/// Every endpoint of scanning.
pub fn endpoints(scanning: &Scanning) -> Vec<Endpoint> {
    let may = |action| Access::Project(Permission::new(Resource::Scan, action));
    let operation = |id, summary| Operation::new(id, "scan", summary);
    let routes = [
        (
            Method::POST,
            artifact!("/scan"),
            may(Action::Create),
            post(scan),
            operation("scanArtifact", "Scan an artifact")
                .body::<ScanTypeBody>()
                .status(202)
                .errors(&[400]),
        ),
        (
            Method::POST,
            artifact!("/scan/stop"),
            may(Action::Stop),
            post(stop),
            operation("stopScanArtifact", "Stop the scan of an artifact")
                .body::<ScanTypeBody>()
                .status(202)
                .errors(&[400]),
        ),
        (
            Method::GET,
            artifact!("/scan/{report_id}/log"),
            may(Action::Read),
            get(log),
            operation("getReportLog", "What a scan said").media_type("text/plain"),
        ),
        (
            Method::GET,
            artifact!("/additions/vulnerabilities"),
            Access::Project(Permission::new(Resource::ArtifactAddition, Action::Read)),
            get(vulnerabilities),
            Operation::new(
                "getVulnerabilitiesAddition",
                "artifact",
                "Read the vulnerabilities of an artifact",
            )
            .media_type("text/plain")
            .or_media_types(&["application/json"])
            .errors(&[400]),
        ),
        (
            Method::GET,
            "/api/v2.0/advisories/feeds",
            Access::System(Permission::new(Resource::Scanner, Action::List)),
            get(feeds),
            Operation::new(
                "listAdvisoryFeeds",
                "scanner",
                "List what images are held against, with its age",
            )
            .answer::<Vec<FeedBody>>(),
        ),
    ];
    let own = routes
        .into_iter()
        .map(|(method, path, access, handler, operation)| {
            let handler = handler.with_state(scanning.clone());
            Endpoint::new(method, path, access, handler).describe(operation)
        });
    own.chain(all::endpoints(scanning))
        .chain(crate::hub::endpoints(scanning))
        .chain(crate::export::endpoints(scanning))
        .collect()
}

/// An artifact that a path names.
struct Named {
    repository: RepositoryName,
    digest: String,
    kind: String,
    accessory: bool,
}

impl Scanning {
    async fn named(
        &self,
        facts: &ProjectFacts,
        path: &HashMap<String, String>,
    ) -> Result<Named, ApiError> {
        let part = |key: &str| path.get(key).map(String::as_str).unwrap_or_default();
        // Clients encode the slashes of a name once or twice.
        let rest = part("repository_name")
            .replace("%2F", "/")
            .replace("%2f", "/");
        let name = format!("{}/{rest}", facts.name);
        let missing = |what: &str| ApiError::new(Code::NotFound, format!("{what} not found"));
        let repository = RepositoryName::parse(&name).map_err(|_| missing(&name))?;
        let reference = Reference::parse(part("reference"))?;
        let found = self
            .registry
            .artifact_named(facts.id, &repository, &reference)
            .await;
        let written = format!("artifact {name}:{}", part("reference"));
        let (digest, kind, accessory) = found.map_err(|error| {
            use berth_registry::RegistryError::{ManifestUnknown, NameUnknown};
            match error {
                ManifestUnknown(_) | NameUnknown(_) => missing(&written),
                other => other.into(),
            }
        })?;
        Ok(Named {
            repository,
            digest,
            kind,
            accessory,
        })
    }

    /// Whether an execution scans one artifact, and not everything.
    async fn is_of_one(&self, execution: ExecutionId) -> Result<bool, VulnError> {
        match self.jobs.execution(SCAN, None, execution).await {
            Ok(_) => Ok(true),
            Err(JobsError::NotFound(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn scan_of(&self, named: &Named) -> Result<ScanRow, ApiError> {
        let row = images::find(&self.db, &named.digest).await?;
        row.ok_or_else(|| {
            let sentence = format!("{} has not been scanned: scan it first", named.digest);
            ApiError::new(Code::NotFound, sentence)
        })
    }
}

/// Refuses a scan for what is not there. Harbor's clients may leave the body away.
async fn check_type(request: Request) -> Result<(), ApiError> {
    if request.body().is_end_stream() {
        return Ok(());
    }
    let Json(body) = Json::<ScanTypeBody>::from_request(request, &()).await?;
    match body.scan_type.as_deref() {
        None | Some("" | "vulnerability") => Ok(()),
        Some(other) => Err(ApiError::bad_request(format!(
            "scan_type {other:?} is not there: it must be \"vulnerability\""
        ))),
    }
}

async fn scan(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
    Path(path): Path<HashMap<String, String>>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    check_type(request).await?;
    let named = scanning.named(&facts, &path).await?;
    if named.kind != "IMAGE" || named.accessory {
        return Err(ApiError::bad_request(format!(
            "{} is no image: only images are scanned",
            named.digest
        )));
    }
    let now = scanning.clock.now();
    let this = scanning.clone();
    scanning
        .db
        .write::<_, VulnError, _>(move |tx| {
            Box::pin(async move {
                let (repository, digest) = (named.repository.as_str(), &named.digest);
                this.submit(tx, repository, digest, Trigger::Manual, now)
                    .await?;
                Ok(())
            })
        })
        .await?;
    scanning.jobs.wake();
    Ok(StatusCode::ACCEPTED)
}

async fn stop(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
    Path(path): Path<HashMap<String, String>>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    check_type(request).await?;
    let named = scanning.named(&facts, &path).await?;
    let scan = scanning.scan_of(&named).await?;
    if let Some(execution) = scan.execution_id.map(ExecutionId) {
        let jobs = &scanning.jobs;
        let stopped = if scanning.is_of_one(execution).await? {
            jobs.stop_execution(execution).await
        } else {
            // The others of a scan of everything go on.
            let params = job::params(named.repository.as_str(), &named.digest);
            jobs.stop_tasks_with(execution, &params).await
        };
        stopped.map_err(VulnError::from)?;
    }
    Ok(StatusCode::ACCEPTED)
}

async fn log(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
    Path(path): Path<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let named = scanning.named(&facts, &path).await?;
    let scan = scanning.scan_of(&named).await?;
    let report = path.get("report_id").map(String::as_str);
    let execution = scan
        .execution_id
        .filter(|_| report == Some(&scan.report_id));
    let Some(execution) = execution else {
        let sentence = format!("report {} not found", report.unwrap_or_default());
        return Err(ApiError::new(Code::NotFound, sentence));
    };
    let mut text = String::new();
    let tasks = match scan.task_id.map(TaskId) {
        Some(task) if !scanning.is_of_one(ExecutionId(execution)).await? => vec![task],
        _ => {
            let tasks = scanning
                .jobs
                .tasks(ExecutionId(execution), None, 100, 0)
                .await;
            let tasks = tasks.map_err(VulnError::from)?.0;
            tasks.into_iter().map(|task| task.id).collect()
        }
    };
    for task in tasks {
        let told = scanning.jobs.task_log(task, 0).await;
        text.push_str(&told.map_err(VulnError::from)?.0);
    }
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, plain)], text).into_response())
}

async fn vulnerabilities(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
    Path(path): Path<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = headers
        .get("x-accept-vulnerabilities")
        .and_then(|value| value.to_str().ok());
    if let Some(wanted) = wanted
        && !wanted.split(',').any(|mime| MIMES.contains(&mime.trim()))
    {
        return Err(ApiError::bad_request(format!(
            "X-Accept-Vulnerabilities must name {:?}",
            MIMES[0]
        )));
    }
    let named = scanning.named(&facts, &path).await?;
    let row = images::find(&scanning.db, &named.digest).await?;
    // As Harbor answers for what was not scanned.
    let Some(scan) = row.filter(|row| row.scanned) else {
        return Ok(Json(serde_json::json!({})).into_response());
    };
    let report = scanning.report(named.repository.as_str(), &scan).await?;
    Ok(Json(report).into_response())
}

async fn feeds(State(scanning): State<Scanning>) -> Result<Json<Vec<FeedBody>>, ApiError> {
    let rows = crate::store::feeds::all(&scanning.db).await?;
    let time = |micros| Timestamp::from_micros(micros).to_rfc3339();
    let bodies = rows.into_iter().map(|row| FeedBody {
        name: row.name,
        revision: row.revision,
        advisories: row.advisories,
        skipped: row.skipped,
        imported_at: time(row.imported_at),
        newest_at: row.newest_at.map(time),
    });
    Ok(Json(bodies.collect()))
}
