//! `/robots` and `/permissions`.

use std::collections::HashMap;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::access::{Level, offered, spelled};
use berth_iam::{
    Access, Caller, Endpoint, Iam, Operation, Permission, PermissionAnswer, Place, RobotAccount,
    access,
};
use berth_model::{Action, ProjectId, Resource, RobotId, Secret, Timestamp};
use http::{Method, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::{Params, created, id_in_path};
use crate::robots::{AccessRequest, NewRobot, PermissionRequest, RobotUpdate};
use crate::{Catalog, CatalogError};

const LIST: &str = "/api/v2.0/robots";
const ONE: &str = "/api/v2.0/robots/{robot_id}";

#[derive(Clone)]
struct Served {
    catalog: Catalog,
    iam: Iam,
}

pub(super) fn endpoints(catalog: &Catalog, iam: &Iam) -> Vec<Endpoint> {
    let state = || Served {
        catalog: catalog.clone(),
        iam: iam.clone(),
    };
    // Whose robot it is, is known only when it was read.
    let may = Access::ByObject;
    vec![
        Endpoint::new(Method::GET, LIST, may, get(list).with_state(state())).describe(
            Operation::new(
                "ListRobot",
                "robot",
                "List robots of the system or of a project",
            )
            .paged()
            .answer::<Vec<RobotBody>>(),
        ),
        Endpoint::new(Method::POST, LIST, may, post(create).with_state(state())).describe(
            Operation::new("CreateRobot", "robot", "Make a robot")
                .body::<CreateRequest>()
                .answer::<CreatedBody>()
                .creates()
                .errors(&[404, 409]),
        ),
        Endpoint::new(Method::GET, ONE, may, get(read).with_state(state())).describe(
            Operation::new("GetRobotByID", "robot", "Read a robot").answer::<RobotBody>(),
        ),
        Endpoint::new(Method::PUT, ONE, may, put(update).with_state(state())).describe(
            Operation::new("UpdateRobot", "robot", "Change a robot").body::<UpdateRequest>(),
        ),
        Endpoint::new(Method::PATCH, ONE, may, patch(refresh).with_state(state())).describe(
            Operation::new("RefreshSec", "robot", "Give a robot another secret")
                .body::<SecretBody>()
                .answer::<SecretBody>(),
        ),
        Endpoint::new(Method::DELETE, ONE, may, delete(remove).with_state(state()))
            .describe(Operation::new("DeleteRobot", "robot", "Delete a robot")),
        Endpoint::new(
            Method::GET,
            "/api/v2.0/permissions",
            may,
            get(permissions).with_state(state()),
        )
        .describe(
            Operation::new(
                "getPermissions",
                "permissions",
                "List what robots can be given",
            )
            .answer::<PermissionsBody>(),
        ),
    ]
}

/// A resource, an action, and that it is allowed.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Access")]
struct AccessBody {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    action: String,
    /// Always `allow`.
    #[serde(default)]
    effect: String,
}

/// What a robot may do in one namespace.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RobotPermission")]
struct PermissionBody {
    /// `system` or `project`.
    #[serde(default)]
    kind: String,
    /// `/`, a project's name, or `*` for every project.
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    access: Vec<AccessBody>,
}

impl From<PermissionBody> for PermissionRequest {
    fn from(body: PermissionBody) -> Self {
        Self {
            kind: body.kind,
            namespace: body.namespace,
            access: body
                .access
                .into_iter()
                .map(|pair| AccessRequest {
                    resource: pair.resource,
                    action: pair.action,
                    effect: pair.effect,
                })
                .collect(),
        }
    }
}

/// A robot. Its secret is shown once, when it is made.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Robot")]
struct RobotBody {
    id: i64,
    /// The name it logs in with.
    name: String,
    description: String,
    level: &'static str,
    /// Days it lives; -1: it does not end.
    duration: i64,
    editable: bool,
    disable: bool,
    /// Seconds since 1970; -1: never.
    expires_at: i64,
    permissions: Vec<PermissionBody>,
    creator_type: &'static str,
    creator_ref: i64,
    creation_time: String,
    update_time: String,
}

impl RobotBody {
    fn of(catalog: &Catalog, robot: RobotAccount, projects: &HashMap<ProjectId, String>) -> Self {
        let permissions = robot.grants.parts().filter_map(|(place, set)| {
            let (kind, namespace) = match place {
                Place::System => (Level::System, "/"),
                Place::EveryProject => (Level::Project, "*"),
                // A project that was deleted since is not shown.
                Place::Project(id) => (Level::Project, projects.get(&id)?.as_str()),
            };
            let held = offered(kind).filter(|permission| set.contains(*permission));
            Some(PermissionBody {
                kind: kind.as_str().to_owned(),
                namespace: namespace.to_owned(),
                access: held
                    .map(|permission| AccessBody {
                        resource: spelled(permission.resource).to_owned(),
                        action: permission.action.to_string(),
                        effect: "allow".to_owned(),
                    })
                    .collect(),
            })
        });
        let (creator_type, creator_ref) = robot.creator.parts();
        Self {
            id: robot.id.get(),
            name: catalog.robot_name(&robot.name),
            level: match robot.project {
                Some(_) => Level::Project.as_str(),
                None => Level::System.as_str(),
            },
            duration: robot.duration,
            editable: true,
            disable: robot.disabled,
            expires_at: seconds(robot.expires_at),
            permissions: permissions.collect(),
            creator_type,
            creator_ref,
            creation_time: robot.created_at.to_rfc3339(),
            update_time: robot.updated_at.to_rfc3339(),
            description: robot.description,
        }
    }
}

fn seconds(end: Option<Timestamp>) -> i64 {
    end.map_or(-1, Timestamp::seconds)
}

/// A robot to be made.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "RobotCreate")]
struct CreateRequest {
    /// Its name, without prefix and project.
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    /// Its secret; without it one is made up.
    #[schemars(with = "Option<String>")]
    secret: Option<Secret<String>>,
    /// `system` or `project`.
    #[serde(default)]
    level: String,
    #[serde(default)]
    disable: bool,
    /// Days it lives; -1: it does not end; 0: as long as `robot_token_duration` says.
    #[serde(default)]
    duration: i64,
    #[serde(default)]
    permissions: Vec<PermissionBody>,
}

/// A robot that was made, with its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RobotCreated")]
struct CreatedBody {
    id: i64,
    /// The name it logs in with.
    name: String,
    /// Shown this once.
    secret: String,
    creation_time: String,
    /// Seconds since 1970; -1: never.
    expires_at: i64,
}

/// What of a robot is replaced; its name and level may be repeated.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Robot")]
struct UpdateRequest {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    disable: bool,
    #[serde(default)]
    duration: i64,
    #[serde(default)]
    permissions: Vec<PermissionBody>,
}

/// A secret: the one to take, or the one that was made up.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RobotSec")]
struct SecretBody {
    #[serde(default)]
    secret: String,
}

/// What robots can be given.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Permissions")]
struct PermissionsBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Vec<PermissionAnswer>>,
    project: Vec<PermissionAnswer>,
}

async fn list(
    State(served): State<Served>,
    caller: Caller,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let asked = (params.text_or_empty("q"), params.text_or_empty("sort"));
    let catalog = &served.catalog;
    let part = (page.limit(), page.offset());
    let robots = served.iam.robots();
    let listed = catalog.list_robots(&robots, &caller, asked, part);
    let (robots, total) = listed.await?;
    let projects = catalog.robot_projects(&robots).await?;
    let bodies: Vec<RobotBody> = robots
        .into_iter()
        .map(|robot| RobotBody::of(catalog, robot, &projects))
        .collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn create(
    State(served): State<Served>,
    caller: Caller,
    Json(request): Json<CreateRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let new = NewRobot {
        name: request.name,
        description: request.description,
        // Clients send an empty one for none.
        secret: request.secret.filter(|it| !it.expose().is_empty()),
        level: request.level,
        disabled: request.disable,
        duration: request.duration,
        permissions: request.permissions.into_iter().map(Into::into).collect(),
    };
    let made = served
        .catalog
        .create_robot(&served.iam.robots(), &caller, new)
        .await?;
    let body = CreatedBody {
        id: made.id.get(),
        name: made.name,
        secret: made.secret.expose().clone(),
        creation_time: made.created_at.to_rfc3339(),
        expires_at: seconds(made.expires_at),
    };
    let (status, headers) = created(&format!("{LIST}/{}", made.id));
    Ok((status, headers, Json(body)))
}

fn robot_id(text: &str) -> Result<RobotId, ApiError> {
    id_in_path("robot_id", text).map(RobotId)
}

async fn read(
    State(served): State<Served>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RobotBody>, ApiError> {
    let (catalog, id) = (&served.catalog, robot_id(&id)?);
    let robots = served.iam.robots();
    let found = catalog
        .get_robot(&robots, &caller, id, Action::Read)
        .await?;
    let projects = catalog.robot_projects(std::slice::from_ref(&found)).await?;
    Ok(Json(RobotBody::of(catalog, found, &projects)))
}

async fn update(
    State(served): State<Served>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<UpdateRequest>,
) -> Result<(), ApiError> {
    let update = RobotUpdate {
        name: request.name,
        level: request.level,
        description: request.description,
        disabled: request.disable,
        duration: request.duration,
        permissions: request.permissions.into_iter().map(Into::into).collect(),
    };
    let id = robot_id(&id)?;
    let robots = served.iam.robots();
    let catalog = &served.catalog;
    Ok(catalog.update_robot(&robots, &caller, id, update).await?)
}

async fn refresh(
    State(served): State<Served>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<SecretBody>,
) -> Result<Json<SecretBody>, ApiError> {
    let id = robot_id(&id)?;
    let given = (!request.secret.is_empty()).then(|| Secret::new(request.secret));
    let robots = served.iam.robots();
    let made = served
        .catalog
        .refresh_robot(&robots, &caller, id, given)
        .await?;
    // Who chose a secret knows it.
    let secret = if made.random {
        made.secret.expose().clone()
    } else {
        String::new()
    };
    Ok(Json(SecretBody { secret }))
}

async fn remove(
    State(served): State<Served>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(), ApiError> {
    let id = robot_id(&id)?;
    let robots = served.iam.robots();
    Ok(served.catalog.delete_robot(&robots, &caller, id).await?)
}

/// Those who may make robots of the system see both lists; those who may make robots of some
/// project see what these can be given.
async fn permissions(
    State(served): State<Served>,
    caller: Caller,
) -> Result<Json<PermissionsBody>, ApiError> {
    let create = Permission::new(Resource::Robot, Action::Create);
    let whole = access::allows_system(&caller.actor, create);
    if !whole && !served.catalog.manages_a_project(&caller.actor).await? {
        return Err(CatalogError::Forbidden(
            "this is for those who may make robots: administrators of the system or of a project"
                .to_owned(),
        )
        .into());
    }
    Ok(Json(PermissionsBody {
        system: whole.then(|| listed(Level::System)),
        project: listed(Level::Project),
    }))
}

fn listed(level: Level) -> Vec<PermissionAnswer> {
    offered(level)
        .map(|permission| PermissionAnswer {
            resource: spelled(permission.resource).to_owned(),
            action: permission.action.as_str(),
        })
        .collect()
}
