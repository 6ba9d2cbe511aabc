//! `/projects` and what hangs directly below one project.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, head, post, put};
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::{Access, Caller, Endpoint, Operation, Parameter, Permission, ProjectFacts, access};
use berth_model::{Action, Resource, Role};
use http::{HeaderMap, Method, StatusCode, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::allowlists::{AllowlistBody, AllowlistRequest};
use super::params::{Params, created};
use super::project;
use super::quotas::UseBody;
use crate::metadata::ProjectMetadata;
use crate::{
    Catalog, CatalogError, NewAllowlist, NewProject, Project, ProjectFilter, ProjectUpdate,
};

const LIST: &str = "/api/v2.0/projects";
const ONE: &str = "/api/v2.0/projects/{project_name_or_id}";

const FILTERS: &[Parameter] = &[
    Parameter::text("name", "A part of the project's name."),
    Parameter::flag("public", "Only public projects, or only others."),
    Parameter::text("owner", "The name of the user who made it."),
];
const NAME: &[Parameter] = &[Parameter::text("project_name", "The project's name.").required()];
const LOCATION: &[Parameter] = &[Parameter::flag(
    "X-Resource-Name-In-Location",
    "Name the project in `Location` by its name instead of its id.",
)
.in_header()];

pub(super) fn endpoints(catalog: &Catalog) -> Vec<Endpoint> {
    let may = |action| project(Resource::Project, action);
    let state = || catalog.clone();
    vec![
        Endpoint::new(
            Method::GET,
            LIST,
            Access::Public,
            get(list).with_state(state()),
        )
        .describe(
            Operation::new("listProjects", "project", "List projects you may see")
                .paged()
                .parameters(FILTERS)
                .answer::<Vec<ProjectBody>>(),
        ),
        Endpoint::new(
            Method::HEAD,
            LIST,
            Access::Authenticated,
            head(exists).with_state(state()),
        )
        .describe(
            Operation::new(
                "headProject",
                "project",
                "Say whether a project's name is taken",
            )
            .parameters(NAME)
            .errors(&[404]),
        ),
        Endpoint::new(
            Method::POST,
            LIST,
            Access::Authenticated,
            post(create).with_state(state()),
        )
        .describe(
            Operation::new("createProject", "project", "Make a project")
                .parameters(LOCATION)
                .body::<ProjectRequest>()
                .creates()
                .errors(&[409]),
        ),
        Endpoint::new(
            Method::GET,
            ONE,
            may(Action::Read),
            get(read).with_state(state()),
        )
        .describe(
            Operation::new("getProject", "project", "Read a project").answer::<ProjectBody>(),
        ),
        Endpoint::new(
            Method::PUT,
            ONE,
            may(Action::Update),
            put(update).with_state(state()),
        )
        .describe(
            Operation::new("updateProject", "project", "Change a project").body::<ProjectRequest>(),
        ),
        Endpoint::new(
            Method::DELETE,
            ONE,
            may(Action::Delete),
            delete(remove).with_state(state()),
        )
        .describe(
            Operation::new("deleteProject", "project", "Delete an empty project").errors(&[412]),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/projects/{project_name_or_id}/_deletable",
            may(Action::Delete),
            get(deletable).with_state(state()),
        )
        .describe(
            Operation::new(
                "getProjectDeletable",
                "project",
                "Say whether a project can be deleted",
            )
            .answer::<DeletableBody>(),
        ),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/projects/{project_name_or_id}/summary",
            may(Action::Read),
            get(summary).with_state(state()),
        )
        .describe(
            Operation::new("getProjectSummary", "project", "Count what a project holds")
                .answer::<SummaryBody>(),
        ),
    ]
}

/// A project.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Project")]
pub struct ProjectBody {
    project_id: i64,
    owner_id: i64,
    name: String,
    #[schemars(extend("format" = "date-time"))]
    creation_time: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
    /// Always false: a deleted project is not shown.
    deleted: bool,
    owner_name: String,
    /// The role you hold in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_user_role_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_user_role_ids: Option<[i64; 1]>,
    repo_count: i64,
    #[schemars(with = "ProjectMetadata")]
    metadata: Map<String, Value>,
    cve_allowlist: AllowlistBody,
}

impl From<Project> for ProjectBody {
    fn from(project: Project) -> Self {
        let mut metadata = Map::new();
        metadata.insert("public".to_owned(), project.public.to_string().into());
        let others = project.metadata.into_iter();
        metadata.extend(others.map(|(key, value)| (key, value.into())));
        Self {
            project_id: project.id.get(),
            owner_id: project.owner_id.get(),
            name: project.name,
            creation_time: project.created_at.to_rfc3339(),
            update_time: project.updated_at.to_rfc3339(),
            deleted: false,
            owner_name: project.owner_name,
            current_user_role_id: project.role.map(Role::id),
            current_user_role_ids: project.role.map(|role| [role.id()]),
            repo_count: project.repo_count,
            metadata,
            cve_allowlist: AllowlistBody::new(project.id.get(), project.allowlist),
        }
    }
}

/// What a client may say of a project; what is not listed here is ignored.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "ProjectReq")]
struct ProjectRequest {
    #[serde(default)]
    project_name: String,
    public: Option<bool>,
    #[schemars(with = "Option<ProjectMetadata>")]
    metadata: Option<BTreeMap<String, Option<String>>>,
    /// Most bytes it may hold; -1 for no limit.
    storage_limit: Option<i64>,
    /// A project cannot be a proxy cache yet: 0 or absent.
    registry_id: Option<i64>,
    /// What is let pass in it; absent: as it was.
    cve_allowlist: Option<AllowlistRequest>,
}

impl ProjectRequest {
    /// Keys with a value; clients send null for those they do not care for.
    fn pairs(&mut self) -> Vec<(String, String)> {
        let metadata = self.metadata.take().unwrap_or_default();
        metadata
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }
}

fn allowlist(request: Option<AllowlistRequest>) -> Result<Option<NewAllowlist>, CatalogError> {
    request.map(AllowlistRequest::check).transpose()
}

async fn list(
    State(catalog): State<Catalog>,
    caller: Caller,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let wanted = ProjectFilter {
        name: params.text("name").map(str::to_owned),
        public: params.flag("public")?,
        owner: params.text("owner").map(str::to_owned),
        q: params.text_or_empty("q").to_owned(),
        sort: params.text_or_empty("sort").to_owned(),
    };
    let (projects, total) = catalog
        .list_projects(&caller, &wanted, page.limit(), page.offset())
        .await?;
    let bodies: Vec<ProjectBody> = projects.into_iter().map(ProjectBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

/// Harbor answers for any name, so that a form can tell whether one is taken.
async fn exists(
    State(catalog): State<Catalog>,
    caller: Caller,
    params: Params,
) -> Result<StatusCode, ApiError> {
    let name = params
        .text("project_name")
        .ok_or_else(|| ApiError::unprocessable("project_name in query is required"))?;
    let found = catalog.project_exists(&caller.actor, name).await?;
    Ok(if found {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    })
}

async fn create(
    State(catalog): State<Catalog>,
    caller: Caller,
    headers: HeaderMap,
    Json(mut request): Json<ProjectRequest>,
) -> Result<impl IntoResponse, ApiError> {
    if request.registry_id.is_some_and(|id| id != 0) {
        return Err(ApiError::bad_request(
            "registry_id must be absent: a project cannot be a proxy cache yet",
        ));
    }
    let name = request.project_name.clone();
    let new = NewProject {
        public: request.public.unwrap_or(false),
        metadata: request.pairs(),
        storage_limit: request.storage_limit,
        allowlist: allowlist(request.cve_allowlist.take())?,
        name: request.project_name,
    };
    let id = catalog.create_project(&caller, new).await?;
    let by_name = headers
        .get("x-resource-name-in-location")
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    Ok(if by_name {
        created(&format!("{LIST}/{name}"))
    } else {
        created(&format!("{LIST}/{id}"))
    })
}

async fn read(
    State(catalog): State<Catalog>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
) -> Result<Json<ProjectBody>, ApiError> {
    let project = catalog.get_project(&caller, facts.id).await?;
    Ok(Json(project.into()))
}

async fn update(
    State(catalog): State<Catalog>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Json(mut request): Json<ProjectRequest>,
) -> Result<(), ApiError> {
    let update = ProjectUpdate {
        public: request.public,
        metadata: request.pairs(),
        allowlist: allowlist(request.cve_allowlist.take())?,
    };
    Ok(catalog.update_project(&caller, &facts, update).await?)
}

async fn remove(
    State(catalog): State<Catalog>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
) -> Result<(), ApiError> {
    Ok(catalog.delete_project(&caller, &facts).await?)
}

/// Whether a project can be deleted.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectDeletable")]
struct DeletableBody {
    deletable: bool,
    /// What is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

async fn deletable(
    State(catalog): State<Catalog>,
    Extension(facts): Extension<ProjectFacts>,
) -> Result<Json<DeletableBody>, ApiError> {
    let (deletable, message) = match catalog.deletable(&facts).await {
        Ok(()) => (true, None),
        Err(CatalogError::Precondition(message)) => (false, Some(message)),
        Err(error) => return Err(error.into()),
    };
    Ok(Json(DeletableBody { deletable, message }))
}

/// What a project holds. Members are counted for those who may list them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectSummary")]
struct SummaryBody {
    repo_count: i64,
    #[serde(flatten)]
    members: Option<MemberCounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<UseBody>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those on the wire")]
struct MemberCounts {
    project_admin_count: i64,
    maintainer_count: i64,
    developer_count: i64,
    guest_count: i64,
    limited_guest_count: i64,
}

/// Only the parts the caller may see: members with member:list, the quota with quota:read.
async fn summary(
    State(catalog): State<Catalog>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
) -> Result<Json<SummaryBody>, ApiError> {
    let may =
        |resource, action| access::allows(&caller.actor, &facts, Permission::new(resource, action));
    let found = catalog.summary(facts.id).await?;
    let count = |role| {
        let count = found.members.iter().find(|(held, _)| *held == role);
        count.map_or(0, |(_, count)| *count)
    };
    let members = may(Resource::Member, Action::List).then(|| MemberCounts {
        project_admin_count: count(Role::ProjectAdmin),
        maintainer_count: count(Role::Maintainer),
        developer_count: count(Role::Developer),
        guest_count: count(Role::Guest),
        limited_guest_count: count(Role::LimitedGuest),
    });
    let quota = found
        .quota
        .filter(|_| may(Resource::Quota, Action::Read))
        .map(UseBody::from);
    Ok(Json(SummaryBody {
        repo_count: found.repo_count,
        members,
        quota,
    }))
}
