//! The routes of the API, each behind the gate it asks for.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use berth_catalog::SystemFacts;
use berth_config::Settings;
use berth_http::ApiError;
use berth_iam::{Access, Endpoint, Permission, ProjectLookup};
use berth_model::{Action, Code, Resource};
use berth_telemetry::Metrics;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};

use crate::enforce::{Gate, Guard, UNNOTED, enforce, identify};
use crate::{Parts, health, session, systeminfo};

/// Every route of the API with the access it asks for.
pub fn endpoints(parts: &Parts, settings: &Settings, metrics: &Arc<Metrics>) -> Vec<Endpoint> {
    let facts = SystemFacts {
        version: format!("v{}", env!("CARGO_PKG_VERSION")),
        external_url: settings.http.external_url.clone().unwrap_or_default(),
        storage: "filesystem".to_owned(),
        ca_root: settings.http.ca_file.is_some(),
    };
    let mut endpoints = berth_iam::endpoints(parts.iam.clone(), projects(parts));
    endpoints.extend(berth_catalog::endpoints(parts.catalog.clone(), facts));
    endpoints.extend(berth_catalog::robot_endpoints(&parts.catalog, &parts.iam));
    endpoints.extend(berth_registry::endpoints(parts.registry.clone()));
    endpoints.extend(berth_notify::endpoints(&parts.notify));
    endpoints.extend(berth_scanners::endpoints(&parts.scanners));
    endpoints.extend(berth_lifecycle::retention_endpoints(
        parts.retention.clone(),
    ));
    endpoints.extend(berth_vuln::endpoints(&parts.scanning));
    endpoints.extend(berth_jobs::endpoints(parts.jobs.clone()));
    endpoints.extend(berth_lifecycle::endpoints(&parts.lifecycle, &parts.jobs));
    endpoints.extend(health::endpoints(parts.db.clone(), parts.blobs.clone()));
    endpoints.extend(systeminfo::endpoints(settings));
    endpoints.extend(session::endpoints(&Gate {
        iam: parts.iam.clone(),
        catalog: parts.catalog.clone(),
    }));
    endpoints.push(metrics_endpoint(metrics));
    endpoints.extend(berth_portal::endpoints());
    endpoints.extend(crate::openapi::endpoints(&endpoints));
    endpoints
}

/// What a process answers that serves no clients.
pub(crate) fn endpoints_of_workers(parts: &Parts, metrics: &Arc<Metrics>) -> Vec<Endpoint> {
    let mut endpoints = health::endpoints(parts.db.clone(), parts.blobs.clone());
    endpoints.push(metrics_endpoint(metrics));
    endpoints
}

/// Open to all on a port of its own; here only to those who may see how the system does.
fn metrics_endpoint(metrics: &Arc<Metrics>) -> Endpoint {
    Endpoint::new(
        Method::GET,
        "/metrics",
        Access::System(Permission::new(Resource::SystemVolumes, Action::Read)),
        get(metrics_text).with_state(metrics.clone()),
    )
}

/// How the users' routes find projects, which belong to a crate above them.
fn projects(parts: &Parts) -> ProjectLookup {
    let catalog = parts.catalog.clone();
    Arc::new(move |actor, project| {
        let catalog = catalog.clone();
        Box::pin(async move { Ok(catalog.project_facts_by_id(&actor, project).await?) })
    })
}

pub(crate) async fn metrics_text(State(metrics): State<Arc<Metrics>>) -> Response {
    let kind = HeaderValue::from_static(Metrics::CONTENT_TYPE);
    ([(CONTENT_TYPE, kind)], metrics.encode()).into_response()
}

/// Puts the endpoints behind their gates.
pub(crate) fn build(endpoints: Vec<Endpoint>, gate: &Gate) -> Router {
    let mut router = Router::new();
    let paths: HashSet<&str> = endpoints.iter().map(|endpoint| endpoint.path).collect();
    for endpoint in endpoints {
        let guard = Guard {
            gate: gate.clone(),
            access: endpoint.access,
            changes: !UNNOTED.contains(&(endpoint.method.as_str(), endpoint.path)),
        };
        let handler = endpoint.handler.layer(from_fn_with_state(guard, enforce));
        // Clients of Harbor end the path of a list with a slash, too.
        let slashed = format!("{}/", endpoint.path);
        if endpoint.path.starts_with("/api/") && !paths.contains(slashed.as_str()) {
            router = router.route(&slashed, handler.clone());
        }
        router = router.route(endpoint.path, handler);
    }
    router
        .fallback(|| async { ApiError::new(Code::NotFound, "there is nothing at this path") })
        .layer(map_response(explain_method))
        .layer(from_fn_with_state(gate.clone(), identify))
}

/// A 405 without a word becomes an error like all others.
async fn explain_method(response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let allow = response.headers().get(http::header::ALLOW).cloned();
    let error = ApiError::new(Code::MethodNotAllowed, "this method is not allowed here");
    let mut response = error.into_response();
    if let Some(allow) = allow {
        response.headers_mut().insert(http::header::ALLOW, allow);
    }
    response
}
