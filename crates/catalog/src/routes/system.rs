//! What the system says about itself, the counts of everything.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use berth_http::{ApiError, Json};
use berth_iam::{Access, Caller, Endpoint, Operation};
use http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::SystemFacts;
use crate::Catalog;

#[derive(Clone)]
struct System {
    catalog: Catalog,
    facts: Arc<SystemFacts>,
}

pub(super) fn endpoints(catalog: &Catalog, facts: SystemFacts) -> Vec<Endpoint> {
    let system = System {
        catalog: catalog.clone(),
        facts: Arc::new(facts),
    };
    let get_of = |path, access, handler| Endpoint::new(Method::GET, path, access, handler);
    vec![
        get_of("/api/v2.0/ping", Access::Public, get(|| async { "Pong" })).describe(
            Operation::new("getPing", "ping", "Say that the server is there")
                .media_type("text/plain"),
        ),
        get_of("/api/version", Access::Public, get(api_version)),
        get_of(
            "/api/v2.0/systeminfo",
            Access::Public,
            get(info).with_state(system),
        )
        .describe(
            Operation::new("getSystemInfo", "systeminfo", "Describe this server")
                .answer::<InfoBody>(),
        ),
        get_of(
            "/api/v2.0/statistics",
            Access::Authenticated,
            get(statistics).with_state(catalog.clone()),
        )
        .describe(
            Operation::new(
                "getStatistic",
                "statistic",
                "Count projects and repositories",
            )
            .answer::<StatisticBody>(),
        ),
    ]
}

async fn api_version() -> Json<Value> {
    Json(json!({ "version": "v2.0" }))
}

/// What a login page needs, for everybody; the rest for users.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GeneralInfo")]
struct InfoBody {
    auth_mode: &'static str,
    primary_auth_mode: bool,
    self_registration: bool,
    banner_message: String,
    #[serde(flatten)]
    users: Option<UsersInfo>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct UsersInfo {
    #[schemars(extend("format" = "date-time"))]
    current_time: String,
    harbor_version: String,
    external_url: String,
    /// The host that images are named with.
    registry_url: String,
    registry_storage_provider_name: String,
    project_creation_restriction: &'static str,
    read_only: bool,
    has_ca_root: bool,
    notification_enable: bool,
}

async fn info(State(system): State<System>, caller: Caller) -> Json<InfoBody> {
    let settings = system.catalog.settings();
    let users = (!caller.actor.is_anonymous()).then(|| {
        let url = &system.facts.external_url;
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
        UsersInfo {
            current_time: system.catalog.clock().now().to_rfc3339(),
            harbor_version: system.facts.version.clone(),
            external_url: url.clone(),
            registry_url: host.trim_end_matches('/').to_owned(),
            registry_storage_provider_name: system.facts.storage.clone(),
            project_creation_restriction: settings.project_creation_restriction.as_str(),
            read_only: settings.read_only,
            has_ca_root: system.facts.ca_root,
            notification_enable: settings.notification_enable,
        }
    });
    Json(InfoBody {
        auth_mode: "db_auth",
        primary_auth_mode: false,
        self_registration: settings.self_registration,
        banner_message: settings.banner_message.clone(),
        users,
    })
}

/// How much there is. The totals are a system administrator's.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Statistic")]
struct StatisticBody {
    public_project_count: i64,
    public_repo_count: i64,
    private_project_count: i64,
    private_repo_count: i64,
    #[serde(flatten)]
    total: Option<Totals>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those on the wire")]
struct Totals {
    total_project_count: i64,
    total_repo_count: i64,
    total_storage_consumption: i64,
}

async fn statistics(
    State(catalog): State<Catalog>,
    caller: Caller,
) -> Result<Json<StatisticBody>, ApiError> {
    let found = catalog.statistics(&caller).await?;
    let total = found.complete.then_some(Totals {
        total_project_count: found.public_projects + found.private_projects,
        total_repo_count: found.public_repositories + found.private_repositories,
        total_storage_consumption: found.storage,
    });
    Ok(Json(StatisticBody {
        public_project_count: found.public_projects,
        public_repo_count: found.public_repositories,
        private_project_count: found.private_projects,
        private_repo_count: found.private_repositories,
        total,
    }))
}
