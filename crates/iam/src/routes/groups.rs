//! `/usergroups`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use berth_http::{ApiError, Json, Page, Query, list_response};
use berth_model::{Action, GroupId, Resource};
use http::header::LOCATION;
use http::{Method, StatusCode, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::may_look_for_members;
use crate::groups::{Group, GroupFilter, NewGroup};
use crate::{Access, Author, Caller, Endpoint, Iam, Operation, Permission};

const LIST: &str = "/api/v2.0/usergroups";
const ONE: &str = "/api/v2.0/usergroups/{group_id}";

pub(super) fn endpoints(iam: &Iam) -> Vec<Endpoint> {
    let may = |action| Access::System(Permission::new(Resource::UserGroup, action));
    let route = |method, path, access, handler: MethodRouter<Iam>, operation| {
        Endpoint::new(method, path, access, handler.with_state(iam.clone())).describe(operation)
    };
    let operation = |id, summary| Operation::new(id, "usergroup", summary);
    vec![
        route(
            Method::GET,
            LIST,
            may(Action::List),
            get(list),
            operation("listUserGroups", "List groups of users")
                .query::<ListQuery>()
                .pages()
                .answer::<Vec<GroupBody>>(),
        ),
        route(
            Method::POST,
            LIST,
            may(Action::Create),
            post(create),
            operation("createUserGroup", "Make a group of users")
                .body::<GroupRequest>()
                .creates()
                .errors(&[409]),
        ),
        route(
            Method::GET,
            "/api/v2.0/usergroups/search",
            Access::Authenticated,
            get(search),
            operation("searchUserGroups", "Search groups by name")
                .query::<SearchQuery>()
                .pages()
                .answer::<Vec<FoundBody>>()
                .errors(&[400, 403]),
        ),
        route(
            Method::GET,
            ONE,
            may(Action::Read),
            get(show),
            operation("getUserGroup", "Read a group of users").answer::<GroupBody>(),
        ),
        route(
            Method::PUT,
            ONE,
            may(Action::Update),
            put(rename),
            operation("updateUserGroup", "Give a group another name")
                .body::<GroupRequest>()
                .errors(&[409]),
        ),
        route(
            Method::DELETE,
            ONE,
            may(Action::Delete),
            delete(remove),
            operation("deleteUserGroup", "Delete a group and its memberships"),
        ),
    ]
}

/// A group of users.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserGroup")]
struct GroupBody {
    id: i64,
    group_name: String,
    /// 1 LDAP, 2 HTTP, 3 OIDC.
    group_type: i64,
    ldap_group_dn: String,
}

impl From<Group> for GroupBody {
    fn from(group: Group) -> Self {
        Self {
            id: group.id.get(),
            group_name: group.name,
            group_type: group.kind,
            ldap_group_dn: group.ldap_dn,
        }
    }
}

/// A group that a search found.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserGroupSearchItem")]
struct FoundBody {
    id: i64,
    group_name: String,
    /// 1 LDAP, 2 HTTP, 3 OIDC.
    group_type: i64,
}

/// A group to be made, or its new name.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UserGroupRequest")]
struct GroupRequest {
    #[serde(default)]
    group_name: String,
    /// 1 LDAP, 2 HTTP, 3 OIDC. It cannot be changed.
    #[serde(default)]
    group_type: i64,
    /// It cannot be changed.
    #[serde(default)]
    ldap_group_dn: String,
}

#[derive(Deserialize, JsonSchema)]
struct ListQuery {
    /// A part of the group's name.
    #[serde(default)]
    group_name: String,
    /// The group's distinguished name.
    #[serde(default)]
    ldap_group_dn: String,
}

#[derive(Deserialize, JsonSchema)]
struct SearchQuery {
    /// A part of the group's name.
    groupname: String,
}

async fn list(
    State(iam): State<Iam>,
    uri: Uri,
    Query(query): Query<ListQuery>,
    page: Page,
) -> Result<Response, ApiError> {
    let wanted = GroupFilter {
        name: query.group_name,
        ldap_dn: query.ldap_group_dn,
        ..GroupFilter::default()
    };
    let groups = iam.groups();
    let (groups, total) = groups.list(&wanted, page.limit(), page.offset()).await?;
    let bodies: Vec<GroupBody> = groups.into_iter().map(GroupBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn search(
    State(iam): State<Iam>,
    caller: Caller,
    uri: Uri,
    query: Result<Query<SearchQuery>, ApiError>,
    page: Page,
) -> Result<Response, ApiError> {
    may_look_for_members(&caller, Resource::UserGroup)?;
    let Query(query) = query?;
    let wanted = GroupFilter {
        name: query.groupname,
        ..GroupFilter::default()
    };
    let groups = iam.groups();
    let (groups, total) = groups.list(&wanted, page.limit(), page.offset()).await?;
    let bodies: Vec<FoundBody> = groups
        .into_iter()
        .map(|group| FoundBody {
            id: group.id.get(),
            group_name: group.name,
            group_type: group.kind,
        })
        .collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn create(
    State(iam): State<Iam>,
    caller: Caller,
    Json(body): Json<GroupRequest>,
) -> Result<Response, ApiError> {
    let group = NewGroup {
        name: body.group_name,
        kind: body.group_type,
        ldap_dn: body.ldap_group_dn,
    };
    let id = iam.groups().create(group, &Author::from(&caller)).await?;
    Ok((StatusCode::CREATED, [(LOCATION, format!("{LIST}/{id}"))]).into_response())
}

async fn show(State(iam): State<Iam>, Path(id): Path<String>) -> Result<Json<GroupBody>, ApiError> {
    Ok(Json(iam.groups().get(group_id(&id)?).await?.into()))
}

async fn rename(
    State(iam): State<Iam>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<GroupRequest>,
) -> Result<(), ApiError> {
    let (id, by) = (group_id(&id)?, Author::from(&caller));
    Ok(iam.groups().rename(id, body.group_name, &by).await?)
}

async fn remove(
    State(iam): State<Iam>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(), ApiError> {
    let (id, by) = (group_id(&id)?, Author::from(&caller));
    Ok(iam.groups().remove(id, &by).await?)
}

fn group_id(text: &str) -> Result<GroupId, ApiError> {
    text.parse().map(GroupId).map_err(|_| {
        ApiError::unprocessable(format!("group_id in path must be a number, not {text:?}"))
    })
}
