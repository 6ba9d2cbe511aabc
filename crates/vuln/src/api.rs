//! Scans by Harbor's routes.
//!
//! Invariant: an artifact is found below the project that the server's layer resolved and checked;
//! a log is read only with the report id of that artifact's scan.

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

mod all;
mod feeds;
mod sboms;

use std::collections::HashMap;

use axum::Extension;
use axum::body::HttpBody as _;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use berth_http::{ApiError, Json};
use berth_iam::access::require;
use berth_iam::{Access, Caller, Endpoint, Operation, Permission, ProjectFacts};
use berth_jobs::{JobsError, Trigger};
use berth_model::{Action, Code, ExecutionId, ProjectId, Resource, TaskId};
use berth_oci::{Reference, RepositoryName};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::events::Sought;
use crate::report::MIMES;
use crate::sbom::SBOM;
use crate::store::{images, sboms as rows};
use crate::vex::Where;
use crate::{SCAN, Scanning, VulnError, job};

/// What is to be scanned for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "ScanType")]
struct ScanTypeBody {
    #[serde(default)]
    scan_type: Option<String>,
}

/// Every endpoint of scanning.
pub fn endpoints(scanning: &Scanning) -> Vec<Endpoint> {
    let may = |action| {
        let of = |resource| Permission::new(resource, action);
        Access::ProjectEither(of(Resource::Scan), of(Resource::Sbom))
    };
    let operation = |id, summary| Operation::new(id, "scan", summary);
    let routes = [
        (
            Method::POST,
            artifact!("/scan"),
            may(Action::Create),
            post(scan),
            operation("scanArtifact", "Scan an artifact, or make its SBOM")
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
    ];
    let own = routes
        .into_iter()
        .map(|(method, path, access, handler, operation)| {
            let handler = handler.with_state(scanning.clone());
            Endpoint::new(method, path, access, handler).describe(operation)
        });
    own.chain([
        sboms::endpoint(scanning),
        crate::details::endpoint(scanning),
    ])
    .chain(all::endpoints(scanning))
    .chain(feeds::endpoints(scanning))
    .chain(crate::hub::endpoints(scanning))
    .chain(crate::trend::endpoints(scanning))
    .chain(crate::search::endpoints(scanning))
    .chain(crate::vex::endpoints(scanning))
    .chain(crate::export::endpoints(scanning))
    .collect()
}

/// An artifact that a path names.
pub(crate) struct Named {
    pub(crate) repository: RepositoryName,
    pub(crate) digest: String,
    pub(crate) kind: String,
    pub(crate) accessory: bool,
    pub(crate) project: ProjectId,
}

impl Scanning {
    pub(crate) async fn named(
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
            project: facts.id,
        })
    }

    /// How what is looked for in an artifact stands, if it was ever asked for.
    async fn standing(&self, named: &Named, sought: Sought) -> Result<Option<Standing>, VulnError> {
        let (vendor, vendor_id, standing) = match sought {
            Sought::Vulnerabilities => {
                let Some(row) = images::find(&self.db, &named.digest, named.project).await? else {
                    return Ok(None);
                };
                (SCAN, None, (row.report_id, row.execution_id, row.task_id))
            }
            Sought::Sbom => {
                let name = named.repository.as_str();
                let Some(row) = rows::find(&self.db, name, &named.digest).await? else {
                    return Ok(None);
                };
                let standing = (row.report_id, row.execution_id, row.task_id);
                (SBOM, Some(row.manifest_id), standing)
            }
        };
        let (report, execution, task) = standing;
        let execution = execution.map(ExecutionId);
        let whole = match execution {
            None => false,
            Some(id) => match self.jobs.execution(vendor, vendor_id, id).await {
                Ok(_) => true,
                Err(JobsError::NotFound(_)) => false,
                Err(error) => return Err(error.into()),
            },
        };
        Ok(Some(Standing {
            report,
            execution,
            task: task.map(TaskId),
            whole,
        }))
    }
}

/// A scan, or the making of an SBOM, as it stands.
struct Standing {
    report: String,
    execution: Option<ExecutionId>,
    task: Option<TaskId>,
    /// The execution is about this artifact, and not about others too.
    whole: bool,
}

/// What is to be looked for. Harbor's clients may leave the body away.
async fn sought(request: Request) -> Result<Sought, ApiError> {
    if request.body().is_end_stream() {
        return Ok(Sought::Vulnerabilities);
    }
    let Json(body) = Json::<ScanTypeBody>::from_request(request, &()).await?;
    match body.scan_type.as_deref() {
        None | Some("" | "vulnerability") => Ok(Sought::Vulnerabilities),
        Some("sbom") => Ok(Sought::Sbom),
        Some(other) => Err(ApiError::bad_request(format!(
            "scan_type {other:?} is not there: it must be \"vulnerability\" or \"sbom\""
        ))),
    }
}

/// Lets those do it who may do it with what is looked for: the route asks for either.
fn ask(
    caller: &Caller,
    facts: &ProjectFacts,
    sought: Sought,
    action: Action,
) -> Result<(), ApiError> {
    let resource = match sought {
        Sought::Vulnerabilities => Resource::Scan,
        Sought::Sbom => Resource::Sbom,
    };
    Ok(require(
        &caller.actor,
        facts,
        Permission::new(resource, action),
    )?)
}

async fn scan(
    State(scanning): State<Scanning>,
    Extension(facts): Extension<ProjectFacts>,
    Path(path): Path<HashMap<String, String>>,
    caller: Caller,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let sought = sought(request).await?;
    ask(&caller, &facts, sought, Action::Create)?;
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
                let trigger = Trigger::Manual;
                match sought {
                    Sought::Vulnerabilities => {
                        this.submit(tx, repository, digest, trigger, now).await?;
                    }
                    Sought::Sbom => {
                        this.submit_sbom(tx, repository, digest, trigger, now)
                            .await?;
                    }
                }
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
    caller: Caller,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let sought = sought(request).await?;
    ask(&caller, &facts, sought, Action::Stop)?;
    let named = scanning.named(&facts, &path).await?;
    let Some(standing) = scanning.standing(&named, sought).await? else {
        let sentence = match sought {
            Sought::Vulnerabilities => "has not been scanned: scan it first",
            Sought::Sbom => "has no SBOM: have one generated first",
        };
        let sentence = format!("{} {sentence}", named.digest);
        return Err(ApiError::new(Code::NotFound, sentence));
    };
    if let Some(execution) = standing.execution {
        let jobs = &scanning.jobs;
        let stopped = if standing.whole {
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
    caller: Caller,
) -> Result<Response, ApiError> {
    let named = scanning.named(&facts, &path).await?;
    let report = path
        .get("report_id")
        .map(String::as_str)
        .unwrap_or_default();
    let mut found = None;
    for sought in [Sought::Vulnerabilities, Sought::Sbom] {
        let standing = scanning.standing(&named, sought).await?;
        if let Some(standing) = standing.filter(|it| it.report == report) {
            ask(&caller, &facts, sought, Action::Read)?;
            found = Some(standing);
            break;
        }
    }
    let Some((standing, execution)) = found.and_then(|it| it.execution.map(|id| (it, id))) else {
        let sentence = format!("report {report} not found");
        return Err(ApiError::new(Code::NotFound, sentence));
    };
    let mut text = String::new();
    let tasks = match standing.task {
        Some(task) if !standing.whole => vec![task],
        _ => {
            let tasks = scanning.jobs.tasks(execution, None, 100, 0).await;
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
    let row = images::find(&scanning.db, &named.digest, named.project).await?;
    // As Harbor answers for what was not scanned.
    let Some(scan) = row.filter(|row| row.scanned) else {
        return Ok(Json(serde_json::json!({})).into_response());
    };
    let place = Where {
        project: named.project,
        repository: named.repository.as_str(),
        digest: &named.digest,
    };
    let report = scanning.report(place, &scan).await?;
    Ok(Json(report).into_response())
}
