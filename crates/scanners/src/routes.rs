//! `/scanners` and the scanner of a project.
//!
//! Invariant: a credential is taken and never shown.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::{Access, Caller, Endpoint, Operation, Permission, ProjectFacts};
use berth_model::{Action, Resource, Secret};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registrations::Wanted;
use crate::{Metadata, Registration, Scanners, ScannersError};

const ALL: &str = "/api/v2.0/scanners";
const PING: &str = "/api/v2.0/scanners/ping";
const ONE: &str = "/api/v2.0/scanners/{registration_id}";
const METADATA: &str = "/api/v2.0/scanners/{registration_id}/metadata";
const OF_PROJECT: &str = "/api/v2.0/projects/{project_name_or_id}/scanner";
const CANDIDATES: &str = "/api/v2.0/projects/{project_name_or_id}/scanner/candidates";

type Route = (
    Method,
    &'static str,
    Access,
    MethodRouter<Scanners>,
    Operation,
);

/// Every endpoint of this crate.
pub fn endpoints(scanners: &Scanners) -> Vec<Endpoint> {
    of_system()
        .into_iter()
        .chain(of_projects())
        .map(|(method, path, access, handler, operation)| {
            let handler = handler.with_state(scanners.clone());
            Endpoint::new(method, path, access, handler).describe(operation)
        })
        .collect()
}

const fn about(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "scanner", summary)
}

fn of_system() -> Vec<Route> {
    let may = |action| Access::System(Permission::new(Resource::Scanner, action));
    vec![
        (
            Method::GET,
            ALL,
            may(Action::List),
            get(list),
            about("listScanners", "List the scanners")
                .paged()
                .answer::<Vec<RegistrationBody>>(),
        ),
        (
            Method::POST,
            ALL,
            may(Action::Create),
            post(create),
            about("createScanner", "Register an external scanner")
                .body::<RegistrationRequest>()
                .creates()
                .errors(&[409]),
        ),
        (
            Method::POST,
            PING,
            may(Action::Read),
            post(ping),
            about("pingScanner", "Ask whether a scanner answers")
                .body::<SettingsRequest>()
                .errors(&[409]),
        ),
        (
            Method::GET,
            ONE,
            may(Action::Read),
            get(read),
            // `/scanners/ping` has this form, and is asked by POST alone.
            about("getScanner", "Read a scanner")
                .answer::<RegistrationBody>()
                .errors(&[405]),
        ),
        (
            Method::PUT,
            ONE,
            may(Action::Update),
            put(update),
            about("updateScanner", "Change a scanner")
                .body::<RegistrationRequest>()
                .errors(&[409, 412]),
        ),
        (
            Method::DELETE,
            ONE,
            may(Action::Delete),
            delete(remove),
            about("deleteScanner", "Delete a scanner")
                .answer::<RegistrationBody>()
                .errors(&[412]),
        ),
        (
            Method::PATCH,
            ONE,
            may(Action::Update),
            patch(make_default),
            about("setScannerAsDefault", "Make a scanner the default")
                .body::<IsDefault>()
                .errors(&[412]),
        ),
        (
            Method::GET,
            METADATA,
            may(Action::Read),
            get(metadata),
            about("getScannerMetadata", "Ask a scanner what it can do").answer::<Metadata>(),
        ),
    ]
}

fn of_projects() -> Vec<Route> {
    let may = |action| Access::Project(Permission::new(Resource::Scanner, action));
    let about = |id, summary| Operation::new(id, "project", summary);
    vec![
        (
            Method::GET,
            OF_PROJECT,
            may(Action::Read),
            get(of_project),
            about("getScannerOfProject", "Read the scanner of a project")
                .answer::<RegistrationBody>(),
        ),
        (
            Method::PUT,
            OF_PROJECT,
            may(Action::Create),
            put(choose),
            about("setScannerOfProject", "Choose the scanner of a project")
                .body::<ProjectScanner>()
                .errors(&[412]),
        ),
        (
            Method::GET,
            CANDIDATES,
            may(Action::Create),
            get(candidates),
            about(
                "listScannerCandidatesOfProject",
                "List the scanners that a project can choose from",
            )
            .paged()
            .answer::<Vec<RegistrationBody>>(),
        ),
    ]
}

/// What a scanner can do.
#[derive(Debug, Serialize, JsonSchema)]
struct Capabilities {
    support_vulnerability: bool,
    support_sbom: bool,
}

/// A scanner.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScannerRegistration")]
struct RegistrationBody {
    uuid: String,
    name: String,
    description: String,
    /// Empty: the server itself.
    url: String,
    disabled: bool,
    is_default: bool,
    auth: String,
    #[serde(rename = "skip_certVerify")]
    skip_verify: bool,
    use_internal_addr: bool,
    #[schemars(extend("format" = "date-time"))]
    create_time: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
    adapter: String,
    vendor: String,
    version: String,
    /// `healthy` or `unhealthy`, when it was asked last.
    health: &'static str,
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    capabilities: Capabilities,
}

impl From<Registration> for RegistrationBody {
    fn from(of: Registration) -> Self {
        let seen = of.seen;
        Self {
            uuid: of.uuid,
            name: of.name,
            description: of.description,
            url: of.url,
            disabled: of.disabled,
            is_default: of.is_default,
            auth: of.auth,
            skip_verify: of.skip_verify,
            use_internal_addr: of.use_internal_addr,
            create_time: of.created_at.to_rfc3339(),
            update_time: of.updated_at.to_rfc3339(),
            adapter: seen.scanner.name,
            vendor: seen.scanner.vendor,
            version: seen.scanner.version,
            health: if seen.healthy { "healthy" } else { "unhealthy" },
            capabilities: Capabilities {
                support_vulnerability: seen.vulnerability,
                support_sbom: seen.sbom,
            },
        }
    }
}

/// A scanner to be registered or changed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "ScannerRegistrationReq")]
#[serde(default)]
struct RegistrationRequest {
    name: String,
    description: Option<String>,
    /// The address before `/api/v1`.
    url: String,
    /// Empty, `Basic`, `Bearer` or `X-ScannerAdapter-API-Key`.
    auth: Option<String>,
    /// `user:password`, a token or a key; absent: as it was.
    access_credential: Option<String>,
    #[serde(rename = "skip_certVerify")]
    skip_verify: Option<bool>,
    use_internal_addr: Option<bool>,
    disabled: Option<bool>,
}

/// An address where a scanner may be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "ScannerRegistrationSettings")]
#[serde(default)]
struct SettingsRequest {
    name: String,
    url: String,
    auth: Option<String>,
    access_credential: Option<String>,
}

/// Whether a scanner is the default.
#[derive(Debug, Deserialize, JsonSchema)]
struct IsDefault {
    #[serde(default)]
    is_default: bool,
}

/// The scanner of a project.
#[derive(Debug, Deserialize, JsonSchema)]
struct ProjectScanner {
    uuid: String,
}

impl From<RegistrationRequest> for Wanted {
    fn from(request: RegistrationRequest) -> Self {
        Self {
            name: request.name,
            description: request.description.unwrap_or_default(),
            url: request.url,
            auth: request.auth.unwrap_or_default(),
            credential: request.access_credential.map(Secret::new),
            skip_verify: request.skip_verify.unwrap_or_default(),
            use_internal_addr: request.use_internal_addr.unwrap_or_default(),
            disabled: request.disabled.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: String,
}

async fn list(
    State(scanners): State<Scanners>,
    page: Page,
    uri: Uri,
) -> Result<Response, ApiError> {
    let asked: Asked = serde_urlencoded::from_str(uri.query().unwrap_or_default())
        .map_err(|error| ApiError::bad_request(format!("the query cannot be read: {error}")))?;
    let part = (page.limit(), page.offset());
    let (found, total) = scanners.list((&asked.q, &asked.sort), part).await?;
    let bodies: Vec<RegistrationBody> = found.into_iter().map(RegistrationBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn candidates(state: State<Scanners>, page: Page, uri: Uri) -> Result<Response, ApiError> {
    list(state, page, uri).await
}

async fn create(
    State(scanners): State<Scanners>,
    caller: Caller,
    Json(request): Json<RegistrationRequest>,
) -> Result<Response, ApiError> {
    let uuid = scanners.create(&caller, request.into()).await?;
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(value) = HeaderValue::from_str(&format!("{ALL}/{uuid}")) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

async fn ping(
    State(scanners): State<Scanners>,
    Json(settings): Json<SettingsRequest>,
) -> Result<(), ApiError> {
    let wanted = Wanted {
        name: settings.name,
        url: settings.url.trim_end_matches('/').to_owned(),
        auth: settings.auth.unwrap_or_default(),
        credential: settings.access_credential.map(Secret::new),
        ..Wanted::default()
    };
    Ok(scanners.ping(&wanted).await?)
}

async fn read(
    State(scanners): State<Scanners>,
    Path(uuid): Path<String>,
) -> Result<Json<RegistrationBody>, ApiError> {
    Ok(Json(scanners.ask(&uuid).await?.into()))
}

async fn update(
    State(scanners): State<Scanners>,
    caller: Caller,
    Path(uuid): Path<String>,
    Json(request): Json<RegistrationRequest>,
) -> Result<(), ApiError> {
    Ok(scanners.change(&caller, &uuid, request.into()).await?)
}

async fn remove(
    State(scanners): State<Scanners>,
    caller: Caller,
    Path(uuid): Path<String>,
) -> Result<Json<RegistrationBody>, ApiError> {
    Ok(Json(scanners.remove(&caller, &uuid).await?.into()))
}

async fn make_default(
    State(scanners): State<Scanners>,
    caller: Caller,
    Path(uuid): Path<String>,
    Json(wanted): Json<IsDefault>,
) -> Result<(), ApiError> {
    if !wanted.is_default {
        let sentence = "is_default must be true: make another scanner the default instead";
        return Err(ScannersError::Invalid(sentence.to_owned()).into());
    }
    Ok(scanners.make_default(&caller, &uuid).await?)
}

async fn metadata(
    State(scanners): State<Scanners>,
    Path(uuid): Path<String>,
) -> Result<Json<Metadata>, ApiError> {
    Ok(Json(scanners.metadata(&uuid).await?))
}

async fn of_project(
    State(scanners): State<Scanners>,
    Extension(facts): Extension<ProjectFacts>,
) -> Result<Json<RegistrationBody>, ApiError> {
    Ok(Json(scanners.of_project(facts.id).await?.into()))
}

async fn choose(
    State(scanners): State<Scanners>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Json(chosen): Json<ProjectScanner>,
) -> Result<(), ApiError> {
    Ok(scanners.choose(&caller, &facts, &chosen.uuid).await?)
}
