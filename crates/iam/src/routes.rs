//! Harbor's API of users and their groups.
//!
//! Invariant: an answer lists its fields, and a password or its hash is in none of them; a body
//! is read into a type that lists its fields too, so that nothing else can be set with it.

mod accounts;
mod current;
mod groups;

pub use current::PermissionAnswer;

use axum::routing::{MethodRouter, delete, get, post, put};
use berth_http::ApiError;
use berth_model::{Action, Resource, UserId};
use http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::access::{Permission, Place};
use crate::endpoint::{Access, Endpoint};
use crate::operation::Operation;
use crate::users::Account;
use crate::{Caller, Iam, Refusal, User};

pub use current::ProjectLookup;

/// The routes under `/api/v2.0/users` and `/api/v2.0/usergroups`.
///
/// `projects` finds what `/users/current/permissions` asks about a project.
pub fn endpoints(iam: Iam, projects: ProjectLookup) -> Vec<Endpoint> {
    const USERS: &str = "/api/v2.0/users";
    const USER: &str = "/api/v2.0/users/{user_id}";
    let user = |action| Permission::new(Resource::User, action);
    let route = |method, path, access, handler: MethodRouter<Iam>, operation| {
        Endpoint::new(method, path, access, handler.with_state(iam.clone())).describe(operation)
    };
    let mut endpoints = groups::endpoints(&iam);
    endpoints.extend([
        route(
            Method::GET,
            USERS,
            Access::System(user(Action::List)),
            get(accounts::list),
            Operation::new("listUsers", "user", "List users")
                .paged()
                .answer::<Vec<UserAnswer>>(),
        ),
        route(
            Method::POST,
            USERS,
            Access::Registration(user(Action::Create)),
            post(accounts::create),
            Operation::new("createUser", "user", "Make a user")
                .body::<accounts::CreateBody>()
                .creates()
                .errors(&[409, 429]),
        ),
        route(
            Method::GET,
            "/api/v2.0/users/current",
            Access::Authenticated,
            get(current::show),
            Operation::new("getCurrentUserInfo", "user", "Read your own account")
                .answer::<UserAnswer>(),
        ),
        route(
            Method::GET,
            "/api/v2.0/users/current/permissions",
            Access::Authenticated,
            get(move |caller, query| current::permissions(projects, caller, query)),
            Operation::new(
                "getCurrentUserPermissions",
                "user",
                "List what you may do in a project",
            )
            .query::<current::Scope>()
            .answer::<Vec<current::PermissionAnswer>>(),
        ),
        route(
            Method::GET,
            "/api/v2.0/users/search",
            Access::Authenticated,
            get(accounts::search),
            Operation::new("searchUsers", "user", "Find users by a part of their name")
                .query::<accounts::SearchQuery>()
                .pages()
                .answer::<Vec<accounts::SearchAnswer>>()
                .errors(&[400, 403]),
        ),
        route(
            Method::GET,
            USER,
            Access::SelfOr(user(Action::Read)),
            get(accounts::show),
            Operation::new("getUser", "user", "Read a user").answer::<UserAnswer>(),
        ),
        route(
            Method::PUT,
            USER,
            Access::SelfOr(user(Action::Update)),
            put(accounts::update),
            Operation::new(
                "updateUserProfile",
                "user",
                "Change a user's e-mail address, real name and comment",
            )
            .body::<accounts::ProfileBody>()
            .errors(&[409]),
        ),
        route(
            Method::DELETE,
            USER,
            Access::System(user(Action::Delete)),
            delete(accounts::remove),
            Operation::new("deleteUser", "user", "Delete a user"),
        ),
        route(
            Method::PUT,
            "/api/v2.0/users/{user_id}/sysadmin",
            Access::System(user(Action::Update)),
            put(accounts::set_sysadmin),
            Operation::new(
                "setUserSysAdmin",
                "user",
                "Make a user an administrator, or no longer one",
            )
            .body::<accounts::SysadminBody>(),
        ),
        route(
            Method::PUT,
            "/api/v2.0/users/{user_id}/password",
            Access::SelfOr(user(Action::Update)),
            put(accounts::set_password),
            Operation::new("updateUserPassword", "user", "Set a user's password")
                .body::<accounts::PasswordBody>(),
        ),
    ]);
    endpoints
}

/// A user, as administrators and the user see it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserResp")]
struct UserAnswer {
    #[schemars(with = "i64")]
    user_id: UserId,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    realname: String,
    comment: String,
    sysadmin_flag: bool,
    /// Whether an identity provider made the user an administrator; there is none.
    admin_role_in_auth: bool,
    #[schemars(extend("format" = "date-time"))]
    creation_time: String,
    #[schemars(extend("format" = "date-time"))]
    update_time: String,
}

impl From<Account> for UserAnswer {
    fn from(account: Account) -> Self {
        Self {
            user_id: account.id,
            username: account.name,
            email: account.email,
            realname: account.realname,
            comment: account.comment,
            sysadmin_flag: account.sysadmin,
            admin_role_in_auth: false,
            creation_time: account.created_at.to_rfc3339(),
            update_time: account.updated_at.to_rfc3339(),
        }
    }
}

/// The user a route about users is called by.
fn user(caller: &Caller) -> Result<&User, ApiError> {
    let user = caller.actor.user();
    user.ok_or_else(|| Refusal::no_user(&caller.actor).into())
}

/// Any user may search users and groups; a robot if it was given these, or members to look for.
fn may_look_for_members(caller: &Caller, resource: Resource) -> Result<(), ApiError> {
    let Some(robot) = caller.actor.robot() else {
        return user(caller).map(drop);
    };
    let list = Permission::new(resource, Action::List);
    let member = Permission::new(Resource::Member, Action::Create);
    let held = robot.grants.parts().any(|(place, set)| match place {
        Place::System => set.contains(list),
        Place::EveryProject | Place::Project(_) => set.contains(member),
    });
    if held {
        Ok(())
    } else {
        Err(Refusal::of(&caller.actor, list, None).into())
    }
}
