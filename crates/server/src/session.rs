//! Signing in and out with a browser: `/c/login`, `/c/log_out`, `/c/userExists`, the cookie `sid`,
//! and the proof that a change comes from a page of this server.
//!
//! Invariant: a cookie alone changes nothing. Whoever changes something by cookie sends beside it
//! what only a page of the same session can have read; and signing in always makes a new session,
//! so that nobody can plant one.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use berth_http::{ApiError, ClientAddr, Json};
use berth_iam::access::require_system;
use berth_iam::{Access, Actor, Caller, Endpoint, Entry, Permission, SessionToken, User};
use berth_model::{Action, Code, Limits, Resource, Secret};
use http::header::{CACHE_CONTROL, COOKIE, HOST, HeaderMap, HeaderValue, ORIGIN, SET_COOKIE};
use http::{HeaderName, Method, StatusCode};
use serde::Deserialize;

use crate::enforce::Gate;

/// What a page sends with a change, and what it reads it from.
pub(crate) const PROOF: HeaderName = HeaderName::from_static("x-harbor-csrf-token");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
pub(crate) const COOKIE_NAME: &str = "sid";
/// [`PROOF`] as it is written.
pub(crate) const PROOF_NAME: &str = "X-Harbor-CSRF-Token";
const LOGIN: &str = "/c/login";
/// Longest name that is asked for, bytes.
const LONGEST_VALUE: usize = 255;

/// A session that a request showed.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) user: Arc<User>,
    pub(crate) token: SessionToken,
}

pub(crate) fn endpoints(gate: &Gate) -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            Method::POST,
            LOGIN,
            Access::Public,
            post(login).with_state(gate.clone()),
        ),
        Endpoint::new(
            Method::GET,
            "/c/log_out",
            Access::Public,
            get(log_out).with_state(gate.clone()),
        ),
        Endpoint::new(
            Method::POST,
            "/c/userExists",
            Access::Public,
            post(user_exists).with_state(gate.clone()),
        ),
    ]
}

/// The token in the request's cookie.
fn cookie(headers: &HeaderMap) -> Option<SessionToken> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE_NAME && !value.is_empty())
        .map(|(_, value)| SessionToken::sent(value))
}

/// The session that a request shows, if it is one and is not over.
///
/// # Errors
/// 403 for a change without the proof.
pub(crate) async fn show(
    gate: &Gate,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<Option<Shown>, ApiError> {
    let Some(token) = cookie(headers) else {
        return Ok(None);
    };
    let minutes = gate.catalog.settings().session_timeout.unsigned_abs();
    let idle = Duration::from_secs(60 * minutes);
    let Some(user) = gate.iam.session(&token, idle).await? else {
        return Ok(None);
    };
    // Who signs in again has no page of the new session yet.
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) || path == LOGIN;
    let proved = headers
        .get(PROOF)
        .is_some_and(|sent| token.is_proved_by(sent.as_bytes()));
    if !safe && !proved {
        return Err(ApiError::new(
            Code::Forbidden,
            "a change by cookie needs the X-Harbor-CSRF-Token that the last answer had",
        ));
    }
    Ok(Some(Shown { user, token }))
}

/// Gives the page of a session what it has to send with its changes.
pub(crate) fn prove(shown: &Shown, response: &mut Response) {
    if let Ok(proof) = HeaderValue::from_str(&shown.token.proof()) {
        response.headers_mut().insert(PROOF, proof);
    }
}

/// Whether a browser says that a page of another server sends this.
fn is_foreign(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(FETCH_SITE) {
        return !matches!(site.as_bytes(), b"same-origin" | b"same-site" | b"none");
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(ORIGIN), text(HOST)) {
        (Some(origin), Some(host)) => {
            let origin = origin.split_once("://").map_or(origin, |(_, rest)| rest);
            !origin.eq_ignore_ascii_case(host)
        }
        _ => false,
    }
}

fn set_cookie(value: &str, https: bool, over: bool) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let over = if over { "; Max-Age=0" } else { "" };
    let text = format!("{COOKIE_NAME}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{over}");
    HeaderValue::from_str(&text).ok()
}

fn is_https(request: &Request) -> bool {
    request
        .extensions()
        .get::<ClientAddr>()
        .is_some_and(|client| client.https)
}

async fn form<T: for<'de> Deserialize<'de>>(body: Body) -> Result<T, ApiError> {
    let bytes = to_bytes(body, Limits::TOKEN_BODY_BYTES)
        .await
        .map_err(|_| ApiError::bad_request("the form cannot be read, or is too long"))?;
    serde_urlencoded::from_bytes(&bytes)
        .map_err(|error| ApiError::bad_request(format!("the form cannot be read: {error}")))
}

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    principal: String,
    #[serde(default)]
    password: String,
}

async fn login(
    State(gate): State<Gate>,
    caller: Caller,
    request: Request,
) -> Result<Response, ApiError> {
    if is_foreign(request.headers()) {
        return Err(ApiError::new(
            Code::Forbidden,
            "sign in from a page of this server",
        ));
    }
    let (before, https) = (cookie(request.headers()), is_https(&request));
    let Login {
        principal,
        password,
    } = form(request.into_body()).await?;
    let password = Secret::new(password);
    if principal.is_empty() || password.expose().is_empty() {
        return Err(ApiError::bad_request(
            "principal and password must be given, as a form",
        ));
    }
    let user = gate
        .iam
        .login(&principal, &password, caller.address)
        .await?;
    // A new one, whatever the browser had: nobody can have planted it.
    if let Some(before) = before {
        gate.iam.end_session(&before).await?;
    }
    let token = gate.iam.begin_session(&user).await?;
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = set_cookie(token.expose(), https, false) {
        headers.insert(SET_COOKIE, cookie);
    }
    prove(&Shown { user, token }, &mut response);
    Ok(response)
}

async fn log_out(
    State(gate): State<Gate>,
    caller: Caller,
    request: Request,
) -> Result<Response, ApiError> {
    if let Some(token) = cookie(request.headers()) {
        gate.iam.end_session(&token).await?;
        if let Actor::User(user) = &caller.actor {
            let now = gate.catalog.now();
            let entry = Entry::by(&caller, "logout", "user", now).on(&user.name);
            gate.catalog.recorder().record(entry);
        }
    }
    let mut response = StatusCode::OK.into_response();
    if let Some(cookie) = set_cookie("", is_https(&request), true) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    target: String,
    #[serde(default)]
    value: String,
}

/// Whether a name or e-mail address is taken: for administrators, and for visitors where they may
/// make an account; nobody else learns who has one.
async fn user_exists(
    State(gate): State<Gate>,
    caller: Caller,
    request: Request,
) -> Result<Json<bool>, ApiError> {
    if !gate.catalog.settings().self_registration {
        require_system(&caller.actor, Permission::new(Resource::User, Action::List))?;
    }
    let Wanted { target, value } = form(request.into_body()).await?;
    if !matches!(target.as_str(), "username" | "email") || value.len() > LONGEST_VALUE {
        return Err(ApiError::bad_request(
            "target must be username or email, and value a text",
        ));
    }
    let found = gate.iam.users().find(&value).await?;
    let taken = found.is_some_and(|account| match target.as_str() {
        "username" => account.name == value,
        _ => account.email.as_deref() == Some(value.as_str()),
    });
    Ok(Json(taken))
}
