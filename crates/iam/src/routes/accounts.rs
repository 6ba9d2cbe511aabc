//! `/users` and `/users/{user_id}`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use berth_http::{ApiError, Json, Page, Query, list_response};
use berth_model::{Resource, Secret, UserId, UserName};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{UserAnswer, may_look_for_members, user};
use crate::users::{NewUser, Profile, UserQuery};
use crate::{Author, Caller, Iam, IamError};

/// A password as it is sent: never printed.
type Password = Secret<String>;

#[derive(Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: String,
}

pub(super) async fn list(
    State(iam): State<Iam>,
    uri: Uri,
    Query(query): Query<ListQuery>,
    page: Page,
) -> Result<Response, ApiError> {
    let query = UserQuery::parse(&query.q, &query.sort)?;
    let (accounts, total) = iam
        .users()
        .list(&query, page.limit(), page.offset())
        .await?;
    let answers: Vec<UserAnswer> = accounts.into_iter().map(UserAnswer::from).collect();
    Ok(list_response(&answers, total, &page, &uri))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct SearchQuery {
    /// A part of the user's name.
    username: String,
}

/// All that others may know of a user.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserSearchRespItem")]
pub(super) struct SearchAnswer {
    #[schemars(with = "i64")]
    user_id: UserId,
    username: String,
}

pub(super) async fn search(
    State(iam): State<Iam>,
    caller: Caller,
    uri: Uri,
    query: Result<Query<SearchQuery>, ApiError>,
    page: Page,
) -> Result<Response, ApiError> {
    may_look_for_members(&caller, Resource::User)?;
    let Query(query) = query?;
    let (accounts, total) = iam.users().search(&query.username, page.limit()).await?;
    let answers: Vec<SearchAnswer> = accounts
        .into_iter()
        .map(|account| SearchAnswer {
            user_id: account.id,
            username: account.name,
        })
        .collect();
    // Harbor always answers with the first page of a search.
    let page = Page { page: 1, ..page };
    Ok(list_response(&answers, total, &page, &uri))
}

/// No robot changes the account of a system administrator: it would gain what it was not given.
async fn not_over_its_head(iam: &Iam, caller: &Caller, id: UserId) -> Result<(), ApiError> {
    if caller.actor.robot().is_some() && iam.users().get(id).await?.sysadmin {
        let why = "a robot cannot change the account of a system administrator";
        return Err(IamError::Protected(why).into());
    }
    Ok(())
}

/// A user to be made.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UserCreationReq")]
pub(super) struct CreateBody {
    username: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    realname: String,
    #[serde(default)]
    comment: String,
    #[schemars(with = "String", extend("format" = "password"))]
    password: Password,
}

pub(super) async fn create(
    State(iam): State<Iam>,
    caller: Caller,
    Json(body): Json<CreateBody>,
) -> Result<Response, ApiError> {
    let name = UserName::try_from(body.username).map_err(IamError::from)?;
    let author = if caller.actor.is_anonymous() {
        iam.count_registration(caller.address)?;
        Author::user(name.as_str(), caller.address)
    } else {
        Author::from(&caller)
    };
    iam.check_free_of_robots(&name)?;
    let id = iam
        .users()
        .create(
            NewUser {
                name,
                profile: Profile {
                    email: body.email,
                    realname: body.realname,
                    comment: body.comment,
                },
                password: body.password,
            },
            &author,
        )
        .await?;
    let location = HeaderValue::try_from(format!("/api/v2.0/users/{id}"))
        .map_err(|error| ApiError::new(berth_model::Code::Unknown, error.to_string()))?;
    Ok((StatusCode::CREATED, [(LOCATION, location)]).into_response())
}

pub(super) async fn show(
    State(iam): State<Iam>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let account = iam.users().get(user_id(&id)?).await?;
    Ok(Json(UserAnswer::from(account)).into_response())
}

/// What users may change of themselves.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UserProfile")]
pub(super) struct ProfileBody {
    #[serde(default)]
    email: String,
    #[serde(default)]
    realname: String,
    #[serde(default)]
    comment: String,
}

pub(super) async fn update(
    State(iam): State<Iam>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<ProfileBody>,
) -> Result<(), ApiError> {
    let profile = Profile {
        email: body.email,
        realname: body.realname,
        comment: body.comment,
    };
    let id = user_id(&id)?;
    not_over_its_head(&iam, &caller, id).await?;
    let by = Author::from(&caller);
    Ok(iam.users().update_profile(id, profile, &by).await?)
}

pub(super) async fn remove(
    State(iam): State<Iam>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(), ApiError> {
    let id = user_id(&id)?;
    not_over_its_head(&iam, &caller, id).await?;
    let by = Author::from(&caller);
    let own = caller.actor.user_id();
    Ok(iam.users().remove(id, own, &by).await?)
}

/// Whether a user is an administrator.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "UserSysAdminFlag")]
pub(super) struct SysadminBody {
    /// Harbor's Go client leaves out what is false.
    #[serde(default)]
    sysadmin_flag: bool,
}

pub(super) async fn set_sysadmin(
    State(iam): State<Iam>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<SysadminBody>,
) -> Result<(), ApiError> {
    // Never by a robot: it would make itself an administrator.
    user(&caller)?;
    let id = user_id(&id)?;
    let by = Author::from(&caller);
    let flag = body.sysadmin_flag;
    Ok(iam.users().set_sysadmin(id, flag, &by).await?)
}

/// A password to be set.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PasswordReq")]
pub(super) struct PasswordBody {
    /// The one in use; administrators who set another's leave it out.
    #[serde(default)]
    #[schemars(with = "String", extend("format" = "password"))]
    old_password: Password,
    #[schemars(with = "String", extend("format" = "password"))]
    new_password: Password,
}

pub(super) async fn set_password(
    State(iam): State<Iam>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<PasswordBody>,
) -> Result<(), ApiError> {
    let id = user_id(&id)?;
    not_over_its_head(&iam, &caller, id).await?;
    if caller.actor.user_id() == Some(id) {
        // An open session or a leaked cookie is not enough to take an account over.
        let address = caller.address;
        // Its line is written where the old password is looked at.
        caller.note();
        iam.change_password(id, &body.old_password, &body.new_password, address)
            .await?;
    } else {
        let by = Author::from(&caller);
        iam.users()
            .set_password(id, &body.new_password, &by)
            .await?;
    }
    Ok(())
}

fn user_id(text: &str) -> Result<UserId, ApiError> {
    text.parse().map(UserId).map_err(|_| {
        ApiError::unprocessable(format!("user_id in path must be a number, not {text:?}"))
    })
}
