//! Harbor's user API.
//!
//! Invariant: an answer lists its fields, and a password or its hash is in none of them; a body
//! is read into a type that lists its fields too, so that nothing else can be set with it.

mod accounts;
mod current;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::routing::{MethodRouter, delete, get, post, put};
use berth_http::ApiError;
use berth_model::{Action, Resource, UserId};
use http::Method;
use serde::Serialize;

use crate::access::Permission;
use crate::endpoint::{Access, Endpoint};
use crate::users::Account;
use crate::{Caller, Iam, Refusal, User};

pub use current::ProjectLookup;

/// The routes under `/api/v2.0/users`.
///
/// `projects` finds what `/users/current/permissions` asks about a project.
pub fn endpoints(iam: Iam, projects: ProjectLookup) -> Vec<Endpoint> {
    const USERS: &str = "/api/v2.0/users";
    const USER: &str = "/api/v2.0/users/{user_id}";
    let user = |action| Permission::new(Resource::User, action);
    let route = |method, path, access, handler: MethodRouter<Iam>| {
        Endpoint::new(method, path, access, handler.with_state(iam.clone()))
    };
    vec![
        route(
            Method::GET,
            USERS,
            Access::System(user(Action::List)),
            get(accounts::list),
        ),
        // Harbor lets strangers register themselves with a session of the portal only.
        route(
            Method::POST,
            USERS,
            Access::System(user(Action::Create)),
            post(accounts::create),
        ),
        route(
            Method::GET,
            "/api/v2.0/users/current",
            Access::Authenticated,
            get(current::show),
        ),
        route(
            Method::GET,
            "/api/v2.0/users/current/permissions",
            Access::Authenticated,
            get(move |caller, query| current::permissions(projects, caller, query)),
        ),
        route(
            Method::GET,
            "/api/v2.0/users/search",
            Access::Authenticated,
            get(accounts::search),
        ),
        route(
            Method::GET,
            USER,
            Access::SelfOr(user(Action::Read)),
            get(accounts::show),
        ),
        route(
            Method::PUT,
            USER,
            Access::SelfOr(user(Action::Update)),
            put(accounts::update),
        ),
        route(
            Method::DELETE,
            USER,
            Access::System(user(Action::Delete)),
            delete(accounts::remove),
        ),
        route(
            Method::PUT,
            "/api/v2.0/users/{user_id}/sysadmin",
            Access::System(user(Action::Update)),
            put(accounts::set_sysadmin),
        ),
        route(
            Method::PUT,
            "/api/v2.0/users/{user_id}/password",
            Access::SelfOr(user(Action::Update)),
            put(accounts::set_password),
        ),
    ]
}

/// Harbor's `UserResp`.
#[derive(Serialize)]
struct UserAnswer {
    user_id: UserId,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    realname: String,
    comment: String,
    sysadmin_flag: bool,
    /// Whether an identity provider made the user an administrator; there is none.
    admin_role_in_auth: bool,
    creation_time: String,
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

/// A query string that does not fit is answered like a body that does not fit.
fn read<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    query
        .map(|Query(query)| query)
        .map_err(|rejection| ApiError::unprocessable(rejection.body_text()))
}
