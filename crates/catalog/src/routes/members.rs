//! `/projects/{project_name_or_id}/members`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use berth_http::{ApiError, Json, Page, list_response};
use berth_iam::groups::NewGroup;
use berth_iam::{Caller, Endpoint, Operation, Parameter, ProjectFacts};
use berth_model::{Action, GroupId, MemberId, Resource, UserId};
use http::{Method, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::{Params, created, id_in_path};
use super::project;
use crate::{Catalog, Entity, Member, NewEntity, NewMember};

const LIST: &str = "/api/v2.0/projects/{project_name_or_id}/members";
const ONE: &str = "/api/v2.0/projects/{project_name_or_id}/members/{mid}";

const FILTERS: &[Parameter] = &[Parameter::text(
    "entityname",
    "A part of the member's name.",
)];

pub(super) fn endpoints(catalog: &Catalog) -> Vec<Endpoint> {
    let may = |action| project(Resource::Member, action);
    let state = || catalog.clone();
    vec![
        Endpoint::new(
            Method::GET,
            LIST,
            may(Action::List),
            get(list).with_state(state()),
        )
        .describe(
            Operation::new(
                "listProjectMembers",
                "member",
                "List the members of a project",
            )
            .pages()
            .parameters(FILTERS)
            .answer::<Vec<MemberBody>>(),
        ),
        Endpoint::new(
            Method::POST,
            LIST,
            may(Action::Create),
            post(create).with_state(state()),
        )
        .describe(
            Operation::new("createProjectMember", "member", "Add a member to a project")
                .body::<MemberRequest>()
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
            Operation::new("getProjectMember", "member", "Read a member of a project")
                .answer::<MemberBody>(),
        ),
        Endpoint::new(
            Method::PUT,
            ONE,
            may(Action::Update),
            put(update).with_state(state()),
        )
        .describe(
            Operation::new("updateProjectMember", "member", "Change a member's role")
                .body::<RoleRequest>(),
        ),
        Endpoint::new(
            Method::DELETE,
            ONE,
            may(Action::Delete),
            delete(remove).with_state(state()),
        )
        .describe(Operation::new(
            "deleteProjectMember",
            "member",
            "Remove a member from a project",
        )),
    ]
}

/// A member of a project.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectMemberEntity")]
struct MemberBody {
    id: i64,
    project_id: i64,
    entity_name: String,
    role_name: &'static str,
    role_id: i64,
    entity_id: i64,
    /// `u` for a user, `g` for a group.
    entity_type: &'static str,
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        let (entity_type, entity_id) = match member.entity {
            Entity::User(id) => ("u", id.get()),
            Entity::Group(id) => ("g", id.get()),
        };
        Self {
            id: member.id.get(),
            project_id: member.project_id.get(),
            entity_name: member.name,
            role_name: member.role.as_str(),
            role_id: member.role.id(),
            entity_id,
            entity_type,
        }
    }
}

/// A member to be added: a user or a group, by id or by name.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ProjectMember")]
struct MemberRequest {
    /// 1 project administrator, 2 developer, 3 guest, 4 maintainer, 5 limited guest.
    role_id: i64,
    member_user: Option<UserEntity>,
    /// A group that is not known yet is made.
    member_group: Option<GroupEntity>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct UserEntity {
    user_id: Option<i64>,
    username: Option<String>,
}

impl UserEntity {
    fn is_empty(&self) -> bool {
        self.user_id.unwrap_or_default() == 0
            && self.username.as_deref().unwrap_or_default().is_empty()
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "MemberGroup")]
struct GroupEntity {
    id: Option<i64>,
    group_name: Option<String>,
    /// 1 LDAP, 2 HTTP, 3 OIDC.
    group_type: Option<i64>,
    ldap_group_dn: Option<String>,
}

impl GroupEntity {
    fn is_empty(&self) -> bool {
        let names = [&self.group_name, &self.ldap_group_dn];
        self.id.unwrap_or_default() == 0
            && names
                .iter()
                .all(|name| name.as_deref().unwrap_or_default().is_empty())
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct RoleRequest {
    role_id: i64,
}

async fn list(
    State(catalog): State<Catalog>,
    Extension(facts): Extension<ProjectFacts>,
    page: Page,
    params: Params,
    uri: Uri,
) -> Result<Response, ApiError> {
    let name = params.text_or_empty("entityname");
    let (members, total) = catalog
        .list_members(facts.id, name, page.limit(), page.offset())
        .await?;
    let bodies: Vec<MemberBody> = members.into_iter().map(MemberBody::from).collect();
    Ok(list_response(&bodies, total.unsigned_abs(), &page, &uri))
}

async fn create(
    State(catalog): State<Catalog>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Json(request): Json<MemberRequest>,
) -> Result<impl IntoResponse, ApiError> {
    // Clients send an empty object of the other kind beside the one they mean.
    let user = request.member_user.filter(|user| !user.is_empty());
    let group = request.member_group.filter(|group| !group.is_empty());
    let entity = match (user, group) {
        (Some(user), None) => NewEntity::User {
            // Clients send 0 beside a name.
            id: user.user_id.filter(|id| *id != 0).map(UserId),
            name: user.username.unwrap_or_default(),
        },
        (None, Some(group)) => match group.id.filter(|id| *id != 0) {
            Some(id) => NewEntity::Group(GroupId(id)),
            None => NewEntity::NamedGroup(NewGroup {
                name: group.group_name.unwrap_or_default(),
                kind: group.group_type.unwrap_or_default(),
                ldap_dn: group.ldap_group_dn.unwrap_or_default(),
            }),
        },
        (None, None) => {
            return Err(ApiError::bad_request(
                "say who becomes a member: give member_user with a user_id or username, or member_group",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_request(
                "give member_user or member_group, not both",
            ));
        }
    };
    let new = NewMember {
        entity,
        role: request.role_id,
    };
    let id = catalog.create_member(&caller, &facts, new).await?;
    Ok(created(&format!(
        "/api/v2.0/projects/{}/members/{id}",
        facts.id
    )))
}

async fn read(
    State(catalog): State<Catalog>,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, mid)): Path<(String, String)>,
) -> Result<Json<MemberBody>, ApiError> {
    let mid = MemberId(id_in_path("mid", &mid)?);
    Ok(Json(catalog.get_member(&facts, mid).await?.into()))
}

async fn update(
    State(catalog): State<Catalog>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, mid)): Path<(String, String)>,
    Json(request): Json<RoleRequest>,
) -> Result<(), ApiError> {
    let mid = MemberId(id_in_path("mid", &mid)?);
    let updated = catalog.update_member(&caller, &facts, mid, request.role_id);
    Ok(updated.await?)
}

async fn remove(
    State(catalog): State<Catalog>,
    caller: Caller,
    Extension(facts): Extension<ProjectFacts>,
    Path((_, mid)): Path<(String, String)>,
) -> Result<(), ApiError> {
    let mid = MemberId(id_in_path("mid", &mid)?);
    Ok(catalog.delete_member(&caller, &facts, mid).await?)
}
