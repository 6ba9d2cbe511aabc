//! The one place that decides who may use a route of the API.
//!
//! Each [`Endpoint`](berth_iam::Endpoint) states its access; this layer is put around every one of
//! them, so a handler runs only for callers that may.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use berth_catalog::Catalog;
use berth_http::{ApiError, ClientAddr};
use berth_iam::access::{allows, require, require_system};
use berth_iam::{Access, Actor, Caller, Entry, Iam, Permission, ProjectFacts, Refusal};
use berth_model::{Code, Resource};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, Method, StatusCode};

use crate::session::{self, Shown};

/// What the layers of the API need.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) iam: Iam,
    pub(crate) catalog: Catalog,
}

/// The gate in front of one endpoint.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) gate: Gate,
    pub(crate) access: Access,
    /// Whether what succeeds here belongs into the access log.
    pub(crate) changes: bool,
}

/// Requests that are unsafe by their method and need no line of their own in the access log.
pub(crate) const UNNOTED: &[(&str, &str)] = &[
    // It asks whether there is such a user.
    ("POST", "/c/userExists"),
    // A login is noted where the password is looked at, with those that fail.
    ("POST", "/c/login"),
];

const IS_RESOURCE_NAME: HeaderName = HeaderName::from_static("x-is-resource-name");

/// Finds out who calls, and stops changes while the system is read-only.
pub(crate) async fn identify(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match caller(&gate, &parts).await {
        Ok((caller, shown)) => {
            let mut request = Request::from_parts(parts, body);
            let name: Arc<str> = caller.actor.name().into();
            request.extensions_mut().insert(caller);
            let mut response = next.run(request).await;
            response.extensions_mut().insert(berth_http::Caller(name));
            if let Some(shown) = shown {
                session::prove(&shown, &mut response);
            }
            response
        }
        Err(error) => error.into_response(),
    }
}

async fn caller(gate: &Gate, parts: &Parts) -> Result<(Caller, Option<Shown>), ApiError> {
    let address = parts
        .extensions
        .get::<ClientAddr>()
        .map_or(std::net::IpAddr::from([127, 0, 0, 1]), |client| client.ip);
    let authorization = parts.headers.get(AUTHORIZATION);
    let (path, headers) = (parts.uri.path(), &parts.headers);
    // Credentials that were sent on purpose come before a cookie that goes along by itself.
    let shown = match authorization {
        Some(_) => None,
        None => session::show(gate, &parts.method, path, headers).await?,
    };
    let actor = match &shown {
        Some(shown) => Actor::User(shown.user.clone()),
        None => gate.iam.authenticate(authorization, address).await?,
    };
    if matches!(actor, Actor::Token(_)) {
        return Err(ApiError::new(
            Code::Unauthorized,
            "a registry token is not accepted here: use your user name and password",
        ));
    }
    let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    // The switch itself must stay within reach, and so the way to it.
    let switch = path == "/api/v2.0/configurations" || path.starts_with("/c/");
    if !safe && !switch && gate.catalog.settings().read_only {
        return Err(ApiError::new(
            Code::Denied,
            "the system is in read-only mode: nothing can be changed now",
        ));
    }
    Ok((Caller::new(actor, address), shown))
}

/// Lets a request through to its handler if its caller has the access the endpoint states.
pub(crate) async fn enforce(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let attempt = Attempt::of(&guard, &request);
    match admit(&guard, request).await {
        Ok(request) => {
            let response = next.run(request).await;
            if response.status().is_success()
                && guard.changes
                && let Some(attempt) = attempt
                && !attempt.caller.is_noted()
            {
                attempt.record_done(&guard.gate.catalog).await;
            }
            response
        }
        Err(error) => {
            let response = error.into_response();
            if response.status() == StatusCode::FORBIDDEN
                && let Some(attempt) = attempt
                && attempt.permission.is_some()
            {
                attempt.record_refused(&guard.gate.catalog);
            }
            response
        }
    }
}

/// A change that somebody who is known asks for.
struct Attempt {
    caller: Caller,
    method: Method,
    path: String,
    /// What the route asks for, where the route alone says it.
    permission: Option<Permission>,
}

impl Attempt {
    fn of(guard: &Guard, request: &Request) -> Option<Self> {
        let permission = match guard.access {
            Access::System(permission)
            | Access::Registration(permission)
            | Access::Project(permission)
            | Access::ProjectEither(permission, _)
            | Access::SelfOr(permission) => Some(permission),
            _ => None,
        };
        let method = request.method().clone();
        if matches!(method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return None;
        }
        let caller = request.extensions().get::<Caller>()?.clone();
        if caller.actor.is_anonymous() {
            return None;
        }
        Some(Self {
            caller,
            method,
            path: request.uri().path().to_owned(),
            permission,
        })
    }

    /// Writes down that it was refused; the recorder bounds how much of this is kept.
    fn record_refused(self, catalog: &Catalog) {
        let entry = self.entry(catalog);
        let entry = entry.saying("refused for lack of rights").refused();
        catalog.recorder().record(entry);
    }

    /// Writes down what succeeded and nobody has written a line of: whatever a handler forgets,
    /// the log says that it was done.
    async fn record_done(self, catalog: &Catalog) {
        let entry = self.entry(catalog);
        catalog.recorder().record_waiting(entry).await;
    }

    fn entry(self, catalog: &Catalog) -> Entry {
        let operation = match self.method {
            Method::DELETE => "delete",
            Method::POST => "create",
            _ => "update",
        };
        // Harbor calls a project itself "self".
        let resource_type = match self.permission.map(|permission| permission.resource) {
            Some(Resource::Project) => "project",
            Some(other) => other.as_str(),
            // The collection: /api/v2.0/labels/7 is of "labels".
            None => {
                let mut parts = self.path.split('/').skip(3);
                parts.next().unwrap_or("request")
            }
        }
        .to_owned();
        let now = catalog.now();
        Entry::by(&self.caller, operation, &resource_type, now).on(self.path)
    }
}

async fn admit(guard: &Guard, request: Request) -> Result<Request, ApiError> {
    let (mut parts, body) = request.into_parts();
    let Some(caller) = parts.extensions.get::<Caller>().cloned() else {
        return Err(ApiError::new(Code::Unauthorized, "log in to use this"));
    };
    let actor = &caller.actor;
    match guard.access {
        Access::Public => {}
        Access::Authenticated | Access::ByObject => {
            if actor.is_anonymous() {
                return Err(ApiError::new(Code::Unauthorized, "log in to use this"));
            }
        }
        Access::System(permission) => require_system(actor, permission)?,
        Access::Registration(permission) => {
            if !(actor.is_anonymous() && guard.gate.iam.visitors_may_register()) {
                require_system(actor, permission)?;
            }
        }
        Access::SelfOr(permission) => {
            let params = params(&mut parts).await?;
            let own = actor.user_id().is_some_and(|id| {
                params
                    .iter()
                    .any(|(name, value)| name == "user_id" && value == id.to_string())
            });
            if !own {
                require_system(actor, permission)?;
            }
        }
        Access::Project(permission) => {
            let facts = project(guard, actor, &mut parts, &[permission]).await?;
            parts.extensions.insert(facts);
        }
        Access::ProjectEither(one, other) => {
            let facts = project(guard, actor, &mut parts, &[one, other]).await?;
            parts.extensions.insert(facts);
        }
    }
    Ok(Request::from_parts(parts, body))
}

async fn params(parts: &mut Parts) -> Result<RawPathParams, ApiError> {
    RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| ApiError::new(Code::BadRequest, "the path is not readable"))
}

/// The project that the path names, if the caller holds one of the permissions in it.
async fn project(
    guard: &Guard,
    actor: &Actor,
    parts: &mut Parts,
    permissions: &[Permission],
) -> Result<ProjectFacts, ApiError> {
    let by_name = parts
        .headers
        .get(IS_RESOURCE_NAME)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    let params = params(parts).await?;
    let named = params.iter().find_map(|(name, value)| match name {
        "project_name" => Some((value, true)),
        "project_name_or_id" => Some((value, by_name)),
        _ => None,
    });
    let (Some((named, is_name)), Some(first)) = (named, permissions.first()) else {
        return Err(ApiError::new(Code::BadRequest, "the path names no project"));
    };
    let facts = guard.gate.catalog.resolve(actor, named, is_name).await?;
    match facts {
        Some(facts) => {
            // What a refusal names is the first.
            let held = permissions.iter().find(|it| allows(actor, &facts, **it));
            require(actor, &facts, held.copied().unwrap_or(*first))?;
            Ok(facts)
        }
        // Only those who see everything are told that there is no such project.
        None if actor.user().is_some_and(|user| user.sysadmin) => Err(ApiError::new(
            Code::NotFound,
            format!("project {named} not found"),
        )),
        None => Err(Refusal::of(actor, *first, Some(named)).into()),
    }
}

#[cfg(test)]
mod tests;
